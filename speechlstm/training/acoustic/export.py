"""From a trained model to a bundle that was run and compared before it was written."""

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

MAX_UTTERANCES = 100  # to verify a bundle on, unless told otherwise


def export(
    run: Run | str | Path,
    bundle: str | Path,
    quantization: Quantization = "none",
    manifests: Sequence[str | Path] = (),
    max_utterances: int = MAX_UTTERANCES,
    report: Callable[[Verification], object] = lambda verification: None,
) -> Verification:
    """Write a bundle with the best model of a run; see export_model.

        from speechlstm.training import export

        verification = export("runs/mine", "mine", quantization="int8")
        print(verification.to_text())

    Args:
        run: The run, or its folder.
        bundle: The bundle's folder.
        quantization: How the recurrent kernels are stored.
        manifests: Utterances to verify the bundle on; by default those the run was validated on.
        max_utterances: How many of them at most.
        report: Gets the figures, also those of a bundle that is refused.

    Raises:
        ModelError: The run has no model yet, or its file does not run.
        BundleError: The bundle misses a bar and is not written, or something else stands there.
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
    """Write a bundle, once it has been verified in another process, without TensorFlow.

    A bundle that is there keeps its decoder, without the calibration: see decoder_to_keep.

    Args:
        model: The trained model.
        alphabet: What its labels stand for.
        recordings: What it is verified on: see verify.
        path: The bundle's folder.
        quantization: How the recurrent kernels are stored.
        training: How the model was made: plain JSON values.
        report: Gets the figures, also those of a bundle that is refused.
        phones: What the labels of its second output stand for, if it has one.

    Raises:
        BundleError: The bundle misses a bar and is not written, or something else stands at path,
            or a decoder for other labels.
        ConfigError: Keras runs on another backend than TensorFlow.
        ModelError: The file does not run.
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
    """The model as a TensorFlow Lite file: float32 weights, built-in operators only.

    Args:
        model: The model.
        fused: Whether to ask for fused LSTMs; other cells are loops in any case.

    Returns:
        The file. Input: samples (1, num_samples) float32; output: natural log-probabilities
        (1, num_steps, num_labels + num_phones), normalised over the characters and over the phones.

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
