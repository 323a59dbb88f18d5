"""The description of the API in OpenAPI 3.1."""

from typing import Any

from speechlstm import __version__
from speechlstm.server.answers import MEDIA_TYPES

_ERRORS = {
    400: "A field or the recording cannot be used.",
    401: "The token is missing or wrong.",
    408: "The upload was too slow.",
    413: "The recording is too large or too long.",
    429: "Too many recordings are waiting; Retry-After says for how long to wait.",
    503: "The process that worked on it has died, or there are too many connections; try again.",
    504: "It was not done in time.",
    507: "There is no room for the upload; try again later.",
}


def document(model: str) -> dict[str, Any]:
    """The description, of a server with this model."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "speechlstm",
            "version": __version__,
            "description": "Speech recognition, in the form of OpenAI's API. Live streams: "
            "WebSocket /v1/stream, and Vosk's protocol on /vosk.",
        },
        "security": [{"token": []}, {}],
        "paths": {
            "/v1/audio/transcriptions": {"post": _transcriptions(model)},
            "/v1/models": {"get": _get("The models: one.")},
            "/v1/models/{name}": {
                "get": _get("The model.")
                | {
                    "parameters": [
                        {
                            "name": "name",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        }
                    ]
                }
            },
            "/healthz": {"get": _get("Whether the server can work.")},
            "/metrics": {"get": _get("Counts for Prometheus.", "text/plain")},
            "/openapi.json": {"get": _get("This description.")},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _error_schema()},
        },
    }


def _get(text: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"summary": text, "responses": {"200": _content("Done.", {media_type: {}})}}


def _content(text: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": content}


def _transcriptions(model: str) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers: dict[str, Any] = {kind.split(";")[0]: {} for kind in MEDIA_TYPES.values()}
    return {
        "summary": "Transcribe a recording.",
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": _form_schema(model)}},
        },
        "responses": {
            "200": _content("The transcript.", answers | {"text/event-stream": {}}),
            **{str(status): _content(text, error) for status, text in _ERRORS.items()},
        },
    }


def _form_schema(model: str) -> dict[str, Any]:
    def text(description: str, **more: Any) -> dict[str, Any]:
        return {"type": "string", "description": description, **more}

    def several(description: str, *values: str) -> dict[str, Any]:
        item = {"type": "string", **({"enum": list(values)} if values else {})}
        return {"type": "array", "items": item, "description": description}

    return {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": text("The recording, in any format.", contentMediaType="audio/*"),
            "model": text(f"{model}, or whisper-1, which stands for it."),
            "language": text("In ISO 639-1."),
            "prompt": text(
                "Names and terms to expect, separated by commas: hot words. Pieces of more than "
                "four words have no effect."
            ),
            "keywords[]": several("Hot words."),
            "response_format": text("", enum=list(MEDIA_TYPES), default="json"),
            "timestamp_granularities[]": several("For verbose_json.", "word", "segment"),
            "temperature": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "No effect.",
            },
            "stream": {"type": "boolean", "description": "Send events as segments are done."},
            "formats[]": several(
                "The last event holds the transcript in these too.", "text", "json", "srt", "vtt"
            ),
        },
    }


def _error_schema() -> dict[str, Any]:
    string, optional = {"type": "string"}, {"type": ["string", "null"]}
    error = {"message": string, "type": string, "param": optional, "code": optional}
    return {
        "type": "object",
        "properties": {"error": {"type": "object", "properties": error, "required": list(error)}},
        "required": ["error"],
    }
