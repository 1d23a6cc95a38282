"""Step 8: the prospect's needs meet the vendor's proof; all writers work at once, and what they write is assembled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from octave_mcp.asks.prompts import ask_for, load
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting import assembly
from octave_mcp.copywriting.emails import complaints, emails
from octave_mcp.domain.asks import Names, WritingBrief
from octave_mcp.domain.company import Role
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Passage
from octave_mcp.domain.playbook import (
    CompetitivePositioning,
    DealDraft,
    GivenContext,
    ObjectionHandling,
    PersonaDraft,
    Playbook,
    Sentence,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
    WhyWeWin,
)
from octave_mcp.domain.prospect import BuyerPersona, CompanyProfile, ProspectIntelligence
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import Value, walk
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BadAnswer, UpstreamError
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.languages import foreign
from octave_mcp.evidence.passages import as_passage
from octave_mcp.pipeline import account
from octave_mcp.pipeline.merge import name_key
from octave_mcp.pipeline.run import Checked, Rules, Run

R = TypeVar("R", bound=Value)
A = TypeVar("A", bound=Value)

NOTHING = VendorElements[EvidenceId](
    offerings=(), case_studies=(), proof_points=(), value_propositions=(), reference_customers=(), use_cases=(),
    target_personas=(), differentiators=(),
)  # fmt: skip
MOST_CITED = 3
"""Of the evidence that says the same, so that a reader is not drowned in it."""

LOGOS = "Logos:"
LONGEST_NAME = 4
"""In words."""
_OF_CUSTOMERS = frozenset({"case_study", "customers"})
_LEAD = re.compile(r"^(?:(?:how|why)\s+|(?:customer|company|client)\s*[:：]\s*)", re.IGNORECASE)

SUMMARY, CARD = ("playbook/summary",), ("playbook/battle_card",)
SEQUENCE, TRACK = ("playbook/email_sequence",), ("playbook/talk_track",)
CARDS = ("why_we_win", "objection_handling", "competitive_positioning")

Answers = tuple[Checked[Any] | UpstreamError, ...]

UNKNOWN = ProspectIntelligence(
    company_profile=CompanyProfile[EvidenceId](summary=None, facts=()), pain_points=(), buyer_personas=()
)


async def write_playbook(run: Run, vendor: Research, prospect: Research) -> Playbook:
    """The playbook. A section whose writer fails is a gap; all of them failing is an error.

    Raises:
        UpstreamError: not one of the writers answered.
    """
    desk = await computed(Desk, run, vendor, prospect)
    run.plan(len(CARDS) + 1 + 2 * len(desk.personas))
    answers = await (desk.write_together() if run.capacity.writes_together else desk.write_apart())
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
        self.buying = vendor_is_customer(vendor, prospect)[:MOST_CITED]
        self.judged_language = "" if run.asker.model.languages else run.request.language

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

    async def write_apart(self) -> Answers:
        """The summary, the cards, and for each persona a sequence and a talk track: an ask for each of them."""
        ranks = range(len(self.personas))
        return await together(
            self._write(SUMMARY, SummaryDraft[Cite], SummaryDraft[EvidenceId], rules=self._in_language),
            self._write(CARD, WhyWeWin[Cite], WhyWeWin[EvidenceId], rules=self._in_language),
            self._write(CARD, ObjectionHandling[Cite], ObjectionHandling[EvidenceId], rules=self._in_language),
            self._write(
                CARD, CompetitivePositioning[Cite], CompetitivePositioning[EvidenceId], rules=self._in_language
            ),
            *(
                self._write(SEQUENCE, SequenceDraft[Cite], SequenceDraft[EvidenceId], rank, rules=self._of_emails)
                for rank in ranks
            ),
            *(
                self._write(TRACK, TalkTrackDraft[Cite], TalkTrackDraft[EvidenceId], rank, rules=self._in_language)
                for rank in ranks
            ),
        )

    async def write_together(self) -> Answers:
        """The same in one ask for the deal, and one for each persona."""
        deal, *personas = await together(
            self._write((*SUMMARY, *CARD), DealDraft[Cite], DealDraft[EvidenceId], rules=self._in_language),
            *(
                self._write(
                    (*SEQUENCE, *TRACK), PersonaDraft[Cite], PersonaDraft[EvidenceId], rank, rules=self._of_persona
                )
                for rank in range(len(self.personas))
            ),
        )
        copy = [_parts(draft, PersonaDraft[EvidenceId]) for draft in personas]
        return (
            *_parts(deal, DealDraft[EvidenceId]),
            *(sequence for sequence, _ in copy),
            *(track for _, track in copy),
        )

    async def _write(
        self, names: Sequence[str], answer: type[A], into: type[R], rank: int | None = None, *, rules: Rules[R]
    ) -> Checked[Any] | UpstreamError:
        persona = None if rank is None else self.personas[rank]
        brief, language = self._brief(persona, rank or 0), self.run.request.language
        ask = ask_for(names, language=language, brief=brief, passages=self.shown, answer=answer)
        roles: tuple[Role, ...] = tuple(e.role for e in self.evidence.values())
        title, units = load(ask.prompt).title, max(1, len(_drafts(answer)))
        try:
            checked = await self.run.ask(ask, into, roles=roles, known=self.known, rules=rules)
        except UpstreamError as failed:
            self.run.progress(f"{title} failed", units=units)
            return failed
        self.run.progress(f"{title} written{f' for {persona.title}' if persona else ''}", units=units)
        return checked

    def _in_language(self, draft: Value, _: tuple[Evidence, ...]) -> list[Problem]:
        return list(foreign(" ".join(_said(draft)), self.judged_language))

    def _of_emails(self, draft: SequenceDraft[EvidenceId], evidence: tuple[Evidence, ...]) -> list[Problem]:
        found = {e.id: e for e in evidence}
        judged = emails(draft, found, self.known, self.judged_language)
        return [problem for email in judged for problem in complaints(email)]

    def _of_persona(self, draft: PersonaDraft[EvidenceId], evidence: tuple[Evidence, ...]) -> list[Problem]:
        mails = self._of_emails(draft.sequence, evidence) if draft.sequence else []
        return [*mails, *(self._in_language(draft.talk_track, evidence) if draft.talk_track else ())]

    def _brief(self, persona: BuyerPersona | None, rank: int) -> WritingBrief:
        return WritingBrief(
            names=Names(vendor=self.names[0], prospect=self.names[1]),
            vendor=self.elements,
            prospect=self.intelligence,
            pitch=self.vendor.profile.summary,
            existing_customer=self.existing,
            vendor_is_customer=self.buying,
            pages_read=len(self.vendor.pages),
            context=self.run.request.context,
            persona=persona,
            rank=rank,
        )


def existing_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Evidence that the prospect is the vendor's customer already, by its name or its domain's; else nothing."""
    keys = _keys(prospect)
    elements = vendor.vendor or NOTHING
    named = [customer for customer in elements.reference_customers if name_key(customer.name) in keys]
    told = [story for story in elements.case_studies if name_key(story.customer) in keys]
    return tuple(dict.fromkeys(i for finding in named or told for i in finding.evidence))


