from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechlstm.corpora.columns import Strings, Utterances
from speechlstm.corpora.utterance import Utterance

texts = st.none() | st.text(
    st.characters(), max_size=8
)  # lone surrogates, too: file names have them


@settings(max_examples=40)
@given(st.lists(texts, max_size=9))
def test_strings_are_a_list_of_strings(values: list[str | None]) -> None:
    strings = Strings[str | None](values)
    assert list(strings) == values
    assert [strings[k] for k in range(-len(values), len(values))] == values + values
    assert strings[::-2] == values[::-2]
    assert strings.are_given().tolist() == [value is not None for value in values]
    with pytest.raises(IndexError):
        strings[len(values)]


@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            Utterance,
            id=st.text(max_size=8),
            audio=st.text(max_size=8),
            duration=st.floats(0, 1e6),
            text=texts,
            speaker=texts,
            offset=st.none() | st.floats(0, 1e6),
            label=texts,
        ),
        max_size=5,
    )
)
def test_utterances_are_a_list_of_utterances(listed: list[Utterance]) -> None:
    found = Utterances(listed)
    assert list(found) == [found[k] for k in range(len(listed))] == listed
    assert found[1:] == listed[1:]
    assert list(found.texts) == [u.text for u in listed]
    assert Utterances(replace(u, text="x") for u in found)[:1] == [
        replace(u, text="x") for u in listed[:1]
    ]
