"""How a function becomes a tool and a route: one description, from which every surface is made."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeGuard, cast, get_args, get_type_hints

from pydantic import BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from octave_mcp.domain.events import Event
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, OctaveError

if TYPE_CHECKING:
    from octave_mcp.runs.service import Runs
    from octave_mcp.tools.calls import Calls

Method = Literal["GET", "POST", "PUT", "DELETE"]
# The methods whose arguments are in the body.
WITH_BODY: frozenset[Method] = frozenset({"POST", "PUT"})

# What pydantic calls an argument that does not fit the signature, and what it means to a caller.
MISFITS = {"unexpected_keyword_argument": "there is no such argument", "missing_argument": "missing"}

NAME = re.compile(r"[A-Za-z_]{1,40}|[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool may use of the call it answers: the runs, a way to tell progress, and how long it may wait.

    `calls` is how its caller makes calls.
    """

    runs: Runs
    progress: Callable[[Event], Awaitable[None]]
    max_wait_seconds: float
    calls: Calls


@dataclass(frozen=True, slots=True)
class Tool:
    """A shared function; the four after its title are what its annotations tell a client.

    `errors` are those that it may raise beyond InputError and NotFound. MCP clients see no `unlisted` arguments.
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

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what a caller may give; 'from_' is given as 'from'."""
        return tuple(name.removesuffix("_") for name in inspect.signature(self.function).parameters if name != "call")

    @property
    def objects(self) -> dict[str, tuple[str, ...]]:
        """The arguments that are objects, and the names of their fields: a form and a command line have no objects."""
        hints = get_type_hints(self.function)
        forms = {name: form for name, hint in hints.items() for form in get_args(hint) if _is_object(form)}
        return {name: tuple(form.model_fields) for name, form in forms.items()}

    def bind(
        self, called: Callable[[], Awaitable[Call]], translate: Callable[[OctaveError], Exception]
    ) -> Callable[..., Awaitable[Any]]:
        """The function without its `call`, which comes from `called`; our errors are raised as the surface's own."""

        @functools.wraps(self.function)
        async def bound(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
            try:
                refuse_unstorable(kwargs)
                return await self.function(*args, **kwargs, call=await called())
            except OctaveError as failed:
                raise translate(failed) from None

        signature = inspect.signature(self.function, eval_str=True)
        public = [_emptiable(p) for p in signature.parameters.values() if p.name != "call"]
        bound.__signature__ = signature.replace(parameters=public)  # pyright: ignore[reportAttributeAccessIssue]
        bound.__annotations__ = {p.name: p.annotation for p in public} | {"return": signature.return_annotation}
        del bound.__wrapped__  # pyright: ignore[reportAttributeAccessIssue]
        return bound


def _is_object(form: object) -> TypeGuard[type[Value]]:
    return isinstance(form, type) and issubclass(form, Value)


def _emptiable(taken: inspect.Parameter) -> inspect.Parameter:
    """The argument with an empty string and null counting as absent.

    Every surface validates by the annotations of the bound function, so the rule is the same on all of them.
    """

    def given(value: object) -> object:
        if not is_absent(value):
            return value
        if taken.default is taken.empty:
            raise PydanticCustomError("missing_argument", "missing")
        return taken.default

    return taken.replace(annotation=Annotated[taken.annotation, BeforeValidator(given)])


async def unheard(_: Event) -> None:
    """The progress of a call whose caller follows none."""


def is_absent(value: object) -> bool:
    """Whether an argument counts as absent. Some clients send an empty string or null for an empty field."""
    return value is None or value == ""


def refuse_unstorable(arguments: Mapping[str, object]) -> None:
    """What is no text for a database: Postgres keeps no NUL, and half a character has no form in UTF-8."""
    if found := [name for name, value in arguments.items() if not _is_storable(value)]:
        raise InputError(f"{', '.join(found)}: there is a NUL, or half a character, in it; send text without it")


def _is_storable(value: object) -> bool:
    """Whether each text in it is, at any depth of JSON."""
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        return all(map(_is_storable, (*entries, *entries.values())))
    if isinstance(value, list):
        return all(map(_is_storable, cast("list[object]", value)))
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value))


def arguments_complaint(failed: ValidationError, tool: Tool) -> str:
    """What is wrong with the arguments, each by its name; not their values, which may be secret."""
    found = failed.errors(include_url=False, include_input=False, include_context=False)
    text = "; ".join(f"{place(error['loc'])}: {MISFITS.get(error['type'], error['msg'])}" for error in found)
    misfits = any(error["type"] in MISFITS for error in found)
    return f"{text}. The arguments are {', '.join(tool.arguments)}" if misfits else text


def place(location: tuple[int | str, ...]) -> str:
    """Where it is wrong; what does not look like the name of an argument may be a secret that was put in its place."""
    names = map(str, location)
    return ".".join(name if NAME.fullmatch(name) else "(a name that is none)" for name in names)


# Every shared function: each has a route.
FUNCTIONS: dict[str, Tool] = {}
# Those that MCP clients see in the list of tools.
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
    """Registers a function under its own name; its signature and docstring are its interface.

    A function that is not `in_tool_list` is a route and a command only: it costs MCP clients no tokens.
    """

    def register(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        FUNCTIONS[function.__name__] = made = Tool(
            function, method, path, title, read_only, destructive, idempotent or read_only, open_world, errors, unlisted
        )
        if in_tool_list:
            TOOLS[function.__name__] = made
        return function

    return register
