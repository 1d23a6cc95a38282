"""Judges an answer against the passages that were shown, and makes of it what may stand."""

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
    """What is wrong with a finding, and what it says; None if it cites what was not shown."""

    problems: list[Problem]
    statement: Statement | None = None

    @property
    def support(self) -> Support | None:
        """The rules' verdict on what claims something."""
        if self.statement is None or self.statement.kind not in _CLAIMS.values():
            return None
        return support(self.statement, self.problems)


@dataclass(frozen=True)
class Judge:
    """Checks an answer against what was shown, and makes of it what may stand.

    `shown` are the ask's passages with the role of their company; `known` the names free to use; `given` is what the
    user said of the deal, whose names may be used too, though not in facts, and whose figures may not. `companies` are
    the names of those of the deal that are known. `asks_softly` is False where a model judges what may be wrong: a
    correction is then asked for only if a hard rule fails.
    """

    shown: tuple[Passage, ...]
    roles: tuple[Role, ...]
    known: tuple[str, ...]
    given: str = ""
    companies: Mapping[Role, str] = dataclasses.field(default_factory=dict[Role, str])
    asks_softly: bool = True
    _judged: dict[Finding[Cite], _Judged] = dataclasses.field(
        default_factory=dict[Finding[Cite], "_Judged"], repr=False, compare=False
    )
    _read: dict[tuple[int, tuple[int, ...]], list[tuple[Evidence, Quoted]]] = dataclasses.field(
        default_factory=dict[tuple[int, tuple[int, ...]], list[tuple[Evidence, Quoted]]], repr=False, compare=False
    )
    """What was found in each finding, and what each cite points at: both are asked for several times."""

    def problems(self, answer: Value) -> list[Problem]:
        """What is worth a correction, and where: at a finding, or at a text of a value that is none."""
        return [
            problem
            for problem in self.every_problem(answer)
            if problem.asks and (self.asks_softly or not problem.is_soft)
        ]

    def every_problem(self, answer: Value) -> list[Problem]:
        """What may be wrong, worth a correction or not."""
        return [problem for at, value in located(answer) for problem in self._all(value, at)]

    def _all(self, value: Value, at: Path) -> Iterator[Problem]:
        own = (*self._of(value).problems, *self._strangers(value)) if _is_finding(value) else self._of_words(value)
        for problem in own:
            yield replace(problem, at=(*at, *problem.at))

    def resolved(self, answer: Value, into: type[V]) -> tuple[V, tuple[Evidence, ...]]:
        """The answer with its cites resolved, and the evidence it uses. A cite of what was not shown is left out."""
        used: dict[str, Evidence] = {}
        return into.model_validate(self._tree(answer, used)), tuple(used.values())

    def _tree(self, part: object, used: dict[str, Evidence]) -> object:
        if isinstance(part, tuple):
            return [self._tree(one, used) for one in cast("tuple[object, ...]", part) if one is not None]
        if not isinstance(part, Value):
            return part
        finding = part if _is_finding(part) else None
        tree = {
            name: self._tree(getattr(part, name), used)
            for name in type(part).model_fields
            if name not in {"evidence", UNASKED}
        }
        if finding:
            judged = self._of(finding)
            cited = self._cited(finding) if judged.statement else ()
            used.update((evidence.id, evidence) for evidence in cited)
            tree["evidence"] = [evidence.id for evidence in cited]
            tree[UNASKED] = judged.support
        return tree

    def _cited(self, finding: Finding[Cite]) -> tuple[Evidence, ...]:
        return tuple({evidence.id: evidence for cite in finding.evidence for evidence, _ in self._cite(cite)}.values())

    def _of(self, finding: Finding[Cite]) -> _Judged:
        """What is wrong with a finding itself, the parts of it aside."""
        if (judged := self._judged.get(finding)) is None:
            judged = self._judged[finding] = self._of_finding(finding)
        return judged

    def _of_words(self, value: Value) -> list[Problem]:
        """Words that carry no evidence of their own, such as a question or a heading, rest on that of their parts.

        An e-mail's are checked when it is put together, so that its place in the sequence can be named.
        """
        if isinstance(value, TouchDraft | CallToAction):
            return []
        texts = list(texts_of(value))
        parts = [part for part in _findings(value) if not self._unknown(part)] if texts else []
        evidence = [quote for part in parts for quote in self._quoted(part)]
        return [
            replace(problem, at=at)
            for at, text in texts
            for problem in problems(in_field(value, str(at[0]), self._statement(text, "copy", evidence)))
        ]

    def _statement(self, words: str, kind: Kind, evidence: Sequence[Quoted]) -> Statement:
        """A question, and words without evidence of their own, may name whatever any passage names.

        So may they have an address of either site, and times of what is to come.
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
        """What it cites, which is asked for several times.

        Raises:
            LookupError: it was not shown.
        """
        key = cite.passage, cite.sentences
        if key not in self._read:
            passage, _ = resolved(cite, self.shown)
            role = self.roles[cite.passage - 1]
            found = quotations(cite, self.shown, role)
            self._read[key] = [(evidence, quoted(evidence, passage)) for evidence in found]
        return self._read[key]

    def _unknown(self, finding: Finding[Cite]) -> str:
        """What a finding cites that was not shown."""
        try:
            for cite in finding.evidence:
                self._cite(cite)
        except LookupError as unknown:
            return str(unknown)
        return ""

    def _of_finding(self, finding: Finding[Cite]) -> _Judged:
        if unknown := self._unknown(finding):
            return _Judged([Problem("D1", unknown)])
        words, kind, evidence = _words_of(finding), _kind_of(finding), self._quoted(finding)
        statement = self._statement(without_offered(words) if _is_no_claim(finding) else words, kind, evidence)
        if not evidence and kind in {"fact", "inference"}:
            return _Judged([Problem("D1", f"{words[:80]!r} cites no passage")], statement)
        found = problems(statement)
        return _Judged([*found, *self._strange_names(finding, evidence, found)], statement)

    def _strange_names(
        self, finding: Finding[Cite], evidence: Sequence[Quoted], found: Sequence[Problem]
    ) -> Iterator[Problem]:
        if not (own := _names_of(finding)):
            return
        if all(any(has_words(name, quote.text) for quote in evidence) for name in own):
            return
        beside = [text for quote in evidence for text in (quote.text, quote.title, quote.heading, quote.around)]
        around = " \n ".join([*beside, self.given, *self.known])
        told = " ".join(problem.text for problem in found if problem.rule == "D4")
        for name in own:
            if not has_words(name, around) and not any(has_words(part, told) for part in name.split()):
                yield Problem("D4", f"the name {name!r} is not in the evidence")

    def _strangers(self, value: Value) -> Iterator[Problem]:
        """D3b and D5: a result's figure and its customer's name stand in one passage, or the name in its page's title.

        Each is at the field and the place of the result in it.
        """
        for field, named in value.named_beside.items() if _is_finding(value) else ():
            name, claims = getattr(value, named), cast("Sequence[Claim[Cite] | None]", getattr(value, field))
            for at, claim in enumerate(claims):
                if claim and not all(self._names(name, cite) for cite in claim.evidence):
                    told = f"{name!r} is not named where its result is: {claim.text[:80]!r}"
                    yield Problem("D5", told, at=(field, at))

    def _names(self, customer: str, cite: Cite) -> bool:
        """Whether the passage cited names the customer; one that was not shown is another rule's."""
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
_OF_SEATS: Mapping[HowKnown, Kind] = {"named": "fact", "inferred": "inference", "missing": "question"}


def _is_no_claim(finding: Finding[Cite]) -> bool:
    """What someone should do, and what the rep offers: 'ask three colleagues'."""
    return isinstance(finding, Sentence) and finding.kind in {"ask", "courtesy"}


def _kind_of(finding: Finding[Cite]) -> Kind:
    """A conclusion claims less than a fact, and the other kinds of sentences claim nothing."""
    if isinstance(finding, Sentence):
        return _CLAIMS.get(finding.kind, "question")
    if isinstance(finding, Seat):
        return _OF_SEATS[finding.how_known]
    is_guess = isinstance(finding, Buyer) or (isinstance(finding, Pain | Signal) and not finding.stated)
    return "inference" if is_guess else "fact"


def _words_of(value: Value) -> str:
    return " \n ".join(text for _, text in texts_of(value))


def texts_of(value: Value) -> Iterator[tuple[Path, str]]:
    """What a value says in words of its own: its texts and lists of texts, without those of its parts, and no ids."""
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
    """Companies and people that a finding has a field for; what is offered may be named in words of one's own."""
    return [name for field in finding.names if isinstance(name := getattr(finding, field), str)]
