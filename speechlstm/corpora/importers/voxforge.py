"""VoxForge: a folder a submission, with etc/PROMPTS and wav/ or flac/."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, numbered_lines, recording_named

LOOKED_FOR = "SUBMISSION/etc/PROMPTS with lines of path and text, and SUBMISSION/wav/ or flac/"
_PROMPTS = Path("etc", "PROMPTS")
_ANONYMOUS = "anonymous"


def is_voxforge(source: Path) -> bool:
    """Whether a folder is a submission, or has one."""
    return (source / _PROMPTS).is_file() or bool(next(source.glob(f"*/{_PROMPTS}"), None))


def read_voxforge(source: Path) -> Iterator[Found]:
    """The utterances of a submission, or of all submissions in a folder and its subfolders.

    A submission is named after its speaker and a date. Anonymous ones are speakers of their own.

    Raises:
        ManifestError: A list cannot be read.
    """
    for prompts in sorted(source.rglob(f"{_PROMPTS}")):
        submission = prompts.absolute().parents[1]
        user = submission.name.partition("-")[0]
        speaker = submission.name if user.lower() == _ANONYMOUS else user
        folder = prompts.parents[1] / ("flac" if (prompts.parents[1] / "flac").is_dir() else "wav")
        for number, line in numbered_lines(prompts):
            listed, *words = line.split()
            name = Path(listed).name
            audio = recording_named(folder, name, f".{folder.name}")
            where, identity = f"{prompts}:{number}", f"{submission.name}/{name}"
            yield Found(where, identity, audio, " ".join(words), speaker)
