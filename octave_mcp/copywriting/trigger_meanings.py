"""Which trigger a writer's sentence is about: the one whose quotation it cites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyTrigger
from octave_mcp.domain.sentence import Sentence

Meanings = dict[CompanyTrigger, Sentence[EvidenceId]]


def meanings(
    said: Sequence[Sentence[EvidenceId]],
    triggers: Sequence[CompanyTrigger],
    evidence: Mapping[EvidenceId, Evidence],
) -> Meanings:
    """What the prospect's triggers mean, in the order in which it was said. One that cites no trigger is left out."""
    theirs = [one for one in triggers if one.company == "prospect"]
    found: Meanings = {}
    for sentence in said:
        cited = [evidence[i] for i in sentence.evidence if i in evidence]
        left = [one for one in theirs if one not in found]
        at_quotation = (one for one in left if _share(one, cited, evidence, _overlap))
        on_page = (one for one in left if _share(one, cited, evidence, _same_page))
        if trigger := next(at_quotation, None) or next(on_page, None):
            found[trigger] = sentence
    return found


def _share(
    trigger: CompanyTrigger,
    cited: Sequence[Evidence],
    evidence: Mapping[EvidenceId, Evidence],
    same: Callable[[Evidence, Evidence], bool],
) -> bool:
    own = [evidence[i] for i in trigger.evidence if i in evidence]
    return any(same(one, other) for one in own for other in cited)


def _same_page(one: Evidence, other: Evidence) -> bool:
    return one.page_sha256 == other.page_sha256


def _overlap(one: Evidence, other: Evidence) -> bool:
    return _same_page(one, other) and one.start < other.end and other.start < one.end
