"""Averages with the base, of weights and of label priors: how much of it is kept."""

from dataclasses import replace

import numpy as np

from speechlstm.decoding.prior import Prior
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.acoustic.run import Run
from speechlstm.training.engine.checkpoint import load_checkpoint


def averaged(run: Run, keep: float) -> AcousticModel:
    """The best weights of a run, averaged with those it started from (WiSE-FT).

    Wortsman et al., Robust fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903: the
    average of a network before and after fine-tuning is good on both kinds of data.

    Args:
        keep: The weight of those that it started from, 0..1.
    """
    model = run.best_network()
    if keep:
        start = run.new_network()
        load_checkpoint(run.initial, {"model": start.variables})
        for ours, theirs in zip(model.weights, start.weights, strict=True):
            ours.assign((1 - keep) * ours + keep * theirs)
    return model


def mixed_prior(base: Prior, own: Prior, keep: float) -> Prior:
    """The average of two priors of the labels.

    Args:
        base: The prior of the base.
        own: The prior on the user's recordings.
        keep: The weight of the base, 0..1.
    """
    mixed = keep * np.exp(base.log_probs) + (1 - keep) * np.exp(own.log_probs)
    return replace(own, log_probs=tuple(np.log(mixed / mixed.sum()).round(6).tolist()))
