from dataclasses import replace

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.explain.network import run_network
from speechlstm.explain.scoring import TextScorer


def scorer_of(audio: Audio) -> TextScorer:
    bundle = read_bundle(default_bundle())
    log_probs = run_network(bundle, [audio])[0].log_probs[:, 29:]
    # Hypotheses that share a state of the LSTM would be judged by the words of one of them.
    config = replace(bundle.decoder.neural_lm_config, context_words=0)
    spec = replace(bundle.decoder, neural_lm_config=config)
    assembly = DecoderAssembly(spec, bundle.acoustic.alphabet, bundle.acoustic.phones)
    decoder = assembly.decoder(bundle.acoustic.frame_seconds)
    search = decoder.start()
    found = decoder.search(log_probs, search)
    scorer = TextScorer(spec, assembly, decoder, log_probs, search.ends)
    scorer.found = found  # type: ignore[attr-defined]
    return scorer


@pytest.fixture(scope="module")
def judged() -> TextScorer:
    return scorer_of(Audio.load("data/samples/reading.wav").resampled(16000))


@pytest.fixture(scope="module")
def judged_sentences() -> TextScorer:
    """Of two recordings with a pause between them."""
    pieces = [Audio.load(f"data/samples/{name}.wav").resampled(16000) for name in ("date", "zip")]
    silence = np.zeros(16000, np.float32)
    samples = np.concatenate((pieces[0].samples, silence, pieces[1].samples, silence))
    return scorer_of(Audio(samples, 16000))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["judged", "judged_sentences"])
def test_texts_are_judged_as_the_search_judges_them(
    name: str, request: pytest.FixtureRequest
) -> None:
    judged = request.getfixturevalue(name)
    found = judged.found[:3]  # type: ignore[attr-defined]
    judgements = judged.judge([hypothesis.text.split() for hypothesis in found])
    for hypothesis, judgement in zip(found, judgements, strict=True):
        # All paths are a little more probable than those that the search kept.
        assert judgement.acoustic == pytest.approx(hypothesis.log_prob, abs=0.3)
        # The search estimates the denominators of the LSTM's softmax.
        estimated = 0.1 * len(judgement.lm)
        assert sum(judgement.lm) == pytest.approx(hypothesis.lm_log_prob, abs=estimated)
        assert judgement.score == pytest.approx(hypothesis.score, abs=0.3 + estimated)
    assert [len(j.ngram) - len(j.words) for j in judgements] == 3 * [1 + (name != "judged")]


@pytest.mark.slow
def test_a_word_belongs_to_the_sentence_in_which_it_begins(judged_sentences: TextScorer) -> None:
    words = [
        "july",
        "fourth",
        "seventeen",
        "seventy",
        "six",
        "one",
        "eight",
        "zero",
        "zero",
        "five",
    ]
    recognized, unknown, silent = judged_sentences.judge(
        [words, [*words[:3], "9", *words[4:]], words[:5]]
    )
    for start, end in ((0, 5), (5, 10)):
        (alone,) = judged_sentences._both.word_log_probs([words[start:end]])  # type: ignore[union-attr]
        place = start + start // 5
        assert recognized.lm[place : place + 6] == pytest.approx(alone, abs=1e-4)
    assert unknown.lm[6:] == pytest.approx(recognized.lm[6:])
    assert len(silent.lm) == 7  # the second sentence only ends
    assert silent.acoustic < recognized.acoustic


@pytest.mark.slow
def test_homophones_differ_only_in_the_language_models(judged: TextScorer) -> None:
    words = ["the", "old", "man", "opened", "the", "door", "and", "looked", "out", "at", "the"]
    sea, see, scene = judged.judge([[*words, word] for word in ("sea", "see", "scene")])
    assert sea.labels == see.labels != scene.labels
    assert sea.acoustic == see.acoustic != scene.acoustic
    assert sea.ngram[:-2] == see.ngram[:-2]
    assert sea.ngram[-2] > see.ngram[-2]
    assert sea.lstm[-2] > see.lstm[-2]


@pytest.mark.slow
def test_words_outside_the_lexicon_are_sounded_out(judged: TextScorer) -> None:
    known, unknown, figures = judged.judge([["door"], ["blorptastic"], ["42"]])
    assert judged.is_in_vocabulary("door")
    assert not judged.is_in_vocabulary("blorptastic")
    assert known.labels is not None and unknown.labels is not None
    assert len(unknown.labels) > len(known.labels)
    assert figures.labels is None
    assert figures.acoustic == -np.inf
