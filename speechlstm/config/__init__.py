"""Settings: frozen dataclasses that check their values.

Errors name a setting as users write it, such as `features.hop_ms`.
"""

from speechlstm.config.base import Config as Config
from speechlstm.config.base import LabelField as LabelField
from speechlstm.config.base import Precision as Precision
from speechlstm.config.decoding import DecodeConfig as DecodeConfig
from speechlstm.config.decoding import NeuralLMConfig as NeuralLMConfig
from speechlstm.config.hot_words import HotWord as HotWord
from speechlstm.config.hot_words import read_hot_words as read_hot_words
from speechlstm.config.model import FeatureConfig as FeatureConfig
from speechlstm.config.model import NetworkConfig as NetworkConfig
from speechlstm.config.settings import Settings as Settings
from speechlstm.config.training import MAX_WEIGHT as MAX_WEIGHT
from speechlstm.config.training import AugmentConfig as AugmentConfig
from speechlstm.config.training import Schedule as Schedule
from speechlstm.config.training import TrainConfig as TrainConfig
