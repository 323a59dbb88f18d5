from pathlib import Path

import pytest

from speechlstm.server.errors import ApiError
from speechlstm.server.fields import Wanted
from speechlstm.server.forms import Form
from speechlstm.server.requests import Model

MODEL = Model("english", "en", 16000, True)


def wanted(**fields: list[str]) -> Wanted:
    return Wanted.of(Form(Path("a"), fields=fields), MODEL)


def test_what_is_short_in_a_prompt_becomes_hot_words() -> None:
    prompt = "Zelenskyy,  New York\nThis is a whole sentence about it. Names: Brexit"
    asked = wanted(prompt=[prompt], **{"keywords[]": ["anna karenina"]})
    assert asked.hints == ("Zelenskyy", "New York", "Names", "Brexit")
    assert asked.hot_words == ("anna karenina",)
    both = wanted(**{"keywords": ["vronsky"], "keywords[]": ["levin"]})
    assert both.hot_words == ("vronsky", "levin")
    with pytest.raises(ApiError, match="more than 200 hot words"):
        wanted(keywords=list(map(str, range(300))))


def test_the_end_of_a_long_prompt_is_used() -> None:
    hints = wanted(prompt=[", ".join(map(str, range(300)))]).hints
    assert hints == tuple(map(str, range(100, 300)))


def test_a_model_of_a_known_language_refuses_others() -> None:
    assert wanted(language=["EN"]).language == "en"
    assert wanted(language=["en-GB"]).language == "en"
    with pytest.raises(ApiError, match="knows en alone, not 'de'"):
        wanted(language=["de"])
    form = Form(Path("a"), fields={"language": ["de"]})
    assert Wanted.of(form, Model("a", None, 16000, True)).language == "de"
