import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.errors import ConfigError
from speechlstm.transcript import AlignedLine, Hypothesis, Token, Transcript, Word
from speechlstm.transcript.layout import SHORTEST_CUE, SubtitleLayout, cues
from speechlstm.transcript.line_breaks import lines


def transcript(words: list[Word], duration: float | None = None) -> Transcript:
    text = " ".join(word.text for word in words)
    end = words[-1].end if words else 1.0
    return Transcript((Hypothesis(text, tuple(words), 0.0),), end if duration is None else duration)


def spoken(text: str, seconds: float = 0.3, pauses: dict[int, float] | None = None) -> list[Word]:
    """Words of that length, with pauses after some of them."""
    words: list[Word] = []
    at = 0.5
    for index, word in enumerate(text.split()):
        words.append(Word(word, at, at + seconds, 0.9))
        at += seconds + (pauses or {}).get(index, 0.0)
    return words


def texts(words: list[Word], layout: SubtitleLayout) -> list[str]:
    return [" ".join(word.text for word in cue.spoken) for cue in cues(transcript(words), layout)]


def written(words: list[Word], width: int) -> list[str]:
    return [" ".join(text for _, text in line) for line in lines(words, width)]


WORDS = st.lists(
    st.tuples(
        st.text(st.sampled_from("abc,.?"), min_size=1, max_size=12),
        st.floats(0.02, 3.0),
        st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.2, 5.0]),
    ),
    min_size=1,
    max_size=30,
)
LAYOUTS = st.builds(
    SubtitleLayout,
    max_line_width=st.integers(5, 42),
    max_line_count=st.integers(1, 3),
    min_cue_seconds=st.sampled_from([0.0, 0.8, 1.5]),
    max_cue_seconds=st.sampled_from([1.5, 4.0, 7.0]),
)


@given(WORDS, LAYOUTS)
def test_limits_hold_and_no_word_is_lost(
    timed: list[tuple[str, float, float]], layout: SubtitleLayout
) -> None:
    words, at = [], 0.0
    for text, seconds, pause in timed:
        words.append(Word(text, at, at + seconds, 0.5))
        at += seconds + pause
    cut = cues(transcript(words), layout)
    parts = " ".join(word.text for cue in cut for word in cue.spoken)
    assert parts.replace(" ", "") == "".join(word.text for word in words)
    for cue in cut:
        broken = lines(cue.spoken, layout.max_line_width)
        assert all(sum(len(t) + 1 for _, t in line) - 1 <= layout.max_line_width for line in broken)
        assert len(broken) <= layout.max_line_count
        written = "".join(text for line in broken for _, text in line)
        assert written == "".join(word.text for word in cue.spoken).replace(" ", "")
        assert cue.end - cue.start <= layout.max_cue_seconds + 1e-9
    for cue, following in pairwise(cut):
        assert cue.start + SHORTEST_CUE <= cue.end + 1e-9
        assert cue.end <= following.start
        full = cue.start + layout.min_cue_seconds
        assert cue.end >= min(full, following.start) - 1e-9


@pytest.mark.slow
@given(WORDS, LAYOUTS, st.integers(1, 12))
def test_lines_have_room_for_who_speaks(
    timed: list[tuple[str, float, float]], layout: SubtitleLayout, speaker: int
) -> None:
    layout = replace(layout, max_line_width=layout.max_line_width + 12)
    words, at = [], 0.0
    for text, seconds, pause in timed:
        words.append(Word(text, at, at + seconds, 0.5, speaker=speaker))
        at += seconds + pause
    for cue in transcript(words).to_srt(layout).split("\n\n"):
        written = cue.rstrip("\n").split("\n")[2:]
        assert written[0].startswith(f"Speaker {speaker}:")
        assert len(written) <= max(2, layout.max_line_count)
        assert all(len(line) <= layout.max_line_width for line in written)


def test_a_word_of_too_many_characters_becomes_several_subtitles() -> None:
    """As all that is said in a language without spaces may be."""
    layout = SubtitleLayout(max_line_width=10, min_cue_seconds=0.0)
    found = cues(transcript([Word("x" * 45, 1.0, 4.0, 0.9), Word("no", 4.1, 4.5, 0.9)]), layout)
    assert [[word.text for word in cue.spoken] for cue in found] == [
        [" ".join(["x" * 10] * 2)],
        [" ".join(["x" * 10] * 2)],
        ["x" * 5, "no"],
    ]
    assert [(cue.start, cue.end) for cue in found] == [(1.0, 2.0), (2.0, 3.0), (3.0, 4.5)]


