from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from speechlstm.bundle import AcousticSpec, write_bundle
from speechlstm.cli import main
from speechlstm.config import FeatureConfig, NetworkConfig, Settings, TrainConfig
from speechlstm.errors import BundleError, ConfigError
from speechlstm.text.alphabet import Alphabet
from speechlstm.tflite.weights import read_weights
from speechlstm.training.acoustic import stored_weights
from speechlstm.training.acoustic.conversion import convert_acoustic
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.acoustic.transfer import transfer
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.tflite.edit import Quantization, quantize, without_cell_clip

ALPHABET = Alphabet((" ", "a", "b", "c"))
FEATURES = FeatureConfig(num_mfcc=13)
SMALL = NetworkConfig(num_layers=2, num_units=8)


def new_model(config: NetworkConfig = SMALL, num_labels: int = 5, seed: int = 1) -> AcousticNetwork:
    """A model none of whose weights has the value it starts with, nor that of another."""
    keras.utils.set_random_seed(seed)
    model = AcousticNetwork(FEATURES, config, num_labels)
    for variable in model.trainable_variables:
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.3))
    return model


def weights(model: AcousticNetwork) -> list[Any]:
    return [variable.numpy() for variable in model.trainable_variables]


def write(path: Path, model: AcousticNetwork, tflite: bytes) -> Path:
    write_bundle(path, tflite, AcousticSpec(model.features, ALPHABET, model.config))
    return path


def source_of(model: AcousticNetwork, phones: Alphabet | None = None) -> TrainedModel:
    spec = AcousticSpec(model.features, ALPHABET, model.config, phones)
    return TrainedModel(Path("x"), model, spec)


@pytest.mark.slow
def test_other_phones_get_a_new_layer() -> None:
    keras.utils.set_random_seed(1)
    theirs, ours = (AcousticNetwork(FEATURES, SMALL, 5, num_phones=3) for _ in range(2))
    new = ours.output_layers[1].get_weights()
    lines: list[str] = []
    here, there = (Alphabet(symbols, separator=" ") for symbols in (("K", "T"), ("K", "AA")))
    source = source_of(theirs, there)
    transfer(source, ours, ALPHABET, 0, lines.append, phones=here)
    assert (
        lines[-1] == "differs from x: phone layer: the phones are K AA there, K T in the new model"
    )
    np.testing.assert_array_equal(ours.output_layers[1].get_weights()[0], new[0])
    transfer(source, ours, ALPHABET, 0, lines.append, phones=there)
    np.testing.assert_array_equal(ours.output_layers[1].kernel, theirs.output_layers[1].kernel)


@pytest.fixture(scope="module")
def model() -> AcousticNetwork:
    return new_model()


@pytest.fixture(scope="module")
def tflite(model: AcousticNetwork) -> bytes:
    return without_cell_clip(convert_acoustic(model))


@pytest.fixture(scope="module")
def portable(model: AcousticNetwork) -> bytes:
    return convert_acoustic(model, fused=False)


