"""The tuning step: the decoder's settings, and the errors before and after."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from speechlstm.bundle import read_bundle, write_decoder
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.evaluation.evaluate import evaluate
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.tuning import Trial, fewest, least_changed, tune
from speechlstm.recognizer import Recognizer
from speechlstm.training.adaptation.adaptation import Adaptation
from speechlstm.training.adaptation.clock import BASE, TUNING
from speechlstm.training.adaptation.comparison import Comparison, cross_fitted
from speechlstm.training.adaptation.decoder import decoder_of
from speechlstm.training.adaptation.keeping import mixed_prior


def tune_adapted(adaptation: Adaptation) -> Comparison:
    """Add a decoder to the exported bundle, with settings found on what is held out."""
    work = adaptation.work
    if (work / "report.json").exists():
        return Comparison.from_dict(work.read("report.json"))
    before = None
    if adaptation.same_labels:
        adaptation.report(adaptation.clock.begin(BASE))
        before = _evaluated(adaptation, adaptation.base.path)
    adaptation.report(adaptation.clock.begin(TUNING))
    comparison = Comparison(before, _tuned(adaptation))
    work.write("report.json", comparison.to_dict())
    return comparison


def _tuned(adaptation: Adaptation) -> EvaluationReport:
    """Writes the decoder; returns the errors with it."""
    # Whatever decoder is there, the base's or that of a call that was killed, is not used.
    bundle = replace(read_bundle(adaptation.work / "bundle"), decoder=DecoderSpec())
    base = adaptation.base.decoder if adaptation.same_labels else None
    decoder = decoder_of(base, adaptation.work / "lm.ngram", adaptation.lexicon)
    trials: list[Trial] = []
    utterances = list(adaptation.held_out)
    recordings = [adaptation.held_out], len(utterances), adaptation.jobs, adaptation.decoding
    with_ngrams = replace(bundle, decoder=decoder)
    tuned = tune(with_ngrams, *recordings, trials.append, quick=True)
    if tuned.worse_than_greedy:
        adaptation.report("with the n-grams there are more errors than without: they are left out")
        write_decoder(bundle.path, tune(bundle, *recordings).decoder)
        return _evaluated(adaptation, bundle.path)
    write_decoder(bundle.path, _kept(adaptation, tuned.decoder))
    choose = least_changed if decoder.neural_lm else fewest  # as `tune` does
    return cross_fitted(trials, [u for u in utterances if u.id not in tuned.failures], choose)


def _evaluated(adaptation: Adaptation, path: Path) -> EvaluationReport:
    recognizer = partial(Recognizer.load, path)
    return evaluate(recognizer, adaptation.held_out, adaptation.decoding, adaptation.jobs)


def _kept(adaptation: Adaptation, decoder: DecoderSpec) -> DecoderSpec:
    """The decoder with the share of the base's prior that stays."""
    before, after = adaptation.base.decoder.prior, decoder.prior
    if not (adaptation.keep and adaptation.same_labels and before and after):
        return decoder
    return replace(decoder, prior=mixed_prior(before, after, adaptation.keep))
