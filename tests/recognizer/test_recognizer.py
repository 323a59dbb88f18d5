import asyncio
import copy
import io
import os
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import default_bundle, read_bundle, write_decoder
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import (
    AlphabetError,
    AudioError,
    BundleError,
    ConfigError,
    DamagedAudioError,
    DataError,
    LanguageModelError,
    ModelError,
)
from speechlstm.lm.interpolation import InterpolatedModel
from speechlstm.lm.lstm import ALPHABET, LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.parallel import map_in_processes
from speechlstm.recognizer import Recognizer, sharing
from speechlstm.text.alphabet import ENGLISH
from speechlstm.tflite.metadata import embed_metadata, read_metadata
from speechlstm.transcript import Transcript, Word

SAMPLES = Path(__file__).parents[2] / "data" / "samples"

Say = Callable[[str], NDArray[np.float32]]

SAMPLE_RATE = 16000
ROOT = Path(__file__).parents[2]
LSTM = Path(__file__).parents[1] / "assets" / "language_model.tflite"


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


@pytest.fixture(scope="module")
def recognizer(levels_bundle: Path) -> Recognizer:
    return Recognizer.load(levels_bundle)


@pytest.fixture(scope="module")
def english() -> Recognizer:
    """The recogniser of the package's own model."""
    return Recognizer.load()


@pytest.fixture(scope="module")
def readable_english() -> Recognizer:
    """The same, which writes readable text too."""
    return Recognizer.load(readable=True)


def test_hears_words_when_they_are_said(spoken: Say, recognizer: Recognizer) -> None:
    samples = np.concatenate([silence(1), spoken("it's"), silence(0.5), spoken(" me")])
    transcript = recognizer.transcribe(Audio(samples, SAMPLE_RATE))
    assert transcript.text == "it's me"
    assert transcript.duration == pytest.approx(1 + 0.17 + 0.5 + 0.13)
    times = [(word.text, word.start, word.end) for word in transcript.words]
    # 0.01 s of silence before each character, and before "me" a space of 0.04 s.
    expected = [("it's", 1.01, 1.16), ("me", 1.67 + 0.05, 1.67 + 0.12)]
    assert times == [
        (text, pytest.approx(start), pytest.approx(end)) for text, start, end in expected
    ]
    assert all(0.99 < word.confidence <= 1 for word in transcript.words)


