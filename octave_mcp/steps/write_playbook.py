"""Step 8: the prospect's needs meet the vendor's proof; all writers work at once, and what they write is assembled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from octave_mcp.computing import computed
from octave_mcp.domain.asks import Ask, Names, WritingBrief
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Passage
from octave_mcp.domain.playbook import (
    CompetitivePositioning,
    GivenContext,
    ObjectionHandling,
    Playbook,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
    Timings,
    WhyWeWin,
)
from octave_mcp.domain.prospect import BuyerPersona, CompanyProfile, ProspectIntelligence
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import UpstreamError
from octave_mcp.evidence import as_passage
from octave_mcp.prompts import load
from octave_mcp.run import Checked, Run
from octave_mcp.steps import account, finish
from octave_mcp.steps.merge import name_key
from octave_mcp.together import together

R = TypeVar("R", bound=Value)
A = TypeVar("A", bound=Value)

NOTHING = VendorElements[EvidenceId](
    offerings=(), case_studies=(), proof_points=(), value_propositions=(), reference_customers=(), use_cases=(),
    target_personas=(), differentiators=(),
)  # fmt: skip
MOST_CITED = 3
"""Of the evidence that says the same, so that a reader is not drowned in it."""

UNKNOWN = ProspectIntelligence(
    company_profile=CompanyProfile[EvidenceId](summary=None, facts=()), pain_points=(), buyer_personas=()
)


async def write_playbook(run: Run, vendor: Research, prospect: Research) -> Playbook:
    """The playbook. A section whose writer fails is a gap; all of them failing is an error.

    Raises:
        UpstreamError: not one of the writers answered.
    """
    desk = await computed(Desk, run, vendor, prospect)
    run.plan(4 + 2 * len(desk.personas))
    summary, why, objections, positioning, *copy = await together(
        desk.write("playbook/summary", SummaryDraft[Cite], SummaryDraft[EvidenceId]),
        desk.write("playbook/battle_card", WhyWeWin[Cite], WhyWeWin[EvidenceId]),
        desk.write("playbook/battle_card", ObjectionHandling[Cite], ObjectionHandling[EvidenceId]),
        desk.write("playbook/battle_card", CompetitivePositioning[Cite], CompetitivePositioning[EvidenceId]),
        *(desk.sequence(rank) for rank in range(len(desk.personas))),
        *(desk.talk_track(rank) for rank in range(len(desk.personas))),
    )
    answers: tuple[Checked[Any] | UpstreamError, ...] = (summary, why, objections, positioning, *copy)
    if all(isinstance(answer, UpstreamError) for answer in answers):
        raise next(answer for answer in answers if isinstance(answer, UpstreamError))
    return await computed(_playbook, run, desk, answers)


class Desk:
    """What every writer has before them."""

    def __init__(self, run: Run, vendor: Research, prospect: Research) -> None:
        self.run, self.vendor, self.prospect = run, vendor, prospect
        self.elements = vendor.vendor or NOTHING
        self.intelligence = prospect.intelligence or UNKNOWN
        self.evidence: dict[EvidenceId, Evidence] = {e.id: e for e in (*vendor.evidence, *prospect.evidence)}
        self.shown: tuple[Passage, ...] = tuple(as_passage(e, n) for n, e in enumerate(self.evidence.values(), 1))
        self.existing = existing_customer(vendor, prospect)[:MOST_CITED]

    @property
    def names(self) -> tuple[str, str]:
        return self.vendor.profile.name, self.prospect.profile.name

    @property
    def known(self) -> tuple[str, ...]:
        """The names that copy may use without evidence: the two companies, and the job titles it is addressed to."""
        return (*self.names, *(persona.title for persona in self.personas))

    @property
    def personas(self) -> tuple[BuyerPersona, ...]:
        return self.intelligence.buyer_personas

    async def sequence(self, rank: int) -> Checked[Any] | UpstreamError:
        return await self.write("playbook/email_sequence", SequenceDraft[Cite], SequenceDraft[EvidenceId], rank)

    async def talk_track(self, rank: int) -> Checked[Any] | UpstreamError:
        return await self.write("playbook/talk_track", TalkTrackDraft[Cite], TalkTrackDraft[EvidenceId], rank)

    async def write(
        self, name: str, answer: type[A], into: type[R], rank: int | None = None
    ) -> Checked[Any] | UpstreamError:
        prompt, persona = load(name), None if rank is None else self.personas[rank]
        ask = Ask[A, WritingBrief](
            prompt=prompt.name, version=prompt.version, tier=prompt.tier, language=self.run.request.language,
            brief=self._brief(persona, rank or 0), passages=self.shown, answer=answer,
        )  # fmt: skip
        roles: tuple[Role, ...] = tuple(e.role for e in self.evidence.values())
        try:
            checked = await self.run.ask(ask, into, roles=roles, known=self.known)
        except UpstreamError as failed:
            self.run.progress(f"{prompt.title} failed", units=1)
            return failed
        self.run.progress(f"{prompt.title} written{f' for {persona.title}' if persona else ''}", units=1)
        return checked

    def _brief(self, persona: BuyerPersona | None, rank: int) -> WritingBrief:
        return WritingBrief(
            names=Names(vendor=self.names[0], prospect=self.names[1]),
            vendor=self.elements,
            prospect=self.intelligence,
            pitch=self.vendor.profile.summary,
            existing_customer=self.existing,
            pages_read=len(self.vendor.pages),
            context=self.run.request.context,
            persona=persona,
            rank=rank,
        )


def existing_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Evidence that the prospect is the vendor's customer already, by its name or its domain's; else nothing."""
    label = prospect.profile.company.domain.split(".")[0]
    keys = {name_key(prospect.profile.name), *((name_key(label),) if not label.isdigit() else ())}
    elements = vendor.vendor or NOTHING
    named = [customer for customer in elements.reference_customers if name_key(customer.name) in keys]
    told = [story for story in elements.case_studies if name_key(story.customer) in keys]
    return tuple(dict.fromkeys(i for finding in named or told for i in finding.evidence))


