"""Asks a model whether quotations support claims. These asks get only a share of the run's tokens."""

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
    are_trusted,
    fitting,
    opinions,
    support,
    verification,
    version,
    why_unjudged,
)
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import Answer, Judgement, Names, Spent, Unusable
from octave_mcp.domain.basis import StoredOpinion
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

# Token budget of verification: `TOKEN_SHARE` times the tokens of the run's other asks so far, plus `FLOOR_TOKENS`. A
# reused answer counts as `REUSED_TOKENS`, so that an equal run asks about the same claims, whose verdicts are cached.
TOKEN_SHARE, FLOOR_TOKENS, REUSED_TOKENS = 0.12, 1_500, 5_000
# Maximum numbers of verification asks: `RESEARCH_ASKS` for the findings on one company, `COPY_ASKS` for one answer that
# contains drafts, and `LAST_ASKS` for all claims together if a connected client judges them.
RESEARCH_ASKS, COPY_ASKS, LAST_ASKS = 3, 2, 1
# The judge's name in a connected client's verdict, because the client judges a playbook that it wrote itself.
SELF = "self"
STEP = "verify"
NO_ROOM = "the run's token limit for checking claims was reached"
NOT_JUDGED = "the model gave no verdict"
UNUSABLE = "the model's answer could not be used"
UNTRUSTED = "the model rejects or doubts most claims, so its verdicts are discarded"
# Token budget of a question for a connected client. The budget is practically unlimited, because only the client's
# capacity limits the question.
UNLIMITED_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A value whose claims are judged, with the evidence that the claims cite."""

    value: Value
    evidence: Mapping[EvidenceId, Evidence]
    is_copy: bool = False

    def cited(self, claim: FoundClaim) -> tuple[Evidence, ...]:
        return tuple(self.evidence[i] for i in claim.evidence if i in self.evidence)


class Judged(NamedTuple):
    """The verdict on a claim. `better` is the model's correction of the claim, or '' if the model gave none."""

    support: Support
    better: str = ""


Verdicts = dict[Path, Judged]


class _Outcome(NamedTuple):
    """The outcome of asking about a claim.

    If `opinion` is None, `why` gives the reason.
    """

    opinion: Opinion | None
    judge: str
    why: str


class _Reply(NamedTuple):
    """A model's reply to one ask.

    - `sent`: the number of claims in the ask.
    - `opinions`: the model's opinions, keyed by the index of the claim in the ask. `why` explains missing opinions.
    - `is_last`: true if no further ask should be made, because the next ask would fail for the same reason.
    """

    sent: int
    judge: str
    opinions: Mapping[int, Opinion]
    why: str
    is_last: bool = False


