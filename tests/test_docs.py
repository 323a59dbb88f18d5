"""What the documents tell a reader to type is typed here, on small stand-ins of what they name."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
README = ROOT / "README.md"
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / ".github").glob("*.md"),
    *(path for path in ROOT.glob("*/**/README.md") if "node_modules" not in path.parts),
]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(path: Path) -> list[str]:
    """The lines that call speechlstm, without those that need a backend which is not here."""
    lines = "".join(blocks(path, "bash")).splitlines()
    return [line for line in lines if line.startswith("speechlstm ")]


def anchors(path: Path) -> set[str]:
    """What links to the headings of a document are made of, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: recordings by speaker, one file of each name in the documents, texts."""
    path = tmp_path_factory.mktemp("reader")
    shutil.copytree(SAMPLES, path / "data" / "samples")
    for speaker, names in {
        "anna": ("answers", "commands", "digits"),
        "ben": ("birthday", "code", "spelling"),
        "carl": ("date", "zip"),
    }.items():
        (path / "recordings" / speaker).mkdir(parents=True)
        for name in names:
            for suffix in (".wav", ".txt"):
                shutil.copy(SAMPLES / f"{name}{suffix}", path / "recordings" / speaker)
    samples, rate = soundfile.read(SAMPLES / "date.wav", dtype="float32")
    for name in ("new.wav", "interview.wav", "lecture.mp3", "news.flac"):
        soundfile.write(path / name, samples, rate)
    shutil.copytree(SAMPLES, path / "lectures")
    shutil.copy(SAMPLES / "date.txt", path / "interview.txt")
    (path / "old.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nJuly fourth\n")
    (path / "commands.txt").write_text("july fourth\n[unk]\n")
    soundfile.write(path / "call.wav", np.stack([samples, samples[::-1]], axis=1), rate)
    return path


def run(line: str, folder: Path) -> None:
    """Types a line; a training is told to last one epoch, and there is no microphone here."""
    short = re.sub(
        r"^speechlstm (adapt|train|lm train) (?!.*--epochs)", r"speechlstm \1 --epochs 1 ", line
    )
    short = re.sub("^speechlstm listen ", "speechlstm listen --input new.wav ", short)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", short],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def serve(line: str, folder: Path) -> None:
    """Starts a server, and ends it once it listens."""
    arguments = shlex.split(line, comments=True)[1:]
    command = [sys.executable, "-m", "speechlstm", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        first = server.stderr.readline()
        server.terminate()
    assert first.startswith("Listening on http://127.0.0.1:")


@pytest.mark.slow
def test_commands_of_the_first_page(folder: Path) -> None:
    for line in commands(README):
        (serve if line.startswith("speechlstm serve") else run)(line, folder)
    assert (folder / "lecture.srt").read_text().startswith("1\n00:00:0")
    assert "july fourth" in (folder / "transcripts.jsonl").read_text()


def test_two_commands_print_what_the_first_page_shows() -> None:
    (console,) = blocks(README, "console")
    typed, *shown = console.splitlines()
    assert typed == "$ pip install . && speechlstm transcribe data/samples/*.wav"
    for line in shown:
        name, *text = line.split("\t")
        assert not text or (ROOT / name).with_suffix(".txt").read_text().strip() == text[0]


@pytest.mark.slow
def test_python_of_the_first_page(folder: Path) -> None:
    for block in blocks(README, "python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("july fourth seventeen seventy six\n")


def test_first_page_fits_its_bound() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", path.read_text("utf-8"))
    for target, anchor in links:
        found = path.parent / target if target else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_package_is_installed_from_where_it_is(path: Path) -> None:
    """It is on no index; its extras can be asked for by name only where it is installed."""
    for language in ("bash", "console", "dockerfile"):
        for block in blocks(path, language):
            assert "speechlstm[" not in block


def test_contributing_names_every_package() -> None:
    packages = {p.name for p in (ROOT / "speechlstm").iterdir() if (p / "__init__.py").exists()}
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^  (\w+)/ ", text, re.MULTILINE))
    assert named == packages
