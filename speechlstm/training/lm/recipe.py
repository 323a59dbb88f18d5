"""Training of a language model, from sentences to a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechlstm.corpora.sentences import sentences_of
from speechlstm.errors import DataError
from speechlstm.lm.text import END_ID, Text, chosen_words, limit_vocabulary, tokenize
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.engine.lock import locked
from speechlstm.training.engine.word_loop import train_on_words
from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelTraining
from speechlstm.training.lm.run import LanguageModelRun, load_language_model_run
from speechlstm.training.lm.trainer import LanguageModelTrainer


def train_language_model(
    sentences: Iterable[str],
    valid: Path,
    run: Path,
    settings: Mapping[str, Any],
    *,
    vocabulary: int | Path | Sequence[str] | None = None,
    alphabet: Alphabet | None = None,
    init_from: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
) -> LanguageModelRun:
    """Train a new model.

    Args:
        sentences: The training text, normalised.
        valid: The validation text, another one; measured after each epoch.
        settings: Fields of LanguageModelConfig and LanguageModelTraining; others are those of
            `init_from`, or defaults.
        vocabulary: The words of the model, or as for `chosen_words`.
        alphabet: As for `chosen_words`; decoders for another alphabet refuse the model.
        init_from: Run whose best weights the training starts from, with its vocabulary.
        report: Called with lines of text: the metrics of each epoch.
        progress: Whether to show progress bars on stderr.

    Raises:
        DataError: A text cannot be read, or has no word of the vocabulary.
        ConfigError: The folder holds a run already, or a setting is out of range.
        ModelError: The run to start from is damaged, or none of its epochs has ended.
        TrainingError: The loss is not finite, or another process trains in the folder.
        KeyboardInterrupt: Ctrl-C was pressed; `resume_language_model` continues the run.
        SystemExit: SIGTERM was received; `resume_language_model` continues the run.
    """
    with locked(run):
        source = load_language_model_run(init_from) if init_from else None
        initial = source.best_network() if source else None
        text = tokenize(sentences)
        if source:
            words: Iterable[str] = source.words
        elif isinstance(vocabulary, Sequence):
            words = vocabulary
        else:
            words = chosen_words(text, vocabulary, alphabet)
        train = _limited(text, words, "the text")
        made = _new_run(run, settings, train, source, alphabet)
        valid_text = tokenize(sentences_of(valid))
        made.create(train, _limited(valid_text, train.vocabulary, f"{valid}"), initial)
        train_on_words(LanguageModelTrainer, made, report, progress)
    return made


def resume_language_model(
    run: Path,
    num_epochs: int | None = None,
    *,
    report: Callable[[str], None] = lambda line: None,
    progress: bool = False,
) -> LanguageModelRun:
    """Continue a run from its last checkpoint; the result is that of an uninterrupted run.

    The other arguments and errors are those of `train_language_model`.

    Args:
        num_epochs: A new number of epochs; by default that of the run.

    Raises:
        ModelError: The folder holds no run, or the run is damaged.
        ConfigError: More than `num_epochs` epochs have ended already.
    """
    with locked(run):
        found = load_language_model_run(run)
        found = found.prolonged(num_epochs or found.training.num_epochs)
        train_on_words(LanguageModelTrainer, found, report, progress)
    return found


def _limited(text: Text, words: Iterable[str], where: str) -> Text:
    """Limit a text to a vocabulary of which it has a word."""
    text = limit_vocabulary(text, words)
    if not (text.tokens > END_ID).any():
        raise DataError(
            f"{where}: holds no word of the vocabulary: use another text or --vocabulary"
        )
    return text


def _new_run(
    path: Path,
    settings: Mapping[str, Any],
    text: Text,
    source: LanguageModelRun | None,
    alphabet: Alphabet | None,
) -> LanguageModelRun:
    """A run with these settings; others are those of the source, or defaults."""
    network, training = LanguageModelConfig(), LanguageModelTraining()
    sha256 = alphabet.sha256 if alphabet else None
    if source:
        network, training, sha256 = source.model, source.training, source.alphabet_sha256
    shape = settings.keys() & network.to_dict()
    network = replace(network, **{key: settings[key] for key in shape})
    training = replace(training, **{key: settings[key] for key in settings.keys() - shape})
    return LanguageModelRun(path, network, training, tuple(text.vocabulary), sha256)
