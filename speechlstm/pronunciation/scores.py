"""The scores of a pronunciation: of phones, of words, of all."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScoredPhone:
    """A phone that should be heard.

    Attributes:
        phone: The phone, in ARPAbet without stress.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording.
        score: 0..1, the probability that this phone stands in its place, and no other or none: see
            `speechlstm.decoding.goodness`. It is the network's, which is often too certain.
        likeliest: The most probable phone in its place; None: none is.
    """

    phone: str
    start: float
    end: float
    score: float
    likeliest: str | None

    @property
    def is_likeliest(self) -> bool:
        """Whether the phone is the most probable one in its place."""
        return self.phone == self.likeliest


@dataclass(frozen=True)
class ScoredWord:
    """A word that should be heard.

    Attributes:
        text: The word, as it is written.
        phones: Its phones, at least one.
    """

    text: str
    phones: tuple[ScoredPhone, ...]

    @property
    def score(self) -> float:
        """The mean of its phones' scores."""
        return sum(phone.score for phone in self.phones) / len(self.phones)


@dataclass(frozen=True)
class Pronunciation:
    """The pronunciation of a text.

    Attributes:
        words: Its words, at least one.
        duration: Length of the recording in seconds.
    """

    words: tuple[ScoredWord, ...]
    duration: float

    @property
    def phones(self) -> tuple[ScoredPhone, ...]:
        """The phones of all words."""
        return tuple(phone for word in self.words for phone in word.phones)

    @property
    def score(self) -> float:
        """The mean of the phones' scores."""
        return sum(phone.score for phone in self.phones) / len(self.phones)

    def to_dict(self) -> dict[str, Any]:
        """The pronunciation as plain JSON values: times in seconds, scores in 0..1."""
        return {
            "score": round(self.score, 4),
            "duration": round(self.duration, 3),
            "words": [
                {
                    "text": word.text,
                    "score": round(word.score, 4),
                    "phones": [
                        {
                            "phone": phone.phone,
                            "start": round(phone.start, 3),
                            "end": round(phone.end, 3),
                            "score": round(phone.score, 4),
                            "likeliest": phone.likeliest,
                        }
                        for phone in word.phones
                    ],
                }
                for word in self.words
            ],
        }

    def to_text(self) -> str:
        """A line for each word: its score and its phones, with what was likelier than they are.

        >>> first = ScoredPhone("TH", 0.1, 0.2, 0.25, "S")
        >>> word = ScoredWord("thee", (first, ScoredPhone("IY", 0.2, 0.3, 0.75, "IY")))
        >>> print(Pronunciation((word,), 0.5).to_text())
        0.50  thee  TH 0.25 (S)  IY 0.75
        """
        width = max(len(word.text) for word in self.words)
        return "\n".join(
            f"{word.score:.2f}  {word.text:<{width}}  {'  '.join(map(_phone_text, word.phones))}"
            for word in self.words
        )


def _phone_text(phone: ScoredPhone) -> str:
    likelier = "" if phone.is_likeliest else f" ({phone.likeliest or 'none'})"
    return f"{phone.phone} {phone.score:.2f}{likelier}"
