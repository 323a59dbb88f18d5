"""Processor time of preparing batches, by augmentation, and how long a fast GPU would wait for it.

    python scripts/benchmarks/loader.py LIST --noise NOISE [--limit 200] [--json]

One thread makes the batches of an epoch: without augmentation, with each augmentation for every
utterance, and with all of them as in the recipe of the English model, which hears two views of each
utterance. The figure is the speech in the batches, in all views, divided by the processor time:
"first" while the cache of resampled copies is filled, "later" when it is full. The functions that
take most of the time come from the profiler of Python, which slows small functions down.

Where Keras computes on a GPU, this mixes speech, rooms and noise. Batches to be mixed there are
prefetched as in training, for a stand-in of a network that trains at 15,000 x real time, and its
share of waiting is measured.
"""

import cProfile
import json
import pstats
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from speechlstm.cli.training import load_keras
from speechlstm.config import AugmentConfig, Settings

RECIPE = Path(__file__).parents[1] / "recipes" / "english.toml"
PLAIN = AugmentConfig(speeds=(1.0,), gain_db=0, time_masks=0, frequency_masks=0)
NUM_FUNCTIONS = 12  # of the profile that are shown


@click.command(help=__doc__)
@click.argument("manifest", metavar="LIST", type=click.Path(path_type=Path))
@click.option("--noise", required=True, type=click.Path(path_type=Path), help="Manifest of noise.")
@click.option("--limit", default=200, show_default=True, help="Utterances of LIST to use.")
@click.option("--consumer", default=15000.0, show_default=True, help="x real time of the network.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(manifest: Path, noise: Path, limit: int, consumer: float, as_json: bool) -> None:
    """Measure and print the figures."""
    load_keras()
    recipe = Settings.read(RECIPE)
    recipe = replace(recipe, augmentation=replace(recipe.augmentation, noise=(str(noise),)))
    with TemporaryDirectory() as folder:
        started = time.process_time()
        corpus = load(manifest, recipe, limit, Path(folder))
        decoded = time.process_time() - started
        seconds = sum(e.num_samples for e in corpus.examples) / recipe.features.sample_rate
        click.echo(f"{len(corpus.examples)} utterances, {seconds:.0f} s of speech")
        click.echo(f"{'decoding, once':24} {seconds / decoded:8.0f} x real time a core")
        click.echo(f"{'':24} {'first':>8} {'later':>8}")
        speeds = {}
        for name, settings in variants(recipe).items():
            data = new_data(corpus, settings)
            speeds[name] = [real_time(data) for _ in ("first", "later")]
            click.echo(f"{name:24} {speeds[name][0]:8.0f} {speeds[name][1]:8.0f}")
        data = new_data(corpus, recipe, mixed=False)
        name = "the same for a GPU"
        speeds[name] = [real_time(data) for _ in ("first", "later")]
        click.echo(f"{name:24} {speeds[name][0]:8.0f} {speeds[name][1]:8.0f}")
        profile(new_data(corpus, recipe))
        waited = share_waited(data, consumer)
        click.echo(f"a network at {consumer:,.0f} x real time waits {waited:.1%} of the time")
    if as_json:
        click.echo(json.dumps({"real_time_a_core": speeds, "waited": waited}))


def variants(recipe: Settings) -> dict[str, Settings]:
    """Settings by the name of what is added to the utterances."""
    noise = recipe.augmentation.noise
    one_view = replace(recipe, training=replace(recipe.training, consistency=0.0))
    changes: dict[str, dict[str, Any]] = {
        "nothing": {},
        "speed": {"speeds": (0.9, 1.1)},
        "room": {"room_probability": 1.0},
        "noise": {"noise": noise, "noise_probability": 1.0},
        "telephone": {"telephone_probability": 1.0},
        "gain": {"gain_db": 6.0},
        "masks": {"time_masks": 10, "frequency_masks": 2},
    }
    made = {
        name: replace(one_view, augmentation=replace(PLAIN, **values))
        for name, values in changes.items()
    }
    default = replace(one_view, augmentation=AugmentConfig())
    return {**made, "default settings": default, "English recipe, 2 views": recipe}


def load(manifest: Path, settings: Settings, limit: int, folder: Path) -> Any:
    """The first utterances of a manifest, and the noise, decoded into a folder."""
    from speechlstm.corpora.manifest import Manifest, write_manifest
    from speechlstm.training.acoustic.corpus import derive_alphabet, load_corpus
    from speechlstm.training.data.augment import load_noise

    listed = Manifest(manifest)
    first = [replace(u, audio=str(listed.recording(u))) for u in islice(listed, limit)]
    path = folder / "first.jsonl"
    write_manifest(path, first)
    cache = folder / "cache"
    rate = settings.features.sample_rate
    corpus = load_corpus([Manifest(path)], derive_alphabet([Manifest(path)]), settings, cache)
    return replace(corpus, noise=load_noise(settings.augmentation, rate, cache))


def new_data(corpus: Any, settings: Settings, mixed: bool = True) -> Any:
    """The batches of an epoch; resampled copies of other settings are removed."""
    from speechlstm.training.acoustic.dataset import SpeechDataset

    for copy in corpus.cache.files[0].parent.glob("*.f32"):
        copy.unlink()
    return SpeechDataset(corpus, settings, augment=True, mixed=mixed)


def spoken(data: Any) -> float:
    """Seconds of speech in an epoch, in all views."""
    return float(data.seconds * data.num_views)


def real_time(data: Any) -> float:
    """Seconds of speech for each second of processor time, in an epoch made by one thread."""
    started = time.process_time()
    for index in range(len(data)):
        data[index]
    return spoken(data) / (time.process_time() - started)


def profile(data: Any) -> None:
    """Print the functions in which the time of a later epoch goes."""
    real_time(data)  # resampled copies are made
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(real_time, data)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    click.echo("English recipe, later epochs, share of the time in")
    rows = sorted(stats.items(), key=lambda item: -item[1][2])[:NUM_FUNCTIONS]
    for (file, _, function), (_, calls, own, _, _) in rows:
        click.echo(f"  {own / total:5.1%}  {Path(file).stem}:{function}, {calls} calls")


def share_waited(data: Any, consumer: float) -> float:
    """The share of the time that a network of a speed waits for batches, in a later epoch."""
    from speechlstm.training.data.prefetch import prefetched

    waited, trained = 0.0, 0.0
    for index, (inputs, _), seconds in prefetched(data, 0):
        pause = inputs["samples"].size / data.settings.features.sample_rate / consumer
        time.sleep(pause)
        trained += pause
        waited += seconds if index else 0.0  # the first one is waited for at any speed
    return waited / (waited + trained)


if __name__ == "__main__":
    main()
