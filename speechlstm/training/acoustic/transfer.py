"""Start from another model: keep every layer of it that fits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import Bundle, read_bundle
from speechlstm.config import Settings
from speechlstm.errors import BundleError, ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.similar import similar_letter
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.acoustic.run import load_run
from speechlstm.training.tflite.edit import read_weights

_MAX_DIFFERENCE = 0.05  # of two probabilities, on average: see _verify


@dataclass(frozen=True)
class Source:
    """A trained model to start from.

    Attributes:
        path: The bundle or run it comes from.
        model: Features, network and weights.
        alphabet: What its labels stand for.
        phones: What those of its second output stand for, if it has one.
    """

    path: Path
    model: AcousticModel
    alphabet: Alphabet
    phones: Alphabet | None = None

    @property
    def settings(self) -> Settings:
        """Those of its features and network; of training, the defaults."""
        return Settings(features=self.model.features, model=self.model.config)


def read_source(path: Path) -> Source:
    """The best model of a run, or that of a bundle.

    A bundle needs no second copy of its weights: they are read from its .tflite file, as exact as
    it stores them.

    Raises:
        ModelError: It holds no model, or one that is damaged or cannot be read back.
        ConfigError: The settings of a run are not ones this version knows.
    """
    if (path / "run.json").exists():
        run = load_run(path)
        return Source(path, run.best_network(), run.alphabet, run.phones)
    bundle = read_bundle(path)
    return Source(path, _read_model(bundle), bundle.acoustic.alphabet, bundle.acoustic.phones)


def transfer(
    source: Source,
    model: AcousticModel,
    alphabet: Alphabet,
    frozen_layers: int,
    report: Callable[[str], None],
    phones: Alphabet | None = None,
) -> None:
    """Give a new model every layer of another one that fits it.

    A layer fits if its weights have the same shapes; an output layer, if it also has the same
    alphabet. Of an output layer for another alphabet, the letters that both have, and those that
    sound alike, begin as they are there.

    Args:
        source: The other model.
        model: The new one.
        alphabet: What its labels stand for.
        frozen_layers: How many recurrent layers must fit, since they will not be trained.
        report: Is given a line for what was kept, and one for each layer or feature that was not.
        phones: What those of its second output stand for, if it has one.

    Raises:
        ConfigError: No layer fits, or one that will not be trained doesn't.
    """
    theirs, ours = _layers(source.model), _layers(model)
    misfits = {name: _misfit(layer, ours.get(name)) for name, layer in theirs.items()}
    if alphabet != source.alphabet:
        misfits["output layer"] = (
            f"another alphabet: {len(source.alphabet.symbols)} symbols there, "
            f"{len(alphabet.symbols)} here"
        )
    if source.phones and phones and phones != source.phones:
        there, here = (" ".join(alphabet.symbols) for alphabet in (source.phones, phones))
        misfits["phone layer"] = f"other phones: {there} there, {here} here"
    kept = [name for name, misfit in misfits.items() if not misfit]
    for name in list(ours)[:frozen_layers]:
        if name not in kept:
            misfit = misfits.get(name, "there is none")
            raise ConfigError(f"{source.path}: {name} cannot be frozen: {misfit}")
    if not kept:
        name, misfit = next(iter(misfits.items()))
        raise ConfigError(f"{source.path}: no layer fits: {name}: {misfit}; use its settings")
    for name in kept:
        ours[name].set_weights(theirs[name].get_weights())
    report(f"from {source.path}: {', '.join(kept)}")
    if alphabet != source.alphabet:
        names = _begin_alike(source, model, alphabet)
        report(f"output layer: begins as there for {' '.join(names) or 'no letter'}")
    for name, misfit in (misfits | _other_features(source.model, model)).items():
        if misfit:
            report(f"not from {source.path}: {name}: {misfit}")


def _begin_alike(source: Source, model: AcousticModel, alphabet: Alphabet) -> list[str]:
    """Copy the output weights of blank and of like letters; names these, as "ä (a)"."""
    places = similar_symbols(source.alphabet, alphabet)
    theirs, ours = source.model.output_layers[0], model.output_layers[0]
    if theirs.weights[0].shape[0] != ours.weights[0].shape[0]:
        return []  # the layers below are of another width
    there, here = (layer.get_weights() for layer in (theirs, ours))
    for values, begun in zip(there, here, strict=True):
        begun[..., BLANK] = values[..., BLANK]
        for symbol, label in places.items():
            begun[..., alphabet.symbols.index(symbol) + 1] = values[..., label]
    ours.set_weights(here)
    return [
        quoted(symbol) if symbol == name else f"{quoted(symbol)} ({name})"
        for symbol, label in places.items()
        for name in [source.alphabet.symbols[label - 1]]
    ]


def similar_symbols(source: Alphabet, alphabet: Alphabet) -> dict[str, int]:
    """For symbols of an alphabet, the label in another of the same one or of one that sounds alike.

    Symbols that nothing is like are left out.
    """
    labels = {symbol: label for label, symbol in enumerate(source.symbols, start=1)}
    found = {}
    for symbol in alphabet.symbols:
        label = labels.get(symbol)
        if label is None and not alphabet.separator:
            label = labels.get(similar_letter(symbol) or "")
        if label is not None:
            found[symbol] = label
    return found


def _layers(model: AcousticModel) -> dict[str, Any]:
    """The layers with weights by name, the recurrent ones first."""
    recurrent = {f"recurrent layer {i}": layer for i, layer in enumerate(model.recurrent, 1)}
    norms = {f"normalisation {i}": layer for i, layer in enumerate(model.norms, 1)}
    outputs = dict(zip(("output layer", "phone layer"), model.output_layers, strict=False))
    return {**recurrent, **norms, **outputs}


def _misfit(theirs: Any, ours: Any | None) -> str:
    """Why a layer's weights do not fit another; empty: they do."""
    if ours is None:
        return "the new model has none"
    there, here = ([tuple(weight.shape) for weight in layer.weights] for layer in (theirs, ours))
    return "" if there == here else f"{_describe(there)} there, {_describe(here)} here"


