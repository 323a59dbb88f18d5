import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BuiltinOperator

from speechlstm.bundle import default_bundle
from speechlstm.errors import LanguageModelError
from speechlstm.lm import lstm
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.tflite.editing import pack, parse
from speechlstm.tflite.metadata import embed_metadata, read_metadata
from speechlstm.training.tflite.edit import Quantization, quantize

ASSETS = Path(__file__).parent.parent / "assets"
PATH = ASSETS / "language_model.tflite"
SENTENCES = ["the cat", "the hat on the mat", "", "cat cat cat cat", "the hat on a bat a bat"]


def scores(model: LSTMLanguageModel) -> list[float]:
    return [model.sentence_log_prob(sentence.split())[0] for sentence in SENTENCES]


def expected_score(by_hand: Any, sentence: str) -> float:
    words = [*sentence.split(), "</s>"]
    return float(
        sum(
            by_hand.log_probs(words[:position])[by_hand.words.index(word)]
            for position, word in enumerate(words)
        )
    )


def test_sentences_are_scored_as_by_hand(by_hand: Any) -> None:
    model = LSTMLanguageModel(PATH)
    assert list(model.words) == by_hand.words
    expected = [expected_score(by_hand, sentence) for sentence in SENTENCES]
    assert len({round(score, 3) for score in expected}) == len(expected)
    assert scores(model) == pytest.approx(expected, abs=1e-4)
    together, num_oov = model.sentence_log_probs([sentence.split() for sentence in SENTENCES])
    assert together.tolist() == pytest.approx(expected, abs=1e-4)
    assert num_oov.tolist() == [0] * len(SENTENCES)


def test_a_string_is_a_path_too() -> None:
    assert LSTMLanguageModel(str(PATH)).words == LSTMLanguageModel(PATH).words


def test_unknown_words_are_read_as_unknown(by_hand: Any) -> None:
    score, num_oov = LSTMLanguageModel(PATH).sentence_log_prob(["zebra", "a"])
    assert score == pytest.approx(expected_score(by_hand, "<unk> a"), abs=1e-4)
    assert num_oov == 1


def test_all_words_after_a_state_share_one(by_hand: Any) -> None:
    model = LSTMLanguageModel(PATH)
    state, _ = model.advance(np.array([model.start_state]), np.array([9], np.int32))
    every = np.arange(model.num_words, dtype=np.int32)
    _, log_probs = model.advance(state.repeat(len(every)), every)
    np.testing.assert_allclose(log_probs, by_hand.log_probs(["the"]), atol=1e-5)
    assert np.exp(log_probs).sum() == pytest.approx(1)
    assert model.end_log_probs(state)[0] == log_probs[model.sentence_end]


def test_the_network_runs_once_for_all_states_that_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LSTMLanguageModel(PATH)
    network, sizes = model._whole, []

    def counted(**inputs: Any) -> Any:
        sizes.append(len(inputs["words"]))
        return network.run(**inputs)

    monkeypatch.setattr(model, "_whole", network._replace(run=counted))
    words = np.array([3, 4, 5, 3], np.int32)
    states, _ = model.advance(np.full(4, model.start_state), words)
    assert sizes == [1]
    assert states[0] == states[3]
    model.advance(states, words)
    model.advance(states[::-1], words)
    assert sizes == [1, 3]


def test_what_is_forgotten_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scores(LSTMLanguageModel(PATH))
    monkeypatch.setattr(lstm, "_MEMORY", 1)
    model = LSTMLanguageModel(PATH)
    assert scores(model) == pytest.approx(expected)
    states, _ = model.advance(np.full(3, model.start_state), np.array([3, 4, 5], np.int32))
    later, _ = model.advance(states, np.array([6, 7, 8], np.int32))
    assert scores(model) == pytest.approx(expected)
    alone = LSTMLanguageModel(PATH)
    for state, words in zip(later, ((3, 6), (4, 7), (5, 8)), strict=True):
        own = np.array([alone.start_state])
        for word in words:
            own, _ = alone.advance(own, np.array([word], np.int32))
        assert model.end_log_probs(later[later == state]) == alone.end_log_probs(own)


def test_numbers_are_given_again_without_confusion(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scores(LSTMLanguageModel(PATH))
    monkeypatch.setattr(lstm, "NUM_CONTEXTS", 32)
    model = LSTMLanguageModel(PATH)
    for _ in range(10):  # 17 steps each
        assert scores(model) == pytest.approx(expected)


def test_making_contexts_again_uses_no_numbers_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "_MEMORY", 1)
    monkeypatch.setattr(lstm, "NUM_CONTEXTS", 32)
    model = LSTMLanguageModel(PATH)
    words = np.array([3, 4, 5], np.int32)
    states, _ = model.advance(np.full(3, model.start_state), words)
    states, _ = model.advance(states, words)
    expected = model.advance(states, words)[1]
    for _ in range(30):  # each makes all three again, and what came before them
        assert (model.advance(states, words)[1] == expected).all()


