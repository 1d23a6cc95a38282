"""Verification within step 8: findings while the writers work, each writer's answer as it comes, or all at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from octave_mcp.asks.corrections import Checked, Rules, gaps_of
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import Names
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyIntegration, CompanyPerson, CompanyTrigger
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.research import Deal
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import UpstreamError
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.verdicts import Corrector
from octave_mcp.pipeline.verifier import COPY_ASKS, LAST_ASKS, RESEARCH_ASKS, STEP, Subject, Verdicts, Verifier
from octave_mcp.ports import Journal

R = TypeVar("R", bound=Value)

Answer = Checked[Any] | UpstreamError


class Researched(Value):
    """The findings on both companies; the sections of the playbook have the same names."""

    vendor_elements: VendorElements[EvidenceId]
    prospect_intelligence: ProspectIntelligence
    triggers: tuple[CompanyTrigger, ...]
    people: tuple[CompanyPerson, ...]
    integrations: tuple[CompanyIntegration, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A writer's answer, the section that it is for, and the rules for it."""

    answer: Answer
    section: str
    rules: Rules[Any]


@dataclass(frozen=True, slots=True)
class Journals:
    """The places of a run's verification, taken before anything waits, whether it is on or off.

    Switching it on or off must not move the places of other steps: a run that is resumed finds them by their order.
    """

    of_companies: tuple[Journal, ...]
    at_the_end: Journal

    @classmethod
    def of(cls, run: Run, deal: Deal) -> Journals:
        return cls(tuple(run.journal.part(RESEARCH_ASKS) for _ in deal), run.journal.part(LAST_ASKS))


class Verification:
    """`evidence` has what the findings cite; `known` are the names that need no evidence."""

    def __init__(self, run: Run, names: Names, known: tuple[str, ...], evidence: Mapping[EvidenceId, Evidence]) -> None:
        self._run, self._evidence = run, evidence
        self._verifier = Verifier(run, run.verifier, names) if run.verifier else None
        self._corrector = Corrector(run, known, names.by_role)

    def journal_of_copy(self) -> Journal:
        return self._run.journal.part(COPY_ASKS)

    async def of_copy(self, checked: Checked[R], journal: Journal, section: str, rules: Rules[R]) -> Checked[R]:
        """A writer's answer with its verdicts, unless all answers are judged at the end."""
        if self._verifier is None or self._verifier.is_patient:
            return checked
        subject = Subject(checked.value, _by_id(checked.evidence), is_copy=True)
        (verdicts,) = await self._verifier.judged([subject], journal, COPY_ASKS)
        return await computed(self._applied, checked, subject, verdicts, section, rules)

    async def of_findings(
        self, found: Researched, deal: Deal, journals: Journals
    ) -> tuple[Researched, tuple[Gap, ...]]:
        """The findings with their verdicts, unless they are judged at the end, and gaps for what was dropped."""
        verifier, subject = self._verifier, Subject(found, self._evidence)
        if verifier is None or verifier.is_patient:
            return found, ()
        asks = (
            verifier.judged([subject], journal, RESEARCH_ASKS, role)
            for role, journal in zip(deal, journals.of_companies, strict=True)
        )
        with self._run.progress.within(STEP).timed():
            by_company = await together(*asks)
        verdicts = {at: judged for (one,) in by_company for at, judged in one.items()}
        return await computed(self._of_findings, subject, found, verdicts)

    async def at_the_end(
        self, drafts: Sequence[Draft], found: Researched, journals: Journals
    ) -> tuple[tuple[Answer, ...], Researched, tuple[Gap, ...]]:
        """The answers and the findings with their verdicts, if the model that judges is asked once."""
        verifier, answers = self._verifier, tuple(draft.answer for draft in drafts)
        if verifier is None or not verifier.is_patient:
            return answers, found, ()
        written = {at: answer for at, answer in enumerate(answers) if isinstance(answer, Checked)}
        subjects = [Subject(answer.value, _by_id(answer.evidence), is_copy=True) for answer in written.values()]
        every = (*subjects, Subject(found, self._evidence))
        with self._run.progress.within(STEP).timed():
            *of_copy, of_findings = await verifier.judged(every, journals.at_the_end, LAST_ASKS)
        done = dict[int, Answer](enumerate(answers))
        for (at, answer), subject, verdicts in zip(written.items(), subjects, of_copy, strict=True):
            draft = drafts[at]
            done[at] = await computed(self._applied, answer, subject, verdicts, draft.section, draft.rules)
        judged, gaps = await computed(self._of_findings, every[-1], found, of_findings)
        return tuple(done.values()), judged, gaps

    def _applied(
        self, checked: Checked[R], subject: Subject, verdicts: Verdicts, section: str, rules: Rules[R]
    ) -> Checked[R]:
        def faults(draft: R) -> int:
            return 0 if checked.is_outline else len(rules(draft, checked.evidence))

        value, dropped = self._corrector.applied(subject, checked.value, verdicts, faults)
        return replace(checked, value=value, gaps=(*checked.gaps, *gaps_of(section, dropped)))

    def _of_findings(
        self, subject: Subject, found: Researched, verdicts: Verdicts
    ) -> tuple[Researched, tuple[Gap, ...]]:
        value, dropped = self._corrector.applied(subject, found, verdicts)
        return value, tuple(gaps_of("findings", dropped))


def _by_id(evidence: Sequence[Evidence]) -> dict[EvidenceId, Evidence]:
    return {one.id: one for one in evidence}
