import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from speechlstm.errors import DataError

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "recipes" / "an4.py"))


@pytest.fixture
def speech() -> Any:
    samples, rate = soundfile.read(ROOT / "data" / "samples" / "digits.wav", dtype="int16")
    assert rate == 16000
    return samples


def cmu_layout(folder: Path, transcription: str, fileids: str) -> Path:
    (folder / "etc").mkdir()
    (folder / "etc" / "an4_train.transcription").write_text(transcription)
    (folder / "etc" / "an4_train.fileids").write_text(fileids)
    (folder / "wav" / "an4_clstk" / "fash").mkdir(parents=True)
    return folder / "wav" / "an4_clstk" / "fash"


def test_cmu_layout_is_read_with_and_without_headers(tmp_path: Path, speech: Any) -> None:
    wav = cmu_layout(
        tmp_path,
        "<s> YES </s> (an251-fash-b)\nR U B (an252-fash-b)\n<s> GO </s> (an253-fash-b)\n",
        "an4_clstk/fash/an251-fash-b\nan4_clstk/fash/an252-fash-b\nan4_clstk/fash/an253-fash-b\n",
    )
    soundfile.write(wav / "an251-fash-b.sph", speech, 16000, format="NIST")
    (wav / "an252-fash-b.raw").write_bytes(speech.astype(">i2").tobytes())
    (wav / "an253-fash-b.raw").write_bytes(speech.astype("<i2").tobytes())
    utterances = list(SCRIPT["read_cmu_layout"](tmp_path, tmp_path / "converted"))
    assert [(u.id, u.text, u.speaker) for u in utterances] == [
        ("an251-fash-b", "YES", "fash"),
        ("an252-fash-b", "R U B", "fash"),
        ("an253-fash-b", "GO", "fash"),
    ]
    for utterance in utterances:
        assert utterance.duration == pytest.approx(len(speech) / 16000)
        np.testing.assert_array_equal(soundfile.read(utterance.audio, dtype="int16")[0], speech)


@pytest.mark.parametrize(
    ("transcription", "fileids", "reason"),
    [
        ("<s> YES </s> (an1)\n", "fash/an1\nfash/an2\n", "1 lines for 2 fileids"),
        ("<s> YES </s> (an9)\n", "fash/an1\n", r"an4_train.transcription:1: expected .*\(an1\)"),
        ("<s> YES </s>\n", "fash/an1\n", "expected"),
        ("<s> YES </s> (an1)\n", "fash/an1\n", "an1.raw: missing"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, transcription: str, fileids: str, reason: str) -> None:
    cmu_layout(tmp_path, transcription, fileids)
    with pytest.raises(DataError, match=reason):
        list(SCRIPT["read_cmu_layout"](tmp_path, tmp_path / "converted"))


def test_another_folder_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        SCRIPT["main"], [str(tmp_path), "-o", str(tmp_path / "b"), "--run", str(tmp_path / "r")]
    )
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "is this the AN4 folder?" in result.output
    assert len(result.output.splitlines()) == 1
