import pickle
import re
from collections.abc import Callable, Iterator

import pytest

from speechlstm import errors
from speechlstm.errors import (
    AlphabetError,
    AudioError,
    BundleError,
    ConfigError,
    DamagedAudioError,
    InfeasibleTargetError,
    ManifestError,
    MissingDependencyError,
    SpeechLSTMError,
    counted,
    printable,
    quoted,
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


@pytest.mark.parametrize(
    "make",
    [
        ConfigError,
        lambda text: ManifestError("m.jsonl", text, 3),
        lambda text: BundleError(text, "no model"),
        lambda text: AlphabetError([text], "line 2"),
        lambda text: InfeasibleTargetError(text, 31, 24),
        MissingDependencyError,
    ],
)
@pytest.mark.parametrize(
    "text",
    ["a\nb", "\x1b[31mred", "\x9b31m", "a\u202eb", "\ud800", "\0", "a" * 200_000, "a b" * 100_000],
)
def test_what_a_message_quotes_is_one_line_and_short(
    make: Callable[[str], SpeechLSTMError], text: str
) -> None:
    message = str(make(text))
    assert message.isprintable()
    assert len(message) <= 1000


def test_paths_and_what_stands_around_a_long_word_stay_whole() -> None:
    path = "/data" + "/folder" * 50 + "/m.jsonl"
    assert str(BundleError(path, "no model")) == f"{path}: no model"
    assert str(ConfigError(f"is {'a' * 5000}; known are b")) == (
        f"is {'a' * 58} ... {'a' * 56}; known are b"
    )


def test_values_are_quoted_as_python_writes_them() -> None:
    assert quoted("a'b") == '"a\'b"'
    assert quoted([1, None]) == "[1, None]"
    assert len(quoted(list(range(10_000)))) == 120
    assert quoted(10**5000) == "a number of thousands of digits"


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        (((1.0, 1.5),), "is damaged at 1.00 to 1.50 s"),
        (((7.9, 8.0),), "is damaged at 7.90 to 8.00 s"),
        (((8.0, 9.0),), "is truncated at 8.00 s, at least 1 s are missing"),
        (((8.0, 8.001),), "is truncated at 8.00 s"),
        (((7.9, 8.5),), "is truncated at 7.90 s, at least 0.6 s are missing"),
        (
            ((1.0, 1.5), (8.0, 9.0)),
            "is damaged at 1.00 to 1.50 s and is truncated at 8.00 s, at least 1 s are missing",
        ),
    ],
)
def test_of_a_damaged_recording_it_says_no_more_than_is_known(
    lost: tuple[tuple[float, float], ...], what: str
) -> None:
    """A stream that was cut off, such as Ogg or AAC, does not say how long it was."""
    shown = str(DamagedAudioError("a.ogg", lost, 8.0))
    assert shown == f"a.ogg: {what}; copy it again if there is an intact one"


def test_what_the_alphabet_lacks_is_advised_on_by_its_kind() -> None:
    digits, others = (
        "write numbers as they are spoken",
        "correct the text or train with an alphabet",
    )
    for symbols, advice in (
        ("12", (digits,)),
        ("\u00e9", (others,)),
        ("1\u00e9", (digits, others)),
    ):
        message = str(AlphabetError(symbols, "u1"))
        assert [message.count(part) for part in (digits, others)] == [
            int(part in advice) for part in (digits, others)
        ]


def test_the_docstring_draws_the_tree() -> None:
    def tree(error: type[SpeechLSTMError], depth: int = 0) -> Iterator[tuple[int, str]]:
        yield depth, error.__name__
        for child in error.__subclasses__():
            if child.__module__ == errors.__name__:
                yield from tree(child, depth + 1)

    drawn = re.findall(r"^    ([ │├└─]*)(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert [(len(branch) // 4, name) for branch, name in drawn] == list(tree(SpeechLSTMError))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe 7, \u4e2d\u6587\u200c.wav", "Größe 7, \u4e2d\u6587\u200c.wav"),
        ("a\nb\r\tc\x00", r"a\nb\r\tc\x00"),
        ("\x1b]0;title\x07\x7f\x9b31m", r"\x1b]0;title\x07\x7f\x9b31m"),
        ("\u2028\u202egpj.exe\u2066", r"\u2028\u202egpj.exe\u2066"),
        ("\udcff\ud800", r"\udcff\ud800"),
    ],
)
def test_printable_leaves_letters_and_escapes_commands(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_counted_knows_one_from_many() -> None:
    assert [counted(n, "fault") for n in (0, 1, 2)] == ["0 faults", "1 fault", "2 faults"]
