"""Corpora of short recordings, each in the layout that it is published in."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from speechlstm.corpora.imported import import_corpus, kind_of
from speechlstm.corpora.importers.kinds import KINDS
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError, ManifestError

Record = Callable[..., float]
Write = Callable[[str, str | bytes], Path]
Import = Callable[..., list[Utterance | str]]


def test_librispeech(record: Record, write: Write, imported: Import) -> None:
    chapter = "LibriSpeech/dev-clean/84/121123/"
    first = record(f"{chapter}84-121123-0000.flac", 2.0375)
    second = record(f"{chapter}84-121123-0001.flac", 1.5)
    write(f"{chapter}84-121123.trans.txt", "84-121123-0000 GO DO YOU\n84-121123-0001 BUT HERE\n")
    other = record("LibriSpeech/train-clean-100/19/198/19-198-0000.ogg", 1.0)
    write("LibriSpeech/train-clean-100/19/198/19-198.trans.txt", "19-198-0000\tNORTHANGER\r\n")
    dev = [
        Utterance("84-121123-0000", f"{chapter}84-121123-0000.flac", first, "GO DO YOU", "84"),
        Utterance("84-121123-0001", f"{chapter}84-121123-0001.flac", second, "BUT HERE", "84"),
    ]
    train = "LibriSpeech/train-clean-100/19/198/19-198-0000.ogg"
    all_of_it = [*dev, Utterance("19-198-0000", train, other, "NORTHANGER", "19")]
    assert imported("LibriSpeech", "librispeech") == all_of_it
    assert imported("LibriSpeech", "librispeech", "dev-clean") == dev
    for part_of_it in ("LibriSpeech/dev-clean", "LibriSpeech/dev-clean/84", chapter):
        assert imported(part_of_it, "librispeech") == dev


COMMON_VOICE = "client_id\tpath\tsentence_id\tsentence\tup_votes\n"


def test_common_voice(record: Record, write: Write, imported: Import) -> None:
    seconds = [record(f"de/clips/common_voice_de_{n}.mp3", 1 + n / 2) for n in range(3)]
    rows = [
        'ab12\tcommon_voice_de_0.mp3\ts0\t"Zitat" am Anfang\t2\n',
        "cd34\tcommon_voice_de_1.mp3\ts1\tZwei \u00dcbungen.\t2\n",
        "ef56\tcommon_voice_de_2\ts2\tDrei\t0\n",  # early versions had no suffix
    ]
    for name, chosen in (("train", rows[:1]), ("dev", rows[1:2]), ("test", rows[2:])):
        write(f"de/{name}.tsv", COMMON_VOICE + "".join(chosen))
    write("de/validated.tsv", COMMON_VOICE + "".join(rows))
    write("de/clip_durations.tsv", "clip\tduration[ms]\ncommon_voice_de_0.mp3\t1000\n")
    texts = ('"Zitat" am Anfang', "Zwei \u00dcbungen.", "Drei")
    train, dev, test = (
        Utterance(f"common_voice_de_{n}", f"de/clips/common_voice_de_{n}.mp3", s, text, who)
        for n, (s, text, who) in enumerate(
            zip(seconds, texts, ("ab12", "cd34", "ef56"), strict=True)
        )
    )
    assert imported("de", "common-voice") == [dev, test, train]  # each once
    assert imported("de", "common-voice", "train", "dev") == [dev, train]
    assert imported("de/validated.tsv", "common-voice") == [train, dev, test]


def test_ljspeech(record: Record, write: Write, imported: Import) -> None:
    seconds = record("LJSpeech-1.1/wavs/LJ001-0001.wav", 1.75)
    again = record("LJSpeech-1.1/wavs/LJ001-0002.wav", 1.0)
    lines = 'LJ001-0001|Chapter 1, "and"|Chapter one, "and"\nLJ001-0002|a text|\n'
    write("LJSpeech-1.1/metadata.csv", lines)
    first, second = imported("LJSpeech-1.1", "ljspeech")
    path = "LJSpeech-1.1/wavs/LJ001-0001.wav"
    text = 'Chapter one, "and"'
    assert first == Utterance("LJ001-0001", path, seconds, text, "LJSpeech-1.1")
    assert isinstance(second, Utterance)
    assert (second.text, second.duration) == ("a text", again)


def test_voxforge(record: Record, write: Write, imported: Import) -> None:
    seconds = record("vf/Aaron-20080318-kdl/wav/b0019.wav", 1.3)
    prompts = "Aaron-20080318-kdl/mfc/b0019 THIS TREE\n"
    write("vf/Aaron-20080318-kdl/etc/PROMPTS", prompts)
    other = record("vf/anonymous-20080425-ujr/flac/a0001.flac", 1.0)
    write("vf/anonymous-20080425-ujr/etc/PROMPTS", "anonymous-20080425-ujr/mfc/a0001 HE SAID\n")
    audio = "vf/Aaron-20080318-kdl/wav/b0019.wav"
    aaron = Utterance("Aaron-20080318-kdl/b0019", audio, seconds, "THIS TREE", "Aaron")
    unknown = "anonymous-20080425-ujr"
    audio = f"vf/{unknown}/flac/a0001.flac"
    nobody = Utterance(f"{unknown}/a0001", audio, other, "HE SAID", unknown)
    assert imported("vf", "voxforge") == [aaron, nobody]
    assert imported("vf/Aaron-20080318-kdl", "voxforge") == [aaron]


def test_an4(record: Record, write: Write, imported: Import) -> None:
    seconds = record("an4/wav/an4_clstk/fash/an251-fash-b.sph", 1.1)
    other = record("an4/wav/an4test_clstk/fcaw/an406-fcaw-b.wav", 1.0)
    write("an4/etc/an4_train.fileids", "an4_clstk/fash/an251-fash-b\n")
    write("an4/etc/an4_train.transcription", "<s> YES </s> (an251-fash-b)\n")
    write("an4/etc/an4_test.fileids", "an4test_clstk/fcaw/an406-fcaw-b\nan4test_clstk/x/a-b\n")
    write("an4/etc/an4_test.transcription", "RUBOUT G M (an406-fcaw-b)\nNO (other)\n")
    audio = "an4/wav/an4_clstk/fash/an251-fash-b.sph"
    train = Utterance("an251-fash-b", audio, seconds, "YES", "fash")
    assert imported("an4", "an4", "train")[-1] == train
    test, fault, *_ = imported("an4", "an4")
    audio = "an4/wav/an4test_clstk/fcaw/an406-fcaw-b.wav"
    assert test == Utterance("an406-fcaw-b", audio, other, "RUBOUT G M", "fcaw")
    assert "an4_test.transcription:2: must be '<s> WORDS </s> (a-b)'" in str(fault)


def test_an4_without_headers_is_refused(write: Write, imported: Import, tmp_path: Path) -> None:
    write("an4/etc/an4_train.fileids", "x/a\n")
    write("an4/etc/an4_train.transcription", "YES (a)\n")
    write("an4/wav/x/a.raw", b"\0" * 16000)
    (fault,) = imported("an4", "an4")
    reason = "has no header; convert it to WAV (16-bit samples at 16 kHz)"
    assert fault == f"{tmp_path / 'an4' / 'wav' / 'x' / 'a.raw'}: {reason}"


def test_speech_commands(record: Record, write: Write, imported: Import) -> None:
    names = ["left/0a7c_nohash_0", "left/0a7c_nohash_1", "right/beef_nohash_0"]
    seconds = [record(f"sc/{name}.wav", 0.8 + n / 10) for n, name in enumerate(names)]
    record("sc/_background_noise_/pink_noise.wav", 3.0)
    write("sc/validation_list.txt", "left/0a7c_nohash_1.wav\n")
    write("sc/testing_list.txt", "right/beef_nohash_0.wav\n")
    train, valid, test = (
        Utterance(name, f"sc/{name}.wav", s, name.partition("/")[0], name.split("/")[1][:4])
        for name, s in zip(names, seconds, strict=True)
    )
    assert imported("sc", "speech-commands") == [train, valid, test]
    assert imported("sc", "speech-commands", "valid") == [valid]
    assert imported("sc", "speech-commands", "train", "test") == [train, test]


@pytest.mark.parametrize("source", ["fsdd", "fsdd/recordings"])
def test_fsdd(record: Record, imported: Import, source: str) -> None:
    first = record("fsdd/recordings/0_george_4.wav", 0.5)
    second = record("fsdd/recordings/7_jackson_32.wav", 0.625)
    test = Utterance("0_george_4", "fsdd/recordings/0_george_4.wav", first, "zero", "george")
    audio = "fsdd/recordings/7_jackson_32.wav"
    train = Utterance("7_jackson_32", audio, second, "seven", "jackson")
    assert imported(source, "fsdd") == [test, train]
    assert imported(source, "fsdd", "train") == [train]


def test_deepspeech(record: Record, write: Write, imported: Import, tmp_path: Path) -> None:
    seconds = record("ds/a.wav", 1.5)
    header = "\ufeffwav_filename,wav_filesize,transcript\r\n"
    write("ds/train.csv", f'{header}a.wav,24044,"yes, ""no"""\r\n,1,x\r\na.wav,1\r\n')
    good, unnamed, short = imported("ds/train.csv", "deepspeech")
    assert good == Utterance("a.wav", "ds/a.wav", seconds, 'yes, "no"')
    csv = tmp_path / "ds" / "train.csv"
    assert unnamed == f"{csv}:3: has no wav_filename"
    assert short == f"{csv}:4: has 2 fields, the first line has 3"


