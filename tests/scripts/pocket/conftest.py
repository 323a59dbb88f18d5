import os
import shutil
import subprocess
from pathlib import Path

import pytest

from speechlstm.bundle import PORTABLE_MODEL, default_bundle, read_bundle, write_bundle

QUANTIZATIONS = ("int8", "int4", "none")
WEB = Path(__file__).parents[3] / "scripts" / "pocket" / "web"


@pytest.fixture(scope="session")
def node() -> str:
    """The program node, at least 20.11; tests that need it are skipped where it is missing."""
    program = shutil.which("node")
    if not program:
        pytest.skip("node is not installed")
    version = subprocess.check_output([program, "--version"], text=True).strip()
    if tuple(map(int, version[1:].split(".")[:2])) < (20, 11):
        pytest.skip(f"node is {version}, tests need 20.11")
    return program


@pytest.fixture(scope="session")
def litert_js(node: str) -> str:
    """The program node, where @litertjs/core is installed too."""
    if not (WEB / "node_modules" / "@litertjs" / "core").is_dir():
        pytest.skip("npm ci has not been run in scripts/pocket/web")
    return node


@pytest.fixture(scope="session")
def portable_bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The English bundle with its portable model instead, by quantization."""
    prepared = os.environ.get("SPEECHLSTM_PORTABLE_BUNDLES")  # saves half a minute
    if prepared:
        return {name: Path(prepared) / name for name in QUANTIZATIONS}
    from speechlstm.training.acoustic.conversion import convert_acoustic
    from speechlstm.training.acoustic.trained import trained_model
    from speechlstm.training.tflite.edit import quantize, without_names

    model = convert_acoustic(trained_model(default_bundle()).network, fused=False)
    bundle = read_bundle(default_bundle())
    folder = tmp_path_factory.mktemp("portable")
    paths = {}
    for quantization in QUANTIZATIONS:
        paths[quantization] = folder / quantization
        tflite = {PORTABLE_MODEL: without_names(quantize(model, quantization))}
        write_bundle(paths[quantization], tflite, bundle.acoustic, bundle.decoder)
    return paths
