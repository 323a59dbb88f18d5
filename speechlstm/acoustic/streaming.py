"""An acoustic model that processes an utterance block by block, with a state in between."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.bundle import AcousticSpec
from speechlstm.errors import BundleError
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec

SAMPLES, NUM_SAMPLES, START, STATE = "samples", "num_samples", "start", "state"  # inputs
LOG_PROBS, FIRST_FRAME = "log_probs", "first_frame"  # outputs, besides the next state
END_UNKNOWN = (1 << 31) - 1  # the number of samples of an utterance that goes on

_MAX_FRAMES = 32  # in one run; what a loop copies grows with their square
_MAX_STATE = 1 << 24  # numbers
_MAX_DELAY = 1000  # output frames


class StreamingModel:
    """The network in a bundle's model.streaming.tflite. Threads may share one.

    Attributes:
        delay: How many output frames the network lags behind its input.

    Raises:
        BundleError: LiteRT cannot load the file, or it does not keep to data/README.md.
    """

    def __init__(self, path: Path, acoustic: AcousticSpec) -> None:
        self.acoustic, self._path = acoustic, path
        phones = acoustic.phones.num_labels if acoustic.phones else 0
        self.num_labels = acoustic.alphabet.num_labels + phones
        self.frame_samples = acoustic.features.hop_samples * acoustic.network.frame_stack
        number, state = TensorSpec("int32", (1,)), TensorSpec("float32", (1, None))
        self._model = TFLiteModel(
            path,
            {
                SAMPLES: TensorSpec("float32", (1, None)),
                START: number,
                NUM_SAMPLES: number,
                STATE: state,
            },
            {
                LOG_PROBS: TensorSpec("float32", (1, None, self.num_labels)),
                FIRST_FRAME: number,
                STATE: state,
            },
            use_xnnpack=True,
        )
        size = self._model.inputs[STATE].shape[1]
        if size is None or not 0 < size <= _MAX_STATE:
            raise self._error(f"has a state of {size or 'unknown'} numbers")
        self.empty_state = np.zeros((1, size), np.float32)
        block = np.zeros(self.frame_samples, np.float32)
        _, first, _ = self._model_run(block, 0, END_UNKNOWN, self.empty_state)
        if not 0 <= -first <= _MAX_DELAY:
            raise self._error(f"begins with output frame {first}")
        self.delay = -first

    def run(
        self, samples: NDArray[np.float32], start: int, num_samples: int, state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Process the next block of an utterance.

        Args:
            samples: A multiple of frame_samples; 0 after the end of the utterance.
            start: The number of samples before them, also a multiple of frame_samples.
            num_samples: The number of samples of the utterance; END_UNKNOWN: it goes on.
            state: As returned for the block before; empty_state for the first one.

        Returns:
            Natural log-probabilities (num_frames, num_labels) of output frames, from
            `start // frame_samples - delay` on, which may lie before or after the utterance; and
            the new state.

        Raises:
            BundleError: The file fails, or does not keep to data/README.md.
        """
        log_probs, first, state = self._model_run(samples, start, num_samples, state)
        expected = start // self.frame_samples - self.delay
        if first != expected:
            raise self._error(f"computes output frames from {first} on, not from {expected}")
        return log_probs, state

    def _model_run(
        self, samples: NDArray[np.float32], start: int, num_samples: int, state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], int, NDArray[np.float32]]:
        found = self._model.run(
            samples=samples[np.newaxis],
            start=np.array([start], np.int32),
            num_samples=np.array([num_samples], np.int32),
            state=state,
        )
        log_probs = found[LOG_PROBS][0]
        count = len(samples) // self.frame_samples
        if len(log_probs) != count or found[STATE].shape != state.shape:
            raise self._error(
                f"computes {len(log_probs)} output frames of {count}, and a state of "
                f"{found[STATE].shape[1]} numbers of {state.shape[1]}"
            )
        return log_probs, int(found[FIRST_FRAME][0]), found[STATE]

    def _error(self, reason: str) -> BundleError:
        return BundleError(self._path, f"{reason}; export it again")


class StreamingUtterance:
    """An utterance that comes block by block.

    Args:
        columns: The outputs that are of interest: those of the characters, or of the phones.
    """

    def __init__(self, model: StreamingModel, columns: slice = slice(None)) -> None:
        self._model, self._columns = model, columns
        self._state, self._start = model.empty_state, 0
        self._rest = np.empty(0, np.float32)  # less than an output frame

    def process(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The log-probabilities (num_frames, num_labels) that become final by the next samples.

        Raises:
            BundleError: As in StreamingModel.run.
        """
        samples = np.concatenate((self._rest, samples))
        size = self._model.frame_samples
        stop = len(samples) // size * size
        self._rest = samples[stop:]
        return self._run(samples[:stop], END_UNKNOWN)

    def finish(self) -> NDArray[np.float32]:
        """The log-probabilities of the other frames, once there are no more samples.

        Raises:
            BundleError: As in StreamingModel.run.
        """
        num_samples = self._start + len(self._rest)
        acoustic, size = self._model.acoustic, self._model.frame_samples
        num_frames = acoustic.network.num_steps(acoustic.features.num_frames(num_samples))
        num_missing = num_frames + self._model.delay - self._start // size
        padding = np.zeros(num_missing * size - len(self._rest), np.float32)
        return self._run(np.concatenate((self._rest, padding)), num_samples)

    def _run(self, samples: NDArray[np.float32], num_samples: int) -> NDArray[np.float32]:
        size, found = self._model.frame_samples, []
        for start in range(0, len(samples), _MAX_FRAMES * size):
            block = samples[start : start + _MAX_FRAMES * size]
            log_probs, self._state = self._model.run(block, self._start, num_samples, self._state)
            first = self._start // size - self._model.delay
            found.append(log_probs[max(0, -first) :, self._columns])
            self._start += len(block)
        empty = np.empty((0, self._model.num_labels), np.float32)[:, self._columns]
        return np.concatenate((empty, *found))
