"""`speechlstm features`: the MFCC features of a recording."""

from pathlib import Path

import click

from speechlstm.cli.output import name_of, show
from speechlstm.cli.recordings import seekable_file
from speechlstm.cli.training import load_keras
from speechlstm.cli.types import PATH, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted


@verb()
@click.argument("recording", metavar="FILE", type=PATH)
@click.option(
    "-o",
    "--output",
    metavar="NPY",
    type=OutputPath((".npy",)),
    help="Write the features here: (num_frames, num_features) float32.",
)
@click.option(
    "--plot",
    metavar="PNG",
    type=OutputPath((".png",)),
    help="Draw the mel spectrogram and the features here.",
)
@click.option(
    "--config",
    metavar="TOML",
    type=PATH,
    help="A file of settings; its section [features] is used.",
)
def command(recording: Path, output: Path | None, plot: Path | None, config: Path | None) -> None:
    """Compute the MFCC features of FILE, as training and the exported .tflite model do.

    FILE -: standard input.

    \b
    Example:
      speechlstm features data/samples/date.wav -o date.npy --plot date.png
    """
    from io import BytesIO

    import numpy as np

    from speechlstm.audio import read_audio
    from speechlstm.config import Settings
    from speechlstm.storage import write_atomically

    load_keras()
    from speechlstm.training.layers.mfcc import MFCC
    from speechlstm.training.plots import describe, plot_features

    settings = (Settings.read(config) if config else Settings()).features
    with seekable_file(recording) as path:
        samples = read_audio(path, settings.sample_rate).samples
    layer, batch = MFCC(settings), (samples[np.newaxis], np.array([len(samples)], np.int32))
    features = np.asarray(layer(*batch)[0])[0]
    if output:
        buffer = BytesIO()
        np.save(buffer, features)
        write_atomically(output, buffer.getvalue())
    if plot:
        plot_features(np.asarray(layer.log_mels(*batch)[0])[0], features, settings, plot)
    show(
        f"{name_of(recording)}: {counted(len(features), 'frame')} of {features.shape[1]} features, "
        f"one every {settings.hop_ms:g} ms: {describe(settings)}"
    )
