"""Finds the settings of a decoder on recordings with known transcripts: `tune`.

tune      the search as a whole, from a bundle and manifests to a decoder
search    which settings to try next
trials    decodes all utterances with given settings, in several processes
worker    what each process does
"""

from speechlstm.evaluation.tuning.search import BEAM_WIDTHS as BEAM_WIDTHS
from speechlstm.evaluation.tuning.search import NEURAL_LM_WEIGHTS as NEURAL_LM_WEIGHTS
from speechlstm.evaluation.tuning.search import fewest as fewest
from speechlstm.evaluation.tuning.search import least_changed as least_changed
from speechlstm.evaluation.tuning.trials import Trial as Trial
from speechlstm.evaluation.tuning.tune import Tuned as Tuned
from speechlstm.evaluation.tuning.tune import tune as tune
from speechlstm.evaluation.tuning.wer_surface import is_surface as is_surface
from speechlstm.evaluation.tuning.wer_surface import plot_surface as plot_surface