def _playbook(run: Run, desk: Desk, answers: tuple[Checked[Any] | UpstreamError, ...]) -> Playbook:
    summary, why, objections, positioning, *copy = answers
    count = len(desk.personas)
    made = finish.Drafts(
        summary=_value(summary),
        cards=tuple(_value(card) for card in (why, objections, positioning)),
        sequences=tuple(_value(draft) for draft in copy[:count]),
        talk_tracks=tuple(_value(draft) for draft in copy[count:]),
        evidence={e.id: e for answer in answers if isinstance(answer, Checked) for e in answer.evidence}
        | desk.evidence,
        personas=desk.personas,
        known=desk.known,
    )
    assets = finish.assets(made)
    spent = sum(
        (answer.spent for answer in answers if isinstance(answer, Checked)), desk.vendor.spent + desk.prospect.spent
    )
    gaps = (
        *desk.vendor.gaps,
        *desk.prospect.gaps,
        *(account.unwritten(answer, at) for at, answer in enumerate(answers) if isinstance(answer, UpstreamError)),
        *(gap for answer in answers if isinstance(answer, Checked) for gap in answer.gaps),
        *assets.gaps,
        *account.unheard(run.request.context, desk.vendor, desk.prospect),
        *account.missing(desk.elements, desk.intelligence, desk.vendor, desk.prospect),
    )
    context = run.request.context
    playbook = Playbook(
        vendor=account.named(desk.vendor),
        prospect=account.named(desk.prospect),
        language=run.request.language,
        model=", ".join(run.models),
        context=GivenContext(given_by="user", text=context) if context else None,
        generated_at=datetime.now(UTC),
        executive_summary=assets.executive_summary,
        priority_personas=assets.priority_personas,
        quick_wins=assets.quick_wins,
        success_metrics=assets.success_metrics,
        email_sequences=assets.email_sequences,
        talk_tracks=assets.talk_tracks,
        battle_cards=assets.battle_cards,
        vendor_elements=desk.elements,
        prospect_intelligence=desk.intelligence,
        evidence={},
        pages=account.read_pages(desk.vendor, desk.prospect),
        failed_pages=(*desk.vendor.failures, *desk.prospect.failures),
        gaps=gaps,
        flags=account.flags(run.models, desk.vendor, desk.prospect, desk.existing),
        cost=account.cost(spent, desk.vendor, desk.prospect),
        timings=Timings(total_seconds=0.0, steps=()),
    )
    return playbook.model_copy(update={"evidence": account.cited(playbook, made.evidence)})


def _value(answer: Checked[Any] | UpstreamError) -> Any:  # noqa: ANN401 - one draft of each kind
    return answer.value if isinstance(answer, Checked) else None