def _other_features(theirs: AcousticModel, ours: AcousticModel) -> dict[str, str]:
    here = ours.features.to_dict()
    return {
        f"features.{key}": f"{value} there, {here[key]} here"
        for key, value in theirs.features.to_dict().items()
        if value != here[key]
    }


def _describe(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(" x ".join(map(str, shape)) for shape in shapes)


def _read_model(bundle: Bundle) -> AcousticModel:
    """The model of a bundle with the weights that stand in its .tflite file."""
    spec = bundle.acoustic
    if spec.network.cell != "lstm":
        raise BundleError(
            bundle.path,
            f"the weights of {spec.network.cell} cells cannot be read back; name the run instead",
        )
    num_phones = spec.phones.num_labels if spec.phones else 0
    model = AcousticModel(spec.features, spec.network, spec.alphabet.num_labels, num_phones)
    try:
        _assign(model, read_weights(bundle.model_path.read_bytes()))
    except ValueError as error:
        raise BundleError(bundle.path, f"weights cannot be read back: {error}") from None
    _verify(model, bundle)
    return model


def _assign(model: AcousticModel, weights: Iterator[NDArray[np.float32]]) -> None:
    """Give a model the weights of a .tflite file; ValueError if they are not its own."""
    values = list(weights)

    def take(count: int) -> NDArray[np.float32]:
        taken, values[:count] = values[:count], []
        return np.concatenate(taken)

    for layer, norm in zip_longest(model.recurrent, model.norms):
        weights_of = iter(layer.weights)
        for kernel, recurrent, bias in zip(weights_of, weights_of, weights_of, strict=True):
            kernel.assign(take(4).T)
            recurrent.assign(take(4).T)
            bias.assign(take(4))
        for vector in norm.weights if norm else ():
            vector.assign(take(1).ravel())
    for layer in model.output_layers:
        kernel, bias = layer.weights
        kernel.assign(take(1).T)
        bias.assign(take(1).ravel())
    if values:
        raise ValueError(f"{len(values)} constants too many")


def _verify(model: AcousticModel, bundle: Bundle) -> None:
    """Refuse a model that is not the file's: an order of its operators that was never seen, say."""
    samples = np.random.default_rng(0).normal(0, 0.1, (1, bundle.acoustic.features.sample_rate))
    samples = samples.astype(np.float32)
    logits, _ = model({"samples": samples, "num_samples": np.array(samples.shape[1:], np.int32)})
    found = np.exp(ops.convert_to_numpy(model.log_probs(logits))[0])
    file = LiteRTAcousticModel(bundle)
    expected = np.exp(file.outputs(Audio(samples[0], file.sample_rate)))
    difference = np.abs(found - expected).sum(axis=-1).mean() / 2
    if not difference <= _MAX_DIFFERENCE:
        raise BundleError(
            bundle.path, f"weights cannot be read back: probabilities differ by {difference:.2g}"
        )
