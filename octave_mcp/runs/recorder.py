"""Makes a recording of a finished run by replaying its steps from the journal, without asking a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast

from octave_mcp.asks import verification
from octave_mcp.asks.asker import Asker
from octave_mcp.asks.budget import Budget, BudgetTracker
from octave_mcp.asks.corrections import Checked, Rules
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, AddressesBrief, Ask, ReadingBrief, UnderstandingBrief, WritingBrief
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.playbook import PersonaDrafts, Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.steps import StepEntry, digest_of
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import Verified
from octave_mcp.errors import InputError, NotFinished, Unanswered
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.pipeline.generate import generate
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Journal, RunContext
from octave_mcp.recordings.citations import as_recorded, place_of
from octave_mcp.recordings.recording import Object, RecordedAnswer, RecordedPersona, RecordedRun, RecordedVerdict
from octave_mcp.runs.adapters import Adapters
from octave_mcp.runs.admission import Admission
from octave_mcp.runs.journal import replayed
from octave_mcp.runs.verifiers import verifier_of

R = TypeVar("R", bound=Value)
T = TypeVar("T")

ADVICE = "start a new run with refresh, and record that run"


@dataclass(frozen=True, slots=True)
class _AcceptedAsk:
    """An ask, with the answer that was accepted after all corrections."""

    step: str
    ask: Ask[Any, Any]
    checked: Checked[Any]


@dataclass(slots=True)
class _Accepted:
    """The asks and verdicts that are collected while a run is replayed."""

    answers: list[_AcceptedAsk] = field(default_factory=list[_AcceptedAsk])
    verdicts: dict[verification.Claimed, verification.Opinion] = field(
        default_factory=dict[verification.Claimed, verification.Opinion]
    )


@dataclass(frozen=True, slots=True)
class _PastJournal:
    """The journal of an ended run. Returns the recorded result of each step, and executes no step."""

    entries: Mapping[tuple[str, str], StepEntry]
    accepted: _Accepted
    path: str = ""

    def within(self, name: str) -> Journal:
        return _PastJournal(self.entries, self.accepted, f"{self.path}{name}/")

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], *given: object) -> T:  # noqa: ARG002 - never called
        entry = self.entries.get((f"{self.path}{name}", await computed(digest_of, *given)))
        if entry is None:
            raise InputError(
                f"this run cannot be recorded: with this release and these settings, the input of the step "
                f"{self.path}{name!r} differs from the recorded input; {ADVICE}"
            )
        result = await computed(replayed, entry, kind)
        if isinstance(result, Verified) and result.answer:
            claims = cast("Sequence[verification.Claimed]", given[0])
            for at, opinion in verification.opinions(result.answer, result.sent).items():
                self.accepted.verdicts[claims[at]] = opinion
        return result


@dataclass(frozen=True, slots=True)
class _PastRun(Run):
    """A run that collects its asks and their accepted answers while it is replayed."""

    accepted: _Accepted = field(default_factory=_Accepted)

    async def ask(
        self,
        ask: Ask[A, Any],
        into: type[R],
        *,
        roles: tuple[Role, ...],
        known: tuple[str, ...],
        companies: Mapping[Role, str] = MappingProxyType({}),
        rules: Rules[R] | None = None,
        name: str = "ask",
    ) -> Checked[R]:
        checked = await Run.ask(self, ask, into, roles=roles, known=known, companies=companies, rules=rules, name=name)
        step = f"{cast('_PastJournal', self.journal).path}{name}"
        self.accepted.answers.append(_AcceptedAsk(step, ask, checked))
        return checked


class _NoInbox:
    """An inbox without questions, for a run that has ended."""

    async def questions(self) -> Sequence[QuestionRecord]:
        return ()

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        return question

    async def answer(self, question: QuestionRecord) -> str:
        raise Unanswered(f"the run has ended without asking question {question.question_id!r}")

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Ignore the verdict, which is already stored."""


class Recorder:
    def __init__(self, adapters: Adapters, admission: Admission) -> None:
        self._adapters, self._admission, self._store = adapters, admission, adapters.store

    async def recorded(self, record: RunRecord, model: str) -> RecordedRun:
        """Return a recording of the answers that a connected client gave in the run; `model` names the client's model.

        Raises:
            InputError: If some answers did not come from a client, or this release cannot replay the run.
            NotFinished: If the run has no playbook, or has not ended.
        """
        if not choice(MODELS, record.model, "model").asks_client:
            raise InputError(
                f"only answers from a connected client can be recorded, but {record.model} answered in this run"
            )
        if record.finished_at is None or await self._store.get_playbook(record.run_id) is None:
            raise NotFinished(f"run {record.run_id!r} is {record.status}, and has no playbook to record")
        request = record.request
        companies = await computed(self._admission.companies, request, record.model, record.source)
        run = await self._past(record)
        try:
            playbook = (await generate(run, companies)).playbook
        finally:
            await run.source.close()
        _check(playbook)
        return await computed(_recording, record, run, companies, model)

    async def _past(self, record: RunRecord) -> _PastRun:
        accepted, entries = _Accepted(), await self._store.steps(record.run_id)
        clock, unlimited = RunClock(), BudgetTracker(Budget())
        context = RunContext(
            record.run_id, _NoInbox(), self._store, fresh=True, check=unlimited.check, spend=unlimited.spend,
            clock=clock, slow=lambda _name, _how: None,
        )  # fmt: skip
        asker = Asker(self._adapters.model(record.model, context), (), unlimited, clock)
        judge = verifier_of(self._adapters, asker.model, context)
        source = await computed(lambda: self._adapters.source(record.source, run_id=record.run_id, memory=self._store))
        return _PastRun(
            request=record.signed_request,
            asker=asker,
            verifier=Asker(judge, (), unlimited, clock, ledger=asker.ledger) if judge else None,
            source=source,
            journal=_PastJournal({(entry.name, entry.digest): entry for entry in entries}, accepted),
            store=self._store,
            progress=Progress(record.run_id, record.session_id, lambda _: None),
            deadline=Deadline(),
            site_timeout_seconds=self._adapters.limits.site_timeout_seconds,
            identity=f"{asker.model.identity} {record.source}",
            accepted=accepted,
        )


