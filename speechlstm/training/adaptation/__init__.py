"""Adaptation of a recogniser to a user's recordings, often minutes of speech: `adapt`.

adapt           the public call, which runs the steps
work            the folder of intermediate files, from which an interrupted call continues
adaptation      what all steps need; time_left: an estimate of the remaining time

The steps:

recordings      from a folder or manifest to a training and a held-out manifest;
                alphabet: that of the base, or a new one
decoder         lexicon and n-gram model of the base, with the user's words and sentences
train           plan: layers, learning rate, epochs; folds: the epochs by cross-validation
export          a verified bundle, its weights averaged with those of the base
tune            decoder settings; comparison: errors before and after; plot: as a picture
"""
