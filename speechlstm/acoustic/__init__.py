"""The acoustic model, run by LiteRT: from audio to log-probabilities.

model     whole utterances
carried   utterances that come block by block
"""

from speechlstm.acoustic.carried import NUM_SAMPLES, SAMPLES, CarriedUtterance, StreamingModel
from speechlstm.acoustic.model import AcousticModel, LiteRTAcousticModel, check_rate, network_inputs
