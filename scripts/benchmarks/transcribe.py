"""Time and memory of `speechlstm transcribe`: its cold start, and a long recording.

    python scripts/benchmarks/transcribe.py [--bundle BUNDLE] [--json]

The time of the cold start is the median of several runs of the command as a process. Runs of
`python -c pass` alternate with them: compare the ratio, since machines differ.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
import soundfile
from processes import measure

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.wav"))
SAMPLE_RATE = 16000


@click.command(help=__doc__)
@click.option("--bundle", "--model", "model", help="Bundle; by default that of the package.")
@click.option("--repeats", default=7, show_default=True)
@click.option("--hours", default=1.0, show_default=True, help="Length of the long recording.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(model: str | None, repeats: int, hours: float, as_json: bool) -> None:
    """Measure the command and print the figures."""
    transcribe = [sys.executable, "-m", "speechlstm", "transcribe"]
    if model:
        transcribe += ["--bundle", model]
    speech = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in SAMPLES])
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.wav", Path(folder) / "long.wav"
        soundfile.write(short, np.resize(speech, 5 * SAMPLE_RATE), SAMPLE_RATE)
        soundfile.write(long, np.resize(speech, int(hours * 3600 * SAMPLE_RATE)), SAMPLE_RATE)
        starts = [
            (measure([sys.executable, "-c", "pass"]), measure([*transcribe, short]))
            for _ in range(repeats)
        ]
        whole = measure([*transcribe, long])
    figures = {
        "python_seconds": statistics.median(python.seconds for python, _ in starts),
        "cold_start_seconds": statistics.median(cold.seconds for _, cold in starts),
        "cold_start_megabytes": max(cold.megabytes for _, cold in starts),
        "long_rtf": whole.seconds / (hours * 3600),
        "long_megabytes": whole.megabytes,
    }
    click.echo(
        f"5 s file, cold start: {figures['cold_start_seconds']:.2f} s, "
        f"{figures['cold_start_megabytes']:.0f} MB (Python alone "
        f"{figures['python_seconds']:.2f} s)\n"
        f"{hours:g} h file: RTF {figures['long_rtf']:.4f}, {figures['long_megabytes']:.0f} MB"
    )
    if as_json:
        click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
