"""Checks a model's answer against the passages that the model was shown, and replaces its citations with evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple, TypeGuard, TypeVar, cast, get_args

from octave_mcp.domain.company import Role
from octave_mcp.domain.deal import HowKnown, Seat
from octave_mcp.domain.evidence import UNASKED, Cite, Claim, Evidence, Finding, Passage, Support
from octave_mcp.domain.playbook import CallToAction, TouchDraft
from octave_mcp.domain.prospect import Buyer, Pain, Signal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, located, walk
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.figures import has_words
from octave_mcp.evidence.passages import quotations, resolved
from octave_mcp.evidence.plans import dated, in_field, sites, without_offered, without_plans
from octave_mcp.evidence.support import Kind, Quoted, Statement, problems, quoted, support

V = TypeVar("V", bound=Value)


class _Judged(NamedTuple):
    """The problems of a finding, and the statement that the rules checked.

    The statement is None if the finding cites a passage that was not shown to the model.
    """

    problems: list[Problem]
    statement: Statement | None = None

    @property
    def support(self) -> Support | None:
        """The verdict of the rules on the finding, or None if the finding makes no claim."""
        if self.statement is None or self.statement.kind not in _CLAIMS.values():
            return None
        return support(self.statement, self.problems)


@dataclass(frozen=True)
class Judge:
    """Checks an answer against the passages that the model was shown, and replaces its citations with evidence.

    - `shown`: the passages in the ask.
    - `roles`: for each passage, the role of the company that owns the page.
    - `known`: names that need no evidence.
    - `given`: the user's context. Facts must not use names from the context, but other statements can. No statement can
      use figures from the context.
    - `companies`: the names of the vendor and the prospect, if known.
    - `asks_softly`: whether the writing model must correct soft problems. It need not if another model verifies the
      claims later.
    """

    shown: tuple[Passage, ...]
    roles: tuple[Role, ...]
    known: tuple[str, ...]
    given: str = ""
    companies: Mapping[Role, str] = dataclasses.field(default_factory=dict[Role, str])
    asks_softly: bool = True
    # Results are cached, because `problems` and `resolved` both process every finding and citation of an answer.
    _judged: dict[Finding[Cite], _Judged] = dataclasses.field(
        default_factory=dict[Finding[Cite], "_Judged"], repr=False, compare=False
    )
    _quotations_by_cite: dict[tuple[int, tuple[int, ...]], list[tuple[Evidence, Quoted]]] = dataclasses.field(
        default_factory=dict[tuple[int, tuple[int, ...]], list[tuple[Evidence, Quoted]]], repr=False, compare=False
    )

    def problems(self, answer: Value) -> list[Problem]:
        """Return the problems that the model should correct.

        Each problem has the path of the affected finding or text.
        """
        return [
            problem
            for problem in self.every_problem(answer)
            if problem.asks and (self.asks_softly or not problem.is_soft)
        ]

    def every_problem(self, answer: Value) -> list[Problem]:
        """Return all problems, including those that the model is not asked to correct."""
        return [problem for at, value in located(answer) for problem in self._problems_of(value, at)]

    def _problems_of(self, value: Value, at: Path) -> Iterator[Problem]:
        if _is_finding(value):
            problems_here = [*self._judge(value).problems, *self._unnamed_customers(value)]
        else:
            problems_here = self._judge_texts(value)
        for problem in problems_here:
            yield replace(problem, at=(*at, *problem.at))

    def resolved(self, answer: Value, into: type[V]) -> tuple[V, tuple[Evidence, ...]]:
        """Return the answer with evidence ids instead of citations, and the evidence with these ids.

        Citations of passages that were not shown are removed.
        """
        used: dict[str, Evidence] = {}
        return into.model_validate(self._resolve(answer, used)), tuple(used.values())

    def _resolve(self, part: object, used: dict[str, Evidence]) -> object:
        if isinstance(part, tuple):
            return [self._resolve(item, used) for item in cast("tuple[object, ...]", part) if item is not None]
        if not isinstance(part, Value):
            return part
        finding = part if _is_finding(part) else None
        tree = {
            name: self._resolve(getattr(part, name), used)
            for name in type(part).model_fields
            if name not in {"evidence", UNASKED}
        }
        if finding:
            judged = self._judge(finding)
            cited = self._cited(finding) if judged.statement else ()
            used.update((evidence.id, evidence) for evidence in cited)
            tree["evidence"] = [evidence.id for evidence in cited]
            tree[UNASKED] = judged.support
        return tree

    def _cited(self, finding: Finding[Cite]) -> tuple[Evidence, ...]:
        return tuple({evidence.id: evidence for cite in finding.evidence for evidence, _ in self._cite(cite)}.values())

    def _judge(self, finding: Finding[Cite]) -> _Judged:
        """Check the finding itself, but not the findings that it contains."""
        if (judged := self._judged.get(finding)) is None:
            judged = self._judged[finding] = self._judge_finding(finding)
        return judged

    def _judge_texts(self, value: Value) -> list[Problem]:
        """Check texts without evidence of their own, such as headings, against the evidence of the findings below them.

        E-mails are skipped here, because they are checked when the whole sequence is assembled.
        """
        if isinstance(value, TouchDraft | CallToAction):
            return []
        texts = list(texts_of(value))
        parts = [part for part in _findings(value) if not self._unknown_cite(part)] if texts else []
        evidence = [quote for part in parts for quote in self._quoted(part)]
        return [
            replace(problem, at=at)
            for at, text in texts
            for problem in problems(in_field(value, str(at[0]), self._statement(text, "copy", evidence)))
        ]

    def _statement(self, words: str, kind: Kind, evidence: Sequence[Quoted]) -> Statement:
        """Return a statement with this text, and with the evidence that this kind of statement can use.

        In questions and sales copy, names can come from any passage, and web addresses can be on either company's site.
        Questions can also mention times in a plan, such as 'in two weeks'.
        """
        vendor, prospect = self.companies.get("vendor", ""), self.companies.get("prospect", "")
        own = Statement(words, kind, vendor, prospect, tuple(evidence), self.given, self.known)
        if kind in {"fact", "inference"}:
            return dated(own)
        free = dated(replace(own, evidence=(*evidence, *self._sites), shown=self._texts))
        return replace(free, text=without_plans(free.text)) if kind == "question" else free

    @cached_property
    def _sites(self) -> tuple[Quoted, ...]:
        return sites((passage.page, role) for passage, role in zip(self.shown, self.roles, strict=True))

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(map(_text_of, self.shown))

    def _quoted(self, finding: Finding[Cite]) -> tuple[Quoted, ...]:
        return tuple({evidence.id: quote for cite in finding.evidence for evidence, quote in self._cite(cite)}.values())

    def _cite(self, cite: Cite) -> list[tuple[Evidence, Quoted]]:
        """Return the quotations that a citation refers to.

        Raises:
            LookupError: If the passage was not shown.
        """
        key = cite.passage, cite.sentences
        if key not in self._quotations_by_cite:
            passage, _ = resolved(cite, self.shown)
            role = self.roles[cite.passage - 1]
            cited = quotations(cite, self.shown, role)
            self._quotations_by_cite[key] = [(evidence, quoted(evidence, passage)) for evidence in cited]
        return self._quotations_by_cite[key]

    def _unknown_cite(self, finding: Finding[Cite]) -> str:
        """Return an error text if the finding cites a passage that was not shown. Otherwise, return ''."""
        try:
            for cite in finding.evidence:
                self._cite(cite)
        except LookupError as unknown:
            return str(unknown)
        return ""

    def _judge_finding(self, finding: Finding[Cite]) -> _Judged:
        if unknown := self._unknown_cite(finding):
            return _Judged([Problem("D1", unknown)])
        words, kind, evidence = _words_of(finding), _kind_of(finding), self._quoted(finding)
        statement = self._statement(without_offered(words) if _is_no_claim(finding) else words, kind, evidence)
        if not evidence and kind in {"fact", "inference"}:
            return _Judged([Problem("D1", f"{words[:80]!r} cites no passage")], statement)
        broken = problems(statement)
        return _Judged([*broken, *self._strange_names(finding, evidence, broken)], statement)

    def _strange_names(
        self, finding: Finding[Cite], evidence: Sequence[Quoted], broken: Sequence[Problem]
    ) -> Iterator[Problem]:
        if not (own_names := _names_of(finding)):
            return
        if all(any(has_words(name, quote.text) for quote in evidence) for name in own_names):
            return
        context = [text for quote in evidence for text in (quote.text, quote.title, quote.heading, quote.around)]
        around = " \n ".join([*context, self.given, *self.known])
        reported = " ".join(problem.text for problem in broken if problem.rule == "D4")
        for name in own_names:
            if not has_words(name, around) and not any(has_words(part, reported) for part in name.split()):
                yield Problem("D4", f"the name {name!r} is not in the evidence")

    def _unnamed_customers(self, value: Value) -> Iterator[Problem]:
        """Check that each passage cited for a customer's result names the customer (rule D5).

        The heading and the page title count as parts of the passage. The path of a problem is relative to the
        finding: `("results", 0)` for the first result of a case study.
        """
        for field, name_field in value.named_in_evidence.items() if _is_finding(value) else ():
            name, claims = getattr(value, name_field), cast("Sequence[Claim[Cite] | None]", getattr(value, field))
            for at, claim in enumerate(claims):
                if claim and not all(self._names(name, cite) for cite in claim.evidence):
                    text = f"{name!r} is not named where its result is: {claim.text[:80]!r}"
                    yield Problem("D5", text, at=(field, at))

    def _names(self, customer: str, cite: Cite) -> bool:
        """Whether the cited passage names the customer.

        Return True if the cited passage does not exist, because rule D1 already reports this error.
        """
        if not 1 <= cite.passage <= len(self.shown):
            return True
        return has_words(customer, self._texts[cite.passage - 1])


def _findings(answer: Value) -> Iterator[Finding[Cite]]:
    return (value for value in walk(answer) if _is_finding(value))


def _is_finding(value: Value) -> TypeGuard[Finding[Cite]]:
    return isinstance(value, Finding)


def _text_of(passage: Passage) -> str:
    return f"{passage.page.title}\n{passage.heading}\n{passage.label}\n{passage.text}"


_CLAIMS: Mapping[str, Kind] = {"fact": "fact", "inference": "inference"}
_SEAT_KINDS: Mapping[HowKnown, Kind] = {"named": "fact", "inferred": "inference", "missing": "question"}


def _is_no_claim(finding: Finding[Cite]) -> bool:
    return isinstance(finding, Sentence) and finding.kind in {"ask", "courtesy"}


def _kind_of(finding: Finding[Cite]) -> Kind:
    """Return whether the finding states a fact, draws an inference or asks a question."""
    if isinstance(finding, Sentence):
        return _CLAIMS.get(finding.kind, "question")
    if isinstance(finding, Seat):
        return _SEAT_KINDS[finding.how_known]
    is_guess = isinstance(finding, Buyer) or (isinstance(finding, Pain | Signal) and not finding.stated)
    return "inference" if is_guess else "fact"


def _words_of(value: Value) -> str:
    return " \n ".join(text for _, text in texts_of(value))


def texts_of(value: Value) -> Iterator[tuple[Path, str]]:
    """Yield each string in the value's own fields, with its path. Ids and unchecked fields are left out."""
    for name in _own_fields(type(value)):
        given: object = getattr(value, name)
        if isinstance(given, str):
            yield (name,), given
        else:
            listed = enumerate(cast("tuple[str | None, ...]", given or ()))
            yield from (((name, at), text) for at, text in listed if text is not None)


@cache
def _own_fields(form: type[Value]) -> tuple[str, ...]:
    passed_over = ("evidence", *(form.unchecked if issubclass(form, Finding) else ()))
    texts = (
        name
        for name, field in form.model_fields.items()
        if field.annotation is str or str in get_args(field.annotation)
    )
    return tuple(name for name in texts if not name.endswith("_id") and name not in passed_over)


def _names_of(finding: Finding[Cite]) -> list[str]:
    """Return the names of companies and people in the finding's name fields.

    Names of offerings are not included, because a model is allowed to describe an offering in its own words.
    """
    return [name for field in finding.names if isinstance(name := getattr(finding, field), str)]
