from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from speechlstm.errors import ConfigError, ModelError
from speechlstm.training.engine.checkpoint import save_checkpoint
from speechlstm.training.engine.network import Network
from speechlstm.training.engine.run_folder import NetworkRun, RunFolder, is_run, read_description


class _Run(NetworkRun[Network]):
    def new_network(self) -> Network:
        raise NotImplementedError

    def rank(self, metrics: Mapping[str, Any]) -> float:
        rate: float = metrics["valid_wer"]
        return rate


@pytest.mark.parametrize("content", ["{", "[1]\n", "3\n", '{"wer": 1}\n', "\x00", "[" * 100_000])
def test_damaged_metrics_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(ModelError, match=r"metrics\.jsonl: damaged: [^\n]*$"):
        _Run(tmp_path).summary()


HISTORY = [{"epoch": 1, "valid_wer": 0.5}, {"epoch": 2, "valid_wer": 0.25}]


def test_metrics_are_those_of_the_checkpoint_whatever_is_in_their_list(tmp_path: Path) -> None:
    """A digit that changes in metrics.jsonl would make another epoch the best."""
    run = _Run(tmp_path)
    save_checkpoint(run.checkpoint, {}, {"history": HISTORY})
    save_checkpoint(run.best, {}, HISTORY[1])
    for content in ("", "{", '{"epoch": 1, "valid_wer": 0.0}\n'):
        run.metrics.write_text(content)
        assert run.read_metrics() == HISTORY
        assert run.summary() == HISTORY[1]
    run.checkpoint.unlink()
    assert run.summary() == HISTORY[1]


@pytest.mark.parametrize("kept", [(0, 0, 1), (0, 2), (1,), (1, 0)])
def test_a_list_of_metrics_without_a_line_or_with_one_twice_is_refused(
    kept: tuple[int, ...], tmp_path: Path
) -> None:
    """It is read if there is no checkpoint."""
    history = [*HISTORY, {"epoch": 3, "valid_wer": 0.5}]
    run = RunFolder(tmp_path)
    run.write_metrics(history)
    assert run.read_metrics() == history
    run.write_metrics([history[index] for index in kept])
    with pytest.raises(ModelError, match=r"metrics\.jsonl: damaged: must hold a line"):
        run.read_metrics()


@pytest.mark.parametrize(
    ("best", "history"),
    [
        (HISTORY[1], HISTORY),
        (HISTORY[1], []),
        (HISTORY[0], HISTORY),
        (None, HISTORY),  # as version 0.1.0 wrote it
        (None, []),  # weights from elsewhere
    ],
)
def test_a_run_that_has_lost_its_checkpoint_is_not_trained_again_from_the_start(
    best: dict[str, Any] | None, history: list[dict[str, Any]], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    run.write_description({})
    run.refuse_lost_weights()
    run.write_metrics(history)
    save_checkpoint(run.best, {}, best)
    with pytest.raises(ModelError, match=r"checkpoint\.npz: missing: .*replace best\.npz; restore"):
        run.refuse_lost_weights()


def test_a_run_that_is_replaced_is_gone_before_anything_of_the_new_one_is_there(
    tmp_path: Path,
) -> None:
    """A kill in between would leave the settings of one with the weights of the other."""
    run = RunFolder(tmp_path)
    run.write_description({"epochs": 3})
    run.initial.touch()
    run.clear()
    assert not run.description.exists()
    assert not run.initial.exists()


def test_a_run_that_has_lost_its_initial_weights_does_not_begin_with_random_ones(
    tmp_path: Path,
) -> None:
    run, values = RunFolder(tmp_path), {"epochs": 3}
    run.initial.touch()
    run.write_description(values)
    run.refuse_lost_weights()
    run.initial.unlink()
    with pytest.raises(ModelError, match=r"initial\.npz: missing: the run would begin with random"):
        run.refuse_lost_weights()
    save_checkpoint(run.best, {}, HISTORY[0])  # killed at the end of the first epoch
    with pytest.raises(ModelError, match=r"initial\.npz: missing"):
        run.refuse_lost_weights()
    with read_description(tmp_path, "a network") as found:  # its best weights can be exported
        assert found == values


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_description({})
    save_checkpoint(run.best, {}, HISTORY[0])
    run.refuse_lost_weights()
    run.write_metrics(HISTORY[:1])
    run.refuse_lost_weights()


@pytest.mark.slow
def test_a_damaged_list_of_metrics_is_written_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_metrics(HISTORY)
    whole = run.metrics.read_bytes()
    assert not run.restore_metrics(HISTORY)
    for position in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        damaged = flipped if position % 2 else whole[: position // 8]
        run.metrics.write_bytes(damaged)
        assert run.restore_metrics(HISTORY)
        assert run.metrics.read_bytes() == whole
    run.write_metrics([*HISTORY, {"epoch": 3}])  # killed before its checkpoint
    assert not run.restore_metrics(HISTORY)
    assert run.metrics.read_bytes() == whole


def test_a_checkpoint_without_a_history_is_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for state in (None, [], {"history": 3}, {"history": [3]}):
        save_checkpoint(run.checkpoint, {}, state)
        with pytest.raises(ModelError, match=r"checkpoint\.npz: damaged checkpoint"):
            run.read_metrics()


@pytest.mark.parametrize("changed", ["0.001", "epochs"])
def test_a_description_that_has_changed_is_refused(changed: str, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_description({"rate": 0.001, "epochs": 3})
    with read_description(tmp_path, "a network") as values:
        assert values == {"rate": 0.001, "epochs": 3}
    text = run.description.read_text()
    run.description.write_text(text.replace(changed, changed[:-1] + "2"))
    with (
        pytest.raises(ModelError, match=r"run\.json: damaged.*its checksum differs"),
        read_description(tmp_path, "a network"),
    ):
        pass


def test_a_folder_is_of_a_run_or_of_a_bundle(tmp_path: Path) -> None:
    assert not is_run(tmp_path / "none")
    assert is_run(tmp_path)  # which run it is, or that it is none, is for its loader to say
    (tmp_path / "bundle.json").touch()
    assert not is_run(tmp_path)
    (tmp_path / "run.json").touch()
    with pytest.raises(ModelError, match="holds a run and a bundle; move one of them"):
        is_run(tmp_path)


def test_no_more_epochs_can_have_ended_than_there_are(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.check_prolonging(1) == 0
    run.write_metrics([{"epoch": 1}, {"epoch": 2}])
    assert run.check_prolonging(2) == 2
    with pytest.raises(
        ConfigError, match="2 epochs have ended already; --epochs must be at least 2, is 1"
    ):
        run.check_prolonging(1)
