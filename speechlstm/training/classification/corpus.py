"""The usable utterances of manifests: decoded recordings, each with its class."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unicodedata import normalize

from speechlstm.audio import Piece
from speechlstm.classification.classifier import label_of
from speechlstm.config import LabelField, Settings
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import TrainingError, counted, quoted
from speechlstm.training.acoustic.corpus import Corpus, copies, open_waveforms
from speechlstm.training.acoustic.examples import Example, Examples
from speechlstm.training.data.waveforms import Waveforms


def classes_of(manifests: Sequence[Manifest], field: LabelField) -> tuple[str, ...]:
    """The classes of the utterances of manifests, in alphabetical order.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: An utterance has no label, all have the same, or two labels look the same.
    """
    classes = sorted({label for manifest in manifests for _, label in _labelled(manifest, field)})
    if len(classes) < 2:
        raise TrainingError(
            f"{manifests[0].path}: all utterances have the {field} {quoted(classes[0])}; a "
            "classifier needs at least two"
        )
    if alike := next(_alike(classes, _as_shown), None):
        raise TrainingError(
            f"{manifests[0].path}: the {field}s {alike[0]!a} and {alike[1]!a} look the same and "
            "would be two classes; write them in one way"
        )
    return tuple(classes)


def similar_classes(classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of classes that differ in case or width alone, which may be meant to be one.

    >>> list(similar_classes(["No", "Yes", "yes"]))
    [('Yes', 'yes')]
    """
    return _alike(classes, lambda label: _as_shown(normalize("NFKC", label)).casefold())


def _alike(classes: Sequence[str], key: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    firsts: dict[str, str] = {}
    for label in classes:
        first = firsts.setdefault(key(label), label)
        if first != label:
            yield first, label


def _as_shown(label: str) -> str:
    return " ".join(normalize("NFC", label).split())


def _labelled(manifest: Manifest, field: LabelField) -> Iterator[tuple[str, str]]:
    """The id and the label of each utterance of a manifest."""
    unlabelled = []
    for utterance in manifest.utterances:
        label = label_of(utterance, field)
        if label is None:
            unlabelled.append(utterance.id)
        else:
            yield utterance.id, label
    if unlabelled:
        raise TrainingError(
            f"{manifest.path}: {counted(len(unlabelled), 'utterance')} without a {field}, the "
            f"first: {quoted(unlabelled[0])}; add it, remove these lines, or name another field "
            "with --label"
        )


def check_labels(manifests: Sequence[Manifest], field: LabelField, classes: Sequence[str]) -> None:
    """Check that all utterances of manifests have one of the classes.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: An utterance has no label, or another.
    """
    for manifest in manifests:
        for name, label in _labelled(manifest, field):
            if label not in classes:
                raise TrainingError(
                    f"{manifest.path}: the {field} {quoted(label)} of {quoted(name)} is in no "
                    "training manifest; remove such lines, or split the recordings again (speakers "
                    "with: speechlstm manifest split --by recording)"
                )


def load_labelled(
    manifests: Sequence[Manifest],
    field: LabelField,
    classes: Sequence[str],
    settings: Settings,
    cache_folder: Path,
    progress: bool = False,
    weights: Sequence[float] = (),
) -> Corpus:
    """Decode the recordings of manifests; the label of an example is the index of its class.

    Args:
        manifests: The manifests; all utterances have one of the classes.
        settings: The sample rate.
        cache_folder: The folder for decoded recordings; created if it is missing.
        weights: How often an epoch has the utterances of each manifest; (): once.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable, or the labels have changed.
    """
    check_labels(manifests, field, classes)
    utterances = [(m.recording(u), u) for m in manifests for u in m.utterances]
    places = (recording for recording, _ in utterances)
    durations = (utterance.duration for _, utterance in utterances)
    waveforms = open_waveforms(utterances, places, durations, settings, cache_folder, progress)
    repeats = [
        weight
        for manifest, weight in zip(manifests, weights or [1.0] * len(manifests), strict=True)
        for _ in manifest.utterances.ids
    ]
    examples = Examples(_labelled_examples(utterances, repeats, field, classes, waveforms))
    refused = tuple(waveforms.failures.values())
    if not examples:
        names = ", ".join(str(m.path) for m in manifests)
        raise TrainingError(f"{names}: no usable utterance: {'; '.join(refused[:3])}")
    return Corpus(examples, waveforms, refused)


def _labelled_examples(
    utterances: Sequence[tuple[Path | Piece, Utterance]],
    weights: Sequence[float],
    field: LabelField,
    classes: Sequence[str],
    waveforms: Waveforms,
) -> Iterator[Example]:
    indices = {name: index for index, name in enumerate(classes)}
    occurrences: Counter[str] = Counter()
    for index, ((_, utterance), weight) in enumerate(zip(utterances, weights, strict=True)):
        named, label = copies(utterance.id, weight, occurrences), label_of(utterance, field)
        if index in waveforms.failures or label is None:
            continue
        labels, num_samples = (indices[label],), waveforms.num_samples[index]
        for name, share in named:
            yield Example(name, label, labels, index, num_samples, share=share)
