import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.audio import recording_ids


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        (["talks/one.wav", "two.v2.mp3", "-"], ["one", "two.v2", "-"]),
        (["yes/a.wav", "z.wav", "no/a.wav"], ["yes/a", "z", "no/a"]),
        (["x/yes/a.wav", "y/yes/a.wav", "x/no/a.wav"], ["x/yes/a", "y/yes/a", "no/a"]),
        (["a.wav", "a.flac", "b/a.wav"], ["a.wav", "a.flac", "b/a"]),
        (["my talk.wav", "my\ttalk.flac"], ["my_talk.wav", "my_talk.flac"]),
        (["a.wav", "a.wav", "a-2.wav", "./a.wav"], ["a", "a-3", "a-2", "a-4"]),
        ([";; no comment.wav", "a\x1b\nb.wav"], ["___no_comment", "a\\x1b_b"]),
        (["call.1", "x/call.2", "y/call.2"], ["call.1", "x/call.2", "y/call.2"]),
        (["https://x.org/a.wav?key=1.2", "b.PCM", "c.wmv", "d.m2ts"], ["a", "b", "c", "d"]),
        ([], []),
    ],
)
def test_recordings_have_ids_of_their_own(files: list[str], ids: list[str]) -> None:
    assert recording_ids(files) == ids


@given(st.lists(st.text(st.sampled_from("ab/. \n;-2"), min_size=1)))
def test_ids_are_unique_fields_in_the_order_of_the_files(files: list[str]) -> None:
    ids = recording_ids(files)
    assert len({*ids}) == len(files)
    assert all(len(name.split()) == 1 and name.isprintable() and ";;" not in name for name in ids)
    assert {*recording_ids(files[::-1])} == {*ids}
