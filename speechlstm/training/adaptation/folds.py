"""The number of epochs for a small corpus, by cross-validation."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.split import itself, units_of
from speechlstm.errors import TrainingError
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.manifests import load_data
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.validation import Validation, validate
from speechlstm.training.adaptation.work import Work
from speechlstm.training.engine.checkpoint import load_checkpoint

Train = Callable[[Path, Path, Path, str], Run]  # (train, valid, run, name) -> run


def make_folds(utterances: Sequence[Utterance], num_folds: int) -> list[list[Utterance]]:
    """Folds of about equal duration, without a common sound.

    No speaker, and no recording of an unknown one, is in two of them if there are enough.

    Raises:
        TrainingError: There are not even two.
    """
    units = units_of(utterances)
    if len(set(units)) < num_folds:
        units = units_of(utterances, itself)
    if len(set(units)) < 2:
        raise TrainingError(
            "what there is to learn from overlaps, from the first utterance to the last, so no "
            "part can be left out in turn; remove pieces that overlap"
        )
    by_unit: dict[tuple[bool, str], list[Utterance]] = defaultdict(list)
    for unit, utterance in zip(units, utterances, strict=True):
        by_unit[unit].append(utterance)
    folds: list[list[Utterance]] = [[] for _ in range(num_folds)]
    seconds = [0.0] * num_folds
    for spoken in sorted(by_unit.values(), key=lambda us: -sum(u.duration for u in us)):
        shortest = seconds.index(min(seconds))
        folds[shortest].extend(spoken)
        seconds[shortest] += sum(utterance.duration for utterance in spoken)
    return list(filter(None, folds))


def choose_epochs(manifest: Path, work: Work, num_folds: int, train: Train) -> int:
    """The number of epochs after which the folds, each left out in turn, have the fewest errors.

    Args:
        work: The runs are in its folder `folds`; those that have ended are not repeated.
        train: Trains a run, or continues it.

    Returns:
        0 if no epoch has fewer errors than the network had before training.
    """
    folder = work / "folds"
    folder.mkdir(exist_ok=True)
    original = Manifest(manifest)
    folds = make_folds(list(original), num_folds)
    errors: dict[int, float] = defaultdict(float)
    for number, fold in enumerate(folds, start=1):
        rest = [utterance for other in folds if other is not fold for utterance in other]
        paths = folder / f"train{number}.jsonl", folder / f"valid{number}.jsonl"
        for path, part in zip(paths, (rest, fold), strict=True):
            write_manifest(path, (original.moved_to(folder, u) for u in part))
        run = train(*paths, folder / f"run{number}", f"fold {number} of {len(folds)}: ")
        base = validated(initial_network(run), run, work / "cache").characters.rate
        errors[0] += base * _num_characters(fold)
        for line in run.read_metrics():
            errors[line["epoch"]] += line["valid_cer"] * _num_characters(fold)
    return best_epoch(errors)


def best_epoch(errors: Mapping[int, float]) -> int:
    """The epoch with the fewest errors; the first one of several."""
    return min(sorted(errors), key=lambda epoch: errors[epoch])


def initial_network(run: Run) -> AcousticNetwork:
    """The network that a run started from."""
    network = run.new_network()
    load_checkpoint(run.initial, {"model": network.variables})
    return network


def validated(network: AcousticNetwork, run: Run, cache: Path) -> Validation:
    """Loss and errors, with greedy decoding, of a network on the validation data of a run."""
    _, valid = load_data(run, lambda line: None, cache)
    return validate(network, SpeechDataset(valid, run.settings, augment=False), run)


def _num_characters(utterances: Sequence[Utterance]) -> int:
    return sum(len(utterance.text or "") for utterance in utterances)
