"""Finds the sentence that explains each trigger, by comparing the quotations that the sentence and the trigger cite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyTrigger
from octave_mcp.domain.sentence import Sentence

Meanings = dict[CompanyTrigger, Sentence[EvidenceId]]


def meanings(
    sentences: Sequence[Sentence[EvidenceId]],
    triggers: Sequence[CompanyTrigger],
    evidence: Mapping[EvidenceId, Evidence],
) -> Meanings:
    """Map each of the prospect's triggers to the sentence that explains it.

    A sentence explains a trigger if both cite the same quotation or, failing that, the same page. A trigger without
    such a sentence is left out.
    """
    prospect_triggers = [trigger for trigger in triggers if trigger.company == "prospect"]
    meanings_found: Meanings = {}
    for sentence in sentences:
        cited = [evidence[i] for i in sentence.evidence if i in evidence]
        open_triggers = [candidate for candidate in prospect_triggers if candidate not in meanings_found]
        # One page can contain several triggers, so a shared quotation is stronger evidence than a shared page.
        at_quotation = (candidate for candidate in open_triggers if _share(candidate, cited, evidence, _overlap))
        on_page = (candidate for candidate in open_triggers if _share(candidate, cited, evidence, _same_page))
        if trigger := next(at_quotation, None) or next(on_page, None):
            meanings_found[trigger] = sentence
    return meanings_found


def _share(
    trigger: CompanyTrigger,
    cited: Sequence[Evidence],
    evidence: Mapping[EvidenceId, Evidence],
    matches: Callable[[Evidence, Evidence], bool],
) -> bool:
    own_evidence = [evidence[i] for i in trigger.evidence if i in evidence]
    return any(matches(quoted, other) for quoted in own_evidence for other in cited)


def _same_page(first: Evidence, second: Evidence) -> bool:
    return first.page_sha256 == second.page_sha256


def _overlap(first: Evidence, second: Evidence) -> bool:
    return _same_page(first, second) and first.start < second.end and second.start < first.end
