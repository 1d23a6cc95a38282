"""Has a model judge whether quotations support the claims of a run, within its budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.verification import (
    Claimed,
    Opinion,
    Quotation,
    believed,
    fitting,
    opinions,
    support,
    verification,
    why_unjudged,
)
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import Answer, Judgement, Names, Spent, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.value import Path, Value
from octave_mcp.domain.verification import Verification, Verified
from octave_mcp.errors import NoAccess, OctaveError, SetupError, UpstreamError
from octave_mcp.evidence.claims import FoundClaim, claims, is_verbatim
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Journal

SHARE, FLOOR_TOKENS = 0.12, 1_500
"""Verification may use up this share of the tokens of a run's other answers so far, and so many more: together less
than 15 % of a run of ordinary size."""
RESEARCH_ASKS, COPY_ASKS, LAST_ASKS = 3, 2, 1
"""The most asks about the findings on a company, about one writer's answer, and about all at the end of a run."""
SELF = "self"
"""The judge if a connected client judges what it wrote."""
STEP = "verify"
NO_ROOM = "the run's limit for checking claims was reached"
NOT_SAID = "the model did not judge it"
UNUSABLE = "the model's answer about it could not be used"
LARGEST = 1_000_000
"""Tokens of an ask whose size is limited otherwise."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: findings, or copy; the evidence has what its claims cite."""

    value: Value
    evidence: Mapping[EvidenceId, Evidence]
    is_copy: bool = False

    def cited(self, claim: FoundClaim) -> tuple[Evidence, ...]:
        return tuple(self.evidence[i] for i in claim.evidence if i in self.evidence)


class Judged(NamedTuple):
    """The verdict on a claim; `better` is its corrected text, '' if there is none."""

    support: Support
    better: str = ""


Verdicts = dict[Path, Judged]


class _Place(NamedTuple):
    """A claim of one of the subjects."""

    subject: int
    claim: FoundClaim


class _Reply(NamedTuple):
    """The opinions on the first `sent` claims, by place, and who has them; `why` is why some have none.

    `is_last`: it is no use to ask again.
    """

    sent: int
    judge: str
    opinions: Mapping[int, Opinion]
    why: str
    is_last: bool = False


