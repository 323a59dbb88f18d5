"""Row convolution: each unit of a unidirectional network sees its own next outputs."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("speechlstm")
class RowConvolution(keras.layers.Layer):
    """A convolution over time for each unit by itself, from a frame to those after it.

    Deep Speech 2 (Amodei et al., https://arxiv.org/abs/1512.02595, section 3.7): with it, a
    unidirectional network hears as much of what follows as it needs, and can still be used on a
    stream. At first it is the identity.

    Args:
        lookahead: The number of later frames.

    >>> layer = RowConvolution(2)
    >>> tuple(layer(ops.ones((1, 7, 4))).shape)  # the last two frames are only seen
    (1, 5, 4)
    """

    def __init__(self, lookahead: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lookahead = lookahead

    def build(self, inputs_shape: tuple[int | None, ...]) -> None:
        """Create the weights for inputs (batch, num_frames, width)."""
        self.kernel = self.add_weight(
            shape=(self.lookahead + 1, inputs_shape[-1]), initializer=_identity, name="kernel"
        )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Run the layer.

        Args:
            inputs: (batch, num_frames + lookahead, width).

        Returns:
            (batch, num_frames, width).
        """
        num_frames = ops.shape(inputs)[1] - self.lookahead
        windows = [inputs[:, k : k + num_frames] for k in range(self.lookahead + 1)]
        # One product, so that an exported file has the kernel as one constant.
        return ops.sum(ops.stack(windows, axis=2) * self.kernel, axis=2)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config: dict[str, Any] = super().get_config()
        return config | {"lookahead": self.lookahead}


def _identity(shape: tuple[int, int], dtype: Any = None) -> Any:
    return ops.pad(ops.ones((1, shape[1]), dtype), ((0, shape[0] - 1), (0, 0)))
