"""What runs need from the composition root: adapters by name, limits, and where a playbook's files go."""

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

# The companies as they are named in a request.
Deal = Mapping[Role, str]
NO_DEAL: Deal = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings allow a run, and the fallbacks of its model.

    `verify_model` judges its claims: '' for the run's own model, 'none' for nobody.
    """

    site_timeout_seconds: float
    step_timeout_seconds: float
    run_timeout_seconds: float
    most: Budget
    fallback: tuple[str, ...]
    verify_model: str
    specialists_per_ask: int

    def budget(self, usd: float | None) -> Budget:
        """With the dollars that the caller allows."""
        return self.most if usd is None else replace(self.most, usd=usd)


class Files(Protocol):
    async def publish(self, run_id: str, playbook: Playbook) -> tuple[str, ...]:
        """Writes the playbook's files into the run's folder; returns their paths.

        Raises:
            NotWritten: they cannot be written there.
        """
        ...

    async def replace(self, run_id: str, playbook: Playbook) -> None:
        """Writes the files again for a newer version, if they are on this machine; what fails is logged."""

    async def remove(self, run_id: str, files: Sequence[str]) -> None:
        """Removes what `publish` wrote for the run, and nothing else."""
        ...


class Adapters(Protocol):
    """`sender` is who signs, unless a request says otherwise; `supervisor` owns what runs in the background."""

    allow_hosts: frozenset[str]
    max_runs: int
    keep_days: int
    sender: Sender
    limits: Limits
    supervisor: Supervisor
    store: Store
    engine: Engine

    @property
    def files(self) -> Files: ...

    def model_name(self, name: str) -> str | None:
        """The model that the name stands for; None if it is 'auto' and none is configured."""
        ...

    def source_name(self, name: str) -> str: ...

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:
        """The model, for the run that it may use; without a run, only to see that it is set up.

        The name may say which of the provider's models to ask, as 'openai:gpt-6-luna'.

        Raises:
            InputError, StaleRecording: it replays recordings, and has none of this deal that can be read.
        """
        ...

    def source(self, name: str, *, refresh: bool = False, run_id: str = "", memory: Memory | None = None) -> Source:
        """With `refresh`, every page is fetched again. `memory` is the store of the run's execution."""
        ...

    def emit(self, event: Event) -> None: ...
