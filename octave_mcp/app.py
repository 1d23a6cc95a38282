"""Composition root: creates the store, the engine, the models and the sources that the settings select."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from octave_mcp.asks.budget import Budget
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.addresses import NONE_SERVED, Served
from octave_mcp.domain.choices import AUTO, MODELS, SOURCES, Choice, Format, Provider, choice
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.errors import UnknownName
from octave_mcp.exports.files import PlaybookFiles, free_folder, pair_of, rendered, write_files
from octave_mcp.ports import Engine, Memory, Model, RunContext, Source, Store
from octave_mcp.runs.adapters import NO_DEAL, Deal, RunLimits
from octave_mcp.runs.service import Runs
from octave_mcp.settings import Settings, setting_of
from octave_mcp.sources.factory import make_source

# The surfaces must not import `exports`, so they import `free_folder` and `write_files` from here.
__all__ = ["App", "Download", "EngineName", "PlaybookPage", "free_folder", "playbook_files", "write_files"]

EngineName = Literal["durable", "inline"]


@dataclass(frozen=True, slots=True)
class Download:
    """A playbook exported in one format, with its file name."""

    name: str
    content: str | bytes


class PlaybookPage(NamedTuple):
    """A playbook for a web page: the version, and the HTML of the playbook without a frame."""

    playbook: Playbook
    version: VersionMeta
    body: str


class App:
    """The parts of a server: settings, store and engine. Models and sources are created on demand.

    This process can serve some hosts itself, such as a demo site. `served` maps each of these hosts to a loopback port.
    The crawler is allowed to read these hosts.
    """

    def __init__(
        self,
        settings: Settings,
        observers: tuple[Callable[[Event], None], ...] = (),
        *,
        engine: EngineName = "durable",
        served: Served = NONE_SERVED,
    ) -> None:
        self.settings = settings
        self._served = served
        self._observers = observers
        self.allow_hosts = frozenset(settings.allow_hosts)
        self.max_runs = settings.max_runs
        self.keep_days = settings.keep_days
        self.sender = settings.sender
        self.limits = RunLimits(
            site_timeout_seconds=settings.site_timeout_seconds,
            step_timeout_seconds=settings.step_timeout_seconds,
            run_timeout_seconds=settings.run_timeout_seconds,
            default_budget=Budget(settings.max_cost_usd, settings.max_run_asks, settings.max_run_tokens),
            fallback=settings.fallback,
            verify_model=settings.verify_model,
            specialists_per_ask=settings.specialists_per_ask,
        )
        self.supervisor = Supervisor()
        self.store: Store = _adapter("octave_mcp.store.sql").make(settings)
        self.engine: Engine = _adapter(f"octave_mcp.engine.{engine}").make(settings, self.store, self.supervisor)
        self.files = PlaybookFiles(self.store, settings.home.absolute() / "playbooks")

    @cached_property
    def runs(self) -> Runs:
        return Runs(self)

    def model_name(self, name: str) -> str | None:
        """Return the name of the model to use.

        If `name` is 'auto', use the model in the settings. If the settings also say 'auto', use the first configured
        model. Return None if no model is configured, because the default model then depends on the surface (MCP, HTTP
        or command line).

        Raises:
            UnknownName: If no model has this name.
        """
        if name != AUTO:
            return choice(MODELS, name, "model").name
        if self.settings.model != AUTO:
            return _chosen_in_settings(MODELS, self.settings.model, "model")
        configured = next(filter(self.is_configured, (model for model in MODELS if model.in_auto)), None)
        return configured.name if configured else None

    def source_name(self, name: str) -> str:
        """Return the name of the source to use.

        If `name` is 'auto', use the source in the settings. If the settings also say 'auto', use the first configured
        source.

        Raises:
            SetupError: If a setting that the source needs is missing or invalid.
            UnknownName: If no source has this name.
        """
        chosen = _chosen_in_settings(SOURCES, self.automatic_source, "source") if name == AUTO else name
        _source(chosen).check()
        return chosen

    @property
    def automatic_source(self) -> str:
        """The source to use if a request names none. It is not checked."""
        if self.settings.source != AUTO:
            return self.settings.source
        candidates = [source for source in SOURCES if source.in_auto]
        return next(filter(self.is_configured, candidates), candidates[-1]).name

    def is_configured(self, provider: Provider) -> bool:
        """Whether a setting that the provider needs is set."""
        return any(setting_of(self.settings, name) for name in provider.variables)

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:
        provider, colon, _ = name.partition(":")
        chosen, settings = choice(MODELS, provider, "model"), self.settings
        if colon:
            if not chosen.needs:
                raise UnknownName(f"no model {name!r}: {provider} takes no model name; use {provider!r} alone")
            settings = settings.model_copy(update={"fast_model": name, "strong_model": name})
        make = _adapter(chosen.module).make
        return make(settings, context, deal) if chosen.replays else make(settings, context)

    def source(self, name: str, *, refresh: bool = False, run_id: str = "", memory: Memory | None = None) -> Source:
        return make_source(
            _source(name),
            self.settings,
            self.store,
            self.supervisor,
            refresh=refresh,
            run_id=run_id,
            memory=memory,
            served=self._served,
        )

    def emit(self, event: Event) -> None:
        for observer in self._observers:
            observer(event)

    async def download(self, run_id: str, form: Format, version: int | None = None, *, pages: bool = False) -> Download:
        """Return a finished run's playbook as a file, by default the newest version of the playbook.

        If `pages` is true and the format supports it, the file includes the full text of the pages that the playbook
        quotes.

        Raises:
            NotFound: If the run does not exist.
            NotFinished: If the run has not finished yet, or ended without a playbook.
            UnknownName: If the playbook has no version with this number.
        """
        playbook = await self.runs.finished(run_id, version)
        texts: Mapping[str, str] = await self.runs.quoted_pages(playbook) if pages else {}
        return Download(f"{pair_of(playbook)}.{form.suffix}", await computed(rendered, playbook, form, texts))

    async def playbook_page(
        self, run_id: str, version: int | None = None, change_at: Callable[[str], str] | None = None
    ) -> PlaybookPage:
        """Return a finished run's playbook for a web page, by default the newest version of the playbook.

        `change_at` maps the path of a part to the URL of a page where people can change the part.

        Raises:
            NotFound, NotFinished, UnknownName: See `download`.
        """
        meta = await self.runs.versions.one(run_id, version)
        playbook = await self.runs.finished(run_id, meta.number)
        return PlaybookPage(playbook, meta, await computed(_html().EXPORT.body, playbook, change_at))


def playbook_files() -> dict[str, str]:
    """Return the style sheet and the script of playbook pages, by file name."""
    return {"playbook.css": _html().STYLE.text, "playbook.js": _html().SCRIPT.text}


def _html() -> Any:  # noqa: ANN401 - imported by name
    return _adapter("octave_mcp.exports.html")


def _chosen_in_settings(table: tuple[Choice, ...], name: str, kind: str) -> str:
    """Return the name. If it is unknown, the error says which setting is wrong."""
    try:
        return choice(table, name, kind).name
    except UnknownName as unknown:
        raise UnknownName(f"OCTAVE_{kind.upper()}: {unknown}", kind) from None


def _source(name: str) -> Any:  # noqa: ANN401 - imported by name
    return _adapter(choice(SOURCES, name, "source").module)


def _adapter(module: str) -> Any:  # noqa: ANN401 - imported by name
    # Import an adapter only when it is needed, because the SDKs of model providers are slow to import.
    return importlib.import_module(module)
