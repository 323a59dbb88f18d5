"""The LSTM layer on torch: its fused kernels, oneDNN's on a CPU and cuDNN's on a GPU.

They take Keras' weights: the gates' order is the same (i, f, g, o); torch stores kernels transposed
and has a second bias.
"""

from typing import Any

import torch


def lstm(inputs: Any, num_steps: Any, cells: list[Any], precision: str) -> Any:
    """Run a layer; see `RecurrentLayer`.

    The kernels know no lengths, and packed sequences would leave oneDNN's for one ten times slower.
    So the backward direction is the forward one over each utterance reversed within its length.

    Args:
        inputs: (batch, max_steps, width).
        num_steps: (batch,) int32, true steps.
        cells: Keras' cells with the weights, one a direction.
        precision: Of all that the kernels compute, but for their state.

    Returns:
        (batch, max_steps, num_units * directions) float32; without meaning beyond an utterance's
        length.
    """
    inputs = inputs.to(getattr(torch, precision))
    if len(cells) == 1:
        return _forwards(inputs, cells[0]).float()
    order = _reversal(num_steps, inputs.shape[1])
    backwards = _Reversed.apply(_forwards(_Reversed.apply(inputs, order), cells[1]), order)
    return torch.cat([_forwards(inputs, cells[0]), backwards], dim=2).float()


def _forwards(inputs: Any, cell: Any) -> Any:
    kernel, recurrent, bias = (
        weight.value.to(inputs.dtype) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    weights = [kernel.T, recurrent.T, bias, torch.zeros_like(bias)]
    start = inputs.new_zeros(1, len(inputs), cell.units)
    # has_biases, num_layers, dropout, train, bidirectional, batch_first
    options = True, 1, 0.0, torch.is_grad_enabled(), False, True
    return torch._VF.lstm(inputs, (start, start), weights, *options)[0]


def _reversal(num_steps: Any, max_steps: int) -> Any:
    """Where each step (batch * max_steps,) of the reversed utterances stands; padding stays."""
    steps = torch.arange(max_steps, device=num_steps.device)
    reverse = num_steps[:, None] - 1 - steps
    starts = max_steps * torch.arange(len(num_steps), device=num_steps.device)
    return (starts[:, None] + torch.where(reverse >= 0, reverse, steps)).flatten()


class _Reversed(torch.autograd.Function):
    """Values (batch, max_steps, width) in an order that is its own inverse.

    The gradient takes the same way; that of torch's own indexing would add up rows, more slowly.
    """

    @staticmethod
    def forward(ctx: Any, values: Any, order: Any) -> Any:
        ctx.save_for_backward(order)
        return values.flatten(0, 1).index_select(0, order).view(values.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> tuple[Any, None]:
        (order,) = ctx.saved_tensors
        return _Reversed.apply(gradient, order), None
