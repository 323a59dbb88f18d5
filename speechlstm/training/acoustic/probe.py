"""Run a bundle in a process that cannot import a training framework, as on a phone.

    python probe.py BUNDLE SAMPLES.npz OUTPUTS.npz

This is a script, since importing it from the package would import Keras. SAMPLES.npz holds
waveforms, which one interpreter runs in this order; a model for streams gets them in blocks of
BLOCK_SECONDS in turn. OUTPUTS.npz gets the log-probabilities of each (of a classifier those of the
classes, followed by the embedding) and, as its last array, the seconds that all of them took.
"""

import sys
import time
from itertools import cycle
from pathlib import Path

BLOCK_SECONDS = (0.01, 10.0, 0.1, 0.37, 1.0)


def main(bundle: Path, samples: Path, results: Path) -> None:
    """Run the model of a bundle on waveforms and write its outputs."""
    for framework in ("tensorflow", "keras", "torch", "jax"):
        sys.modules[framework] = None  # type: ignore[assignment]  # to import it raises ImportError

    import numpy as np

    from speechlstm.acoustic import LiteRTAcousticModel, StreamingModel, StreamingUtterance
    from speechlstm.audio import Audio
    from speechlstm.bundle import STREAMING_MODEL, ClassifierBundle, read_any_bundle
    from speechlstm.classification import LiteRTClassifier

    contents = read_any_bundle(bundle)
    with np.load(samples) as arrays:
        waveforms = list(arrays.values())
    if isinstance(contents, ClassifierBundle):
        classifier = LiteRTClassifier(contents)

        def outputs_of(waveform: np.ndarray, seconds: float) -> np.ndarray:
            return np.concatenate(classifier.outputs(Audio(waveform, classifier.sample_rate)))
    elif bundle.name == STREAMING_MODEL:
        streaming = StreamingModel(bundle, contents.acoustic)
        rate = contents.acoustic.features.sample_rate

        def outputs_of(waveform: np.ndarray, seconds: float) -> np.ndarray:
            utterance, size = StreamingUtterance(streaming), round(seconds * rate)
            blocks = (waveform[i : i + size] for i in range(0, len(waveform), size))
            return np.concatenate([*map(utterance.process, blocks), utterance.finish()])
    else:
        model = LiteRTAcousticModel(contents)

        def outputs_of(waveform: np.ndarray, seconds: float) -> np.ndarray:
            return model.outputs(Audio(waveform, model.sample_rate))

    start = time.perf_counter()
    outputs = [outputs_of(*pair) for pair in zip(waveforms, cycle(BLOCK_SECONDS), strict=False)]
    np.savez(results, *outputs, np.float64(time.perf_counter() - start))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
