"""Summarise in one sentence what a refresh has changed in a playbook."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.diffs import diff
from octave_mcp.domain.parts import first_of
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.tools.text_changes import is_text_change

if TYPE_CHECKING:
    # Slow to import, and not needed to list the tools.
    from octave_mcp.domain.version_meta import VersionMeta
    from octave_mcp.runs.versions import Versions


class RefreshSummary(NamedTuple):
    """The changes as a text, and the number of the version before the changes (None if nothing has changed)."""

    text: str
    older: int | None


async def refresh_summary(record: RunRecord, versions: Versions) -> RefreshSummary:
    """Summarise a refresh that has ended."""
    metas = await versions.listed(record.run_id)
    made = next((meta for meta in metas if meta.run_id == record.run_id), None)
    explanation = (
        f"; all questions were asked again: {record.full_refresh_reason}" if record.full_refresh_reason else ""
    )
    if made is None or made.based_on is None:
        return RefreshSummary(f"nothing has changed since version {record.base_version}{explanation}", None)
    before = await versions.playbook(record.run_id, made.based_on)
    after = await versions.playbook(record.run_id, made.number)
    return RefreshSummary(f"{await computed(_changes, made, before, after)}{explanation}", made.based_on)


def _changes(made: VersionMeta, before: Playbook, after: Playbook) -> str:
    """Name the sections that changed, and say how many changes `octave-mcp diff` shows in each section."""
    counts = Counter(first_of(change.path) for change in diff(before, after) if is_text_change(change))
    versions = f"version {made.number} differs from version {made.based_on}"
    if not counts:
        return f"{versions} only in {', '.join(made.changed)}"
    return f"{versions} in {', '.join(f'{section} ({_counted(count)})' for section, count in counts.items())}"


def _counted(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"
