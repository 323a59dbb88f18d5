import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from speechlstm.cli import main
from speechlstm.cli.train.processes import Processes, resume_command
from speechlstm.parallel.launch import Launch

ALONE = Processes(1, None, 1, 0)


@pytest.mark.parametrize(
    ("processes", "launch", "command"),
    [
        (ALONE, None, "speechlstm train --resume -o run --cache pcm"),
        (
            Processes(2, None, 1, 0),
            None,
            "speechlstm train --resume -o run --cache pcm --devices 2",
        ),
        (
            Processes(1, "gpu0:4000", 4, 3),
            None,
            "speechlstm train --resume -o run --cache pcm --coordinator gpu0:4000 "
            "--num-processes 4 --process-id 3",
        ),
        (
            ALONE,
            Launch(4, 0, 4, 0),
            "torchrun --nproc-per-node 4 -m speechlstm train --resume -o run --cache pcm",
        ),
        (
            ALONE,
            Launch(8, 0, 4, 0),
            "torchrun --nnodes 2 --nproc-per-node 4 -m speechlstm train --resume -o run "
            "--cache pcm",
        ),
    ],
)
def test_a_run_is_continued_as_it_was_started(
    processes: Processes, launch: Launch | None, command: str
) -> None:
    assert resume_command(Path("run"), Path("pcm"), processes, launch) == command.split()


def test_one_of_several_processes_says_how_to_continue() -> None:
    assert resume_command(Path("run"), None, ALONE, Launch(4, 1, 4, 1)) is None


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        ("--plan --train t --valid v", 2, "torchrun starts the processes: without --num-processes"),
        ("--resume --num-processes 2 --coordinator a:1", 2, "torchrun starts the processes"),
    ],
)
def test_what_contradicts_torchrun_is_refused(
    options: str, code: int, reason: str, tmp_path: Path
) -> None:
    address = {"MASTER_ADDR": "localhost", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "1"}
    result = CliRunner().invoke(
        main, ["train", *options.split(), "-o", str(tmp_path)], env=os.environ | address
    )
    assert (result.exit_code, reason in result.stderr) == (code, True)


def test_numbers_of_torchrun_are_checked(tmp_path: Path) -> None:
    address = {"MASTER_ADDR": "localhost", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "2"}
    result = CliRunner().invoke(main, ["train", "--resume", "-o", str(tmp_path)], env=address)
    assert (result.exit_code, result.stderr) == (1, "Error: RANK: must be in 0..1, is 2\n")
