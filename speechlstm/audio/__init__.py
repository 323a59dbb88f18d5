"""Reading of recordings: decoded from any format, mixed to mono, resampled.

recording  what other packages call; source: the bytes of a recording, from wherever
plan       where the encoded samples of a file are, and what is missing. Made by headers (riff, voc
           and others), flac, mp3 (mpeg_frames), ogg (ogg_pages); tags are skipped
decoding   of a plan, by libsndfile; media: of other formats, by PyAV (containers)
events     decoded blocks, whichever decodes; reading: mixed (channels) and resampled
segments   cuts at pauses; levels: where it becomes much louder; pieces: of a recording
activity   whether a sound can be speech
waveform   `Audio`; blocks, microphone: sound that comes bit by bit
finding    recordings in folders; names: what they are called

Installed as it is, the package reads WAV, FLAC, Ogg (Vorbis, Opus, FLAC), MP3, AIFF, AU, CAF, W64,
SPH, VOC and rarer formats of libsndfile. With the extra `media`, it reads all formats of ffmpeg:
M4A, MP4, WebM, WMA, AMR and others.

>>> audio = read_audio("data/samples/date.wav", sample_rate=8000)
>>> audio.sample_rate, audio.samples.dtype, audio.samples.shape
(8000, dtype('float32'), (20280,))
"""

from speechlstm.audio.blocks import Blocks, BlockSource, RawPipe, RealTime
from speechlstm.audio.decoding import silence_codecs
from speechlstm.audio.finding import FoundRecording, find_recordings, found_recordings
from speechlstm.audio.names import AUDIO_SUFFIXES, RECORDING_SUFFIXES, recording_ids, without_suffix
from speechlstm.audio.ogg_pages import with_serial
from speechlstm.audio.pieces import END_TOLERANCE
from speechlstm.audio.recording import (
    known_duration,
    num_channels,
    read_audio,
    read_blocks,
    read_duration,
    read_segments,
)
from speechlstm.audio.segments import PAUSE_SECONDS, split
from speechlstm.audio.source import Piece, is_pipe, repeatable
from speechlstm.audio.waveform import MAX_PEAK, MIN_SECONDS, Audio

__all__ = [
    "AUDIO_SUFFIXES",
    "END_TOLERANCE",
    "MAX_PEAK",
    "MIN_SECONDS",
    "PAUSE_SECONDS",
    "RECORDING_SUFFIXES",
    "Audio",
    "BlockSource",
    "Blocks",
    "FoundRecording",
    "Piece",
    "RawPipe",
    "RealTime",
    "find_recordings",
    "found_recordings",
    "is_pipe",
    "known_duration",
    "num_channels",
    "read_audio",
    "read_blocks",
    "read_duration",
    "read_segments",
    "recording_ids",
    "repeatable",
    "silence_codecs",
    "split",
    "with_serial",
    "without_suffix",
]
