"""The steps of an adaptation, in order; each leaves files, and is passed over if they are there."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from speechlstm.bundle import Bundle, read_bundle, write_decoder
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import counted
from speechlstm.evaluation.evaluate import evaluate
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.tuning import Trial, fewest, least_changed, tune
from speechlstm.lm.text import read_sentences
from speechlstm.parallel import Progress
from speechlstm.recognizer import Recognizer
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic import recipe
from speechlstm.training.acoustic.conversion import Target
from speechlstm.training.acoustic.export import MAX_UTTERANCES, export, export_model
from speechlstm.training.acoustic.recordings import read_recordings
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.transfer import Source, read_source
from speechlstm.training.acoustic.verification import Verification
from speechlstm.training.adaptation.clock import (
    BASE,
    EXPORT,
    FOLDS,
    LANGUAGE,
    TRAINING,
    TUNING,
    Clock,
)
from speechlstm.training.adaptation.comparison import Comparison, cross_fitted
from speechlstm.training.adaptation.decoder import decoder_of, write_lexicon, write_ngrams
from speechlstm.training.adaptation.folds import choose_epochs
from speechlstm.training.adaptation.keeping import averaged, mixed_prior
from speechlstm.training.adaptation.plan import Plan, make_plan
from speechlstm.training.adaptation.plot import plot_adaptation
from speechlstm.training.adaptation.recordings import prepare
from speechlstm.training.adaptation.work import Work
from speechlstm.training.tflite.edit import Quantization

Report = Callable[[str], None]
_RUN = "run: "  # before lines of the run, as "fold 1 of 3: " before those of a fold


class Steps:
    """The steps of an adaptation, each of which leaves files in the work folder.

    Args:
        base: Where to start.
        keep: See adapt, as for the others.
    """

    def __init__(
        self,
        work: Work,
        base: Bundle,
        keep: float,
        num_epochs: int | None,
        targets: Sequence[Target],
        quantization: Quantization | None,
        jobs: int,
        report: Report,
        progress: bool,
        decoding: Progress,
    ) -> None:
        self.work, self.base, self.keep, self.jobs = work, base, keep, jobs
        self.num_epochs, self.targets, self.quantization = num_epochs, targets, quantization
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
        self.source  # noqa: B018 - a base whose weights cannot be read shows before an hour is lost
        prepare(recordings, self.work, self.base.acoustic, self.report, self.progress)

    @cached_property
    def plan(self) -> Plan:
        """What is trained."""
        num_layers = self.base.acoustic.network.num_layers
        plan = make_plan(_seconds(self.learnt), num_layers, self.same_labels)
        if self.num_epochs:
            plan = replace(plan, num_epochs=self.num_epochs, num_folds=0)
        return plan

    @cached_property
    def clock(self) -> Clock:
        """The time of the steps that are still to be done."""
        learnt, held_out = _seconds(self.learnt), _seconds(self.held_out) / self.jobs
        num_epochs = self._chosen_epochs
        if num_epochs is None:
            num_epochs = self.plan.num_epochs
        return Clock(
            {
                LANGUAGE: not (self.work / "lm.ngram").exists(),
                FOLDS: self._fold_epochs_left * learnt,
                TRAINING: (num_epochs - _num_epochs(self.work / "run")) * learnt,
                EXPORT: len(self.targets) * (not (self.work / "bundle" / "bundle.json").exists()),
                BASE: self.same_labels * held_out,
                TUNING: held_out,
            }
        )

    @property
    def _chosen_epochs(self) -> int | None:
        """Of the run, once that is known."""
        if not (self.work / "plan.json").exists():
            return None
        return int(self.work.read("plan.json")["num_epochs"])

    @property
    def _fold_epochs_left(self) -> int:
        if self._chosen_epochs is not None:
            return 0
        ended = sum(map(_num_epochs, (self.work / "folds").glob("run*")))
        return self.plan.num_folds * self.plan.num_epochs - ended

    def make_decoder(self, texts: Sequence[Path]) -> None:
        """Lexicon and n-grams."""
        if (self.work / "lm.ngram").exists():
            return
        self.report(self.clock.begin(LANGUAGE))
        transcripts = [u.text for u in self.learnt if u.text]
        if self.lexicon and not self.lexicon.exists():
            words = chain.from_iterable(
                s.split() for s in chain(transcripts, *map(read_sentences, texts))
            )
            new = write_lexicon(self.lexicon, self.base, words)
            self.report(_describe_words(new.added, "sounded out for the lexicon"))
            if new.unspoken:
                self.report(_describe_words(new.unspoken, "cannot be sounded out, left out"))
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
        plan = self.plan
        num_epochs = self._chosen_epochs
        if num_epochs is None:
            num_epochs = self._choose_epochs()
            if not num_epochs:
                self.clock.begin(TRAINING, amount=0)
            self.work.write("plan.json", {"num_epochs": num_epochs})
        shutil.rmtree(self.work / "folds", ignore_errors=True)  # hundreds of megabytes
        if not num_epochs:
            self.report(
                "no epoch had fewer errors than the base: its network stays as it is, only lexicon "
                "and language model become yours"
            )
            return
        layers = f"layers {plan.frozen_layers + 1} to {self.base.acoustic.network.num_layers}"
        self.report(f"training {layers} for {counted(num_epochs, 'epoch')}")
        if left := num_epochs - _num_epochs(self.work / "run"):
            self.report(self.clock.begin(TRAINING, left, left * _seconds(self.learnt)))
        self._train(num_epochs, self.learnt.path, self.held_out.path, self.work / "run", _RUN)

    def _choose_epochs(self) -> int:
        plan = self.plan
        if not plan.num_folds:
            return plan.num_epochs
        self.report(
            f"little speech: cross-validation finds the number of epochs, of {plan.num_epochs} at "
            "most"
        )
        if left := self._fold_epochs_left:
            self.report(self.clock.begin(FOLDS, left))
        train = partial(self._train, plan.num_epochs)
        return choose_epochs(self.learnt.path, self.work, plan.num_folds, train)

    def _train(self, num_epochs: int, train: Path, valid: Path, path: Path, name: str) -> Run:
        num_ended = _num_epochs(path)

        def report(line: str) -> None:
            nonlocal num_ended
            if _num_epochs(path) > num_ended:
                num_ended += 1
                self.report(f"{name}{line}; {self.clock.advance()}")
            elif name == _RUN:
                self.report(f"{name}{line}")

        options: dict[str, Any] = {
            "cache": self.work / "cache", "report": report, "progress": self.progress,
        }  # fmt: skip
        if not (path / "run.json").exists():
            settings = self.plan.settings(self.source.settings, num_epochs)
            return recipe.train(
                train, valid, path, settings, init_from=self.source, lexicon=self.lexicon,
                alphabet=self.alphabet, **options,
            )  # fmt: skip
        run = load_run(path)
        if len(run.read_metrics()) >= run.settings.training.num_epochs:
            return run
        return recipe.resume(path, **options)

    def export(self) -> None:
        """The bundle, verified; `tune` replaces its decoder."""
        path = self.work / "bundle"
        if (path / "bundle.json").exists():
            return
        self.report(self.clock.begin(EXPORT))
        if (self.work / "run" / "run.json").exists():
            self._export_run(path)
            return
        export(
            self.base.path, path, self.quantization, [self.held_out.path],
            report=self._report_file, targets=self.targets,
        )  # fmt: skip

    def _export_run(self, path: Path) -> None:
        run = load_run(self.work / "run")
        recordings = read_recordings(
            [self.held_out.path], run.settings.features.sample_rate, MAX_UTTERANCES
        )
        training = run.settings.training.to_dict() | {
            "best_epoch": run.summary(), "adapted_from": self.base.path.name, "keep": self.keep,
        }  # fmt: skip
        export_model(
            averaged(run, self.keep), run.alphabet, recordings, path, self.quantization or "int8",
            training, self._report_file, run.phones, self.targets,
        )  # fmt: skip

    def _report_file(self, verification: Verification) -> None:
        self.report(
            f"exported {verification.file} and verified it on "
            f"{counted(verification.num_utterances, 'utterance')}: "
            f"{verification.num_bytes / 1e6:.1f} MB, RTF {verification.rtf:.3f}, WER "
            f"{100 * verification.wer_change:+.2f} points"
        )

    def tune(self) -> Comparison:
        """The decoder's settings; errors before and after."""
        if (self.work / "report.json").exists():
            return Comparison.from_dict(self.work.read("report.json"))
        before = self._before()
        self.report(self.clock.begin(TUNING))
        # Whatever decoder is there, the base's or that of a call that was killed, is not used.
        bundle = replace(read_bundle(self.work / "bundle"), decoder=DecoderSpec())
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
            choose = least_changed if decoder.neural_lm else fewest  # as `tune` does
            after = cross_fitted(trials, decoded, choose)
        comparison = Comparison(before, after)
        self.work.write("report.json", comparison.to_dict())
        return comparison

    def _before(self) -> EvaluationReport | None:
        if not self.same_labels:
            return None
        self.report(self.clock.begin(BASE))
        return self._evaluated(self.base.path)

    def _evaluated(self, path: Path) -> EvaluationReport:
        recognizer = partial(Recognizer.load, path)
        return evaluate(recognizer, self.held_out, self.decoding, self.jobs)

    def _kept(self, decoder: DecoderSpec) -> DecoderSpec:
        """The decoder with the share of the base's prior that stays."""
        before, after = self.base.decoder.prior, decoder.prior
        if not (self.keep and self.same_labels and before and after):
            return decoder
        return replace(decoder, prior=mixed_prior(before, after, self.keep))

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


def _seconds(manifest: Manifest) -> float:
    return sum(utterance.duration for utterance in manifest)


def _num_epochs(path: Path) -> int:
    """How many epochs of a run have ended."""
    metrics = path / "metrics.jsonl"
    return len(metrics.read_bytes().splitlines()) if metrics.exists() else 0
