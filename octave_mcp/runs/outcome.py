"""Determines how a run ends: its final status, and the error of a failed run."""

from __future__ import annotations

from datetime import UTC, datetime

from octave_mcp.asks.faults import MODEL, Faults
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunError, RunRecord, RunStatus
from octave_mcp.errors import BadAnswer, NoAccess, UpstreamError, tree

_FAILED_GAPS = frozenset(kind.code for kind in tree(UpstreamError))
_NO_ACCESS = frozenset(kind.code for kind in tree(NoAccess))
_PARTIAL_GAPS = _FAILED_GAPS | {"dropped_by_check"}
_BAD_ANSWERS = frozenset(kind.code for kind in tree(BadAnswer))


def ended(record: RunRecord, status: RunStatus, error: RunError | None = None) -> RunRecord:
    return record.model_copy(update={"status": status, "finished_at": datetime.now(UTC), "error": error})


def seconds(record: RunRecord) -> float:
    """Return how long the run has taken so far, including interruptions. Return 0 if the run has not started."""
    if record.started_at is None:
        return 0.0
    return round(((record.finished_at or datetime.now(UTC)) - record.started_at).total_seconds(), 3)


def has_mandatory_sections(playbook: Playbook) -> bool:
    """Whether the playbook has a summary, battle cards, evidence, and a persona with both e-mails and a talk track."""
    summary = playbook.executive_summary
    with_copy = {s.persona_id for s in playbook.email_sequences if s.touches} & {
        t.persona_id for t in playbook.talk_tracks
    }
    return bool(summary.whom_to_approach and with_copy and playbook.battle_cards and playbook.evidence)


def why_failed(playbook: Playbook, faults: Faults) -> RunError:
    """Return the error of a run whose playbook lacks mandatory sections.

    The error says that a section failed, that statements were dropped, or that too little was found. If most of the
    model's answers had faults, the error is only about these faults. If only some answers had faults, the faults are
    appended to the error text.
    """
    failures = [gap for gap in playbook.gaps if gap.code in _FAILED_GAPS and gap.section != MODEL]
    # Prefer an error about access to the model: without access, all other asks fail as well, so this is the error to
    # fix.
    failed = next((gap for gap in failures if gap.code in _NO_ACCESS), next(iter(failures), None))
    if faults.are_most and (failed is None or failed.code not in _NO_ACCESS):
        error = faults.error()
        return RunError(code=error.code, message=str(error))
    suffix = f"; {faults}" if faults else ""
    if failed:
        return RunError(code=failed.code, message=f"{failed.section} could not be written: {failed.reason}{suffix}")
    if dropped := sum(gap.code == "dropped_by_check" for gap in playbook.gaps):
        lost = f"statements in {dropped} of {faults.asks} answers failed a check and were dropped"
        message = f"no playbook could be written: {lost}, which left too little; use another model, or raise max_pages"
        return RunError(code=BadAnswer.code, message=f"{message}{suffix}")
    message = "too little was found on the sites for a playbook: no persona, sequence or battle card could be written"
    return RunError(code="too_little", message=f"{message}{suffix}")


def is_partial(playbook: Playbook) -> bool:
    """Whether the playbook is partial, because something failed or was dropped.

    A page that no longer exists, or a fact that no page states, does not make a playbook partial.
    """
    failed = any(failure.is_transient for failure in playbook.failed_pages)
    # Ignore gaps that only count the model's bad answers, because everything that was lost has a gap of its own.
    lost = (gap.code for gap in playbook.gaps if not (gap.section == MODEL and gap.code in _BAD_ANSWERS))
    return failed or any(code in _PARTIAL_GAPS for code in lost)
