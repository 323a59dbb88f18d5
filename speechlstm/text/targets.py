"""What a recording's text asks of the network: its labels, if CTC can emit them in time."""

from collections.abc import Sequence
from itertools import pairwise

from speechlstm.errors import InfeasibleTargetError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import normalize


def encode_target(text: str, alphabet: Alphabet, num_steps: int, where: str) -> list[int]:
    """Labels of a text, normalised first, for a recording of num_steps network steps.

    A loss may be finite for a text that does not fit, and the model learns nonsense from it.

    Args:
        text: What is said.
        alphabet: Gives the labels.
        num_steps: `NetworkConfig.num_steps` of the recording's frames.
        where: What an error names.

    Raises:
        AlphabetError: The text holds symbols that the alphabet lacks.
        InfeasibleTargetError: The text needs more steps than there are.
    """
    labels = alphabet.encode(normalize(text), where)
    num_needed = min_steps(labels)
    if num_needed > num_steps:
        raise InfeasibleTargetError(where, num_needed, num_steps)
    return labels


def min_steps(labels: Sequence[int]) -> int:
    """Steps that labels need: CTC emits one a step and a blank between two equal ones.

    (Graves et al., Connectionist temporal classification, 2006.)
    """
    return len(labels) + sum(first == second for first, second in pairwise(labels))
