"""The figures of a model card: error rates by list and speaker, in noise, and false words.

    python scripts/benchmarks/model_card.py [LIST...] [--bundle BUNDLE] [--json]

LISTs are manifests of speech that the model was not trained on. The noise is generated here, so no
model was trained on it: white, pink, and babble of five other voices of the list. False words are
counted in an hour of the sounds of non_speech.py; without a LIST only these are counted.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from non_speech import SAMPLE_RATE, SOUNDS, non_speech, pink, white
from numpy.typing import NDArray
from tqdm import tqdm

from speechlstm.audio import Audio, read_audio
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.recognizer import Recognizer
from speechlstm.text.normalize import normalize
from speechlstm.training.data.effects import add_noise

SNRS_DB = (20, 10, 5)
NUM_IN_NOISE = 40  # utterances of a list with noise, evenly spaced
NUM_VOICES = 5  # of babble noise
NON_SPEECH_MINUTES = 2.5  # of each kind of sound
SEED = 1

Samples = NDArray[np.float32]


@click.command(help=__doc__)
@click.argument("lists", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--bundle",
    "--model",
    "model",
    type=click.Path(path_type=Path),
    help="By default that of the package.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(lists: tuple[Path, ...], model: Path | None, as_json: bool) -> None:
    """Measure a model and print the figures."""
    recognizers = {"greedy": Recognizer.load(model, greedy=True), "LM": Recognizer.load(model)}
    card: dict[str, Any] = {"lists": {}, "noise": {}}
    for path in lists:
        manifest = Manifest(path)
        name = f"{path.parent.name}/{path.stem}"
        for decoder, recognizer in recognizers.items():
            report = score(recognizer, clean(manifest, recognizer.model.sample_rate))
            click.echo(f"{name}, {decoder}: {describe(report)}")
            click.echo(f"  WER by speaker: {by_speaker(report)}")
            card["lists"].setdefault(name, {})[decoder] = rates(report)
        for noise in ("white", "pink", "babble"):
            for snr_db in SNRS_DB:
                report = score(recognizer, noisy(manifest, noise, snr_db))
                click.echo(f"{name}, LM, {noise} noise at {snr_db} dB: {describe(report)}")
                card["noise"].setdefault(name, {})[f"{noise} {snr_db} dB"] = rates(report)
    words = {
        kind: words_a_minute(recognizers["LM"], kind)
        for kind in tqdm(SOUNDS, unit="kind", disable=None, leave=False)
    }
    for kind, rate in words.items():
        click.echo(f"words a minute in {kind}: {rate:.2f}")
    mean = sum(words.values()) / len(words)
    click.echo(f"words a minute in {len(SOUNDS) * NON_SPEECH_MINUTES:g} minutes: {mean:.2f}")
    card["words_a_minute_without_speech"] = words | {"all": mean}
    if as_json:
        click.echo(json.dumps(card))


def score(
    recognizer: Recognizer, utterances: Iterator[tuple[Utterance, Audio]]
) -> EvaluationReport:
    """Transcribe utterances and score the transcripts."""
    return EvaluationReport(
        tuple(
            Score(u.id, normalize(u.text or ""), recognizer.transcribe(audio).text, u.speaker)
            for u, audio in tqdm(utterances, unit="utt", disable=None, leave=False)
        )
    )


def clean(manifest: Manifest, sample_rate: int) -> Iterator[tuple[Utterance, Audio]]:
    """Read the utterances of a manifest."""
    for utterance in manifest:
        yield utterance, read_audio(manifest.recording(utterance), sample_rate)


def noisy(manifest: Manifest, noise: str, snr_db: float) -> Iterator[tuple[Utterance, Audio]]:
    """Add noise to some utterances of a manifest; the noise is the same for each model."""
    generator = np.random.default_rng(SEED)
    utterances = list(manifest)
    for utterance in utterances[:: -(-len(utterances) // NUM_IN_NOISE)]:
        audio = read_audio(manifest.recording(utterance), 16000)
        if noise == "babble":
            sound = babble(manifest, utterances, utterance, len(audio.samples), generator)
        else:
            sound = SPECTRA[noise](len(audio.samples), generator).astype(np.float32)
        yield utterance, Audio(add_noise(audio.samples, sound, snr_db), audio.sample_rate)


def babble(
    manifest: Manifest,
    utterances: list[Utterance],
    utterance: Utterance,
    num_samples: int,
    generator: np.random.Generator,
) -> Samples:
    """Mix utterances of other speakers than the given one's, repeated to `num_samples`."""
    others = [u for u in utterances if u.speaker != utterance.speaker] or utterances
    voices = generator.choice(len(others), NUM_VOICES)
    sounds = [read_audio(manifest.recording(others[v]), 16000).samples for v in voices]
    equal = [np.resize(s / (s.std() + 1e-9), num_samples) for s in sounds]
    return np.asarray(np.sum(equal, axis=0), np.float32)


SPECTRA = {"white": white, "pink": pink}


def words_a_minute(recognizer: Recognizer, kind: str) -> float:
    """The number of words per minute that are recognised in a sound without speech."""
    recordings = non_speech(kind, 60 * NON_SPEECH_MINUTES)
    transcripts = (recognizer.transcribe(Audio(samples, SAMPLE_RATE)) for samples in recordings)
    return sum(len(transcript.words) for transcript in transcripts) / NON_SPEECH_MINUTES


def describe(report: EvaluationReport) -> str:
    """WER and CER with 95 % intervals."""
    texts = []
    for name, rate, interval in (
        ("WER", report.wer, report.wer_interval),
        ("CER", report.cer, report.cer_interval),
    ):
        low, high = interval or (rate, rate)
        texts.append(f"{name} {rate:.1%} ({low:.1%} to {high:.1%})")
    return f"{', '.join(texts)}, {len(report.scores)} utterances"


def by_speaker(report: EvaluationReport) -> str:
    """The lowest, the median and the highest word error rate of the speakers."""
    speakers = {score.speaker for score in report.scores}
    wers = sorted(
        EvaluationReport(tuple(s for s in report.scores if s.speaker == speaker)).wer
        for speaker in speakers
    )
    low, median, high = wers[0], wers[len(wers) // 2], wers[-1]
    return f"{low:.1%} lowest, {median:.1%} median, {high:.1%} highest of {len(wers)} speakers"


def rates(report: EvaluationReport) -> dict[str, Any]:
    """The figures of a report as values that JSON can represent."""
    return {
        "wer": report.wer, "wer_interval": report.wer_interval,
        "cer": report.cer, "cer_interval": report.cer_interval,
        "num_utterances": len(report.scores),
    }  # fmt: skip


if __name__ == "__main__":
    main()
