import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from speechlstm import bundle
from speechlstm.cli import main


def test_prints_what_is_there(levels_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "default_bundle", lambda: levels_bundle)
    result = CliRunner().invoke(main, ["doctor"])
    assert (result.exit_code, result.stderr) == (0, "")
    python = ".".join(map(str, sys.version_info[:3]))
    assert f"\nPython          {python}, " in result.stdout
    assert "\nKeras backend   tensorflow (" in result.stdout


def test_a_damaged_model_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "default_bundle", lambda: tmp_path)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert f"\ndefault model   {tmp_path}/bundle.json: No such file" in result.stdout


@pytest.mark.slow
def test_works_without_the_extra() -> None:
    code = "import sys; sys.modules['keras'] = None; from speechlstm.cli import main; main()"
    printed = subprocess.run(
        [sys.executable, "-c", code, "doctor"], check=False, capture_output=True, text=True
    )
    assert printed.stderr == ""
    last = printed.stdout.splitlines()[-1]
    missing = "keras is not installed; run: pip install 'speechlstm[train]'"
    assert last == f"training        not possible: {missing}"
