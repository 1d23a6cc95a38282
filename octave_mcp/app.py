"""The composition root: settings to adapters to runs.

The only module that knows everyone; adapters come by name, on first use.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.errors import SetupError, UnknownName
from octave_mcp.ports import Engine, Export, Model, Source, Store
from octave_mcp.runs import Runs
from octave_mcp.settings import Settings

FORMATS = ("json", "markdown", "html")


class App:
    """Everything a server needs, made when it is first asked for."""

    def __init__(self, settings: Settings, observers: tuple[Callable[[Event], None], ...] = ()) -> None:
        self.settings = settings
        self._observers = observers
        self.allow_hosts = frozenset(settings.allow_hosts)
        self.max_runs = settings.max_runs
        self.site_timeout_seconds = settings.site_timeout_seconds
        self.store: Store = _adapter("store", "memory").MemoryStore(settings.home)
        self.engine: Engine = _adapter("engine", "inline").Inline()

    @cached_property
    def runs(self) -> Runs:
        return Runs(self)

    def model(self, name: str) -> Model:
        """The model of that name; 'auto' is the one that the settings name.

        Raises:
            SetupError: auto finds none.
            UnknownName: there is none of that name.
        """
        chosen = self.settings.model if name == "auto" else name
        if chosen == "auto":
            raise SetupError(
                "no model is configured: set OCTAVE_MODEL=extractive, or ask for the model 'extractive' in the call "
                "(--model extractive on the command line); it arranges verbatim evidence and needs no key"
            )
        return _adapter("models", chosen).make(self.settings)

    def source(self, name: str) -> Source:
        chosen = self.settings.source if name == "auto" else name
        return _adapter("sources", "crawler" if chosen == "auto" else chosen).make(self.settings)

    def emit(self, event: Event) -> None:
        for observer in self._observers:
            observer(event)

    async def publish(self, playbook: Playbook) -> tuple[str, ...]:
        """Writes the playbook's files under OCTAVE_HOME/playbooks; returns their paths."""
        folder = self.settings.home / "playbooks"
        today = date.today()  # noqa: DTZ011 - the user's day
        name = f"{playbook.vendor.domain}-{playbook.prospect.domain}-{today:%Y-%m-%d}".replace(":", "_")
        return await asyncio.to_thread(write_files, playbook, folder, name)


def write_files(playbook: Playbook, folder: Path, name: str = "") -> tuple[str, ...]:
    """`playbook.json`, `.md` and `.html` in a new folder of that name, numbered if taken; else in `folder`."""
    target = _free(folder / name) if name else folder
    target.mkdir(parents=True, exist_ok=True)
    return tuple(_write(target, _export(form), playbook) for form in FORMATS)


def _free(target: Path) -> Path:
    number = 1
    while (candidate := target if number == 1 else target.with_name(f"{target.name}-{number}")).exists():
        number += 1
    return candidate


def _write(target: Path, export: Export, playbook: Playbook) -> str:
    path = target / f"playbook.{export.suffix}"
    path.write_text(export.render(playbook), encoding="utf-8")
    return str(path)


def _export(name: str) -> Export:
    from octave_mcp.exports import export  # noqa: PLC0415 - on first use

    return export(name)


def _adapter(kind: str, name: str) -> Any:  # noqa: ANN401 - found by name
    """The module `octave_mcp.<kind>.<name>`, imported on first use."""
    package = importlib.import_module(f"octave_mcp.{kind}")
    available = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    if name not in available:
        raise UnknownName(f"there is no {kind[:-1]} {name!r}; choose one of {', '.join(available)}")
    return importlib.import_module(f"octave_mcp.{kind}.{name}")
