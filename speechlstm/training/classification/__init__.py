"""Classification of utterances: the layers of the acoustic model below a pooled head.

network   the encoder, mean and standard deviation over time, one output layer
corpus    the utterances of manifests, each with its class
run       the folder of a run
trainer   updates as for an acoustic model, accuracy in place of error rates
recipe    from manifests to a run
transfer  the weights to start from, a recogniser's or another classifier's
trained   a trained network, of a run or a bundle
export    from a run to a bundle, verified as that of an acoustic model is
"""
