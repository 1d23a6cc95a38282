"""Error responses: RFC 9457 problem documents with a `code` for programs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from octave_mcp.errors import InputError, NotAllowed, NotFound, OctaveError, Unauthorized
from octave_mcp.tools.calls import HTTP

MEDIA_TYPE = "application/problem+json"


def problem(failed: OctaveError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    headers = dict(headers or {}) | ({"WWW-Authenticate": "Bearer"} if isinstance(failed, Unauthorized) else {})
    return JSONResponse(content(failed), failed.status, headers, MEDIA_TYPE)


def content(failed: OctaveError) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(failed.status).phrase,
        "status": failed.status,
        "code": failed.code,
        "detail": HTTP.with_local_names(str(failed)),
    }


async def _known_error(_: Request, failed: Exception) -> JSONResponse:
    return problem(cast("OctaveError", failed))


async def _routing_error(_: Request, failed: Exception) -> JSONResponse:
    """Handle the exceptions that Starlette itself raises, for example for an unknown path or an unsupported method."""
    refused = cast("HTTPException", failed)
    headers = refused.headers or {}
    match refused.status_code:
        case NotFound.status:
            return problem(NotFound("unknown path; GET /openapi.json lists all paths"), headers)
        case NotAllowed.status:
            allowed = headers.get("Allow", "other methods")
            return problem(NotAllowed(f"this path does not support the method; use {allowed}"), headers)
        case _:
            text = "the request cannot be read; GET /openapi.json describes each request"
            return problem(InputError(text), headers)


async def _unexpected_error(_: Request, __: Exception) -> JSONResponse:
    # Do not send the exception, because its text can contain secrets; the log contains the exception.
    return problem(OctaveError("an internal error occurred; the server's log has the details"))


HANDLERS = {OctaveError: _known_error, HTTPException: _routing_error, Exception: _unexpected_error}
