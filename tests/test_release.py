"""What is uploaded: wheel and sdist, built, checked and installed as a stranger gets them."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

import speechlstm

ROOT = Path(__file__).parents[1]
BUNDLE = {
    "bundle.json",
    "lexicon.tree",
    "lm.ngram",
    "model.tflite",
    "pronouncer.tflite",
    "rescorer.tflite",
}

pytestmark = pytest.mark.slow


def python(*arguments: str | Path, executable: str | Path = sys.executable, **options: Path) -> str:
    """What Python prints, having ended well."""
    done = subprocess.run(
        [executable, *arguments], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel made from it."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


def test_both_have_the_package_s_version_and_pass_the_index_checks(built: Path) -> None:
    pytest.importorskip("twine")
    names = sorted(path.name for path in built.iterdir())
    version = speechlstm.__version__
    assert names == [f"speechlstm-{version}-py3-none-any.whl", f"speechlstm-{version}.tar.gz"]
    checked = python("-m", "twine", "check", "--strict", *(built / name for name in names))
    assert checked.count("PASSED") == 2


def test_the_sdist_holds_tests_scripts_and_data(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        names = {name.split("/", 1)[1] for name in file.getnames() if "/" in name}
    needed = {"README.md", "LICENSE", "pyproject.toml", "tests/conftest.py", "scripts/check"}
    assert needed | {"data/samples/date.wav", "speechlstm/py.typed"} <= names


def test_the_wheel_alone_transcribes(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "new", with_pip=True)
    bin_folder = tmp_path / "new" / ("Scripts" if sys.platform == "win32" else "bin")
    new = bin_folder / Path(sys.executable).name
    python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, executable=new)
    # What it depends on is not downloaded: it is found where these tests find it.
    places = {"base": str(tmp_path / "new"), "platbase": str(tmp_path / "new")}
    packages = Path(sysconfig.get_path("purelib", vars=places))
    (packages / "found.pth").write_text(sysconfig.get_path("purelib") + "\n")
    code = (
        "import sys, speechlstm; from pathlib import Path;"
        "print(speechlstm.__file__);"
        "print(*sorted(p.name for p in Path(speechlstm.__file__).parent.glob('assets/english/*')));"
        "print(speechlstm.Recognizer.load(speakers=1).transcribe_file(sys.argv[1]).to_text())"
    )
    sample = ROOT / "data" / "samples" / "date.wav"
    where, assets, text = python(
        "-I", "-c", code, sample, executable=new, cwd=tmp_path
    ).splitlines()
    assert Path(where).is_relative_to(packages)
    assert set(assets.split()) >= BUNDLE
    assert text == "Speaker 1: july fourth seventeen seventy six"