def test_a_word_alone_stands_long_enough() -> None:
    (cue,) = cues(transcript([Word("yes", 1.0, 1.1, 0.9)], duration=5.0))
    assert (cue.start, cue.end) == (1.0, 1.8)
    (cue,) = cues(transcript([Word("yes", 4.8, 4.9, 0.9)], duration=5.0))
    assert (cue.start, cue.end) == (4.8, pytest.approx(5.6))
    first, second = cues(transcript([Word("yes", 1.0, 1.1, 0.9), Word("no", 2.2, 2.3, 0.9)]))
    assert (first.end, second.start) == (1.8, 2.2)


def test_a_subtitle_that_would_vanish_at_once_joins_its_neighbour() -> None:
    # "so" ends a sentence, but the next one follows after 0.3 s.
    words = spoken("So. this was all that he ever wanted to say about it that day, he said.")
    layout = SubtitleLayout(max_line_width=20, max_line_count=2)
    assert all(
        following.start - cue.start >= layout.min_cue_seconds
        for cue, following in pairwise(cues(transcript(words), layout))
    )


def aligned(told: list[tuple[str, float, float]], duration: float = 10.0) -> Transcript:
    """Each line is one word; those that last no time are not spoken; marks have no word."""
    lines = []
    for number, (text, start, end) in enumerate(told, start=1):
        is_spoken, has_words = text.isalpha() and end > start, any(map(str.isalpha, text))
        words = (Word(text, start, end if is_spoken else start, 0.9),) if has_words else ()
        lines.append(AlignedLine(text, start, end, words, number))
    words = [word for line in lines for word in line.words]
    return replace(transcript(words, duration), lines=tuple(lines))


def shown(told: Transcript, layout: SubtitleLayout) -> list[tuple[str, float, float]]:
    texts = [cue.text or " ".join(word.text for word in cue.spoken) for cue in cues(told, layout)]
    return [(text, c.start, c.end) for text, c in zip(texts, cues(told, layout), strict=True)]


def test_a_sound_in_brackets_stands_no_longer_than_a_subtitle_may() -> None:
    told = aligned([("[music]", 0.0, 0.0), ("(Ann) no one (laughs)", 8.0, 8.0), ("one", 9.0, 9.5)])
    layout = SubtitleLayout(max_cue_seconds=5.0, keeps_lines=True)
    assert shown(told, layout) == [("[music]", 0.0, 5.0), ("one", 9.0, 9.8)]


@pytest.mark.parametrize("shortest", [0.0, 0.8])
@pytest.mark.parametrize("keeps_lines", [True, False])
def test_what_is_not_spoken_is_not_shown_and_delays_nothing(
    shortest: float, keeps_lines: bool
) -> None:
    layout = SubtitleLayout(min_cue_seconds=shortest, keeps_lines=keeps_lines)
    left_out = [("never", 0.9, 0.9), ("* * *", 0.9, 0.9)] * 50
    told = aligned([("yes", 0.5, 0.9), *left_out, ("no", 0.9, 1.8), *left_out])
    spoken = [("yes", 0.5, 0.9), ("no", 0.9, 1.8)]
    assert [cue for cue in shown(told, layout) if cue[0] != "* * *"] == spoken
    assert not any("never" in text for text, _, _ in shown(told, layout))
    for written in (told.to_srt(layout), told.to_vtt(layout)):
        times = re.findall(r"(\S+) --> (\S+)", written)
        assert all(start < end for start, end in times)
        assert all(end <= start for (_, end), (start, _) in pairwise(times))


@pytest.mark.parametrize("keeps_lines", [True, False])
def test_marks_and_sounds_in_brackets_stand_between_what_is_spoken(keeps_lines: bool) -> None:
    layout = SubtitleLayout(keeps_lines=keeps_lines)
    told = [
        *(("[music]", 0.0, 0.0), ("one", 3.0, 3.2), ("(laughs)", 3.2, 6.0), ("* * *", 3.2, 6.0)),
        *(("two", 6.0, 6.9), ("[a\nb]", 6.9, 7.5), ("three", 7.5, 8.5), ("(end)", 8.5, 8.5)),
    ]
    found = shown(aligned(told), layout)
    assert found == [
        ("[music]", 0.0, 3.0),
        ("one", 3.0, 3.8),
        ("(laughs)", 3.8, pytest.approx(4.9)),
        ("* * *", pytest.approx(4.9), 6.0),
        ("two", 6.0, 6.9),  # no room before the next one
        ("three", 7.5, 8.5),
        ("(end)", 8.5, 10.0),
    ]


