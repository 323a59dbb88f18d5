"""The LSTM layer on torch, by its fused kernels: oneDNN on a CPU, cuDNN on a GPU.

They use Keras' weights: the order of the gates is the same (i, f, g, o), but torch stores the
kernels transposed and has a second bias, which is 0 here.
"""

from typing import Any

import torch


def lstm(inputs: Any, num_steps: Any, cells: list[Any], precision: str) -> Any:
    """Run a layer; see `RecurrentLayer`.

    The fused kernels ignore lengths, and with packed sequences torch uses a kernel that is ten
    times slower than oneDNN's. So the backward direction is a forward one over sequences that are
    reversed within their lengths.

    Args:
        inputs: (batch, max_steps, width).
        num_steps: (batch,) int32, number of steps of each sequence.
        cells: Keras' cells with the weights, one for each direction.
        precision: Precision of everything that the kernels compute, except for their state.

    Returns:
        (batch, max_steps, num_units * directions) float32; undefined after the end of a sequence.
    """
    inputs = inputs.to(getattr(torch, precision))
    if len(cells) == 1:
        return _forwards(inputs, cells[0]).float()
    order = _reversal(num_steps, inputs.shape[1])
    backwards = _Reversed.apply(_forwards(_Reversed.apply(inputs, order), cells[1]), order)
    return torch.cat([_forwards(inputs, cells[0]), backwards], dim=2).float()


def _forwards(inputs: Any, cell: Any) -> Any:
    weights = _flat_weights(cell, inputs.dtype)
    start = inputs.new_zeros(1, len(inputs), cell.units)
    # has_biases, num_layers, dropout, train, bidirectional, batch_first
    options = True, 1, 0.0, torch.is_grad_enabled(), False, True
    return torch._VF.lstm(inputs.contiguous(), (start, start), weights, *options)[0]


def _flat_weights(cell: Any, dtype: Any) -> list[Any]:
    """The weights as torch has them, one after the other in one piece of memory.

    cuDNN refuses those that are not contiguous, and copies into one piece at every call what is
    not in one, with a warning: see torch.nn.RNNBase.flatten_parameters.
    """
    kernel, recurrent, bias = (
        weight.value.to(dtype) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    weights = [kernel.T, recurrent.T, bias, torch.zeros_like(bias)]
    flat = torch.cat([weight.flatten() for weight in weights])
    pieces = flat.split([weight.numel() for weight in weights])
    return [piece.view(weight.shape) for piece, weight in zip(pieces, weights, strict=True)]


def _reversal(num_steps: Any, max_steps: int) -> Any:
    """The index (batch * max_steps,) of each step of the reversed sequences; padding stays."""
    steps = torch.arange(max_steps, device=num_steps.device)
    reverse = num_steps[:, None] - 1 - steps
    starts = max_steps * torch.arange(len(num_steps), device=num_steps.device)
    return (starts[:, None] + torch.where(reverse >= 0, reverse, steps)).flatten()


class _Reversed(torch.autograd.Function):
    """Reorders values (batch, max_steps, width) by a permutation that is its own inverse.

    The gradient is reordered likewise, which is faster than the gradient of torch's indexing.
    """

    @staticmethod
    def forward(ctx: Any, values: Any, order: Any) -> Any:
        ctx.save_for_backward(order)
        return values.flatten(0, 1).index_select(0, order).view(values.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> tuple[Any, None]:
        (order,) = ctx.saved_tensors
        return _Reversed.apply(gradient, order), None
