from pathlib import Path

import pytest

from speechlstm.lm.arpa import read_arpa
from speechlstm.lm.table import NGramTable


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of what KenLM has made of a tiny text."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny(data: Path) -> NGramTable:
    return read_arpa(data / "tiny.o3.arpa.xz")
