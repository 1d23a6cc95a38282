"""Copies gaps, flags and fetch times from the earlier version into a refreshed playbook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from octave_mcp.asks.faults import MODEL
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.playbook import Playbook
from octave_mcp.pipeline.base import Base

# Flags that say who wrote the text. A refresh copies these flags from the earlier version, because it can retain text
# of that version.
_WRITER_FLAGS = frozenset({"extractive", "stood_in", "recorded"})


def model_gaps(playbook: Playbook) -> tuple[Gap, ...]:
    """Return the earlier gaps about faulty model answers, because text from these answers is still in the playbook."""
    return tuple(gap for gap in playbook.gaps if gap.section == MODEL)


def with_earlier(flags: Iterable[Flag], playbook: Playbook) -> tuple[Flag, ...]:
    """Return the flags of the refresh, preceded by the earlier version's flags that say who wrote the text.

    The flag for reused answers is dropped, because every refresh reuses answers. The flag for reused research is
    retained.
    """
    earlier = [flag for flag in playbook.flags if flag.code in _WRITER_FLAGS]
    current = [flag for flag in flags if flag.code != "reused" or flag.companies]
    return tuple(dict.fromkeys((*earlier, *current)))


def refreshed(written: Written, base: Base) -> Written:
    """Restore the earlier `fetched_at` of each quotation if nothing else about the quotation has changed.

    If these times were not restored, every refresh would store a new version, because fetch times differ even if no
    page has changed.
    """
    known = base.drafts.evidence | base.playbook.evidence
    playbook = written.playbook.model_copy(update={"evidence": _as_known(written.playbook.evidence, known)})
    drafts = written.drafts.model_copy(update={"evidence": _as_known(written.drafts.evidence, known)})
    return written._replace(playbook=playbook, drafts=drafts)


def _as_known(
    evidence: Mapping[EvidenceId, Evidence], known: Mapping[EvidenceId, Evidence]
) -> dict[EvidenceId, Evidence]:
    return {i: _unless_only_read_again(new, known.get(i)) for i, new in evidence.items()}


def _unless_only_read_again(new: Evidence, known: Evidence | None) -> Evidence:
    return known if known and new.model_copy(update={"fetched_at": known.fetched_at}) == known else new
