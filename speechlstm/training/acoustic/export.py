"""Export of a trained acoustic model to a bundle, which is verified before it is written."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio
from speechlstm.bundle import (
    MODEL,
    AcousticSpec,
    decoder_to_keep,
    refuse_to_replace_others,
    write_bundle,
)
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError, ConfigError
from speechlstm.storage import folder_beside
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.conversion import (
    FILES,
    TARGETS,
    Target,
    convert_target,
    streaming_file,
)
from speechlstm.training.acoustic.golden import refuse_to_replace_other_files, write_golden
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.recordings import read_recordings
from speechlstm.training.acoustic.rounding import read_calibration, with_rounded_kernels
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.acoustic.verification import Verification, verify
from speechlstm.training.tflite.convert import require_tensorflow
from speechlstm.training.tflite.edit import Quantization

MAX_UTTERANCES = 100  # default number of utterances to verify a bundle on

Report = Callable[[Verification], object]


def export(
    run: Run | StrPath,
    bundle: StrPath,
    quantization: Quantization | None = None,
    manifests: Sequence[StrPath] = (),
    max_utterances: int = MAX_UTTERANCES,
    report: Report = lambda verification: None,
    targets: Sequence[Target] = TARGETS,
    max_seconds: float | None = None,
    golden: StrPath | None = None,
    calibration: Sequence[StrPath] = (),
) -> Verification:
    """Export the best model of a run, or the model of a bundle, to a bundle.

        from speechlstm.training import export

        verification = export("runs/mine", "mine", quantization="int8")
        print(verification.to_text())

    An existing bundle keeps its decoder, except for the calibration: see decoder_to_keep. The
    bundle also gets model.streaming.tflite, if the network can hear an utterance block by block
    (see streaming.why_not_streaming).

    Args:
        run: The run, its folder, or a bundle: "english", a folder or a .tflite file. The weights of
            a bundle are read from its file; its decoder is copied if `bundle` has none.
        quantization: How to store the recurrent kernels: "none" (float32), "float16", "int8" or
            "int4". None: as the bundle does; those of a run in float32.
        manifests: Manifests to verify the files on; by default the validation manifests of the
            run, or synthetic sounds if there is no run.
        max_utterances: Largest number of utterances to verify on.
        report: Called with the verification of each file, also with that of one that is refused.
        targets: "interpreter": model.tflite, with fused operators, for TensorFlow Lite's
            Interpreter; "everywhere": model.portable.tflite, for every runtime.
        max_seconds: The length of all inputs of the portable model, for runtimes that allow only
            one; None: any length.
        golden: Folder for golden files of some of the recordings: see write_golden.
        calibration: Manifests of recordings whose outputs are to change least by int4; texts are
            not needed. By default, weights are rounded to the nearest.

    Returns:
        The verification of the first file.

    Raises:
        ModelError: No epoch of the run has ended, or an exported file does not run.
        BundleError: A file fails the verification and nothing is written, or the folder holds
            something else, or the weights of a bundle cannot be read.
        DataError: A manifest or recording cannot be read, or none is as short as max_seconds.
        ConfigError: Keras runs on another backend than TensorFlow, or max_seconds is given without
            the target everywhere, or the folder for golden files has others, or calibration is
            given without int4.
    """
    path = Path(bundle)
    check_export(path, targets, max_seconds)
    if golden:
        refuse_to_replace_other_files(Path(golden))
    trained = trained_model(run)
    _decoder(path, trained)  # what cannot be kept shows before the minutes of the conversion
    rate = trained.acoustic.features.sample_rate
    max_samples = None if max_seconds is None else round(max_seconds * rate)
    recordings = read_recordings(manifests or trained.valid, rate, max_utterances, max_samples)
    quantization = quantization or trained.quantization
    model = trained.network
    if calibration and quantization != "int4":
        raise ConfigError(f"calibration is for --quantize int4, not for {quantization}")
    if calibration:
        model = with_rounded_kernels(model, read_calibration(calibration, rate))
    stored = trained.stored(MODEL, quantization)
    files = {
        FILES[target]: convert_target(model, target, quantization, max_samples)
        for target in targets
        if target == "everywhere" or calibration or not stored
    }
    if "interpreter" in targets and stored and not calibration:
        files = {MODEL: stored, **files}  # as it was
    files |= streaming_file(model, quantization)
    verifications = write_verified(trained, files, recordings, path, quantization, report)
    if golden:
        write_golden(Path(golden), path, recordings)
    return verifications[0]


def check_export(path: Path, targets: Sequence[Target], max_seconds: float | None) -> None:
    """Refuse what cannot be exported before anything is read: see export."""
    refuse_to_replace_others(path)
    if max_seconds is not None and "everywhere" not in targets:
        raise ConfigError("a length is for the portable model only: add the target everywhere")
    require_tensorflow()


def export_model(
    model: AcousticNetwork,
    alphabet: Alphabet,
    recordings: Sequence[tuple[Audio, str]],
    path: Path,
    quantization: Quantization = "none",
    training: Mapping[str, Any] | None = None,
    report: Report = lambda verification: None,
    phones: Alphabet | None = None,
    targets: Sequence[Target] = ("interpreter",),
) -> list[Verification]:
    """Write a bundle with the files of the targets and that for streams: see write_verified.

    Args:
        recordings: Recordings and their transcripts to verify the bundle on: see verify.
        training: How the model was trained: values that JSON can represent.
        report: Called with each verification, also with that of a model that is refused.
        phones: The alphabet of its phone labels, if it has a second output.
        targets: Where the files run: see export.

    Returns:
        The verification of each file.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        BundleError, ModelError: See write_verified.
    """
    acoustic = AcousticSpec(model.features, alphabet, model.config, phones, training or {})
    trained = TrainedModel(path, model, acoustic)
    files = {FILES[target]: convert_target(model, target, quantization) for target in targets}
    files |= streaming_file(model, quantization)
    return write_verified(trained, files, recordings, path, quantization, report)


def write_verified(
    trained: TrainedModel,
    files: Mapping[str, bytes],
    recordings: Sequence[tuple[Audio, str]],
    path: Path,
    quantization: Quantization,
    report: Report,
) -> list[Verification]:
    """Write a bundle after each of its models has been run in a process without TensorFlow.

    Args:
        files: The converted models, by the names of their files.
        recordings: Recordings and their transcripts to verify them on: see verify.
        path: The folder of the bundle. An existing bundle keeps its decoder.
        report: Called with each verification, also with that of a model that is refused.

    Returns:
        The verification of each model.

    Raises:
        BundleError: A model fails the verification and nothing is written, or the folder holds
            something else, or a decoder for other labels.
        ModelError: A model does not run.
    """
    decoder = _decoder(path, trained)
    return write_if_verified(
        path,
        list(files),
        lambda folder: write_bundle(
            folder, files, trained.acoustic, decoder if folder == path else None
        ),
        lambda file: verify(trained.network, file, recordings, quantization),
        report,
    )


def write_if_verified(
    path: Path,
    names: Sequence[str],
    write: Callable[[Path], None],
    verify: Callable[[Path], Verification],
    report: Report,
) -> list[Verification]:
    """Write a bundle to a folder beside its own, and to its own if each of its models passes.

    Args:
        report: Called with each verification, also with that of a model that is refused.

    Raises:
        BundleError: A model fails the verification and nothing is written, or `write` refuses.
    """
    verifications = []
    with folder_beside(path) as candidate:
        write(candidate)
        for name in names:
            verification = verify(candidate / name)
            report(verification)
            if failures := verification.failures:
                raise BundleError(path / name, f"not written: {'; '.join(failures)}")
            verifications.append(verification)
    write(path)
    return verifications


def _decoder(path: Path, trained: TrainedModel) -> DecoderSpec | None:
    """The decoder to write: that of the existing bundle, or of the bundle that is exported."""
    kept = decoder_to_keep(path, trained.acoustic)
    return kept if kept and not trained.has_decoder(kept) else trained.decoder
