import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from speechlstm import bundle, doctor
from speechlstm.doctor import Finding, examine


def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_names_versions_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = [
        "numpy>=1.26",
        "soxr>=0.5; python_version >= '3.11'",
        "tensorflow>=2.21; extra == 'train'",
        'keras>=3.10; extra == "train"',
        "speechlstm[train]; extra == 'dev'",
        "ruff>=0.12; extra == 'dev'",
    ]

    def version(name: str) -> str:
        if name in ("soxr", "tensorflow"):
            raise PackageNotFoundError(name)
        return f"{name} 7"

    monkeypatch.setattr(doctor, "requires", lambda name: requirements)
    monkeypatch.setattr(doctor, "version", version)
    found = findings()
    assert found["numpy"] == Finding("numpy", "numpy 7")
    assert found["keras"] == Finding("keras", "keras 7")
    assert found["soxr"] == Finding("soxr", "missing; run: pip install 'soxr'", is_broken=True)
    assert found["tensorflow"] == Finding(
        "tensorflow", "missing; run: pip install 'speechlstm[train]'"
    )
    assert not found.keys() & {"ruff", "speechlstm[train]"}


def test_a_source_folder_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", requires)
    assert findings()["packages"].is_broken


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("flags : fpu amx_bf16 avx512_bf16", "AVX512-BF16, AMX: train with --precision bfloat16"),
        ("flags : fpu avx2", "the processor has no instructions for it: train in float32"),
        ("Features : fp asimd bf16", "Arm BF16: train with --precision bfloat16"),
    ],
)
def test_bfloat16(flags: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor : 0\n{flags}\n\n")
    monkeypatch.setattr(doctor, "_CPU_INFO", path)
    assert findings()["bfloat16"].text == text
    path.unlink()
    assert findings()["bfloat16"].text.startswith("not known on ")


def test_the_default_model_is_verified(
    levels_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "english"
    shutil.copytree(levels_bundle, path)
    monkeypatch.setattr(bundle, "default_bundle", lambda: path)
    found = findings()["default model"]
    assert found.text.startswith(f"{path}: 28 symbols, 0.0 MB, intact")
    assert not found.is_broken
    with (path / "model.tflite").open("ab") as file:
        file.write(b"\0")
    found = findings()["default model"]
    assert "damaged" in found.text
    assert found.is_broken
