import json

import pytest

from speechlstm.storage import dump_checked, parse_checked

VALUES = {"rate": 0.1 + 0.2, "name": "größe", "list": [1, None, {"a": True}]}


def test_what_is_written_is_read() -> None:
    assert parse_checked(dump_checked(VALUES).encode()) == VALUES
    assert json.loads(dump_checked(VALUES)).keys() == {*VALUES, "crc32"}


def test_no_flipped_bit_changes_a_value() -> None:
    content = dump_checked(VALUES).encode()
    for position in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        try:
            found = parse_checked(bytes(flipped))
        except ValueError:
            continue
        # White space, or the name of the checksum, without which none is verified.
        assert VALUES.items() <= found.items()


def test_no_truncated_text_is_read() -> None:
    content = dump_checked(VALUES).encode().rstrip()
    for size in range(len(content)):
        with pytest.raises(ValueError, match=r"."):
            parse_checked(content[:size])


def test_one_that_was_edited_needs_no_checksum() -> None:
    edited = dump_checked(VALUES).replace("0.3", "0.4")
    with pytest.raises(ValueError, match=r"checksum differs.* edited it, remove crc32"):
        parse_checked(edited)
    values = json.loads(edited)
    del values["crc32"]
    assert parse_checked(json.dumps(values)) == values


@pytest.mark.parametrize("text", ["[]", "3", "null", '"crc32"'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_checked(text)