@pytest.mark.parametrize("delimiter", [";", "\t", ", "])
def test_a_table_may_be_separated_as_spreadsheets_do_it(
    record: Record, write: Write, imported: Import, delimiter: str
) -> None:
    seconds = record("ds/a.wav", 1.5)
    rows = [["wav_filename", "transcript", "note"], ["a.wav", '"yes, ""no""; all"', "x"]]
    write("ds/train.csv", "".join(f"{delimiter.join(row)}\r\n" for row in rows))
    expected = Utterance("a.wav", "ds/a.wav", seconds, 'yes, "no"; all')
    assert imported("ds/train.csv", "deepspeech") == [expected]


def test_paths_in_tables_may_have_backslashes(
    record: Record, write: Write, imported: Import
) -> None:
    seconds = record("ds/calls/a b.wav", 1.5)
    table = write("ds/train.csv", "wav_filename,transcript\r\ncalls\\a b.wav,yes\r\n")
    expected = Utterance("calls\\a b.wav", "ds/calls/a b.wav", seconds, "yes")
    assert imported("ds/train.csv", "deepspeech") == [expected]
    (listed,) = Manifest(table)
    assert listed == Utterance("calls\\a b.wav", "calls/a b.wav", seconds, "yes")
    write("hf/metadata.csv", "file_name,text\n..\\ds\\calls\\a b.wav,yes\n")
    assert [u.audio for u in imported("hf", "audiofolder") if not isinstance(u, str)] == [
        "ds/calls/a b.wav"
    ]


