"""What every loader refuses in the same way: names that no file has, pipes and devices."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from speechlstm.audio import Audio, read_duration
from speechlstm.bundle import read_bundle
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.errors import SpeechLSTMError
from speechlstm.evaluation.transcript_files import read_transcript_file
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.text import read_sentences
from speechlstm.recognizer import Recognizer
from speechlstm.text.alphabet import ENGLISH
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Lexicon

FILES_ONLY: dict[str, Callable[[Path], object]] = {
    "bundle": read_bundle,
    "recognizer": Recognizer.load,
    "its language model": lambda path: Recognizer.load(lm=path),
    "n-grams": NGramModel.load,
    "LSTM": LSTMLanguageModel,
    "g2p": G2PModel,
    "lexicon": lambda path: LexiconTree.load(path, ENGLISH),
    "dictionary": Lexicon.read,
    "settings": Settings.read,
    "manifest": lambda path: list(Manifest(path)),
}
OTHERS: dict[str, Callable[[Path], object]] = {
    "audio": Audio.load,
    "duration": read_duration,
    "transcripts": read_transcript_file,
    "sentences": lambda path: list(read_sentences(path)),
}


@pytest.mark.parametrize("load", (FILES_ONLY | OTHERS).values(), ids=(FILES_ONLY | OTHERS))
def test_a_nul_in_a_name(load: Callable[[Path], object]) -> None:
    for name in ("a\0b", "a\0.arpa", "a\0.csv", "a\0.txt.gz"):
        with pytest.raises(SpeechLSTMError, match=r"^a\\x00.*: file names cannot contain a NUL"):
            load(Path(name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("load", FILES_ONLY.values(), ids=FILES_ONLY)
def test_a_pipe_or_a_device(load: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(SpeechLSTMError, match=rf"^.*{name}.*: .*not a (file|bundle)"):
            load(tmp_path / name)
