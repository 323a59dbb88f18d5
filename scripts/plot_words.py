"""Plot the waveform of a recording with the recognised words, coloured by confidence.

    python scripts/plot_words.py data/samples/reading.wav -o data/figures/words.png

Needs matplotlib: pip install 'speechlstm[train]'.
"""

from io import BytesIO
from pathlib import Path

import click
import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from speechlstm.audio import Audio, read_audio
from speechlstm.recognizer import Recognizer
from speechlstm.storage import write_atomically
from speechlstm.transcript import Transcript

COLORS, CONFIDENCES = colormaps["RdYlGn"], Normalize(0, 1)


@click.command(help=__doc__)
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="PNG file.")
@click.option("--bundle", type=click.Path(path_type=Path), help="By default that of the package.")
def main(recording: Path, output: Path, bundle: Path | None) -> None:
    """Transcribe the recording and write the plot."""
    recognizer = Recognizer.load(bundle)
    audio = read_audio(recording, recognizer.model.sample_rate)
    image = BytesIO()
    draw(audio, recognizer.transcribe(audio)).savefig(image, format="png", dpi=100)
    write_atomically(output, image.getvalue())


def draw(audio: Audio, transcript: Transcript) -> Figure:
    """Plot the waveform, a coloured span and a label for each word, and the scale of confidence."""
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    axes = figure.subplots()
    seconds = np.arange(len(audio.samples)) / audio.sample_rate
    peak = max(float(np.abs(audio.samples).max()), 1e-3)
    axes.plot(seconds, audio.samples, color="0.25", linewidth=0.4)
    for word in transcript.words:
        axes.axvspan(
            word.start,
            word.end,
            color=COLORS(CONFIDENCES(word.confidence)),
            alpha=0.35,
            linewidth=0,
        )
        middle = (word.start + word.end) / 2
        axes.text(middle, 1.12 * peak, word.text, ha="center", va="bottom", fontsize=9)
    axes.set(xlim=(0, audio.duration), ylim=(-1.1 * peak, 1.35 * peak), xlabel="Seconds", yticks=[])
    scale = ScalarMappable(CONFIDENCES, COLORS)
    figure.colorbar(scale, ax=axes, label="Confidence", ticks=[0, 0.5, 1], pad=0.01)
    return figure


if __name__ == "__main__":
    main()
