import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from unicodedata import normalize

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.audio import recording_ids
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.errors import DataError
from speechlstm.evaluation.comparison import compare_reports
from speechlstm.evaluation.comparison_text import to_text
from speechlstm.evaluation.metrics import Score, word_errors
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.score import score_files, seem_to_have_ids
from speechlstm.evaluation.transcript_files import read_transcript_file
from speechlstm.transcript import Hypothesis, Transcript, Word
from speechlstm.transcript.formats import to_ctm, to_textgrid
from speechlstm.transcript.subtitles import to_srt, to_vtt

STM = """;; LABEL "o" "overall" "all"
talk 1 anna 0.0 2.0 <o,f0,female> one two three
talk 1 ben 5.0 6.0 <o,f0,male> four
talk 1 excluded_region 2.0 5.0 IGNORE_TIME_SEGMENT_IN_SCORING
quiet 1 carl 0.0 1.0 <o,f0,male>
"""
CTM = """;; recognised
talk 1 5.10 0.50 five 0.9
talk 1 0.10 0.30 one 0.9
talk 1 2.50 0.30 cough
talk 1 0.50 0.30 two 0.8
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def score(
    reference: str, hypothesis: str, with_ids: bool = False, suffixes: tuple[str, str] = ("", "")
) -> EvaluationReport:
    """Scores two texts that are written into ref and hyp."""
    paths = Path(f"ref{suffixes[0]}"), Path(f"hyp{suffixes[1]}")
    for path, text in zip(paths, (reference, hypothesis), strict=True):
        path.write_text(text, encoding="utf-8")
    return score_files(*paths, with_ids)


def pairs(report: EvaluationReport) -> list[tuple[str, str, str]]:
    return [(s.id, s.reference, s.hypothesis) for s in report.scores]


def write_texts(path: Path, texts: dict[str, str | None], speaker: str | None = None) -> Path:
    write_manifest(path, [Utterance(i, f"{i}.wav", 2.0, t, speaker) for i, t in texts.items()])
    return path


def test_plain_lines_are_paired_by_order_and_empty_ones_count(folder: Path) -> None:
    Path("ref").write_bytes(b"\xef\xbb\xbfOne two\r\n\r\nthree\x0cfour\r\n")
    Path("hyp").write_bytes(b"one two\n\nthree four")
    report = score_files(Path("ref"), Path("hyp"))
    assert pairs(report) == [
        ("1", "one two", "one two"), ("2", "", ""), ("3", "three four", "three four")
    ]  # fmt: skip
    assert (report.wer, report.rtf) == (0, None)


@given(st.lists(st.tuples(*[st.lists(st.sampled_from("abc"), max_size=5)] * 2), min_size=1))
def test_rates_of_lines_are_those_of_jiwer(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[list[str], list[str]]]
) -> None:
    references, hypotheses = (
        [" ".join(words) for words in side] for side in zip(*texts, strict=True)
    )
    folder = tmp_path_factory.mktemp("lines")
    for name, lines in (("ref", references), ("hyp", hypotheses)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    report = score_files(folder / "ref", folder / "hyp")
    if any(references):
        assert report.wer == pytest.approx(jiwer.wer(references, hypotheses))
        assert report.cer == pytest.approx(jiwer.cer(references, hypotheses))
    else:
        assert report.wer == sum(len(h.split()) for h in hypotheses)


def test_own_output_is_paired_by_order_with_plain_lines(folder: Path) -> None:
    report = score("one two\n\nthree\n", "b.wav\tone two\nquiet.wav\t\na.wav\tthree\n")
    assert [s.id for s in report.scores] == ["b.wav", "quiet.wav", "a.wav"]
    assert report.wer == 0


@pytest.mark.parametrize(
    "hypothesis",
    [
        "corpus/ben/1.wav\tfour\ncorpus/anna/1.wav\tone two\n",
        "corpus\\ben\\1.wav\tfour\ncorpus\\anna\\1.wav\tone two\n",
        "ben/1\tfour\nanna/1\tone two\n",
        "ben/1 four\nanna/1 one two\n",
    ],
)
def test_own_output_is_paired_by_name_with_a_manifest(folder: Path, hypothesis: str) -> None:
    texts = {"anna/1": "one two", "ben/1": "three", "noise": None}
    reference = write_texts(Path("ref.jsonl"), texts, "s")
    Path("hyp.txt").write_text(hypothesis)
    report = score_files(reference, Path("hyp.txt"), with_ids="\t" not in hypothesis)
    assert report.scores == (
        Score("anna/1", "one two", "one two", "s"), Score("ben/1", "three", "four", "s")
    )  # fmt: skip
    assert report.skipped == ("noise",)


def test_names_of_the_same_ending_are_told_apart_by_their_folders(folder: Path) -> None:
    report = score("a/1.wav\tone\nb/1.wav\ttwo\n", "x/b/1.flac\ttwo\nx/a/1.flac\tone\n")
    assert report.wer == 0
    with pytest.raises(DataError, match="hyp lacks 2 of the texts of ref: a/1, b/1; ref lacks 1"):
        score("a/1\tone\nb/1\ttwo\n", "1\tone\n")


def test_a_dot_in_a_name_is_no_suffix(folder: Path) -> None:
    report = score("talk.1\tone\ntalk.2\ttwo\n", "talk.2.wav\ttwo\ntalk.1.wav\tone\n")
    assert report.wer == 0
    with pytest.raises(DataError, match=r"hyp lacks 1 of the texts of ref: call\.1; ref lacks 1"):
        score("call.1\tone\n", "call.2\ttwo\n")


@pytest.mark.parametrize("suffix", [".WAV", ".raw", ".json", ".csv", ".stm", ".TextGrid"])
def test_suffixes_of_files_may_differ(folder: Path, suffix: str) -> None:
    assert score("call.1\tone\n", f"call.1{suffix}\tone\n").wer == 0


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_own_json_is_known(folder: Path, suffix: str) -> None:
    lines = [
        {"file": f"x/{n}.wav", "text": t, "duration": 1.0} for n, t in (("b", "two"), ("a", "one"))
    ]
    hypothesis = "".join(json.dumps(line) + "\n" for line in lines)
    assert score("a\tone\nb\ttoo\n", hypothesis, suffixes=(".txt", suffix)).words.substitutions == 1


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_objects_with_id_and_text_alone_are_known(folder: Path, suffix: str) -> None:
    reference = '{"id": "b", "text": "two", "speaker": "ann"}\n{"id": "a", "text": "one"}\n'
    report = score(reference, "a\tone\nb\ttoo\n", suffixes=(suffix, ".txt"))
    assert report.words.substitutions == 1
    assert {(s.id, s.reference, s.speaker) for s in report.scores} == {
        ("a", "one", None),
        ("b", "two", "ann"),
    }


@pytest.mark.parametrize("name", ["my talk.wav", "caf\u00e9.wav", "a;;b.wav"])
def test_names_are_those_that_files_and_formats_make_of_them(folder: Path, name: str) -> None:
    word = Word("yes", 0.1, 0.5, 0.9)
    transcript = Transcript((Hypothesis("yes", (word,), -1.0),), 0.6)
    ctm = to_ctm(recording_ids([name])[0], transcript)
    for other, suffix in ((ctm, ".ctm"), (f"{normalize('NFD', name)}\tyes", "")):
        report = score(f"{name}\tyes\n", other + "\n", suffixes=("", suffix))
        assert pairs(report) == [(name, "yes", "yes")]


def test_subtitles_and_textgrids_are_one_text(folder: Path) -> None:
    words = tuple(Word(text, i, i + 0.5, 0.9) for i, text in enumerate(("one", "two", "three")))
    transcript = Transcript((Hypothesis("one two three", words, -1.0),), 3.0)
    for suffix, write in ((".srt", to_srt), (".vtt", to_vtt), (".TextGrid", to_textgrid)):
        written = write("a", transcript) + "\n"
        assert pairs(score("one two\n", written, suffixes=("", suffix))) == [
            ("1", "one two", "one two three")
        ]
    late, early = (
        "2\n00:00:03,000 --> 00:00:04,000\ntwo\n",
        "1\n00:00:01,000 --> 00:00:02,000\none\n",
    )
    assert score("one two", f"{late}\n{early}", suffixes=("", ".srt")).wer == 0


def test_a_textgrid_has_one_tier_to_score(folder: Path) -> None:
    words = tuple(Word("yes", i, i + 0.5, 0.9, speaker=1 + i) for i in range(2))
    transcript = Transcript((Hypothesis("yes yes", words, -1.0),), 3.0)
    with pytest.raises(DataError, match=r"^hyp.TextGrid: has texts on 2 tiers, 'speaker 1', 'spe"):
        score("yes yes\n", to_textgrid("a", transcript), suffixes=("", ".TextGrid"))


def test_times_of_json_may_have_any_size(folder: Path) -> None:
    line = '{"file": "talk", "text": "one", "words": [{"start": 1, "end": %s}]}\n'
    report = score(line % 2, line % f"1{'0' * 400}", suffixes=(".json", ".json"))
    assert report.wer == 0


def test_of_a_long_text_a_list_shows_its_ends(folder: Path) -> None:
    report = score(f"first {'yes ' * 5000}last\n", f"fist {'yes ' * 5000}lost\n")
    *_, line = report.to_text(num_worst=1).splitlines()
    assert line.startswith("   2  1: [first->fist] yes yes ")
    assert line.endswith(" yes yes [last->lost]")
    assert len(line) < 1100


def test_of_a_long_text_a_list_shows_the_words_around_errors(folder: Path) -> None:
    long = "yes " * 200
    report = score(f"{long}stop {long}\n", f"{long}stops {long}\n")
    *_, line = report.to_text(num_worst=1).splitlines()
    five = "yes yes yes yes yes"
    shown = f"{five} ... {five} [stop->stops] {five} ... {five}"
    assert line == f"   1  1: {shown}"
    right = score(f"{long}stop {long}\n", f"{long}stop {long}\n")
    comparison = compare_reports([("a", report), ("b", right)])
    text = to_text(comparison, 5)
    assert f"  A   1  {shown}\n  B   0  {five} ... {five}" in text


def test_answers_without_a_name_are_paired_by_order(folder: Path) -> None:
    whisper = '{"text": " One two.", "segments": [{"text": " One two."}], "language": "en"}\n'
    report = score("one two\nthree\n", whisper + '{"text": "Three"}\n', suffixes=("", ".json"))
    assert (report.wer, len(report.scores)) == (0, 2)


def test_trn_is_paired_by_its_ids(folder: Path) -> None:
    reference = ";; of sclite\n<s> hello (big) world </s> (s1-u1)\n\nfoo (s1-u2)\n(s1-u3)\n"
    hypothesis = "hm (s1-u3)\nfoo (s1-u2)\nhello big word (s1-u1)\n"
    report = score(reference, hypothesis, suffixes=(".trn", ".TRN"))
    assert pairs(report) == [
        ("s1-u1", "hello big world", "hello big word"), ("s1-u2", "foo", "foo"), ("s1-u3", "", "hm")
    ]  # fmt: skip


def test_words_in_parentheses_may_be_left_out(folder: Path) -> None:
    reference, whole = "one (uh) two (uh-huh) three (u1)\n", "one uh two uh huh three"
    for hypothesis, counted, errors in (
        ("one two three", whole, 0),
        ("one uh two three", whole, 0),
        ("one uh too uh huh three", "one uh too uh huh three", 1),
        ("two four", "uh two uh huh four", 2),
        ("", "uh uh huh", 3),
    ):
        report = score(reference, f"{hypothesis} (u1)\n", suffixes=(".trn", ".trn"))
        assert pairs(report) == [("u1", whole, counted)]
        assert (report.words.num_errors, report.words.num_reference) == (errors, 6)
    stm, ctm = "t 1 anna 0 1 <o> (uh) yes\n", "t 1 0.1 0.2 yes\n"
    assert score(stm, ctm, suffixes=(".stm", ".ctm")).wer == 0
    assert score("yes (uh) no\n", "yes no\n").words.deletions == 1  # in a plain text


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [("(the) the cat", "the cat"), ("no (no) no", "no no"), ("(no) (no) no no", "no no")],
)
def test_of_equal_words_those_in_parentheses_are_left_out(
    folder: Path, reference: str, hypothesis: str
) -> None:
    texts = f"{reference} (u1)\n", f"{hypothesis} (u1)\n"
    assert score(*texts, suffixes=(".trn", ".trn")).words.num_errors == 0


def test_the_fewest_errors_over_all_words_that_may_be_left_out(folder: Path) -> None:
    generator = random.Random(0)
    references, hypotheses, fewest = [], [], []
    for n in range(300):
        words = generator.choices("abc", k=generator.randint(2, 6))
        optional = [generator.random() < 0.5 for _ in words]
        hypothesis = " ".join(generator.choices("abc", k=generator.randint(0, 6)))
        written = (f"({word})" if o else word for word, o in zip(words, optional, strict=True))
        references.append(f"{' '.join(written)} (u{n})\n")
        hypotheses.append(f"{hypothesis} (u{n})\n")
        kept = itertools.product(*((False, True) if o else (True,) for o in optional))
        readings = (" ".join(itertools.compress(words, k)) for k in kept)
        fewest.append(min(word_errors(reading, hypothesis).num_errors for reading in readings))
    report = score("".join(references), "".join(hypotheses), suffixes=(".trn", ".trn"))
    assert [s.words.num_errors for s in report.scores] == fewest


def test_stm_and_ctm_are_joined_in_the_order_of_time(folder: Path) -> None:
    report = score(STM, CTM, suffixes=(".stm", ".ctm"))
    assert pairs(report) == [("talk", "one two three four", "one two five"), ("quiet", "", "")]
    assert [s.speaker for s in report.scores] == [None, "carl"]
    assert score(STM, STM, suffixes=(".stm", ".stm")).wer == 0
    assert score(STM.lower(), CTM, suffixes=(".stm", ".ctm")).words == report.words


def test_the_words_of_json_are_left_out_by_their_times_too(folder: Path) -> None:
    times = {"one": 0.1, "two": 0.5, "cough": 2.5, "five": 5.1}
    words = [{"text": word, "start": at, "end": at + 0.3} for word, at in times.items()]
    text = " ".join(times)
    lines = [{"file": "talk.wav", "text": text, "words": words}, {"file": "quiet.wav", "text": ""}]
    report = score(STM, "\n".join(map(json.dumps, lines)), suffixes=(".stm", ".json"))
    assert pairs(report)[0] == ("talk", "one two three four", "one two five")
    del lines[0]["words"]
    with pytest.raises(DataError, match="talk: has segments that are not scored, so"):
        score(STM, "\n".join(map(json.dumps, lines)), suffixes=(".stm", ".json"))


def test_channels_of_a_recording_are_texts_of_their_own(folder: Path) -> None:
    reference = "call A anna 0 1 yes\ncall B ben 1 2 no\n"
    hypothesis = "call B 1.2 0.1 no\ncall A 0.2 0.1 yes\n"
    report = score(reference, hypothesis, suffixes=(".stm", ".ctm"))
    assert pairs(report) == [("call A", "yes", "yes"), ("call B", "no", "no")]


def test_ids_of_kaldi_are_no_words(folder: Path) -> None:
    reference, hypothesis = "u1 hello world\nu2 foo\nu3\n", "u3\nu2 foo\nu1 hello word\n"
    report = score(reference, hypothesis, with_ids=True)
    assert report.wer == pytest.approx(1 / 3)
    assert pairs(report)[2] == ("u3", "", "")
    assert seem_to_have_ids(*map(read_transcript_file, (Path("ref"), Path("hyp"))))


def test_plain_texts_do_not_seem_to_have_ids(folder: Path) -> None:
    for reference, hypothesis in (
        ("a b\nc d\n", "a b\nc d\n"),
        ("1 a\n", "1 b\n"),
        ("1 a\n1 b\n",) * 2,
    ):
        score(reference, hypothesis)
        assert not seem_to_have_ids(*map(read_transcript_file, (Path("ref"), Path("hyp"))))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "suffix", "reason"),
    [
        ("a\nb\n", "a\n", "", "^ref has 2 texts, hyp has 1; "),
        ("a\nb\n", "x\ta\n", "", "^ref has 2 texts, hyp has 1; "),
        ("", "", "", "^ref: no text to score against$"),
        ("one\n", "one (u1)\n", ".trn", r"^ref\.trn:1: must end in an id"),
        ("a { b / c } (u1)\n", "a b (u1)\n", ".trn", r"^ref\.trn:1: alternatives"),
        ("a (u1)\nb (u1)\n", "a (u1)\n", ".trn", r"^ref\.trn: has 2 texts with the id 'u1'$"),
        ("talk 1 anna 0\n", "", ".stm", r"^ref\.stm:1: must have recording, channel, speaker"),
        ("talk 1 anna 0 end x\n", "", ".stm", r"^ref\.stm:1: times must be numbers of seconds"),
        ("talk 1 nan 0.1 x\n", "", ".ctm", r"^ref\.ctm:1: times must be numbers of seconds"),
        ("talk 1 0\n", "", ".ctm", r"^ref\.ctm:1: must have recording, channel, start"),
        ('{"file": "a", "text": 1}\n', "", ".json", r"^ref\.json:1: file and text must"),
        ('{"id": 1, "text": "a"}\n', "", ".json", r"^ref\.json:1: id and text must"),
        ('{"file": "a"}\n', "", ".json", r"^ref\.json:1: not a JSON object with"),
        ("yes\n", "", ".srt", r"^ref\.srt: has no subtitle$"),
        ("yes\n", "", ".TextGrid", r"^ref\.TextGrid: is not a TextGrid"),
        ("t 1 0 1 a\n", "", ".ctm", r"^hyp\.ctm: has no word$"),
        ('{"text": "a", "pred_text": "b"}\n', "", ".json", r"^ref\.json:1: unknown key"),
        ('{"text": "a"}\n{"text": 1}\n', "", ".json", r"^ref\.json:2: text must be a string$"),
        ('{"wer": 0, "utterances": []}\n', "", ".json", r"^ref\.json: is a report of .*`compare`$"),
    ],
)
def test_what_cannot_be_scored_is_named(
    folder: Path, reference: str, hypothesis: str, suffix: str, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        score(reference, hypothesis, suffixes=(suffix, suffix))


def test_brackets_without_end_take_no_time(folder: Path) -> None:
    Path("ref.stm").write_text(f"talk 1 anna 0 1 {'{/' * 20_000}\n")
    assert len(read_transcript_file(Path("ref.stm")).transcribed) == 1


def test_texts_that_are_not_utf_8_are_named(folder: Path) -> None:
    Path("ref").write_text("a\n")
    Path("hyp").write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"^hyp:1: not UTF-8"):
        score_files(Path("ref"), Path("hyp"))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "reason"),
    [
        ({"a": "x", "b": "y"}, {"a": "x"}, r"^hyp\.jsonl lacks 1 of the texts of ref\.jsonl: b$"),
        ({"a": "x"}, {"a": "x", "b": "y"}, r"^ref\.jsonl lacks 1 of the texts of hyp\.jsonl: b$"),
        ({"a": "x"}, {"a": None}, r"^hyp\.jsonl lacks 1 of the texts of ref\.jsonl: a$"),
        ({"a": None}, {"a": None}, r"^ref\.jsonl: no text to score against$"),
        ({"a": "x", "b": "y"}, {"a": "x", "c": "y"}, r"ref\.jsonl: b; ref\.jsonl lacks .*: c$"),
        ({f"u{n}": "x" for n in range(30)}, {"u0": "x"}, "lacks 29 .*: u1, .*, u20, ...$"),
    ],
)
def test_unpaired_texts_are_named_in_a_line(
    folder: Path, reference: dict[str, str | None], hypothesis: dict[str, str | None], reason: str
) -> None:
    reference, hypothesis = (
        write_texts(Path("ref.jsonl"), reference),
        write_texts(Path("hyp.jsonl"), hypothesis),
    )
    with pytest.raises(DataError, match=reason):
        score_files(reference, hypothesis)


def test_manifests_may_end_in_json(folder: Path) -> None:
    write_texts(Path("ref.json"), {"a": "x y"})
    write_texts(Path("hyp.jsonl"), {"a": "x"})
    assert score_files(Path("ref.json"), Path("hyp.jsonl")).wer == 0.5


def test_a_ctm_without_the_recording_at_all_is_not_silence(folder: Path) -> None:
    with pytest.raises(DataError, match=r"hyp\.ctm lacks 2 .*: talk, quiet; ref\.stm lacks 1"):
        score(STM, "other 1 0.1 0.1 one\n", suffixes=(".stm", ".ctm"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes there")
def test_pipes_are_read_once(folder: Path) -> None:
    os.mkfifo("pipe")
    Path("ref").write_text("u1 a\nu2 b\n")
    command = [sys.executable, "-m", "speechlstm", "score", "ref", "pipe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        Path("pipe").write_text("u1 a\nu2 b\n")
        printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed[:9]) == (0, "WER 0.00%")


@pytest.mark.parametrize("name", ["hyp", "hyp.trn", "hyp.jsonl"])
def test_texts_as_windows_writes_them_are_read(folder: Path, name: str) -> None:
    Path("ref.trn").write_text("m\u00fcller yes (u1)\n", encoding="utf-16")
    texts = {"hyp": "u1\tm\u00fcller no", "hyp.trn": "m\u00fcller no (u1)"}
    json = '{"file": "u1", "text": "m\u00fcller no"}'
    Path(name).write_text(f"{texts.get(name, json)}\r\n", encoding="utf-16")
    assert score_files(Path("ref.trn"), Path(name)).words.num_errors == 1
    Path("ref.trn").write_text("yes (u1)\n", encoding="utf-16-le")
    with pytest.raises(DataError, match=r"^ref.trn:1: has zero bytes: not a text, or UTF-16"):
        score_files(Path("ref.trn"), Path(name))
