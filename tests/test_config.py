import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.config import (
    AugmentConfig,
    Config,
    DecodeConfig,
    FeatureConfig,
    HotWord,
    NetworkConfig,
    Settings,
    TrainConfig,
)
from speechlstm.errors import ConfigError
from speechlstm.text.phrases import Phrase


@pytest.mark.parametrize(
    "kind", [FeatureConfig, NetworkConfig, TrainConfig, AugmentConfig, DecodeConfig]
)
def test_every_setting_is_described(
    kind: type[FeatureConfig | NetworkConfig | TrainConfig | AugmentConfig | DecodeConfig],
) -> None:
    described = "\n".join(base.__doc__ or "" for base in kind.__mro__)
    assert [f.name for f in fields(kind) if f"    {f.name}: " not in described] == []


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (FeatureConfig, {"hop": 10}, "features.hop: unknown setting; known are sample_rate, wind"),
        (FeatureConfig, {"hop_ms": "10"}, "features.hop_ms: must be a finite number, is '10'"),
        (FeatureConfig, {"sample_rate": 16000.0}, "features.sample_rate: must be a whole number"),
        (FeatureConfig, {"sample_rate": True}, "features.sample_rate: must be a whole number"),
        (FeatureConfig, {"hop_ms": float("nan")}, "features.hop_ms: must be a finite number"),
        (FeatureConfig, {"window_ms": float("inf")}, "features.window_ms: must be a finite number"),
        (FeatureConfig, {"window_ms": 10**400}, "features.window_ms: must be a finite number"),
        (FeatureConfig, {"sample_rate": 2**70}, "features.sample_rate: must be a whole number"),
        (FeatureConfig, {"sample_rate": 11025}, "10.0 ms is not a whole number of samples"),
        (FeatureConfig, {"window_ms": 5}, "features.window_ms: must be at least hop_ms"),
        (FeatureConfig, {"num_mfcc": 41}, "features.num_mfcc: must be at most num_mels"),
        (FeatureConfig, {"num_mfcc": 0}, "features.num_mfcc: must be at least 1"),
        (FeatureConfig, {"high_hz": 8001}, "features.high_hz: must satisfy 0 <= low_hz < high_hz"),
        (FeatureConfig, {"low_hz": 8000}, "features.high_hz: must satisfy 0 <= low_hz < high_hz"),
        (FeatureConfig, {"deltas": 3}, "features.deltas: must be one of 0, 1, 2, is 3"),
        (FeatureConfig, {"normalize": "max"}, "features.normalize: must be one of 'none', 'mean'"),
        (NetworkConfig, {"cell": "tcn"}, "model.cell: must be one of 'lstm', 'gru', 'rnn'"),
        (NetworkConfig, {"bidirectional": 1}, "model.bidirectional: must be true or false"),
        (NetworkConfig, {"num_layers": 0}, "model.num_layers: must be at least 1"),
        (
            FeatureConfig,
            {"deltas": 1, "normalize": "running"},
            "features.deltas: must be 0 with normalize = .running., since they depend on later",
        ),
        (NetworkConfig, {"lookahead": 8}, "model.lookahead: must be 0 with bidirectional = true"),
        (
            NetworkConfig,
            {"lookahead": -1, "bidirectional": False},
            "model.lookahead: must be at least 0",
        ),
        (NetworkConfig, None, "model: must be a table, is None"),
        (NetworkConfig, ["cell"], r"model: must be a table, is \['cell'\]"),
        (NetworkConfig, {"dropout": 1.0}, r"model.dropout: must be in \[0, 1\)"),
        (TrainConfig, {"learning_rate": 0}, "training.learning_rate: must be greater than 0"),
        (AugmentConfig, {"speeds": []}, "augmentation.speeds: must be factors"),
        (AugmentConfig, {"speeds": [1.0, "2"]}, "augmentation.speeds: must be"),
        (AugmentConfig, {"speeds": [9.0]}, "augmentation.speeds: must be factors"),
        (AugmentConfig, {"noise_probability": 1.1}, r"noise_probability: must be in \[0, 1\], is"),
        (AugmentConfig, {"noise_snr_db": [5]}, "noise_snr_db: must be two numbers from -40"),
        (AugmentConfig, {"room_seconds": [0.5, 0.2]}, "room_seconds: must be two numbers from"),
        (TrainConfig, {"checkpoint_minutes": -1}, "training.checkpoint_minutes: must be at least"),
        (TrainConfig, {"seed": -1}, "training.seed: must be at least 0"),
        (DecodeConfig, {"beam_width": -1}, "decoding.beam_width: must be at least 1"),
        (DecodeConfig, {"lm_weight": -0.1}, "decoding.lm_weight: must be at least 0"),
        (DecodeConfig, {"min_label_log_prob": 1}, "min_label_log_prob: must be at most 0, is 1"),
        (DecodeConfig, {"blank_skip": 0.5}, r"decoding.blank_skip: must be in \(0.5, 1\], is 0.5"),
        (DecodeConfig, {"hot_words": ["a", " "]}, "hot_words: an empty word is not possible"),
        (DecodeConfig, {"hot_words": "anna"}, "hot_words: must be a list .*; write .'anna'. for"),
        (DecodeConfig, {"hot_words": 7}, "hot_words: must be a list of words and phrases, is 7"),
        (DecodeConfig, {"hot_words": [7]}, "hot_words: each must be a string or a HotWord, is 7"),
        (DecodeConfig, {"hot_words": ["a:b"]}, "'a:b': the text after the colon must be a weight"),
        (DecodeConfig, {"hot_words": ["a:nan"]}, "weight of 'a' must be a number from -100 to"),
        (DecodeConfig, {"hot_words": {"a": 101}}, "the weight of 'a' must be .*, is 101"),
        (DecodeConfig, {"hot_words": {"a": True}}, "the weight of 'a' must be .*, is True"),
        (DecodeConfig, {"hot_words": ["a" * 5_000_000]}, "has 5000000 characters, more than"),
        (DecodeConfig, {"hot_words": ["a"] * 100_001}, "100001 hot words are more than the"),
        (
            DecodeConfig,
            {"hot_words": dict.fromkeys(map(str, range(100_001)))},
            "100001 hot words are more than the",
        ),
    ],
)
def test_wrong_settings_are_named(kind: type[Config], values: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        kind.from_dict(values)


@pytest.mark.parametrize(
    "given",
    [
        ("brexit", "new york:2.5", "sail:-3"),
        [HotWord("brexit"), "new york : 2.5", HotWord("sail", -3)],
        {"brexit": None, "new york": 2.5, "sail": -3},
    ],
)
def test_hot_words_are_written_in_several_ways(given: Any) -> None:
    config = DecodeConfig(hot_words=given)
    assert config.hot_words == (HotWord("brexit"), HotWord("new york", 2.5), HotWord("sail", -3))
    assert DecodeConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_derived_sizes() -> None:
    config = FeatureConfig(sample_rate=8000, window_ms=32, hop_ms=12.5, high_hz=4000, deltas=2)
    assert (config.window_samples, config.hop_samples, config.fft_size) == (256, 100, 256)
    assert FeatureConfig().fft_size == 512  # 400 samples
    assert config.num_features == 120
    assert [config.num_frames(n) for n in (0, 99, 100, 8000)] == [1, 1, 2, 81]
    assert [NetworkConfig(frame_stack=3).num_steps(n) for n in (1, 3, 4)] == [1, 1, 2]


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FeatureConfig().hop_ms = 5.0  # type: ignore[misc]


def test_settings_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[model]\nnum_units = 64\n[augmentation]\nspeeds = [1, 1.1]\n[features]\n")
    settings = Settings.read(path)
    assert settings.model == NetworkConfig(num_units=64)
    assert settings.augmentation.speeds == (1, 1.1)
    assert settings.features == FeatureConfig()
    assert Settings.from_dict(settings.to_dict(), "again") == settings


def test_noise_is_found_from_the_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[augmentation]\nnoise = ["a/noise.jsonl", "/b.jsonl"]\n')
    noise = Settings.read(path).augmentation.noise
    assert noise == (str(tmp_path / "a" / "noise.jsonl"), "/b.jsonl")


def test_a_settings_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[model]\nnum_units = 64\n[training]\nseed = 2\n")
    source = Settings(FeatureConfig(num_mfcc=13), NetworkConfig(num_layers=2, num_units=8))
    settings = Settings.read(path, source)
    assert settings.features == source.features
    assert settings.model == NetworkConfig(num_layers=2, num_units=64)
    assert settings.training == TrainConfig(seed=2)


def test_other_settings_of_training() -> None:
    settings = Settings(training=TrainConfig(seed=2))
    other = settings.with_training(num_epochs=3, precision=None)
    assert other.training == TrainConfig(seed=2, num_epochs=3)
    with pytest.raises(ConfigError, match=r"frozen_layers: must be at most .* \(3\), is 4"):
        settings.with_training(frozen_layers=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[model]\nnum_unit = 3\n", "run.toml: model.num_unit: unknown setting; known are cell"),
        ("[modle]\n", "run.toml: modle: unknown section; known are features, model, training"),
        ("model = 3\n", r"run.toml: model: must be a section, which begins with \[model\]"),
        ("[model\n", "run.toml: not a TOML file: "),
        ("a = '\udcff'\n", "run.toml: not a TOML file: "),
        ("a = " + "9" * 5000, "run.toml: not a TOML file: "),
        ("a = " + "[" * 100_000, "run.toml: not a TOML file: nested too deeply"),
        ("[model]\n" + "a" * 200_000 + " = 3\n", "a{50} ... a{50}.*: unknown setting; known are"),
        ("[model]\nnum_units = " + "9" * 4000, "num_units: must be a whole number, is 9+ ... 9+$"),
    ],
)
def test_wrong_settings_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ConfigError, match=message) as caught:
        Settings.read(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 1000


def test_no_file_has_a_nul_in_its_name() -> None:
    with pytest.raises(ConfigError, match=r"a\\x00b: file names cannot contain a NUL"):
        Settings.read(Path("a\0b"))


def test_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: No such file or directory"):
        Settings.read(tmp_path / "none.toml")


def test_numbers_of_numpy_become_plain_ones() -> None:
    for weight in (np.float32(2), np.int64(2)):
        assert type(HotWord("anna", weight).weight) in (int, float)  # type: ignore[arg-type]
        assert type(Phrase("anna", weight).weight) in (int, float)  # type: ignore[arg-type]
    config = DecodeConfig(beam_width=np.int64(50), lm_weight=np.float32(0.5))  # type: ignore[arg-type]
    assert config == DecodeConfig(beam_width=50, lm_weight=0.5)
    assert (type(config.beam_width), type(config.lm_weight)) == (int, float)
    with pytest.raises(ConfigError, match="beam_width: must be a whole number"):
        DecodeConfig(beam_width=np.float64(5.0))  # type: ignore[arg-type]
