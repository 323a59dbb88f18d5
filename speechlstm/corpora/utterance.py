"""`Utterance`: an entry of a manifest."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Utterance:
    """A recording and its transcript: one entry of a manifest.

    Attributes:
        id: Identifies the utterance; unique in its manifest.
        audio: The path of the recording, absolute or relative to the manifest's folder.
        duration: In seconds; 0 if an importer could not read it.
        text: The transcript, as the corpus has it; None: not transcribed; "": known to be silence.
        speaker: Identifies the speaker; None: not known.
        offset: Where the utterance begins in the recording, in seconds. None: it is all of the
            recording, as long as duration says.
        label: The class of the utterance, to train a classifier with; None: not known.
    """

    id: str
    audio: str
    duration: float
    text: str | None = None
    speaker: str | None = None
    offset: float | None = None
    label: str | None = None
