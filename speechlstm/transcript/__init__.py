"""What a recogniser returns, and the formats it can be written in.

transcript  `Transcript`; words: `Word`, `Hypothesis` and what else is in it
formats     of all kinds; subtitles (layout: how words become them; line_breaks), rttm
folder      writes the transcripts of many recordings
"""

from speechlstm.transcript.transcript import Transcript as Transcript
from speechlstm.transcript.words import AlignedLine as AlignedLine
from speechlstm.transcript.words import Hypothesis as Hypothesis
from speechlstm.transcript.words import Token as Token
from speechlstm.transcript.words import Word as Word
