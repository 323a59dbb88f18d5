import pytest

from speechlstm.errors import ConfigError
from speechlstm.parallel.launch import Launch

ADDRESS = {"MASTER_ADDR": "gpu0", "MASTER_PORT": "29500"}
SECOND_OF_FOUR = {"WORLD_SIZE": "8", "RANK": "5", "LOCAL_WORLD_SIZE": "4", "LOCAL_RANK": "1"}


@pytest.mark.parametrize("missing", ["MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"])
def test_without_all_variables_nothing_is_launched(missing: str) -> None:
    environment = ADDRESS | SECOND_OF_FOUR
    assert Launch.read(environment) == Launch(8, 5, 4, 1)
    del environment[missing]
    assert Launch.read(environment) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("WORLD_SIZE", "two", "WORLD_SIZE: must be a number, is 'two'"),
        ("RANK", "-1", "RANK: must be a number, is '-1'"),
        ("RANK", "8", "RANK: must be in 0..7, is 8"),
        ("LOCAL_RANK", "4", "LOCAL_RANK: must be in 0..3, is 4"),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        Launch.read(ADDRESS | SECOND_OF_FOUR | {name: value})
    assert f"{error.value}" == reason


@pytest.mark.parametrize(
    ("allowed", "chosen"), [(None, "1"), ("4,5,6,7", "5"), ("", ""), ("-1", "-1")]
)
def test_each_process_of_a_machine_has_a_gpu(allowed: str | None, chosen: str) -> None:
    environment = {} if allowed is None else {"CUDA_VISIBLE_DEVICES": allowed}
    Launch(8, 5, 4, 1).choose_gpu(environment)
    assert environment == {"CUDA_VISIBLE_DEVICES": chosen}


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"has 0,1,2, but 4 processes were started"):
        Launch(8, 5, 4, 1).choose_gpu({"CUDA_VISIBLE_DEVICES": "0,1,2"})
