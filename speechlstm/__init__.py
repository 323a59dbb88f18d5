"""Speech recognition you train yourself: MFCC features, a bidirectional LSTM and CTC.

>>> import speechlstm
>>> recognizer = speechlstm.Recognizer.load("english")
>>> transcript = recognizer.transcribe_file("data/samples/date.wav")
>>> transcript.text
'july fourth seventeen seventy six'
>>> print(transcript.to_srt())
1
00:00:00,... --> 00:00:02,...
july fourth seventeen seventy six

Importing the package is fast, because the names below are imported when they are first used. None
of them imports TensorFlow. Training is in `speechlstm.training` (extra ``train``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speechlstm import audio as audio
    from speechlstm import config as config
    from speechlstm import errors as errors
    from speechlstm import transcript as transcript
    from speechlstm.audio import Audio as Audio
    from speechlstm.audio import read_audio as read_audio
    from speechlstm.classification import Classification as Classification
    from speechlstm.classification import Classifier as Classifier
    from speechlstm.config import DecodeConfig as DecodeConfig
    from speechlstm.config import HotWord as HotWord
    from speechlstm.errors import SpeechLSTMError as SpeechLSTMError
    from speechlstm.recognizer import Recognizer as Recognizer
    from speechlstm.recognizer import Segment as Segment
    from speechlstm.text.phrases import Phrase as Phrase
    from speechlstm.transcript import Hypothesis as Hypothesis
    from speechlstm.transcript import Token as Token
    from speechlstm.transcript import Transcript as Transcript
    from speechlstm.transcript import Word as Word
    from speechlstm.transcript.layout import SubtitleLayout as SubtitleLayout

__version__ = "0.2.0"

_MODULES = {
    "Audio": "speechlstm.audio",
    "Classification": "speechlstm.classification",
    "Classifier": "speechlstm.classification",
    "DecodeConfig": "speechlstm.config",
    "HotWord": "speechlstm.config",
    "Hypothesis": "speechlstm.transcript",
    "Phrase": "speechlstm.text.phrases",
    "Recognizer": "speechlstm.recognizer",
    "Segment": "speechlstm.recognizer",
    "SpeechLSTMError": "speechlstm.errors",
    "SubtitleLayout": "speechlstm.transcript.layout",
    "Token": "speechlstm.transcript",
    "Transcript": "speechlstm.transcript",
    "Word": "speechlstm.transcript",
    "read_audio": "speechlstm.audio",
}
_SUBMODULES = ("audio", "config", "errors", "training", "transcript")

__all__ = ["__version__", "audio", "config", "errors", "transcript"]
__all__ += list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES, "__doc__", "__file__", "__name__", "__path__"})
