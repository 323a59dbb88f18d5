import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.transcript import AlignedLine, Hypothesis, Transcript, Word
from speechlstm.transcript.formats import FORMATS, json_line

TRANSCRIPT = Transcript(
    hypotheses=(
        Hypothesis(
            text="grüß gott",
            words=(Word("grüß", 0.1, 0.42, 0.98765), Word("gott", 0.5, 0.8000001, 0.5)),
            log_prob=-3.25,
            lm_log_prob=-7.5,
        ),
        Hypothesis(text="gruß gott", words=(), log_prob=-4.0),
    ),
    duration=1.23456,
)
SILENCE = Transcript((Hypothesis("", (), -0.5),), 0.02)


def test_text_is_the_best_hypothesis() -> None:
    assert FORMATS["text"]("a.wav", TRANSCRIPT) == "grüß gott"
    assert FORMATS["text"]("a.wav", SILENCE) == ""


def test_json_is_one_object_in_one_line() -> None:
    written = FORMATS["json"]("a.wav", TRANSCRIPT)
    assert "\n" not in written
    assert "grüß" in written
    assert json.loads(written) == {
        "file": "a.wav",
        "text": "grüß gott",
        "duration": 1.235,
        "words": [
            {"text": "grüß", "start": 0.1, "end": 0.42, "confidence": 0.9877},
            {"text": "gott", "start": 0.5, "end": 0.8, "confidence": 0.5},
        ],
        "log_prob": -3.25,
        "lm_log_prob": -7.5,
        "calibrated": False,
        "alternatives": [{"text": "gruß gott", "words": [], "log_prob": -4.0, "lm_log_prob": 0.0}],
    }
    assert json.loads(FORMATS["json"]("b.wav", SILENCE))["words"] == []
    calibrated = replace(TRANSCRIPT, is_calibrated=True)
    assert json.loads(FORMATS["json"]("a.wav", calibrated))["calibrated"] is True


def test_ctm_is_a_line_a_word() -> None:
    written = FORMATS["ctm"]("a b", TRANSCRIPT)
    assert written.splitlines() == [
        "a_b 1 0.100 0.320 grüß 0.9877",
        "a_b 1 0.500 0.300 gott 0.5000",
    ]
    assert FORMATS["ctm"]("a.wav", SILENCE) == ""


# As Praat 6 writes it ("Save as text file").
TEXTGRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.235
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.235
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = ""
        intervals [2]:
            xmin = 0.1
            xmax = 0.5
            text = "say ""ah"""
        intervals [3]:
            xmin = 0.5
            xmax = 0.8
            text = "gott"
        intervals [4]:
            xmin = 0.8
            xmax = 1.235
            text = ""
