"""One recording of a corpus, and what is said in it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Utterance:
    """One recording of a manifest.

    Attributes:
        id: Names the utterance; unique in its manifest.
        audio: The recording, relative to the manifest's folder, or absolute.
        duration: Its length in seconds; 0 where an importer cannot read it.
        text: What is said, as the corpus has it; None: not transcribed, "": known silence.
        speaker: Who says it, where known.
    """

    id: str
    audio: str
    duration: float
    text: str | None = None
    speaker: str | None = None
