from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from speechlstm.evaluation.pairing import common_keys

FOLDERS, STEMS, SUFFIXES = st.sampled_from(["", "a/", "b/"]), st.sampled_from("xy"), (".wav", "")
NAMES = st.sets(
    st.tuples(FOLDERS, FOLDERS, STEMS, st.sampled_from([*SUFFIXES, ".1"])).map("".join), max_size=6
)


def ends(names: set[str], depth: int, strips: bool) -> set[str]:
    return {
        "/".join((name.removesuffix(".wav") if strips else name).split("/")[-depth:])
        for name in names
    }


@given(NAMES, NAMES)
def test_as_many_ids_agree_as_any_ends_of_them_allow(
    references: set[str], hypotheses: set[str]
) -> None:
    most = 0
    for depth, *strips in product((1, 2, 3), (False, True), (False, True)):
        expected, found = ends(references, depth, strips[0]), ends(hypotheses, depth, strips[1])
        if len(expected) == len(references) and len(found) == len(hypotheses):
            most = max(most, len(expected & found))
    to_key, hypothesis_to_key = common_keys(references, hypotheses)
    expected, found = {*map(to_key, references)}, {*map(hypothesis_to_key, hypotheses)}
    assert (len(expected), len(found)) == (len(references), len(hypotheses))
    assert len(expected & found) == most
