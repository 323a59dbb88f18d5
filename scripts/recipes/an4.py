"""Recipe: train a model on AN4 and export it to a bundle, in less than an hour on two cores.

    python scripts/recipes/an4.py an4/ -o bundles/an4

The folder holds either train.jsonl or CMU's layout (http://www.speech.cs.cmu.edu/databases/an4):
etc/an4_train.transcription, etc/an4_train.fileids and wav/**.sph or **.raw. A tenth of the speakers
is held out for validation. After an interruption, the same command continues the run.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import soundfile

from speechlstm.audio import read_duration
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import DataError, ManifestError, SpeechLSTMError

CONFIG = Path(__file__).with_suffix(".toml")
SAMPLE_RATE = 16000
VALIDATION_SHARE = 0.1
SEED = 1


@click.command(help=__doc__)
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="BUNDLE")
@click.option("--run", "run_path", type=click.Path(path_type=Path), default=Path("runs/an4"),
              show_default=True, help="Folder of the run.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path, exists=True), default=CONFIG,
              help="Settings: an4.toml, the default, or an4_live.toml for streams.")  # fmt: skip
def main(corpus: Path, output: Path, run_path: Path, config: Path) -> None:
    """Train the model and export it."""
    try:
        train_and_export(corpus, output, run_path, config)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")


def train_and_export(corpus: Path, output: Path, run_path: Path, config: Path = CONFIG) -> None:
    """Run the recipe; progress is written to stderr."""
    from speechlstm.corpora.split import write_split
    from speechlstm.training import export, resume, train

    def report(line: str) -> None:
        click.echo(line, err=True)

    progress = sys.stderr.isatty()
    if (run_path / "run.json").exists():
        run = resume(run_path, report=report, progress=progress)
    else:
        run_path.mkdir(parents=True, exist_ok=True)
        manifest = corpus / "train.jsonl"
        if not manifest.exists():
            manifest = run_path / "an4.jsonl"
            write_manifest(manifest, read_cmu_layout(corpus, run_path / "wav"))
        train_list, valid_list = run_path / "train.jsonl", run_path / "valid.jsonl"
        write_split(Manifest(manifest), VALIDATION_SHARE, SEED, train_list, valid_list)
        settings = Settings.read(config)
        run = train(train_list, valid_list, run_path, settings, report=report, progress=progress)
    best = run.summary()
    click.echo(
        f"best epoch {best['epoch']}: WER {best['valid_wer']:.1%}, CER {best['valid_cer']:.1%} "
        f"on {VALIDATION_SHARE:.0%} of the speakers, held out"
    )
    export(run, output, report=lambda verification: click.echo(verification.to_text()))
    click.echo(output)


def read_cmu_layout(corpus: Path, converted: Path) -> Iterator[Utterance]:
    """Read the training utterances of AN4 in CMU's layout.

    Args:
        corpus: The folder with etc/ and wav/.
        converted: The folder for WAV files of recordings without a header (.raw).

    Raises:
        DataError: A file is missing, or transcription and fileids do not match.
    """
    fileids = _lines(corpus / "etc" / "an4_train.fileids")
    transcription = corpus / "etc" / "an4_train.transcription"
    lines = _lines(transcription)
    if len(fileids) != len(lines):
        raise DataError(f"{transcription}: {len(lines)} lines for {len(fileids)} fileids")
    for number, (fileid, line) in enumerate(zip(fileids, lines, strict=True), start=1):
        match = re.fullmatch(r"(?:<s>)?(.*?)(?:</s>)?\s*\((\S+)\)", line)
        if not match or match[2] != Path(fileid).name:
            reason = f"expected '<s> WORDS </s> ({Path(fileid).name})', found {line!r}"
            raise ManifestError(transcription, reason, number)
        path = _recording(corpus, fileid, converted)
        yield Utterance(
            id=match[2],
            audio=str(path.resolve()),
            duration=read_duration(path),
            text=match[1].strip(),
            speaker=Path(fileid).parent.name,
        )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); is this the AN4 folder?") from None


def _recording(corpus: Path, fileid: str, converted: Path) -> Path:
    for suffix in (".sph", ".wav", ".flac"):
        path = corpus / "wav" / f"{fileid}{suffix}"
        if path.exists():
            return path
    raw = corpus / "wav" / f"{fileid}.raw"
    if not raw.exists():
        raise DataError(f"{raw}: missing, also as .sph, .wav and .flac; is this the AN4 folder?")
    path = converted / f"{fileid}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, read_raw(raw), SAMPLE_RATE)
    return path


def read_raw(path: Path) -> np.ndarray:
    """Read a file of 16-bit samples without a header, in the byte order that is smoother.

    CMU offers AN4 in both byte orders. In the wrong one, speech is noise, whose adjacent samples
    differ more.

    Returns:
        (num_samples,) int16.
    """
    data = path.read_bytes()
    orders = [np.frombuffer(data[: len(data) // 2 * 2], f"{order}i2") for order in "<>"]
    return min(orders, key=lambda s: np.abs(np.diff(s.astype(np.int32))).mean()).astype(np.int16)


if __name__ == "__main__":
    main()
