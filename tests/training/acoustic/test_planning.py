"""Plans of runs: what is projected, against what the run has."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from speechlstm.config import NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import TrainingError
from speechlstm.training import train
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.manifests import load_data
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.planning import Plan, plan
from speechlstm.training.acoustic.run import Run

pytestmark = pytest.mark.slow

SETTINGS = Settings(
    model=NetworkConfig(num_layers=1, num_units=4),
    training=TrainConfig(num_epochs=3, batch_seconds=2),
)


@pytest.fixture(scope="module", autouse=True)
def _eager() -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def manifests(
    tmp_path_factory: pytest.TempPathFactory, write_tones: Callable[[Path, Sequence[str]], Path]
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("plan")
    generator = np.random.default_rng(1)
    texts = ["".join(generator.choice([*"abc"], 2 + k % 9)) for k in range(84)]
    return (
        write_tones(folder / "train.jsonl", texts[:80]),
        write_tones(folder / "valid.jsonl", texts[80:]),
    )


def built(run: Run) -> AcousticNetwork:
    network = run.new_network()
    network({"samples": np.zeros((1, 8000), np.float32), "num_samples": np.array([8000], np.int32)})
    return network


def test_a_plan_has_the_sizes_of_the_run(manifests: tuple[Path, Path], tmp_path: Path) -> None:
    planned = plan(*manifests, SETTINGS)
    assert not list(tmp_path.iterdir())
    cache = tmp_path / "cache"
    run = train(*manifests, tmp_path / "run", SETTINGS, cache=cache, only_prepare=True)
    whole = SpeechDataset(load_data(run, print, cache)[0], SETTINGS, augment=True)
    assert planned.num_batches == len(whole) > 8
    assert planned.num_weights == built(run).count_params()
    assert planned.num_utterances == 80
    seconds = [utterance.duration for utterance in Manifest(manifests[0])]
    assert planned.hours * 3600 == pytest.approx(sum(seconds), rel=0.05)  # of other speeds
    assert planned.is_sample
    assert planned.num_epochs == 3
    for epoch in range(3):
        whole.start_epoch(epoch)
        for batch in range(len(whole)):
            whole[batch]
    written = sum(file.stat().st_size for file in cache.iterdir())
    assert planned.cache_bytes == pytest.approx(written, rel=0.1)  # speeds are drawn
    epochs = 3 * (planned.epoch_seconds + planned.valid_seconds)
    assert planned.seconds > epochs > 0
    assert planned.memory["process"] > 1e8


def test_a_small_corpus_is_tried_whole(
    tmp_path: Path, write_tones: Callable[[Path, Sequence[str]], Path]
) -> None:
    paths = [write_tones(tmp_path / f"{name}.jsonl", ["ab", "abc"]) for name in ("a", "b")]
    assert not plan(*paths, SETTINGS).is_sample
    with pytest.raises(TrainingError, match="is in a training manifest, too"):
        plan(paths[0], paths[0], SETTINGS)


def test_a_plan_is_to_be_read() -> None:
    planned = Plan(
        num_weights=1_234_567, num_utterances=9000, hours=10.0, num_batches=300, padding=0.08,
        num_epochs=20, decode_seconds=50, start_seconds=10, epoch_seconds=360, valid_seconds=36,
        memory={"process": 1_500_000_000, "GPU:0": 900_000_000}, cache_bytes=1_152_000_000,
        run_bytes=24_691_340, is_sample=True,
    )  # fmt: skip
    assert planned.to_text(2.0).splitlines() == [
        "network          1,234,567 weights",
        "training speech  10.0 h, 9000 utterances; 300 updates an epoch, 8% padding",
        "speed            100 x real time, measured on a sample of the batches",
        "before it        60 s to decode and start",
        "an epoch         6.0 min, and 36 s to validate",
        "20 epochs        2.2 h in all",
        "memory           1.5 GB (process), 900 MB (GPU:0)",
        "disk             1.2 GB of recordings, 25 MB of checkpoints",
        "1,000 hours      of such speech: 8.3 days for 20 epochs, 400 at 2 an hour",
    ]
