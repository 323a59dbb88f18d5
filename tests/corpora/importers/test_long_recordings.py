"""Corpora whose utterances are pieces of long recordings."""

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, write_manifest
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError, ManifestError

Record = Callable[..., float]
Write = Callable[[str, str | bytes], Path]
Import = Callable[..., list[Utterance | str]]


def test_pieces_of_a_manifest_hold_the_sound_between_their_times(
    record: Record, write: Write, imported: Import, tmp_path: Path
) -> None:
    record("talk.flac", 10.0)
    write(
        "talk.srt",
        "1\n00:00:01,250 --> 00:00:03,500\nyes\n\n2\n00:00:09,000 --> 00:00:10,050\nno\n",
    )
    write_manifest(
        tmp_path / "m.jsonl", [u for u in imported("talk.srt", "srt") if not isinstance(u, str)]
    )
    manifest = Manifest(tmp_path / "m.jsonl")
    first, second = manifest
    whole = read_audio(tmp_path / "talk.flac").samples
    np.testing.assert_array_equal(read_audio(manifest.recording(first)).samples, whole[10000:28000])
    np.testing.assert_array_equal(read_audio(manifest.recording(second)).samples, whole[72000:])


def test_tedlium(record: Record, write: Write, imported: Import, tmp_path: Path) -> None:
    record("tl/train/sph/AimeeMullins_2009P.sph", 20.0)
    lines = [
        "AimeeMullins_2009P 1 inter_segment_gap 0 1.82 <o,,unknown> ignore_time_segment_in_scoring",
        "AimeeMullins_2009P 1 AimeeMullins 1.82 7.82 <o,f0,female> i 'd like to share it 's '60s",
        "AimeeMullins_2009P 1 AimeeMullins 8.5 9.5 <o,f0,female> with <unk> you",
        "AimeeMullins_2009P 1 AimeeMullins 18 21 <o,f0,female> beyond",
        "AimeeMullins_2009P 2 AimeeMullins 11 12 <o,f0,female> another channel",
        "AimeeMullins_2009P 1 AimeeMullins x 12 <o,f0,female> no time",
    ]
    write("tl/train/stm/AimeeMullins_2009P.stm", "\n".join(lines))
    audio = "tl/train/sph/AimeeMullins_2009P.sph"
    name = "AimeeMullins_2009P-0001820-0007820"
    speech = Utterance(name, audio, 6.0, "i'd like to share it's '60s", "AimeeMullins", 1.82)
    good, beyond, channel, times = imported("tl", "tedlium")
    stm = tmp_path / "tl" / "train" / "stm" / "AimeeMullins_2009P.stm"
    assert good == speech
    end = f"ends at 21.00 s, {tmp_path / audio} at 20.00 s"
    assert beyond == f"{stm}:4: AimeeMullins_2009P-0018000-0021000: {end}"
    assert str(channel).startswith(f"{stm}:5: is of channel 2 of AimeeMullins_2009P; ")
    assert str(times).startswith(f"{stm}:6: must be talk, channel, speaker, start, end")
    assert imported("tl/train/stm/AimeeMullins_2009P.stm", "tedlium", "train")[0] == speech


def test_nemo(record: Record, write: Write, imported: Import, tmp_path: Path) -> None:
    seconds = record("nemo/wav/a.wav", 6.0)
    lines = [
        {"audio_filepath": "wav/a.wav", "duration": 5.9, "text": "all", "speaker": 3},
        {"audio_filepath": "wav/a.wav", "duration": 2, "text": "some", "offset": 1.5, "lang": "en"},
        {"audio_filepath": str(tmp_path / "nemo/wav/a.wav"), "text": "by name", "duration": 1},
        {"audio_filepath": "wav/a.wav", "text": "no end", "offset": 1.0},
        {"audio_filepath": "wav/a.wav", "duration": 2},
    ]
    write("nemo/train.json", "\n".join(map(json.dumps, lines)) + "\n[1]")
    whole, piece, absolute, endless, silent, other = imported("nemo/train.json", "nemo")
    assert whole == Utterance("wav/a", "nemo/wav/a.wav", seconds, "all", "3")
    assert piece == Utterance("wav/a-0001500-0003500", "nemo/wav/a.wav", 2.0, "some", None, 1.5)
    assert isinstance(absolute, Utterance)
    assert (absolute.audio, absolute.text) == ("nemo/wav/a.wav", "by name")
    path = tmp_path / "nemo" / "train.json"
    assert endless == f"{path}:4: offset and duration must be numbers of seconds"
    assert silent == f"{path}:5: needs the keys audio_filepath and text, as strings"
    assert other == f"{path}:6: not a JSON object"


