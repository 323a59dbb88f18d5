"""Classification: which class a recording has (who speaks, which command), and its embedding.

classifier  `Classifier`: from recordings to probabilities of classes, and to embeddings;
            `label_of`: the class of an utterance in a manifest
model       the network of a bundle, run by LiteRT
"""

from speechlstm.classification.classifier import Classification as Classification
from speechlstm.classification.classifier import Classifier as Classifier
from speechlstm.classification.classifier import label_of as label_of
from speechlstm.classification.model import LiteRTClassifier as LiteRTClassifier