def test_a_table_with_other_columns_is_told_which_it_needs(write: Write) -> None:
    path = write("calls.csv", "File;Transcription\na.wav;yes\n")
    with pytest.raises(DataError, match=r"name the columns wav_filename and transcript"):
        kind_of(path)


def test_a_table_whose_rows_are_damaged_is_of_its_kind(write: Write, imported: Import) -> None:
    write("train.csv", b"wav_filename,transcript\na.wav,m\xfcller\n")
    with pytest.raises(DataError, match=r"train\.csv:2: is not UTF-8"):
        imported("train.csv", "deepspeech")


def test_audiofolder(record: Record, write: Write, imported: Import, tmp_path: Path) -> None:
    seconds = record("hf/train/data/a.wav", 1.25)
    other = record("hf/test/b.mp3", 1.0)
    rows = "file_name,transcription,speaker_id\ndata/a.wav,Hello there,7\n"
    write("hf/train/metadata.csv", rows)
    lines = '{"file_name": "b.mp3", "text": "bye", "speaker_id": 12}\n{"file_name": "c.mp3"}\n'
    write("hf/test/metadata.jsonl", lines)
    test, fault, train = imported("hf", "audiofolder")
    assert train == Utterance("train/data/a", "hf/train/data/a.wav", seconds, "Hello there", "7")
    assert test == Utterance("test/b", "hf/test/b.mp3", other, "bye", "12")
    needed = "needs file_name and one of transcription, text, sentence, transcript, normalized_text"
    assert fault == f"{tmp_path / 'hf' / 'test' / 'metadata.jsonl'}:2: {needed}"
    assert imported("hf", "audiofolder", "train") == [fault, train]
    assert imported("hf/train", "audiofolder") == [
        Utterance("data/a", "hf/train/data/a.wav", seconds, "Hello there", "7")
    ]


def test_audiofolder_may_name_recordings_elsewhere(
    record: Record, write: Write, imported: Import, tmp_path: Path
) -> None:
    seconds = record("b.wav", 1.25)
    path = (tmp_path / "b.wav").as_posix()
    write("hf/metadata.csv", f"file_name,text\n{path},here\n../b.wav,there\n/,nowhere\n")
    absolute, relative, folder = imported("hf", "audiofolder")
    assert absolute == Utterance(path.removesuffix(".wav"), "b.wav", seconds, "here")
    assert relative == Utterance("../b", "b.wav", seconds, "there")
    assert "cannot be read" in str(folder)


# What may be wrong in any of them.


