import shutil
import subprocess
from pathlib import Path

import pytest

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