@dataclass(slots=True)
class Verifier:
    """Collects a model's opinions on claims.

    Opinions become verdicts only at the end of the run, because all opinions are discarded if the model rejects nearly
    all claims.

    - `known`: opinions from an earlier run, keyed by claim digest, so that the model is not asked about the same claims
      again.
    - `settled`: digests of claims that already have a verdict, so that the model is not asked about them.
    """

    run: Run
    asker: Asker
    names: Names
    known: Mapping[str, StoredOpinion] = field(default_factory=dict[str, StoredOpinion])
    settled: frozenset[str] = frozenset()
    _spent: int = 0
    _reserved: int = 0
    _refused: OctaveError | None = None
    _outcomes: dict[Claimed, _Outcome] = field(default_factory=dict[Claimed, _Outcome])
    _verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])

    @property
    def is_answered_by_client(self) -> bool:
        """Whether a connected client judges the claims, in a single ask at the end of the run."""
        return self.asker.model.capacity.is_answered_by_client

    async def ask(self, subjects: Sequence[Subject], journal: Journal, asks: int, company: Role | None = None) -> None:
        """Ask the model about the claims of these subjects.

        `asks` is the maximum number of asks. If `company` is given, ask only about claims that cite this company's
        pages.
        """
        remaining, why = await computed(self._to_ask, subjects, company), NO_ROOM
        for number in range(1, asks + 1):
            if not remaining:
                break
            reply = await self._asked(remaining, journal.within(f"{STEP}-{number}"), company)
            for at, claimed in enumerate(remaining[: reply.sent]):
                self._record(claimed, _Outcome(reply.opinions.get(at), reply.judge, reply.why))
            remaining = remaining[reply.sent :]
            if reply.is_last:
                why = reply.why
                break
        for claimed in remaining:
            self._record(claimed, _Outcome(None, self._name, why))

    def _record(self, claimed: Claimed, outcome: _Outcome) -> None:
        """Record the outcome of asking about a claim.

        If two subjects contain the same claim, keep the more severe opinion. The model is asked about the subjects
        concurrently, so the result must not depend on the order of replies.
        """
        recorded = self._outcomes.get(claimed)
        if recorded is None or _severity(outcome) > _severity(recorded):
            self._outcomes[claimed] = outcome

    def verdicts(self, subject: Subject) -> Verdicts:
        """Return the verdicts on the subject's claims. Call this method only after all asks are done."""
        pairs = self._claimed(subject)
        return {claim.at: _judged(claim, outcome) for claim, claimed in pairs if (outcome := self._outcome(claimed))}

    def _outcome(self, claimed: Claimed) -> _Outcome | None:
        outcome = self._outcomes.get(claimed)
        if outcome and outcome.opinion and not are_trusted(self._verdicts):
            return _Outcome(None, outcome.judge, UNTRUSTED)
        earlier = None if outcome else self.known.get(digest_of(claimed))
        return _from_stored(earlier) if earlier else outcome

    def opinions(self, subject: Subject) -> dict[str, StoredOpinion]:
        """Return the outcomes for the subject's claims, keyed by claim digest, so that a later run can reuse them.

        Call this method only after all asks are done.
        """
        unique = dict.fromkeys(claimed for _, claimed in self._claimed(subject))
        return {digest_of(claimed): _to_store(outcome) for claimed in unique if (outcome := self._outcome(claimed))}

    def digests(self, subjects: Iterable[Subject]) -> frozenset[str]:
        """Return the digests of the subjects' claims."""
        return frozenset(digest_of(claimed) for subject in subjects for _, claimed in self._claimed(subject))

    @property
    def _name(self) -> str:
        return SELF if self.is_answered_by_client else self.asker.model.name

    def _to_ask(self, subjects: Sequence[Subject], company: Role | None) -> list[Claimed]:
        """Return the claims to ask about, without repeats.

        The most doubtful claims come first, because the tokens can run out before all claims are judged.
        """
        ranked = [
            (self._need(subject, claim), claimed)
            for subject in subjects
            for claim, claimed in self._claimed(subject)
            if company in {None, claimed.quotations[0].role}
        ]
        unique = dict.fromkeys(claimed for _, claimed in sorted(ranked, key=lambda pair: pair[0]))
        # Digests take time to compute, so skip them if there are no earlier claims to compare with.
        if not self.known and not self.settled:
            return list(unique)
        return [claimed for claimed in unique if not self._is_known(claimed)]

    def _is_known(self, claimed: Claimed) -> bool:
        digest = digest_of(claimed)
        return digest in self.known or digest in self.settled

    def _claimed(self, subject: Subject) -> Iterator[tuple[FoundClaim, Claimed]]:
        """Yield the claims that need a judgement, each with the question for the model.

        A claim that repeats a quotation word for word needs no judgement.
        """
        for claim in claims(subject.value):
            cited, names = subject.cited(claim), self.names
            if cited and not is_verbatim(claim, [item.quote for item in cited]):
                quotations = tuple(Quotation(item.quote, item.role, _dated_title(item)) for item in cited)
                yield claim, Claimed(claim.text, claim.kind, quotations, names.vendor, names.prospect, claim.label)

    def _need(self, subject: Subject, claim: FoundClaim) -> tuple[bool, ...]:
        """Return a sort key: claims that the rules doubt come first, then claims in sales copy, then inferences.

        If a connected client judges the claims, claims in sales copy come first, because users send this copy to
        prospects.
        """
        is_undoubted = claim.support is None or claim.support.verdict != "partly"
        is_finding, is_fact = not subject.is_copy, claim.kind == "fact"
        return (
            (is_finding, is_undoubted, is_fact) if self.is_answered_by_client else (is_undoubted, is_finding, is_fact)
        )

    async def _asked(self, remaining: Sequence[Claimed], journal: Journal, company: Role | None) -> _Reply:
        """Make one ask, or read its result from the journal.

        The journal also records the number of claims in the ask. A resumed run could not recompute the number of
        claims, because this number depends on how many tokens were spent before the ask.
        """
        is_new = False

        async def made() -> Verified:
            nonlocal is_new
            is_new = True
            return await self._verified(remaining, company)

        try:
            verified = await journal.step("ask", made, Verified, remaining, version(), self.run.request.language)
        except (UpstreamError, SetupError) as failed:
            self._refused = failed if isinstance(failed, NoAccess | SetupError) else None
            return _Reply(0, self._name, {}, why_unjudged(failed), is_last=True)
        if verified.answer is None:
            return _Reply(0, self._name, {}, NO_ROOM, is_last=True)
        if not is_new:
            self.asker.replayed(verified.answer)
            self._spend(verified.answer)
        return await self._accounted(verified.sent, verified.answer, company)

    async def _verified(self, remaining: Sequence[Claimed], company: Role | None) -> Verified:
        if self._refused:  # the model refuses all calls, so other asks would fail as well
            raise self._refused
        sent, size = await self._fitting(remaining)
        if not sent:
            return Verified(sent=0, answer=None)
        ask, progress = verification(remaining[:sent], self.run.request.language), self._progress(company)
        progress(f"checking {sent} claims against their quotations")
        self._reserved += sum(size)
        try:
            answer = await self.asker.answer(ask, self.run.deadline.at, progress.model_called)
            self._spend(answer)  # count the tokens before the next await, so that concurrent asks do not use them
        finally:
            self._reserved -= sum(size)
        return Verified(sent=sent, answer=answer)

    async def _fitting(self, remaining: Sequence[Claimed]) -> tuple[int, Size]:
        """Return how many claims fit into an ask, and how many tokens the ask takes.

        If a concurrent ask uses some of the remaining tokens during the computation, repeat the computation.
        """
        capacity, language = self.asker.model.capacity, self.run.request.language
        while True:
            room = UNLIMITED_TOKENS if self.is_answered_by_client else self._room
            sent, size = await computed(fitting, remaining, language, room, max_read=capacity.verification_tokens)
            if not sent or self.is_answered_by_client or sum(size) <= self._room:
                return sent, size

    def _spend(self, answer: Answer[Verification] | Unusable) -> None:
        used = Spent.of(answer)
        self._spent += used.input_tokens + used.output_tokens

    async def _accounted(self, sent: int, answer: Answer[Verification] | Unusable, company: Role | None) -> _Reply:
        self.asker.book(STEP, company, answer)
        parsed = opinions(answer, sent)
        verdicts = Counter[Verdict](opinion.verdict for opinion in parsed.values())
        self._verdicts += verdicts
        why = NOT_JUDGED if parsed else UNUSABLE
        # Do not discard an answer about only a few claims here, even if it rejects most of them, because a few claims
        # can all be wrong.
        if len(parsed) > A_FEW and not are_trusted(verdicts):
            parsed, why = {}, UNTRUSTED
        wrong = answer.wrong or ("" if parsed else why)
        verdict = Judgement(wrong=wrong, dropped="" if parsed else wrong, is_usable=bool(parsed))
        await self.asker.record_verdict(answer, verdict)
        judge = answer.by.name if answer.by else self._name
        return _Reply(sent, judge, parsed, why)

    @property
    def _room(self) -> int:
        """The number of tokens left for verification, minus the tokens reserved for asks in progress."""
        cost = self.run.asker.ledger.cost
        others = cost.input_tokens + cost.output_tokens + cost.reused * REUSED_TOKENS - self._spent
        return int(TOKEN_SHARE * others) + FLOOR_TOKENS - self._spent - self._reserved

    def _progress(self, company: Role | None) -> Progress:
        inside = self.run.progress.within(STEP)
        return inside.of(company) if company else inside


