"""`speechlstm manifest import`: a manifest from a corpus in the layout of others."""

from pathlib import Path

import click

from speechlstm.cli.manifest.entries import write_entries
from speechlstm.cli.options import MANIFESTS, jobs_option
from speechlstm.cli.output import progress_bar, say
from speechlstm.cli.types import OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import printable


def _kind_and_source(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str | None, Path]:
    """The arguments [KIND] SOURCE; without KIND, it is to be found out."""
    from speechlstm.corpora.importers.kinds import KINDS

    if len(value) > 2:
        raise click.BadParameter("takes KIND and one SOURCE", ctx, param)
    kind = value[0] if len(value) == 2 else None
    if kind is not None and kind not in KINDS:
        reason = f"{printable(kind)} is no KIND; known are {', '.join(KINDS)}"
        raise click.BadParameter(reason, ctx, param)
    if kind is None and value[0] in KINDS and not Path(value[0]).exists():
        raise click.BadParameter(f"SOURCE is missing after the KIND {value[0]}", ctx, param)
    return kind, Path(value[-1])


@verb()
@click.argument(
    "corpus", metavar="[KIND] SOURCE", nargs=-1, required=True, callback=_kind_and_source
)
@click.option("-o", "--output", metavar="MANIFEST", type=OutputPath(MANIFESTS), required=True)
@click.option(
    "--part",
    "parts",
    metavar="NAME",
    multiple=True,
    help="Only this split (train, dev, test) or tier; may be given several times.",
)
@click.option(
    "--download",
    metavar="NAME",
    help="First download that archive of KIND into the folder SOURCE: dev-clean of librispeech, "
    "1.1 of ljspeech, 0.02 of speech-commands; goes on after an interruption.",
)
@jobs_option
@click.pass_context
def command(
    ctx: click.Context,
    corpus: tuple[str | None, Path],
    output: Path,
    parts: tuple[str, ...],
    download: str | None,
    jobs: int | None,
) -> None:
    """List the utterances of SOURCE, a corpus in the layout of KIND.

    \b
    KIND             SOURCE
    librispeech      the folder, a split or a speaker (*.trans.txt)
    common-voice     a language's folder, or one of its tables (train.tsv)
    ljspeech         the folder (metadata.csv, wavs/)
    tedlium          the folder, or an .stm file (stm/, sph/)
    voxforge         submissions (etc/PROMPTS, wav/)
    an4              the folder (etc/an4_train.transcription, wav/)
    speech-commands  the folder (a folder a word)
    fsdd             the folder (recordings/)
    nemo             JSON lines with audio_filepath
    kaldi            a data folder (wav.scp, text, segments)
    deepspeech       a .csv file with wav_filename
    lhotse           cuts (.jsonl, .jsonl.gz)
    audiofolder      Hugging Face's folder (metadata.csv or .jsonl)
    elan             .eaf files with long recordings
    textgrid         .TextGrid files with long recordings
    srt              .srt or .vtt files with long recordings

    Without KIND, it is found out. Texts stay as they are. Pieces of long recordings become lines
    with an offset; nothing is copied. What has no recording or no text, or lies outside its
    recording, is reported and left out; the exit code is then 1.

    \b
    Example:
      speechlstm manifest import LibriSpeech/dev-clean -o valid.jsonl
      speechlstm manifest import common-voice cv-corpus/de --part train -o train.jsonl
      speechlstm manifest import interviews/ann.eaf -o ann.jsonl
      speechlstm manifest import librispeech corpora --download dev-clean -o valid.jsonl
    """
    from speechlstm.corpora.imported import import_corpus, kind_of
    from speechlstm.parallel import num_usable_cores

    name, source = corpus
    if download is not None:
        source = _downloaded(name, source, download)
    kind = kind_of(source, name)
    if name is None:
        say(f"{source}: {kind.name}")
    jobs = jobs or num_usable_cores()
    entries = import_corpus(kind, source, output.parent, parts, jobs, progress_bar)
    write_entries(ctx, output, entries, f"{source}: no utterance that can be used")


def _downloaded(kind: str | None, folder: Path, part: str) -> Path:
    """The folder of a corpus that is downloaded and unpacked, unless that has been done."""
    from speechlstm.corpora.download import archive_of, download
    from speechlstm.corpora.unpacking import only_folder, unpack

    if kind is None:
        raise click.UsageError("--download needs KIND")
    archive = archive_of(kind, part)
    folder.mkdir(parents=True, exist_ok=True)
    unpacked = folder / archive.name.partition(".tar")[0]
    if not unpacked.exists():
        say(f"{archive.url} ({archive.licence})")
        unpack(download(archive, folder, progress=True), unpacked)
    return only_folder(unpacked)
