"""The LSTM on torch, against torch.nn.LSTM, and what cuDNN asks for."""

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from speechlstm.training.layers.lstm_torch import lstm  # noqa: E402  (needs torch)

WIDTH, UNITS = 5, 3


def cell(seed: int) -> Any:
    """A cell of Keras, as far as the layer reads it."""
    generator = torch.Generator().manual_seed(seed)

    def variable(*shape: int) -> Any:
        return SimpleNamespace(value=torch.randn(*shape, generator=generator).requires_grad_())

    return SimpleNamespace(
        units=UNITS,
        kernel=variable(WIDTH, 4 * UNITS),
        recurrent_kernel=variable(UNITS, 4 * UNITS),
        bias=variable(4 * UNITS),
    )


def noise(*shape: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_both_directions_are_those_of_torch() -> None:
    cells, inputs = [cell(1), cell(2)], noise(2, 7, WIDTH)
    outputs = lstm(inputs, torch.tensor([7, 4]), cells, "float32")
    theirs = torch.nn.LSTM(WIDTH, UNITS, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for suffix, ours in (("", cells[0]), ("_reverse", cells[1])):
            getattr(theirs, f"weight_ih_l0{suffix}").copy_(ours.kernel.value.T)
            getattr(theirs, f"weight_hh_l0{suffix}").copy_(ours.recurrent_kernel.value.T)
            getattr(theirs, f"bias_ih_l0{suffix}").copy_(ours.bias.value)
            getattr(theirs, f"bias_hh_l0{suffix}").zero_()
    torch.testing.assert_close(outputs[:1], theirs(inputs[:1])[0])
    torch.testing.assert_close(outputs[1:, :4], theirs(inputs[1:, :4])[0])
    outputs.sum().backward()
    assert all(weight.value.grad.abs().sum() > 0 for weight in (cells[0].kernel, cells[1].bias))


def test_cudnn_gets_weights_in_one_piece_and_inputs_without_strides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    run = torch._VF.lstm

    def checked(inputs: Any, state: Any, weights: list[Any], *options: Any) -> Any:
        assert inputs.is_contiguous()
        assert [tuple(w.shape) for w in weights] == [(12, WIDTH), (12, UNITS), (12,), (12,)]
        assert all(weight.is_contiguous() for weight in weights)
        starts = [weight.storage_offset() for weight in weights]
        assert starts == [0, 12 * WIDTH, 12 * (WIDTH + UNITS), 12 * (WIDTH + UNITS + 1)]
        assert len({weight.untyped_storage().data_ptr() for weight in weights}) == 1
        calls.append(weights)
        return run(inputs, state, weights, *options)

    monkeypatch.setattr(torch._VF, "lstm", checked)
    inputs = noise(7, 2, WIDTH).transpose(0, 1)
    lstm(inputs, torch.tensor([7, 4]), [cell(1), cell(2)], "float32")
    assert len(calls) == 2
