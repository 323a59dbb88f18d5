import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.config import AugmentConfig, NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.corpus import Corpus, derive_alphabet, load_corpus
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.examples import Example, Examples
from speechlstm.training.acoustic.mixing import mixed_on_device
from speechlstm.training.data.augment import Mixture
from speechlstm.training.data.masks import LONGEST_TIME_MASK
from speechlstm.training.data.pcm_cache import PCMCache
from speechlstm.training.data.sample_files import write_samples
from speechlstm.training.engine.distribution import Cluster

RATE = 16000
SETTINGS = Settings(training=TrainConfig(batch_seconds=8, seed=3))
PLAIN = AugmentConfig(speeds=(1.0,), gain_db=0, time_masks=0, frequency_masks=0)


def new_corpus(folder: Path, num_samples: Sequence[int]) -> Corpus:
    """Utterances of white noise, not one like another."""
    generator = np.random.default_rng(len(num_samples))
    files = []
    for k, length in enumerate(num_samples):
        files.append(folder / f"{k}.pcm")
        write_samples(files[-1], generator.integers(-9999, 9999, length, np.int16))
    examples = Examples(Example(f"u{k}", "ab", (1, 2), k, n) for k, n in enumerate(num_samples))
    return Corpus(examples, PCMCache(tuple(files), tuple(num_samples), {}), ())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """100 utterances of 0.2 to 2 s."""
    seconds = np.random.default_rng(1).uniform(0.2, 2, 100)
    return new_corpus(tmp_path_factory.mktemp("corpus"), [int(s * RATE) for s in seconds])


def batches(data: SpeechDataset, epoch: int) -> list[dict[str, Any]]:
    data.start_epoch(epoch)
    return [data[k][0] for k in range(len(data))]


def heard(data: SpeechDataset, epoch: int) -> dict[str, list[NDArray[Any]]]:
    """Of each utterance, by its id: waveform, masks."""
    data.start_epoch(epoch)
    found = {}
    for k in range(len(data)):
        inputs, _ = data[k]
        for row, example in enumerate(data.examples(k)):
            waveform = inputs["samples"][row, : inputs["num_samples"][row]]
            found[example.id] = [
                waveform, inputs["time_masks"][row], inputs["frequency_masks"][row]
            ]  # fmt: skip
    return found


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_holds_every_utterance_once(corpus: Corpus, augment: bool, epoch: int) -> None:
    data = SpeechDataset(corpus, SETTINGS, augment)
    data.start_epoch(epoch)
    ids = [example.id for k in range(len(data)) for example in data.examples(k)]
    assert sorted(ids) == sorted(example.id for example in corpus.examples)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [4, 8, 24])
def test_batches_keep_to_the_budget_and_are_hardly_padded(corpus: Corpus, seconds: float) -> None:
    settings = replace(SETTINGS, training=TrainConfig(batch_seconds=seconds))
    data = SpeechDataset(corpus, settings, augment=True)
    for epoch in range(3):
        sizes = [(b["samples"].size, b["num_samples"].sum()) for b in batches(data, epoch)]
        assert max(padded for padded, _ in sizes) <= seconds * RATE
        padded, spoken = np.sum(sizes, axis=0)
        assert spoken >= 0.9 * padded
        assert data.padding == pytest.approx(1 - spoken / padded)
        assert data.seconds == pytest.approx(spoken / RATE)
    assert len(sizes) < 1.3 * spoken / (seconds * RATE) + 5


def test_lengths_far_apart_share_no_batch(tmp_path: Path) -> None:
    corpus = new_corpus(tmp_path, [8000] * 3 + [16000] * 3 + [8000] * 3)
    data = SpeechDataset(corpus, replace(SETTINGS, augmentation=PLAIN), augment=True)
    assert [len(b["num_samples"]) for b in batches(data, 0)] == [3, 6]
    assert data.padding < 0.05


def test_what_exceeds_the_budget_stands_alone(tmp_path: Path) -> None:
    corpus = new_corpus(tmp_path, [RATE, 3 * RATE, RATE])
    settings = replace(SETTINGS, training=TrainConfig(batch_seconds=2.1), augmentation=PLAIN)
    data = SpeechDataset(corpus, settings, augment=True)
    assert [b["num_samples"].tolist() for b in batches(data, 0)] == [[3 * RATE], [RATE, RATE]]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
