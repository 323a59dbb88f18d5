"""Pronunciation scores: do they find phones that are not said, and what do people say of them?

    python scripts/benchmarks/pronunciation.py MANIFEST... [--scores scores.json] [--bundle BUNDLE]

Simulated errors: in the texts of a manifest, each phone is replaced by another with a probability
of 0.1 (--errors), so it is known which phones are not said. The figures are the area under the ROC
curve with which the score tells these from the others, and the shares of both whose likeliest phone
is another. The audio is of people who mostly say what they should, and is never changed.

Human scores: --scores names resource/scores.json of speechocean762
(https://github.com/jimbozhang/speechocean762), whose ids the manifests must have. Printed are
Pearson's correlation of the score with those that five experts gave each phone (0 to 2) and each
word (0 to 10), and the area under the ROC curve for phones of less than 0.5. Nothing is fitted.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import read_audio
from speechlstm.bundle import find_bundle, read_bundle
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.goodness import goodness
from speechlstm.errors import InfeasibleTargetError
from speechlstm.evaluation.phones import by_bundle
from speechlstm.text.normalize import normalize

WRONG = 0.5  # phones of a lower human score are mispronounced


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--scores", type=click.Path(path_type=Path, exists=True), help="Human scores.")
@click.option("--bundle", type=click.Path(path_type=Path), help="[default: the package's]")
@click.option("--utterances", default=100, show_default=True, help="Of each manifest, at most.")
@click.option("--errors", default=0.1, show_default=True, help="The share of replaced phones.")
@click.option("--seed", default=1, show_default=True)
def main(
    manifests: tuple[Path, ...],
    scores: Path | None,
    bundle: Path | None,
    utterances: int,
    errors: float,
    seed: int,
) -> None:
    """Measure and print one line of JSON for each manifest."""
    model = LiteRTAcousticModel(read_bundle(find_bundle(bundle)), phones=True)
    human = json.loads(scores.read_text(encoding="utf-8")) if scores else None
    for path in manifests:
        manifest = Manifest(path)
        listed = [u for u in manifest if u.text and (human is None or u.id in human)]
        chosen = [listed[i] for i in np.linspace(0, len(listed) - 1, min(utterances, len(listed)))
                  .astype(int)]  # fmt: skip
        row: dict[str, Any] = {"manifest": f"{path.parent.name}/{path.stem}"}
        recordings = [(manifest.recording(u), u) for u in chosen]
        if human is None:
            pairs = [(where, u.text or "") for where, u in recordings]
            row |= simulated(model, bundle, pairs, errors, random.Random(seed))
        else:
            row |= rated(model, [(where, human[u.id]["words"]) for where, u in recordings])
        click.echo(json.dumps(row))


def simulated(
    model: LiteRTAcousticModel,
    bundle: Path | None,
    recordings: Sequence[tuple[Any, str]],
    share: float,
    generator: random.Random,
) -> dict[str, Any]:
    """The figures of simulated errors."""
    pronounce = by_bundle(bundle)
    assert pronounce
    ways = pronounce({word for _, text in recordings for word in normalize(text).split()})
    found: list[
        tuple[float, bool, bool]
    ] = []  # score, whether replaced, whether another is likelier
    for where, text in recordings:
        words = normalize(text).split()
        if not words or not all(word in ways for word in words):
            continue
        said = [model.alphabet.symbols.index(p) + 1 for word in words for p in ways[word]]
        is_wrong = [generator.random() < share for _ in said]
        others = range(1, model.alphabet.num_labels)
        labels = [
            generator.choice([other for other in others if other != label]) if wrong else label
            for label, wrong in zip(said, is_wrong, strict=True)
        ]
        for (score, likelier), wrong in zip(scored(model, where, labels), is_wrong, strict=False):
            found.append((score, wrong, likelier))
    scores, replaced, others_win = map(np.array, zip(*found, strict=True))
    return {
        "phones": len(found),
        "replaced": int(replaced.sum()),
        "auc": round(auc(-scores, replaced), 4),
        "flagged_of_replaced": round(float(others_win[replaced].mean()), 4),
        "flagged_of_others": round(float(others_win[~replaced].mean()), 4),
    }


def rated(model: LiteRTAcousticModel, recordings: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """The figures of human scores."""
    phones: list[tuple[float, float]] = []  # ours, theirs
    words: list[tuple[float, float]] = []
    for where, rated_words in recordings:
        labels = [label_of(model, phone) for word in rated_words for phone in word["phones"]]
        ours = iter([score for score, _ in scored(model, where, labels)])
        for word in rated_words:
            own = [score for _, score in zip(word["phones"], ours, strict=False)]
            if len(own) == len(word["phones"]):
                phones += zip(own, map(float, word["phones-accuracy"]), strict=True)
                words.append((float(np.mean(own)), float(word["accuracy"])))
    ours_p, theirs_p = map(np.array, zip(*phones, strict=True))
    ours_w, theirs_w = map(np.array, zip(*words, strict=True))
    return {
        "phones": len(phones),
        "words": len(words),
        "phone_correlation": round(float(np.corrcoef(ours_p, theirs_p)[0, 1]), 4),
        "word_correlation": round(float(np.corrcoef(ours_w, theirs_w)[0, 1]), 4),
        "mispronounced": int((theirs_p < WRONG).sum()),
        "auc": round(auc(-ours_p, theirs_p < WRONG), 4),
    }


def label_of(model: LiteRTAcousticModel, phone: str) -> int:
    """The label of a phone of CMUdict, with or without stress."""
    return model.alphabet.symbols.index(phone.rstrip("012")) + 1


def scored(
    model: LiteRTAcousticModel, where: Any, labels: Sequence[int]
) -> Iterator[tuple[float, bool]]:
    """The score of each phone, and whether another, or none, is likelier; of none if too many."""
    log_probs = model.log_probs(read_audio(where, model.sample_rate))
    try:
        probs = goodness(log_probs, labels)
    except InfeasibleTargetError:
        return
    for label, row in zip(labels, probs, strict=True):
        yield float(row[label]), int(row.argmax()) != label


def auc(values: Any, is_positive: Any) -> float:
    """The area under the ROC curve: how often a positive has the higher value."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_positive, values))


if __name__ == "__main__":
    main()
