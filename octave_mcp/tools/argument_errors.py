"""Errors about the arguments of a call. Their texts leave out values and strange names, because these can be secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import ValidationError

from octave_mcp.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

UNKNOWN = "unexpected_keyword_argument"
# Error texts that replace pydantic's own, for unknown and missing arguments.
SIGNATURE_ERRORS = {UNKNOWN: "unknown argument", "missing_argument": "missing"}

# Error texts repeat only names that match this pattern, because other names in a request could be secrets. The pattern
# matches names such as `wait_seconds` and list indexes such as 0.
NAME = re.compile(r"[A-Za-z_]{1,40}|[0-9]{1,3}")

# A name that is a part of another name suggests the other name only if it has at least this many letters.
MIN_PART_LETTERS = 3
MIN_SIMILARITY = 0.75
MAX_SUGGESTIONS = 2


def invalid_arguments(failed: ValidationError, names: Sequence[str]) -> InputError:
    """Return an error that says what is wrong with each argument.

    `names`: the names of all arguments. If an argument is missing or unknown, the message lists them.
    """
    errors = failed.errors(include_url=False, include_input=False, include_context=False)
    complaints = [(error["loc"], _complaint(error, names)) for error in errors]
    text = "; ".join(f"{place(location)}: {complaint}" for location, complaint in complaints)
    has_wrong_names = any(error["type"] in SIGNATURE_ERRORS for error in errors)
    listed = f". The arguments are {', '.join(names)}" if has_wrong_names else ""
    error = InputError(f"{text}{listed}")
    error.faults = {"_".join(map(str, location)): complaint for location, complaint in complaints if _is_safe(location)}
    return error


def place(location: tuple[int | str, ...]) -> str:
    """Return the place of an error, such as 'sender.name'.

    If a name does not match `NAME`, replace it with '(invalid name)', because it could be a secret that the caller sent
    as a name by mistake.
    """
    return ".".join(str(name) if _is_shown(name) else "(invalid name)" for name in location)


def unknown_argument(name: str, names: Iterable[str]) -> str:
    """Say that the argument is unknown, and suggest arguments with similar names: 'max_pages' for 'maxpages'."""
    similar = _similar(name, names) if _is_shown(name) else []
    return f"unknown argument (did you mean {' or '.join(similar)}?)" if similar else "unknown argument"


def _complaint(error: ErrorDetails, names: Sequence[str]) -> str:
    if error["type"] == UNKNOWN:
        return unknown_argument(str(error["loc"][-1]), names)
    return SIGNATURE_ERRORS.get(error["type"], error["msg"])


def _similar(name: str, names: Iterable[str]) -> list[str]:
    known = {_letters(one): one for one in names}
    letters, first = _letters(name), _first_word(name)
    containing = [one for other, one in known.items() if _contains(letters, other)]
    close = [known[other] for other in get_close_matches(letters, known, n=1, cutoff=MIN_SIMILARITY)]
    same_start = [one for one in known.values() if len(first) >= MIN_PART_LETTERS and _first_word(one) == first]
    # A longer list would be no advice.
    suggestions = (found for found in (containing, close, same_start) if 1 <= len(found) <= MAX_SUGGESTIONS)
    return next(suggestions, list[str]())


def _contains(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= MIN_PART_LETTERS and shorter in longer


def _first_word(name: str) -> str:
    return name.lower().partition("_")[0]


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _is_safe(location: Iterable[int | str]) -> bool:
    return all(map(_is_shown, location))


def _is_shown(name: int | str) -> bool:
    return NAME.fullmatch(str(name)) is not None