def test_the_longest_comes_first(corpus: Corpus, seed: int) -> None:
    settings = replace(SETTINGS, training=TrainConfig(batch_seconds=8, seed=seed))
    longest = [b["samples"].shape[1] for b in batches(SpeechDataset(corpus, settings, True), 0)]
    assert longest[0] == max(longest)
    assert longest != sorted(longest, reverse=True)  # the rest is shuffled


def test_epochs_differ(corpus: Corpus) -> None:
    data = SpeechDataset(corpus, SETTINGS, augment=True)
    neighbours, sounds = [], []
    for epoch in (1, 2):
        sounds.append(heard(data, epoch))
        neighbours.append({frozenset(e.id for e in data.examples(k)) for k in range(len(data))})
    assert len(neighbours[0] & neighbours[1]) <= 2
    pairs = [(sounds[0][example.id], sounds[1][example.id]) for example in corpus.examples]
    for part, share in ((0, 1), (1, 0.99), (2, 0.99)):  # gain is always another, masks hardly ever
        differ = [not np.array_equal(first[part], second[part]) for first, second in pairs]
        assert np.mean(differ) >= share
    speeds = [len(first[0]) == len(second[0]) for first, second in pairs]
    assert np.mean(speeds) == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.slow
def test_what_is_heard_hangs_on_seed_epoch_and_utterance_alone(corpus: Corpus) -> None:
    settings = replace(
        SETTINGS,
        augmentation=AugmentConfig(
            noise=("noise.jsonl",), room_probability=0.5, telephone_probability=0.5
        ),
    )
    corpus = replace(corpus, examples=corpus.examples[:40], noise=corpus.cache)
    data = SpeechDataset(corpus, settings, augment=True)
    expected = heard(data, 2)
    # Fewer, in another order, in other batches, and no epoch before.
    others = replace(corpus, examples=corpus.examples[30:10:-1])
    settings = replace(settings, training=replace(settings.training, batch_seconds=3))
    for found in (heard(data, 2), heard(SpeechDataset(others, settings, augment=True), 2)):
        assert len(found) in (20, 40)
        for key, parts in found.items():
            for part, wanted in zip(parts, expected[key], strict=True):
                np.testing.assert_array_equal(part, wanted)
    reseeded = replace(settings, training=replace(settings.training, seed=4))
    first = heard(SpeechDataset(others, reseeded, augment=True), 2)["u20"][0]
    assert not np.array_equal(first, expected["u20"][0])


@pytest.mark.slow
def test_consistency_lets_each_be_heard_twice(corpus: Corpus, tmp_path: Path) -> None:
    noisy = replace(corpus, noise=new_corpus(tmp_path, [3 * RATE]).cache)
    settings = replace(
        SETTINGS,
        training=replace(SETTINGS.training, consistency=0.2),
        augmentation=AugmentConfig(noise=("x",), noise_probability=1.0),
    )
    once = SpeechDataset(noisy, replace(settings, training=SETTINGS.training), augment=True)
    first, twice = heard(once, 0), SpeechDataset(noisy, settings, augment=True)
    ids = []
    for k in range(len(twice)):
        inputs, targets = twice[k]
        examples = twice.examples(k)
        assert len(inputs["samples"]) == len(targets["weights"]) == 2 * len(examples)
        assert len(examples) == 1 or inputs["samples"].size <= 8 * RATE
        for one, two in ((values[::2], values[1::2]) for values in targets.values()):
            np.testing.assert_array_equal(one, two)
        for row, example in enumerate(examples):
            ids.append(example.id)
            lengths, views = inputs["num_samples"][2 * row :][:2], inputs["samples"][2 * row :][:2]
            assert lengths[0] == lengths[1]  # the same speed, other noise and masks
            np.testing.assert_array_equal(views[0, : lengths[0]], first[example.id][0])
            assert np.abs(views[0] - views[1]).max() > 0.01
    assert sorted(ids) == sorted(first)
    masks = [twice[k][0]["frequency_masks"] for k in range(5)]
    assert any((rows[::2] != rows[1::2]).any() for rows in masks)
    assert SpeechDataset(noisy, settings, augment=False).num_views == 1


