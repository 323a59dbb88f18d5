"""Sentences that end at pauses, against a loop over frames and against sentences decoded alone."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.decoding.sentences import sentence_end
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.table import NGrams, NGramTable
from speechlstm.text.alphabet import BLANK, Alphabet

CHARACTERS = Alphabet((" ", *"acekt"))
PHONES = Alphabet(("K", "AE", "T"), separator=" ")
LEXICON = LexiconTree.from_pronunciations(
    {"at": (("AE", "T"),), "cat": (("K", "AE", "T"),), "tack": (("T", "AE", "K"),)}, PHONES
)
FRAME_SECONDS = 0.1
NUM_BLANKS = 4
CONFIG = DecodeConfig(beam_width=50, num_hypotheses=8, lm_weight=1.0, sentence_pause=0.4)


def bigrams() -> NGramModel:
    """Each word begins sentences and ends them, and none is likely to follow another."""
    vocabulary = ["<unk>", "<s>", "</s>", "at", "cat", "tack"]
    inner = range(3, 6)
    unigrams = np.array([-4, -99, -4, -4, -4, -4], np.float32)
    rows = [(1, word) for word in inner] + [(word, 2) for word in inner]
    probs = np.array([-0.5, -0.6, -0.3, -0.1, -0.2, -0.3], np.float32)
    orders = [
        NGrams(np.arange(6, dtype=np.int32)[:, np.newaxis], unigrams, np.zeros(6, np.float32)),
        NGrams(np.array(rows, np.int32), probs, np.zeros(6, np.float32)),
    ]
    return NGramModel.from_table(NGramTable(vocabulary, orders))


LM = bigrams()
DECODERS = [
    (lambda config: NBestDecoder(BeamDecoder(PHONES, config, LM, LEXICON), FRAME_SECONDS), PHONES),
    (lambda config: NBestDecoder(BeamDecoder(CHARACTERS, config, LM), FRAME_SECONDS), CHARACTERS),
]


def utterance(seed: int, num_labels: int) -> NDArray[np.float32]:
    """Random log-probabilities, with runs of up to seven certain blanks between other frames."""
    generator = np.random.default_rng(seed)
    logits = 2 * generator.normal(size=(70, num_labels))
    start = 0
    while start < len(logits):
        start += int(generator.integers(1, 9))
        end = start + int(generator.integers(1, 8))
        logits[start:end, BLANK] += 12
        start = end
    sums = np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return (logits - sums).astype(np.float32)


def sentences_of(log_probs: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The first and the last frame + 1 of each sentence; the silence after the last one is none."""
    *ended, (start, end) = pairwise([0, *ends_of_sentences(log_probs), len(log_probs)])
    has_label = (np.exp(log_probs[start:end, BLANK]) <= 0.9).any()
    return [*ended, (start, end)] if has_label else ended


def ends_of_sentences(log_probs: NDArray[np.float32]) -> list[int]:
    """Each frame after which a sentence has ended, frame by frame."""
    ends, num_blanks, has_label = [], 0, False
    for number, row in enumerate(np.exp(log_probs[:, BLANK])):
        num_blanks = num_blanks + 1 if row > 0.9 else 0
        has_label |= not num_blanks
        if has_label and num_blanks == NUM_BLANKS:
            ends.append(number + 1)
            has_label = False
    return ends


@pytest.mark.parametrize("seed", range(10))
def test_a_sentence_ends_at_the_first_pause_however_many_frames_are_known(seed: int) -> None:
    log_probs = utterance(seed, 4)
    ends = ends_of_sentences(log_probs)
    assert len(ends) > 2
    for start, end in pairwise([0, *ends]):
        for known in range(start, len(log_probs) + 1):
            expected = end - start if known >= end else None
            assert sentence_end(log_probs[start:known], NUM_BLANKS) == expected
    assert sentence_end(log_probs[ends[-1] :], NUM_BLANKS) is None


