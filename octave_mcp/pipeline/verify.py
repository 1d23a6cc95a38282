"""Verifies claims in step 8: decides when to ask the model and when to apply its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.corrections import Checked, Rules, gaps_of
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import Names
from octave_mcp.domain.basis import StoredOpinion
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
from octave_mcp.pipeline.verifier import COPY_ASKS, LAST_ASKS, RESEARCH_ASKS, STEP, Subject, Verifier

R = TypeVar("R", bound=Value)

Answer = Checked[Any] | UpstreamError


class Researched(Value):
    """The findings on both companies, in fields named after the playbook's sections."""

    vendor_elements: VendorElements[EvidenceId]
    prospect_intelligence: ProspectIntelligence
    triggers: tuple[CompanyTrigger, ...]
    people: tuple[CompanyPerson, ...]
    integrations: tuple[CompanyIntegration, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer that contains drafts, with the section that it belongs to and the rules for its sales copy."""

    answer: Answer
    section: str
    rules: Rules[Any]


class Verification:
    """Asks a model to judge the claims of a playbook, and applies the verdicts.

    Most models judge claims while the drafts are written. A connected MCP client judges all claims in one question at
    the end, because every question costs tokens and a tool call. Verdicts are always applied at the end, because all
    verdicts are discarded if the model rejects nearly all claims.
    """

    def __init__(self, run: Run, names: Names, known: tuple[str, ...], evidence: Mapping[EvidenceId, Evidence]) -> None:
        self._run, self._evidence = run, evidence
        self._verifier = _verifier(run, run.verifier, names) if run.verifier else None
        self._corrector = Corrector(run, known, names.by_role)

    async def ask_about_copy(self, checked: Checked[Any], name: str) -> None:
        """Ask about the claims of an answer, unless all claims are judged in a single ask at the end.

        The journal records the asks under `name`.
        """
        if self._verifier and not self._verifier.is_answered_by_client:
            subject = Subject(checked.value, _by_id(checked.evidence), is_copy=True)
            await self._verifier.ask([subject], self._run.journal.within(name), COPY_ASKS)

    async def ask_about_findings(self, findings: Researched, deal: Deal) -> None:
        """Ask about the findings on each company, unless all claims are judged in a single ask at the end."""
        verifier, subject = self._verifier, Subject(findings, self._evidence)
        if verifier is None or verifier.is_answered_by_client:
            return
        journal = self._run.journal.within("findings")
        asks = (verifier.ask([subject], journal.within(role), RESEARCH_ASKS, role) for role in deal)
        with self._run.progress.within(STEP).timed():
            await together(*asks)

    def opinions(self, findings: Researched) -> dict[str, StoredOpinion]:
        """Return the model's opinions on the findings, keyed by claim digest, for reuse in a later refresh."""
        return self._verifier.opinions(Subject(findings, self._evidence)) if self._verifier else {}

    async def at_the_end(
        self, drafts: Sequence[Draft], findings: Researched
    ) -> tuple[tuple[Answer, ...], Researched, tuple[Gap, ...]]:
        """Apply all verdicts, and return the answers, the findings, and gaps for dropped findings."""
        verifier, answers = self._verifier, [draft.answer for draft in drafts]
        if verifier is None:
            return tuple(answers), findings, ()
        of_findings = Subject(findings, self._evidence)
        if verifier.is_answered_by_client:
            written = [answer for answer in answers if isinstance(answer, Checked)]
            of_copy = [Subject(answer.value, _by_id(answer.evidence), is_copy=True) for answer in written]
            with self._run.progress.within(STEP).timed():
                await verifier.ask([*of_copy, of_findings], self._run.journal, LAST_ASKS)
        done = [await self.with_verdicts(draft) for draft in drafts]
        value, dropped = await computed(
            lambda: self._corrector.applied(of_findings, findings, verifier.verdicts(of_findings))
        )
        return tuple(done), value, tuple(gaps_of("findings", dropped))

    async def with_verdicts(self, draft: Draft) -> Answer:
        """Apply the verdicts to an answer. Call this method only after all asks about the answer are done."""
        return await computed(self._applied, self._verifier, draft) if self._verifier else draft.answer

    def _applied(self, verifier: Verifier, draft: Draft) -> Answer:
        if not isinstance(checked := draft.answer, Checked):
            return checked

        def faults(value: Any) -> int:  # noqa: ANN401 - a draft
            return 0 if checked.is_outline else len(draft.rules(value, checked.evidence))

        subject = Subject(checked.value, _by_id(checked.evidence), is_copy=True)
        value, dropped = self._corrector.applied(subject, checked.value, verifier.verdicts(subject), faults)
        return replace(checked, value=value, gaps=(*checked.gaps, *gaps_of(draft.section, dropped)))


def _verifier(run: Run, asker: Asker, names: Names) -> Verifier:
    """Return the verifier. In a refresh, the verifier skips sales copy and findings that were already judged."""
    verifier = Verifier(run, asker, names)
    if run.base is None:
        return verifier
    drafts = [Subject(draft.value, run.base.drafts.evidence, is_copy=True) for draft in run.base.drafted]
    # Stored drafts include the model's verdicts on their claims, but stored findings do not. The verdicts on findings
    # are therefore derived from the opinions that the earlier run stored.
    verifier.known, verifier.settled = run.base.basis.verdicts, verifier.digests(drafts)
    return verifier


def _by_id(evidence: Sequence[Evidence]) -> dict[EvidenceId, Evidence]:
    return {item.id: item for item in evidence}
