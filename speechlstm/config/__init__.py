"""Settings: frozen, self-checking, named in errors as the user writes them (`features.hop_ms`)."""

from speechlstm.config.base import Config as Config
from speechlstm.config.base import Precision as Precision
from speechlstm.config.decoding import DecodeConfig as DecodeConfig
from speechlstm.config.decoding import NeuralLMConfig as NeuralLMConfig
from speechlstm.config.hot_words import HotWord as HotWord
from speechlstm.config.hot_words import read_hot_words as read_hot_words
from speechlstm.config.sections import AugmentConfig as AugmentConfig
from speechlstm.config.sections import FeatureConfig as FeatureConfig
from speechlstm.config.sections import NetworkConfig as NetworkConfig
from speechlstm.config.sections import Settings as Settings
from speechlstm.config.sections import TrainConfig as TrainConfig