@dataclass(slots=True)
class Verifier:
    """`asker` asks the model that judges; `names` are those of the companies of the deal."""

    run: Run
    asker: Asker
    names: Names
    _spent: int = 0
    _reserved: int = 0
    _refused: OctaveError | None = None

    @property
    def is_patient(self) -> bool:
        """Whether it is asked once, at the end of the run."""
        return self.asker.model.capacity.is_patient

    async def judged(
        self, subjects: Sequence[Subject], journal: Journal, asks: int, company: Role | None = None
    ) -> tuple[Verdicts, ...]:
        """The verdicts on each subject's claims, about all or about those on one company's pages.

        A claim without one keeps what it has. No more than `asks` places of the journal are taken.
        """
        places = await computed(self._places_of, subjects, company)
        found = tuple(Verdicts() for _ in subjects)
        left, why = list(places), NO_ROOM
        for _ in range(asks):
            if not left:
                break
            reply = await self._asked(left, journal, company)
            for at, claimed in enumerate(left[: reply.sent]):
                for subject, claim in places[claimed]:
                    found[subject][claim.at] = _judged(claim, reply.opinions.get(at), reply.judge, reply.why)
            left = left[reply.sent :]
            if reply.is_last:
                why = reply.why
                break
        for claimed in left:
            for subject, claim in places[claimed]:
                found[subject][claim.at] = _judged(claim, None, self._name, why)
        return found

    @property
    def _name(self) -> str:
        return SELF if self.is_patient else self.asker.model.name

    def _places_of(self, subjects: Sequence[Subject], company: Role | None) -> dict[Claimed, list[_Place]]:
        """Where each claim stands that is not word for word in its quotation; those that need it most come first."""
        places: dict[Claimed, list[_Place]] = {}
        for place, cited in sorted(self._to_judge(subjects, company), key=lambda one: self._need(subjects, one[0])):
            claim, names = place.claim, self.names
            quotations = tuple(Quotation(one.quote, one.role, one.page_title) for one in cited)
            claimed = Claimed(claim.text, claim.kind, quotations, names.vendor, names.prospect, claim.label)
            places.setdefault(claimed, []).append(place)
        return places

    def _to_judge(
        self, subjects: Sequence[Subject], company: Role | None
    ) -> Iterator[tuple[_Place, tuple[Evidence, ...]]]:
        for at, subject in enumerate(subjects):
            for claim in claims(subject.value):
                cited = subject.cited(claim)
                is_wanted = cited and company in {None, cited[0].role}
                if is_wanted and not is_verbatim(claim, [one.quote for one in cited]):
                    yield _Place(at, claim), cited

    def _need(self, subjects: Sequence[Subject], place: _Place) -> tuple[bool, ...]:
        """What the rules doubt, then copy, then inferences; in the one question at the end, copy comes first."""
        claim = place.claim
        is_sure = claim.support is None or claim.support.verdict != "partly"
        is_found, is_fact = not subjects[place.subject].is_copy, claim.kind == "fact"
        return (is_found, is_sure, is_fact) if self.is_patient else (is_sure, is_found, is_fact)

    async def _asked(self, left: Sequence[Claimed], journal: Journal, company: Role | None) -> _Reply:
        """Which claims are sent depends on what was spent by then, so the journal records how many."""
        is_new = False

        async def made() -> Verified:
            nonlocal is_new
            is_new = True
            return await self._verified(left, company)

        try:
            verified = await journal.step(STEP, made, Verified)
        except (UpstreamError, SetupError) as failed:
            self._refused = failed if isinstance(failed, NoAccess | SetupError) else None
            return _Reply(0, self._name, {}, why_unjudged(failed), is_last=True)
        if verified.answer is None:
            return _Reply(0, self._name, {}, NO_ROOM, is_last=True)
        if not is_new:
            self.asker.replayed(verified.answer)
        return await self._booked(verified.sent, verified.answer, company)

    async def _verified(self, left: Sequence[Claimed], company: Role | None) -> Verified:
        if self._refused:
            raise self._refused
        capacity, language = self.asker.model.capacity, self.run.request.language
        most = LARGEST if self.is_patient else self._room
        sent, size = await computed(fitting, left, language, most, most_read=capacity.verification_tokens)
        if not sent:
            return Verified(sent=0, answer=None)
        ask, progress = verification(left[:sent], language), self._progress(company)
        progress(f"checking {sent} claims against their quotations")
        self._reserved += sum(size)
        try:
            answer = await self.asker.answer(ask, self.run.deadline.at, progress.model_called)
        finally:
            self._reserved -= sum(size)
        return Verified(sent=sent, answer=answer)

    async def _booked(self, sent: int, answer: Answer[Verification] | Unusable, company: Role | None) -> _Reply:
        self.asker.book(STEP, company, answer)
        used = Spent.of(answer)
        self._spent += used.input_tokens + used.output_tokens
        found = believed(opinions(answer, sent))
        wrong = answer.wrong or ("" if found else UNUSABLE)
        verdict = Judgement(wrong=wrong, dropped="" if found else wrong, is_usable=bool(found))
        await self.asker.record_verdict(answer, verdict)
        judge = answer.by.name if answer.by else self._name
        return _Reply(sent, judge, found, NOT_SAID if found else UNUSABLE)

    @property
    def _room(self) -> int:
        """The tokens that are left for verification."""
        cost = self.run.asker.ledger.cost
        others = cost.input_tokens + cost.output_tokens - self._spent
        return int(SHARE * others) + FLOOR_TOKENS - self._spent - self._reserved

    def _progress(self, company: Role | None) -> Progress:
        inside = self.run.progress.within(STEP)
        return inside.of(company) if company else inside


def _judged(claim: FoundClaim, opinion: Opinion | None, judge: str, why: str) -> Judged:
    """Where the model has no opinion, the verdict of the rules stays, if they have one."""
    known = claim.support
    if opinion is None and known is not None and known.verdict != "unjudged":
        return Judged(known)
    return Judged(support(opinion, judge, why), opinion.better if opinion else "")
