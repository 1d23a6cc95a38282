"""Playbooks as files: one module per format, found by its name."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from octave_mcp.errors import UnknownName
from octave_mcp.ports import Export


def names() -> tuple[str, ...]:
    """The formats there are, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def export(name: str) -> Export:
    """The format of this name, loaded on first use.

    Raises:
        UnknownName: no module has this name.
    """
    if name not in names():
        raise UnknownName(f"there is no export {name!r}; choose one of: {', '.join(names())}")
    return import_module(f"{__name__}.{name}").EXPORT
