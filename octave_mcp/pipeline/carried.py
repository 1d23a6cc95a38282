"""What a refreshed playbook takes over from the version before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from octave_mcp.asks.faults import MODEL
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.notices import Flag, Gap
from octave_mcp.domain.playbook import Playbook
from octave_mcp.pipeline.base import Base

# Flags that say who wrote the text that stays.
_OF_WRITERS = frozenset({"extractive", "stood_in", "recorded"})


def of_models(playbook: Playbook) -> tuple[Gap, ...]:
    """Faults of answers that are still used."""
    return tuple(gap for gap in playbook.gaps if gap.section == MODEL)


def with_earlier(flags: Iterable[Flag], playbook: Playbook) -> tuple[Flag, ...]:
    """The flags, with those that say who wrote the text that stays; a reuse of earlier answers is not reported."""
    earlier = [flag for flag in playbook.flags if flag.code in _OF_WRITERS]
    found = [flag for flag in flags if flag.code != "reused" or flag.companies]
    return tuple(dict.fromkeys((*earlier, *found)))


def refreshed(written: Written, base: Base) -> Written:
    """With quotations of pages that are as they were as the version has them, with the time of their first reading."""
    known = base.drafts.evidence | base.playbook.evidence
    playbook = written.playbook.model_copy(update={"evidence": _as_known(written.playbook.evidence, known)})
    drafts = written.drafts.model_copy(update={"evidence": _as_known(written.drafts.evidence, known)})
    return written._replace(playbook=playbook, drafts=drafts)


def _as_known(
    evidence: Mapping[EvidenceId, Evidence], known: Mapping[EvidenceId, Evidence]
) -> dict[EvidenceId, Evidence]:
    return {i: _unless_only_read_again(one, known.get(i)) for i, one in evidence.items()}


def _unless_only_read_again(one: Evidence, known: Evidence | None) -> Evidence:
    return known if known and one.model_copy(update={"fetched_at": known.fetched_at}) == known else one
