"""The acoustic model, run by LiteRT: from audio to log-probabilities.

model     whole utterances
carried   utterances that come block by block
"""

from speechlstm.acoustic.carried import NUM_SAMPLES as NUM_SAMPLES
from speechlstm.acoustic.carried import SAMPLES as SAMPLES
from speechlstm.acoustic.carried import CarriedUtterance as CarriedUtterance
from speechlstm.acoustic.carried import StreamingModel as StreamingModel
from speechlstm.acoustic.model import AcousticModel as AcousticModel
from speechlstm.acoustic.model import LiteRTAcousticModel as LiteRTAcousticModel
from speechlstm.acoustic.model import check_rate as check_rate
from speechlstm.acoustic.model import network_inputs as network_inputs
