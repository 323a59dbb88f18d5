"""Manifests: which recordings there are, and what is said in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Utterance:
    """One recording of a manifest.

    Attributes:
        id: Names the utterance; unique in its manifest.
        audio: The recording, relative to the manifest's folder.
        duration: Its length in seconds.
        text: What is said; None: not transcribed, "": known silence.
        speaker: Who says it, where known.
    """

    id: str
    audio: str
    duration: float
    text: str | None = None
    speaker: str | None = None