# float16 has 11 bits; int8 has steps of 1 / 127 of a kernel's largest value, here below 1.5.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantization", "tolerance"), [("none", 0), ("float16", 2**-11), ("int8", 1.5 / 127 / 2)]
)
def test_weights_are_read_back_from_a_bundle(
    quantization: Quantization,
    tolerance: float,
    model: AcousticNetwork,
    tflite: bytes,
    tmp_path: Path,
) -> None:
    source = trained_model(write(tmp_path / "bundle", model, quantize(tflite, quantization)))
    assert source.alphabet == ALPHABET
    assert source.settings == Settings(FEATURES, SMALL)
    for found, expected in zip(weights(source.network), weights(model), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    exact = [model.norms[0].gamma, model.output_layers[0].kernel, model.recurrent[1].weights[5]]
    read = source.network
    found = [read.norms[0].gamma, read.output_layers[0].kernel, read.recurrent[1].weights[5]]
    for ours, theirs in zip(found, exact, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantization", "tolerance"), [("none", 0), ("float16", 2**-11), ("int8", 1.5 / 127 / 2)]
)
def test_weights_are_read_back_from_a_portable_model(
    quantization: Quantization,
    tolerance: float,
    model: AcousticNetwork,
    portable: bytes,
    tmp_path: Path,
) -> None:
    path = tmp_path / "bundle"
    tflite = quantize(portable, quantization)
    spec = AcousticSpec(FEATURES, ALPHABET, SMALL)
    write_bundle(path, {"model.portable.tflite": tflite}, spec)
    for found, expected in zip(weights(trained_model(path).network), weights(model), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.slow
def test_a_single_direction_without_norms_in_a_bare_file(tmp_path: Path) -> None:
    model = new_model(
        NetworkConfig(num_layers=1, num_units=8, bidirectional=False, layer_norm=False)
    )
    bundle = write(tmp_path / "bundle", model, without_cell_clip(convert_acoustic(model)))
    source = trained_model((bundle / "model.tflite").rename(tmp_path / "bare.tflite"))
    for found, expected in zip(weights(source.network), weights(model), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_weights_in_another_order_are_refused(
    model: AcousticNetwork, tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write(tmp_path / "bundle", model, tflite)
    values = list(read_weights(tflite))
    backward_first = values[12:24] + values[:12] + values[24:]
    monkeypatch.setattr(stored_weights, "read_weights", lambda _: iter(backward_first))
    with pytest.raises(
        BundleError, match=r"cannot be read: with them, probabilities differ by 0\.\d"
    ):
        trained_model(bundle)
    for wrong in (values[1:], values[:-1], [*values, values[-1]]):
        monkeypatch.setattr(stored_weights, "read_weights", lambda _, wrong=wrong: iter(wrong))
        with pytest.raises(BundleError, match="weights cannot be read: "):
            trained_model(bundle)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_are_read_from_their_loops(
    cell: Literal["gru", "rnn"], tflite: bytes, tmp_path: Path
) -> None:
    model = new_model(NetworkConfig(num_layers=2, num_units=8, cell=cell))
    source = trained_model(write(tmp_path / "bundle", model, convert_acoustic(model)))
    for found, expected in zip(weights(source.network), weights(model), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(BundleError, match="its weights cannot be read"):
        trained_model(write(tmp_path / "other", model, tflite))  # of an LSTM


def test_everything_fits_the_same_model(model: AcousticNetwork) -> None:
    other, lines = new_model(seed=2), list[str]()
    transfer(source_of(model), other, ALPHABET, 2, lines.append)
    for found, expected in zip(weights(other), weights(model), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert lines == [
        "weights from x: recurrent layer 1, recurrent layer 2, normalization 1, normalization 2, "
        "output layer"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("symbols", "config", "kept", "dropped"),
    [
        ("abcd", SMALL, "recurrent layer 1, recurrent layer 2, normalization 1, normalization 2",
         ["output layer: the alphabet is ' abc' there, 'abcd' in the new model"]),
        (" abc", NetworkConfig(num_layers=1, num_units=8), "recurrent layer 1, normalization 1, "
         "output layer", ["recurrent layer 2: the new model has no such layer",
                          "normalization 2: the new model has no such layer"]),
        (" abc", NetworkConfig(num_layers=2, num_units=8, frame_stack=1),
         "recurrent layer 2, normalization 1, normalization 2, output layer",
         ["recurrent layer 1: the weights are 39 x 32, 8 x 32, 32, 39 x 32, 8 x 32, 32 there, "
          "13 x 32, 8 x 32, 32, 13 x 32, 8 x 32, 32 in the new model"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_stays_new_and_is_listed(
    symbols: str, config: NetworkConfig, kept: str, dropped: list[str], model: AcousticNetwork
) -> None:
    other, lines = new_model(config, seed=2), list[str]()
    before = other.output_layers[0].kernel.numpy().copy()
    transfer(source_of(model), other, Alphabet(tuple(symbols)), 0, lines.append)
    alike = ["output weights from x for: 'a' 'b' 'c'"] if symbols == "abcd" else []
    assert lines == [
        f"weights from x: {kept}",
        *alike,
        *(f"differs from x: {reason}" for reason in dropped),
    ]
    theirs, ours = model.output_layers[0].kernel.numpy(), other.output_layers[0].kernel.numpy()
    if alike:  # labels 1 to 4 are " abc" there, "abcd" here; 0 is the blank
        np.testing.assert_array_equal(
            ours, np.column_stack([theirs[:, [0, 2, 3, 4]], before[:, 4]])
        )
    else:
        np.testing.assert_array_equal(ours, theirs)


def test_other_features_are_listed(model: AcousticNetwork) -> None:
    other, lines = AcousticNetwork(FeatureConfig(num_mfcc=13, hop_ms=12.5), SMALL, 5), list[str]()
    transfer(source_of(model), other, ALPHABET, 0, lines.append)
    assert lines[1:] == ["differs from x: features.hop_ms: 10.0 there, 12.5 in the new model"]


@pytest.mark.slow
def test_what_cannot_be_frozen_and_what_has_nothing_in_common(model: AcousticNetwork) -> None:
    source = source_of(model)
    other = new_model(NetworkConfig(num_layers=2, num_units=8, frame_stack=1))
    with pytest.raises(
        ConfigError, match="x: recurrent layer 1 cannot be frozen: the weights are 39 x 32"
    ):
        transfer(source, other, ALPHABET, 1, print)
    deeper = new_model(NetworkConfig(num_layers=3, num_units=8))
    with pytest.raises(
        ConfigError, match="x: recurrent layer 3 cannot be frozen: that model has no such layer"
    ):
        transfer(source, deeper, ALPHABET, 3, print)
    wider = new_model(NetworkConfig(num_layers=2, num_units=9))
    with pytest.raises(
        ConfigError,
        match="x: no layer fits the new model: recurrent layer 1: the weights are 39 x 32",
    ):
        transfer(source, wider, ALPHABET, 0, print)


@pytest.fixture
def _eager() -> Iterator[None]:
    """Tracing graphs would take longer than all the rest."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def source_run(model: AcousticNetwork, tmp_path: Path) -> Path:
    run = Run(tmp_path / "source", Settings(FEATURES, SMALL), ALPHABET, (), ())
    run.create()
    save_checkpoint(run.best, {"model": model.variables})
    return run.path


def train(folder: Path, *arguments: Path | str) -> Result:
    manifests = ["--train", folder / "train.jsonl", "--valid", folder / "valid.jsonl"]
    return CliRunner().invoke(main, list(map(str, ["train", *manifests, *arguments])))


@pytest.mark.slow
@pytest.mark.usefixtures("_eager")
def test_trains_from_a_run_with_its_network_and_alphabet(
    model: AcousticNetwork,
    source_run: Path,
    tmp_path: Path,
    write_tones: Callable[[Path, Sequence[str]], Path],
) -> None:
    write_tones(tmp_path / "train.jsonl", ["ab", "ba"])
    write_tones(tmp_path / "valid.jsonl", ["aba"])
    path = tmp_path / "new"
    options = ["--freeze=1", "--epochs=1", "--precision=bfloat16", f"--output={path}"]
    result = train(tmp_path, f"--init-from={source_run}", *options)
    assert result.exit_code == 0, result.stderr
    assert f"from {source_run}: recurrent layer 1, " in result.stderr
    run = load_run(path)
    assert run.alphabet == ALPHABET  # though nobody says c
    training = TrainConfig(num_epochs=1, frozen_layers=1, precision="bfloat16")
    assert run.settings == Settings(FEATURES, SMALL, training)
    assert run.init_from == source_run
    trained = run.best_network()
    for layer in ("recurrent", "norms"):
        first, second = (
            [
                np.array_equal(found, expected)
                for found, expected in zip(
                    getattr(trained, layer)[index].get_weights(),
                    getattr(model, layer)[index].get_weights(),
                    strict=True,
                )
            ]
            for index in (0, 1)
        )
        assert all(first)
        assert not any(second)


def test_frozen_layers_need_a_model_to_start_from(
    tmp_path: Path, write_tones: Callable[[Path, Sequence[str]], Path]
) -> None:
    write_tones(tmp_path / "train.jsonl", ["ab"])
    write_tones(tmp_path / "valid.jsonl", ["aba"])
    result = train(tmp_path, "--freeze", "1", "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "Error: --freeze needs a model to start from: --init-from" in result.stderr
    assert not (tmp_path / "run").exists()


def test_resuming_takes_no_other_settings(tmp_path: Path) -> None:
    for option in (["--freeze", "0"], ["--init-from", "x"], ["--checkpoint-minutes", "1"]):
        result = CliRunner().invoke(main, ["train", "--resume", "-o", str(tmp_path), *option])
        assert result.exit_code == 2
