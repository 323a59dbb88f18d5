"""Training of the g2p network on a lexicon."""

import keras
from tqdm import tqdm

from speechlstm.text.lexicon import Lexicon
from speechlstm.training.data.prefetch import prefetched
from speechlstm.training.g2p.dataset import PronunciationDataset
from speechlstm.training.g2p.network import G2PNetwork

BATCH_WORDS = 128
LEARNING_RATE = 2e-3  # after the warm-up, from which it falls to 0 along a cosine
WARM_UP = 0.05  # fraction of all updates
CLIP_NORM = 5.0


def train_g2p(
    lexicon: Lexicon, seed: int = 1, num_epochs: int = 8, progress: bool = False
) -> G2PNetwork:
    """Train a g2p network.

    As this takes only minutes, there is no run that could be resumed.

    Args:
        lexicon: The training data; see PronunciationDataset.
        seed: Seed of the weights and of the order; equal seeds give equal networks.
        num_epochs: Number of passes over the lexicon.
        progress: Whether to show a progress bar on stderr.

    Raises:
        TrainingError: The lexicon has no usable word.
    """
    train_data = PronunciationDataset(lexicon, BATCH_WORDS, seed)
    keras.utils.set_random_seed(seed)
    network = G2PNetwork(lexicon.alphabet)
    num_updates = num_epochs * len(train_data)
    warm_up = int(WARM_UP * num_updates)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, num_updates - warm_up, warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM)
    network.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    with tqdm(total=num_updates, desc="g2p", unit=" batches", disable=not progress) as bar:
        for epoch in range(num_epochs):
            train_data.start_epoch(epoch)
            for _, batch, _ in prefetched(train_data, 0):
                loss = network.train_on_batch(*batch)
                bar.set_postfix(loss=f"{loss:.2f}", refresh=False)
                bar.update()
    return network