@pytest.mark.parametrize("make", DECODERS, ids=["phones", "characters"])
@pytest.mark.parametrize("seed", range(3))
def test_an_utterance_is_decoded_as_its_sentences_alone(make: tuple, seed: int) -> None:
    decoder, alphabet = make
    log_probs = utterance(seed, alphabet.num_labels)
    alone = decoder(replace(CONFIG, sentence_pause=0.0, num_hypotheses=60))
    lists = [alone.search(log_probs[start:end]) for start, end in sentences_of(log_probs)]
    assert len(lists) > 3
    several = decoder(CONFIG)
    search = several.start()
    found = several.search(log_probs, search)
    assert search.ends == [end for _, end in sentences_of(log_probs)]
    best = [n_best[0] for n_best in lists]
    assert found[0].text == " ".join(h.text for h in best if h.text)
    for key in ("log_prob", "lm_log_prob", "score"):
        assert getattr(found[0], key) == pytest.approx(sum(getattr(h, key) for h in best))
    assert len({h.text for h in found}) == len(found)
    scores = [h.score for h in found]
    assert scores == sorted(scores, reverse=True)
    combined = {
        " ".join(h.text for h in chosen if h.text): sum(h.score for h in chosen)
        for chosen in product(*(n_best[:2] for n_best in lists))
    }
    for hypothesis in found[:8]:  # a hypothesis beyond the second of a list scores less than these
        expected = combined.get(hypothesis.text)
        assert expected is None or hypothesis.score >= expected - 1e-6


def emitted(symbols: str) -> NDArray[np.float32]:
    """Log-probabilities whose frames each emit the first letter of a phone, or a blank for "-"."""
    probs = np.full((len(symbols), PHONES.num_labels), 0.005)
    probs[range(len(symbols)), ["-KAT".index(symbol) for symbol in symbols]] = 0.985
    return np.log(probs).astype(np.float32)


def test_the_language_model_need_not_predict_a_sentence_from_the_one_before() -> None:
    def recognised(symbols: str, sentence_pause: float) -> str:
        config = replace(CONFIG, lm_weight=3.0, max_score_gap=99.0, sentence_pause=sentence_pause)
        decoder = NBestDecoder(BeamDecoder(PHONES, config, LM, LEXICON), FRAME_SECONDS)
        return decoder.decode(emitted(symbols), 9.0)[0].text

    assert recognised("KAT-----TAK", 0.4) == "cat tack"
    assert recognised("KAT-----TAK", 0.0) != "cat tack"  # which the model has not seen
    assert recognised("KAT---TAK", 0.4) == recognised("KAT---TAK", 0.0)


def test_words_of_all_sentences_have_the_times_at_which_they_are_spoken() -> None:
    decoder = NBestDecoder(BeamDecoder(PHONES, CONFIG, LM, LEXICON), FRAME_SECONDS)
    (found, *_) = decoder.decode(emitted("--KAT-----TAK------AT-"), 2.2)
    times = [(word.text, word.start, word.end) for word in found.words]
    assert [text for text, _, _ in times] == ["cat", "tack", "at"]
    assert [at for _, *pair in times for at in pair] == pytest.approx(
        [0.2, 0.5, 1.0, 1.3, 1.9, 2.1]
    )


def test_without_a_language_model_a_pause_changes_nothing() -> None:
    log_probs = utterance(1, CHARACTERS.num_labels)
    with_pause, without = (
        NBestDecoder(BeamDecoder(CHARACTERS, replace(CONFIG, sentence_pause=pause)), FRAME_SECONDS)
        for pause in (0.4, 0.0)
    )
    assert with_pause.decode(log_probs, 7.0) == without.decode(log_probs, 7.0)


def test_the_silence_at_the_end_is_no_sentence() -> None:
    decoder = NBestDecoder(BeamDecoder(PHONES, CONFIG, LM, LEXICON), FRAME_SECONDS)
    found, alone = (decoder.decode(emitted(symbols), 9.0)[0] for symbols in ("KAT------", "KAT--"))
    assert (found.text, found.lm_log_prob) == ("cat", alone.lm_log_prob)