def test_noise_is_added(corpus: Corpus, tmp_path: Path) -> None:
    mute = replace(new_corpus(tmp_path, [RATE]), noise=corpus.cache)
    loud = AugmentConfig(noise=("noise.jsonl",), noise_probability=1, noise_snr_db=(0, 0))
    settings = replace(SETTINGS, augmentation=replace(loud, speeds=(1.0,), gain_db=0))
    samples = SpeechDataset(mute, settings, augment=True)[0][0]["samples"][0]
    power = [np.mean(x.astype(float) ** 2) for x in (mute.cache.waveform(0), samples)]
    assert power[1] / power[0] == pytest.approx(2, rel=0.05)  # two of equal level


def test_masks_fit_the_utterance_at_its_speed(corpus: Corpus) -> None:
    for inputs in batches(SpeechDataset(corpus, SETTINGS, augment=True), 1):
        num_frames = 1 + inputs["num_samples"] // 160
        assert (inputs["time_masks"].sum(-1) <= num_frames[:, None]).all()
        assert (inputs["time_masks"][..., 1] <= LONGEST_TIME_MASK * num_frames[:, None]).all()
        assert inputs["frequency_masks"].sum(-1).max() <= 40


def test_speed_leaves_room_for_the_text(tmp_path: Path) -> None:
    # 31 frames, 11 steps: the text needs all of them, at 1.1 times the speed there are 10.
    corpus = new_corpus(tmp_path, [30 * 160] * 20)
    fast = replace(SETTINGS, augmentation=AugmentConfig(speeds=(1.1,)))
    for labels, num_samples in (
        ((1, 1, 2, 1, 2, 1, 2, 1, 2, 1), 4800),  # ten labels and a blank between the first two
        ((1, 2, 2, 1, 2, 1, 2, 1, 2), 4364),
    ):
        examples = Examples(replace(example, labels=labels) for example in corpus.examples)
        data = SpeechDataset(replace(corpus, examples=examples), fast, augment=True)
        assert {int(n) for b in batches(data, 0) for n in b["num_samples"]} == {num_samples}


@pytest.mark.parametrize("augment", [True, False])
def test_quiet_recordings_with_an_offset_are_heard_as_recognition_hears_them(
    tmp_path: Path, augment: bool
) -> None:
    samples = np.random.default_rng(1).integers(-33, 34, 8000, np.int16)
    write_samples(tmp_path / "0.pcm", samples + np.int16(300))
    cache = PCMCache((tmp_path / "0.pcm",), (len(samples),), {})
    quiet = Corpus(Examples([Example("u0", "ab", (1, 2), 0, len(samples))]), cache, ())
    data = SpeechDataset(quiet, replace(SETTINGS, augmentation=PLAIN), augment)
    heard = data[0][0]["samples"][0, : len(samples)]
    expected = samples - samples.mean()
    np.testing.assert_allclose(heard, 0.03 * expected / np.abs(expected).max(), atol=1e-6)


def test_validation_hears_the_recordings_as_they_are(corpus: Corpus) -> None:
    features = replace(SETTINGS.features, normalize="none")
    data = SpeechDataset(corpus, replace(SETTINGS, features=features), augment=False)
    for k in range(len(data)):
        inputs, targets = data[k]
        assert sorted(inputs) == ["num_samples", "samples"]
        for row, example in enumerate(data.examples(k)):
            expected = np.zeros(inputs["samples"].shape[1], np.float32)
            expected[: example.num_samples] = corpus.cache.waveform(example.index)
            np.testing.assert_array_equal(inputs["samples"][row], expected)
            assert inputs["num_samples"][row] == example.num_samples
        assert targets["weights"].all()


def test_labels_are_padded_and_the_dropped_weigh_nothing(tmp_path: Path) -> None:
    corpus = new_corpus(tmp_path, [8002, 8001, 8000])
    texts = ((1, 2, 3), (), (2,))
    examples = Examples(replace(e, labels=t) for e, t in zip(corpus.examples, texts, strict=True))
    data = SpeechDataset(replace(corpus, examples=examples), SETTINGS, augment=False)
    for dropped, order, weights in (
        ("", (0, 1, 2), [1, 1, 1]),
        ("1", (0, 2, 0), [1, 1, 0]),  # a copy of a usable one takes its place
        ("012", (0, 1, 2), [0, 0, 0]),
    ):
        data.dropped = {f"u{k}" for k in dropped}
        assert [e.id for e in data.examples(0)] == [f"u{k}" for k in order][: sum(weights)]
        inputs, targets = data[0]
        np.testing.assert_array_equal(inputs["num_samples"], [8002 - k for k in order])
        np.testing.assert_array_equal(targets["weights"], weights)
        np.testing.assert_array_equal(targets["num_labels"], [len(texts[k]) for k in order])
        for row, k in zip(targets["labels"], order, strict=True):
            assert row.tolist() == [*texts[k], *[0] * (len(row) - len(texts[k]))]


