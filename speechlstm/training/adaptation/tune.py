"""The tuning step: the settings of the decoder, and the errors before and after."""

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
from speechlstm.training.adaptation.comparison import Comparison, cross_fitted
from speechlstm.training.adaptation.decoder import decoder_of
from speechlstm.training.adaptation.time_left import BASE, TUNING


def tune_adapted(adaptation: Adaptation) -> Comparison:
    """Add a decoder to the exported bundle, with settings tuned on the held-out utterances."""
    work = adaptation.work
    if (work / "report.json").exists():
        return Comparison.from_dict(work.read("report.json"))
    before = None
    if adaptation.same_labels:
        adaptation.report(adaptation.time_left.begin(BASE))
        before = _evaluated(adaptation, adaptation.base.path)
    adaptation.report(adaptation.time_left.begin(TUNING))
    comparison = Comparison(before, _tuned(adaptation))
    work.write("report.json", comparison.to_dict())
    return comparison


def _tuned(adaptation: Adaptation) -> EvaluationReport:
    """Write the decoder, and return the errors with it."""
    # Not with the decoder of the bundle, which is that of the base or of an interrupted call.
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
    write_decoder(bundle.path, tuned.decoder)
    choose = least_changed if decoder.neural_lm else fewest  # as `tune` does
    return cross_fitted(trials, [u for u in utterances if u.id not in tuned.failures], choose)


def _evaluated(adaptation: Adaptation, path: Path) -> EvaluationReport:
    recognizer = partial(Recognizer.load, path)
    return evaluate(recognizer, adaptation.held_out, adaptation.decoding, adaptation.jobs)
