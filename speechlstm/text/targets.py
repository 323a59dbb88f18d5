"""The CTC labels of a recording's transcript."""

from collections.abc import Sequence
from operator import eq

from speechlstm.errors import InfeasibleTargetError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import normalize


def encode_target(text: str, alphabet: Alphabet, num_steps: int, where: str) -> list[int]:
    """The labels of a text, after normalisation, for a recording with num_steps network steps.

    A text that is too long is refused, because its loss may be finite and would train the model on
    nonsense.

    >>> from speechlstm.text.alphabet import ENGLISH
    >>> encode_target("Cab!", ENGLISH, num_steps=10, where="cab.wav")
    [5, 3, 4]

    Args:
        num_steps: `NetworkConfig.num_steps` of the recording's frames.
        where: The name of the recording, for errors.

    Raises:
        AlphabetError: The text has symbols that the alphabet lacks.
        InfeasibleTargetError: The text needs more steps than there are.
    """
    return encode_normalized(normalize(text), alphabet, num_steps, where)


def encode_normalized(text: str, alphabet: Alphabet, num_steps: int, where: str) -> list[int]:
    """encode_target for a text that is normalised: to do that twice for a million takes seconds."""
    labels = alphabet.encode(text, where)
    # Mostly there would be steps enough even if all labels were equal.
    if 2 * len(labels) > num_steps and (num_needed := min_steps(labels)) > num_steps:
        raise InfeasibleTargetError(where, num_needed, num_steps)
    return labels


def min_steps(labels: Sequence[int]) -> int:
    """The number of steps that labels need: one for each, and a blank between two equal ones.

    Graves et al., "Connectionist temporal classification", ICML 2006.

    >>> min_steps([1, 2, 2])
    4
    """
    num_repeats: int = sum(map(eq, labels, labels[1:]))
    return len(labels) + num_repeats
