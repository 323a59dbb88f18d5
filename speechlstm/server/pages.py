"""The page for the browser: its files, as they are in the package."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from speechlstm.html import asset

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing but the page's own files is loaded or run, and no other site may show it in a frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}


def page_routes() -> list[Route]:
    """A route for each file; the page itself is at /."""
    theme = asset("theme.css").encode()  # which it shares with reports
    routes = [Route("/page/theme.css", _fixed(theme, _MEDIA_TYPES[".css"]))]
    for file in files("speechlstm.server").joinpath("page").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in _MEDIA_TYPES:
            path = "/" if file.name == "index.html" else f"/page/{file.name}"
            routes.append(Route(path, _fixed(file.read_bytes(), _MEDIA_TYPES[suffix])))
    return routes


def _fixed(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def fixed(request: Request) -> Response:
        return Response(content, headers=_HEADERS, media_type=media_type)

    return fixed