def _to_store(outcome: _Outcome) -> StoredOpinion:
    verdict, reason, better = outcome.opinion or (None, "", "")
    return StoredOpinion(verdict=verdict, reason=reason, better=better, judge=outcome.judge, why=outcome.why)


def _from_stored(stored: StoredOpinion) -> _Outcome:
    opinion = Opinion(stored.verdict, stored.reason, stored.better) if stored.verdict else None
    return _Outcome(opinion, stored.judge, stored.why)


_SEVERITY: dict[Verdict, int] = {"supported": 1, "partly": 2, "not": 3}


def _severity(outcome: _Outcome) -> int:
    return _SEVERITY[outcome.opinion.verdict] if outcome.opinion else 0


def _judged(claim: FoundClaim, outcome: _Outcome) -> Judged:
    """Return the model's verdict, or the rules' verdict if the model has no opinion."""
    by_rules, opinion = claim.support, outcome.opinion
    if opinion is None and by_rules is not None and by_rules.verdict != "unjudged":
        return Judged(by_rules)
    return Judged(support(opinion, outcome.judge, outcome.why), opinion.better if opinion else "")


def _dated_title(cited: Evidence) -> str:
    """Return the page's title and publication date.

    The model needs the date, because a claim can state a date that is not in any quotation.
    """
    return f"{cited.page_title} ({cited.published_on})" if cited.published_on else cited.page_title