'''


def test_textgrid_covers_the_recording() -> None:
    words = (Word('say "ah"', 0.1, 0.5, 1.0), Word("gott", 0.5, 0.8000001, 0.5))
    transcript = Transcript((Hypothesis("", words, 0),), 1.23456)
    assert FORMATS["textgrid"]("a.wav", transcript) + "\n" == TEXTGRID


def test_textgrid_of_silence_is_one_interval() -> None:
    written = FORMATS["textgrid"]("a.wav", SILENCE)
    assert "size = 1\n        intervals [1]:" in written
    assert written.endswith('xmin = 0\n            xmax = 0.02\n            text = ""')


def transcript_of(*words: tuple[str, float, float]) -> Transcript:
    timed = tuple(Word(text, start, end, 0.5) for text, start, end in words)
    return Transcript((Hypothesis(" ".join(w.text for w in timed), timed, 0.0),), 4000.0)


def test_srt_numbers_what_is_said_between_pauses() -> None:
    transcript = transcript_of(("hello", 0.5, 0.9), ("world", 1.0, 1.5), ("again", 3661.0, 3662.25))
    assert FORMATS["srt"]("a.wav", transcript) == (
        "1\n00:00:00,500 --> 00:00:01,500\nhello world\n\n2\n01:01:01,000 --> 01:01:02,250\nagain"
    )


def test_vtt_has_points_and_a_heading() -> None:
    text = FORMATS["vtt"]("a.wav", transcript_of(("hello", 59.9996, 61.0)))
    assert text == "WEBVTT\n\n00:01:00.000 --> 00:01:01.000\nhello"
    assert FORMATS["vtt"]("a.wav", transcript_of()) == "WEBVTT"
    assert FORMATS["srt"]("a.wav", transcript_of()) == ""


def test_a_subtitle_is_read_at_a_glance() -> None:
    words = [(f"word{i:02}", 0.3 * i, 0.3 * i + 0.3) for i in range(60)]
    cues = FORMATS["srt"]("a.wav", transcript_of(*words)).split("\n\n")
    texts = [cue.split("\n")[2:] for cue in cues]
    assert " ".join(line for lines in texts for line in lines).split() == [w for w, _, _ in words]
    assert all(1 <= len(lines) <= 2 and len(line) <= 42 for lines in texts for line in lines)
    slow = transcript_of(*[(f"w{i}", 2.0 * i, 2.0 * i + 1.5) for i in range(8)])
    assert [cue.count("w") for cue in FORMATS["srt"]("a.wav", slow).split("\n\n")] == [3, 3, 2]


WORDS = (Word("a\nb", 0, 1, 1), Word('<i>"\x9b', 1, 2, 1))
UNSAFE = Transcript((Hypothesis("a\nb <i>\x1b[2J", WORDS, 0),), 2.0)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_passes_control_characters_on(name: str) -> None:
    written = FORMATS[name]("x\n\u202e.wav", UNSAFE)
    assert written.isascii()
    assert not {"\x1b", "\x9b", "\u202e"} & {*written}
    if name in ("text", "json"):
        assert "\n" not in written


@pytest.mark.parametrize("name", ["srt", "vtt", "ctm", "textgrid"])
@pytest.mark.parametrize("has_lines", [True, False])
def test_texts_that_run_from_right_to_left_keep_their_marks(name: str, has_lines: bool) -> None:
    word = Word("\u202b\u05e9\u05dc\u05d5\u05dd\u202c", 0, 1, 1)
    lines = (AlignedLine("\u202b\u05e9\u05dc\u05d5\u05dd\u202c\t-", 0, 1, (word,), 1),)
    transcript = Transcript(
        (Hypothesis(word.text, (word,), 0),), 1.0, lines=lines if has_lines else ()
    )
    written = FORMATS[name]("x", transcript)
    assert "\u202b\u05e9\u05dc\u05d5\u05dd\u202c" in written
    assert "\\" not in written
    assert "\t" not in written


def test_vtt_has_no_markup_of_the_words() -> None:
    assert FORMATS["vtt"]("x", UNSAFE).splitlines()[-1] == 'a\\nb &lt;i&gt;"\\x9b'
    assert FORMATS["srt"]("x", UNSAFE).splitlines()[-1] == 'a\\nb <i>"\\x9b'


def test_ctm_words_are_one_field() -> None:
    lines = FORMATS["ctm"]("x", UNSAFE).splitlines()
    assert [line.split()[4] for line in lines] == ["a_b", '<i>"\\x9b']


@given(st.text())
def test_json_lines_hold_any_text(text: str) -> None:
    written = json_line({"text": text, "\ud800": [text]})
    assert json.loads(written) == {"text": text, "\ud800": [text]}
    assert written.encode() == written.encode("utf-8", "strict")
    assert not {"\n", "\x1b", "\x9b", "\u2028"} & {*written}


def one_channel(*words: Word) -> Transcript:
    text = " ".join(word.text for word in words)
    return Transcript((Hypothesis(text, words, -1.0, -2.0),), 9.5)


TWO_CHANNELS = Transcript.of_channels(
    [
        one_channel(Word("hello", 0.5, 1.0, 0.9), Word("bob", 1.1, 1.5, 0.8), Word("bye", 8, 9, 1)),
        one_channel(Word("hi", 1.2, 1.4, 0.7), Word("anna", 1.6, 2.0, 0.6)),
    ]
)


def test_words_of_channels_are_in_the_order_of_time() -> None:
    words = [(word.channel, word.text) for word in TWO_CHANNELS.words]
    assert words == [(1, "hello"), (1, "bob"), (2, "hi"), (2, "anna"), (1, "bye")]
    assert TWO_CHANNELS.text == "hello bob hi anna bye"
    assert TWO_CHANNELS.hypotheses[0].log_prob == -2.0


def test_a_turn_is_not_cut_by_the_other_channel() -> None:
    crossed = Transcript.of_channels(
        [
            one_channel(Word("a", 0, 1, 1), Word("b", 1, 2, 1)),
            one_channel(Word("c", 0.5, 1.5, 1)),
            one_channel(),
        ]
    )
    assert [[word.text for word in turn] for turn in crossed.turns] == [["a", "b"], ["c"]]
    assert FORMATS["text"]("x", crossed) == "1: a b\n2: c"
    assert FORMATS["textgrid"]("x", crossed).count("IntervalTier") == 3


def test_channels_are_labelled_in_every_format() -> None:
    assert FORMATS["text"]("a.wav", TWO_CHANNELS) == "1: hello bob\n2: hi anna\n1: bye"
    values = json.loads(FORMATS["json"]("a.wav", TWO_CHANNELS))
    assert [word["channel"] for word in values["words"]] == [1, 1, 2, 2, 1]
    assert [(c["channel"], c["text"]) for c in values["channels"]] == [
        (1, "hello bob bye"),
        (2, "hi anna"),
    ]
    assert [line.split()[1:5] for line in FORMATS["ctm"]("a", TWO_CHANNELS).splitlines()] == [
        ["1", "0.500", "0.500", "hello"],
        ["1", "1.100", "0.400", "bob"],
        ["1", "8.000", "1.000", "bye"],
        ["2", "1.200", "0.200", "hi"],
        ["2", "1.600", "0.400", "anna"],
    ]
    assert FORMATS["srt"]("a.wav", TWO_CHANNELS).split("\n\n")[1].splitlines() == [
        "2",
        "00:00:01,200 --> 00:00:02,000",
        "2: hi anna",
    ]
    assert "\n<v Channel 2>hi anna\n" in FORMATS["vtt"]("a.wav", TWO_CHANNELS)
    grid = FORMATS["textgrid"]("a.wav", TWO_CHANNELS)
    assert "size = 2\nitem []:" in grid
    assert grid.index('name = "channel 1"') < grid.index('text = "bye"')
    assert grid.index('text = "bye"') < grid.index('name = "channel 2"') < grid.index('"anna"')


def test_json_names_what_is_lost() -> None:
    damaged = Transcript(SILENCE.hypotheses, 3.0, lost=((1.0004, 1.5), (3.0, 4.0)))
    assert json.loads(FORMATS["json"]("a", damaged))["lost"] == [[1.0, 1.5], [3.0, 4.0]]
    assert "lost" not in json.loads(FORMATS["json"]("a", SILENCE))
