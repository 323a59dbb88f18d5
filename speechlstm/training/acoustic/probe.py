"""Run a bundle in a process that cannot import a training framework, as on a phone.

    python probe.py BUNDLE SAMPLES.npz LOG_PROBS.npz

This is a script, since importing it from the package would import Keras. SAMPLES.npz holds
waveforms, which one interpreter runs in this order. LOG_PROBS.npz gets the log-probabilities of
each and, as its last array, the seconds that all of them took.
"""

import sys
import time
from pathlib import Path


def main(bundle: Path, samples: Path, log_probs: Path) -> None:
    """Run the model of a bundle on waveforms and write their log-probabilities."""
    for framework in ("tensorflow", "keras", "torch", "jax"):
        sys.modules[framework] = None  # type: ignore[assignment]  # to import it raises ImportError

    import numpy as np

    from speechlstm.acoustic import LiteRTAcousticModel
    from speechlstm.audio import Audio
    from speechlstm.bundle import read_bundle

    model = LiteRTAcousticModel(read_bundle(bundle))
    with np.load(samples) as arrays:
        recordings = [Audio(array, model.sample_rate) for array in arrays.values()]
    start = time.perf_counter()
    outputs = [model.outputs(audio) for audio in recordings]
    np.savez(log_probs, *outputs, np.float64(time.perf_counter() - start))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
