"""The class of an utterance: which field of its manifest has it."""

from speechlstm.config import LabelField
from speechlstm.corpora.utterance import Utterance
from speechlstm.text.normalize import normalize


def label_of(utterance: Utterance, field: LabelField) -> str | None:
    """The class of an utterance; None: it has none. Texts are normalised, as in training.

    >>> label_of(Utterance("a1", "a1.wav", 1.5, "Yes!", "anna"), "text")
    'yes'
    >>> label_of(Utterance("a1", "a1.wav", 1.5, "Yes!", "anna"), "speaker")
    'anna'
    """
    value: str | None = getattr(utterance, field)
    label = normalize(value or "") if field == "text" else value
    return label if label and not label.isspace() else None