def vendor_is_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Evidence on the prospect's own pages that the vendor is its customer, a story before a logo; else nothing."""
    keys, known = _keys(vendor), {e.id: e for e in prospect.evidence}
    told = prospect.prospect.facts if prospect.prospect else ()
    shown = [known[i] for fact in told if fact.topic == "customers" for i in fact.evidence]
    named = [evidence for evidence in shown if _shows_as_customer(evidence, keys)]
    return tuple(dict.fromkeys(e.id for e in sorted(named, key=lambda e: e.page_kind != "case_study")))


def _keys(research: Research) -> frozenset[str]:
    """The names that are the company's, for comparison: what it calls itself, and its domain's."""
    label = research.profile.company.domain.split(".")[0]
    return frozenset({name_key(research.profile.name), *(() if label.isdigit() else (name_key(label),))})


def _shows_as_customer(evidence: Evidence, keys: frozenset[str]) -> bool:
    """Whether it is a logo, or on a page about customers begins with the name, as 'How Acme saves ...' does."""
    if evidence.quote.startswith(LOGOS):
        return any(name_key(name) in keys for name in evidence.quote.removeprefix(LOGOS).split(","))
    words = _LEAD.sub("", evidence.quote).split()[:LONGEST_NAME]
    starts = (re.sub(r"['’]s$", "", " ".join(words[: at + 1])) for at in range(len(words)))
    return evidence.page_kind in _OF_CUSTOMERS and any(name_key(start) in keys for start in starts)


