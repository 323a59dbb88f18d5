"""The steps of an adaptation, in order; each leaves files, and is passed over if they are there."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from speechlstm.bundle import Bundle, read_bundle, write_bundle, write_decoder
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import TrainingError, counted
from speechlstm.evaluation.evaluate import evaluate
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.tuning import Trial, tune
from speechlstm.lm.text import read_sentences
from speechlstm.parallel import Progress
from speechlstm.recognizer import Recognizer
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic import recipe
from speechlstm.training.acoustic.export import MAX_UTTERANCES, export_model
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.transfer import Source, read_source
from speechlstm.training.acoustic.verification import read_recordings
from speechlstm.training.adaptation.comparison import Comparison, cross_fitted
from speechlstm.training.adaptation.decoder import decoder_of, write_lexicon, write_ngrams
from speechlstm.training.adaptation.folds import choose_epochs
from speechlstm.training.adaptation.language import choose_language
from speechlstm.training.adaptation.plan import HARDLY_ANY, Clock, Plan, learning_seconds, make_plan
from speechlstm.training.adaptation.plot import plot_adaptation
from speechlstm.training.adaptation.recordings import decode, fitting, gather, split
from speechlstm.training.adaptation.work import Work
from speechlstm.training.engine.checkpoint import load_checkpoint

Report = Callable[[str], None]
_MANY_HOURS = 10


class Steps:
    """The steps of an adaptation, each of which leaves files in the work folder.

    Args:
        work: The folder.
        base: Where to start.
        keep: See adapt, as for the others.
    """

    def __init__(
        self,
        work: Work,
        base: Bundle,
        keep: float,
        num_epochs: int | None,
        jobs: int,
        report: Report,
        progress: bool,
        decoding: Progress,
    ) -> None:
        self.work, self.base, self.keep, self.jobs = work, base, keep, jobs
        self.num_epochs = num_epochs
        self.report, self.progress, self.decoding = report, progress, decoding

    @cached_property
    def source(self) -> Source:
        """The base's network, read when it is first needed."""
        return read_source(self.base.path)

    @cached_property
    def alphabet(self) -> Alphabet:
        """What the new model writes."""
        values = self.work.read("language.json")
        return Alphabet(tuple(values["symbols"]))

    @property
    def same_labels(self) -> bool:
        """Whether the new model has the base's labels."""
        return self.alphabet == self.base.acoustic.alphabet

    @property
    def lexicon(self) -> Path | None:
        """The pronouncing dictionary; None: letters alone are learnt."""
        speaks = self.base.acoustic.phones and self.base.decoder.lexicon
        return self.work / "lexicon.dict" if self.same_labels and speaks else None

    @cached_property
    def learnt(self) -> Manifest:
        """What is learnt from."""
        return Manifest(self.work / "train.jsonl")

    @cached_property
    def held_out(self) -> Manifest:
        """What is measured on."""
        return Manifest(self.work / "held_out.jsonl")

    def prepare(self, recordings: Path) -> None:
        """Manifests and alphabet."""
        if (self.work / "held_out.jsonl").exists():
            return
        features = self.base.acoustic.features
        found = gather(recordings, self.work.path, self.report)
        self.report(f"decoding {counted(len(found.utterances), 'recording')}")
        found = decode(found, self.work, features.sample_rate, self.progress)
        if not found.utterances:
            raise TrainingError(
                f"{recordings}: none of {counted(len(found.reasons), 'recording')} can be used, "
                f"the first: {found.reasons[0]}"
            )
        language = choose_language(found.utterances, self.base.acoustic.alphabet)
        self.report(language.reason)
        self.work.write("language.json", {"symbols": language.alphabet.symbols})
        found = replace(found, utterances=language.utterances)
        found = fitting(found, language.alphabet, self._base_settings())
        if found.seconds < HARDLY_ANY:
            self.report(
                f"only {found.seconds:.0f} s of speech: words of its texts will be recognised more "
                "often, the speaker's voice hardly better; ten minutes or more make the difference"
            )
        if found.seconds > _MANY_HOURS * 3600:
            self.report(
                f"{found.seconds / 3600:.0f} h of speech: learning takes long on processors; for "
                "GPUs and several machines see speechlstm train"
            )
        split(found, self.work, self.report)

    def _base_settings(self) -> Settings:
        return Settings(features=self.base.acoustic.features, model=self.base.acoustic.network)

    def make_decoder(self, texts: Sequence[Path]) -> None:
        """Lexicon and n-grams."""
        transcripts = [u.text for u in self.learnt if u.text]
        if self.lexicon and not self.lexicon.exists():
            words = chain.from_iterable(
                s.split() for s in chain(transcripts, *map(read_sentences, texts))
            )
            new = write_lexicon(self.lexicon, self.base, words)
            self.report(_describe_words(new.added, "sounded out for the lexicon"))
            if new.unspoken:
                self.report(_describe_words(new.unspoken, "cannot be sounded out, left out"))
        if not (self.work / "lm.ngram").exists():
            weight = write_ngrams(
                self.work / "lm.ngram",
                self.base.decoder.lm if self.same_labels else None,
                self.alphabet,
                transcripts,
                list(chain.from_iterable(map(read_sentences, texts))),
                self.keep,
            )
            self.report(f"n-grams: {weight:.0%} of the base, {1 - weight:.0%} of your texts")

    def train(self) -> None:
        """The run, after the cross-validation where there is little to learn from."""
        seconds = sum(utterance.duration for utterance in self.learnt)
        num_layers = self.base.acoustic.network.num_layers
        plan = make_plan(seconds, num_layers, self.same_labels)
        if self.num_epochs:
            plan = replace(plan, num_epochs=self.num_epochs, num_folds=0)
        self.clock = Clock(learning_seconds(plan, seconds))
        if not (self.work / "plan.json").exists():
            num_epochs = plan.num_epochs
            if plan.num_folds:
                self.report(
                    f"little speech: cross-validation finds the number of epochs, of "
                    f"{plan.num_epochs} at most"
                )
                one = partial(self._train, plan, plan.num_epochs)
                num_epochs = choose_epochs(self.learnt.path, self.work, plan.num_folds, one)
            self.work.write("plan.json", {"num_epochs": num_epochs})
            shutil.rmtree(self.work / "folds", ignore_errors=True)  # hundreds of megabytes
        num_epochs = int(self.work.read("plan.json")["num_epochs"])
        if not num_epochs:
            self.report(
                "no epoch had fewer errors than the base: its network stays as it is, only lexicon "
                "and language model become yours"
            )
            return
        layers = f"layers {plan.frozen_layers + 1} to {num_layers}"
        self.report(f"training {layers} for {counted(num_epochs, 'epoch')}")
        self._train(
            plan, num_epochs, self.learnt.path, self.held_out.path, self.work / "run", "run: "
        )

    def _train(
        self, plan: Plan, num_epochs: int, train: Path, valid: Path, path: Path, name: str
    ) -> Run:
        def report(line: str) -> None:
            if not line.startswith(("from ", "not from ")) or name == "run: ":
                self.report(f"{name}{line}")

        options: dict[str, Any] = {
            "cache": self.work / "cache", "report": report, "progress": self.progress,
        }  # fmt: skip
        started = time.monotonic()
        if (path / "run.json").exists():
            run = load_run(path)
            if len(run.read_metrics()) >= run.settings.training.num_epochs:
                return run
            run = recipe.resume(path, **options)
        else:
            settings = plan.settings(self.source.settings, num_epochs)
            run = recipe.train(
                train, valid, path, settings, init_from=self.source, lexicon=self.lexicon,
                alphabet=self.alphabet, **options,
            )  # fmt: skip
        seconds = num_epochs * sum(utterance.duration for utterance in Manifest(train))
        left = self.clock.minutes_left(seconds, time.monotonic() - started)
        if name != "run: ":
            self.report(f"about {left:.0f} min of learning left, at most")
        return run

    def export(self) -> None:
        """The bundle, verified, without a decoder."""
        path = self.work / "bundle"
        if (path / "bundle.json").exists():
            return
        if not (self.work / "run" / "run.json").exists():
            write_bundle(path, self.base.model_path.read_bytes(), self.base.acoustic)
            return
        self.report("exporting")
        run = load_run(self.work / "run")
        model = self._averaged(run)
        recordings = read_recordings(
            [self.held_out], run.settings.features.sample_rate, MAX_UTTERANCES
        )
        training = run.settings.training.to_dict() | {
            "best_epoch": run.summary(), "adapted_from": self.base.path.name, "keep": self.keep,
        }  # fmt: skip
        verification = export_model(
            model, run.alphabet, recordings, path, "int8", training, phones=run.phones
        )
        self.report(
            f"exported and verified on {counted(verification.num_utterances, 'utterance')}: "
            f"{verification.num_bytes / 1e6:.1f} MB, RTF {verification.rtf:.3f}, WER "
            f"{100 * verification.wer_change:+.2f} points"
        )

    def _averaged(self, run: Run) -> AcousticModel:
        """The best weights, averaged with those they started from (WiSE-FT).

        Wortsman et al., Robust fine-tuning of zero-shot models, https://arxiv.org/abs/2109.01903:
        between a network and what it became, weights lie that know both kinds of data.
        """
        model = run.best_network()
        if self.keep:
            start = run.new_network()
            load_checkpoint(run.initial, {"model": start.variables})
            for ours, theirs in zip(model.weights, start.weights, strict=True):
                ours.assign((1 - self.keep) * ours + self.keep * theirs)
        return model

    def tune(self) -> Comparison:
        """The decoder's settings; errors before and after."""
        if (self.work / "report.json").exists():
            return Comparison.from_dict(self.work.read("report.json"))
        before = self._before()
        self.report("choosing the decoder's settings")
        bundle = read_bundle(self.work / "bundle")
        base = self.base.decoder if self.same_labels else None
        decoder = decoder_of(base, self.work / "lm.ngram", self.lexicon)
        trials: list[Trial] = []
        utterances = list(self.held_out)
        tuned = tune(
            replace(bundle, decoder=decoder), [self.held_out], len(utterances), self.jobs,
            self.decoding, trials.append, quick=True,
        )  # fmt: skip
        decoded = [u for u in utterances if u.id not in tuned.failures]
        if tuned.worse_than_greedy:
            self.report("with the n-grams there are more errors than without: they are left out")
            tuned = tune(bundle, [self.held_out], len(utterances), self.jobs, self.decoding)
            write_decoder(bundle.path, tuned.decoder)
            after = self._evaluated(bundle.path)
        else:
            write_decoder(bundle.path, self._kept(tuned.decoder))
            after = cross_fitted(trials, decoded)
        comparison = Comparison(before, after)
        self.work.write("report.json", comparison.to_dict())
        return comparison

    def _before(self) -> EvaluationReport | None:
        if not self.same_labels:
            return None
        self.report("measuring the base")
        return self._evaluated(self.base.path)

    def _evaluated(self, path: Path) -> EvaluationReport:
        recognizer = partial(Recognizer.load, path)
        return evaluate(recognizer, self.held_out, self.decoding, self.jobs)

    def _kept(self, decoder: DecoderSpec) -> DecoderSpec:
        """The decoder with the share of the base's prior that stays."""
        before, after = self.base.decoder.prior, decoder.prior
        if not (self.keep and self.same_labels and before and after):
            return decoder
        mixed = self.keep * np.exp(before.log_probs) + (1 - self.keep) * np.exp(after.log_probs)
        log_probs = np.log(mixed / mixed.sum()).round(6).tolist()
        return replace(decoder, prior=replace(after, log_probs=tuple(log_probs)))

    def publish(self, path: Path, comparison: Comparison) -> None:
        """Put the bundle in its place, and draw what was learnt."""
        metrics = self.work / "run" / "metrics.jsonl"
        plot_adaptation(metrics, comparison, self.work / "adaptation.png")
        read_bundle(self.work / "bundle")  # all of it is checked
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        card = path / "README.md"  # notes of a bundle that is replaced are never lost
        files = [*sorted((self.work / "bundle").iterdir()), *([card] if card.is_file() else [])]
        with folder_written_atomically(path) as folder:
            for file in files:
                write_atomically(folder / file.name, file.read_bytes())


def _describe_words(words: Sequence[str], what: str) -> str:
    shown = ", ".join(words[:8]) + (", ..." if len(words) > 8 else "")
    return f"{counted(len(words), 'word')} {what}" + (f": {shown}" if words else "")
