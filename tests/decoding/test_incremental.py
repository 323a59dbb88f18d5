"""Decoding bit by bit against decoding at once."""

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.text.alphabet import Alphabet

AB = Alphabet((" ", "a", "b"))
PHONES = Alphabet(("K", "AE", "T"), separator=" ")
LEXICON = LexiconTree.from_pronunciations(
    {"at": (("AE", "T"),), "cat": (("K", "AE", "T"),), "tack": (("T", "AE", "K"),)}, PHONES
)
FRAME_SECONDS = 0.03


def log_probs_of(seed: int, num_frames: int, num_labels: int) -> NDArray[np.float32]:
    """Random ones, a third of them certain blanks, which the search skips."""
    generator = np.random.default_rng(seed)
    logits = 3 * generator.normal(size=(num_frames, num_labels))
    logits[generator.random(num_frames) < 0.3, 0] += 15
    sums = np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return (logits - sums).astype(np.float32)


DECODERS: list[tuple[Decoder, int]] = [
    (GreedyDecoder(AB, FRAME_SECONDS), 4),
    (
        NBestDecoder(BeamDecoder(AB, DecodeConfig(beam_width=20, num_hypotheses=5)), FRAME_SECONDS),
        4,
    ),
    (
        NBestDecoder(
            BeamDecoder(PHONES, DecodeConfig(beam_width=100), lexicon=LEXICON), FRAME_SECONDS
        ),
        4,
    ),
    (NBestDecoder(BeamDecoder(AB, DecodeConfig(hot_words=("ab a", "b:-1"))), FRAME_SECONDS), 4),
]


@pytest.mark.parametrize(("decoder", "num_labels"), DECODERS)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_settled_frames_lead_to_what_the_whole_leads_to(
    decoder: Decoder, num_labels: int, seed: int
) -> None:
    log_probs = log_probs_of(seed, 60, num_labels)
    incremental = decoder.incremental()
    for end in (0, 1, 7, 30, 31, 52):
        draft = log_probs[: end + 8].copy()
        draft[end:] = log_probs_of(seed + 100, len(draft) - end, num_labels)
        incremental.settle(draft[: end + 4], end, end + 2)
        incremental.preview(draft, len(draft) * FRAME_SECONDS, end + 3)
        duration = len(draft) * FRAME_SECONDS
        assert incremental.decode(draft, duration) == decoder.decode(draft, duration)
    incremental.settle(log_probs[:55], 52, 53)
    duration = len(log_probs) * FRAME_SECONDS
    assert incremental.decode(log_probs, duration) == decoder.decode(log_probs, duration)


@pytest.mark.parametrize(("decoder", "num_labels"), DECODERS[:3])
def test_a_preview_is_the_best_hypothesis_if_the_beam_is_as_narrow(
    decoder: Decoder, num_labels: int
) -> None:
    log_probs = log_probs_of(3, 40, num_labels)
    incremental = decoder.incremental()
    incremental.settle(log_probs[:12], 5, 10)
    for num_frames in (15, 20, 33, 40):
        duration = num_frames * FRAME_SECONDS
        preview = incremental.preview(log_probs[:num_frames], duration, num_frames - 3)
        whole = decoder.decode(log_probs[:num_frames], duration)[0]
        assert preview.text == whole.text
        assert [(w.start, w.end) for w in preview.words] == [(w.start, w.end) for w in whole.words]


def test_a_fork_and_its_origin_do_not_change_each_other() -> None:
    decoder = BeamDecoder(AB, DecodeConfig(beam_width=20))
    first, second, third = (log_probs_of(seed, 20, 4) for seed in range(3))
    search = decoder.start()
    search.advance(first)
    fork = search.fork()
    fork.advance(second)
    search.advance(third)
    for continued, rest in ((fork, second), (search, third)):
        alone = decoder.start()
        alone.advance(np.concatenate((first, rest)))
        assert continued.finish() == alone.finish()
