"""Speech recognition you train yourself: MFCC, bidirectional LSTM and CTC.

>>> import speechlstm
>>> recognizer = speechlstm.Recognizer.load("english")
>>> transcript = recognizer.transcribe_file("data/samples/date.wav")
>>> transcript.text
'july fourth seventeen seventy six'
>>> print(transcript.to_srt())
1
00:00:00,... --> 00:00:02,...
july fourth seventeen seventy six

Importing the package costs nothing: the names below load their module when first used, and none
of them imports TensorFlow. Training lives in `speechlstm.training` (extra ``train``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speechlstm.audio import Audio as Audio
    from speechlstm.audio import read_audio as read_audio
    from speechlstm.config import DecodeConfig as DecodeConfig
    from speechlstm.errors import SpeechLSTMError as SpeechLSTMError
    from speechlstm.recognizer import Recognizer as Recognizer
    from speechlstm.transcript import Hypothesis as Hypothesis
    from speechlstm.transcript import Transcript as Transcript
    from speechlstm.transcript import Word as Word

__version__ = "0.2.0"

_HOME = {
    "Audio": "speechlstm.audio",
    "DecodeConfig": "speechlstm.config",
    "Hypothesis": "speechlstm.transcript",
    "Recognizer": "speechlstm.recognizer",
    "SpeechLSTMError": "speechlstm.errors",
    "Transcript": "speechlstm.transcript",
    "Word": "speechlstm.transcript",
    "read_audio": "speechlstm.audio",
}

__all__ = [
    "Audio",
    "DecodeConfig",
    "Hypothesis",
    "Recognizer",
    "SpeechLSTMError",
    "Transcript",
    "Word",
    "__version__",
    "read_audio",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
