"""Empty arguments on the command line: an optional one counts as absent, as on the other surfaces."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import islice
from typing import get_args

from cyclopts import App
from cyclopts.argument import Argument

from octave_mcp.errors import InputError

# Marks an option that changes what the command does: a script whose variable is empty must not do something else.
ORDERS = "orders"


def without_empty(app: App, words: Sequence[str]) -> list[str]:
    """Return a command line without its empty optional arguments: `--model ''`, `--model=`.

    Raises:
        InputError: a required argument is empty, or an option that orders something.
    """
    command, _, rest = app.parse_commands(words)
    if not command or not any(word == "" or word.endswith("=") for word in rest):
        return [*words]
    arguments = [*app[command[0]].assemble_argument_collection()]
    try:
        return [*command, *_given(rest, arguments)]
    except InputError as missing:
        raise InputError(f"{missing} See octave-mcp {command[0]} --help.") from None


def _given(words: Sequence[str], arguments: Sequence[Argument]) -> Generator[str]:
    options = {name: argument for argument in arguments if argument.token_count()[0] for name in argument.names}
    places = iter([argument for argument in arguments if argument.index is not None])
    left = iter(words)
    for word in left:
        name, has_value, _ = word.partition("=")
        if name in options:
            option = [word] if has_value else [word, *islice(left, 1)]
            if option not in ([f"{name}="], [name, ""]):
                yield from option
            elif ORDERS in get_args(options[name].field_info.annotation):
                raise InputError(f"{name} is empty; give it a value.")
        elif word.startswith("--"):
            yield word
        else:
            place = next(places, None)
            if word or not _is_absent(place):
                yield word


def _is_absent(place: Argument | None) -> bool:
    """Whether an empty argument at this place counts as absent. Lists report an empty entry themselves."""
    if place is None or place.field_info.kind is place.field_info.VAR_POSITIONAL:
        return False
    if place.required:
        raise InputError(f"{place.field_info.name.upper()} is missing.")
    return True
