from pathlib import Path
from typing import Any

import pytest

from speechlstm.errors import ConfigError
from speechlstm.server.requests import NextStep, OpenRecording, OpenStream
from speechlstm.server.service import Service


@pytest.mark.parametrize("options", [{"greedy": True}, {"phrases": ["hello", "world"]}, {}])
def test_a_prompt_is_a_hint_which_some_decoders_cannot_use(
    levels_bundle: Path, hello: bytes, tmp_path: Path, options: dict[str, Any]
) -> None:
    path = tmp_path / "hello.wav"
    path.write_bytes(hello)
    service = Service(levels_bundle, options)
    service(OpenRecording(1, path, "hello.wav", 60, hints=("hello",)))
    assert service(NextStep(1)).transcript.text == "hello world"
    if options:  # who asks for keywords relies on them
        with pytest.raises(ConfigError, match="hot_words"):
            service(OpenRecording(2, path, "hello.wav", 60, hot_words=("hello",)))


@pytest.mark.parametrize("phrases", [("北京", "上海"), ("北京", "[unk]")])
def test_a_phrase_list_that_cannot_be_spelt_is_named(
    levels_bundle: Path, phrases: tuple[str, ...]
) -> None:
    service = Service(levels_bundle, {})
    with pytest.raises(ConfigError, match="can spell none of its phrases: '北京, "):
        service(OpenStream(1, 16000, 60, phrases))
