"""All of it, from recordings to a bundle, with a network of a few weights."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.bundle import AcousticSpec, read_bundle, write_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError, ConfigError, DataError, TrainingError
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.evaluation.tuning.trials import Trials
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.trie import build_trie
from speechlstm.lm.text import tokenize
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.tflite.weights import read_weights
from speechlstm.training import adapt
from speechlstm.training.acoustic import recipe
from speechlstm.training.acoustic.conversion import convert_acoustic
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.adaptation import adaptation, export, tune
from speechlstm.training.adaptation import train as training
from speechlstm.training.adaptation.adapt import Adapted
from speechlstm.training.adaptation.plan import Plan
from speechlstm.training.adaptation.work import Work
from speechlstm.training.engine.lock import locked
from speechlstm.training.tflite.edit import stored_quantization

WriteTones = Callable[[Path, Sequence[str]], Path]
TEXTS = ["ab ba", "ba", "ab", "ba ab ab", "cab", "ab ba ba", "ba cab", "ab ab", "ba ba", "cab ab"]


PHONES = Alphabet(("AA", "B", "K"), separator=" ")


def untrained(folder: Path, phones: Alphabet | None) -> Path:
    """A bundle with n-grams and, if it has phones, a lexicon, that has not learnt anything."""
    alphabet, network = Alphabet((" ", "a", "b", "c")), NetworkConfig(num_layers=1, num_units=16)
    keras.utils.set_random_seed(1)
    model = AcousticNetwork(FeatureConfig(), network, 5, 4 if phones else 0)
    for variable in model.trainable_variables:  # a constant 0 would be folded away
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.1))
    Lexicon({"ab": (("AA", "B"),), "ba": (("B", "AA"),), "k": (("K",),)}).write(folder / "lexicon")
    table = estimate(tokenize(["ab", "ba ab"]), 2).table
    write_packed(folder / "lm.ngram", build_trie(table), alphabet.sha256)
    lexicon = folder / "lexicon" if phones else None
    decoder = DecoderSpec(lm=folder / "lm.ngram", lexicon=lexicon)
    spec = AcousticSpec(FeatureConfig(), alphabet, network, phones)
    write_bundle(folder / "bundle", convert_acoustic(model), spec, decoder)
    return folder / "bundle"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of letters and phones."""
    return untrained(tmp_path_factory.mktemp("base"), PHONES)


@pytest.fixture
def two_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(seconds: float, num_layers: int, same_labels: bool) -> Plan:
        return Plan(0, 1e-3, 2, 60.0, 0)

    monkeypatch.setattr(adaptation, "make_plan", plan)


