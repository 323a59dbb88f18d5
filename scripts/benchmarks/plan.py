"""`train --plan`, compared with the run that it is about.

    python scripts/benchmarks/plan.py train.jsonl valid.jsonl [--config recipe.toml]

Plans the run, then trains its first two epochs. What the second one takes is compared with the
plan: updates, validation, and the size of the recordings on disk.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from speechlstm.cli.training import load_keras
from speechlstm.config import Settings


@click.command(help=__doc__)
@click.argument("train_path", type=click.Path(path_type=Path))
@click.argument("valid_path", type=click.Path(path_type=Path))
@click.option("--config", "config_path", type=click.Path(path_type=Path))
def main(train_path: Path, valid_path: Path, config_path: Path | None) -> None:
    """Print what was planned and what was measured."""
    load_keras()
    from speechlstm.training import plan, train

    settings = Settings.read(config_path) if config_path else Settings()
    two_epochs = settings.with_training(num_epochs=2)
    planned = plan(train_path, valid_path, two_epochs)
    click.echo(planned.to_text())
    with TemporaryDirectory() as name:
        folder = Path(name)
        run = train(train_path, valid_path, folder / "run", two_epochs, cache=folder / "cache")
        measured = run.read_metrics()[-1]
        cache_bytes = sum(file.stat().st_size for file in (folder / "cache").iterdir())
    rows = {
        "seconds of updates": (planned.epoch_seconds, measured["seconds"]),
        "seconds of validation": (planned.valid_seconds, measured["valid_seconds"]),
        "megabytes of recordings": (planned.cache_bytes / 1e6, cache_bytes / 1e6),
    }
    for row, (expected, found) in rows.items():
        ratio = expected / found
        click.echo(f"{row:24} planned {expected:7.1f}, measured {found:7.1f}: {ratio:.2f}")


if __name__ == "__main__":
    main()
