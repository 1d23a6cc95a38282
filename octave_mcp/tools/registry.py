"""The decorator `@tool`, which registers a function for all surfaces, and the registry of these functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeGuard, cast, get_args, get_type_hints

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from octave_mcp.domain.events import Event
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, OctaveError

if TYPE_CHECKING:
    from octave_mcp.runs.service import Runs
    from octave_mcp.tools.calls import Calls

Method = Literal["GET", "POST", "PUT", "DELETE"]
# Requests with these methods have their arguments in the body, except for the arguments in the path.
WITH_BODY: frozenset[Method] = frozenset({"POST", "PUT"})


@dataclass(frozen=True, slots=True)
class Call:
    """The context of a call to a tool.

    `progress` reports an event to the caller. `max_wait_seconds` is the maximum time that the tool is allowed to wait.
    `calls` describes how to call tools on the caller's surface, so that error texts can say what to call.
    """

    runs: Runs
    progress: Callable[[Event], Awaitable[None]]
    max_wait_seconds: float
    calls: Calls


@dataclass(frozen=True)
class Tool:
    """A function that MCP, HTTP and the command line offer.

    `read_only`, `destructive`, `idempotent`, `open_world`: the tool's MCP annotations.
    `errors`: errors that the tool can raise besides InputError and NotFound.
    `unlisted`: arguments that the tool accepts over MCP, but that tools/list leaves out to save tokens.
    """

    function: Callable[..., Awaitable[Any]]
    method: Method
    path: str
    title: str
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    errors: tuple[type[OctaveError], ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def has_body(self) -> bool:
        return self.method in WITH_BODY

    @property
    def name(self) -> str:
        return self.function.__name__

    @functools.cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments as callers send them, such as 'from' for the parameter `from_`."""
        return tuple(name.removesuffix("_") for name in inspect.signature(self.function).parameters if name != "call")

    @property
    def objects(self) -> dict[str, tuple[str, ...]]:
        """The arguments that are objects, with the names of their fields.

        In forms and on the command line, each field of an object is a separate argument.
        """
        hints = get_type_hints(self.function)
        forms = {name: form for name, hint in hints.items() for form in get_args(hint) if _is_object(form)}
        return {name: tuple(form.model_fields) for name, form in forms.items()}

    def bind(
        self, make_call: Callable[[], Awaitable[Call]], translate: Callable[[OctaveError], Exception]
    ) -> Callable[..., Awaitable[Any]]:
        """Return the function without its parameter `call`.

        `make_call` creates the value of `call`, and `translate` converts our errors to errors of the surface.
        """

        @functools.wraps(self.function)
        async def bound(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
            try:
                refuse_unstorable(kwargs)
                return await self.function(*args, **kwargs, call=await make_call())
            except OctaveError as failed:
                raise translate(failed) from None

        signature = inspect.signature(self.function, eval_str=True)
        public = [_emptiable(p) for p in signature.parameters.values() if p.name != "call"]
        bound.__signature__ = signature.replace(parameters=public)  # pyright: ignore[reportAttributeAccessIssue]
        bound.__annotations__ = {p.name: p.annotation for p in public} | {"return": signature.return_annotation}
        # Delete this attribute, because pydantic and FastMCP would follow it to the original function, which has the
        # parameter `call`.
        del bound.__wrapped__  # pyright: ignore[reportAttributeAccessIssue]
        return bound


def _is_object(form: object) -> TypeGuard[type[Value]]:
    return isinstance(form, type) and issubclass(form, Value)


def _emptiable(taken: inspect.Parameter) -> inspect.Parameter:
    """Add a validator to the parameter, so that an empty string and null count as absent.

    The validator runs on every surface, because every surface validates arguments with the annotations of the bound
    function.
    """

    def default_if_absent(value: object) -> object:
        if not is_absent(value):
            return value
        if taken.default is taken.empty:
            raise PydanticCustomError("missing_argument", "missing")
        return taken.default

    return taken.replace(annotation=Annotated[taken.annotation, BeforeValidator(default_if_absent)])


async def ignore_event(_: Event) -> None:
    """Ignore a progress event, for callers that do not show progress."""


def is_absent(value: object) -> bool:
    """Whether an argument counts as absent: some clients send an empty string or null for an empty field."""
    return value is None or value == ""


def refuse_unstorable(arguments: Mapping[str, object]) -> None:
    """Reject text that a database cannot store: Postgres refuses NUL, and UTF-8 cannot encode a lone surrogate.

    Raises:
        InputError: If an argument contains NUL or a lone surrogate.
    """
    if invalid := [name for name, value in arguments.items() if not _is_storable(value)]:
        fault = "contains a NUL character or a lone surrogate; remove it"
        error = InputError(f"{', '.join(invalid)}: {fault}")
        error.faults = dict.fromkeys(invalid, fault)
        raise error


def _is_storable(value: object) -> bool:
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        return all(map(_is_storable, (*entries, *entries.values())))
    if isinstance(value, list):
        return all(map(_is_storable, cast("list[object]", value)))
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value))


# All tools by name. Each tool has an HTTP route.
FUNCTIONS: dict[str, Tool] = {}
# The tools that MCP clients see in tools/list.
TOOLS: dict[str, Tool] = {}


def tool(
    method: Method,
    path: str,
    *,
    title: str,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
    in_tool_list: bool = True,
    errors: tuple[type[OctaveError], ...] = (),
    unlisted: tuple[str, ...] = (),
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
    """Register a function as a tool under its own name.

    The function's signature and docstring are the tool's interface.

    If `in_tool_list` is false, the tool is not offered over MCP, where each tool costs tokens in every conversation.
    """

    def register(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        FUNCTIONS[function.__name__] = registered = Tool(
            function, method, path, title, read_only, destructive, idempotent or read_only, open_world, errors, unlisted
        )
        if in_tool_list:
            TOOLS[function.__name__] = registered
        return function

    return register
