"""Interfaces that runs depend on: access to the adapters, the limits of a run, and storage for playbook files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

from octave_mcp.asks.budget import Budget
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.company import Role
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.sender import Sender
from octave_mcp.ports import Engine, Memory, Model, RunContext, Source, Store

# The two companies of a deal, by role, as the user entered them.
Deal = Mapping[Role, str]
NO_DEAL: Deal = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The limits, fallback models and verifier of a run, as configured in the settings.

    `verify_model` is the model that judges claims: '' for the run's own model, 'none' for no verification.
    """

    site_timeout_seconds: float
    step_timeout_seconds: float
    run_timeout_seconds: float
    default_budget: Budget
    fallback: tuple[str, ...]
    verify_model: str
    specialists_per_ask: int

    def budget(self, usd: float | None) -> Budget:
        """Return the budget of a run. `usd` is the caller's dollar limit, or None."""
        return self.default_budget if usd is None else replace(self.default_budget, usd=usd)


class Files(Protocol):
    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        """Write the playbook's files into the run's folder and return their paths.

        Raises:
            NotWritten: If the files cannot be written.
        """
        ...

    async def replace(self, run_id: str, playbook: Playbook) -> None:
        """If the run's files are on this machine, replace them with the files of a newer version.

        Errors are logged and not raised.
        """

    async def remove(self, run_id: str, files: Sequence[str]) -> None:
        """Remove only the files that `publish` wrote for the run."""
        ...


class Adapters(Protocol):
    """The adapters and settings that `Runs` works with.

    - `sender`: the person who signs the e-mails, unless a request names another sender.
    - `supervisor`: starts and watches the background tasks.
    """

    allow_hosts: frozenset[str]
    max_runs: int
    keep_days: int
    sender: Sender
    limits: RunLimits
    supervisor: Supervisor
    store: Store
    engine: Engine

    @property
    def files(self) -> Files: ...

    def model_name(self, name: str) -> str | None:
        """Return the full name of the model, or None if the name is 'auto' and no provider is configured."""
        ...

    def source_name(self, name: str) -> str: ...

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:
        """Return the model for a run.

        If `context` is None, the model cannot be asked: you can only check whether it is set up, and estimate its cost.
        The name can include the provider's model, as in 'openai:gpt-6-luna'.

        Raises:
            InputError, StaleRecording: If the model replays recordings, and no readable recording of this deal exists.
        """
        ...

    def source(self, name: str, *, refresh: bool = False, run_id: str = "", memory: Memory | None = None) -> Source:
        """Return the source.

        If `refresh` is true, the source fetches every page again. `memory` is the store that the source uses.
        """
        ...

    def emit(self, event: Event) -> None: ...