@pytest.mark.parametrize(
    "values",
    [
        {"audio_filepath": "x" * 5000},
        {"audio_filepath": "."},
        {"offset": math.nan},
        {"offset": 1e308, "duration": 1e308},
    ],
)
def test_impossible_values_cost_only_their_line(
    record: Record, write: Write, imported: Import, values: dict
) -> None:
    record("a.wav", 2.0)
    good = {"audio_filepath": "a.wav", "duration": 1.0, "text": "all", "offset": 0.5}
    write("train.json", f"{json.dumps(good)}\n{json.dumps(good | values)}\n")
    utterance, fault = imported("train.json", "nemo")
    assert utterance == Utterance("a-0000500-0001500", "a.wav", 1.0, "all", None, 0.5)
    assert "train.json:2: " in str(fault)


@pytest.fixture
def kaldi(write: Write) -> Write:
    write("egs/data/train/text", "anna-1 HELLO THERE\nben-1\tGOOD BYE\ncarl-1 NO\ndora-1 HI\n")
    write("egs/data/train/utt2spk", "anna-1 anna\nben-1 ben\n")
    return write


def test_kaldi_without_segments(
    record: Record, kaldi: Write, imported: Import, tmp_path: Path
) -> None:
    seconds = record("egs/wav/a.flac", 1.5)  # relative to the recipe, two folders up
    command = "sph2pipe -f wav b.sph |"
    scp = f"anna-1 wav/a.flac\nben-1 {command}\ncarl-1 raw.ark:1234\n"
    path = kaldi("egs/data/train/wav.scp", scp)
    anna, piped, archived, missing = imported("egs/data/train", "kaldi")
    assert anna == Utterance("anna-1", "egs/wav/a.flac", seconds, "HELLO THERE", "anna")
    assert str(piped).startswith(f"{path}:2: is made by a command ('{command}'), which is not run")
    assert str(archived).startswith(f"{path}:3: is in an archive ('raw.ark:1234')")
    text = tmp_path / "egs" / "data" / "train" / "text"
    assert missing == f"{text}:4: recording 'dora-1' is not in wav.scp"


def test_kaldi_with_segments(
    record: Record, kaldi: Write, imported: Import, tmp_path: Path
) -> None:
    record("egs/wav/call.wav", 12.0)
    kaldi("egs/data/train/wav.scp", f"call {tmp_path}/egs/wav/call.wav\n")
    lines = "anna-1 call 1.25 3.5\nben-1 call 10 -1\ncarl-1 call 11 13\n"
    segments = kaldi("egs/data/train/segments", lines)
    anna, ben, carl, dora = imported("egs/data/train", "kaldi")
    audio = "egs/wav/call.wav"
    assert anna == Utterance("anna-1", audio, 2.25, "HELLO THERE", "anna", 1.25)
    assert ben == Utterance("ben-1", audio, 2.0, "GOOD BYE", "ben", 10.0)
    assert "carl-1: ends at 13.00 s" in str(carl)
    assert str(dora).endswith("text:4: 'dora-1' is not in segments")
    segments.write_text("anna-1 call\nben-1 call 3 2\n")
    anna, ben, *_ = imported("egs/data/train", "kaldi")
    assert anna == f"{segments}:1: must be utterance, recording, start and end in seconds"
    assert "ben-1: 3 to 2 s is not a piece of 0.05 s" in str(ben)


def cut(name: object, audio: str, start: float, supervisions: list[dict], **more: object) -> dict:
    source = {"type": "file", "channels": [0], "source": audio}
    recording = {"id": "rec", "sources": [source], "sampling_rate": 8000, "num_samples": 80000,
                 "duration": 10.0, "channel_ids": [0]}  # fmt: skip
    values = {"id": name, "start": start, "duration": 10 - start, "channel": 0, "type": "MonoCut"}
    return values | {"supervisions": supervisions, "recording": recording} | more


