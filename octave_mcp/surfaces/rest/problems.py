"""Errors over HTTP: each is a problem of RFC 9457, with our `code`."""

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
        "detail": HTTP.said(str(failed)),
    }


async def _ours(_: Request, failed: Exception) -> JSONResponse:
    return problem(cast("OctaveError", failed))


async def _starlettes(_: Request, failed: Exception) -> JSONResponse:
    """Of its own accord Starlette refuses a path that no route has, and a method that its route has not."""
    refused = cast("HTTPException", failed)
    headers = refused.headers or {}
    match refused.status_code:
        case NotFound.status:
            return problem(NotFound("there is no such path; GET /openapi.json lists those there are"), headers)
        case NotAllowed.status:
            return problem(NotAllowed(f"this path answers {headers.get('Allow', 'other methods')} only"), headers)
        case _:
            return problem(InputError("the request cannot be read; GET /openapi.json says what it may hold"), headers)


async def _unforeseen(_: Request, __: Exception) -> JSONResponse:
    """The log has the exception; its text may hold anything, and stays there."""
    return problem(OctaveError("something went wrong inside octave-mcp; its log says what"))


HANDLERS = {OctaveError: _ours, HTTPException: _starlettes, Exception: _unforeseen}
