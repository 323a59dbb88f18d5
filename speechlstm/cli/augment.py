"""`speechlstm augment`: listen to the data augmentation of training."""

from pathlib import Path

import click

from speechlstm.cli.output import show
from speechlstm.cli.training import load_keras
from speechlstm.cli.types import PATH, IntegerRange, OutputPath
from speechlstm.cli.verbs import verb


@verb()
@click.argument("recording", metavar="FILE", type=PATH)
@click.option("-o", "--output", metavar="WAV", type=OutputPath((".wav",)), required=True)
@click.option("--config", metavar="TOML", type=PATH, help="Settings of training.")
@click.option("--seed", type=IntegerRange(0), help="Seed, instead of training.seed.")
@click.option(
    "--epoch", type=IntegerRange(1), default=1, show_default=True, help="Epoch, counted from 1."
)
@click.option(
    "--id",
    "utterance_id",
    help="Id of the utterance in its manifest.  [default: name of FILE, without suffix]",
)
def command(
    recording: Path,
    output: Path,
    config: Path | None,
    seed: int | None,
    epoch: int,
    utterance_id: str | None,
) -> None:
    """Augment FILE as training does in an epoch, and print the augmentations.

    The result does not include SpecAugment, which masks the mel spectrogram.

    \b
    Example:
      speechlstm augment data/samples/date.wav -o date-2.wav --config mine.toml --epoch 2
    """
    from io import BytesIO

    import soundfile

    from speechlstm.audio import read_audio
    from speechlstm.config import Settings
    from speechlstm.storage import write_atomically

    load_keras()
    from speechlstm.training.data.augment import augmented

    settings = (Settings.read(config) if config else Settings()).with_training(seed=seed)
    audio = read_audio(recording, settings.features.sample_rate)
    key = settings.training.seed, epoch - 1, utterance_id or recording.stem
    samples, augmentation = augmented(audio.samples, audio.sample_rate, settings.augmentation, *key)
    buffer = BytesIO()  # as floats: training does not clip samples above full scale either
    soundfile.write(buffer, samples, audio.sample_rate, "FLOAT", format="WAV")
    write_atomically(output, buffer.getvalue())
    show(f"{output}: {augmentation}")
