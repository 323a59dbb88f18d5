from collections.abc import Callable
from functools import cache
from itertools import product
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.cli import main
from speechlstm.decoding.grammar import FILLER_COST, PhraseGrammar
from speechlstm.errors import AlphabetError, ConfigError
from speechlstm.recognizer import Recognizer
from speechlstm.text.phrases import Phrase
from speechlstm.transcript import Hypothesis, Word

Say = Callable[[str], NDArray[np.float32]]
SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def probability(words: tuple[str, ...], phrases: dict[str, float]) -> float:
    """Of a text, summed over all ways to cut it into phrases."""
    total = sum(phrases.values())

    @cache
    def rest(start: int) -> float:
        if start == len(words):
            return 1.0
        return sum(
            phrases.get(" ".join(words[start:end]), 0.0) / total * rest(end)
            for end in range(start + 1, len(words) + 1)
        )

    return rest(0)


@pytest.mark.parametrize(
    "phrases",
    [
        {"a": 1.0, "b": 3.0},
        pytest.param({"a b": 1.0, "a b c": 2.0, "c d": 1.0, "d": 1.0}, marks=pytest.mark.slow),
        {"a": 1.0, "a a": 1.0, "a a a": 2.0, "b a": 1.0},
        pytest.param(
            {"a b a": 5.0, "b": 0.1, "a": 1.0, "c": 1.0, "b c d": 1.0}, marks=pytest.mark.slow
        ),
    ],
)
def test_texts_have_the_probability_of_all_their_phrases(phrases: dict[str, float]) -> None:
    grammar = PhraseGrammar([Phrase(*item) for item in phrases.items()], fillers=())
    for length in range(6):
        for words in product("abcd", repeat=length):
            if not set(words) <= set(grammar.vocabulary):
                continue
            expected = probability(words, phrases)
            found = grammar.sentence_log_prob(words)[0]
            assert exp(found) == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_the_look_ahead_bounds_every_word() -> None:
    grammar = PhraseGrammar([Phrase("a b"), Phrase("a c", 3.0), Phrase("c", 2.0)], fillers=())
    for _ in range(4):
        states = list(range(len(grammar._places)))
        for word in range(3, grammar.num_words):
            ids = np.full(len(states), word, np.int32)
            _, log_probs = grammar.advance(np.array(states), ids)
            assert (log_probs <= grammar.unigram_log_probs[word] + 1e-5).all()


def test_fillers_cost_each_and_enter_once() -> None:
    grammar = PhraseGrammar([Phrase("a"), Phrase("[unk]", 3.0)], fillers=["[X]", "[Y]"])
    assert grammar.sentence_log_prob(["[X]", "[Y]"])[0] == pytest.approx(
        log(3 / 4) - 2 * FILLER_COST, abs=1e-4
    )
    assert grammar.sentence_log_prob(["a", "[X]"])[0] == pytest.approx(
        log(1 / 4) + log(3 / 4) - FILLER_COST, abs=1e-4
    )


def test_fillers_become_one_unknown_word_and_incomplete_phrases_nothing() -> None:
    grammar = PhraseGrammar([Phrase("a b"), Phrase("[unk]")], fillers=["[X]", "[Y]"])
    times = [("[X]", 0.0, 0.1), ("[Y]", 0.2, 0.3), ("a", 0.4, 0.5), ("b", 0.5, 0.6)]
    words = tuple(Word(text, start, end, 0.5) for text, start, end in [*times, ("[X]", 2.0, 2.1)])
    whole = Hypothesis("", words, -1.0, lm_log_prob=-5.0)
    (found,) = grammar.allowed([whole, whole])
    assert [(w.text, w.start, w.end) for w in found.words] == [
        ("[unk]", 0.0, 0.3), ("a", 0.4, 0.5), ("b", 0.5, 0.6), ("[unk]", 2.0, 2.1),
    ]  # fmt: skip
    assert found.text == "[unk] a b [unk]"
    part = Hypothesis("", (*words[2:4], words[2]), -1.0, lm_log_prob=-1e4)
    assert [h.text for h in grammar.allowed([part])] == ["a b [unk]"]
    assert [h.text for h in grammar.allowed([part, whole])] == [found.text]
    closed = PhraseGrammar([Phrase("a b")], fillers=())
    assert [h.text for h in closed.allowed([part])] == ["a b"]
    assert [h.text for h in closed.allowed([Hypothesis("a", words[2:3], -1.0, -1e4)])] == [""]


def text_of(recognizer: Recognizer, samples: NDArray[np.float32]) -> str:
    return recognizer.transcribe(Audio(samples, 16000)).text


