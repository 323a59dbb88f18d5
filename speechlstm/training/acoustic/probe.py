"""Run a bundle in a process that cannot import a training framework, as on a phone.

    python probe.py BUNDLE SAMPLES.npz LOG_PROBS.npz

This is a script, since importing it from the package would import Keras. SAMPLES.npz holds
waveforms, which one interpreter runs in this order; a model for streams gets them in blocks of
BLOCK_SECONDS in turn. LOG_PROBS.npz gets the log-probabilities of each and, as its last array, the
seconds that all of them took.
"""

import sys
import time
from itertools import cycle
from pathlib import Path

BLOCK_SECONDS = (0.01, 10.0, 0.1, 0.37, 1.0)


def main(bundle: Path, samples: Path, log_probs: Path) -> None:
    """Run the model of a bundle on waveforms and write their log-probabilities."""
    for framework in ("tensorflow", "keras", "torch", "jax"):
        sys.modules[framework] = None  # type: ignore[assignment]  # to import it raises ImportError

    import numpy as np

    from speechlstm.acoustic import CarriedUtterance, LiteRTAcousticModel, StreamingModel
    from speechlstm.audio import Audio
    from speechlstm.bundle import STREAMING_MODEL, read_bundle

    contents = read_bundle(bundle)
    with np.load(samples) as arrays:
        waveforms = list(arrays.values())
    rate = contents.acoustic.features.sample_rate
    if bundle.name == STREAMING_MODEL:
        streaming = StreamingModel(bundle, contents.acoustic)

        def outputs_of(waveform: np.ndarray, seconds: float) -> np.ndarray:
            utterance, size = CarriedUtterance(streaming), round(seconds * rate)
            blocks = (waveform[i : i + size] for i in range(0, len(waveform), size))
            return np.concatenate([*map(utterance.hear, blocks), utterance.finish()])
    else:
        model = LiteRTAcousticModel(contents)

        def outputs_of(waveform: np.ndarray, seconds: float) -> np.ndarray:
            return model.outputs(Audio(waveform, rate))

    start = time.perf_counter()
    outputs = [outputs_of(*pair) for pair in zip(waveforms, cycle(BLOCK_SECONDS), strict=False)]
    np.savez(log_probs, *outputs, np.float64(time.perf_counter() - start))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