def test_unknown_phones_weigh_nothing(tmp_path: Path) -> None:
    corpus = new_corpus(tmp_path, [1600, 1600])
    one, other = (
        replace(e, phones=p) for e, p in zip(corpus.examples, (None, (2, 1)), strict=True)
    )
    phones = Alphabet(("K", "T"), separator=" ")
    corpus = replace(corpus, examples=Examples((one, other)), phones=phones)
    data = SpeechDataset(corpus, Settings(), False)
    _, targets = data[0]
    assert targets["weights"].tolist() == [1, 1]
    order = [example.id for example in data.examples(0)]
    row = order.index(other.id)
    assert targets["phone_weights"].tolist() == [float(i == row) for i in range(2)]
    assert targets["num_phones"][row] == 2
    assert targets["phones"][row, :3].tolist() == [2, 1, 0]


@pytest.mark.slow
def test_batches_come_in_few_shapes(tmp_path: Path) -> None:
    seconds = np.random.default_rng(1).uniform(1, 2, 2000)
    files = (tmp_path / "none",) * len(seconds)
    num_samples = tuple(int(s * RATE) for s in seconds)
    examples = Examples(Example(f"u{k}", "ab", (1, 2), k, n) for k, n in enumerate(num_samples))
    data = Unread(Corpus(examples, PCMCache(files, num_samples, {}), ()), SETTINGS, augment=True)
    seen: set[Any] = set()
    for epoch in range(4):
        data.start_epoch(epoch)
        shapes = {
            tuple((key, value.shape) for part in data[k] for key, value in part.items())
            for k in range(len(data))
        }
        assert len(shapes) <= 20 < len(data) / 10  # 0.9 to 2.2 s in steps of a twentieth
        assert epoch == 0 or len(shapes - seen) <= 4
        seen |= shapes


@pytest.mark.parametrize("augment", [True, False])
def test_a_few_shapes_serve_all_epochs(corpus: Corpus, augment: bool) -> None:
    data = SpeechDataset(corpus, SETTINGS, augment, few_shapes=True)
    shapes = set()
    for epoch in range(3 if augment else 1):
        data.start_epoch(epoch)
        counted: Counter[str] = Counter()
        for k in range(len(data)):
            inputs, targets = data[k]
            shapes.add(tuple(value.shape for part in (inputs, targets) for value in part.values()))
            examples = data.examples(k)
            counted.update(example.id for example in examples)
            weights = targets["weights"].tolist()
            assert weights == [1] * len(examples) + [0] * (len(weights) - len(examples))
            assert inputs["samples"].size <= 8 * RATE
        assert set(counted.values()) == {1}
        assert len(counted) == len(corpus.examples)
    assert len(shapes) <= 11
    assert data.padding < 0.35


@pytest.mark.slow
def test_what_the_network_mixes_is_what_is_mixed_here(corpus: Corpus) -> None:
    augmentation = AugmentConfig(
        noise=("noise.jsonl",), room_probability=0.5, telephone_probability=0.3
    )
    settings = replace(SETTINGS, augmentation=augmentation)
    corpus = replace(corpus, noise=corpus.cache)
    here, there = (SpeechDataset(corpus, settings, True, mixed=mixed) for mixed in (True, False))
    for k in range(0, len(here), 4):
        inputs = {key: keras.ops.convert_to_tensor(value) for key, value in there[k][0].items()}
        expected = here[k][0]["samples"]
        np.testing.assert_allclose(mixed_on_device(inputs), expected, atol=1e-5)
        assert np.abs(inputs["samples"] - expected).max() > 0.01


class Unread(SpeechDataset):
    """Batches of which only the shapes matter."""

    def _views(self, example: Example, speed: float) -> Any:
        silence = np.zeros(int(example.num_samples / speed + 0.5), np.float32)
        yield Mixture(silence), (np.zeros((2, 2)), np.zeros((2, 2)))