@pytest.mark.slow
@pytest.mark.usefixtures("two_epochs")
def test_from_recordings_to_a_bundle_that_goes_on_where_it_was(
    base: Path, write_tones: WriteTones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, output = write_tones(tmp_path / "all.jsonl", TEXTS), tmp_path / "mine"
    (tmp_path / "more.txt").write_text("ba ba ba\n")
    lines: list[str] = []

    def go() -> Adapted:
        lines.clear()
        return adapt(
            manifest, output, texts=[tmp_path / "more.txt"], init_from=base, keep=0.25,
            report=lines.append,
        )  # fmt: skip

    whole, calls = recipe.train, []

    def killed(train: Path, *arguments: object, **options: object) -> object:
        calls.append(train.name)
        if train.name == "train.jsonl":
            raise KeyboardInterrupt
        return whole(train, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(recipe, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            go()
    assert calls == ["train.jsonl"]
    assert not output.exists()

    adapted = go()
    assert lines[0] == f"going on in {adapted.work}"
    assert not any("decoding" in line or "n-grams" in line for line in lines)  # has been done
    bundle = read_bundle(output)
    assert bundle.acoustic.training["keep"] == 0.25
    assert bundle.acoustic.alphabet == read_bundle(base).acoustic.alphabet
    assert bundle.decoder.lm is not None
    assert bundle.decoder.calibration is not None
    assert "cab" in NGramModel.load(bundle.decoder.lm).words
    assert adapted.comparison.before is not None
    held_out = json.loads((adapted.work / "report.json").read_text())["after"]
    assert [score["reference"] for score in held_out] == [
        score.reference for score in adapted.comparison.before.scores
    ]
    assert (adapted.work / "adaptation.png").exists()
    # Once more: all has been done.
    assert go().comparison.to_text() == adapted.comparison.to_text()
    assert len(lines) <= 3
    # How much of the base to keep can be chosen without training again.
    with monkeypatch.context() as patched:
        patched.setattr(recipe, "train", pytest.fail)
        keep_half = {"texts": [tmp_path / "more.txt"], "init_from": base, "keep": 0.5}
        adapt(manifest, output, **keep_half, report=lines.append)  # type: ignore[arg-type]
    assert lines[-2].startswith("step ")
    assert read_bundle(output).acoustic.training["keep"] == 0.5
    # So can where it runs.
    with monkeypatch.context() as patched:
        patched.setattr(recipe, "train", pytest.fail)
        everywhere: dict[str, Any] = {"targets": ("everywhere",), "quantization": "int4"}
        adapt(manifest, output, **keep_half, **everywhere)  # type: ignore[arg-type]
    assert read_bundle(output).model_path.name == "model.portable.tflite"
    assert not (output / "model.tflite").exists()
    assert stored_quantization(read_bundle(output).model_path.read_bytes()) == "int4"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_folds", "chosen"), [(2, 0), (2, 1), (0, None)], ids=["no epoch", "folds", "held out"]
)
def test_a_network_that_learns_nothing_stays_as_it_is(
    base: Path,
    write_tones: WriteTones,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    num_folds: int,
    chosen: int | None,
) -> None:
    """Of little speech cross-validation decides, of more what is held out; then keep may, too."""
    plan = Plan(0, 1e-3, 2, 60.0, num_folds)
    monkeypatch.setattr(adaptation, "make_plan", lambda *arguments: plan)
    if num_folds:
        monkeypatch.setattr(training, "choose_epochs", lambda *arguments: chosen)
    found = [(4, 6), (0, 10), (0, 10), (0, 10)]  # errors of ours and theirs, with keep 0, then 0.5

    def validated(*arguments: object) -> SimpleNamespace:
        errors, hits = found.pop(0)
        counts = ErrorCounts(hits=hits, substitutions=errors)
        return SimpleNamespace(words=counts, characters=counts)

    monkeypatch.setattr(export, "validated", validated)
    manifest, lines = write_tones(tmp_path / "all.jsonl", TEXTS), list[str]()
    options: dict[str, Any] = {"init_from": base, "report": lines.append}
    adapted = adapt(manifest, tmp_path / "mine", **options, targets=("interpreter", "everywhere"))
    theirs, ours = read_bundle(base), read_bundle(adapted.path)
    right = list(read_weights(theirs.model_path.read_bytes()))
    for name in ("model.tflite", "model.portable.tflite"):
        weights = read_weights((ours.path / name).read_bytes())
        same = [np.array_equal(*pair) for pair in zip(right, weights, strict=True)]
        assert all(same) == (chosen != 1)
    assert any("its network stays as it is" in line for line in lines) == (chosen != 1)
    assert ours.decoder.lm is not None
    assert ours.decoder.lm.read_bytes() != theirs.decoder.lm.read_bytes()  # type: ignore[union-attr]
    if not num_folds:
        adapt(manifest, tmp_path / "mine", **options, keep=0.5)
        assert read_bundle(adapted.path).acoustic.training["keep"] == 0.5


@pytest.mark.slow
def test_a_kill_before_the_decoder_is_written_or_while_it_is_removed_changes_nothing_of_it(
    write_tones: WriteTones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = untrained(tmp_path, phones=None)
    plan = Plan(0, 1e-3, 2, 60.0, num_folds=2)
    monkeypatch.setattr(adaptation, "make_plan", lambda *arguments: plan)
    monkeypatch.setattr(training, "choose_epochs", lambda *arguments: 0)
    monkeypatch.setattr(Trials, "is_worse_than_greedy", lambda trials, trial: True)
    manifest = write_tones(tmp_path / "all.jsonl", TEXTS)

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tune, "write_decoder", killed)
        with pytest.raises(KeyboardInterrupt):
            adapt(manifest, tmp_path / "mine", init_from=base)
    folds = tmp_path / "mine.work" / "folds"
    folds.mkdir()  # as if killed while it was removed
    adapted = adapt(manifest, tmp_path / "mine", init_from=base)
    decoder = read_bundle(adapted.path).decoder
    assert decoder.lm is None  # the n-grams make more errors than none
    assert decoder.calibration is not None
    assert not folds.exists()
    (adapted.work / "bundle" / "bundle.json").unlink()
    again = adapt(manifest, tmp_path / "mine", init_from=base)
    assert read_bundle(again.path).decoder == decoder


@pytest.mark.slow
@pytest.mark.usefixtures("two_epochs")
def test_another_alphabet_keeps_the_layers_alone(
    base: Path, write_tones: WriteTones, tmp_path: Path
) -> None:
    manifest = write_tones(tmp_path / "all.jsonl", [text.replace("a", "ä") for text in TEXTS])
    lines: list[str] = []
    adapted = adapt(manifest, tmp_path / "mine", init_from=base, report=lines.append)
    bundle = read_bundle(adapted.path)
    assert bundle.acoustic.alphabet.symbols == (" ", "b", "c", "ä")
    assert (bundle.acoustic.phones, bundle.decoder.lexicon) == (None, None)
    assert adapted.comparison.before is None
    assert any(line.endswith(" for: ' ' 'b' 'c' 'ä' (a)") for line in lines)


@pytest.mark.slow
@pytest.mark.usefixtures("two_epochs")
def test_n_grams_that_make_more_errors_are_left_out(
    base: Path, write_tones: WriteTones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trials, "is_worse_than_greedy", lambda trials, trial: True)
    manifest = write_tones(tmp_path / "all.jsonl", [text.replace("a", "ä") for text in TEXTS])
    lines: list[str] = []
    adapted = adapt(manifest, tmp_path / "mine", init_from=base, report=lines.append)
    assert any("they are left out" in line for line in lines)
    decoder = read_bundle(adapted.path).decoder
    assert decoder.lm is None
    assert decoder.calibration is not None
    assert adapted.comparison.after.scores


@pytest.mark.slow
def test_what_cannot_be_is_refused_before_anything_is_made(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keep: must be in 0\.\.1"):
        adapt(tmp_path, tmp_path / "mine", keep=1.5)
    with pytest.raises(DataError, match="missing: no such folder or manifest"):
        adapt(tmp_path / "missing", tmp_path / "mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    with pytest.raises(BundleError, match="is a run; make a bundle of it"):
        adapt(tmp_path, tmp_path / "mine", init_from=tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(BundleError, match="something other than a bundle"):
        adapt(tmp_path, tmp_path / "mine")
    assert not (tmp_path / "mine.work").exists()


@pytest.mark.slow
def test_a_call_beside_another_one_changes_nothing_of_it(base: Path, tmp_path: Path) -> None:
    (tmp_path / "said").mkdir()
    with pytest.raises(DataError, match="no recordings; put"):
        adapt(tmp_path / "said", tmp_path / "mine", init_from=base)
    work = tmp_path / "mine.work"
    kept = Work(work)
    kept.make()
    with locked(work):
        with ThreadPoolExecutor(1) as other:  # a lock of this thread would be entered again
            call = partial(adapt, tmp_path / "said", tmp_path / "mine", init_from=base, keep=0.5)
            with pytest.raises(TrainingError, match=f"{work}: process .* is training here"):
                other.submit(call).result()
        assert not (work / "adapt.json").exists()
