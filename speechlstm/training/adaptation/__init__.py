"""A recogniser of one's own from minutes of speech, starting from another: `adapt`.

adapt           the public call
steps           what it does, in order; each step's files are kept, so that it can go on
work            the folder of these files
recordings      from a folder or manifest to what can be learnt from and what is held out
plan            which layers, how fast, how long, by the amount of speech
folds           how many epochs, by cross-validation
decoder         lexicon and n-grams of the base, with the user's words and sentences
language        the base's alphabet, or another
comparison      errors before and after; plot: as a picture
"""