def test_rows_that_cannot_be_used_are_named_and_the_others_are_read(
    record: Record, write: Write, imported: Import, tmp_path: Path
) -> None:
    record("de/clips/a.mp3")
    (tmp_path / "de" / "clips" / "text.mp3").write_text("not audio, but words and words")
    (tmp_path / "de" / "clips" / "empty.mp3").write_bytes(b"")
    rows = ["x\ta.mp3\t1\tyes\t0", "x\tno.mp3\t1\tyes\t0", "x\ta.mp3\t1\tagain\t0"]
    rows += ["x\ta.mp3\t1\t  \t0", "x\ta.mp3\t1", "x\ttext.mp3\t1\tyes\t0", "x\tempty.mp3\t1\ty\t0"]
    write("de/train.tsv", COMMON_VOICE + "\n".join(rows))
    good, missing, twice, silent, short, text, empty = imported("de", "common-voice")
    tsv, clips = tmp_path / "de" / "train.tsv", tmp_path / "de" / "clips"
    assert isinstance(good, Utterance)
    reason = "cannot be read: No such file or directory"
    assert missing == f"{tsv}:3: {clips / 'no.mp3'}: {reason}"
    assert twice == f"{tsv}:4: id 'a' is already at {tsv}:2"
    assert silent == f"{tsv}:5: a: has no text"
    assert short == f"{tsv}:6: has 3 fields, the first line has 5"
    assert str(text).startswith(f"{tsv}:7: {clips / 'text.mp3'}: ")
    assert empty == f"{tsv}:8: {clips / 'empty.mp3'}: is empty (0 bytes)"


@pytest.mark.parametrize(
    ("name", "content", "kind", "reason"),
    [
        ("m.tsv", "path\tsentence\n", "common-voice", "is not common-voice; looked for train.tsv"),
        ("m.csv", "file,text\n", "deepspeech", "is not deepspeech; looked for a .csv file with"),
        ("m.jsonl", '{"id": "a"}', "nemo", "is not nemo; looked for JSON lines with the keys"),
        ("m.jsonl", "nothing", "lhotse", "is not lhotse; looked for JSON lines of MonoCuts"),
        ("m.jsonl.gz", b"no gzip", "lhotse", "is not lhotse; looked for JSON lines of MonoCuts"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    write: Write, name: str, content: str | bytes, kind: str, reason: str
) -> None:
    path = write(name, content)
    with pytest.raises(DataError) as raised:
        kind_of(path, kind)
    assert str(raised.value).startswith(f"{path}: {reason}")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_folder_is_of_no_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError, match=rf"is not {kind}; looked for "):
        kind_of(tmp_path, kind)
    with pytest.raises(DataError, match=r"no such file or folder"):
        kind_of(tmp_path / "none", kind)
    with pytest.raises(DataError, match=r"has the layout of no known kind of corpus: librispeech,"):
        kind_of(tmp_path)


def test_a_folder_of_two_kinds_needs_a_name(write: Write, record: Record, tmp_path: Path) -> None:
    write("a.eaf", "<ANNOTATION_DOCUMENT/>")
    write("b.srt", "1\n00:00:00,100 --> 00:00:00,900\nyes\n")
    with pytest.raises(DataError, match=r"could be any of elan, srt; name one"):
        kind_of(tmp_path)
    record("b.wav")
    (entry,) = import_corpus(kind_of(tmp_path, "srt"), tmp_path, tmp_path)
    assert isinstance(entry, Utterance)


def test_a_part_that_there_is_not_is_refused(record: Record, imported: Import) -> None:
    record("fsdd/recordings/0_george_4.wav")
    with pytest.raises(DataError, match=r"fsdd: has no part 'valid'; it has test"):
        imported("fsdd", "fsdd", "valid")


def test_a_list_that_is_not_utf8_is_refused_with_its_line(
    record: Record, write: Write, imported: Import
) -> None:
    record("lj/wavs/a.wav")
    path = write("lj/metadata.csv", b"a|yes\n" + "b|gr\u00fcn".encode("latin-1"))
    with pytest.raises(ManifestError) as raised:
        imported("lj", "ljspeech")
    reason = "not UTF-8 or UTF-16: invalid start byte at byte 4; save it as UTF-8"
    assert str(raised.value) == f"{path}:2: {reason}"


def test_a_name_that_is_not_utf8_is_left_out(
    record: Record, imported: Import, tmp_path: Path
) -> None:
    record("sc/left/0a_nohash_0.wav")
    record("sc/left/0b_nohash_0.wav")
    (tmp_path / "sc" / "left").rename(tmp_path / "sc" / os.fsdecode(b"l\xffft"))
    assert [str(entry).partition(": ")[2] for entry in imported("sc", "speech-commands")] == [
        "has a name that is not UTF-8 or has control characters; rename it"
    ] * 2
