import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.text.targets import min_steps
from speechlstm.training.acoustic.examples import Example, Examples

labels = st.lists(st.integers(1, 60_000), max_size=6).map(tuple)  # Chinese has so many


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Example,
            id=st.text(max_size=8),
            text=st.text(max_size=8),
            labels=labels,
            index=st.integers(0, 2**40),
            num_samples=st.integers(0, 2**40),
            phones=st.none() | labels,
            share=st.floats(0.1, 1),
        ),
        max_size=9,
    )
)
def test_examples_are_a_list_of_examples(listed: list[Example]) -> None:
    found = Examples(listed)
    assert list(found) == listed
    assert list(found[::-2]) == listed[::-2]
    assert list(found.ids) == [e.id for e in listed]
    assert found.num_samples.tolist() == [e.num_samples for e in listed]
    assert found.min_steps.tolist() == [
        max(min_steps(e.labels), min_steps(e.phones or ())) for e in listed
    ]
