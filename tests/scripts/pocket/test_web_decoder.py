"""The JavaScript decoder compared with Python's, on the same log-probabilities."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm import Audio, Recognizer
from speechlstm.bundle import AcousticSpec, default_bundle, read_bundle, write_bundle
from speechlstm.config import DecodeConfig, FeatureConfig, NetworkConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding import hot_words
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec, with_arguments
from speechlstm.text.alphabet import ENGLISH, Alphabet
from speechlstm.transcript import Hypothesis

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WEB = ROOT / "scripts" / "pocket" / "web"
SAMPLES = sorted((ROOT / "data" / "samples").glob("*.wav"))

Utterance = tuple[NDArray[np.float32], float]  # log-probabilities, duration
# How Python's Recognizer.load and JavaScript's are told the same.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "greedy": ({"greedy": True}, {"greedy": True}),
    "fast": ({"fast": True}, {}),
    "without LSTM": ({"neural_lm": None}, {"fast": False}),
}


@pytest.fixture
def decode(node: str, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Decodes in JavaScript: one hypothesis for each utterance."""

    def run(
        bundle: Path, options: dict[str, Any], utterances: Sequence[Utterance]
    ) -> list[dict[str, Any]]:
        listed = []
        for number, (log_probs, duration) in enumerate(utterances):
            path = tmp_path / f"{number}.f32"
            path.write_bytes(np.ascontiguousarray(log_probs, "<f4").tobytes())
            num_frames, num_labels = log_probs.shape
            shape = {"numFrames": num_frames, "numLabels": num_labels}
            listed.append({"file": str(path), "duration": duration, **shape})
        request = tmp_path / "request.json"
        values = {"bundle": str(bundle), "model": "model.tflite", "options": options}
        request.write_text(json.dumps({**values, "utterances": listed}))
        command = [node, str(WEB / "test" / "decode.js"), str(request)]
        answer: dict[str, Any] = json.loads(subprocess.check_output(command))
        hypotheses: list[dict[str, Any]] = answer["hypotheses"]
        return hypotheses

    return run


def assert_same(expected: Hypothesis, found: dict[str, Any]) -> None:
    assert found["text"] == expected.text
    scores = [found[key] for key in ("logProb", "lmLogProb", "score")]
    right = [expected.log_prob, expected.lm_log_prob, expected.score]
    np.testing.assert_allclose(scores, right, rtol=1e-6, atol=1e-9)
    assert [word["text"] for word in found["words"]] == [word.text for word in expected.words]
    for word, other in zip(expected.words, found["words"], strict=True):
        values = [other[key] for key in ("start", "end", "confidence")]
        np.testing.assert_allclose(values, [word.start, word.end, word.confidence], atol=1e-6)


def utterances_of(recognizer: Recognizer, paths: Sequence[Path]) -> list[Utterance]:
    audios = [Audio.load(path).resampled(recognizer.model.sample_rate) for path in paths]
    return [(recognizer.model.log_probs(audio), audio.duration) for audio in audios]


