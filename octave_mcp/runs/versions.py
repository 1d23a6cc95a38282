"""The versions of a run's playbook."""

from __future__ import annotations

from octave_mcp.domain.costs import Timings
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.versions import first_version
from octave_mcp.pipeline.run import Run
from octave_mcp.runs.outcome import seconds


async def stored(written: Written, record: RunRecord, run: Run) -> Playbook:
    """The playbook with its timings, stored as version 1; that of an earlier execution, where there is one."""
    timings = Timings(total_seconds=seconds(record), steps=run.progress.timings)
    version = first_version(record.run_id, written.playbook.model_copy(update={"timings": timings}), written.drafts)
    return (await run.store.put_version(record.run_id, version) or version).playbook
