import pickle
import re
from collections.abc import Iterator

import pytest

from speechlstm import errors
from speechlstm.errors import (
    AlphabetError,
    AudioError,
    BundleError,
    InfeasibleTargetError,
    ManifestError,
    MissingDependencyError,
    SpeechLSTMError,
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ManifestError("m.jsonl", "no id", line=3), "m.jsonl:3: no id"),
        (ManifestError("m.jsonl", "empty"), "m.jsonl: empty"),
        (AudioError("a.wav", "no samples"), "a.wav: no samples"),
        (BundleError("b", "no model"), "b: no model"),
        (
            InfeasibleTargetError("1089-0003", 31, 24),
            "1089-0003: text needs 31 frames, audio has 24; "
            "check that the transcript belongs to this recording",
        ),
        (
            MissingDependencyError("keras"),
            "keras is not installed; run: pip install 'speechlstm[train]'",
        ),
        (MissingDependencyError("jax"), "jax is not installed; run: pip install 'jax'"),
        (
            AlphabetError(["e\u0301"], "line 2"),
            "line 2: not in the alphabet: 'e\u0301' (U+0065 U+0301); "
            "correct the text or train with an alphabet that has them",
        ),
    ],
)
def test_messages_are_one_line_that_says_where_and_what(
    error: SpeechLSTMError, message: str
) -> None:
    assert str(error) == message
    restored = pickle.loads(pickle.dumps(error))  # on the way from another process
    assert (type(restored), str(restored), vars(restored)) == (type(error), message, vars(error))


def test_the_docstring_draws_the_tree() -> None:
    def tree(error: type[SpeechLSTMError], depth: int = 0) -> Iterator[tuple[int, str]]:
        yield depth, error.__name__
        for child in error.__subclasses__():
            if child.__module__ == errors.__name__:
                yield from tree(child, depth + 1)

    drawn = re.findall(r"^    ([ │├└─]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert [(len(branch) // 4, name) for branch, name in drawn] == list(tree(SpeechLSTMError))
