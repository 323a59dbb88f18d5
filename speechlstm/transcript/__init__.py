"""What a recogniser returns, and how it is written down."""

from speechlstm.transcript.types import Hypothesis as Hypothesis
from speechlstm.transcript.types import Transcript as Transcript
from speechlstm.transcript.types import Word as Word