def supervision(name: str, start: float, duration: float, text: object) -> dict:
    times = {"start": start, "duration": duration, "channel": 0}
    return {"id": name, "recording_id": "rec", "text": text, "speaker": "s1"} | times


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_lhotse(record: Record, write: Write, imported: Import, suffix: str) -> None:
    record("wav/rec.wav", 10.0)
    cuts = [
        cut("whole", "wav/rec.wav", 0, [supervision("s", 0.0, 10.0, "everything")]),
        cut("one", "wav/rec.wav", 2, [supervision("s", 0.5, 1.5, "a piece")]),
        cut(
            "two", "wav/rec.wav", 4, [supervision("s-1", 0, 1, "a"), supervision("s-2", 2, 1, "b")]
        ),
        cut("mixed", "wav/rec.wav", 4, [], type="MixedCut"),
        {"type": "MonoCut", "duration": 1},
        cut(7, "wav/rec.wav", 2, [supervision("s", 0.5, 1.5, "a number") | {"speaker": 12}]),
        cut("list", "wav/rec.wav", 2, [supervision("s", 0.5, 1.5, ["a", "list"])]),
    ]
    content = "\n".join(map(json.dumps, cuts)).encode()
    write(f"cuts{suffix}", gzip.compress(content) if suffix.endswith("gz") else content)
    whole, one, first, second, mixed, broken, seventh, untold = imported(f"cuts{suffix}", "lhotse")
    audio = "wav/rec.wav"
    assert whole == Utterance("whole", audio, 10.0, "everything", "s1")
    assert one == Utterance("one", audio, 1.5, "a piece", "s1", 2.5)
    assert first == Utterance("s-1", audio, 1.0, "a", "s1", 4.0)
    assert second == Utterance("s-2", audio, 1.0, "b", "s1", 6.0)
    assert f"cuts{suffix}:4: is a 'MixedCut'; only MonoCuts" in str(mixed)
    assert f"cuts{suffix}:5: is not a cut as lhotse writes it" in str(broken)
    assert seventh == Utterance("7", audio, 1.5, "a number", "12", 2.5)
    assert f"cuts{suffix}:7: list: its text is no string" in str(untold)


EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" FORMAT="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Users/x/Interview%201.wav" MIME_TYPE="audio/x-wav"
                      RELATIVE_MEDIA_URL="./Interview%201.wav"/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2250"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="3000"/><TIME_SLOT TIME_SLOT_ID="ts4"/>
  </TIME_ORDER>
  <TIER TIER_ID="A_text" PARTICIPANT="Anna" LINGUISTIC_TYPE_REF="default">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>Gr\u00fc\u00df Gott &amp; so</ANNOTATION_VALUE>
    </ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
      <ANNOTATION_VALUE>no end</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER TIER_ID="B" LINGUISTIC_TYPE_REF="default">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE>yes</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER TIER_ID="A_gloss" PARENT_REF="A_text" LINGUISTIC_TYPE_REF="gloss">
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a1">
      <ANNOTATION_VALUE>greeting</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>
