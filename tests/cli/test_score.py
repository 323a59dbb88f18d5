import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.corpora.manifest import Utterance, write_manifest


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def score(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["score", *arguments])


def test_texts_are_paired_by_line() -> None:
    Path("ref.txt").write_text("The quick brown fox\n\njumps\n")
    Path("hyp.txt").write_text("the thick brown red fox\n\n\n")
    result = score("ref.txt", "hyp.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "WER 60.00%" in result.stdout
    assert "RTF" not in result.stdout
    assert result.stdout.splitlines()[-2:] == [
        "   2  1: the [quick->thick] brown [+red] fox",
        "   1  3: [-jumps]",
    ]


def test_a_text_may_come_from_standard_input() -> None:
    Path("ref.txt").write_text("one two\n")
    result = CliRunner().invoke(main, ["score", "ref.txt", "-"], input="one too\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "[two->too]" in result.stdout


def test_json_is_one_object() -> None:
    Path("ref.txt").write_text("größe\n")
    Path("hyp.txt").write_text("eine große\n")
    report = json.loads(score("ref.txt", "hyp.txt", "--json").stdout)
    assert (report["wer"], report["rtf"]) == (2, None)
    assert report["utterances"][0]["hypothesis"] == "eine große"


def test_different_line_counts_are_refused() -> None:
    Path("ref.txt").write_text("a\nb\n")
    Path("hyp.txt").write_text("a\n")
    result = score("ref.txt", "hyp.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ref.txt has 2 texts, hyp.txt has 1;")
    assert result.stderr.count("\n") == 1


def test_manifests_are_paired_by_id() -> None:
    utterances = [Utterance("a", "a.wav", 1.0, "one"), Utterance("b", "b.wav", 1.0, "two")]
    write_manifest(Path("ref.jsonl"), utterances)
    write_manifest(Path("hyp.jsonl"), utterances[::-1])
    assert "WER 0.00%" in score("ref.jsonl", "hyp.jsonl").stdout


def test_a_manifest_is_scored_against_what_transcribe_prints() -> None:
    utterances = [Utterance("a", "a.wav", 1.0, "one"), Utterance("b", "b.wav", 1.0, "two")]
    write_manifest(Path("ref.jsonl"), utterances)
    Path("hyp.txt").write_text("wav/b.wav\ttwo\nwav/a.wav\tone\n")
    assert "WER 0.00%" in score("ref.jsonl", "hyp.txt").stdout


def test_ids_of_kaldi() -> None:
    Path("ref").write_text("u1 hello world\nu2 foo\n")
    Path("hyp").write_text("u2 foo\nu1 hello word\n")
    assert "WER 33.33%" in score("--ids", "ref", "hyp").stdout
    result = score("ref", "hyp")
    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: the lines of both files begin with the same ids")


def test_missing_file_is_named() -> None:
    Path("ref.txt").write_text("a\n")
    result = score("ref.txt", "none.txt")
    assert result.exit_code == 1
    assert "none.txt" in result.stderr


def rttm(name: str, *turns: tuple[str, float, float]) -> None:
    lines = [f"SPEAKER talk 1 {s} {e - s} <NA> <NA> {who} <NA> <NA>\n" for who, s, e in turns]
    Path(name).write_text("".join(lines))


def test_rttm_files_give_the_diarization_error_rate() -> None:
    rttm("ref.rttm", ("anna", 0, 10), ("ben", 10, 20))
    rttm("hyp.RTTM", ("1", 0, 12), ("2", 12, 18))
    result = score("ref.rttm", "hyp.RTTM")
    # 19 s without the collars: 1.75 s confused, 1.75 s missed
    assert result.stdout == (
        "DER 18.42% (missed 9.21%, false alarm 0.00%, confusion 9.21% of 19.0 s of speech)\n"
    )
    report = json.loads(score("ref.rttm", "hyp.RTTM", "--json").stdout)
    assert (report["total"], report["recordings"]["talk"]["hypothesis"]) == (19.0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["ref.rttm", "text.txt"], 1, "text.txt: has no turn; each line of an RTTM file is"),
        (["ref.rttm", "none.rttm"], 1, "none.rttm: cannot be read: No such file"),
        (["ref.rttm", "other.rttm"], 1, "the reference has no turns of other"),
        (["ref.rttm", "ref.rttm", "--ids"], 2, "RTTM files have no words"),
    ],
)
def test_rttm_files_that_do_not_fit_are_refused(
    arguments: list[str], code: int, expected: str
) -> None:
    rttm("ref.rttm", ("anna", 0, 10))
    Path("text.txt").write_text("hello\n")
    Path("other.rttm").write_text("SPEAKER other 1 0 1 <NA> <NA> x <NA> <NA>\n")
    result = score(*arguments)
    assert result.exit_code == code
    assert expected in result.stderr


def test_json_that_is_named_as_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ref.txt").write_text("a cat\n")
    line = '{"id": "1", "text": "a cat"}\n'
    result = CliRunner().invoke(main, ["score", str(tmp_path / "ref.txt"), "-"], input=line)
    assert result.exit_code == 1
    assert "-: is JSON, not text; give a file whose name ends in .jsonl" in result.stderr
    result = CliRunner().invoke(main, ["score", "-", "-"], input="a\n")
    assert result.exit_code == 2
    assert "only one of the two can be standard input" in result.stderr


def test_help_says_that_subtitles_have_figures() -> None:
    shown = " ".join(CliRunner().invoke(main, ["score", "--help"]).stdout.split())
    assert "those of `transcribe` have figures unless it has --raw-text" in shown
