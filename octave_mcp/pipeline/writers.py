"""Asks a model to write the drafts of a playbook, with one ask for each draft or one ask for several drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from octave_mcp.asks.corrections import Checked, Rules
from octave_mcp.asks.prompts import ask_for, load
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting.emails import EmailMaterial, complaints, emails
from octave_mcp.copywriting.letterhead import person_of
from octave_mcp.domain.asks import Ask, Names, WritingBrief
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Passage
from octave_mcp.domain.playbook import (
    DealDraft,
    PersonaDraft,
    PersonaDrafts,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
)
from octave_mcp.domain.prospect import BuyerPersona, ProspectIntelligence
from octave_mcp.domain.research import Deal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, only, walk
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BudgetExceeded, UpstreamError
from octave_mcp.evidence.checks import UNREAD, Problem
from octave_mcp.evidence.languages import foreign
from octave_mcp.evidence.passages import as_passage
from octave_mcp.pipeline.company_findings import company_findings
from octave_mcp.pipeline.draft_asks import Answers, Part, separated, write_in_parallel
from octave_mcp.pipeline.flags import is_thin
from octave_mcp.pipeline.relations import relations
from octave_mcp.pipeline.rewriting import rewrite
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.unwritten import DEAL_SECTIONS, PERSONA_SECTIONS
from octave_mcp.pipeline.verify import Draft, Researched, Verification

R = TypeVar("R", bound=Value)
A = TypeVar("A", bound=Value)

SUMMARY, CARD = ("playbook/summary",), ("playbook/battle_card",)
SEQUENCE, TRACK = ("playbook/email_sequence",), ("playbook/talk_track",)
_CARD_FORMS: dict[str, tuple[type[Value], type[Value]]] = {
    "why_we_win": (WhyWeWin[Cite], WhyWeWin[EvidenceId]),
    "objection_handling": (ObjectionHandling[Cite], ObjectionHandling[EvidenceId]),
    "competitive_positioning": (CompetitivePositioning[Cite], CompetitivePositioning[EvidenceId]),
}
CARDS = tuple(_CARD_FORMS)
# The field of `PersonaDraft` that each prompt fills.
_PERSONA_FIELDS = {SEQUENCE[0]: "sequence", TRACK[0]: "talk_track"}


class DraftWriter:
    """Writes the drafts of a deal: holds the material that all drafts share, asks the model, and checks the answers."""

    def __init__(self, run: Run, deal: Deal) -> None:
        self.run, self.deal, self.relations = run, deal, relations(deal)
        self.vendor, self.prospect = deal["vendor"], deal["prospect"]
        self.elements = self.vendor.elements or VendorElements[EvidenceId].none()
        self.intelligence = self.prospect.intelligence or ProspectIntelligence.none()
        self.evidence: dict[EvidenceId, Evidence] = {e.id: e for found in deal.values() for e in found.evidence}
        self.findings = company_findings(deal, self.evidence)
        self.quotable = tuple(item for item in self.evidence.values() if ROLES[item.role].quoted_in_copy)
        self.shown: tuple[Passage, ...] = tuple(as_passage(e, n) for n, e in enumerate(self.quotable, 1))
        self.roles: tuple[Role, ...] = tuple(evidence.role for evidence in self.quotable)
        self.is_thin = is_thin(self.prospect)
        self.names = Names(vendor=self.vendor.profile.name, prospect=self.prospect.profile.name)
        # If the model can write only in certain languages, do not check the language of its drafts: a correction would
        # not help.
        self.judged_language = "" if run.asker.model.languages else run.request.language
        self.verification = Verification(run, self.names, self.known, self.evidence)

    @property
    def known(self) -> tuple[str, ...]:
        """The names of companies, personas and contacts. Sales copy can use these names without evidence."""
        contacts = (person_of(persona.contact) for persona in self.personas if persona.contact)
        return (self.names.vendor, self.names.prospect, *(persona.title for persona in self.personas), *contacts)

    @property
    def read_on(self) -> date:
        """The date of the last fetch of a page. The date does not change if the run is resumed on a later day."""
        return max((item.fetched_at for item in self.evidence.values()), default=datetime.now(UTC)).date()

    @property
    def personas(self) -> tuple[BuyerPersona, ...]:
        return self.intelligence.buyer_personas

    @property
    def researched(self) -> Researched:
        return Researched(vendor_elements=self.elements, prospect_intelligence=self.intelligence, **dict(self.findings))

    async def write(self) -> Answers:
        """Return the summary, the battle cards, the e-mail sequences and the talk tracks, in this order.

        A refresh retains sales copy if its quotations are still on the pages.
        """
        if base := self.run.base:
            return await rewrite(self, base)
        return await (self.write_together() if self.run.capacity.writes_together else self.write_parts(self.parts))

    def drafts(self, answers: Answers) -> list[Draft]:
        """Return the answers, each with its section of the playbook and the rules for sales copy in this section."""
        sections = (*DEAL_SECTIONS, *(name for name in PERSONA_SECTIONS for _ in self.personas))
        return [
            Draft(answer, section, self._of_emails if section == PERSONA_SECTIONS[0] else self._in_language)
            for answer, section in zip(answers, sections, strict=True)
        ]

    async def write_parts(self, parts: Sequence[Part]) -> Answers:
        if self.run.capacity.divides_questions:
            return await write_in_parallel(self, parts)
        return await together(*(self.write_part(part) for part in parts))

    @property
    def parts(self) -> tuple[Part, ...]:
        """One ask for each summary, battle card, e-mail sequence and talk track."""
        ranks, rules = range(len(self.personas)), self._in_language
        return (
            Part("summary", SUMMARY, SummaryDraft[Cite], SummaryDraft[EvidenceId], rules),
            *(Part(name, CARD, answer, into, rules) for name, (answer, into) in _CARD_FORMS.items()),
            *(
                Part(
                    f"email_sequence-{rank + 1}", SEQUENCE, SequenceDraft[Cite], SequenceDraft[EvidenceId],
                    self._of_emails, rank,
                )
                for rank in ranks
            ),
            *(
                Part(f"talk_track-{rank + 1}", TRACK, TalkTrackDraft[Cite], TalkTrackDraft[EvidenceId], rules, rank)
                for rank in ranks
            ),
        )  # fmt: skip

    async def write_together(self) -> Answers:
        """Write the drafts with one ask for the deal and one ask for all personas.

        With only two asks, the evidence takes up less of a connected MCP client's conversation.
        """
        # Announce the ask about the deal first, so that the client gets it before the concurrent ask for personas.
        deal = self._ask((*SUMMARY, *CARD), DealDraft[Cite], self._brief())
        await self.run.asker.model.announce(deal)
        of_deal, of_personas = await together(self._write_deal(deal), self._write_for_personas())
        copy = [separated(draft, PersonaDraft[EvidenceId]) for draft in of_personas]
        return (*of_deal, *(sequence for sequence, _ in copy), *(track for _, track in copy))

    async def _write_deal(self, ask: Ask[DealDraft[Cite], WritingBrief]) -> Answers:
        written = await self._written("deal", ask, DealDraft[EvidenceId], rules=self._of_deal)
        return separated(written, DealDraft[EvidenceId])

    async def _write_for_personas(self) -> Answers:
        """Return the drafts for each persona.

        If an earlier run wrote drafts for the first of these personas, repeat the ask of that run, because its answer
        is cached. Then ask for the drafts for the other personas.
        """
        answered = await self._answered_before()
        return (*(await self._within_budget(0, answered)), *(await self._within_budget(answered, len(self.personas))))

    async def _answered_before(self) -> int:
        """Return how many of the first personas are covered by an earlier run's answer that can be reused."""
        for count in range(len(self.personas), 0, -1):
            if await self.run.was_answered(self._ask_for_personas(0, count)[0], _personas(0, count)):
                return count
        return 0

    async def _within_budget(self, start: int, end: int) -> Answers:
        """Write drafts for these personas. If the budget is too small, leave out personas, starting with the last."""
        refused: Answers = ()
        for last in range(end, start, -1):
            ask, into = self._ask_for_personas(start, last)
            answer = await self._written(_personas(start, last), ask, into, rules=self._of_personas)
            if not isinstance(answer, BudgetExceeded):
                return (*separated(answer, into), *refused)
            refused = (answer, *refused)
        return refused

    def _ask_for_personas(self, start: int, end: int) -> tuple[Ask[Any, WritingBrief], type[Value]]:
        names = tuple(PersonaDrafts.model_fields)[start:end]
        form, into = (only(of, names) for of in (PersonaDrafts[Cite], PersonaDrafts[EvidenceId]))
        brief = self._brief(personas=self.personas[start:end], rank=start)
        return self._ask((*SEQUENCE, *TRACK), form, brief), into

    async def write_part(self, part: Part) -> Checked[Any] | UpstreamError:
        return await self._written(part.name, self.ask_for_part(part), part.into, rules=part.rules)

    def ask_for_part(self, part: Part, shown: tuple[Passage, ...] | None = None) -> Ask[Any, WritingBrief]:
        """Return the ask for a part. The ask includes the passages in `shown`, or all passages if `shown` is None."""
        persona = None if part.rank is None else self.personas[part.rank]
        brief = self._brief(persona=persona, rank=part.rank or 0, personas=part.personas)
        return self._ask(part.prompts, part.answer, brief, shown)

    def joint(self, parts: Sequence[Part]) -> Part:
        """Combine several asks for drafts into a single ask.

        The drafts must all be about the deal, or all be for personas.
        """
        if len(parts) == 1:
            return parts[0]
        prompts = tuple(dict.fromkeys(name for part in parts for name in part.prompts))
        if parts[0].rank is None:
            names = tuple(part.name for part in parts)
            places: tuple[Path, ...] = tuple((name,) for name in names)
            forms = (only(DealDraft[Cite], names), only(DealDraft[EvidenceId], names))
            return Part("deal", prompts, *forms, self._of_deal, places=places)
        count, fields = len(self.personas), tuple(PersonaDrafts.model_fields)
        places = tuple((fields[part.rank or 0], _PERSONA_FIELDS[part.prompts[0]]) for part in parts)
        forms = (only(PersonaDrafts[Cite], fields[:count]), only(PersonaDrafts[EvidenceId], fields[:count]))
        name = _personas(0, count)
        return Part(name, prompts, *forms, self._of_personas, places=places, personas=self.personas)

    def _ask(
        self, names: Sequence[str], answer: type[A], brief: WritingBrief, shown: tuple[Passage, ...] | None = None
    ) -> Ask[A, WritingBrief]:
        language, passages = self.run.request.language, self.shown if shown is None else shown
        return ask_for(names, language=language, brief=brief, passages=passages, answer=answer)

    async def _written(
        self, name: str, ask: Ask[Any, WritingBrief], into: type[R], *, rules: Rules[R]
    ) -> Checked[Any] | UpstreamError:
        """Ask for drafts, and return the checked answer or the error. The journal records the ask under `name`."""
        try:
            checked = await self.run.within(name).ask(
                ask, into, roles=self.roles, known=self.known, companies=self.names.by_role, rules=rules
            )
        except UpstreamError as failed:
            self.run.progress(f"{load(ask.prompt).title} failed", units=_units(ask))
            return failed
        self.report_written(ask)
        await self.verification.ask_about_copy(checked, name)
        return checked

    def report_written(self, ask: Ask[Any, WritingBrief]) -> None:
        titles = [persona.title for persona in (*filter(None, [ask.brief.persona]), *ask.brief.personas)]
        suffix = f" for {', '.join(titles)}" if titles else ""
        self.run.progress(f"{load(ask.prompt).title} written{suffix}", units=_units(ask))

    def _in_language(self, draft: Value, _: tuple[Evidence, ...]) -> list[Problem]:
        return in_language(draft, self.judged_language)

    def _of_emails(self, draft: SequenceDraft[EvidenceId], evidence: tuple[Evidence, ...]) -> list[Problem]:
        material = EmailMaterial(self.evidence | {e.id: e for e in evidence}, self.known, self.run.request.context)
        return of_emails(draft, material, self.judged_language)

    def _of_deal(self, draft: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        return [*_left_out(draft), *_of_each(draft, lambda part: self._in_language(part, evidence))]

    def _of_personas(self, drafts: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        return [*_left_out(drafts), *_of_each(drafts, lambda draft: self._of_persona(draft, evidence))]

    def _of_persona(self, draft: Any, evidence: tuple[Evidence, ...]) -> list[Problem]:  # noqa: ANN401 - a PersonaDraft
        mails = self._of_emails(draft.sequence, evidence) if draft.sequence else []
        track = self._in_language(draft.talk_track, evidence) if draft.talk_track else []
        return [*_left_out(draft), *_under(("sequence",), mails), *_under(("talk_track",), track)]

    def _brief(
        self, *, persona: BuyerPersona | None = None, rank: int = 0, personas: tuple[BuyerPersona, ...] = ()
    ) -> WritingBrief:
        return WritingBrief(
            names=self.names,
            vendor=self.elements,
            prospect=self.intelligence.model_copy(update={"signals": ()}),
            pitch=self.vendor.profile.summary,
            existing_customer=self.relations.existing_customer,
            vendor_is_customer=self.relations.vendor_is_customer,
            pages_read=len(self.vendor.pages),
            context=self.run.request.context,
            findings=self.findings,
            offer=self.run.offer,
            read_on=self.read_on,
            is_thin=self.is_thin,
            persona=persona,
            rank=rank,
            personas=personas,
        )


def in_language(draft: Value, language: str) -> list[Problem]:
    """If the draft is not in `language`, return a soft problem: the model must correct it, but nothing is dropped."""
    return [replace(problem, is_soft=True) for problem in foreign(" ".join(_sentences(draft)), language)]


def of_emails(draft: SequenceDraft[EvidenceId], material: EmailMaterial, language: str) -> list[Problem]:
    """Check a sequence of e-mails, and return the problems that the model should correct."""
    return [
        problem
        for at, (email, touch) in enumerate(zip(emails(draft, material, language), draft.touches, strict=False))
        for problem in _under(("touches", at), complaints(email, touch))
    ]


def _personas(start: int, end: int) -> str:
    return f"personas-{start + 1}-to-{end}"


def _left_out(drafts: Value) -> list[Problem]:
    """Return a problem for each missing draft. The problems are soft, so they cause a correction but drop no text."""
    names = type(drafts).model_fields
    return [
        Problem(UNREAD, f"{name} is left out of the answer", (name,), is_soft=True)
        for name in names
        if getattr(drafts, name) is None
    ]


def _of_each(drafts: Value, problems: Callable[[Value], list[Problem]]) -> Iterator[Problem]:
    for name in type(drafts).model_fields:
        if draft := getattr(drafts, name):
            yield from _under((name,), problems(draft))


def _under(at: Path, problems: Iterable[Problem]) -> Iterator[Problem]:
    return (replace(problem, at=(*at, *problem.at)) for problem in problems)


def _units(ask: Ask[Any, WritingBrief]) -> int:
    """Return how many drafts the answer completes. Of the two asks for a summary, only the first counts."""
    if ask.asked and "executive_summary" not in ask.asked:
        return 0
    return max(1, len(_drafts(ask)))


def _drafts(ask: Ask[Any, WritingBrief]) -> tuple[str, ...]:
    """Return the names of the drafts in the answer, or () if the answer is a single draft."""
    form = ask.answer
    if ask.brief.personas:
        return tuple(PersonaDraft.model_fields) * len(form.model_fields)
    return tuple(form.model_fields) if issubclass(form, DealDraft) else ()


def _sentences(draft: Value) -> Iterator[str]:
    return (part.text for part in walk(draft) if isinstance(part, Sentence))