@pytest.mark.parametrize("augment", [True, False])
def test_processes_share_a_batch(corpus: Corpus, augment: bool) -> None:
    clusters = [sharing(num_devices=2, num_processes=2, process_id=k) for k in range(2)]
    parts = [SpeechDataset(corpus, SETTINGS, augment, cluster) for cluster in clusters]
    alone = SpeechDataset(corpus, SETTINGS, augment)
    for epoch in range(2):
        for data in (alone, *parts):
            data.start_epoch(epoch)
        assert len(alone) == len(parts[0])
        for k in range(0, len(alone), 5):
            for expected, whole, *halves in zip(
                alone[k], parts[0].whole(k), parts[0][k], parts[1][k], strict=True
            ):
                for key, values in expected.items():
                    first, second = (half[key] for half in halves)
                    assert len(first) == len(second)
                    assert len(first) % 2 == 0
                    joined = np.concatenate([first, second])
                    np.testing.assert_array_equal(joined, whole[key])
                    np.testing.assert_array_equal(joined[: len(values)], values)
                    rest = joined[len(values) :]
                    if key == "weights":
                        assert not rest.any()
                    else:
                        np.testing.assert_array_equal(rest, values[: len(rest)])


class _Found:
    """Recordings of which one is found to be damaged by the process that decodes it."""

    def __init__(self, corpus: Corpus, damaged: int) -> None:
        self._cache, self._damaged = corpus.cache, damaged
        self.num_samples, self.failures = corpus.cache.num_samples, dict[int, str]()

    def waveform(self, index: int) -> NDArray[np.float32]:
        if index == self._damaged:
            self.failures[index] = "damaged"
        return self._cache.waveform(index) * (index != self._damaged)


def test_a_recording_that_one_process_finds_damaged_moves_no_row(tmp_path: Path) -> None:
    corpus = new_corpus(tmp_path, [8000] * 20)
    settings = replace(SETTINGS, augmentation=PLAIN)
    parts = [
        SpeechDataset(
            replace(corpus, cache=_Found(corpus, 7)), settings, True,
            sharing(num_devices=1, num_processes=2, process_id=k),
        )
        for k in range(2)
    ]  # fmt: skip
    for epoch in range(2):  # in the second one, one process knows, or both
        seen: Counter[bytes] = Counter()
        for part in parts:
            part.start_epoch(epoch)
        for index in range(len(parts[0])):
            assert [e.id for e in parts[0].examples(index)] == [
                e.id for e in parts[1].examples(index)
            ]
            for part in parts:
                inputs, targets = part[index]
                rows = zip(inputs["samples"], targets["weights"], strict=True)
                seen.update(samples.tobytes() for samples, weight in rows if weight)
        assert len(seen) == 19
        assert set(seen.values()) == {1}


def sharing(**values: int) -> Cluster:
    """A cluster whatever the backend."""
    cluster = Cluster()
    for name, value in values.items():
        object.__setattr__(cluster, name, value)
    return cluster


@pytest.mark.slow
def test_the_work_of_drawing_an_epoch_grows_as_the_corpus(corpus: Corpus) -> None:
    """Counted in calls of functions, which no other process changes."""

    def num_calls(copies: int) -> int:
        examples = Examples(
            replace(e, id=f"{e.id}-{k}") for e in corpus.examples for k in range(copies)
        )
        data = SpeechDataset(replace(corpus, examples=examples), SETTINGS, augment=True)
        events = Counter[str]()
        sys.setprofile(lambda frame, event, argument: events.update([event]))
        try:
            data.start_epoch(1)
        finally:
            sys.setprofile(None)
        return events["call"] + events["c_call"]

    few, many = num_calls(5), num_calls(20)
    assert many < 4.1 * few
    assert many < 60 * 20 * len(corpus.examples)


