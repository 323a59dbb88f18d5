import json
from pathlib import Path

from speechlstm.formats import FORMATS, format_by_suffix
from speechlstm.transcript import Hypothesis, Transcript, Word

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
        "alternatives": [{"text": "gruß gott", "words": [], "log_prob": -4.0, "lm_log_prob": 0.0}],
    }
    assert json.loads(FORMATS["json"]("b.wav", SILENCE))["words"] == []


def test_ctm_is_a_line_a_word() -> None:
    written = FORMATS["ctm"]("my folder/a b.wav", TRANSCRIPT)
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


def said(*words: tuple[str, float, float]) -> Transcript:
    timed = tuple(Word(text, start, end, 0.5) for text, start, end in words)
    return Transcript((Hypothesis(" ".join(w.text for w in timed), timed, 0.0),), 4000.0)


def test_srt_numbers_what_is_said_between_pauses() -> None:
    transcript = said(("hello", 0.5, 0.9), ("world", 1.0, 1.5), ("again", 3661.0, 3661.25))
    assert FORMATS["srt"]("a.wav", transcript) == (
        "1\n00:00:00,500 --> 00:00:01,500\nhello world\n\n2\n01:01:01,000 --> 01:01:01,250\nagain"
    )


def test_vtt_has_points_and_a_heading() -> None:
    text = FORMATS["vtt"]("a.wav", said(("hello", 59.9996, 61.0)))
    assert text == "WEBVTT\n\n00:01:00.000 --> 00:01:01.000\nhello"
    assert FORMATS["vtt"]("a.wav", said()) == "WEBVTT"
    assert FORMATS["srt"]("a.wav", said()) == ""


def test_a_subtitle_is_read_at_a_glance() -> None:
    words = [(f"word{i:02}", 0.3 * i, 0.3 * i + 0.3) for i in range(60)]
    cues = FORMATS["srt"]("a.wav", said(*words)).split("\n\n")
    texts = [cue.split("\n")[2:] for cue in cues]
    assert " ".join(line for lines in texts for line in lines).split() == [w for w, _, _ in words]
    assert all(1 <= len(lines) <= 2 and len(line) <= 42 for lines in texts for line in lines)
    slow = said(*[(f"w{i}", 2.0 * i, 2.0 * i + 1.5) for i in range(8)])
    assert [cue.count("w") for cue in FORMATS["srt"]("a.wav", slow).split("\n\n")] == [3, 3, 2]


def test_a_format_is_chosen_by_the_suffix() -> None:
    assert format_by_suffix(Path("x.SRT"), "text") == "srt"
    assert format_by_suffix(Path("x.txt"), "text") == "text"
    assert format_by_suffix(None, "ctm") == "ctm"
