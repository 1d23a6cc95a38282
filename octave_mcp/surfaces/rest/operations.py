"""Types that describe the operations of the HTTP API, and a function that builds routes from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from octave_mcp.errors import OctaveError
from octave_mcp.tools.registry import Method

Answer = Callable[[Request], Awaitable[Response]]
Schema = dict[str, Any]
Content = Mapping[str, TypeAdapter[Any] | Schema]


@dataclass(frozen=True, slots=True)
class Returned:
    """A response that an operation can return.

    `content` maps each media type to one of our types or to a JSON Schema.
    """

    description: str
    content: Content = field(default_factory=dict[str, Any])
    headers: dict[str, Schema] = field(default_factory=dict[str, Schema])
    links: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the HTTP API: one method of one path.

    `takes`: JSON Schema of an object with all arguments, including the arguments in the path.
    `errors`: errors that the operation can return, except the common errors in `openapi.COMMON_ERRORS`.
    """

    method: Method
    path: str
    name: str
    title: str
    answer: Answer
    returns: dict[int, Returned]
    description: str = ""
    takes: Schema = field(default_factory=dict[str, Any])
    headers: dict[str, Schema] = field(default_factory=dict[str, Schema])
    examples: dict[str, Any] = field(default_factory=dict[str, Any])
    errors: tuple[type[OctaveError], ...] = ()
    tag: str = "runs"


def routes(operations: Sequence[Operation]) -> list[Route]:
    """Return one route per path, with all its methods.

    If each method had its own route, Starlette's Allow header would list only the methods of the first route.
    """
    by_path: dict[str, dict[str, Answer]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation.answer
    return [Route(path, _by_method(answers), methods=list(answers)) for path, answers in by_path.items()]


def _by_method(answers: dict[str, Answer]) -> Answer:
    async def answer(request: Request) -> Response:
        # Starlette also sends HEAD requests to GET routes. Answer them like GET: uvicorn removes the body.
        return await answers["GET" if request.method == "HEAD" else request.method](request)

    return answer
