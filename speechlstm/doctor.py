"""Checks what this installation has and what it lacks.

This module covers recognition; `training.engine.devices` describes what Keras computes on.
"""

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from speechlstm import __version__
from speechlstm.errors import BundleError
from speechlstm.parallel import num_usable_cores

_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX", "bf16": "Arm BF16"}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        name: What was checked.
        text: What was found, and what to do if something is missing.
        is_broken: Whether recognition does not work because of it.
    """

    name: str
    text: str
    is_broken: bool = False


def examine() -> Iterator[Finding]:
    """Check everything that needs no training framework: packages, cores, the default model.

    >>> [finding.name for finding in examine()][:3]
    ['speechlstm', 'Python', 'cores']
    """
    yield Finding("speechlstm", f"{__version__} in {Path(__file__).parent}")
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("Python", f"{platform.python_version()}, {system}")
    yield Finding("cores", f"{num_usable_cores()} usable of {os.cpu_count()}")
    yield Finding("bfloat16", _describe_bfloat16())
    yield from _examine_packages()
    yield _examine_default_bundle()


def _describe_bfloat16() -> str:
    if not _CPU_INFO.exists():
        return f"not known on {platform.system()}"
    flags = set(_CPU_INFO.read_text(encoding="utf-8").split())
    found = [name for flag, name in _BFLOAT16.items() if flag in flags]
    if not found:
        return "the processor has no instructions for it: train in float32"
    return f"{', '.join(found)}: train with --precision bfloat16"


def _examine_packages() -> Iterator[Finding]:
    """The packages that this one and its extras require, except those of the extra `dev`."""
    try:
        requirements = requires("speechlstm") or []
    except PackageNotFoundError:
        yield Finding("packages", "unknown: speechlstm is not installed; run: pip install .", True)
        return
    for requirement in requirements:
        name = re.split(r"[^\w.-]", requirement)[0]
        extra = re.search(r"extra == ['\"](\w+)", requirement)
        if extra and (extra[1] == "dev" or name == "speechlstm"):
            continue
        package = f"speechlstm[{extra[1]}]" if extra else name
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, f"missing; run: pip install '{package}'", is_broken=not extra)


def _examine_default_bundle() -> Finding:
    try:
        from speechlstm.bundle import default_bundle, read_bundle

        bundle = read_bundle(default_bundle())
    except (BundleError, ImportError) as error:
        return Finding("default model", str(error), is_broken=True)
    size = bundle.model_path.stat().st_size / 1e6
    text = f"{bundle.path}: {len(bundle.acoustic.alphabet.symbols)} symbols, {size:.1f} MB, intact"
    return Finding("default model", text)