def test_reads_a_file_as_it_hears_audio(
    spoken: Say, recognizer: Recognizer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", spoken("hello world"), SAMPLE_RATE, subtype="FLOAT")
    expected = recognizer.transcribe(Audio(spoken("hello world"), SAMPLE_RATE))
    assert expected.text == "hello world"
    assert recognizer.transcribe_file(tmp_path / "a.wav") == expected
    assert recognizer.transcribe_file(str(tmp_path / "a.wav")) == expected


def test_the_model_file_alone_recognises_the_same(
    spoken: Say, levels_bundle: Path, recognizer: Recognizer
) -> None:
    audio = Audio(spoken("hello"), SAMPLE_RATE)
    alone = Recognizer.load(str(levels_bundle / "model.tflite"))
    assert alone.transcribe(audio) == recognizer.transcribe(audio)


@pytest.mark.slow
def test_a_long_recording_keeps_all_words_and_their_times(
    spoken: Say, recognizer: Recognizer, tmp_path: Path
) -> None:
    # A word every 1.3 s for a minute and a half: three cuts at the least.
    words = ["one", "two", "three", "four"] * 18
    pieces = [
        np.concatenate([spoken(f" {word}"), silence(1.3)])[: round(1.3 * 16000)] for word in words
    ]
    soundfile.write(tmp_path / "long.flac", np.concatenate(pieces), SAMPLE_RATE)
    transcript = recognizer.transcribe_file(tmp_path / "long.flac")
    assert transcript.text == " ".join(words)
    assert transcript.duration == pytest.approx(1.3 * len(words))
    starts = [word.start for word in transcript.words]
    # A cut may move the frames of what follows by up to one of them.
    np.testing.assert_allclose(starts, 1.3 * np.arange(len(words)) + 0.05, atol=0.0101)


def test_segments_add_up(
    spoken: Say, recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (Audio(spoken(text), SAMPLE_RATE) for text in ("one", "two"))
    monkeypatch.setattr(sharing, "read_segments", lambda *_, **__: [(0.0, one), (7.0, two)])
    transcript = recognizer.transcribe_file(tmp_path)
    alone = [recognizer.transcribe(audio) for audio in (one, two)]
    assert transcript.text == "one two"
    assert [w.start for w in transcript.words] == pytest.approx([0.01, 7.01])
    log_probs = [t.hypotheses[0].log_prob for t in alone]
    assert transcript.hypotheses[0].log_prob == pytest.approx(sum(log_probs))
    assert transcript.duration == pytest.approx(7 + two.duration)


@pytest.mark.parametrize("num_samples", [800, 801, 2719, 2720])
def test_words_end_with_the_recording(levels_bundle: Path, num_samples: int) -> None:
    recognizer = Recognizer.load(levels_bundle, reject_non_speech=False)
    samples = np.full(num_samples, 5 / 29, np.float32)
    transcript = recognizer.transcribe(Audio(samples, SAMPLE_RATE))
    assert transcript.words
    for word in transcript.words:
        assert 0 <= word.start < word.end <= transcript.duration


def test_silence_has_no_words(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", silence(45), SAMPLE_RATE)
    transcript = recognizer.transcribe_file(tmp_path / "silence.wav")
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.duration == 45


def test_a_recording_too_short_is_refused(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "blip.wav", silence(0.02), SAMPLE_RATE)
    with pytest.raises(AudioError, match=r"blip\.wav"):
        recognizer.transcribe_file(tmp_path / "blip.wav")


def test_without_a_name_the_packages_own_model_is_meant(
    spoken: Say, levels_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speechlstm.bundle.read.default_bundle", lambda: levels_bundle)
    for named in (Recognizer.load(), Recognizer.load("english"), Recognizer.load(None)):
        assert named.transcribe(Audio(spoken("yes"), SAMPLE_RATE)).text == "yes"
    with pytest.raises(BundleError, match="english"):
        Recognizer.load(Path("english"))  # a folder


@pytest.fixture
def mumbled(spoken: Say) -> Audio:
    """ "hat", or rather "hbt": each frame of its vowel is nearly as likely one as the other."""
    return Audio(0.48 * spoken("a hat") + 0.52 * spoken("a hbt"), SAMPLE_RATE)


@pytest.fixture(scope="module")
def searching_bundle(
    levels_bundle: Path, tiny_lm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle with a language model."""
    path = tmp_path_factory.mktemp("searching") / "bundle"
    shutil.copytree(levels_bundle, path)
    write_decoder(path, DecoderSpec(lm=tiny_lm, calibration=Calibration(0.5, 0.0)))
    return path


def test_a_bundles_language_model_is_used_unless_it_is_declined(
    levels_bundle: Path, searching_bundle: Path, tiny_lm: Path, mumbled: Audio
) -> None:
    def text_of(bundle: Path, **options: Any) -> str:
        return Recognizer.load(bundle, **options).transcribe(mumbled).text

    assert text_of(searching_bundle) == "a hat"
    assert text_of(searching_bundle, greedy=True) == "a hbt"
    assert text_of(searching_bundle, lm=None) == "a hbt"
    assert text_of(levels_bundle) == "a hbt"
    assert text_of(levels_bundle, lm=tiny_lm) == "a hat"
    assert text_of(levels_bundle, lm=tiny_lm.with_suffix(".arpa")) == "a hat"
    assert text_of(searching_bundle / "model.tflite") == "a hbt"
    assert text_of(levels_bundle, hot_words=["a hbt"], beam_width=20) == "a hbt"


@pytest.mark.slow
@pytest.mark.parametrize("has_pronouncer", [True, False])
def test_hot_words_that_no_lexicon_has_are_sounded_out(
    tmp_path: Path, has_pronouncer: bool
) -> None:
    shutil.copytree(default_bundle(), tmp_path / "bundle")
    whole = read_bundle(tmp_path / "bundle")
    if not has_pronouncer:
        write_decoder(whole.path, replace(whole.decoder, g2p=None, neural_lm=None, prior=None))
    recognizer = Recognizer.load(whole.path, hot_words=["new zelenskyy"])
    assert (
        recognizer.model.alphabet == whole.acoustic.phones
    ) == has_pronouncer  # else: of characters
    date = ROOT / "data" / "samples" / "date.wav"
    assert recognizer.transcribe_file(date).text == "july fourth seventeen seventy six"


@pytest.fixture(scope="module")
def raw_bundle(searching_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without a calibration."""
    path = tmp_path_factory.mktemp("raw") / "bundle"
    shutil.copytree(searching_bundle, path)
    write_decoder(path, DecoderSpec(lm=searching_bundle / "lm.ngram"))
    return path


def confidence(bundle: Path, audio: Audio, options: dict[str, Any]) -> tuple[float, bool]:
    """That of the second word, and whether it is calibrated."""
    transcript = Recognizer.load(bundle, **options).transcribe(audio)
    return transcript.words[1].confidence, transcript.is_calibrated


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_hypotheses": 3},
        {"hot_words": ["bat"], "hot_word_weight": 0.1},
        {"neural_lm_weight": 0.25},  # of an LSTM that is not there
        {"beam_width": DecodeConfig().beam_width},  # as it is
    ],
)
def test_confidences_of_the_decoder_that_was_tuned_are_calibrated(
    searching_bundle: Path, raw_bundle: Path, mumbled: Audio, options: dict[str, Any]
) -> None:
    raw, is_calibrated = confidence(raw_bundle, mumbled, options)
    assert not is_calibrated
    mapped = Calibration(0.5, 0.0)(raw)
    assert confidence(searching_bundle, mumbled, options) == (pytest.approx(mapped), True)


@pytest.mark.parametrize(
    "options",
    [
        {"greedy": True},
        {"lm": None},
        {"neural_lm": LSTM},
        {"beam_width": 7},
        {"lm_weight": 0.7},
        {"word_bonus": 0.0},
        {"prior_weight": 0.0},
        {"lm_weight": 0.7, "hot_words": ["bat"]},
    ],
)
def test_confidences_of_any_other_decoder_are_raw(
    searching_bundle: Path, raw_bundle: Path, mumbled: Audio, options: dict[str, Any]
) -> None:
    raw, is_calibrated = confidence(searching_bundle, mumbled, options)
    assert not is_calibrated
    assert confidence(raw_bundle, mumbled, options) == (raw, False)


def test_confidences_with_another_language_model_are_raw(
    searching_bundle: Path, raw_bundle: Path, tiny_lm: Path, mumbled: Audio
) -> None:
    for lm in (tiny_lm, tiny_lm.with_suffix(".arpa")):
        raw = confidence(raw_bundle, mumbled, {"lm": lm})
        assert confidence(searching_bundle, mumbled, {"lm": lm}) == raw
    own = {"lm": searching_bundle / "lm.ngram"}
    assert confidence(searching_bundle, mumbled, own)[1]


def test_an_alignment_is_not_calibrated(
    searching_bundle: Path, spoken: Say, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", spoken("a hat"), SAMPLE_RATE)
    aligned = Recognizer.load(searching_bundle).align_file(tmp_path / "a.wav", "a hat")
    assert not aligned.is_calibrated


def test_n_best_of_pieces_are_joined_best_first(
    levels_bundle: Path, mumbled: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = Recognizer.load(levels_bundle, num_hypotheses=4)
    alone = recognizer.transcribe(mumbled).hypotheses
    pieces = [(0.0, mumbled), (5.0, mumbled)]
    monkeypatch.setattr(sharing, "read_segments", lambda *_, **__: pieces)
    joined = recognizer.transcribe_file("any").hypotheses
    expected = sorted(
        ((a.score + b.score, f"{a.text} {b.text}") for a in alone for b in alone), reverse=True
    )
    assert [h.score for h in joined] == pytest.approx([score for score, _ in expected[:4]])
    assert {h.text for h in joined} <= {text for _, text in expected}
    assert joined[0].text == f"{alone[0].text} {alone[0].text}"
    assert [w.start for w in joined[0].words[2:]] == pytest.approx(
        [5 + w.start for w in alone[0].words]
    )


def test_a_language_model_for_another_alphabet_is_refused(
    levels_bundle: Path, tiny_lm: Path, tmp_path: Path
) -> None:
    lm = NGramModel.open(tiny_lm)
    write_packed(tmp_path / "other.lm", lm.trie, "0" * 64)
    with pytest.raises(LanguageModelError, match=r"is for the alphabet 0{12}\.") as caught:
        Recognizer.load(levels_bundle, lm=tmp_path / "other.lm")
    assert f"the model has {ENGLISH.sha256[:12]}" in str(caught.value)


def test_a_bundles_language_model_that_is_none_is_refused(
    searching_bundle: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(searching_bundle, tmp_path / "damaged"))
    lm = damaged / "lm.ngram"
    lm.write_bytes(lm.read_bytes()[:-100])
    with pytest.raises(BundleError, match=r"lm\.ngram: damaged"):
        Recognizer.load(damaged)


def test_wrong_settings_are_refused(levels_bundle: Path) -> None:
    with pytest.raises(ConfigError, match=r"decoding\.beam: unknown setting; known are beam_width"):
        Recognizer.load(levels_bundle, beam=3)
    with pytest.raises(ConfigError, match="does not use beam_width, lm"):
        Recognizer.load(levels_bundle, greedy=True, beam_width=3, lm="x")


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(
    spoken: Say, levels_bundle: Path, tmp_path: Path, run_measured: Callable[..., tuple[str, int]]
) -> None:
    minute = np.tile(np.concatenate([spoken(" word"), silence(1.79)]), 30)
    with soundfile.SoundFile(tmp_path / "hour.flac", "w", SAMPLE_RATE, 1) as file:
        for _ in range(60):
            file.write(minute)
    code = (
        "import sys; from speechlstm import Recognizer\n"
        "print(len(Recognizer.load(sys.argv[1]).transcribe_file(sys.argv[2]).words))"
    )
    num_words, peak = run_measured(code, str(levels_bundle), str(tmp_path / "hour.flac"))
    assert int(num_words) == 1800
    assert peak < 200e6


@pytest.mark.parametrize("mode", ["rescore", "fuse"])
def test_a_rescorer_changes_the_words_it_finds_more_probable(
    levels_bundle: Path, tiny_lm: Path, mumbled: Audio, mode: Literal["rescore", "fuse"]
) -> None:
    def best(neural_lm: Path | None, weight: float) -> tuple[str, float]:
        recognizer = Recognizer.load(
            levels_bundle,
            lm=tiny_lm,
            neural_lm=neural_lm,
            neural_lm_weight=weight,
            neural_lm_mode=mode,
            num_hypotheses=2,
        )
        hypothesis = recognizer.transcribe(mumbled).hypotheses[0]
        return hypothesis.text, hypothesis.lm_log_prob

    words, lstm = ["a", "hat"], LSTMLanguageModel(LSTM)
    alone = best(None, 0.5)
    assert alone == ("a hat", pytest.approx(NGramModel.open(tiny_lm).sentence_log_prob(words)[0]))
    assert best(LSTM, 0.0) == alone
    mixed = InterpolatedModel(NGramModel.open(tiny_lm), lstm, 0.25)
    expected = mixed.sentence_log_prob(words)[0]
    assert expected != pytest.approx(alone[1])
    assert best(LSTM, 0.25) == ("a hat", pytest.approx(expected, abs=1e-4))


def test_a_bundle_uses_its_rescorer(
    levels_bundle: Path, tiny_lm: Path, mumbled: Audio, tmp_path: Path
) -> None:
    path = tmp_path / "bundle"
    shutil.copytree(levels_bundle, path)
    rescoring = NeuralLMConfig(weight=0.25)
    write_decoder(path, DecoderSpec(lm=tiny_lm, neural_lm=LSTM, neural_lm_config=rescoring))
    given = Recognizer.load(
        levels_bundle, lm=tiny_lm, neural_lm=LSTM, neural_lm_weight=0.25
    )  # fmt: skip
    assert Recognizer.load(path).transcribe(mumbled) == given.transcribe(mumbled)
    without = Recognizer.load(path, neural_lm_weight=0.0).transcribe(mumbled)
    assert Recognizer.load(path, neural_lm=None).transcribe(mumbled) == without
    assert without == Recognizer.load(levels_bundle, lm=tiny_lm).transcribe(mumbled)


def test_a_rescorer_of_another_alphabet_is_refused(
    levels_bundle: Path, tiny_lm: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(embed_metadata(LSTM.read_bytes(), read_metadata(LSTM) | {ALPHABET: "f" * 64}))
    with pytest.raises(
        LanguageModelError, match=r"other\.tflite: is for the alphabet ffffffffffff"
    ):
        Recognizer.load(levels_bundle, lm=tiny_lm, neural_lm=path)
    with pytest.raises(ConfigError, match="greedy decoding does not use neural_lm"):
        Recognizer.load(levels_bundle, greedy=True, neural_lm=path)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0, np.float32), "has no samples"),
        (np.zeros(1, np.float32), "too short for speech"),
        (np.full(16000, np.nan, np.float32), "not finite"),
        (np.full(16000, 8000, np.float32), "full scale is 1"),
    ],
)
def test_a_waveform_that_holds_no_speech_is_refused(
    levels_bundle: Path, samples: NDArray[np.float32], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Recognizer.load(levels_bundle).transcribe(Audio(samples, SAMPLE_RATE))


def test_a_long_waveform_is_heard_as_its_recording_is(
    spoken: Say, levels_bundle: Path, tmp_path: Path
) -> None:
    samples = np.tile(np.concatenate([spoken(" word"), silence(1.79)]), 15)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    recognizer = Recognizer.load(levels_bundle)
    assert recognizer.transcribe(Audio(samples, SAMPLE_RATE)) == recognizer.transcribe_file(
        tmp_path / "a.wav"
    )


def test_a_hot_word_that_is_not_said_leaves_the_greedy_decoder_alone(
    levels_bundle: Path, mumbled: Audio
) -> None:
    plain = Recognizer.load(levels_bundle).transcribe(mumbled)
    assert plain.text != Recognizer.load(levels_bundle, beam_width=20).transcribe(mumbled).text
    for hot_words in (["zebra"], {"habit": 10}, ["a zoo", "hot"]):
        assert Recognizer.load(levels_bundle, hot_words=hot_words).transcribe(mumbled) == plain
    assert Recognizer.load(levels_bundle, hot_words=["hat"]).transcribe(mumbled).text == "a hat"


def test_one_text_is_no_list_of_hot_words(levels_bundle: Path) -> None:
    with pytest.raises(ConfigError, match=r"write \['anna'\] for a single"):
        Recognizer.load(levels_bundle, hot_words="anna")


def test_a_hot_word_may_have_accents_that_the_alphabet_lacks(
    levels_bundle: Path, mumbled: Audio
) -> None:
    recognizer = Recognizer.load(levels_bundle, hot_words=["h\u00e4t", "no\u00ebl"])
    assert recognizer.transcribe(mumbled).text == "a hat"  # in the letters of the alphabet
    with pytest.raises(AlphabetError, match=r"hot word '19': .*write numbers as they are spoken"):
        Recognizer.load(levels_bundle, hot_words=["covid 19"])


@pytest.mark.slow
def test_hot_words_and_phrases_with_accents_are_pronounced_as_without() -> None:
    date = ROOT / "data" / "samples" / "date.wav"
    hot = Recognizer.load(hot_words=["Beyonc\u00e9", "Zelenskyy\u030a", "S\u00e9venty six"])
    assert "AH" in hot.model.alphabet.symbols
    assert hot.transcribe_file(date).text == "july fourth seventeen seventy six"
    only = Recognizer.load(phrases=["j\u00faly f\u00f3urth", "[unk]"])
    assert only.transcribe_file(date).text.startswith("j\u00faly f\u00f3urth")


def test_hot_words_are_normalised(levels_bundle: Path, mumbled: Audio) -> None:
    recognizer = Recognizer.load(levels_bundle, hot_words=["A Hat!"])
    assert recognizer.transcribe(mumbled).text == "a hat"


def test_a_language_model_of_other_words_is_refused(levels_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    shutil.copytree(levels_bundle, path)
    (tmp_path / "words.txt").write_text("hat h a t\n")
    write_decoder(path, DecoderSpec(lexicon=tmp_path / "words.txt"))
    arpa = "\\data\\\nngram 1=4\n\\1-grams:\n-1\t<unk>\n-9\t<s>\n-1\t</s>\n-1\tCAT\n\\end\\\n"
    (tmp_path / "x.arpa").write_text(arpa)
    with pytest.raises(ModelError, match="it has 'cat', the lexicon has 'hat': are both"):
        Recognizer.load(path, lm=tmp_path / "x.arpa")


@pytest.fixture(scope="module")
def lstm_recognizer(levels_bundle: Path, tiny_lm: Path) -> Recognizer:
    """What has most to share: an LSTM language model in the search, and n-best lists."""
    return Recognizer.load(
        levels_bundle,
        lm=tiny_lm,
        neural_lm=LSTM,
        neural_lm_weight=0.5,
        neural_lm_mode="fuse",
        num_hypotheses=3,
    )


TEXTS = ("a hat", "hat a bat", "bat", "a bat a hat", "hat hat", "a", "a bat hat a bat", "bat a")


@pytest.mark.slow
def test_threads_that_share_a_recognizer_get_what_each_gets_alone(
    spoken: Say, lstm_recognizer: Recognizer, levels_bundle: Path
) -> None:
    audios = [Audio(spoken(text), SAMPLE_RATE) for text in TEXTS]
    for recognizer in (lstm_recognizer, Recognizer.load(levels_bundle, greedy=True)):
        alone = [recognizer.transcribe(audio) for audio in audios]
        with ThreadPoolExecutor(8) as executor:
            together = list(executor.map(recognizer.transcribe, audios * 6))
        assert [t.text for t in together] == list(TEXTS) * 6
        for transcript, expected in zip(together, alone * 6, strict=True):
            assert [h.text for h in transcript.hypotheses] == [h.text for h in expected.hypotheses]
            assert [w.start for w in transcript.words] == [w.start for w in expected.words]


def test_a_recognizer_serves_an_event_loop(spoken: Say, lstm_recognizer: Recognizer) -> None:
    async def hear() -> list[str]:
        audios = [Audio(spoken(text), SAMPLE_RATE) for text in TEXTS]
        calls = (asyncio.to_thread(lstm_recognizer.transcribe, audio) for audio in audios)
        return [transcript.text for transcript in await asyncio.gather(*calls)]

    assert asyncio.run(hear()) == list(TEXTS)


@pytest.mark.slow
def test_text_is_aligned_by_characters_whatever_the_decoder_reads() -> None:
    date = ROOT / "data" / "samples" / "date.wav"
    recognizer = Recognizer.load()
    assert recognizer.model.alphabet.separator  # phones
    aligned = recognizer.align_file(date, "July fourth, seventeen seventy six")
    assert aligned == Recognizer.load(greedy=True).align_file(date, aligned.text)
    recognised = recognizer.transcribe_file(date)
    assert aligned.text == "July fourth, seventeen seventy six"
    for word, other in zip(aligned.words, recognised.words, strict=True):
        assert word.start == pytest.approx(other.start, abs=0.2)
        assert word.end == pytest.approx(other.end, abs=0.2)
    # A word that no lexicon has, and hot words that make the decoder read phones or characters.
    assert recognizer.align_file(date, "seventixen").words[0].end <= recognised.duration


def test_settings_are_all_or_single_ones(searching_bundle: Path, mumbled: Audio) -> None:
    def text_of(**options: Any) -> str:
        return Recognizer.load(searching_bundle, **options).transcribe(mumbled).text

    assert text_of() == "a hat"
    assert text_of(decoding=DecodeConfig(lm_weight=0.0, word_bonus=0.0)) != "a hat"
    assert text_of(decoding=DecodeConfig(lm_weight=0.0, word_bonus=0.0), lm_weight=0.8) == "a hat"
    with pytest.raises(ConfigError, match="greedy decoding does not use beam_width, decoding"):
        text_of(greedy=True, beam_width=3, decoding=DecodeConfig())
    with pytest.raises(ConfigError, match="needs an n-gram model, and there is none"):
        text_of(lm=None, neural_lm=LSTM)


@pytest.mark.parametrize("hot_words", ["anna", ("",), (3,)])
def test_hot_words_are_a_list_of_words(levels_bundle: Path, hot_words: Any) -> None:
    with pytest.raises(ConfigError, match="hot_words"):
        Recognizer.load(levels_bundle, hot_words=hot_words)


@pytest.mark.parametrize(
    "sample_rate", [8000, *(pytest.param(r, marks=pytest.mark.slow) for r in (44100, 48000))]
)
def test_audio_of_any_rate_is_resampled(english: Recognizer, sample_rate: int) -> None:
    path = SAMPLES / "date.wav"
    audio = Audio.load(path, sample_rate)
    transcript = english.transcribe(audio)
    assert transcript.duration == pytest.approx(audio.duration, abs=1e-3)
    if sample_rate >= 16000:
        assert transcript.text == english.transcribe_file(path).text


def test_what_is_no_audio_is_refused_with_what_to_do(recognizer: Recognizer) -> None:
    for wrong in ("talk.mp3", np.zeros(16000, np.float32), b"RIFF"):
        with pytest.raises(TypeError, match=r"Audio\.from_array and Audio\.load make one"):
            recognizer.transcribe(wrong)  # type: ignore[arg-type]


def test_what_has_no_path_is_refused_with_what_to_do(recognizer: Recognizer) -> None:
    for wrong in (io.BytesIO(b"RIFF"), b"RIFF", None, Audio(np.zeros(9, np.float32), 16000)):
        with pytest.raises(TypeError, match=r"Audio\.load reads file objects.* take an Audio"):
            recognizer.transcribe_file(wrong)  # type: ignore[arg-type]


def test_what_is_no_source_of_blocks_is_refused_with_what_to_do(recognizer: Recognizer) -> None:
    samples = np.zeros(16000, np.float32)
    for wrong in (samples, [samples], Audio(samples, 16000), None, b"RIFF"):
        with pytest.raises(TypeError, match=r"Blocks\(\[samples\], sample_rate\) makes blocks"):
            recognizer.stream(wrong)  # type: ignore[arg-type]


@pytest.fixture
def recordings(spoken: Say, tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.wav" for number in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS, strict=True):
        soundfile.write(path, spoken(text), SAMPLE_RATE)
    return paths


def test_many_files_are_transcribed_in_their_order(
    recognizer: Recognizer, recordings: list[Path]
) -> None:
    names: list[Path | str] = [str(path) for path in recordings]
    transcripts = list(recognizer.transcribe_files(names))
    assert transcripts == [recognizer.transcribe_file(path) for path in recordings]
    assert [transcript.text for transcript in transcripts] == list(TEXTS)
    assert list(recognizer.transcribe_files([])) == []


def test_a_bad_file_is_raised_in_its_place_or_returned(
    recognizer: Recognizer, recordings: list[Path]
) -> None:
    recordings[1].write_bytes(b"no recording")
    results = recognizer.transcribe_files(recordings)
    assert next(results).text == TEXTS[0]
    with pytest.raises(AudioError, match=r"1\.wav"):
        next(results)
    assert list(results) == []  # it ends there
    everything = list(recognizer.transcribe_files(recordings, return_errors=True))
    assert isinstance(everything[1], AudioError)
    others = [result for result in everything if isinstance(result, Transcript)]
    assert [transcript.text for transcript in others] == [TEXTS[0], *TEXTS[2:]]


def test_channels_of_many_files_are_transcribed_apart(
    spoken: Say, recognizer: Recognizer, tmp_path: Path
) -> None:
    left, right = spoken("hello"), spoken("world")
    both = np.zeros((len(left) + len(right), 2), np.float32)
    both[: len(left), 0], both[len(left) :, 1] = left, right
    soundfile.write(tmp_path / "two.wav", both, SAMPLE_RATE)
    (transcript,) = recognizer.transcribe_files([tmp_path / "two.wav"], channels="separate")
    assert [(w.text, w.channel) for w in transcript.words] == [("hello", 1), ("world", 2)]
    (first,) = recognizer.transcribe_files([tmp_path / "two.wav"], channels=1)
    assert first.text == "hello"


def test_one_path_is_no_list_of_paths(recognizer: Recognizer) -> None:
    with pytest.raises(TypeError, match="transcribe_file takes one"):
        recognizer.transcribe_files("talk.wav")


@pytest.mark.slow
def test_processes_load_what_this_one_has_loaded(
    levels_bundle: Path, tiny_lm: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "map_in_processes", partial(map_in_processes, patience=0.0))
    recognizer = Recognizer.load(levels_bundle, lm=tiny_lm, num_hypotheses=2)
    transcripts = list(recognizer.transcribe_files(recordings, jobs=2))
    assert transcripts == [recognizer.transcribe_file(path) for path in recordings]


def test_a_recognizer_made_by_hand_has_one_process(
    recognizer: Recognizer, recordings: list[Path]
) -> None:
    by_hand = Recognizer(recognizer.model)
    assert next(by_hand.transcribe_files(recordings)).text == TEXTS[0]
    with pytest.raises(ConfigError, match="jobs: must be 1"):
        by_hand.transcribe_files(recordings, jobs=2)


def test_a_recognizer_that_was_loaded_is_loaded_again_where_it_is_unpickled(
    levels_bundle: Path, tiny_lm: Path, recordings: list[Path]
) -> None:
    original = Recognizer.load(levels_bundle, lm=tiny_lm, num_hypotheses=2)
    again = pickle.loads(pickle.dumps(original))
    assert again.transcribe_file(recordings[0]) == original.transcribe_file(recordings[0])
    assert repr(again) == repr(original)
    assert repr(again) == f"Recognizer.load({levels_bundle!r}, lm={tiny_lm!r}, num_hypotheses=2)"
    with pytest.raises(TypeError, match=r"only a recogniser that Recognizer\.load has made"):
        pickle.dumps(Recognizer(original.model))


def test_a_subclass_may_have_a_load_of_its_own(levels_bundle: Path) -> None:
    loaded = OwnLoad.load(levels_bundle, greedy=True)
    assert repr(loaded) == f"OwnLoad.load({levels_bundle!r}, greedy=True)"
    assert repr(pickle.loads(pickle.dumps(loaded))) == repr(loaded)


class OwnLoad(Recognizer):
    @classmethod
    def load(cls, bundle: Any = None, **options: Any) -> Recognizer:  # type: ignore[override]
        return super().load(bundle, **options)


def test_anything_that_has_a_path_is_the_path_of_a_model(
    levels_bundle: Path, tiny_lm: Path, recordings: list[Path]
) -> None:
    (bundle,) = (e for e in os.scandir(levels_bundle.parent) if e.name == levels_bundle.name)
    (lm,) = (e for e in os.scandir(tiny_lm.parent) if e.name == tiny_lm.name)
    loaded = Recognizer.load(bundle, lm=lm)  # type: ignore[arg-type]
    assert repr(loaded) == f"Recognizer.load({levels_bundle!r}, lm={tiny_lm!r})"
    assert repr(pickle.loads(pickle.dumps(loaded))) == repr(loaded)
    (first, *_) = sorted(os.scandir(recordings[0].parent), key=lambda entry: entry.name)
    with pytest.raises(DataError, match=f"^{recordings[0]}: the text has no word"):
        loaded.align_file(first, "")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="transcribe_file takes one"):
        loaded.transcribe_files(first)  # type: ignore[call-overload]


def test_numbers_of_numpy_are_numbers(levels_bundle: Path, recordings: list[Path]) -> None:
    loaded = Recognizer.load(levels_bundle, greedy=np.True_)  # type: ignore[arg-type]
    assert repr(loaded) == f"Recognizer.load({levels_bundle!r}, greedy=True)"
    one: Any = np.int64(1)
    transcript = loaded.transcribe_file(recordings[0], one, jobs=one)
    assert transcript == loaded.transcribe_file(recordings[0], 1)


@pytest.mark.parametrize("channels", [True, 1.0, None, "left", np.zeros(2)])
def test_what_is_no_channel_is_refused(recognizer: Recognizer, channels: Any) -> None:
    with pytest.raises(ValueError, match='channels must be "mix", "separate" or a number'):
        recognizer.transcribe_file("talk.wav", channels)


def test_hot_words_may_be_given_one_after_the_other(levels_bundle: Path, tiny_lm: Path) -> None:
    hot_words = ["apple", "pear:2.5"]
    listed = Recognizer.load(levels_bundle, lm=tiny_lm, hot_words=hot_words)
    generated = Recognizer.load(levels_bundle, lm=tiny_lm, hot_words=iter(hot_words))
    assert repr(generated) == repr(listed)
    assert repr(pickle.loads(pickle.dumps(generated))) == repr(listed)


def test_a_copy_shares_the_models(recognizer: Recognizer, recordings: list[Path]) -> None:
    for original in (recognizer, Recognizer(recognizer.model)):
        copied = copy.copy(original)
        assert copied.model is original.model
        assert copied.transcribe_file(recordings[0]).text == TEXTS[0]
        copied.reject_non_speech = False
        assert original.reject_non_speech


@pytest.mark.slow
def test_readable_text_stands_beside_the_words(
    english: Recognizer, readable_english: Recognizer
) -> None:
    readable = readable_english.transcribe_file(SAMPLES / "date.wav")
    assert readable.readable == "July 4, 1776."
    assert replace(readable, tokens=None) == english.transcribe_file(SAMPLES / "date.wav")


@pytest.mark.slow
def test_hot_words_are_written_as_they_are_given() -> None:
    writer = Recognizer.load(readable=True, hot_words=["the iPhone"]).writer
    assert writer
    spoken = [Word("my", 0.0, 0.2, 0.9), Word("iphone", 0.3, 0.7, 0.9)]
    assert writer.tokens(spoken)[1].text.startswith("iPhone")


@pytest.mark.slow
def test_the_parts_of_a_damaged_recording_are_readable(
    readable_english: Recognizer, tmp_path: Path
) -> None:
    content = (SAMPLES / "reading.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedAudioError) as raised:
        readable_english.transcribe_file(tmp_path / "cut.wav")
    assert raised.value.partial.readable.startswith("The old man")


@pytest.mark.slow
def test_readable_text_needs_its_network(levels_bundle: Path, english: Recognizer) -> None:
    with pytest.raises(BundleError, match="no network for readable text"):
        Recognizer.load(levels_bundle, readable=True)
    assert Recognizer.load(levels_bundle, readable=None).writer is None
    assert Recognizer.load(readable=None).writer
    assert english.writer is None


@pytest.mark.slow
def test_other_processes_write_readable_text_too() -> None:
    files = [SAMPLES / "date.wav"] * 2
    texts = [t.readable for t in Recognizer.load(readable=True).transcribe_files(files, jobs=2)]
    assert texts == ["July 4, 1776."] * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a loud speaker", "a telephone", "silence"])
def test_quiet_speech_after_something_loud_is_recognised(english: Recognizer, name: str) -> None:
    """As a part of one segment, whose mean and variance normalise the features, nothing was."""
    quiet = 0.03 * Audio.load(SAMPLES / "zip.wav").resampled(SAMPLE_RATE).samples
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    ring = 0.45 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time))
    before, text = {
        "a loud speaker": (
            Audio.load(SAMPLES / "date.wav").resampled(SAMPLE_RATE).samples,
            "july fourth seventeen seventy six ",
        ),
        "a telephone": (ring.astype(np.float32), ""),
        "silence": (silence(6), ""),
    }[name]
    audio = Audio(np.concatenate((before, silence(0.4), quiet)), SAMPLE_RATE)
    assert english.transcribe(audio).text == f"{text}one eight zero zero five"
