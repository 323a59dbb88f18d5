"""Which module may import which: read from every source file, and from processes that import."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import speechlstm

PACKAGE = Path(speechlstm.__file__).parent

# From the bottom up; a module or subpackage imports only from the rows above its own.
LAYERS = [
    {"errors", "interruption", "stderr"},
    {"arguments", "storage"},
    {"config", "transcript", "parallel", "tflite"},
    {"text"},
    {"lm"},
    {"audio", "decoding"},
    {"corpora", "bundle"},
    {"acoustic", "doctor", "html", "readable"},
    {"streaming", "classification"},
    {"diarization"},
    {"recognizer"},
    {"evaluation", "explain", "pronunciation", "server"},
    {"training"},
    {"cli"},
    {"__main__"},
]
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}

MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p != PACKAGE / "__init__.py"]


@cache
def imported_names(source: str) -> list[str]:
    """What a module's source imports, by its full name."""
    names: list[str] = []
    blocks: list[ast.AST] = [ast.parse(source)]
    for block in blocks:  # not expressions, which are most of a module
        for node in ast.iter_child_nodes(block):
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "imports are absolute"
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
                blocks.append(node)
    return names


def imported_units(source: str, package: str = "speechlstm") -> Iterator[str]:
    """Modules and subpackages directly under a package that a module's source imports."""
    for name in imported_names(source):
        unit = f"{name}.".removeprefix(f"{package}.").split(".")[0]
        if f"{name}.".startswith(f"{package}.") and unit != "__version__":
            yield unit


def test_imported_units_sees_every_form_of_import() -> None:
    source = "import speechlstm.audio\ndef f():\n    from speechlstm.cli import main\n"
    source += "if TYPE_CHECKING:\n    from speechlstm import metrics, __version__\nimport numpy.fft"
    assert list(imported_units(source)) == ["audio", "cli", "metrics"]


def test_modules_import_only_from_lower_layers() -> None:
    wrong = set()
    for path in MODULES:
        unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in set(imported_units(path.read_text(encoding="utf-8"))) - {unit}:
            if LEVEL[other] >= LEVEL[unit] or (other == "training" and unit != "cli"):
                wrong.add((str(path), other))
    assert wrong == set()


# The same inside training: what the networks share knows none of them, and none knows another.
TRAINING = [
    {"layers", "data"},
    {"plots", "engine"},
    {"tflite"},
    {"acoustic", "lm", "g2p", "punctuation"},
    {"adaptation", "classification"},
]
TRAINING_LEVEL = {unit: level for level, units in enumerate(TRAINING) for unit in units}
TRAINING_MODULES = [p for p in MODULES if (PACKAGE / "training") in p.parents[:-1]]


def test_training_imports_only_from_lower_layers() -> None:
    wrong = set()
    for path in TRAINING_MODULES:
        unit = path.relative_to(PACKAGE / "training").parts[0].removesuffix(".py")
        if unit == "__init__":  # offers what the networks have to offer
            continue
        source = path.read_text(encoding="utf-8")
        for other in set(imported_units(source, "speechlstm.training")) - {unit}:
            if TRAINING_LEVEL[other] >= TRAINING_LEVEL[unit]:
                wrong.add((str(path), other))
    assert wrong == set()


def modules_loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(printed.splitlines()[-1].split())


def test_recognition_loads_no_training_framework() -> None:
    loaded = modules_loaded_by("import speechlstm.recognizer, speechlstm.cli.transcribe")
    assert "numpy" in loaded
    frameworks = {"tensorflow", "keras", "torch", "jax", "librosa", "jiwer", "matplotlib", "scipy"}
    assert loaded & frameworks == set()


@pytest.mark.slow
def test_readable_text_is_loaded_only_if_it_is_asked_for() -> None:
    for readable in (False, True):
        code = "from speechlstm.recognizer import Recognizer\n"
        code += f"Recognizer.load(greedy=True, readable={readable})"
        assert ("speechlstm.readable.writer" in modules_loaded_by(code)) is readable


def test_help_loads_nothing_heavy() -> None:
    code = "from speechlstm.cli import main\nmain(['--help'], standalone_mode=False)"
    loaded = modules_loaded_by(code)
    assert "speechlstm.cli.transcribe" in loaded
    assert loaded & {"numpy", "soundfile", "tqdm", "ai_edge_litert", "keras"} == set()


def test_the_docstring_of_a_large_package_names_its_modules() -> None:
    """Its map: whoever looks for something finds the module there. Verbs and formats need none."""
    for init in PACKAGE.rglob("__init__.py"):
        modules = {path.stem for path in init.parent.glob("*.py")} - {"__init__"}
        if len(modules) < 7 or "cli" in init.parts or init.parent.name == "importers":
            continue
        docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
        assert modules - set(re.findall(r"\w+", docstring)) == set(), init
