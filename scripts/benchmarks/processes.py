"""Time and memory of a command, measured as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A small process between this one and the command: the peak memory that the system reports for a
# child is at least that of its parent.
_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
print(json.dumps([done.returncode, done.stdout, seconds, cpu, megabytes]))
"""


@dataclass(frozen=True)
class Usage:
    """What a command needed.

    Attributes:
        output: What it wrote to standard output.
        seconds: Wall-clock seconds.
        cpu_seconds: CPU seconds, of all its threads.
        megabytes: Peak resident memory.
    """

    output: str
    seconds: float
    cpu_seconds: float
    megabytes: float


def measure(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, quiet: bool = False
) -> Usage:
    """Run a command that must succeed; otherwise this program ends with its exit code.

    Args:
        command: The program and its arguments.
        environment: Additional environment variables.
        quiet: Whether to drop what it writes to standard error.
    """
    printed = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        env=os.environ | (environment or {}),
    ).stdout
    code, *usage = json.loads(printed)
    if code:
        sys.exit(f"Error: {' '.join(map(str, command))} failed with exit code {code}")
    return Usage(*usage)
