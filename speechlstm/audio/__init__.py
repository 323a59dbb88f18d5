"""Recordings as samples: decoded from any container, mixed to mono, at the wanted rate."""

from speechlstm.audio.recording import num_channels, read_audio, read_duration, read_segments
from speechlstm.audio.segments import PAUSE_SECONDS, split
from speechlstm.audio.silence import silence_codecs
from speechlstm.audio.source import is_pipe
from speechlstm.audio.waveform import MAX_PEAK, MIN_SECONDS, Audio

__all__ = [
    "MAX_PEAK",
    "MIN_SECONDS",
    "PAUSE_SECONDS",
    "Audio",
    "is_pipe",
    "num_channels",
    "read_audio",
    "read_duration",
    "read_segments",
    "silence_codecs",
    "split",
]
