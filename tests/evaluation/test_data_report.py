import json
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from speechlstm.audio import read_audio
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.stats import manifest_stats
from speechlstm.corpora.survey import survey
from speechlstm.evaluation import data_page as data_page_module
from speechlstm.evaluation.data_page import data_page
from speechlstm.evaluation.data_report import DataReport, compare_with
from speechlstm.text.alphabet import ENGLISH
from speechlstm.transcript import Hypothesis, Transcript

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.wav"))


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """A list of good recordings, and one that has each kind of fault once."""
    tmp_path = tmp_path_factory.mktemp("lists")
    good = [
        Utterance(name, str(SAMPLES / f"{name}.wav"), read_audio(SAMPLES / f"{name}.wav").duration,
                  (SAMPLES / f"{name}.txt").read_text(), f"s{i % 3}")
        for i, name in enumerate(NAMES)
    ]  # fmt: skip
    first, second = good[:6], good[6:]

    def changed(name: str, source: Utterance, samples: np.ndarray) -> Utterance:
        soundfile.write(tmp_path / f"{name}.flac", samples, 16_000)
        duration = len(samples) / 16_000
        return replace(source, id=name, audio=f"{name}.flac", duration=duration, speaker="<i>x</i>")

    speech = [read_audio(Path(u.audio)).samples for u in good]
    second.append(changed("clipped", good[6], np.clip(speech[6] * 20, -0.7, 0.7)[8000:]))
    narrow = soxr.resample(soxr.resample(speech[7], 16_000, 8_000), 8_000, 16_000)
    second.append(changed("narrow", good[7], narrow))
    second.append(changed("silent", good[7], 0 * speech[7]))
    second.append(changed("pause", good[8], np.concatenate([np.zeros(60_000), speech[8]])))
    second.append(changed("copied", good[0], speech[0]))
    second.append(Utterance("missing", "missing.wav", 1.0, "yes", "dora"))
    second.append(replace(good[8], id="unspeakable", text="7 <b>", speaker=None, duration=1.0))
    for name, utterances in (("a", first), ("b", second)):
        write_manifest(tmp_path / f"{name}.jsonl", utterances)
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write("no JSON\n")
    return [Manifest(tmp_path / "a.jsonl"), Manifest(tmp_path / "b.jsonl")]


@pytest.fixture(scope="module")
def report(lists: list[Manifest]) -> DataReport:
    found = survey(lists, ENGLISH, Settings())
    known = {"yes", "stop", "right", "seven", "the", "old", "man"}
    return DataReport(("a.jsonl", "b.jsonl"), found, known)


def faults(report: DataReport) -> dict[str, tuple[str, ...]]:
    return {fault.name: fault.utterances for fault in report.faults}


def test_every_fault_is_found_and_nothing_else(report: DataReport, lists: list[Manifest]) -> None:
    found = faults(report)
    (line,) = (name for name in found["unreadable or wrong entry"] if "b.jsonl:11" in name)
    assert line.startswith(f"{lists[1].path}:11: not JSON")
    assert found == {
        "unreadable or wrong entry": ("missing", "unspeakable", line),
        "silent, but with a text": ("silent",),
        "clipped (over 0.1% of samples)": ("clipped",),
        "silence of over 3 s": ("pause",),
        "telephone band in a wideband file": ("narrow",),
        "same sound as another": ("copied", "narrow", "pause", "unspeakable"),
        "speaker in several lists": tuple(NAMES),
        "sound in several lists": ("copied",),
    }
    assert report.is_faulty


def test_a_good_list_has_no_fault(lists: list[Manifest]) -> None:
    report = DataReport(("a.jsonl",), survey(lists[:1], ENGLISH, Settings()))
    assert [fault for fault in report.faults if fault.utterances] == []
    assert not report.is_faulty
    assert report.stats == manifest_stats(lists[0])
    assert report.unknown_words == []


def test_the_limit_is_a_share_of_the_utterances(report: DataReport) -> None:
    lenient = replace(report, max_share=0.5)
    exceeded = {fault.name for fault in lenient.faults if fault.is_exceeded}
    assert exceeded == {"speaker in several lists", "sound in several lists"}
    (clipped,) = (fault for fault in report.faults if "clipped" in fault.name)
    assert (clipped.share, clipped.limit) == (1 / 17, 0.01)


def test_speakers_words_and_texts(report: DataReport) -> None:
    by_name = {speaker.name: speaker for speaker in report.speakers}
    assert by_name["s0"].lists == (0, 1)
    assert by_name["s0"].num_utterances == 3
    assert by_name["<i>x</i>"].num_utterances == 5
    seconds = [speaker.seconds for speaker in report.speakers]
    assert seconds == sorted(seconds, reverse=True)
    unknown = dict(report.unknown_words)
    assert "yes" not in unknown
    assert unknown["march"] == 1
    texts = dict(report.repeated_texts)
    assert [item.utterance.id for item in texts["yes stop right seven"]] == ["answers", "copied"]


class Wrong:
    """A recogniser that understands everything as the same words."""

    def transcribe_file(self, path: Path) -> Transcript:
        return Transcript((Hypothesis("yes stop right seven", (), 0.0),), 1.0)


def test_texts_are_sorted_by_how_much_the_recogniser_disagrees(report: DataReport) -> None:
    found = replace(report, scores=compare_with(Wrong, report.survey, 100))
    assert len(found.scores or {}) == 15  # not the missing one
    rates = [score.characters.rate for _, score in found.disagreements]
    assert rates == sorted(rates, reverse=True)
    assert {"answers", "copied"}.isdisjoint(item.utterance.id for item, _ in found.disagreements)
    assert len(compare_with(Wrong, report.survey, 4)) == 4


class Page(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(v) for k, v in attributes if k in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_shows_it_all_and_asks_no_network(
    report: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_page_module, "_MOST_PLAYERS", 3)
    monkeypatch.setattr(data_page_module, "_FEW_PLAYERS", 1)
    scores = compare_with(partial(Wrong), report.survey, 100)
    page = Page(data_page(replace(report, scores=scores)))
    text = " ".join(page.words)
    assert {"del", "ins"} <= {*page.tags} and "->" not in text
    for wanted in (
        "Faults", "Speakers", "Texts that the recogniser disagrees with", "Texts", "Sound",
        "Recordings with the same sound", "missing.wav: cannot be read", "Loudness", "Bandwidth",
        "<i>x</i>", "copied", "16000 Hz", "There are more faults than are allowed",
        "Words that the lexicon lacks", "telephone band in a wideband file",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert page.tags.count("audio") == 3 + 4
    assert page.tags.count("svg") >= 5
    assert {"i", "iframe"}.isdisjoint(page.tags)
    assert all(address.startswith("data:audio/") for address in page.addresses)


def test_the_report_as_json(report: DataReport) -> None:
    values = json.loads(json.dumps(report.to_dict()))
    assert values["is_faulty"] is True
    assert values["lists"] == ["a.jsonl", "b.jsonl"]
    assert {fault["name"] for fault in values["faults"]} == set(faults(report))
    assert values["disagreements"] is None
    sounds = {entry["id"]: entry["sound"] for entry in values["utterances"]}
    assert sounds["missing"] is None
    assert sounds["narrow"]["bandwidth"] < 4_400
    assert {"first": "answers", "second": "copied"}.items() <= values["same_sound"][0].items()
