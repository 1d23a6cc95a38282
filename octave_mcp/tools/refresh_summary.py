"""Summarise in a sentence what a refresh has changed in a playbook."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.diffs import diff
from octave_mcp.domain.parts import first_of, steps_of
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.versions import VersionMeta
from octave_mcp.runs.versions import Versions

# Sections derived from the others, so they are named only if nothing else has changed.
SOURCES = frozenset({"evidence", "pages", "flags"})


class RefreshSummary(NamedTuple):
    """`text` describes the changes; `older` is the version to compare with, or None if nothing has changed."""

    text: str
    older: int | None


async def refresh_summary(record: RunRecord, versions: Versions) -> RefreshSummary:
    """Summarise a refresh that has ended."""
    metas = await versions.listed(record.run_id)
    meta = next((meta for meta in metas if meta.run_id == record.run_id), None)
    reason = f"; everything was asked again: {record.anew}" if record.anew else ""
    if meta is None or meta.based_on is None:
        return RefreshSummary(f"nothing has changed since version {record.base_version}{reason}", None)
    before = await versions.playbook(record.run_id, meta.based_on)
    after = await versions.playbook(record.run_id, meta.number)
    return RefreshSummary(f"{await computed(_changes, meta, before, after)}{reason}", meta.based_on)


def _changes(meta: VersionMeta, before: Playbook, after: Playbook) -> str:
    """Name the sections that have changed, with the number of changes in each."""
    # A quotation has many fields, and a changed one counts once, so paths in SOURCES are cut after two steps.
    parts = {
        steps_of(change.path)[:2] if first_of(change.path) in SOURCES else change.path for change in diff(before, after)
    }
    counts = Counter(part[0] if isinstance(part, tuple) else first_of(part) for part in parts)
    shown = [section for section in meta.changed if section not in SOURCES] or meta.changed
    sections = ", ".join(f"{section} ({_counted(counts[section])})" for section in shown)
    return f"version {meta.number} differs from version {meta.based_on} in {sections}"


def _counted(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"
