"""Transfer learning: start from another model, with the weights of every layer that fits."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from speechlstm.errors import ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.similar import similar_letter
from speechlstm.training.acoustic.encoder import Encoder
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.trained import TrainedModel


def transfer(
    source: TrainedModel,
    model: AcousticNetwork,
    alphabet: Alphabet,
    frozen_layers: int,
    report: Callable[[str], None],
    phones: Alphabet | None = None,
) -> None:
    """Copy the weights of every layer that fits from another model to a new one.

    A layer fits if its weights have the same shapes, an output layer if its alphabet is the same,
    too. If the alphabets differ, the output weights are copied for the letters that both have, and
    for letters that sound alike.

    Args:
        alphabet: The alphabet of its character labels.
        frozen_layers: Number of recurrent layers that must fit, since they will not be trained.
        report: Called with a line for the layers that are copied, and with one for each layer or
            feature that differs.
        phones: The alphabet of its phone labels, if it has a second output.

    Raises:
        ConfigError: No layer fits, or one that is to be frozen does not.
    """
    old, new = _layers(source.network), _layers(model)
    misfits = _misfits(old, new)
    if alphabet != source.alphabet:
        misfits["output layer"] = (
            f"the alphabet is {quoted(''.join(source.alphabet.symbols))} there, "
            f"{quoted(''.join(alphabet.symbols))} in the new model"
        )
    if source.phones and phones and phones != source.phones:
        misfits["phone layer"] = (
            f"the phones are {' '.join(source.phones.symbols)} there, "
            f"{' '.join(phones.symbols)} in the new model"
        )
    _copy_layers(source.path, old, new, misfits, frozen_layers, report)
    if alphabet != source.alphabet:
        symbols = _copy_output_weights(source, model, alphabet)
        report(f"output weights from {source.path} for: {' '.join(symbols) or 'no letter'}")
    _report_misfits(source.path, misfits | _other_features(source.network, model), report)


def transfer_encoder(
    path: Path, old: Encoder, new: Encoder, frozen_layers: int, report: Callable[[str], None]
) -> None:
    """Copy the weights of every layer below the output layers that fits, as `transfer` does.

    Args:
        path: Where the other network comes from, for messages.
        old: The other network, of any task.
    """
    there, here = _encoder_layers(old), _encoder_layers(new)
    misfits = _misfits(there, here)
    _copy_layers(path, there, here, misfits, frozen_layers, report)
    _report_misfits(path, misfits | _other_features(old, new), report)


def _misfits(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    return {name: _misfit(layer, new.get(name)) for name, layer in old.items()}


def _copy_layers(
    path: Path,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    misfits: Mapping[str, str],
    frozen_layers: int,
    report: Callable[[str], None],
) -> None:
    """Copy the weights of the layers that have no misfit; errors are those of transfer."""
    kept = [name for name, misfit in misfits.items() if not misfit]
    for name in list(new)[:frozen_layers]:
        if name not in kept:
            misfit = misfits.get(name, "that model has no such layer")
            raise ConfigError(f"{path}: {name} cannot be frozen: {misfit}")
    if not kept:
        name, misfit = next(iter(misfits.items()))
        raise ConfigError(
            f"{path}: no layer fits the new model: {name}: {misfit}; use the settings of that model"
        )
    for name in kept:
        new[name].set_weights(old[name].get_weights())
    report(f"weights from {path}: {', '.join(kept)}")


def _report_misfits(path: Path, misfits: Mapping[str, str], report: Callable[[str], None]) -> None:
    for name, misfit in misfits.items():
        if misfit:
            report(f"differs from {path}: {name}: {misfit}")


def _copy_output_weights(
    source: TrainedModel, model: AcousticNetwork, alphabet: Alphabet
) -> list[str]:
    """Copy the output weights of blank and of similar symbols; returns these, as in "ä (a)"."""
    labels = similar_symbols(source.alphabet, alphabet)
    old, new = source.network.output_layers[0], model.output_layers[0]
    if old.weights[0].shape[0] != new.weights[0].shape[0]:
        return []  # the layers below differ in width
    weights = new.get_weights()
    for old_values, values in zip(old.get_weights(), weights, strict=True):
        values[..., BLANK] = old_values[..., BLANK]
        for symbol, label in labels.items():
            values[..., alphabet.symbols.index(symbol) + 1] = old_values[..., label]
    new.set_weights(weights)
    return [
        quoted(symbol) if symbol == similar else f"{quoted(symbol)} ({similar})"
        for symbol, label in labels.items()
        for similar in [source.alphabet.symbols[label - 1]]
    ]


def similar_symbols(source: Alphabet, alphabet: Alphabet) -> dict[str, int]:
    """Map symbols of an alphabet to the labels of equal or similar-sounding symbols in another.

    Args:
        alphabet: The alphabet of the symbols; those without a similar one are left out.

    >>> similar_symbols(Alphabet(("a", "b")), Alphabet(("b", "z", "ä")))
    {'b': 2, 'ä': 1}
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


def _layers(model: AcousticNetwork) -> dict[str, Any]:
    """The layers that have weights, by name; the recurrent ones come first."""
    outputs = dict(zip(("output layer", "phone layer"), model.output_layers, strict=False))
    return {**_encoder_layers(model), **outputs}


def _encoder_layers(model: Encoder) -> dict[str, Any]:
    """As _layers, without those for the output."""
    recurrent = {f"recurrent layer {i}": layer for i, layer in enumerate(model.recurrent, 1)}
    norms = {f"normalization {i}": layer for i, layer in enumerate(model.norms, 1)}
    ahead = {"look-ahead layer": model.ahead} if model.ahead else {}
    return {**recurrent, **norms, **ahead}


def _misfit(old: Any, new: Any | None) -> str:
    """The reason why the weights of a layer do not fit another; empty if they fit."""
    if new is None:
        return "the new model has no such layer"
    there, here = ([tuple(weight.shape) for weight in layer.weights] for layer in (old, new))
    if there == here:
        return ""
    return f"the weights are {_describe(there)} there, {_describe(here)} in the new model"


def _other_features(old: Encoder, new: Encoder) -> dict[str, str]:
    here = new.features.to_dict()
    return {
        f"features.{key}": f"{value} there, {here[key]} in the new model"
        for key, value in old.features.to_dict().items()
        if value != here[key]
    }


def _describe(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(" x ".join(map(str, shape)) for shape in shapes)
