"""Manifests: which recordings there are, and what is said in them."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Utterance:
    """One recording of a manifest.

    Attributes:
        id: Names the utterance; unique in its manifest.
        audio: The recording, relative to the manifest's folder.
        duration: Its length in seconds.
        text: What is said; None: not transcribed, "": known silence.
        speaker: Who says it, where known.
    """

    id: str
    audio: str
    duration: float
    text: str | None = None
    speaker: str | None = None


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Writes utterances as JSON lines; the file appears whole or not at all.

    Args:
        path: The manifest; its folder exists.
        utterances: In the order of their lines; keys whose value is None are left out.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            for utterance in utterances:
                values = {k: v for k, v in asdict(utterance).items() if v is not None}
                file.write(json.dumps(values, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
