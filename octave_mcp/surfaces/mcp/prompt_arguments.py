"""Arguments of prompts and completions: the error for one that is missing or wrong names it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from fastmcp.exceptions import McpError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import INVALID_PARAMS

from octave_mcp.errors import InputError
from octave_mcp.tools.registry import is_absent, place, refuse_unstorable

Params: TypeAlias = Mapping[str, Any]

LONGEST_NAME_SHOWN = 100


class PromptArguments:
    """Checks a request before the SDK and FastMCP do: their errors name no argument, or blame the server.

    An empty argument counts as absent, as in a tool call.
    """

    def __init__(self, *prompts: Callable[..., str]) -> None:
        self._takes = {prompt.__name__: inspect.signature(prompt).parameters for prompt in prompts}
        self._changes = {"prompts/get": self._asked, "completion/complete": self._completed}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if change := self._changes.get(ctx.method):
            try:
                ctx = replace(ctx, params=change(ctx.params or {}))
            except InputError as wrong:
                raise McpError(INVALID_PARAMS, str(wrong)) from None
        return await call_next(ctx)

    def _asked(self, params: Params) -> Params:
        name = self._prompt(params.get("name"))
        takes, given = self._takes[name], _object(params.get("arguments"), "arguments")
        present = _present(given)
        required = (one for one, taken in takes.items() if taken.default is taken.empty)
        complaints = (
            *(f"{place((one,))}: there is no such argument" for one in given if one not in takes),
            *(f"{one}: missing" for one in required if one not in present),
            *(f"{one}: give text" for one, value in present.items() if one in takes and not isinstance(value, str)),
        )
        if complaints:
            raise InputError(f"{'; '.join(complaints)}. {self._usage(name)}")
        refuse_unstorable(present)
        return {**params, "arguments": present}

    def _completed(self, params: Params) -> Params:
        ref, given = _object(params.get("ref"), "ref"), _present(_object(params.get("argument"), "argument"))
        if not isinstance(given.get("name"), str):
            raise InputError("argument.name: give the name of the argument to complete")
        if not isinstance(value := given.get("value", ""), str):
            raise InputError("argument.value: give the text typed so far")
        if ref.get("type") == "ref/prompt":
            name = self._prompt(ref.get("name"))
            if given["name"] not in self._takes[name]:
                raise InputError(f"argument.name: there is no such argument. {self._usage(name)}")
        return {**params, "argument": {**given, "value": value}, **_context(params)}

    def _prompt(self, name: object) -> str:
        there = f"choose one of {', '.join(self._takes)}"
        if is_absent(name):
            raise InputError(f"name: missing; {there}")
        if not isinstance(name, str) or name not in self._takes:
            raise InputError(f"name: there is no prompt {str(name)[:LONGEST_NAME_SHOWN]!r}; {there}")
        return name

    def _usage(self, name: str) -> str:
        return f"{name} takes {', '.join(self._takes[name])}"


def _context(params: Params) -> Params:
    """The values that the client sends of the other arguments."""
    context = _object(params.get("context"), "context")
    return {"context": {**context, "arguments": _present(_object(context.get("arguments"), "context.arguments"))}}


def _object(value: object, name: str) -> Params:
    if not (is_absent(value) or isinstance(value, Mapping)):
        raise InputError(f"{name}: give an object")
    return cast("Params", value or {})


def _present(values: Params) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not is_absent(value)}
