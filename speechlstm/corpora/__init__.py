"""Corpora: manifests of recordings with their transcripts.

utterance  an entry of a manifest
manifest   a list of them; columns: a million of them in memory
build      from a folder of recordings and texts
imported   from layouts of others, by importers; download, unpacking: from elsewhere
check      faults; overlap: recordings that manifests share
sentences  of manifests and texts
split      in two without a common speaker
stats      hours, speakers, words
survey     what a report on a corpus tells: sound, fingerprint (the same sound twice)
shards     recordings in tar archives
"""
