"""What JavaScript does with texts, compared with Python."""

import json
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from speechlstm.text.normalize import normalize

pytestmark = pytest.mark.slow

MODULE = Path(__file__).parents[3] / "scripts" / "pocket" / "web" / "src" / "normalize.js"
SCRIPT = f"""
import {{readFileSync}} from 'node:fs';
import {{normalized}} from '{MODULE.as_uri()}';
console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(normalized)));
"""


def assert_same(node: str, texts: list[str]) -> None:
    command = [node, "--input-type=module", "--eval", SCRIPT]
    found = json.loads(subprocess.check_output(command, input=json.dumps(texts), text=True))
    right = [normalize(text) for text in texts]
    wrong = [case for case in zip(texts, found, right, strict=True) if case[1] != case[2]]
    assert wrong == []


def has_one_form(character: str) -> bool:
    """Whether it is assigned, and not another form of letters, which JavaScript leaves as it is."""
    is_assigned = unicodedata.category(character) not in ("Cn", "Cs", "Co")
    return is_assigned and not unicodedata.decomposition(character).startswith("<")


CHARACTERS = [c for c in map(chr, range(sys.maxunicode + 1)) if has_one_form(c)]


def test_each_character_is_normalised_as_in_python(node: str) -> None:
    assert len(CHARACTERS) > 100_000
    assert_same(node, [f"{c} a{c}b '{c}" for c in CHARACTERS])


def test_sequences_are_normalised_as_in_python(node: str) -> None:
    texts = [
        "coffee \u2615\ufe0f",
        "1\ufe0f\u20e3",
        "\u0130stanbul",
        "I\u0323\u0307",
        "\u039f\u03a3.\u0391",
    ]
    generator = random.Random(3)
    frequent = " '.-\u0130\u03a3\u0307\u0323\ufe0f" * 20
    common = [c for c in CHARACTERS if c < "\u0700"] + list(frequent)
    texts += ["".join(generator.choices(common, k=8)) for _ in range(20_000)]
    assert_same(node, texts)
