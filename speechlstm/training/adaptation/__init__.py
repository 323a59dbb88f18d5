"""A recogniser of one's own from minutes of speech, starting from another: `adapt`.

adapt           the public call, which goes through the steps
work            the folder in which each step leaves its files, so that a call can go on
adaptation      what all steps need; clock: the time left

The steps:

recordings      from a folder or manifest to what can be learnt from and what is held out;
                language: the base's alphabet, or another
decoder         lexicon and n-grams of the base, with the user's words and sentences
train           plan: which layers, how fast, how long; folds: how many epochs, by cross-validation
export          a verified bundle; keeping: a share of what the base knows
tune            decoder settings; comparison: errors before and after; plot: as a picture
"""
