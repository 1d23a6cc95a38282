"""The cookie of a browser's sign-in. It holds a random text, and the store knows only the text's digest."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

# The key in the ASGI scope for the secret of the sign-in with which a request was admitted.
_SIGN_IN = "octave_mcp.sign_in"


def secret_in(scope: Scope) -> str:
    """Return the secret in the request's cookie, or '' if there is none."""
    headers = Headers(scope=scope)
    sent = cookie_parser(headers.get("cookie", ""))
    return next((sent[name] for name in (_name(headers, is_secure=True), _name(headers)) if name in sent), "")


def signed_in(scope: Scope, secret: str) -> Scope:
    return {**scope, _SIGN_IN: secret}


def sign_in_of(scope: Scope) -> str:
    """Return the secret of the sign-in with which the request was admitted, or '' if it was admitted without one."""
    return scope.get(_SIGN_IN, "")


def put(response: Response, scope: Scope, secret: str, seconds: int) -> None:
    """Set the cookie, or delete it if `seconds` is 0."""
    headers = Headers(scope=scope)
    # The server does not see whether it is behind TLS, and it cannot trust forwarded headers. The browser says it: the
    # Origin of a form starts with https. A caller who fakes the header changes only the caller's own cookie.
    is_secure = headers.get("origin", "").startswith("https://")
    name = _name(headers, is_secure=is_secure)
    response.set_cookie(name, secret, max_age=seconds, path="/", secure=is_secure, httponly=True, samesite="strict")


def _name(headers: Headers, *, is_secure: bool = False) -> str:
    """Return the name of the cookie. Cookies ignore ports, so the name has the port: two servers must not share it.

    Browsers accept the prefix __Host- only for a cookie that this very host has set over TLS.
    """
    _, _, port = headers.get("host", "").rpartition(":")
    name = f"octave-{port}" if port.isdecimal() else "octave"
    return f"__Host-{name}" if is_secure else name
