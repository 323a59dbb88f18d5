"""Classification: which class a recording has (who speaks, which command), and its embedding.

classifier  `Classifier`: from recordings to probabilities of classes, and to embeddings
model       the network of a bundle, run by LiteRT
labels      the field of a manifest that has the class
"""

from speechlstm.classification.classifier import Classification as Classification
from speechlstm.classification.classifier import Classifier as Classifier
from speechlstm.classification.labels import label_of as label_of
from speechlstm.classification.model import LiteRTClassifier as LiteRTClassifier
