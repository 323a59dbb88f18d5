"""Who may call the server: whoever knows the token, and pages of web sites that are allowed.

Browsers let any page send forms to, and open WebSockets on, any server that they can reach, a
server on the same machine included. They name the page's site in the field Origin, and so other
sites than the server's own are refused unless they are allowed.
"""

import base64
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speechlstm.server.errors import ApiError

BEARER = "bearer."  # begins a subprotocol that holds the token, in URL-safe base64
_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """Refuses requests without the token or from other web sites, and adds header fields.

    Args:
        token: The token; "": none is needed.
        origins: Web sites that are allowed apart from the server's own; "*": all.
        public: Paths that need no token.
    """

    def __init__(
        self, app: ASGIApp, token: str, origins: tuple[str, ...], public: frozenset[str]
    ) -> None:
        self._app, self._token = app, token.encode()
        self._origins = frozenset(origin.rstrip("/") for origin in origins)
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the specification of ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        is_foreign = origin is not None and not _is_own(origin, headers)
        is_allowed = origin in self._origins or "*" in self._origins

        async def send_safely(message: Message) -> None:
            if message["type"].endswith("response.start"):
                fields = MutableHeaders(raw=message.setdefault("headers", []))
                fields.update(_SAFE_HEADERS)
                if is_foreign and is_allowed:
                    fields["Access-Control-Allow-Origin"] = str(origin)
                    fields.add_vary_header("Origin")
            await send(message)

        answer = None
        if is_foreign and not is_allowed and scope.get("method") not in ("GET", "HEAD"):
            answer = refusal(
                ApiError(403, f"pages of {origin:.100} may not use this server; see --allow-origin")
            )
        elif is_foreign and scope.get("method") == "OPTIONS":
            answer = _preflight(headers)
        elif scope["path"] not in self._public and not self._is_known(scope, headers):
            answer = refusal(
                ApiError(
                    401,
                    "give the server's token, as in Authorization: Bearer TOKEN",
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            )
        await (answer or self._app)(scope, receive, send_safely)

    def _is_known(self, scope: Scope, headers: Headers) -> bool:
        if not self._token:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip().encode() if kind.lower() == "bearer" else b""
        if scope["type"] == "websocket" and not token:
            token = _token_of(scope.get("subprotocols", []))
        return hmac.compare_digest(token, self._token)


def _is_own(origin: str, headers: Headers) -> bool:
    try:
        site = urlsplit(origin).netloc
    except ValueError:  # no URL, such as http://[
        return False
    return site.lower() == headers.get("host", "").lower()


def _token_of(subprotocols: list[str]) -> bytes:
    """The token in a subprotocol: pages cannot add header fields to WebSockets."""
    for name in subprotocols:
        if name.startswith(BEARER):
            coded = name.removeprefix(BEARER)
            try:
                return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
            except ValueError:
                return b""
    return b""


def refusal(error: ApiError) -> Response:
    """An error as the answer to a request that is not read; the connection is closed."""
    return JSONResponse(error.body, error.status, error.headers | {"Connection": "close"})


def _preflight(headers: Headers) -> Response:
    """The answer to a browser that asks before it sends.

    All fields it asks for are allowed: OpenAI's client for browsers sends a dozen of its own
    (X-Stainless-...), "*" would not stand for Authorization, and the page's site is allowed.
    """
    asked = headers.get("access-control-request-headers", "")
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": asked or "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        },
    )
