"""Produces the result of a run: a new playbook or the next version of a playbook, with its files."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.company import Company
from octave_mcp.domain.run import RunError, RunRecord, RunStatus
from octave_mcp.errors import NotWritten
from octave_mcp.pipeline.generate import generate
from octave_mcp.pipeline.run import Run
from octave_mcp.runs.adapters import Files
from octave_mcp.runs.journal import Execution
from octave_mcp.runs.outcome import ended, has_mandatory_sections, is_partial, why_failed
from octave_mcp.runs.refreshing import refreshed
from octave_mcp.runs.reuse import remember, reused
from octave_mcp.runs.revising import revised
from octave_mcp.runs.versions import record_basis, stored


async def finished(
    record: RunRecord, run: Run, companies: Sequence[Company], execution: Execution, files: Files
) -> RunRecord:
    """Write and store the new playbook or the next version, and return the final record of the run.

    Raises:
        OctaveError: If nothing could be written.
    """
    if record.revision:
        return await revised(record, record.revision, run, files)
    earlier = await reused(run, companies)
    written = earlier or await generate(run, companies)
    if not has_mandatory_sections(written.playbook):
        return ended(record, "failed", why_failed(written.playbook, run.asker.faults))
    await record_basis(written, run)
    if record.refreshes:
        return await refreshed(record, written, run, files)
    playbook = await stored(written, record, run)
    status: RunStatus = "partial" if is_partial(playbook) else "completed"
    if status == "completed" and earlier is None:  # a copy of a copy could be older than a day
        await remember(run, companies)
    try:
        # An execution that has lost its run must not overwrite the files of the next execution.
        await execution.confirm()
        published = await files.publish(record.run_id, playbook)
    except NotWritten as failed:
        return ended(record, "partial", RunError(code=failed.code, message=str(failed)))
    return ended(record, status).model_copy(update={"files": published})
