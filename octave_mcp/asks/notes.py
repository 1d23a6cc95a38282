"""Renders findings as compact notes for a model: one line per finding, with the numbers of the supporting passages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from octave_mcp.domain.evidence import UNASKED, EvidenceId, cites_of
from octave_mcp.domain.value import Value


def notes(value: Value | None, numbers: Mapping[EvidenceId, int]) -> str:
    """Return the notes. Leave out findings that cite a passage that the model does not see."""
    return "\n".join(_lines(value, numbers, "")) if value else ""


def _lines(value: Value, numbers: Mapping[EvidenceId, int], indent: str) -> Iterator[str]:
    if text := _text(value, numbers):
        yield f"{indent}- {text}"
    below = f"{indent}  " if text else indent
    for name, parts in _parts(value):
        if shown := [part for part in parts if _is_shown(part, numbers)]:
            yield f"{below}{name}:"
            yield from (line for part in shown for line in _lines(part, numbers, below))


def _is_shown(value: Value, numbers: Mapping[EvidenceId, int]) -> bool:
    return all(i in numbers for i in cites_of(value))


def _text(value: Value, numbers: Mapping[EvidenceId, int]) -> str:
    """Render the value's strings and booleans, followed by its citations. Nested values are not included."""
    own = [word for name in type(value).model_fields if (word := _word(name, getattr(value, name)))]
    shown = sorted({numbers[i] for i in cites_of(value) if i in numbers})
    return " ".join([" · ".join(own), f"[{', '.join(map(str, shown))}]" if shown else ""]).strip()


def _word(name: str, given: object) -> str:
    if isinstance(given, bool):
        return f"{name}: {'yes' if given else 'no'}"
    return " ".join(given.split()) if isinstance(given, str) else ""


def _parts(value: Value) -> Iterator[tuple[str, tuple[Value, ...]]]:
    for name in type(value).model_fields:
        given: object = getattr(value, name)
        parts = (given,) if isinstance(given, Value) else given
        if name not in {"evidence", UNASKED} and isinstance(parts, tuple) and parts:
            yield name, cast("tuple[Value, ...]", parts)
