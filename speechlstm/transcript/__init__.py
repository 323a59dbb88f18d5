"""What a recogniser returns, and the formats it can be written in."""

from speechlstm.transcript.types import AlignedLine as AlignedLine
from speechlstm.transcript.types import Hypothesis as Hypothesis
from speechlstm.transcript.types import Token as Token
from speechlstm.transcript.types import Transcript as Transcript
from speechlstm.transcript.types import Word as Word
