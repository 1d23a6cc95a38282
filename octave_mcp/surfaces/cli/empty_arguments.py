"""Treat empty optional arguments as absent, as the MCP and HTTP surfaces do."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import islice
from typing import get_args

from cyclopts import App
from cyclopts.argument import Argument

from octave_mcp.errors import InputError

# Marks options that change what a command does. For these options, an empty value is an error. For example, if a
# script passes an empty variable to `sessions --delete`, the command must not list the sessions instead.
CHANGES_COMMAND = "changes_command"


def without_empty(app: App, words: Sequence[str]) -> list[str]:
    """Return a command line without its empty optional arguments, such as `--model ''` or `--model=`.

    Raises:
        InputError: If a required argument, or an option marked CHANGES_COMMAND, is empty.
    """
    command, _, rest = app.parse_commands(words)
    if not command or not any(word == "" or word.endswith("=") for word in rest):
        return [*words]
    arguments = [*app[command[0]].assemble_argument_collection()]
    try:
        return [*command, *_without_empty(rest, arguments)]
    except InputError as failed:
        raise InputError(f"{failed} See octave-mcp {command[0]} --help.") from None


def _without_empty(words: Sequence[str], arguments: Sequence[Argument]) -> Generator[str]:
    # Look only at options that take a value: the word after a flag such as `--json` does not belong to the flag.
    options = {name: argument for argument in arguments if argument.token_count()[0] for name in argument.names}
    positionals = iter([argument for argument in arguments if argument.index is not None])
    remaining = iter(words)
    for word in remaining:
        name, has_value, _ = word.partition("=")
        if name in options:
            option = [word] if has_value else [word, *islice(remaining, 1)]
            if option not in ([f"{name}="], [name, ""]):
                yield from option
            elif CHANGES_COMMAND in get_args(options[name].field_info.annotation):
                raise InputError(f"{name} is empty; give it a value.")
        elif word.startswith("--"):
            yield word
        else:
            positional = next(positionals, None)
            if word or not _is_absent(positional):
                yield word


def _is_absent(positional: Argument | None) -> bool:
    """Whether an empty positional argument counts as absent.

    A list, such as the URLs of `scrape`, keeps its empty entries, because the tool reports each empty entry by its
    position.

    Raises:
        InputError: If the argument is required.
    """
    if positional is None or positional.field_info.kind is positional.field_info.VAR_POSITIONAL:
        return False
    if positional.required:
        raise InputError(f"Missing argument {positional.field_info.name.upper()}.")
    return True
