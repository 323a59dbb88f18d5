"""Export of a trained acoustic model to a bundle, which is verified before it is written."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, decoder_to_keep, refuse_to_replace_others, write_bundle
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import BundleError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.network import AcousticModel, stack_frames
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.verification import Verification, read_recordings, verify
from speechlstm.training.tflite.convert import convert, inference_layer, require_tensorflow
from speechlstm.training.tflite.edit import Quantization, quantize, without_cell_clip

MAX_UTTERANCES = 100  # default number of utterances to verify a bundle on


def export(
    run: Run | str | Path,
    bundle: str | Path,
    quantization: Quantization = "none",
    manifests: Sequence[str | Path] = (),
    max_utterances: int = MAX_UTTERANCES,
    report: Callable[[Verification], object] = lambda verification: None,
) -> Verification:
    """Export the best model of a run to a bundle; see export_model.

        from speechlstm.training import export

        verification = export("runs/mine", "mine", quantization="int8")
        print(verification.to_text())

    Args:
        run: The run, or its folder.
        bundle: The folder of the bundle; an existing bundle is replaced, but keeps its decoder.
        quantization: How to store the recurrent kernels: "none" (float32), "float16" or "int8".
        manifests: Manifests to verify the bundle on; by default the validation manifests of the
            run.
        max_utterances: Largest number of utterances to verify on.
        report: Called with the verification, also with that of a bundle that is refused.

    Returns:
        The verification.

    Raises:
        ModelError: No epoch of the run has ended, or the exported file does not run.
        BundleError: The bundle fails the verification and is not written, or the folder holds
            something else.
        DataError: A manifest or recording cannot be read.
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    path = Path(bundle)
    run = run if isinstance(run, Run) else load_run(Path(run))
    refuse_to_replace_others(path)
    model = run.best_network()
    recordings = read_recordings(
        [Manifest(Path(p)) for p in manifests or run.valid],
        run.settings.features.sample_rate,
        max_utterances,
    )
    training = run.settings.training.to_dict() | {"best_epoch": run.summary()}
    return export_model(
        model, run.alphabet, recordings, path, quantization, training, report, run.phones
    )


def export_model(
    model: AcousticModel,
    alphabet: Alphabet,
    recordings: Sequence[tuple[Audio, str]],
    path: Path,
    quantization: Quantization = "none",
    training: Mapping[str, Any] | None = None,
    report: Callable[[Verification], object] = lambda verification: None,
    phones: Alphabet | None = None,
) -> Verification:
    """Write a bundle after it has been verified in a process without TensorFlow.

    An existing bundle keeps its decoder, except for the calibration: see decoder_to_keep.

    Args:
        model: The trained model.
        alphabet: The alphabet of its character labels.
        recordings: Recordings and their transcripts to verify the bundle on: see verify.
        path: The folder of the bundle.
        quantization: How to store the recurrent kernels.
        training: How the model was trained: values that JSON can represent.
        report: Called with the verification, also with that of a bundle that is refused.
        phones: The alphabet of its phone labels, if it has a second output.

    Returns:
        The verification.

    Raises:
        BundleError: The bundle fails the verification and is not written, or the folder holds
            something else, or a decoder for other labels.
        ConfigError: Keras runs on another backend than TensorFlow.
        ModelError: The exported file does not run.
    """
    acoustic = AcousticSpec(model.features, alphabet, model.config, phones, training or {})
    decoder = decoder_to_keep(path, acoustic)
    tflite = quantize(without_cell_clip(convert_acoustic(model)), quantization)
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder) / "bundle"
        write_bundle(candidate, tflite, acoustic)
        verification = verify(model, candidate, recordings, quantization)
    report(verification)
    if failures := verification.failures:
        raise BundleError(path, f"not written: {'; '.join(failures)}")
    write_bundle(path, tflite, acoustic, decoder)
    return verification


def convert_acoustic(model: AcousticModel, fused: bool = True) -> bytes:
    """Convert a model to a TensorFlow Lite file of float32 weights and built-in operators.

    Args:
        model: The model.
        fused: Whether to use a fused operator for LSTMs; other cells are always loops.

    Returns:
        The content of the file. Its input is samples (1, num_samples) float32 in [-1, 1], its
        output natural log-probabilities (1, num_steps, num_labels + num_phones), normalized over
        the characters and over the phones separately.

    Raises:
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    recurrent = [inference_layer(layer, fused) for layer in model.recurrent]

    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.float32, "samples")], autograph=False)
    def log_probs(samples: Any) -> Any:
        frames, num_frames = model.mfcc(samples, num_samples=tf.shape(samples)[1:])
        x, _ = stack_frames(frames, num_frames, model.config.frame_stack)
        for index, layer in enumerate(recurrent):
            x = layer(x)
            if model.norms:
                x = model.norms[index](x)
        logits = tf.concat([layer(x) for layer in model.output_layers], axis=-1)
        return model.log_probs(logits)

    return convert(log_probs, model)
