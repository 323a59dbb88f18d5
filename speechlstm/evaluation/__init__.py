"""Evaluation of recognisers, and tuning of their decoders.

Modules in the order in which to read them:

metrics         alignments of words, error counts and rates
report          the result of an evaluation; rates: phones, entities and others beside WER and CER
evaluate        transcribes a manifest and scores it
score           scores files of transcripts (transcript_files, nist_files, transcript_entry), paired
                by their names (pairing); readable: with case and punctuation
report_page     a report as a page: report_charts, conditions (loudness and noise of recordings)
report_file     reads reports that were written as JSON
comparison      of several reports: comparison_text, comparison_page; significance has the tests
tuning          finds the settings of a decoder

Of other things: classification (confusion_plot), diarization, data_report (a corpus; data_page).
"""