def test_a_sound_in_brackets_keeps_the_limits_of_lines() -> None:
    sound = "[a door slams, and far away somebody begins to play the piano]"
    told = aligned([("one", 0.0, 0.5), (sound, 0.5, 4.5), ("two", 4.5, 5.0)])
    layout = SubtitleLayout(max_line_width=16, max_line_count=2, keeps_lines=False)
    written = [cue.text for cue in cues(told, layout) if cue.text]
    assert " ".join(" ".join(written).split()) == sound
    assert len(written) == 3
    for text in written:
        assert len(text.split("\n")) <= 2
        assert all(len(line) <= 16 for line in text.split("\n"))
    assert [text for text, _, _ in shown(told, SubtitleLayout())] == ["one", sound, "two"]


@pytest.mark.parametrize(("room", "num_pieces"), [(12.0, 3), (6.0, 3), (4.0, 0)])
def test_the_pieces_of_a_sound_share_the_time_that_there_is(room: float, num_pieces: int) -> None:
    sound = "[a door slams, and far away somebody begins to play the piano]"  # in three pieces
    told = aligned([("one", 0.0, 1.0), (sound, 1.0, 1.0), ("two", 1.0 + room, 2.0 + room)])
    layout = SubtitleLayout(16, 2, min_cue_seconds=1.5, max_cue_seconds=3.0, keeps_lines=False)
    pieces = [cue for cue in cues(told, layout) if cue.text]
    start = cues(told, layout)[0].end
    expected = [min(3.0, (1.0 + room - start) / 3)] * num_pieces
    assert [piece.end - piece.start for piece in pieces] == pytest.approx(expected)
    if pieces:
        assert pieces[0].start == start
        assert pieces[2].start == pytest.approx(pieces[1].end)


def test_subtitles_that_begin_almost_together_stand_for_a_while() -> None:
    told = aligned([("yes", 0.5, 0.9), ("no", 0.9, 0.901), ("so", 0.901, 0.95)])
    times = re.findall(r"(\S+) --> (\S+)", told.to_srt(SubtitleLayout(min_cue_seconds=0.0)))
    assert [start for start, _ in times] == ["00:00:00,500", "00:00:00,900", "00:00:00,940"]
    assert all(start < end for start, end in times)


def test_subtitles_end_where_the_text_pauses() -> None:
    text = "when the rain had stopped at last, they opened all the windows of the old house"
    layout = SubtitleLayout(max_line_width=30, max_line_count=2)
    assert texts(spoken(text), layout)[0] == "when the rain had stopped at last,"
    plain = text.replace(",", "")
    assert texts(spoken(plain, pauses={4: 0.5}), layout)[0] == "when the rain had stopped"
    assert texts(spoken(plain, pauses={6: 0.5}), layout)[0] == "when the rain had stopped at last"


def test_lines_break_after_punctuation_and_not_after_short_words() -> None:
    assert written(spoken("When it rained, we stayed at home."), 26) == [
        "When it rained,",
        "we stayed at home.",
    ]
    assert written(spoken("children looked at the mountains"), 22) == [
        "children looked",
        "at the mountains",
    ]
    assert written(spoken("one line is enough"), 18) == ["one line is enough"]
    assert written(spoken("a" * 25 + " b"), 10) == ["a" * 10, "a" * 10, "a" * 5 + " b"]


def test_a_token_of_several_words_may_break() -> None:
    words = spoken("july fourth seventeen seventy six")
    date = Token("July 4, 1776.", tuple(words))
    assert [[t for _, t in line] for line in lines([date], 8)] == [["July", "4,"], ["1776."]]


def test_highlighted_words_are_underlined_in_turn() -> None:
    words = spoken("R&D is here", pauses={0: 0.1})
    layout = SubtitleLayout(highlight_words=True)
    assert transcript(words).to_vtt(layout).splitlines() == [
        "WEBVTT", "",
        "00:00:00.500 --> 00:00:00.900", "<u>R&amp;D</u> is here", "",
        "00:00:00.900 --> 00:00:01.200", "R&amp;D <u>is</u> here", "",
        "00:00:01.200 --> 00:00:01.500", "R&amp;D is <u>here</u>",
    ]  # fmt: skip
    assert "<u>" not in transcript(words).to_srt(layout)
    stripped = re.sub("</?u>", "", transcript(words).to_vtt(layout))
    assert stripped.count("R&amp;D is here") == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_line_width": 0}, "max_line_width: must be at least 1, is 0"),
        ({"max_line_count": -1}, "max_line_count: must be at least 1, is -1"),
        ({"min_cue_seconds": 9.0}, "at least 0 and 0.04, are 9 and 7"),
        ({"min_cue_seconds": -1.0}, "at least 0"),
        ({"max_cue_seconds": float("nan")}, "must be a finite number"),
        ({"min_cue_seconds": 0.0, "max_cue_seconds": 0.0}, "in this order"),
    ],
)
def test_impossible_limits_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SubtitleLayout(**values)  # type: ignore[arg-type]
