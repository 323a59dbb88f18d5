"""The acoustic model, run by LiteRT: from audio to log-probabilities.

model      whole utterances
streaming  utterances that come block by block
"""

from speechlstm.acoustic.model import (
    AcousticModel,
    LiteRTAcousticModel,
    check_rate,
    levelled,
    network_inputs,
)
from speechlstm.acoustic.streaming import NUM_SAMPLES, SAMPLES, StreamingModel, StreamingUtterance