def test_the_tests_in_javascript_pass(node: str) -> None:
    files = sorted(str(path) for path in (WEB / "test").glob("*.test.js"))
    assert files
    environment = os.environ | {"SPEECHLSTM_BUNDLE": str(default_bundle())}
    done = subprocess.run(
        [node, "--test", *files], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_samples_decode_as_in_python(decode: Callable[..., Any], kind: str) -> None:
    arguments, options = KINDS[kind]
    recognizer = Recognizer.load(**arguments)
    utterances = utterances_of(recognizer, SAMPLES)
    found = decode(default_bundle(), options, utterances)
    for (log_probs, duration), hypothesis in zip(utterances, found, strict=True):
        assert_same(recognizer.decoder.decode(log_probs, duration)[0], hypothesis)


def test_hot_words_are_found_as_in_python(decode: Callable[..., Any]) -> None:
    given = ["Old\u2019 MEN", "cede", "seize!", "Rubout", "ride:0.5", "four-tea"]
    given += ["july fifth seventeen seventy six", "march twenty first nineteen sixty five"]
    plain, recognizer = Recognizer.load(fast=True), Recognizer.load(fast=True, hot_words=given)
    utterances = utterances_of(recognizer, SAMPLES)
    found = decode(default_bundle(), {"hotWords": given}, utterances)
    num_changed = 0
    for (log_probs, duration), hypothesis in zip(utterances, found, strict=True):
        assert_same(recognizer.decoder.decode(log_probs, duration)[0], hypothesis)
        assert not {"fifth", "first"} & {*hypothesis["text"].split()}  # of long phrases
        num_changed += hypothesis["text"] != plain.decoder.decode(log_probs, duration)[0].text
    assert num_changed


def test_the_limits_of_hot_words_are_those_of_python() -> None:
    source = (WEB / "src" / "hot_words.js").read_text()
    limits = dict(re.findall(r"^(?:export )?const (\w+) = ([\d.]+);", source, re.MULTILINE))
    for name in ("MAX_GAP", "MAX_LOSS", "MAX_TOTAL_LOSS", "LEEWAY", "MAX_GAIN", "WORD_LOSS"):
        assert float(limits[name]) == getattr(hot_words, name)
    assert float(limits["WORD_LOSS_A_LABEL"]) == hot_words.WORD_LOSS_A_LABEL


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hotWords": ["fjord", "xyzzyx"]},
            '"xyzzyx" is not in the lexicon; add it to the lexicon',
        ),
        (
            {"hotWords": ["fjord:-1"]},
            "must be a weight from 0 to 100; only Python's decoder avoids",
        ),
        ({"hotWords": ["fjord:x"]}, "must be a weight from 0 to 100"),
        ({"hotWords": [":2"]}, "must have 1 to 200 characters"),
        ({"hotWords": ["?!:2"]}, '"?!:2" has no word'),
        ({"hotWords": "fjord"}, 'must be a list of strings, is "fjord"'),
        ({"hotWords": ""}, 'must be a list of strings, is ""'),
        ({"hotWords": ["fjord"], "greedy": True}, "are not found by greedy decoding"),
    ],
)
def test_hot_words_that_cannot_be_are_refused(
    decode: Callable[..., Any], capfd: pytest.CaptureFixture[str], options: Any, message: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        decode(default_bundle(), options, [])
    error = capfd.readouterr().err
    assert "ConfigError: hotWords: " in error
    assert message in error


PHRASE_LISTS = {
    "letters and numbers": (
        "one", "zero:3", "five eight", "oh", "January", "one thousand:0.5", "nineteen", "[unk]",
    ),
    "sentences": ("he was a very old man", "he was", "the library:2", "old", "a"),
}  # fmt: skip


@pytest.mark.parametrize("name", PHRASE_LISTS)
def test_phrases_are_recognised_as_in_python(decode: Callable[..., Any], name: str) -> None:
    phrases = PHRASE_LISTS[name]
    recognizer = Recognizer.load(fast=True, phrases=phrases)
    utterances = utterances_of(recognizer, SAMPLES)
    found = decode(default_bundle(), {"phrases": phrases}, utterances)
    texts = set()
    for (log_probs, duration), hypothesis in zip(utterances, found, strict=True):
        assert_same(recognizer.decoder.decode(log_probs, duration)[0], hypothesis)
        texts.add(hypothesis["text"])
    assert len(texts) > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phrases": ["go", "xyzzyx"]}, 'phrases: "xyzzyx" is not in the lexicon; add it'),
        ({"phrases": []}, "phrases: there is none; give at least one"),
        ({"phrases": ["[unk]"]}, "phrases: there is none; give at least one"),
        ({"phrases": ["go", "Go!"]}, 'phrases: "go" is given twice'),
        ({"phrases": ["go:fast"]}, "the text after the colon must be a weight"),
        ({"phrases": ["go:-1"]}, "must be a number from 1e-06 to 1e+06, is -1"),
        ({"phrases": ["?"]}, 'phrases: "?" has no word'),
        ({"phrases": "go"}, 'must be a list of strings, is "go"'),
        ({"phrases": ["go"], "hotWords": ["left"]}, "phrases exclude hotWords"),
        ({"phrases": ["go"], "greedy": True}, "phrases exclude greedy"),
    ],
)
def test_phrases_that_cannot_be_are_refused(
    decode: Callable[..., Any], capfd: pytest.CaptureFixture[str], options: Any, message: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        decode(default_bundle(), options, [])
    error = capfd.readouterr().err
    assert "ConfigError: phrases" in error
    assert message in error


def test_held_out_utterances_decode_as_in_python(decode: Callable[..., Any], corpora: Path) -> None:
    paths = []
    for name in ("librispeech", "common-voice"):
        manifest = Manifest(corpora / name / "valid.jsonl")
        utterances = list(manifest)
        paths += [manifest.recording(u) for u in utterances[:: len(utterances) // 25][:25]]
    assert len(paths) == 50
    recognizers = {kind: Recognizer.load(**KINDS[kind][0]) for kind in ("fast", "without LSTM")}
    heard = utterances_of(recognizers["fast"], paths)
    for kind, recognizer in recognizers.items():
        found = decode(default_bundle(), KINDS[kind][1], heard)
        for (log_probs, duration), hypothesis in zip(heard, found, strict=True):
            assert_same(recognizer.decoder.decode(log_probs, duration)[0], hypothesis)


PHONES = Alphabet(("AA", "B", "K", "S", "T"), " ")
LEXICON = "hat B AA\nbat K S\nbat K T S\na B AA T\nevening S\nnowhere T AA B\nHAT S K\nhut S K\n"


def bundle_of(path: Path, tiny_lm: Path | None, config: DecodeConfig, kind: str) -> Path:
    """A bundle with a decoder of some kind; what its network computes does not matter."""
    phones = PHONES if kind == "phones" else None
    acoustic = AcousticSpec(FeatureConfig(), ENGLISH, NetworkConfig(frame_stack=1), phones)
    lexicon = path.with_suffix(".txt")
    lexicon.write_text(
        LEXICON if phones else "good g o o d\nhat h a t\na a\nat a t\n", encoding="utf-8"
    )
    labels = phones or ENGLISH
    prior = np.linspace(1, 3, labels.num_labels)
    decoder = DecoderSpec(
        config=config,
        lm=tiny_lm,
        lexicon=None if kind == "words of the language model" else lexicon,
        prior=Prior(tuple(np.log(prior / prior.sum()).tolist())),
    )
    tflite = (ROOT / "tests" / "assets" / "levels.tflite").read_bytes()
    write_bundle(path, tflite, acoustic, decoder)
    return path


def random_utterances(num_labels: int, is_sure: bool) -> list[Utterance]:
    generator = np.random.default_rng(num_labels)
    utterances = []
    for num_frames in (1, 3, 12, 30, 60):
        logits = generator.normal(scale=4 if is_sure else 1, size=(num_frames, num_labels))
        logits[generator.random(num_frames) < 0.3, 0] += 20  # certain blanks
        logits[num_frames // 2 : num_frames // 2 + 4, 0] += 20  # a pause
        log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        utterances.append((log_probs.astype(np.float32), 0.01 * num_frames))
    return utterances


HOT_WORDS = {
    "phones": ("hut", "a bat:2", "nowhere:0.5", "evening evening"),
    "characters": ("hüt", "at a:2", "good:0.5", "hat hat"),  # hüt is in no lexicon
    "words of the language model": ("hut", "at a:2", "good:0.5", "hat hat"),
}


@pytest.mark.parametrize("has_hot_words", [False, True])
@pytest.mark.parametrize(("open_vocabulary", "beam_width"), [(True, 30), (False, 5)])
@pytest.mark.parametrize("has_lm", [True, False])
@pytest.mark.parametrize("kind", HOT_WORDS)
def test_bundles_of_every_kind_decode_as_in_python(
    decode: Callable[..., Any],
    tiny_lm: Path,
    tmp_path: Path,
    kind: str,
    has_lm: bool,
    open_vocabulary: bool,
    beam_width: int,
    has_hot_words: bool,
) -> None:
    if kind == "words of the language model" and not has_lm:
        pytest.skip("such a bundle is decoded greedily")
    config = DecodeConfig(
        beam_width=beam_width,
        open_vocabulary=open_vocabulary,
        min_label_log_prob=-8,
        word_bonus=0.3,
        sentence_pause=0.03,
        hot_words=HOT_WORDS[kind] if has_hot_words else (),
    )
    path = bundle_of(tmp_path / "bundle", tiny_lm if has_lm else None, config, kind)
    bundle = read_bundle(path)
    assembly = DecoderAssembly(bundle.decoder, bundle.acoustic.alphabet, bundle.acoustic.phones)
    decoder = assembly.decoder(bundle.acoustic.frame_seconds)
    utterances = [
        utterance
        for is_sure in (True, False)
        for utterance in random_utterances(assembly.alphabet.num_labels, is_sure)
    ]
    found = decode(path, {}, utterances)
    texts = set()
    for (log_probs, duration), hypothesis in zip(utterances, found, strict=True):
        assert_same(decoder.decode(log_probs, duration)[0], hypothesis)
        texts.add(hypothesis["text"])
    assert len(texts) > 3


PHRASES = {
    "phones": ("hat", "bat hat:2", "bat", "evening bat bat:0.5"),
    "characters": ("hat", "at a:2", "good:0.5", "at hut"),
}


@pytest.mark.parametrize("has_unknown", [False, True])
@pytest.mark.parametrize("kind", PHRASES)
def test_phrases_of_bundles_of_every_kind_are_as_in_python(
    decode: Callable[..., Any], tiny_lm: Path, tmp_path: Path, kind: str, has_unknown: bool
) -> None:
    phrases = (*PHRASES[kind], "[unk]:3") if has_unknown else PHRASES[kind]
    path = bundle_of(tmp_path / "bundle", tiny_lm, DecodeConfig(sentence_pause=0.03), kind)
    bundle = read_bundle(path)
    spec = with_arguments(bundle.decoder, {"phrases": phrases}, {})
    assembly = DecoderAssembly(spec, bundle.acoustic.alphabet, bundle.acoustic.phones)
    decoder = assembly.decoder(bundle.acoustic.frame_seconds)
    utterances = [
        utterance
        for is_sure in (True, False)
        for utterance in random_utterances(assembly.alphabet.num_labels, is_sure)
    ]
    found = decode(path, {"phrases": phrases, "fast": False}, utterances)
    for (log_probs, duration), hypothesis in zip(utterances, found, strict=True):
        assert_same(decoder.decode(log_probs, duration)[0], hypothesis)
