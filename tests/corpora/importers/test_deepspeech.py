from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import ManifestError


@pytest.mark.parametrize(
    "header", ["wav_filename,wav_filesize,transcript", "\ufeffwav_filename,wav_filesize,transcript"]
)
def test_reads_the_csv_of_deepspeech(tmp_path: Path, header: str) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(12000), 8000)
    path = tmp_path / "train.csv"
    path.write_text(f'{header}\r\na.wav,24044,"yes, ""no"""\r\n{tmp_path}/a.wav,24044,\r\n')
    assert list(Manifest(path)) == [
        Utterance("a.wav", "a.wav", 1.5, 'yes, "no"'),
        Utterance(f"{tmp_path}/a.wav", f"{tmp_path}/a.wav", 1.5, ""),
    ]


def test_faults_of_a_csv_are_named_with_their_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(12000), 8000)
    path = tmp_path / "train.csv"
    path.write_text(
        "wav_filename,wav_filesize,transcript\na.wav,1,yes\nno.wav,1,no\na.wav\na.wav,1,x\n"
    )
    _, missing, short, twice = Manifest(path).entries()
    assert missing == Utterance("no.wav", "no.wav", 0.0, "no")  # whoever hears it learns why
    assert str(short) == f"{path}:4: has 1 field, the first line has 3"
    assert str(twice) == f"{path}:5: id 'a.wav' is already on line 2"
    path.write_text("file,text\na.wav,yes\n")
    with pytest.raises(
        ManifestError, match=r"train\.csv:1: lacks the column wav_filename, transcript; "
    ):
        list(Manifest(path))
    path.write_bytes(b"wav_filename,wav_filesize,transcript\n\xff\n")
    with pytest.raises(ManifestError, match=r"train\.csv:2: is not UTF-8"):
        list(Manifest(path))
