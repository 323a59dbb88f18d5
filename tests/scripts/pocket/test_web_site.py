import shutil
import subprocess
from pathlib import Path

import pytest

from speechlstm.bundle import default_bundle

SITE = Path(__file__).parents[3] / "scripts" / "pocket" / "web" / "site.js"
MODEL = "model.portable.tflite"

pytestmark = pytest.mark.slow


def make(node: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    command = [node, str(SITE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def refused(node: str, *arguments: Path | str) -> str:
    made = make(node, *arguments)
    assert (made.returncode, made.stdout) == (1, "")
    (line,) = made.stderr.splitlines()
    return line


def test_what_makes_no_site_is_refused_and_nothing_is_written(
    litert_js: str, tmp_path: Path
) -> None:
    site, bundle = tmp_path / "site", default_bundle()
    assert refused(litert_js, "--bundle", tmp_path, "-o", site) == (
        f"error: {tmp_path}: not the folder of a bundle"
    )
    message = refused(litert_js, "--bundle", bundle, "-o", site)  # has model.tflite only
    assert message.startswith(f"error: {bundle / MODEL}: there is none; make a bundle")
    assert not site.exists()
    assert make(litert_js, "--bundel", bundle).returncode == 2


def test_a_folder_is_kept_unless_it_is_a_site(litert_js: str, tmp_path: Path) -> None:
    site, bundle = tmp_path / "site", tmp_path / "bundle"
    shutil.copytree(default_bundle(), bundle)
    shutil.copy(bundle / "model.tflite", bundle / MODEL)
    site.mkdir()
    (site / "page.js").write_text("mine")
    options = "--bundle", bundle, "-o", site
    assert "is something else than a site; give a new folder" in refused(litert_js, *options)
    assert [path.name for path in site.iterdir()] == ["page.js"]
    (site / "page.js").unlink()
    assert make(litert_js, *options).stderr == ""
    assert (site / "bundle" / "lm.ngram").exists()
    (bundle / "lm.ngram").unlink()
    assert make(litert_js, *options).stderr == ""
    assert not (site / "bundle" / "lm.ngram").exists()
    again = "--bundle", site / "bundle", "-o", site
    assert "is that of the site, which is made anew; give another" in refused(litert_js, *again)
    assert (site / "bundle" / MODEL).exists()