def test_a_search_estimates_the_sum_over_all_words(
    by_hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = np.arange(10, dtype=np.int32)
    exact = LSTMLanguageModel(PATH).search(np.full(10, 1), words)[1]
    np.testing.assert_allclose(exact, by_hand.log_probs([]), atol=1e-5)
    monkeypatch.setattr(lstm, "_NUM_LOGITS", 4)
    model = LSTMLanguageModel(PATH)
    states, estimated = model.search(np.full(10, model.start_state), words)
    error = estimated - by_hand.log_probs([])
    assert 1e-4 < abs(error[0]) < 1
    np.testing.assert_allclose(error, error[0], atol=1e-5)  # of the denominator, which all share
    np.testing.assert_array_equal(states, model.advance(np.full(10, 1), words)[0])
    np.testing.assert_allclose(
        model.end_log_probs(states[9:]), by_hand.log_probs(["the"])[model.sentence_end], atol=1e-5
    )


def test_a_search_sums_the_most_probable_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not the first ones: the vocabulary is in alphabetical order."""
    monkeypatch.setattr(lstm, "_NUM_LOGITS", 4)
    model = LSTMLanguageModel(PATH)
    layer, (_, *shape) = model._layer, model._body.inputs["h"].shape
    summed = layer.most_probable(4)
    assert layer.bias[summed].min() >= np.delete(layer.bias, summed).max()
    assert summed.tolist() != [0, 1, 2, 3]
    state = np.zeros((1, *shape), np.float32)
    results = model._body.run(words=np.array([3], np.int32), h=state, c=state)
    expected = layer.logits(results["features"].repeat(4, axis=0), summed)
    np.testing.assert_allclose(results["log_probs"][0], expected, atol=1e-4)


@pytest.mark.parametrize("quantization", ["none", "float16", "int8", "int4"])
def test_a_search_reads_weights_of_any_precision(
    quantization: Quantization, tmp_path: Path
) -> None:
    path = tmp_path / "lm.tflite"
    changed = quantize(PATH.read_bytes(), quantization, all_kernels=True)
    path.write_bytes(embed_metadata(changed, read_metadata(PATH)))
    model = LSTMLanguageModel(path)
    states, _ = model.advance(np.full(10, model.start_state), np.arange(10, dtype=np.int32))
    for word in (2, 5, 9):
        words = np.full(10, word, np.int32)
        expected = model.advance(states, words)[1]
        np.testing.assert_allclose(model.search(states, words)[1], expected, atol=0.03)


def test_estimates_of_the_english_model_are_close() -> None:
    model = LSTMLanguageModel(default_bundle() / "rescorer.tflite")
    text = "he took the old road to the north and was never seen again by any of his friends"
    exact = estimated = np.array([model.start_state])
    errors = []
    for word in model.word_ids(text.split()):
        query = np.array([word], np.int32)
        exact, log_prob = model.advance(exact, query)
        estimated, estimate = model.search(estimated, query)
        errors.append(estimate[0] - log_prob[0])
    assert np.ptp(errors) > 1e-3  # they are estimates
    assert np.abs(np.mean(errors)) < 0.1
    assert np.std(errors) < 0.1
    assert np.abs(errors).max() < 0.3


@pytest.mark.slow
def test_writes_nothing_to_standard_error() -> None:
    code = (
        "import sys; from pathlib import Path; from speechlstm.lm.lstm import LSTMLanguageModel; "
        "LSTMLanguageModel(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, PATH], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def without_log_softmax() -> bytes:
    """The language model, with another operator in place of its LOG_SOFTMAX."""
    model = parse(PATH.read_bytes())
    (code,) = (c for c in model.operatorCodes if c.builtinCode == BuiltinOperator.LOG_SOFTMAX)
    code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.TANH
    for op in model.subgraphs[0].operators:
        if model.operatorCodes[op.opcodeIndex] is code:
            op.builtinOptionsType, op.builtinOptions = 0, None
    return embed_metadata(pack(model), read_metadata(PATH))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (without_log_softmax(), "its probabilities are not the softmax of a product"),
        (PATH.read_bytes()[:-100], "damaged"),
        (b"", "damaged"),
        ((ASSETS / "levels.tflite").read_bytes(), "not a .tflite file that speechlstm wrote"),
        (
            (default_bundle() / "pronouncer.tflite").read_bytes(),
            "is not a language model; make one",
        ),
    ],
)
def test_refuses_other_files(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "lm.tflite"
    path.write_bytes(content)
    with pytest.raises(LanguageModelError, match=rf"lm\.tflite: .*{reason}"):
        LSTMLanguageModel(path)
    with pytest.raises(LanguageModelError, match=r"none\.tflite: No such file"):
        LSTMLanguageModel(tmp_path / "none.tflite")