def _check(playbook: Playbook) -> None:
    """Check that the run's own model gave all answers, and that it gave them during this run.

    Raises:
        InputError: If a fallback model gave an answer, or an answer was reused from another run.
    """
    for flag in playbook.flags:
        if flag.code == "stood_in" or (flag.code == "reused" and flag.companies):
            raise InputError(f"this run cannot be recorded: {flag.reason}; {ADVICE}")


def _recording(record: RunRecord, run: _PastRun, companies: Sequence[Company], model: str) -> RecordedRun:
    asked, capacity, asks = run.request, run.capacity, sorted(run.accepted.answers, key=lambda accepted: accepted.step)
    vendor, prospect = (company.domain for company in companies)
    verdicts = run.accepted.verdicts if run.verifier and run.verifier.model is run.asker.model else {}
    return RecordedRun(
        vendor=vendor,
        prospect=prospect,
        model=model,
        recorded_on=(record.finished_at or datetime.now(UTC)).date(),
        language=asked.language,
        context=asked.context,
        max_pages=run.max_pages,
        shown_characters=capacity.shown_characters or 0,
        verification_tokens=capacity.verification_tokens or 0,
        prompts=dict(sorted(_prompts(asks))),
        answers=tuple(_answers(asks, companies, capacity.by_rules)),
        personas=tuple(_personas(asks, companies)),
        verdicts=tuple(_verdict(claim, opinion) for claim, opinion in sorted(verdicts.items())),
    )


def _prompts(asks: Iterable[_AcceptedAsk]) -> Iterable[tuple[str, int]]:
    yield verification.PROMPT[0], verification.version()
    for accepted in asks:
        yield accepted.ask.prompt, accepted.ask.version
        yield from (
            (name, int(version)) for name, _, version in (other.rpartition("@") for other in accepted.ask.beside)
        )


def _value(accepted: _AcceptedAsk, companies: Sequence[Company]) -> Object:
    evidence = {evidence.id: evidence for evidence in accepted.checked.evidence}
    return as_recorded(accepted.checked.value, evidence, companies)


def _answers(
    asks: Iterable[_AcceptedAsk], companies: Sequence[Company], by_rules: Container[str]
) -> Iterable[RecordedAnswer]:
    """Yield the answers to record.

    Answers from rules are left out, because only a model's answers are recorded. Sales copy for personas is also left
    out, because it is recorded separately.
    """
    for accepted in asks:
        ask: Ask[Any, Value] = accepted.ask
        brief = ask.brief
        if _is_copy(ask) or ask.prompt in by_rules:
            continue
        value = _value(accepted, companies)
        if isinstance(brief, AddressesBrief):
            links = {number: link.url for number, link in enumerate(brief.links, 1)}
            value = {"chosen": [place_of(links[at], companies).path for at in value["chosen"] if at in links]}
        company: Role | Literal[""] = brief.role if isinstance(brief, ReadingBrief | UnderstandingBrief) else ""
        yield RecordedAnswer(
            step=accepted.step, company=company, prompt=ask.prompt, form=ask.answer.__name__, value=value
        )  # fmt: skip


def _is_copy(ask: Ask[Any, Any]) -> bool:
    return isinstance(ask.brief, WritingBrief) and bool(ask.brief.personas)


def _personas(asks: Sequence[_AcceptedAsk], companies: Sequence[Company]) -> Iterable[RecordedPersona]:
    copy = {name: part for each in asks if _is_copy(each.ask) for name, part in _value(each, companies).items()}
    briefs = (each.ask.brief for each in asks if isinstance(each.ask.brief, WritingBrief))
    personas = max((brief.prospect.buyer_personas for brief in briefs), key=len, default=())
    for persona, name in zip(personas, PersonaDrafts.model_fields, strict=False):
        yield RecordedPersona(title=persona.title, value=copy.get(name))


def _verdict(claim: verification.Claimed, opinion: verification.Opinion) -> RecordedVerdict:
    return RecordedVerdict(
        text=claim.text,
        kind=claim.kind,
        label=claim.label,
        quotations=tuple(quotation.text for quotation in claim.quotations),
        verdict=opinion.verdict,
        reason=opinion.reason,
        better=opinion.better,
    )