@pytest.mark.parametrize("make", DECODERS, ids=["phones", "characters"])
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_growing_utterance_ends_with_the_hypotheses_of_the_whole(make: tuple, seed: int) -> None:
    make_decoder, alphabet = make
    decoder, log_probs = make_decoder(CONFIG), utterance(seed, alphabet.num_labels)
    incremental = decoder.incremental()
    for end in (0, 3, 4, 17, 30, 31, 52, 64):
        draft = log_probs[: end + 6].copy()
        draft[end:] = utterance(seed + 9, alphabet.num_labels)[: len(draft) - end]
        incremental.settle(draft[: end + 4], end, end + 2)
        incremental.preview(draft, len(draft) * FRAME_SECONDS, end + 3)
        duration = len(draft) * FRAME_SECONDS
        assert incremental.decode(draft, duration) == decoder.decode(draft, duration)


def test_what_is_no_distribution_is_refused_in_silence_too() -> None:
    decoder = NBestDecoder(BeamDecoder(PHONES, CONFIG, LM, LEXICON), FRAME_SECONDS)
    damaged = emitted("KAT---------")
    damaged[-1] = np.nan
    for log_probs in (damaged, damaged[0], damaged[:, :3]):
        with pytest.raises(ValueError, match="log_probs"):
            decoder.decode(log_probs, 9.0)


def with_hot_words(*hot_words: str, **settings: float) -> NBestDecoder:
    config = replace(CONFIG, hot_words=hot_words, hot_word_weight=1.25, **settings)
    pronunciations = {"catack": [("K", "AE", "T", "AE", "K")]}
    return NBestDecoder(
        BeamDecoder(PHONES, config, LM, LEXICON, pronunciations=pronunciations), FRAME_SECONDS
    )


@pytest.mark.parametrize(
    ("symbols", "hot_word", "text"),
    [
        ("KAT-----AK", "catack", "catack"),
        ("TAK------KA-----TAK------KAT", "catack", "tack catack cat"),
        ("KAT-----TAK", "cat tack", "cat tack"),
        ("KAT-----TAK", "tack at", "cat tack"),
        ("KAT-----TAK", "catack", "cat tack"),
        ("KAT-----TAK-----AT", "cat at", "cat tack at"),
    ],
)
def test_a_hot_word_with_a_pause_in_it(symbols: str, hot_word: str, text: str) -> None:
    decoder = with_hot_words(hot_word, lm_weight=0.5)
    found = decoder.decode(emitted(symbols), 9.0)[0]
    assert found.text == text
    assert [word.text for word in found.words] == text.split()


def test_a_hot_phrase_across_a_pause_outweighs_a_word_that_ends_a_sentence() -> None:
    log_probs = emitted("KAT-----TAK")
    log_probs[0] = np.log([0.38, 0.6, 0.01, 0.01])  # "cat" or "at"
    settings = {"lm_weight": 0.5, "max_score_gap": 99.0}
    assert with_hot_words(**settings).decode(log_probs, 9.0)[0].text == "cat tack"
    assert with_hot_words("at tack", **settings).decode(log_probs, 9.0)[0].text == "at tack"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_growing_utterance_has_the_hot_words_of_the_whole(seed: int) -> None:
    decoder, log_probs = with_hot_words("catack", "at tack", "cat"), utterance(seed, 4)
    incremental, plain = decoder.incremental(), with_hot_words()
    for end in (9, 30, 52, 64):
        incremental.settle(log_probs[: end + 4], end, end + 2)
        known, duration = log_probs[: end + 6], (end + 6) * FRAME_SECONDS
        found = incremental.decode(known, duration)
        assert found == decoder.decode(known, duration)
    assert found[0].text != plain.decode(known, duration)[0].text
