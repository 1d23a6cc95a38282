"""Has a model judge whether quotations support the claims of a run, within its budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.verification import (
    A_FEW,
    Claimed,
    Opinion,
    Quotation,
    Size,
    are_believed,
    fitting,
    opinions,
    support,
    verification,
    version,
    why_unjudged,
)
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import Answer, Judgement, Names, Spent, Unusable
from octave_mcp.domain.basis import Told
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence, EvidenceId, Support, Verdict
from octave_mcp.domain.steps import digest_of
from octave_mcp.domain.value import Path, Value
from octave_mcp.domain.verification import Verification, Verified
from octave_mcp.errors import NoAccess, OctaveError, SetupError, UpstreamError
from octave_mcp.evidence.claims import FoundClaim, claims, is_verbatim
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Journal

# Verification may use up this share of the tokens of a run's other answers so far, plus this many tokens.
SHARE, FLOOR_TOKENS = 0.12, 1_500
# The most asks about the findings on a company, about one writer's answer, and about all at the end of a run.
RESEARCH_ASKS, COPY_ASKS, LAST_ASKS = 3, 2, 1
# The judge if a connected client judges what it wrote.
SELF = "self"
STEP = "verify"
NO_ROOM = "the run's limit for checking claims was reached"
NOT_SAID = "the model did not judge it"
UNUSABLE = "the model's answer about it could not be used"
WRONG = "the model rejects or doubts most of what it judges, so none of that counts"
# Tokens of an ask whose size is limited otherwise.
LARGEST = 1_000_000


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


class _Told(NamedTuple):
    """What a model was asked about a claim; `why` is why it has no opinion."""

    opinion: Opinion | None
    judge: str
    why: str


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
    """`asker` asks the model that judges; `names` are those of the companies of the deal.

    What it answers counts at the end of the run: only then is it clear whether the model rejects whatever it is asked.
    Nothing is asked about claims of which it is `known` what an earlier run was told, by their digests, or that are
    `settled`: these have their verdicts.
    """

    run: Run
    asker: Asker
    names: Names
    known: Mapping[str, Told] = field(default_factory=dict[str, Told])
    settled: frozenset[str] = frozenset()
    _spent: int = 0
    _reserved: int = 0
    _refused: OctaveError | None = None
    _told: dict[Claimed, _Told] = field(default_factory=dict[Claimed, _Told])
    _verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])

    @property
    def is_patient(self) -> bool:
        """Whether it is asked once, at the end of the run."""
        return self.asker.model.capacity.is_patient

    async def ask(self, subjects: Sequence[Subject], journal: Journal, asks: int, company: Role | None = None) -> None:
        """Makes at most `asks` asks about the subjects' claims: all of them, or those on one company's pages."""
        left, why = await computed(self._to_ask, subjects, company), NO_ROOM
        for number in range(1, asks + 1):
            if not left:
                break
            reply = await self._asked(left, journal.within(f"{STEP}-{number}"), company)
            for at, claimed in enumerate(left[: reply.sent]):
                self._keep(claimed, _Told(reply.opinions.get(at), reply.judge, reply.why))
            left = left[reply.sent :]
            if reply.is_last:
                why = reply.why
                break
        for claimed in left:
            self._keep(claimed, _Told(None, self._name, why))

    def _keep(self, claimed: Claimed, told: _Told) -> None:
        """Where the same is claimed in two places, the more severe opinion stands, whichever comes first."""
        known = self._told.get(claimed)
        if known is None or _severity(told) > _severity(known):
            self._told[claimed] = told

    def verdicts(self, subject: Subject) -> Verdicts:
        """Those on the subject's claims, once all is asked; claims without a verdict keep their own."""
        claimed = self._claimed(subject)
        return {claim.at: _judged(claim, told) for claim, one in claimed if (told := self._opinion(one))}

    def _opinion(self, claimed: Claimed) -> _Told | None:
        told = self._told.get(claimed)
        if told and told.opinion and not are_believed(self._verdicts):
            return _Told(None, told.judge, WRONG)
        earlier = None if told else self.known.get(digest_of(claimed))
        return _of_earlier(earlier) if earlier else told

    def told(self, subject: Subject) -> dict[str, Told]:
        """What is known of the subject's claims once all is asked, by their digests, for a later run."""
        every = dict.fromkeys(claimed for _, claimed in self._claimed(subject))
        return {digest_of(one): _for_later(told) for one in every if (told := self._opinion(one))}

    def digests(self, subjects: Iterable[Subject]) -> frozenset[str]:
        """Those of the subjects' claims."""
        return frozenset(digest_of(claimed) for subject in subjects for _, claimed in self._claimed(subject))

    @property
    def _name(self) -> str:
        return SELF if self.is_patient else self.asker.model.name

    def _to_ask(self, subjects: Sequence[Subject], company: Role | None) -> list[Claimed]:
        """Each once; those that need it most come first."""
        every = [
            (self._need(subject, claim), claimed)
            for subject in subjects
            for claim, claimed in self._claimed(subject)
            if company in {None, claimed.quotations[0].role}
        ]
        asked = dict.fromkeys(claimed for _, claimed in sorted(every, key=lambda one: one[0]))
        return [one for one in asked if not self._is_known(one)] if self.known or self.settled else list(asked)

    def _is_known(self, claimed: Claimed) -> bool:
        digest = digest_of(claimed)
        return digest in self.known or digest in self.settled

    def _claimed(self, subject: Subject) -> Iterator[tuple[FoundClaim, Claimed]]:
        """The claims that are not word for word in their quotations, and what is asked about each."""
        for claim in claims(subject.value):
            cited, names = subject.cited(claim), self.names
            if cited and not is_verbatim(claim, [one.quote for one in cited]):
                quotations = tuple(Quotation(one.quote, one.role, _dated_title(one)) for one in cited)
                yield claim, Claimed(claim.text, claim.kind, quotations, names.vendor, names.prospect, claim.label)

    def _need(self, subject: Subject, claim: FoundClaim) -> tuple[bool, ...]:
        """What the rules doubt, then copy, then inferences; in the one question at the end, copy comes first."""
        is_sure = claim.support is None or claim.support.verdict != "partly"
        is_found, is_fact = not subject.is_copy, claim.kind == "fact"
        return (is_found, is_sure, is_fact) if self.is_patient else (is_sure, is_found, is_fact)

    async def _asked(self, left: Sequence[Claimed], journal: Journal, company: Role | None) -> _Reply:
        """How many claims are sent depends on what was spent by then, so the journal records that too."""
        is_new = False

        async def made() -> Verified:
            nonlocal is_new
            is_new = True
            return await self._verified(left, company)

        try:
            verified = await journal.step("ask", made, Verified, left, version(), self.run.request.language)
        except (UpstreamError, SetupError) as failed:
            self._refused = failed if isinstance(failed, NoAccess | SetupError) else None
            return _Reply(0, self._name, {}, why_unjudged(failed), is_last=True)
        if verified.answer is None:
            return _Reply(0, self._name, {}, NO_ROOM, is_last=True)
        if not is_new:
            self.asker.replayed(verified.answer)
            self._spend(verified.answer)
        return await self._booked(verified.sent, verified.answer, company)

    async def _verified(self, left: Sequence[Claimed], company: Role | None) -> Verified:
        if self._refused:
            raise self._refused
        sent, size = await self._fitting(left)
        if not sent:
            return Verified(sent=0, answer=None)
        ask, progress = verification(left[:sent], self.run.request.language), self._progress(company)
        progress(f"checking {sent} claims against their quotations")
        self._reserved += sum(size)
        try:
            answer = await self.asker.answer(ask, self.run.deadline.at, progress.model_called)
            self._spend(answer)  # before anything waits: another ask must not see the room that this one took
        finally:
            self._reserved -= sum(size)
        return Verified(sent=sent, answer=answer)

    async def _fitting(self, left: Sequence[Claimed]) -> tuple[int, Size]:
        """How many there is room for; while that was worked out, another ask may have taken some of it."""
        capacity, language = self.asker.model.capacity, self.run.request.language
        while True:
            most = LARGEST if self.is_patient else self._room
            sent, size = await computed(fitting, left, language, most, most_read=capacity.verification_tokens)
            if not sent or self.is_patient or sum(size) <= self._room:
                return sent, size

    def _spend(self, answer: Answer[Verification] | Unusable) -> None:
        used = Spent.of(answer)
        self._spent += used.input_tokens + used.output_tokens

    async def _booked(self, sent: int, answer: Answer[Verification] | Unusable, company: Role | None) -> _Reply:
        self.asker.book(STEP, company, answer)
        found = opinions(answer, sent)
        verdicts = Counter[Verdict](opinion.verdict for opinion in found.values())
        self._verdicts += verdicts
        why = NOT_SAID if found else UNUSABLE
        if len(found) > A_FEW and not are_believed(verdicts):
            found, why = {}, WRONG
        wrong = answer.wrong or ("" if found else why)
        verdict = Judgement(wrong=wrong, dropped="" if found else wrong, is_usable=bool(found))
        await self.asker.record_verdict(answer, verdict)
        judge = answer.by.name if answer.by else self._name
        return _Reply(sent, judge, found, why)

    @property
    def _room(self) -> int:
        """The tokens that are left for verification."""
        cost = self.run.asker.ledger.cost
        others = cost.input_tokens + cost.output_tokens - self._spent
        return int(SHARE * others) + FLOOR_TOKENS - self._spent - self._reserved

    def _progress(self, company: Role | None) -> Progress:
        inside = self.run.progress.within(STEP)
        return inside.of(company) if company else inside


def _for_later(told: _Told) -> Told:
    verdict, reason, better = told.opinion or (None, "", "")
    return Told(verdict=verdict, reason=reason, better=better, judge=told.judge, why=told.why)


def _of_earlier(told: Told) -> _Told:
    opinion = Opinion(told.verdict, told.reason, told.better) if told.verdict else None
    return _Told(opinion, told.judge, told.why)


_SEVERITY: dict[Verdict, int] = {"supported": 1, "partly": 2, "not": 3}


def _severity(told: _Told) -> int:
    return _SEVERITY[told.opinion.verdict] if told.opinion else 0


def _judged(claim: FoundClaim, told: _Told) -> Judged:
    """Where the model has no opinion, the verdict of the rules stays, if they have one."""
    known, opinion = claim.support, told.opinion
    if opinion is None and known is not None and known.verdict != "unjudged":
        return Judged(known)
    return Judged(support(opinion, told.judge, told.why), opinion.better if opinion else "")


def _dated_title(cited: Evidence) -> str:
    """A claim may give the date of its page, which no quotation has."""
    return f"{cited.page_title} ({cited.published_on})" if cited.published_on else cited.page_title
