"""Run a bundle where no training framework can be imported, as it will run on a phone.

    python probe.py BUNDLE SAMPLES.npz LOG_PROBS.npz

A script and no module of the package, whose import brings in Keras. SAMPLES.npz holds waveforms,
which one interpreter runs in their order; LOG_PROBS.npz gets the log-probabilities of each and,
last, the seconds that all of them took.
"""

import sys
import time
from pathlib import Path


def main(bundle: Path, samples: Path, log_probs: Path) -> None:
    """Write the log-probabilities of the waveforms."""
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
