"""Finds the settings of a decoder on recordings with known transcripts: `tune`.

tune      the search as a whole, from a bundle and manifests to a decoder
search    which settings to try next
trials    decodes all utterances with given settings, in several processes
worker    what each process does
"""

from speechlstm.evaluation.tuning.search import (
    BEAM_WIDTHS,
    NEURAL_LM_WEIGHTS,
    fewest,
    least_changed,
)
from speechlstm.evaluation.tuning.trials import Trial
from speechlstm.evaluation.tuning.tune import Tuned, tune
from speechlstm.evaluation.tuning.wer_surface import is_surface, plot_surface
