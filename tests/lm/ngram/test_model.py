import math
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.quantize import quantize
from speechlstm.lm.ngram.table import NGrams, NGramTable
from speechlstm.lm.ngram.trie import Trie

VOCABULARY = ["<unk>", "<s>", "</s>", "b", "a"]
Entries = dict[tuple[int, ...], tuple[float, float]]


def table_of(entries: Entries, vocabulary: Sequence[str] = VOCABULARY) -> NGramTable:
    """A table from log10 probability and back-off of each n-gram; every order up to the longest."""
    orders = []
    for n in range(1, max(map(len, entries)) + 1):
        found = {ngram: values for ngram, values in entries.items() if len(ngram) == n}
        values = np.array(list(found.values()), np.float32)
        words = np.array(list(found), np.int32).reshape(-1, n)
        orders.append(NGrams(words, values[:, 0], values[:, 1]))
    return NGramTable(vocabulary, orders)


def log10_prob(entries: Entries, context: tuple[int, ...], word: int) -> float:
    """The back-off recursion as textbooks write it."""
    if (*context, word) in entries:
        return entries[(*context, word)][0]
    return entries.get(context, (0, 0))[1] + log10_prob(entries, context[1:], word)


@st.composite
def random_entries(draw: st.DrawFn) -> Entries:
    """A model of order 1 to 4 in which some n-grams lack their suffixes, as pruning leaves them."""
    order = draw(st.integers(1, 4))
    values = st.tuples(st.floats(-4, 0, width=16), st.sampled_from([0.0, -0.5, 0.25, -1.5]))
    entries: Entries = {(word,): draw(values) for word in range(len(VOCABULARY))}
    longest = list(entries)
    for n in range(2, order + 1):
        candidates = [(*prefix, word) for prefix in longest for word in range(len(VOCABULARY))]
        longest = draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=8, unique=True))
        for ngram in longest:
            log10, backoff = draw(values)
            entries[ngram] = (log10, backoff if n < order else 0.0)
    return entries


@settings(max_examples=25, deadline=None)
@given(random_entries())
def test_equals_the_textbook_recursion(entries: Entries) -> None:
    model = NGramModel.from_table(table_of(entries))
    ids = np.array([model.word_id(word) for word in VOCABULARY], np.int32)
    histories = list(product(range(len(VOCABULARY)), repeat=3))
    states = np.full(len(histories), model.start_state)
    for position, words in enumerate(np.array(histories).T):
        states, log_probs = model.advance(states, ids[words])
        for history, log_prob in zip(histories, log_probs, strict=True):
            before = (1, *history[:position])  # 1 is <s>
            context = before[max(0, len(before) - model.order + 1) :] if model.order > 1 else ()
            expected = min(log10_prob(entries, context, history[position]), 0)
            assert math.isclose(log_prob, expected * math.log(10), abs_tol=1e-5)


def test_probabilities_equal_kenlms(data: Path, tiny: NGramTable) -> None:
    model = NGramModel.from_table(tiny)
    lines = (data / "tiny_test.txt").read_text().splitlines()
    answers = [line.split() for line in (data / "tiny.o3.query.txt").read_text().splitlines()]
    for line, (_, log10, _, num_oov) in zip(lines, answers, strict=True):
        log_prob, found_oov = model.sentence_log_prob(line.split())
        assert log_prob / math.log(10) == pytest.approx(float(log10), abs=1e-4)
        assert found_oov == int(num_oov)
    assert sum(int(answer[3]) for answer in answers) > 0


def test_many_are_advanced_as_each_alone(tiny: NGramTable) -> None:
    model = NGramModel.from_table(tiny)
    generator = np.random.default_rng(1)
    states = np.full(50, model.start_state)
    for _ in range(5):
        words = generator.integers(model.num_words, size=50, dtype=np.int32)
        after, log_probs = model.advance(states, words)
        assert (after.dtype, log_probs.dtype) == (np.int64, np.float32)
        for i in range(50):
            alone = model.advance(states[i : i + 1], words[i : i + 1])
            assert (alone[0][0], alone[1][0]) == (after[i], log_probs[i])
        np.testing.assert_array_equal(
            model.end_log_probs(after),
            model.advance(after, np.full(50, model.word_id("</s>"), np.int32))[1],
        )
        states = after


@pytest.mark.parametrize("convert", [lambda trie: trie, quantize])
def test_one_word_is_read_as_many_are(tiny: NGramTable, convert: Callable[[Trie], Trie]) -> None:
    model = NGramModel(convert(NGramModel.from_table(tiny).trie))
    states = np.arange(sum(model.trie.num_states)).repeat(3)
    words = np.random.default_rng(0).integers(0, model.num_words, len(states)).astype(np.int32)
    after, log_probs = model.advance(states, words)
    found = [model.step(*pair) for pair in zip(states.tolist(), words.tolist(), strict=True)]
    assert [state for state, _ in found] == after.tolist()
    assert [log_prob for _, log_prob in found] == pytest.approx(log_probs.tolist(), abs=1e-5)


def test_no_state_is_an_empty_question(tiny: NGramTable) -> None:
    model = NGramModel.from_table(tiny)
    after, log_probs = model.advance(np.empty(0, np.int64), np.empty(0, np.int32))
    assert (len(after), len(log_probs)) == (0, 0)


