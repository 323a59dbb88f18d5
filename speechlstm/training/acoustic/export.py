"""Export of a trained acoustic model to a bundle, which is verified before it is written."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from speechlstm.acoustic import NUM_SAMPLES, SAMPLES
from speechlstm.audio import Audio
from speechlstm.bundle import (
    MODEL,
    PORTABLE_MODEL,
    STREAMING_MODEL,
    AcousticSpec,
    decoder_to_keep,
    refuse_to_replace_others,
    write_bundle,
)
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError, ConfigError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.encoder import Encoder, stack_frames
from speechlstm.training.acoustic.golden import refuse_to_replace_other_files, write_golden
from speechlstm.training.acoustic.network import AcousticModel
from speechlstm.training.acoustic.rounding import read_calibration, with_rounded_kernels
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.streaming import convert_streaming, why_not_streaming
from speechlstm.training.acoustic.trained import TrainedModel, trained_model
from speechlstm.training.acoustic.verification import Verification, verify
from speechlstm.training.tflite.convert import convert, inference_layer, require_tensorflow
from speechlstm.training.tflite.edit import (
    Quantization,
    quantize,
    without_cell_clip,
    without_names,
)

MAX_UTTERANCES = 100  # default number of utterances to verify a bundle on

# Named after where a file runs, since that is what a user knows: the one needs TensorFlow Lite's
# Interpreter, which can reset variable tensors, the other runs in any runtime of LiteRT.
Target = Literal["interpreter", "everywhere"]
FILES: Mapping[Target, str] = {"interpreter": MODEL, "everywhere": PORTABLE_MODEL}
TARGETS: tuple[Target, ...] = ("interpreter", "everywhere")

Report = Callable[[Verification], object]


def export(
    run: Run | str | Path,
    bundle: str | Path,
    quantization: Quantization | None = None,
    manifests: Sequence[str | Path] = (),
    max_utterances: int = MAX_UTTERANCES,
    report: Report = lambda verification: None,
    targets: Sequence[Target] = TARGETS,
    max_seconds: float | None = None,
    golden: str | Path | None = None,
    calibration: Sequence[str | Path] = (),
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
        bundle: The folder of the bundle to write.
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
    refuse_to_replace_others(path)
    if max_seconds is not None and "everywhere" not in targets:
        raise ConfigError("a length is for the portable model only: add the target everywhere")
    if golden:
        refuse_to_replace_other_files(Path(golden))
    require_tensorflow()
    trained = trained_model(run)
    rate = trained.acoustic.features.sample_rate
    max_samples = None if max_seconds is None else round(max_seconds * rate)
    recordings = trained.recordings(manifests, max_utterances, max_samples)
    quantization = quantization or trained.quantization
    model = trained.model
    if calibration and quantization != "int4":
        raise ConfigError(f"calibration is for int4, not for quantization {quantization}")
    if calibration:
        model = with_rounded_kernels(model, read_calibration(calibration, rate))
    files = {
        FILES[target]: convert_target(model, target, quantization, max_samples)
        for target in targets
        if target == "everywhere" or calibration or not trained.is_stored(MODEL, quantization)
    }
    if "interpreter" in targets and MODEL not in files:
        files = {MODEL: trained.tflite, **files}  # as it was
    files |= streaming_file(model, quantization)
    verifications = write_verified(trained, files, recordings, path, quantization, report)
    if golden:
        write_golden(Path(golden), path, recordings)
    return verifications[0]


def export_model(
    model: AcousticModel,
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
        model: The trained model.
        alphabet: The alphabet of its character labels.
        recordings: Recordings and their transcripts to verify the bundle on: see verify.
        path: The folder of the bundle.
        quantization: How to store the recurrent kernels.
        training: How the model was trained: values that JSON can represent.
        report: Called with each verification, also with that of a model that is refused.
        phones: The alphabet of its phone labels, if it has a second output.
        targets: Where the files run: see export.

    Returns:
        The verification of each file.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
        BundleError: See write_verified.
        ModelError: See write_verified.
    """
    acoustic = AcousticSpec(model.features, alphabet, model.config, phones, training or {})
    trained = TrainedModel(model, acoustic)
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
        trained: The model.
        files: The converted models, by the names of their files.
        recordings: Recordings and their transcripts to verify them on: see verify.
        path: The folder of the bundle. An existing bundle keeps its decoder.
        quantization: How the models store the recurrent kernels.
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
        lambda file: verify(trained.model, file, recordings, quantization),
        report,
    )


