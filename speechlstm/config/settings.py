"""`Settings`: what a configuration file (TOML) holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from speechlstm.config.model import FeatureConfig, NetworkConfig
from speechlstm.config.training import AugmentConfig, TrainConfig
from speechlstm.errors import ConfigError
from speechlstm.storage import decode_text, read_regular_file


@dataclass(frozen=True)
class Settings:
    """The settings of a training run, and what its configuration file may hold.

    >>> Settings().with_training(num_epochs=5).training.num_epochs
    5

    Raises:
        ConfigError: Settings of different sections contradict each other.
    """

    features: FeatureConfig = field(default_factory=FeatureConfig)
    model: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainConfig = field(default_factory=TrainConfig)
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        if self.training.frozen_layers > self.model.num_layers:
            raise ConfigError(
                f"training.frozen_layers: must be at most model.num_layers "
                f"({self.model.num_layers}), is {self.training.frozen_layers}"
            )

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], where: str, defaults: "Settings | None" = None
    ) -> "Settings":
        """Settings from nested mappings.

        Args:
            where: Where they come from; each error message begins with it.
            defaults: Settings that values does not mention are taken from these.

        Raises:
            ConfigError: A section or setting is unknown, or a value is wrong.
        """
        base = (defaults or cls()).to_dict()
        kinds = {f.name: f.default_factory for f in fields(cls)}
        for key, section in values.items():
            if key not in kinds:
                raise ConfigError(f"{where}: {key}: unknown section; known are {', '.join(kinds)}")
            if not isinstance(section, Mapping):
                raise ConfigError(f"{where}: {key}: must be a section, which begins with [{key}]")
        try:
            return cls(**{k: kinds[k].from_dict(base[k] | values.get(k, {})) for k in kinds})  # type: ignore
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    @classmethod
    def read(cls, path: Path, defaults: "Settings | None" = None) -> "Settings":
        """Settings from a TOML file: [features], [model], [training], [augmentation].

        Relative paths of noise manifests are resolved from the file's folder.

        Args:
            defaults: Settings that the file does not mention are taken from these.

        Raises:
            ConfigError: The file is missing or is not TOML, a section or setting is unknown, or a
                value is wrong.
        """
        import tomllib  # here because nothing but training reads TOML

        try:
            values = tomllib.loads(decode_text(read_regular_file(path)))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        except RecursionError:
            raise ConfigError(f"{path}: not a TOML file: nested too deeply") from None
        except ValueError as error:  # also bytes that are not UTF-8, huge numbers
            raise ConfigError(f"{path}: not a TOML file: {error}") from None
        settings = cls.from_dict(values, str(path), defaults)
        noise = tuple(str(path.parent.resolve() / name) for name in settings.augmentation.noise)
        return replace(settings, augmentation=replace(settings.augmentation, noise=noise))

    def with_training(self, **values: Any) -> "Settings":
        """A copy with other settings of [training]; values of None are ignored."""
        given = {key: value for key, value in values.items() if value is not None}
        return replace(self, training=replace(self.training, **given))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The settings as plain JSON values."""
        return {f.name: getattr(self, f.name).to_dict() for f in fields(self)}
