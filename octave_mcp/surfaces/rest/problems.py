"""Error responses: RFC 9457 problem documents with a `code` for programs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from octave_mcp.errors import InputError, NotAllowed, NotFound, OctaveError, Unauthorized, by_name, name_of
from octave_mcp.surfaces.web.paths import is_for_browsers
from octave_mcp.tools.calls import HTTP

NO_PATH = "unknown path; GET /openapi.json lists all paths"
NO_PAGE = "the address is wrong, or what it showed was deleted; History lists all runs"
# Strangers can see this text. The actual one can contain paths of the server.
NO_DETAILS = "the server cannot answer now; try again in a moment"
MEDIA_TYPE = "application/problem+json"


def problem(failed: OctaveError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    headers = dict(headers or {}) | ({"WWW-Authenticate": "Bearer"} if isinstance(failed, Unauthorized) else {})
    return JSONResponse(content(failed), failed.status, headers, MEDIA_TYPE)


def refusal(scope: Scope, failed: OctaveError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error as a problem document or, if a browser shows the response to a person, as a page."""
    if not is_for_browsers(scope):
        return problem(failed, headers)
    from octave_mcp.surfaces.web.errors import error_page  # noqa: PLC0415 - loaded for the first page

    return error_page(scope, failed, headers)


def without_details(failed: OctaveError) -> OctaveError:
    """Return the same kind of error with a text for strangers."""
    return by_name(name_of(failed), NO_DETAILS)


def content(failed: OctaveError) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(failed.status).phrase,
        "status": failed.status,
        "code": failed.code,
        "detail": HTTP.with_local_names(str(failed)),
    }


async def _known_error(request: Request, failed: Exception) -> Response:
    return refusal(request.scope, cast("OctaveError", failed))


async def _routing_error(request: Request, failed: Exception) -> Response:
    """Handle the exceptions that Starlette itself raises, for example for an unknown path or an unsupported method."""
    refused, scope = cast("HTTPException", failed), request.scope
    headers = refused.headers or {}
    match refused.status_code:
        case NotFound.status:
            return refusal(scope, NotFound(NO_PAGE if is_for_browsers(scope) else NO_PATH), headers)
        case NotAllowed.status:
            allowed = headers.get("Allow", "other methods")
            return refusal(scope, NotAllowed(f"this path does not support the method; use {allowed}"), headers)
        case _:
            text = "the request cannot be read; GET /openapi.json describes each request"
            return refusal(scope, InputError(text), headers)


async def _unexpected_error(request: Request, _: Exception) -> Response:
    # Do not send the exception, because its text can contain secrets; the log contains the exception.
    failed = OctaveError("an internal error occurred; the server's log has the details")
    return refusal(request.scope, failed)


HANDLERS = {OctaveError: _known_error, HTTPException: _routing_error, Exception: _unexpected_error}
