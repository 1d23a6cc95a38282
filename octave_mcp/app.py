"""The composition root: settings to adapters to runs.

The only module that knows everyone; adapters come by name, on first use.
"""

from __future__ import annotations

import asyncio
import importlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Literal

from octave_mcp.asks.budget import Budget
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import AUTO, FORMATS, MODELS, SOURCES, WITHOUT_KEY, Format, choice, names
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.errors import NotWritten, SetupError
from octave_mcp.exports import export
from octave_mcp.ports import Engine, Model, RunContext, Source, Store
from octave_mcp.runs.adapters import Limits
from octave_mcp.runs.service import Runs
from octave_mcp.settings import Settings
from octave_mcp.sources.factory import make_source

EVER = datetime.min.replace(tzinfo=UTC)
EngineName = Literal["durable", "inline"]


@dataclass(frozen=True, slots=True)
class Download:
    """A playbook in one format, and the name under which to save it."""

    name: str
    content: str | bytes


class App:
    """Everything a server needs, made when it is first asked for. `engine` names where runs are executed."""

    def __init__(
        self, settings: Settings, observers: tuple[Callable[[Event], None], ...] = (), *, engine: EngineName = "durable"
    ) -> None:
        self.settings = settings
        self._observers = observers
        self.allow_hosts = frozenset(settings.allow_hosts)
        self.max_runs = settings.max_runs
        self.keep_days = settings.keep_days
        self.limits = Limits(
            site_timeout_seconds=settings.site_timeout_seconds,
            step_timeout_seconds=settings.step_timeout_seconds,
            run_timeout_seconds=settings.run_timeout_seconds,
            most=Budget(settings.max_cost_usd, settings.max_run_asks, settings.max_run_tokens),
            fallback=settings.fallback,
            specialists_per_ask=settings.specialists_per_ask,
        )
        self.store: Store = _adapter("octave_mcp.store.sql").make(settings)
        self.engine: Engine = _adapter(f"octave_mcp.engine.{engine}").make(settings)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self)

    def model_name(self, name: str) -> str:
        """The name itself; for 'auto', that of the model which the settings name.

        Raises:
            SetupError: auto finds none.
            UnknownName: there is none of that name.
        """
        chosen = self.settings.model if name == AUTO else name
        return self._first_model() if chosen == AUTO else choice(MODELS, chosen, "model").name

    def _first_model(self) -> str:
        """The first that is set up of those that 'auto' tries."""
        missing: list[str] = []
        for name in names(model for model in MODELS if model.in_auto):
            try:
                self.model(name)
            except SetupError as unset:
                missing.append(str(unset).partition(":")[0])
            else:
                return name
        raise SetupError(f"no model is configured ({'; '.join(missing)}): set one of these; {WITHOUT_KEY}")

    def source_name(self, name: str) -> str:
        """The name itself; for 'auto', that of the source which the settings name, or of the first that is set up.

        Raises:
            SetupError: what it needs is not set.
            UnknownName: there is none of that name.
        """
        chosen = self.settings.source if name == AUTO else name
        if chosen == AUTO:
            tried = [source for source in SOURCES if source.in_auto]
            chosen = next((source for source in tried if _adapter(source.module).is_set_up()), tried[-1]).name
        _source(chosen).check()
        return chosen

    def model(self, name: str, context: RunContext | None = None) -> Model:
        return _adapter(choice(MODELS, name, "model").module).make(self.settings, context)

    def source(self, name: str, *, refresh: bool = False) -> Source:
        """`refresh` has every page fetched anew."""
        return make_source(_source(name), self.settings, self.store, refresh=refresh)

    def emit(self, event: Event) -> None:
        for observer in self._observers:
            observer(event)

    async def download(self, run_id: str, form: Format) -> Download:
        """The playbook of a run that has ended, in this format.

        Raises:
            NotFound: there is no such run.
            NotFinished: it made no playbook, or has not yet.
        """
        playbook = await self.runs.finished(run_id)
        content = await computed(_rendered, playbook, form)
        return Download(f"{_pair(playbook)}.{form.suffix}", content)

    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        """Writes the playbook's files into a folder of their own under OCTAVE_HOME/playbooks; returns their paths.

        The folder is the run's for good: one that was begun before a crash is found again.

        Raises:
            NotWritten: they cannot be written there.
        """
        today = date.today()  # noqa: DTZ011 - the user's day
        name = f"{_pair(playbook)}-{today:%Y-%m-%d}"
        claimed = await self.store.note(_folder_of(run_id), since=EVER)
        try:
            folder = Path(claimed) if claimed else await computed(_new_folder, self._published / name)
            if not claimed:
                await self.store.put_note(_folder_of(run_id), str(folder))
            return await computed(write_files, playbook, folder)
        except OSError as failed:
            raise NotWritten(
                f"the playbook could not be written to disk ({failed.strerror}); get_run has it all the same"
            ) from None

    async def unpublish(self, run_id: str, files: Sequence[str]) -> None:
        """Removes what `publish` wrote for the run, and nothing else."""
        claimed = await self.store.note(_folder_of(run_id), since=EVER)
        folders = {Path(claimed)} if claimed else {Path(file).parent for file in files}
        for folder in folders:
            if folder.parent == self._published:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    @property
    def _published(self) -> Path:
        return self.settings.home.absolute() / "playbooks"


def write_files(playbook: Playbook, folder: Path, formats: Sequence[str] = ()) -> tuple[str, ...]:
    """A file of each format in the folder, or of those asked for; returns their paths."""
    chosen = [choice(FORMATS, name, "format") for name in formats] or FORMATS
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(folder, form, playbook) for form in chosen)


def free_folder(folder: Path) -> Path:
    """The folder, or one of the same name with a number, that is not there yet."""
    return next(path for path in _numbered(folder) if not path.exists())


def _new_folder(folder: Path) -> Path:
    """A folder of that name, numbered where it is taken, that this call has made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return next(path for path in _numbered(folder) if _made(path))


def _made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _folder_of(run_id: str) -> str:
    """The key of the note that says where a run's files are."""
    return f"folder of {run_id}"


def _numbered(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (folder.with_name(f"{folder.name}-{number}") for number in count(2))


def _write(target: Path, form: Format, playbook: Playbook) -> str:
    path = target / f"playbook.{form.suffix}"
    begun = path.with_name(f".{path.name}")
    content = _rendered(playbook, form)
    begun.write_bytes(content if isinstance(content, bytes) else content.encode())
    begun.replace(path)  # nobody meets it half written
    return str(path)


def _rendered(playbook: Playbook, form: Format) -> str | bytes:
    return export(form.name).render(playbook)


def _pair(playbook: Playbook) -> str:
    """Both companies, in the name of a file."""
    return f"{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_")


def _source(name: str) -> Any:  # noqa: ANN401 - found by name
    return _adapter(choice(SOURCES, name, "source").module)


def _adapter(module: str) -> Any:  # noqa: ANN401 - found by name
    """The module, imported on first use."""
    return importlib.import_module(module)
