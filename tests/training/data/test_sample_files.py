from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import ModelError
from speechlstm.training.data.sample_files import mapped_array, write_array

TOKENS = np.arange(40, dtype=np.int32)


def test_an_array_is_read_by_numpy_too(tmp_path: Path) -> None:
    path = tmp_path / "train.npy"
    write_array(path, TOKENS)
    assert mapped_array(path).tolist() == TOKENS.tolist() == np.load(path).tolist()
    np.save(path, TOKENS)  # version 0.1.0 wrote no checksum
    assert mapped_array(path).tolist() == TOKENS.tolist()


@pytest.mark.slow
def test_no_damaged_array_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.npy"
    write_array(path, TOKENS)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for damaged in (
            whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :],
            whole[:position],
        ):
            path.write_bytes(damaged)
            if position == len(whole) - 4 and len(damaged) == position:
                assert mapped_array(path).tolist() == TOKENS.tolist()  # whole, without a checksum
                continue
            with pytest.raises(ModelError, match=r"train\.npy: (damaged|cannot be read)") as error:
                mapped_array(path)
            assert "\n" not in str(error.value)
