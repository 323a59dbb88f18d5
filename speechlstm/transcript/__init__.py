"""What a recogniser returns, and the formats it can be written in."""

from speechlstm.transcript.transcript import Transcript as Transcript
from speechlstm.transcript.words import AlignedLine as AlignedLine
from speechlstm.transcript.words import Hypothesis as Hypothesis
from speechlstm.transcript.words import Token as Token
from speechlstm.transcript.words import Word as Word
