"""Validate the arguments of prompts and completions, with errors that name the argument at fault."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from fastmcp.exceptions import McpError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import INVALID_PARAMS

from octave_mcp.errors import InputError
from octave_mcp.tools.argument_errors import place, unknown_argument
from octave_mcp.tools.registry import is_absent, refuse_unstorable

Params: TypeAlias = Mapping[str, Any]

MAX_NAME_CHARACTERS_SHOWN = 100


class PromptArguments:
    """MCP middleware that checks the arguments of prompt and completion requests before the SDK and FastMCP do.

    The errors of the SDK and of FastMCP do not name the argument at fault, and some of them are internal errors. An
    empty argument counts as absent, as in a tool call.
    """

    def __init__(self, *prompts: Callable[..., str]) -> None:
        self._takes = {prompt.__name__: inspect.signature(prompt).parameters for prompt in prompts}
        self._checks = {"prompts/get": self._check_prompt, "completion/complete": self._check_completion}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if check := self._checks.get(ctx.method):
            try:
                ctx = replace(ctx, params=check(ctx.params or {}))
            except InputError as error:
                raise McpError(INVALID_PARAMS, str(error)) from None
        return await call_next(ctx)

    def _check_prompt(self, params: Params) -> Params:
        name = self._prompt(params.get("name"))
        takes, sent = self._takes[name], _object(params.get("arguments"), "arguments")
        present = _present(sent)
        required = (argument for argument, taken in takes.items() if taken.default is taken.empty)
        complaints = (
            *(
                f"{place((argument,))}: {unknown_argument(argument, takes)}"
                for argument in sent
                if argument not in takes
            ),
            *(f"{argument}: missing" for argument in required if argument not in present),
            *(
                f"{argument}: must be a string"
                for argument, value in present.items()
                if argument in takes and not isinstance(value, str)
            ),
        )
        if complaints:
            raise InputError(f"{'; '.join(complaints)}. {self._usage(name)}")
        refuse_unstorable(present)
        return {**params, "arguments": present}

    def _check_completion(self, params: Params) -> Params:
        ref, argument = _object(params.get("ref"), "ref"), _present(_object(params.get("argument"), "argument"))
        if not isinstance(argument.get("name"), str):
            raise InputError("argument.name: must be the name of the argument to complete")
        if not isinstance(value := argument.get("value", ""), str):
            raise InputError("argument.value: must be the text typed so far")
        if ref.get("type") == "ref/prompt":
            name = self._prompt(ref.get("name"))
            if argument["name"] not in (takes := self._takes[name]):
                raise InputError(f"argument.name: {unknown_argument(argument['name'], takes)}. {self._usage(name)}")
        return {**params, "argument": {**argument, "value": value}, **_context(params)}

    def _prompt(self, name: object) -> str:
        choices = f"choose one of {', '.join(self._takes)}"
        if is_absent(name):
            raise InputError(f"name: missing; {choices}")
        if not isinstance(name, str) or name not in self._takes:
            raise InputError(f"name: unknown prompt {str(name)[:MAX_NAME_CHARACTERS_SHOWN]!r}; {choices}")
        return name

    def _usage(self, name: str) -> str:
        return f"{name} takes {', '.join(self._takes[name])}"


def _context(params: Params) -> Params:
    """Return the context of a completion (the values of the prompt's other arguments) without empty values."""
    context = _object(params.get("context"), "context")
    return {"context": {**context, "arguments": _present(_object(context.get("arguments"), "context.arguments"))}}


def _object(value: object, name: str) -> Params:
    if not (is_absent(value) or isinstance(value, Mapping)):
        raise InputError(f"{name}: must be an object")
    return cast("Params", value or {})


def _present(values: Params) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not is_absent(value)}
