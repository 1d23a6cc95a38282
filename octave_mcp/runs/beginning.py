"""Makes the `Run` object that the steps of a run receive."""

from __future__ import annotations

from octave_mcp.asks.asker import Asker
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.vendor import READ_KINDS
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.run import Run
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.events import EventLog
from octave_mcp.runs.journal import Execution
from octave_mcp.runs.refreshing import base_of


async def run_of(
    record: RunRecord,
    execution: Execution,
    adapters: Adapters,
    asker: Asker,
    verifier: Asker | None,
    deadline: Deadline,
    log: EventLog,
) -> Run:
    """Open the source, and return the `Run` object."""
    capacity = asker.model.capacity
    run = Run(
        request=record.signed_request,
        by_default=record.by_default,
        specialists_per_ask=(record.specialists_per_ask if capacity.divides_questions else None) or len(READ_KINDS),
        identity=f"{asker.model.identity} {record.source}",
        asker=asker,
        verifier=verifier,
        source=await computed(
            adapters.source,
            record.source,
            refresh=record.request.refresh,
            run_id=record.run_id,
            memory=execution.store,
        ),
        journal=execution.journal,
        store=execution.store,
        progress=Progress(record.run_id, record.session_id, log),
        deadline=deadline,
        site_timeout_seconds=adapters.limits.site_timeout_seconds,
        base=await base_of(record, execution.store, asker.model.identity, log),
    )
    run.source.listen(run.progress)
    return run