def test_a_corpus_is_what_can_be_learnt(
    tmp_path: Path, write_tones: Callable[[Path, Sequence[str]], Path]
) -> None:
    said = Manifest(write_tones(tmp_path / "said.jsonl", ["Ab!", "ba c"]))
    (tmp_path / "broken.wav").write_text("no recording")
    more = [
        Utterance("broken", "broken.wav", 1, "ab"),
        Utterance("long", "said0.wav", 0.15, "abc" * 9),
        Utterance("foreign", "said1.wav", 0.25, "abx"),
        Utterance("marked", "said1.wav", 0.25, "ab <ba>"),
        Utterance("unknown", "said1.wav", 0.25),
        Utterance("silence", "said1.wav", 0.25, ""),
    ]
    write_manifest(tmp_path / "more.jsonl", more)
    manifests = [said, Manifest(tmp_path / "more.jsonl")]
    alphabet = derive_alphabet([said])
    assert sorted(alphabet.symbols) == [" ", "a", "b", "c"]
    settings = replace(SETTINGS, model=NetworkConfig(frame_stack=1))
    corpus = load_corpus(manifests, alphabet, settings, tmp_path / "cache")
    assert [(e.id, e.text) for e in corpus.examples] == [
        ("said0", "ab"), ("said1", "ba c"), ("silence", "")
    ]  # fmt: skip
    for example in corpus.examples:
        assert alphabet.decode(example.labels) == example.text
        assert len(corpus.cache.waveform(example.index)) == example.num_samples
    broken, long, foreign, marked = corpus.refused
    assert broken.startswith(f"{tmp_path / 'broken.wav'}: cannot be decoded")
    assert long == f"{tmp_path / 'said0.wav'}: text needs 27 frames, audio has 21; " + (
        "check that the transcript belongs to this recording"
    )
    assert foreign.startswith(f"{tmp_path / 'said1.wav'}: not in the alphabet: 'x' (U+0078)")
    assert marked.startswith(f"{tmp_path / 'said1.wav'}: its text has the mark '<ba>', which would")


def test_ids_that_several_manifests_have_are_told_apart(
    tmp_path: Path, write_tones: Callable[[Path, Sequence[str]], Path]
) -> None:
    manifests = []
    for name in ("x", "y", "z"):
        (tmp_path / name).mkdir()
        manifests.append(Manifest(write_tones(tmp_path / name / "said.jsonl", ["ab", "ba"])))
    found = load_corpus(manifests, Alphabet(("a", "b")), SETTINGS, tmp_path / "cache")
    assert [example.id for example in found.examples] == [
        "said0", "said1", "said0 (2)", "said1 (2)", "said0 (3)", "said1 (3)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("utterance", "reason"),
    [
        (Utterance("a", "none.wav", 1, "a"), r"none\.wav: cannot be read: No such file"),
        (Utterance("a", "none.wav", 1), "no utterance has a transcript"),
    ],
)
def test_nothing_usable_is_said(tmp_path: Path, utterance: Utterance, reason: str) -> None:
    path = tmp_path / "x.jsonl"
    write_manifest(path, [utterance])
    with pytest.raises(TrainingError, match=rf"x\.jsonl: no usable utterance: .*{reason}"):
        load_corpus([Manifest(path)], Alphabet(("a",)), SETTINGS, tmp_path / "cache")


def test_no_transcript_gives_no_alphabet(tmp_path: Path) -> None:
    write_manifest(tmp_path / "x.jsonl", [Utterance("a", "a.wav", 1, "...")])
    with pytest.raises(TrainingError, match="no utterance of the training manifests has a trans"):
        derive_alphabet([Manifest(tmp_path / "x.jsonl")])


@pytest.mark.slow
def test_an_epoch_has_utterances_as_often_as_their_manifest_weighs(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    paths = [
        write_tones(tmp_path / f"{name}.jsonl", ["ab"] * number)
        for name, number in (("often", 3), ("once", 5), ("half", 40))
    ]
    manifests = [Manifest(path) for path in paths]
    corpus = load_corpus(
        manifests, Alphabet(("a", "b")), SETTINGS, tmp_path / "cache", weights=(2.5, 1, 0.5)
    )
    assert len(corpus.examples) == 3 * 3 + 5 + 40
    assert corpus.cache.num_samples == tuple([2400] * 48)
    data = SpeechDataset(corpus, SETTINGS, augment=True)
    totals: Counter[str] = Counter()
    epochs = []
    for epoch in range(60):
        data.start_epoch(epoch)
        ids = [e.id for k in range(len(data)) for e in data.examples(k)]
        assert len(set(ids)) == len(ids)
        totals.update(name.partition(" ")[0].rstrip("0123456789") for name in ids)
        assert {f"often{k}{copy}" for k in range(3) for copy in ("", " (2)")} <= set(ids)
        epochs.append(set(ids))
    assert totals["once"] == 60 * 5
    assert totals["often"] == pytest.approx(60 * 3 * 2.5, rel=0.05)
    assert totals["half"] == pytest.approx(60 * 40 * 0.5, rel=0.05)
    assert epochs[0] != epochs[1]
    data.start_epoch(1)
    assert {e.id for k in range(len(data)) for e in data.examples(k)} == epochs[1]