def _playbook(run: Run, desk: Desk, answers: Answers) -> Playbook:
    summary, why, objections, positioning, *copy = answers
    count = len(desk.personas)
    made = assembly.Drafts(
        summary=_value(summary),
        cards=tuple(_value(card) for card in (why, objections, positioning)),
        sequences=tuple(_value(draft) for draft in copy[:count]),
        talk_tracks=tuple(_value(draft) for draft in copy[count:]),
        evidence={e.id: e for answer in answers if isinstance(answer, Checked) for e in answer.evidence}
        | desk.evidence,
        personas=desk.personas,
        known=desk.known,
        language=desk.judged_language,
    )
    assets = assembly.assets(made)
    gaps = (
        *desk.vendor.gaps,
        *desk.prospect.gaps,
        *(account.unwritten(answer, at) for at, answer in enumerate(answers) if isinstance(answer, UpstreamError)),
        *(gap for answer in answers if isinstance(answer, Checked) for gap in answer.gaps),
        *assets.gaps,
        *account.limited(run.asker),
        *account.unheard(run.request.context, desk.vendor, desk.prospect),
        *account.missing(desk.elements, desk.intelligence, desk.vendor, desk.prospect),
    )
    context = run.request.context
    playbook = Playbook(
        vendor=account.named(desk.vendor),
        prospect=account.named(desk.prospect),
        language=run.request.language,
        model=", ".join(run.asker.models),
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
        flags=account.flags(run.asker, desk.vendor, desk.prospect, desk.existing, desk.buying),
        cost=account.cost(run.asker.ledger, desk.vendor, desk.prospect, credits=run.source.credits),
        timings=Timings(total_seconds=0.0, steps=()),
    )
    return playbook.model_copy(update={"evidence": account.cited(playbook, made.evidence)})


def _parts(answer: Checked[Any] | UpstreamError, form: type[Value]) -> tuple[Checked[Any] | UpstreamError, ...]:
    """The drafts of an answer that holds several; what was dropped from it is told with the first that is there."""
    names = list(form.model_fields)
    if isinstance(answer, UpstreamError):
        return (answer,) * len(names)
    found = {name: getattr(answer.value, name) for name in names}
    first = next((name for name in names if found[name] is not None), "")
    return tuple(
        BadAnswer(f"{name} was left out of the answer, or nothing of it may stand")
        if value is None
        else Checked(value, answer.evidence, answer.gaps if name == first else ())
        for name, value in found.items()
    )


def _drafts(form: type[Value]) -> tuple[str, ...]:
    """The names of the drafts that a form holds; none where it is one itself."""
    return tuple(form.model_fields) if issubclass(form, DealDraft | PersonaDraft) else ()


def _said(draft: Value) -> Iterator[str]:
    """What it says in sentences."""
    return (part.text for part in walk(draft) if isinstance(part, Sentence))


def _value(answer: Checked[Any] | UpstreamError) -> Any:  # noqa: ANN401 - one draft of each kind
    return answer.value if isinstance(answer, Checked) else None
