import lzma
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.config import FeatureConfig, NetworkConfig, Settings
from speechlstm.corpora.build import build_manifest
from speechlstm.corpora.check import check_manifest
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.overlap import first_overlap
from speechlstm.corpora.split import split_manifest, split_recordings
from speechlstm.corpora.stats import count_words, manifest_stats
from speechlstm.errors import DataError, ManifestError
from speechlstm.text.alphabet import ENGLISH, Alphabet


def record(path: Path, seconds: float = 1.0, text: str | bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(1).uniform(-0.1, 0.1, int(seconds * 8000)), 8000)
    if text is not None:
        content = text.encode() if isinstance(text, str) else text
        path.with_suffix(".txt").write_bytes(content)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Manifest]:
    def write(*utterances: Utterance) -> Manifest:
        write_manifest(tmp_path / "m.jsonl", utterances)
        return Manifest(tmp_path / "m.jsonl")

    return write


Written = Callable[..., Manifest]


def test_builds_from_recordings_with_texts_beside_them(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    record(recordings / "b.wav", 1.5, "yes\n")
    record(recordings / "anna" / "monday" / "1.FLAC", 2, "\ufeffNo,\r\nthanks.\r\n")
    record(recordings / "anna" / "2.ogg", 1, "")
    record(recordings / ".b.wav", 1, "left by an archiver")
    (recordings / "notes.txt").write_text("no recording beside it")
    assert list(build_manifest(recordings, tmp_path / "lists")) == [
        Utterance("anna/2", "../recordings/anna/2.ogg", 1.0, "", "anna"),
        Utterance("anna/monday/1", "../recordings/anna/monday/1.FLAC", 2.0, "No, thanks.", "anna"),
        Utterance("b", "../recordings/b.wav", 1.5, "yes"),
    ]


def test_what_is_left_out_is_listed(tmp_path: Path) -> None:
    record(tmp_path / "good.wav", 1, "yes")
    record(tmp_path / "no-text.wav")
    record(tmp_path / "latin.wav", 1, "gr\u00fcn".encode("latin-1"))
    record(tmp_path / "broken.wav", 1, "yes").write_text("not audio")
    record(tmp_path / "short.wav", 0.01, "yes")
    good, *faults = sorted(
        build_manifest(tmp_path, tmp_path), key=lambda e: isinstance(e, DataError)
    )
    assert good == Utterance("good", "good.wav", 1.0, "yes")
    for fault, (name, reason) in zip(
        faults,
        [
            ("broken.wav", "cannot be decoded"),
            ("latin.wav", "its text latin.txt cannot be read"),
            ("no-text.wav", "has no text; write its transcript into no-text.txt"),
            ("short.wav", "too short"),
        ],
        strict=True,
    ):
        assert str(fault).startswith(f"{tmp_path / name}: ")
        assert reason in str(fault)


def check(
    manifest: Manifest, alphabet: Alphabet = ENGLISH, settings: Settings | None = None
) -> list[list[str]]:
    found = check_manifest(manifest, alphabet, settings or Settings())
    return [[str(fault) for fault in faults] for faults in found]


def test_a_good_manifest_has_no_fault(manifest: Written, tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    texts = ["Yes, it\u2019s fine!", "", None]
    found = manifest(*(Utterance(repr(t), "a.wav", 1.05, t) for t in texts))
    assert check(found) == [[], [], []]


def test_every_fault_is_found_in_its_place(manifest: Written, tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    (tmp_path / "text.wav").write_text("not audio")
    found = manifest(
        Utterance("missing", "missing.wav", 1.0, "yes"),
        Utterance("good", "a.wav", 1.0, "yes"),
        Utterance("text", "text.wav", 1.0, "yes"),
        Utterance("long", "a.wav", 1.2, "yes"),
        Utterance("digit", "a.wav", 1.0, "Stra\u00dfe 7"),
        Utterance("two", "a.wav", 9.0, "x" * 34),
    )
    with found.path.open("a") as file:
        file.write("no JSON\n")
    missing, good, text, long, digit, two, line = check(found)
    audio = tmp_path / "a.wav"
    assert missing[0].startswith(f"{tmp_path / 'missing.wav'}: cannot be read")
    assert good == []
    assert "cannot be decoded" in text[0]
    assert long == [f"{audio}: lasts 1.00 s, its manifest says 1.20 s"]
    assert digit[0].startswith(f"{audio}: not in the alphabet: '7' (U+0037), '\u00df' (U+00DF)")
    assert "lasts 1.00 s" in two[0]
    assert "text needs 67 frames, audio has 34" in two[1]  # 101 frames of 10 ms, three a step
    assert line[0].startswith(f"{found.path}:7: not JSON")


def test_texts_that_cannot_be_what_is_said_are_faults(manifest: Written, tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    record(tmp_path / "long.wav", 61.0)
    for text, mark in (("yes <unk>", "<unk>"), ("[laughter]", "[laughter]"), ("<i>a</i>", "<i>")):
        found = manifest(Utterance("a", "a.wav", 1.0, text))
        assert check(found)[0][0].startswith(
            f"{tmp_path / 'a.wav'}: its text has the mark '{mark}'"
        )
    texts = ["a" * 30, "a" * 31, "", "2 < 3 (aside)"]
    found = manifest(*(Utterance(repr(text), "long.wav", 61.0, text) for text in texts))
    short, enough, silence, other = check(found)
    assert short == [
        f"{tmp_path / 'long.wav'}: lasts 61 s, its text has only 30 characters; write down all "
        "that is said, or cut the recording"
    ]
    assert (enough, silence) == ([], [])
    assert "mark" not in str(other)


def test_pieces_are_checked_as_recordings_are(manifest: Written, tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 3.0)
    found = manifest(
        Utterance("good", "a.wav", 1.0, "yes", offset=2.0),
        Utterance("beyond", "a.wav", 1.0, "yes", offset=2.5),
        Utterance("long", "a.wav", 1.0, "x" * 34, offset=1.0),
    )
    good, beyond, long = check(found)
    assert good == []
    reason = "lasts 3.00 s, but a piece of it is to end at 3.50 s"
    assert beyond == [f"{tmp_path / 'a.wav'}: {reason}"]
    assert long[0].startswith(f"{tmp_path / 'a.wav'} (1.00 to 2.00 s): text needs 67 frames")


def test_the_given_alphabet_and_settings_count(manifest: Written, tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    found = manifest(Utterance("a", "a.wav", 1.0, "ab" * 15))
    assert check(found) == [[]]
    assert "'b' (U+0062)" in check(found, Alphabet(("a",)))[0][0]
    slower = Settings(FeatureConfig(hop_ms=20), NetworkConfig(frame_stack=2))
    assert "needs 30 frames, audio has 26" in check(found, settings=slower)[0][0]


def test_stats_count_what_the_manifest_says(manifest: Written) -> None:
    stats = manifest_stats(
        manifest(
            Utterance("a", "a.wav", 1.0, "Yes, yes!", "anna"),
            Utterance("b", "b.wav", 2.5, "no", "ben"),
            Utterance("c", "c.wav", 3.0, "", "ben"),
            Utterance("d", "d.wav", 9.5),
        )
    )
    assert stats.to_dict() == {
        "num_utterances": 4,
        "num_transcribed": 3,
        "num_speakers": 2,
        "total_seconds": 16.0,
        "min_seconds": 1.0,
        "median_seconds": 2.75,
        "max_seconds": 9.5,
        "num_words": 3,
        "num_distinct_words": 2,
        "symbols": {"y": 2, "e": 2, "s": 2, " ": 1, "n": 1, "o": 1},
    }
    text = stats.to_text()
    assert "4, 3 of them with a text" in text
    assert "'y' 2" in text


def spoken(*speakers: str | None, seconds: Sequence[float] = ()) -> list[Utterance]:
    durations = seconds or [1.0] * len(speakers)
    return [
        Utterance(f"u{n}", f"{n}.wav", duration, "yes", speaker)
        for n, (speaker, duration) in enumerate(zip(speakers, durations, strict=True))
    ]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_split_keeps_speakers_apart_and_meets_the_share(
    manifest: Written, share: float, seed: int
) -> None:
    utterances = spoken(*(f"s{n % 40}" for n in range(400)))
    train, valid = split_manifest(manifest(*utterances), share, seed)
    assert {u.speaker for u in train}.isdisjoint({u.speaker for u in valid})
    assert sorted(train + valid, key=utterances.index) == utterances
    assert [train, valid] == [sorted(part, key=utterances.index) for part in (train, valid)]
    assert len(valid) / 400 == pytest.approx(share, abs=0.0125)  # half a speaker


def test_split_depends_on_the_seed_alone(manifest: Written) -> None:
    utterances = spoken(*(f"s{n % 40}" for n in range(400)))

    def chosen(seed: int, order: int) -> set[str]:
        return {u.id for u in split_manifest(manifest(*utterances[::order]), 0.2, seed)[1]}

    assert chosen(1, 1) == chosen(1, 1) == chosen(1, -1)
    assert chosen(1, 1) != chosen(2, 1)


def test_utterances_without_speaker_are_split_one_by_one(manifest: Written) -> None:
    train, valid = split_manifest(manifest(*spoken(*[None] * 10)), 0.3, 1)
    assert (len(train), len(valid)) == (7, 3)


@pytest.mark.parametrize("share", [0.01, 0.99])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neither_part_is_ever_empty(manifest: Written, share: float, seed: int) -> None:
    found = manifest(*spoken("anna", "ben", "carl", seconds=[100, 90, 1]))
    for part in split_manifest(found, share, seed):
        assert part


def test_one_speaker_cannot_be_split(manifest: Written) -> None:
    with pytest.raises(ManifestError, match="has only one speaker"):
        split_manifest(manifest(*spoken("anna", "anna")), 0.5, 1)


def test_one_utterance_cannot_be_split(manifest: Written) -> None:
    with pytest.raises(ManifestError, match="has one utterance, which cannot be in both parts"):
        split_manifest(manifest(*spoken(None)), 0.5, 1)


def pieces(audio: str, *spans: tuple[float, float], speaker: str | None = None) -> list[Utterance]:
    return [
        Utterance(f"{audio}-{start}-{speaker}", audio, end - start, "yes", speaker, start)
        for start, end in spans
    ]


def test_pieces_of_a_recording_without_a_speaker_stay_together(manifest: Written) -> None:
    lectures = [pieces(f"{n}.mp3", *((4.0 * k, 4.0 * k + 3) for k in range(5))) for n in range(6)]
    train, valid = split_manifest(manifest(*chain(*lectures)), 0.2, 1)
    assert len({u.audio for u in valid}) == 1 and len(valid) == 5
    assert {u.audio for u in train}.isdisjoint({u.audio for u in valid})


def test_pieces_of_a_single_recording_are_split_one_by_one(manifest: Written) -> None:
    lecture = pieces("a.mp3", *((4.0 * k, 4.0 * k + 3) for k in range(10)))
    train, valid = split_manifest(manifest(*lecture), 0.2, 1)
    assert (len(train), len(valid)) == (8, 2)


def test_pieces_that_touch_do_not_overlap(manifest: Written) -> None:
    """1.1 + 2.2 is more than 3.3 in floating point."""
    touching = [
        Utterance(f"{n}", "a.mp3", 2.2, "yes", None, round(1.1 + 2.2 * n, 3)) for n in range(20)
    ]
    train, valid = split_manifest(manifest(*touching), 0.2, 1)
    assert (len(train), len(valid)) == (16, 4)
    (tmp := manifest(*train).path).rename(tmp.with_name("train.jsonl"))
    lists = Manifest(tmp.with_name("train.jsonl")), manifest(*valid)
    assert first_overlap([lists[0]], [lists[1]]) is None


def test_speakers_who_speak_at_once_stay_together_so_that_training_takes_the_parts(
    manifest: Written,
) -> None:
    """Two by two, each interrupts the other; `train` refuses lists with a sound in common."""
    talks = [
        pieces(f"{n}.wav", (0, 5), (9, 14), speaker=f"anna{n}")
        + pieces(f"{n}.wav", (4.5, 9.5), speaker=f"ben{n}")
        for n in range(6)
    ]
    for seed in range(5):
        found = manifest(*chain(*talks))
        parts = split_manifest(found, 0.3, seed)
        assert {u.audio for u in parts[0]}.isdisjoint({u.audio for u in parts[1]})
        assert len(parts[1]) == 6


def test_a_recording_that_is_listed_twice_and_its_pieces_are_in_one_part(manifest: Written) -> None:
    whole = [Utterance(f"{n}", f"{n % 4}.wav", 9.0, "yes") for n in range(8)]
    found = manifest(*whole, *pieces("0.wav", (0, 3), (5, 9)))
    for seed in range(5):
        train, valid = split_manifest(found, 0.4, seed)
        assert {u.audio for u in train}.isdisjoint({u.audio for u in valid})
        assert len(train) + len(valid) == 10


def test_one_talk_of_two_who_overlap_cannot_be_split(manifest: Written) -> None:
    talk = pieces("a.wav", (0, 5), speaker="anna") + pieces("a.wav", (4.5, 9), speaker="ben")
    with pytest.raises(ManifestError, match="remove pieces that overlap"):
        split_manifest(manifest(*talk), 0.3, 1)


def test_recordings_of_each_speaker_are_split(manifest: Written) -> None:
    utterances = spoken(*(f"s{n % 4}" for n in range(80)), "once")
    train, valid = split_recordings(manifest(*utterances), 0.25, 1)
    assert [sum(u.speaker == f"s{n}" for u in valid) for n in range(4)] == [5] * 4
    assert "once" in {u.speaker for u in train} - {u.speaker for u in valid}
    assert sorted(train + valid, key=utterances.index) == utterances
    again = split_recordings(manifest(*utterances[::-1]), 0.25, 1)
    assert {u.id for u in again[1]} == {u.id for u in valid}
    with pytest.raises(ManifestError, match="no speaker has two recordings"):
        split_recordings(manifest(*spoken("anna", "ben")), 0.5, 1)
    with pytest.raises(ManifestError, match=r"too long for a share of 0\.1 .*--valid"):
        split_recordings(manifest(*spoken("anna", "anna")), 0.1, 1)


@pytest.mark.parametrize("seed", range(6))
def test_a_recording_with_all_of_a_speaker_is_for_training(manifest: Written, seed: int) -> None:
    utterances = [
        Utterance("a0", "0.wav", 1.0, speaker="anna", offset=0.0),
        *(Utterance(f"b{n}", f"{n}.wav", 1.0, speaker="ben", offset=1.0) for n in range(4)),
    ]
    train, valid = split_recordings(manifest(*utterances), 0.5, seed)
    assert "anna" in {u.speaker for u in train}
    assert valid


def test_pieces_of_a_recording_stay_together(manifest: Written) -> None:
    utterances = [
        Utterance(f"u{n}", f"{n // 3}.wav", 1.0, speaker="anna", offset=n % 3.0) for n in range(12)
    ]
    train, valid = split_recordings(manifest(*utterances), 0.5, 1)
    assert {u.audio for u in train}.isdisjoint({u.audio for u in valid})
    assert len(train) == len(valid)


def test_the_samples_of_this_project_have_no_fault(tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "data" / "samples"
    write_manifest(tmp_path / "m.jsonl", build_manifest(samples, tmp_path))
    assert check(Manifest(tmp_path / "m.jsonl")) == [[]] * 9


def test_words_of_texts_and_manifests_are_counted(
    manifest: Callable[..., Manifest], tmp_path: Path
) -> None:
    utterances = (Utterance("1", "1.wav", 1, "It's it."), Utterance("2", "2.wav", 1, None))
    assert count_words(manifest(*utterances).path) == {"it's": 1, "it": 1}
    text = tmp_path / "text.xz"
    text.write_bytes(lzma.compress(b"No, it's\n\nNO!"))
    assert count_words(text) == {"no": 2, "it's": 1}
    with pytest.raises(DataError, match=r"none\.txt: cannot be read"):
        count_words(tmp_path / "none.txt")


def test_hidden_folders_are_passed_over_and_names_that_collide_keep_their_suffix(
    tmp_path: Path,
) -> None:
    record(tmp_path / ".trash" / "a.wav", 1, "no")
    record(tmp_path / "a.wav", 1, "yes")
    record(tmp_path / "a.flac", 1, "yes")
    found = [u.id for u in build_manifest(tmp_path, tmp_path) if isinstance(u, Utterance)]
    assert found == ["a.flac", "a.wav"]


@pytest.mark.parametrize("name", [b"\xff", b"c\nd", b"c\td"])
def test_a_name_that_no_manifest_can_hold_is_left_out(tmp_path: Path, name: bytes) -> None:
    record(tmp_path / "b.wav", 1, "yes")
    record(tmp_path / "a.wav", 1, "yes")
    (tmp_path / "a.wav").rename(tmp_path / os.fsdecode(name + b".wav"))
    (tmp_path / "a.txt").rename(tmp_path / os.fsdecode(name + b".txt"))
    good, bad = build_manifest(tmp_path, tmp_path)
    assert isinstance(good, Utterance)
    assert "not UTF-8" in str(bad)


def test_a_recording_that_ends_too_early_is_refused_with_its_reason(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(32000), 16000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:40000])
    write_manifest(tmp_path / "m.jsonl", [Utterance("a", "a.wav", 2.0)])
    ((fault,),) = check_manifest(Manifest(tmp_path / "m.jsonl"), ENGLISH, Settings())
    assert "is truncated at 1.25 s, at least 0.751 s are missing" in str(fault)
    (tmp_path / "a.txt").write_text("a")
    (entry,) = build_manifest(tmp_path, tmp_path)
    assert "is truncated" in str(entry)
