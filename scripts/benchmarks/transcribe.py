"""What `speechlstm transcribe` costs: cold start, a long recording, memory.

    python scripts/benchmarks/transcribe.py [--model BUNDLE] [--json]

Each figure is the median of runs of the command as a whole process, beside Python's own start
(`python -c pass`) measured in between: compare ratios, machines differ.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
import soundfile

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.wav"))
SAMPLE_RATE = 16000

# In a small process of its own: what a child is said to have used is at least what its parent had.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
print(json.dumps([code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


@click.command(help=__doc__)
@click.option("--bundle", "--model", "model", help="Bundle; the package's own by default.")
@click.option("--repeats", default=7, show_default=True)
@click.option("--hours", default=1.0, show_default=True, help="Length of the long recording.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(model: str | None, repeats: int, hours: float, as_json: bool) -> None:
    """Measure and print."""
    transcribe = [sys.executable, "-m", "speechlstm", "transcribe"]
    if model:
        transcribe += ["--bundle", model]
    speech = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in SAMPLES])
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.wav", Path(folder) / "long.wav"
        soundfile.write(short, np.resize(speech, 5 * SAMPLE_RATE), SAMPLE_RATE)
        soundfile.write(long, np.resize(speech, int(hours * 3600 * SAMPLE_RATE)), SAMPLE_RATE)
        starts = [
            (run([sys.executable, "-c", "pass"]), run([*transcribe, str(short)]))
            for _ in range(repeats)
        ]
        long_seconds, long_megabytes = run([*transcribe, str(long)])
    figures = {
        "python_seconds": statistics.median(python for (python, _), _ in starts),
        "cold_start_seconds": statistics.median(seconds for _, (seconds, _) in starts),
        "cold_start_megabytes": max(megabytes for _, (_, megabytes) in starts),
        "long_rtf": long_seconds / (hours * 3600),
        "long_megabytes": long_megabytes,
    }
    click.echo(
        f"5 s file, cold start: {figures['cold_start_seconds']:.2f} s, "
        f"{figures['cold_start_megabytes']:.0f} MB (Python alone "
        f"{figures['python_seconds']:.2f} s)\n"
        f"{hours:g} h file: RTF {figures['long_rtf']:.4f}, {figures['long_megabytes']:.0f} MB"
    )
    if as_json:
        click.echo(json.dumps(figures))


def run(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak resident megabytes of a command that must succeed."""
    measure = [sys.executable, "-c", MEASURE]
    measured = subprocess.run([*measure, *command], check=True, stdout=subprocess.PIPE)
    code, seconds, megabytes = json.loads(measured.stdout)
    if code:
        sys.exit(f"Error: {' '.join(command)} failed with exit code {code}")
    return seconds, megabytes


if __name__ == "__main__":
    main()
