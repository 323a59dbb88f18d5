"""`WebSocket /vosk`: the protocol of vosk-server, whose clients need another address alone.

The client may send {"config": {"sample_rate": 16000}}, then samples in binary messages, each of
which is answered by {"partial": ...} or, at the end of an utterance, {"result": [...], "text":
...}. It ends by {"eof": 1}, which is answered by the last result. A "phrase_list" in the config is
a closed grammar, as in Vosk: nothing else is recognised, but as "[unk]" if that is in the list.
Source: alphacep/vosk-server, websocket/asr_server.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.websockets import WebSocket

from speechlstm.errors import ConfigError, quoted
from speechlstm.server.errors import ApiError
from speechlstm.server.requests import Ending
from speechlstm.server.sessions import Session, StreamEndpoint
from speechlstm.text.phrases import Phrase

_DEFAULT_RATE = 8000  # Hz, as vosk-server's

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class _Wanted:
    """What the client has asked for; the names are those of Vosk."""

    sample_rate: float = _DEFAULT_RATE
    words: bool = True
    max_alternatives: int = 0
    phrase_list: tuple[str, ...] = ()

    def updated(self, config: object) -> "_Wanted":
        """With the keys of a "config"; keys that only other recognisers have are left out."""
        if not isinstance(config, dict):
            raise ApiError(400, f"config must be an object, is {quoted(config)}", "config")
        wanted = self
        for key, value in config.items():
            if key == "sample_rate":
                wanted = replace(wanted, sample_rate=_number(key, value, float))
            elif key == "words":
                wanted = replace(wanted, words=bool(value))
            elif key == "max_alternatives":
                wanted = replace(wanted, max_alternatives=max(0, _number(key, value, int)))
            elif key == "phrase_list":
                wanted = replace(wanted, phrase_list=_phrases(value))
        return wanted


class VoskStreams(StreamEndpoint):
    """The endpoint."""

    protocol = "vosk"

    async def talk(self, session: Session, websocket: WebSocket) -> None:
        """See StreamEndpoint."""
        wanted, partial = _Wanted(), ""
        while True:
            message = await session.receive()
            if isinstance(message, dict):
                if "eof" in message:
                    break
                if "config" not in message:
                    raise ApiError(400, f"neither config nor eof: {quoted(message)}")
                wanted = wanted.updated(message["config"])
                continue
            if not session.is_open:
                await session.open(wanted.sample_rate, wanted.phrase_list)
            events = await session.feed(message)
            finals = [event for event in events if event["type"] == "final"]
            partials = [event["text"] for event in events if event["type"] == "partial"]
            partial = partials[-1] if partials else ("" if finals else partial)
            await session.send(_result(finals, wanted) if finals else {"partial": partial})
        finals = (await session.finish()).events if session.is_open else []
        await session.send(_result(finals, wanted))

    async def say_rest(self, session: Session, ending: Ending) -> None:
        """See StreamEndpoint."""
        await session.send(_result(ending.events, _Wanted()))

    def error(self, error: ApiError) -> dict[str, Any]:
        """See StreamEndpoint."""
        return error.body


def _result(finals: list[dict[str, Any]], wanted: _Wanted) -> dict[str, Any]:
    """The result of an utterance, or of several that one message has ended."""
    if not wanted.max_alternatives:
        return _texts(finals, wanted.words)
    *earlier, last = finals or [{"text": "", "words": [], "log_prob": 0.0, "alternatives": []}]
    before = _texts(earlier, with_words=True)
    alternatives = []
    for hypothesis in [last, *last["alternatives"]][: wanted.max_alternatives]:
        values = _texts([hypothesis], with_words=True)
        text = f"{before['text']} {values['text']}".strip()
        words = {"result": [*before["result"], *values["result"]]} if wanted.words else {}
        alternatives.append({"confidence": hypothesis["log_prob"], **words, "text": text})
    return {"alternatives": alternatives}


def _texts(finals: list[dict[str, Any]], with_words: bool) -> dict[str, Any]:
    words = [
        {
            "conf": word["confidence"],
            "start": word["start"],
            "end": word["end"],
            "word": word["text"],
        }
        for final in finals
        for word in final["words"]
    ]
    text = " ".join(final["text"] for final in finals if final["text"])
    return {"result": words, "text": text} if with_words else {"text": text}


def _number(key: str, value: object, kind: Callable[[Any], Number]) -> Number:
    """A number as vosk-server takes it, which may be a text."""
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        raise ApiError(400, f"{key} must be a number, is {quoted(value)}", key) from None


def _phrases(phrases: object) -> tuple[str, ...]:
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        raise ApiError(400, f"phrase_list must be a list of texts, is {quoted(phrases)}")
    try:
        return tuple(Phrase(phrase, where="phrase_list").text for phrase in phrases)
    except ConfigError as error:
        raise ApiError(400, str(error), "phrase_list") from None