def test_states_forget_what_makes_no_difference() -> None:
    entries: Entries = {(word,): (-1.0, 0.0) for word in range(5)}
    entries |= {(3, 4): (-0.5, 0.0), (4, 3): (-0.25, -0.125), (4, 3, 3): (-0.1, 0.0)}
    model = NGramModel.from_table(table_of(entries))
    b, a = model.word_id("b"), model.word_id("a")
    words = [[a, b], [b, a], [a, a], [b, a], [a, a]]
    state = np.zeros(5, np.int64)
    after = []
    for step in np.array(words, np.int32).T:
        state, _ = model.advance(state, step)
        after.append(state)
    assert len(set(after[1].tolist())) == 2
    assert after[1][1] == after[1][2] == after[0][0]  # "b a" and "a a" are as good as "a"
    unknown, _ = model.advance(state, np.zeros(5, np.int32))
    assert not unknown.any()  # nothing continues <unk>: the empty context


def test_words_are_numbered_in_code_point_order() -> None:
    entries: Entries = {(word,): (-1.0, 0.0) for word in range(7)}
    model = NGramModel.from_table(table_of(entries, ["<unk>", "z", "</s>", "é", "<s>", "a", "'s"]))
    assert model.words == ["<unk>", "'s", "</s>", "<s>", "a", "z", "é"]
    assert [model.word_id(word) for word in model.words] == list(range(7))
    assert model.word_id("unheard") == 0
    assert (model.order, model.num_words, model.start_state) == (1, 7, 0)


@given(st.lists(st.sampled_from([*VOCABULARY, "", "<", "0", "aa", "\U0010ffff"])), st.booleans())
def test_many_ids_are_those_of_each_word(words: list[str], in_order: bool) -> None:
    model = NGramModel.from_table(table_of({(word,): (-1.0, 0.0) for word in range(5)}))
    words = sorted(words) if in_order else words
    assert model.word_ids(words).tolist() == [model.word_id(word) for word in words]


@pytest.mark.parametrize(
    ("extra", "reason"), [((3, 3, 4), "'b b a' is missing"), ((3,), "'b' is repeated")]
)
def test_impossible_tables_are_refused(extra: tuple[int, ...], reason: str) -> None:
    entries: Entries = {(word,): (-1.0, 0.0) for word in range(5)} | {(4, 3): (-0.5, 0.0)}
    table = table_of(entries | {(4, 3, 3): (-0.5, 0.0)})
    orders = list(table.orders)
    order = orders[len(extra) - 1]
    orders[len(extra) - 1] = NGrams(
        np.append(order.words, np.array([extra], np.int32), axis=0),
        np.append(order.log10_probs, np.float32(-1)),
        np.append(order.log10_backoffs, np.float32(0)),
    )
    with pytest.raises(ValueError, match=reason):
        NGramModel.from_table(NGramTable(VOCABULARY, orders))


def test_the_table_comes_back(tiny: NGramTable) -> None:
    def entries(table: NGramTable) -> dict[str, tuple[float, float]]:
        return {
            " ".join(table.vocabulary[word] for word in row): values
            for order in table.orders
            for row, *values in zip(
                order.words, order.log10_probs, order.log10_backoffs, strict=True
            )
        }

    found, expected = entries(NGramModel.from_table(tiny).to_table()), entries(tiny)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(
        [found[ngram] for ngram in expected], list(expected.values()), rtol=1e-6
    )


@pytest.mark.parametrize("bigrams", ["-1 <s> a\n", ""])
def test_load_names_the_file_at_fault(tmp_path: Path, bigrams: str) -> None:
    arpa = tmp_path / "lost.arpa"
    arpa.write_text(
        f"\\data\\\nngram 1=3\nngram 2={bigrams.count('-')}\nngram 3=1\n\n"
        "\\1-grams:\n-1 <s>\n-1 </s>\n-1 a\n\n"
        f"\\2-grams:\n{bigrams}\n\\3-grams:\n-1 a a a\n\n\\end\\\n"
    )
    with pytest.raises(LanguageModelError, match=r"lost\.arpa: the prefix of the n-gram 'a a a'"):
        NGramModel.load(arpa)


def test_words_of_an_arpa_file_get_the_form_of_transcripts(tmp_path: Path) -> None:
    arpa = tmp_path / "cased.arpa"
    arpa.write_text(
        "\\data\\\nngram 1=6\n\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 July\n-1 DON'T\n-1 The\n-1 the\n\n"
        "\\end\\\n"
    )
    assert NGramModel.load(arpa).words == ["<unk>", "</s>", "<s>", "The", "don't", "july", "the"]


def test_load_checks_all_of_a_packed_file(tmp_path: Path, tiny: NGramTable) -> None:
    path = tmp_path / "tiny.lm"
    write_packed(path, NGramModel.from_table(tiny).trie, "alphabet")
    assert NGramModel.load(path).alphabet_sha256 == "alphabet"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(LanguageModelError, match=r"tiny\.lm: is damaged: its checksum"):
        NGramModel.load(path)


def test_a_byte_a_value_costs_little(data: Path, tiny: NGramTable) -> None:
    exact = NGramModel.from_table(tiny)
    rough = NGramModel(quantize(exact.trie))
    assert rough.trie.log_probs.itemsize == rough.trie.backoffs.itemsize == 1
    words = [line.split() for line in (data / "tiny_test.txt").read_text().splitlines()]
    differences = rough.sentence_log_probs(words)[0] - exact.sentence_log_probs(words)[0]
    assert 0 < np.abs(differences).max() < 0.2
    assert abs(differences.mean()) < 0.01


def test_few_values_lose_nothing() -> None:
    entries: Entries = {(word,): (-1.0 - word / 8, -0.25) for word in range(5)}
    entries |= {(3, 4): (-0.5, 0.0), (4, 3): (-0.25, 0.0)}
    exact = NGramModel.from_table(table_of(entries))
    rough = NGramModel(quantize(exact.trie))
    for words in product(["a", "b", "c"], repeat=3):
        assert rough.sentence_log_prob(words) == exact.sentence_log_prob(words)
