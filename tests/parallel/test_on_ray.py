import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from speechlstm.errors import ConfigError
from speechlstm.parallel.on_ray import map_on_ray

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def square(item: int) -> tuple[int, int]:
    """The square, and the process that computed it."""
    time.sleep(0.1)
    if item < 0:
        raise ValueError(f"{item} is negative")
    return item * item, os.getpid()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two nodes with a core each."""
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    nodes = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=nodes)
    cluster.add_node(num_cpus=1)
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


def test_nothing_is_lost_or_done_twice_if_a_process_is_killed(cluster: str) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(40):
            taken.append(item)
            yield item

    results = map_on_ray(lambda: square, items(), cluster)
    first = next(results)
    assert len(taken) <= 2 * 8
    os.kill(first[1], signal.SIGKILL)
    found = [first, *results]
    assert [value for value, _ in found] == [item * item for item in range(40)]
    processes = {process for _, process in found}
    assert len(processes) >= 2
    assert found[-1][1] != first[1]


def test_an_error_comes_when_its_result_is_due(cluster: str) -> None:
    results = map_on_ray(lambda: square, [1, 2, -3, 4], cluster)
    assert [next(results)[0], next(results)[0]] == [1, 4]
    with pytest.raises(ValueError, match="-3 is negative"):
        next(results)


def test_a_cluster_that_is_not_there_is_named() -> None:
    ray.shutdown()
    with pytest.raises(ConfigError, match=r"^--ray 127\.0\.0\.1:9: no Ray cluster: "):
        list(map_on_ray(lambda: square, [1], "127.0.0.1:9"))
