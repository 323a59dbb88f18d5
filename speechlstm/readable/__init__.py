"""Readable text: capitals, punctuation and numbers, from recognised words and their pauses."""