"""


def test_elan(record: Record, write: Write, imported: Import) -> None:
    record("eaf/Interview 1.wav", 5.0)
    write("eaf/ann.eaf", EAF)
    anna, endless, other = imported("eaf", "elan")
    audio = "eaf/Interview 1.wav"
    name = "ann-A_text-0000500-0002250"
    assert anna == Utterance(name, audio, 1.75, "Gr\u00fc\u00df Gott & so", "Anna", 0.5)
    assert str(endless).endswith("ann.eaf: annotation a2 of tier A_text has no times")
    assert other == Utterance("ann-B-0002250-0003000", audio, 0.75, "yes", "B", 2.25)
    assert other in imported("eaf/ann.eaf", "elan", "B")
    assert anna not in imported("eaf/ann.eaf", "elan", "B")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<ANNOTATION_DOCUMENT>", "is not XML: no element found"),
        (
            '<A><HEADER TIME_UNITS="PAL-frames"/></A>',
            "has times in 'PAL-frames'; save it with mill",
        ),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares XML entities"),
    ],
)
def test_a_broken_eaf_is_refused(write: Write, imported: Import, content: str, reason: str) -> None:
    write("a.eaf", content)
    with pytest.raises(ManifestError, match=rf"a\.eaf: {reason}"):
        imported("a.eaf", "elan")


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 4
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 4
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = ""
        intervals [2]:
            xmin = 1.5
            xmax = 2.75
            text = "say ""7"" \u00e4h"
        intervals [3]:
            xmin = 2.75
            xmax = 4.5
            text = "beyond"
    item [2]:
        class = "TextTier"
        name = "bells"
        xmin = 0
        xmax = 4
        points: size = 1
        points [1]:
            number = 1.2
            mark = "ding"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
4
<exists>
2
"IntervalTier"
"words"
0
4
1
1.5
2.75
"yes"
"IntervalTier"
"phones"
0
4
1
1.5
1.6
"j"
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_textgrid(
    record: Record, write: Write, imported: Import, tmp_path: Path, encoding: str
) -> None:
    record("tg/talk.wav", 4.0)
    path = write("tg/talk.TextGrid", LONG.encode(encoding))
    spoken, beyond = imported("tg", "textgrid")
    name = "talk-0001500-0002750"
    assert spoken == Utterance(name, "tg/talk.wav", 1.25, 'say "7" \u00e4h', None, 1.5)
    where = f"{path}: interval 3 (2.75 to 4.50 s) of tier words: talk-0002750-0004500"
    assert beyond == f"{where}: ends at 4.50 s, {tmp_path / 'tg' / 'talk.wav'} at 4.00 s"


def test_one_of_several_tiers_of_a_textgrid_is_chosen(
    record: Record, write: Write, imported: Import
) -> None:
    record("talk.wav", 4.0)
    write("talk.TextGrid", SHORT)
    with pytest.raises(DataError, match=r"has the tiers words, phones; choose with --part;"):
        imported("talk.TextGrid", "textgrid")
    words = Utterance("talk-0001500-0002750", "talk.wav", 1.25, "yes", None, 1.5)
    assert imported("talk.TextGrid", "textgrid", "words") == [words]


def test_several_tiers_of_a_textgrid_are_speakers_who_may_speak_at_once(
    record: Record, write: Write, imported: Import
) -> None:
    record("talk.wav", 4.0)
    tiers = "".join(
        f'"IntervalTier"\n"{who}"\n0\n4\n1\n1.5\n2.75\n"{text}"\n'
        for who, text in (("Anna", "yes"), ("Ben", "no"), ("notes", "loud"))
    )
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n4\n<exists>\n3\n'
    write("talk.TextGrid", head + tiers)
    found = [
        u for u in imported("talk.TextGrid", "textgrid", "Anna", "Ben") if not isinstance(u, str)
    ]
    assert [(u.id, u.text, u.speaker) for u in found] == [
        ("Anna-talk-0001500-0002750", "yes", "Anna"),
        ("Ben-talk-0001500-0002750", "no", "Ben"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hello",
        SHORT[:100],
        SHORT.replace("2.75", '"x"'),
        SHORT.replace("<exists>\n2", "<exists>\n1e999"),
    ],
)
def test_a_broken_textgrid_is_refused(write: Write, imported: Import, content: str) -> None:
    write("a.TextGrid", content)
    with pytest.raises(ManifestError, match=r"a\.TextGrid: is not a TextGrid as Praat writes it"):
        imported("a.TextGrid", "textgrid")


@pytest.mark.slow
def test_subtitles(record: Record, write: Write, imported: Import, tmp_path: Path) -> None:
    record("film.mp3", 70.0)
    srt = "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>One,</i>\r\ntwo\r\n\r\n"
    srt += "2\r\n00:01:09,500 --> 00:01:11,000\r\nbeyond\r\n\r\n"
    srt += "3\r\n00:00:05,000 --> 00:00:04,000\r\nx\r\n"
    write("film.srt", srt)
    first, beyond, reversed_times = imported("film.srt", "srt")
    assert first == Utterance("film-0001000-0002500", "film.mp3", 1.5, "One, two", None, 1.0)
    assert str(beyond).startswith(f"{tmp_path / 'film.srt'}:7: film-0069500-0071000: ends at 71.00")
    assert "5 to 4 s is not a piece" in str(reversed_times)
    vtt = "WEBVTT\n\nNOTE no\n\nx\n01:05.250 --> 01:06.250 align:left\n<v Ann>A &amp; B\n"
    write("more/film.vtt", vtt)
    record("more/film.wav", 70.0)
    assert imported("more", "srt") == [
        Utterance("film-0065250-0066250", "more/film.wav", 1.0, "A & B", None, 65.25)
    ]
    write("none.srt", "only text")
    with pytest.raises(ManifestError, match=r"none\.srt: has no subtitle"):
        imported("none.srt", "srt")
