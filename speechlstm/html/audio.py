"""Recordings inside a page, as data, within a budget."""

import io
from base64 import b64encode

import numpy as np
import soundfile

from speechlstm.audio import Audio, with_serial
from speechlstm.html.markup import Markup, element

DEFAULT_MEGABYTES = 2.0  # of the recordings of a page, so that it stays below 3
_RATE = 16_000  # Hz; enough for speech
# Vorbis is as small as Opus here, which libsndfile encodes at its slowest: 1 s of CPU for 20 s.
_FORMATS = (("OGG", "VORBIS", "audio/ogg"), ("FLAC", "PCM_16", "audio/flac"))


class AudioPlayers:
    """Makes players of recordings until the page would grow too large.

    >>> players = AudioPlayers(megabytes=0.1)
    >>> player = players.player(Audio.load("data/samples/date.wav"), "date.wav")
    >>> player is not None and player.startswith('<audio controls')
    True

    Args:
        megabytes: What all recordings together may take of the page, in 10^6 bytes.
    """

    def __init__(self, megabytes: float = DEFAULT_MEGABYTES) -> None:
        self.remaining = megabytes * 1e6
        self.num_players = 0

    def player(self, audio: Audio, label: str) -> Markup | None:
        """A player of a recording (Vorbis, or FLAC if libsndfile lacks Vorbis, at 16 kHz).

        Args:
            label: Its name for screen readers.

        Returns:
            The player; None: it does not fit in what remains.
        """
        encoded = b64encode(_encoded(audio.resampled(_RATE)) if self.remaining > 0 else b"")
        if not 0 < len(encoded) <= self.remaining:
            return None
        self.remaining -= len(encoded)
        self.num_players += 1
        source = Markup(f"data:{_format()[2]};base64,{encoded.decode()}")
        return element("audio", controls=True, preload="none", aria_label=label, src=source)


def _format() -> tuple[str, str, str]:
    """The container, the codec and the media type."""
    return next(known for known in _FORMATS if soundfile.check_format(*known[:2]))


def _encoded(audio: Audio) -> bytes:
    container, codec, _ = _format()
    file = io.BytesIO()
    samples = np.clip(audio.samples, -1, 1)
    options = {"compression_level": 0.9} if codec == "VORBIS" else {}
    soundfile.write(file, samples, audio.sample_rate, codec, format=container, **options)
    content = file.getvalue()
    return with_serial(content, 0) if container == "OGG" else content  # the same page each time