def test_a_model_of_characters_recognises_phrases_alone(levels_bundle: Path, spoken: Say) -> None:
    phrases = ["hello world", "hello", "good day:2"]
    closed = Recognizer.load(levels_bundle, phrases=phrases)
    for text in ("hello world", "good day hello", "hello hello world good day"):
        assert text_of(closed, spoken(text)) == text
    assert set(text_of(closed, spoken("zyxwv"))) <= set(" ".join(phrases))
    opened = Recognizer.load(levels_bundle, phrases=[*phrases, "[unk]"])
    assert text_of(opened, spoken("hello world")) == "hello world"
    assert text_of(opened, spoken("hello zyxwv good day")) == "hello [unk] good day"
    assert text_of(opened, spoken("good")) in ("[unk]", "")
    assert text_of(closed, spoken("hello world good")) == "hello world"
    assert text_of(opened, np.zeros(16000, np.float32)) == ""


def test_phrases_are_recognised_while_they_are_spoken(levels_bundle: Path, spoken: Say) -> None:
    recognizer = Recognizer.load(levels_bundle, phrases=["hello world", "[unk]"])
    stream = recognizer.open_stream(16000)
    samples = np.pad(spoken("hello world"), (0, 16000))
    events = [event for block in np.split(samples, 10) for event in stream.feed(block)]
    events += stream.finish()
    assert events[-1].text == "hello world"
    assert all("[unk]" in e.text or set(e.text.split()) <= {"hello", "world"} for e in events)


@pytest.mark.slow
def test_the_english_model_sounds_out_words_that_its_lexicon_lacks() -> None:
    only = Recognizer.load(phrases=["the old man", "opened the door", "blorptastic", "[unk]"])
    assert only.decoder.beam.alphabet.separator  # type: ignore[attr-defined]  # phones
    text = only.transcribe_file(SAMPLES / "reading.wav").text
    assert text == "the old man opened the door [unk]"
    assert only.transcribe_file(SAMPLES / "zip.wav").text == "[unk]"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["date", "digits", "zip"])
def test_of_other_speech_nothing_is_left_or_a_whole_phrase(name: str) -> None:
    recognizer, path = Recognizer.load(phrases=["turn on the light"]), SAMPLES / f"{name}.wav"
    *_, live = recognizer.stream(path)
    for text in (recognizer.transcribe_file(path).text, live.text):
        assert text.replace("turn on the light", "").strip() == ""


def test_language_models_and_hot_words_exclude_phrases(levels_bundle: Path, tiny_lm: Path) -> None:
    with pytest.raises(ConfigError, match="phrases exclude lm"):
        Recognizer.load(levels_bundle, phrases=["a"], lm=tiny_lm)
    with pytest.raises(ConfigError, match="phrases exclude hot_words"):
        Recognizer.load(levels_bundle, phrases=["a"], hot_words=["b"])
    with pytest.raises(ConfigError, match="greedy decoding does not use phrases"):
        Recognizer.load(levels_bundle, phrases=["a"], greedy=True)
    with pytest.raises(AlphabetError, match=r"phrases: größe: not in the alphabet"):
        Recognizer.load(levels_bundle, phrases=["größe"])


def run(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["transcribe", "--bundle", str(bundle), *arguments])


def test_phrases_are_read_from_a_file(
    levels_bundle: Path, spoken: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", spoken("hello there"), 16000)
    Path("p.txt").write_text("Hello\n[unk]\n")
    result = run(levels_bundle, "--phrases", "p.txt", "a.wav")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello [unk]\n", "")
    for content, reason in (
        ("", "p.txt: has no phrase"),
        ("yes\nyes\n", "p.txt:2: 'yes' is given twice"),
        ("yes\nno:much\n", "p.txt:2: 'no:much'"),
        ("yes\ngröße\n", "p.txt:2: größe: not in the alphabet: 'ß' (U+00DF), 'ö' (U+00F6)"),
    ):
        Path("p.txt").write_text(content, encoding="utf-8")
        result = run(levels_bundle, "--phrases", "p.txt", "a.wav")
        assert (result.exit_code, result.stdout) == (1, "")
        (error,) = result.stderr.splitlines()
        assert error.startswith(f"Error: {reason}")
    for other in (["--hot-word", "a"], ["--lm", "x.lm"], ["--lm-weight", "1"]):
        result = run(levels_bundle, "--phrases", "p.txt", *other, "a.wav")
        assert result.exit_code == 2 or "p.txt:2" in result.stderr
