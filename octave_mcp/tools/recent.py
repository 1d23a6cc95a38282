"""What reports say about recently reported playbooks, so that polling a finished run does not load its playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.events import Event
from octave_mcp.domain.run import RunRecord
from octave_mcp.tools.overviews import Overview, overview
from octave_mcp.tools.refresh_summary import RefreshSummary, refresh_summary

if TYPE_CHECKING:
    from octave_mcp.runs.service import Runs


class Reported(NamedTuple):
    """What the report on a finished run says about a version of its playbook. It never changes.

    `refreshed` is None if the run is not a refresh.
    """

    overview: Overview
    last: Event | None
    refreshed: RefreshSummary | None


# Maximum number of versions to remember for each application. An entry takes a few kilobytes.
MAX_VERSIONS = 128
_recent: WeakKeyDictionary[Runs, dict[tuple[str, int], Reported]] = WeakKeyDictionary()


async def reported(record: RunRecord, version: int, runs: Runs) -> Reported:
    """Return what to report about a version of a finished run's playbook."""
    known, key = _recent.setdefault(runs, {}), (record.run_id, version)
    if key not in known:
        made = await _loaded(record, version, runs)
        if len(known) >= MAX_VERSIONS:
            del known[next(iter(known))]
        known[key] = made
    return known[key]


async def _loaded(record: RunRecord, version: int, runs: Runs) -> Reported:
    playbook = await runs.versions.playbook(record.run_id, version)
    return Reported(
        overview=await computed(overview, playbook),
        last=await runs.progress(record.run_id),
        refreshed=await refresh_summary(record, runs.versions) if record.refreshes else None,
    )


def forget(runs: Runs) -> None:
    """Forget all versions, because some of them were deleted."""
    _recent.pop(runs, None)
