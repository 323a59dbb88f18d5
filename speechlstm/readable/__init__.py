"""Readable text: capitals, punctuation and figures, from recognised words and their pauses.

writer       from recognised words to readable text
punctuation  the network for capitals and marks; features: its input; marked_text: words as it
             writes them
expressions  the grammar of figures: speech (which words belong together), numbers, pairs, digits,
             amounts, dates, idioms
"""