def write_if_verified(
    path: Path,
    names: Sequence[str],
    write: Callable[[Path], None],
    verify: Callable[[Path], Verification],
    report: Report,
) -> list[Verification]:
    """Write a bundle to a temporary folder, and to its own if each of its models passes.

    Args:
        path: The folder of the bundle.
        names: The names of the models' files.
        write: Writes the bundle to a folder.
        verify: Verifies a file.
        report: Called with each verification, also with that of a model that is refused.

    Raises:
        BundleError: A model fails the verification and nothing is written, or `write` refuses.
    """
    verifications = []
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder) / "bundle"
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


def convert_target(
    model: AcousticModel,
    target: Target,
    quantization: Quantization,
    max_samples: int | None = None,
) -> bytes:
    """Convert a model to the file of a target; see convert_acoustic.

    Args:
        model: The model.
        target: Where the file runs.
        quantization: How to store the recurrent kernels.
        max_samples: Length of all inputs of the target everywhere; None: any length.
    """
    if target == "interpreter":
        return quantize(without_cell_clip(convert_acoustic(model)), quantization)
    tflite = convert_acoustic(model, fused=False, max_samples=max_samples)
    return without_names(quantize(tflite, quantization))


def streaming_file(model: AcousticModel, quantization: Quantization) -> dict[str, bytes]:
    """The file that hears an utterance block by block, by its name; none if there can be none."""
    if why_not_streaming(model.features, model.config):
        return {}
    return {STREAMING_MODEL: without_names(quantize(convert_streaming(model), quantization))}


def convert_acoustic(
    model: AcousticModel, fused: bool = True, max_samples: int | None = None
) -> bytes:
    """Convert a model to a TensorFlow Lite file of float32 weights and built-in operators.

    Args:
        model: The model.
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.
        max_samples: Length of all inputs, for runtimes that allow only one; None: any length. A
            fused LSTM has no fixed length.

    Returns:
        The content of the file. Its input is samples (1, num_samples) float32 in [-1, 1], its
        output natural log-probabilities (1, num_steps, num_labels + num_phones), normalised over
        the characters and over the phones separately. With max_samples, samples are padded with
        zeros to this length, and a second input, num_samples (1,) int32, is the number of those
        before; the outputs of the padding have no meaning, and the others do not depend on it.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    encode = inference_encoder(model, fused)

    def log_probs(samples: Any, num_samples: Any = None) -> Any:
        x, _ = encode(samples, num_samples)
        logits = tf.concat([layer(x) for layer in model.output_layers], axis=-1)
        return model.log_probs(logits)

    return convert_of_samples(log_probs, model, max_samples)


def inference_encoder(model: Encoder, fused: bool) -> Callable[..., tuple[Any, Any]]:
    """A function that computes an encoder for a single utterance.

    Args:
        model: The encoder.
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.

    Returns:
        A function of samples (1, num_samples) and the number of those that are not padding (1,)
        int32, or None if all are true. Its results are those of `Encoder.encode`.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    recurrent = [inference_layer(layer, fused) for layer in model.recurrent]

    def encode(samples: Any, num_samples: Any) -> tuple[Any, Any]:
        true_samples = tf.shape(samples)[1:] if num_samples is None else num_samples
        frames, num_frames = model.mfcc(samples, num_samples=true_samples)
        x, num_steps = stack_frames(frames, num_frames, model.config.frame_stack)
        is_true = (tf.range(tf.shape(x)[1]) < num_steps)[:, tf.newaxis]
        for index, layer in enumerate(recurrent):
            x = layer(x) if num_samples is None else layer(x, is_true)
            if model.norms:
                x = model.norms[index](x)
        return model.with_later_frames(x, num_steps), num_steps

    return encode


def convert_of_samples(function: Any, model: Encoder, max_samples: int | None) -> bytes:
    """Convert a function of samples; with max_samples also of num_samples: see convert_acoustic."""
    signature = [tf.TensorSpec((1, max_samples), tf.float32, SAMPLES)]
    if max_samples is not None:
        signature.append(tf.TensorSpec((1,), tf.int32, NUM_SAMPLES))
    return convert(tf.function(function, input_signature=signature, autograph=False), model)
