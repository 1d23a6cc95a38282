"""Passages, the quotations that come of them, and the gates on figures, names and quotation marks.

A model points at passages and sentences; the quotation is copied here, from the page. What it writes passes the gates:
a figure, a name or a quotation that is not in its evidence does not enter the playbook.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar, cast, get_args

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Finding, Passage
from octave_mcp.domain.page import Page, PageRef
from octave_mcp.domain.playbook import CallToAction, Sentence, TouchDraft
from octave_mcp.domain.prospect import Confidence
from octave_mcp.domain.value import Value, walk
from octave_mcp.domain.vendor import CaseStudy, ReferenceCustomer
from octave_mcp.figures import TIMES, Figure, figures, has_words, normal, strange_names, strange_quotations

PASSAGE_CHARACTERS = 300
LONGEST_QUOTATION_SENTENCES = 2
STALE_DAYS = 548

V = TypeVar("V", bound=Value)

_MINUTES = re.compile(r"\b\d+ minutes\b", re.IGNORECASE)
"""What an ask may take of someone's time is no claim."""

_NAMES = ("customer", "person", "company", "competitor")

_MARK = re.compile(r"[ \t]*(?:#{1,6}\s+|(?:>\s*)?[-*+]\s+|(?:>\s*)?\d{1,3}[.)]\s+|>\s?(?:[—–]\s)?|\|\s*)?")
_RULE = re.compile(r"^[\s|:*_>-]*$")
_END = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bInc)(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bNo)(?<!\b[A-Z])[.!?…][\"”’')\]]*\s+(?=[\"“‘'(\[A-Z0-9À-ÖØ-Þ])"
    r"|[。！？]+[」”』]?\s*"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of an answer cannot stand: the rule, and what is wrong in words a writer can act on."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule} {self.text}"


def passages(page: Page) -> tuple[Passage, ...]:
    """The page cut into stretches of about 300 characters: whole sentences, under one heading, numbered from 1."""
    found: list[Passage] = []
    group: list[tuple[int, int]] = []
    heading = ""

    def close() -> None:
        if group:
            found.append(_passage(page, len(found) + 1, heading, group))
            group.clear()

    for line in re.finditer(r"[^\n]+", page.text):
        if _RULE.match(line[0]):
            continue
        spans = list(_sentences(line[0], line.start()))
        if line[0].lstrip().startswith("#"):
            close()
            heading = line[0].strip("# \t")
        for span in spans:
            if group and span[1] - group[0][0] > PASSAGE_CHARACTERS:
                close()
            group.append(span)
        if line[0].lstrip().startswith("#"):
            close()
    close()
    return tuple(found)


def _sentences(line: str, offset: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence in the page, without the marks of a heading, list, quotation or table.

    A heading is one sentence, and so is a table's row.
    """
    mark = _MARK.match(line)
    start = mark.end() if mark else 0
    table = line.lstrip().startswith("|")
    cuts = [] if table or line.lstrip().startswith("#") else [m.end() for m in _END.finditer(line, start)]
    for first, last in zip([start, *cuts], [*cuts, len(line)], strict=True):
        text = line[first:last].rstrip(" \t|" if table else " \t")
        if text.strip():
            lead = len(text) - len(text.lstrip())
            yield offset + first + lead, offset + first + len(text)


def _passage(page: Page, number: int, heading: str, spans: Sequence[tuple[int, int]]) -> Passage:
    line = page.text.rfind("\n", 0, spans[0][0]) + 1
    marked = _MARK.match(page.text, line)
    start = line if marked and marked.end() == spans[0][0] else spans[0][0]
    end = spans[-1][1]
    return Passage(
        page=page.ref,
        number=number,
        start=start,
        heading=heading,
        text=page.text[start:end],
        sentences=tuple((first - start, last - start) for first, last in spans),
    )


def as_passage(evidence: Evidence, page_number: int = 1) -> Passage:
    """The quotation alone as a passage, so that a writer can cite it again: it resolves to the same evidence."""
    return Passage(
        page=PageRef(
            url=evidence.url,
            sha256=evidence.page_sha256,
            title=evidence.page_title,
            kind=evidence.page_kind,
            language=evidence.language,
            fetched_at=evidence.fetched_at,
            published_on=evidence.published_on,
        ),
        number=page_number,
        start=evidence.start,
        heading="",
        text=evidence.quote,
        sentences=((0, len(evidence.quote)),),
    )


def quotations(cite: Cite, shown: Sequence[Passage], role: Role) -> tuple[Evidence, ...]:
    """The evidence a cite points at: one for each run of neighbouring sentences on one line, two sentences at most.

    Raises:
        LookupError: no such passage or sentence in this ask.
    """
    if not 1 <= cite.passage <= len(shown):
        raise LookupError(f"passage {cite.passage} was not shown; there are {len(shown)}")
    passage = shown[cite.passage - 1]
    wanted = cite.sentences or tuple(range(1, len(passage.sentences) + 1))
    if not all(1 <= number <= len(passage.sentences) for number in wanted):
        raise LookupError(f"passage {cite.passage} has {len(passage.sentences)} sentences, not {max(wanted)}")
    return tuple(_evidence(passage, first, last, role) for first, last in _runs(passage, sorted(set(wanted))))


def _runs(passage: Passage, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Spans of neighbouring sentences that share a line."""
    run: list[int] = []
    for number in numbers:
        if run and (number != run[-1] + 1 or len(run) == LONGEST_QUOTATION_SENTENCES or _breaks(passage, number)):
            yield passage.sentences[run[0] - 1][0], passage.sentences[run[-1] - 1][1]
            run = []
        run.append(number)
    if run:
        yield passage.sentences[run[0] - 1][0], passage.sentences[run[-1] - 1][1]


def _breaks(passage: Passage, number: int) -> bool:
    return "\n" in passage.text[passage.sentences[number - 2][1] : passage.sentences[number - 1][0]]


def _evidence(passage: Passage, first: int, last: int, role: Role) -> Evidence:
    page, start, end = passage.page, passage.start + first, passage.start + last
    return Evidence(
        id=evidence_id(page, start, end),
        role=role,
        url=page.url,
        quote=passage.text[first:last],
        page_sha256=page.sha256,
        start=start,
        end=end,
        fetched_at=page.fetched_at,
        language=page.language,
        page_title=page.title,
        page_kind=page.kind,
        published_on=page.published_on,
    )


def evidence_id(page: PageRef, start: int, end: int) -> EvidenceId:
    """The same quotation of the same page has the same id, whoever cites it and when."""
    digest = hashlib.sha256(f"{page.url}\n{page.sha256}\n{start}\n{end}".encode()).hexdigest()
    return f"e{digest[:10]}"


def unsupported(text: str, cited: Iterable[Evidence], known: Sequence[str], context: str = "") -> list[Problem]:
    """What of a text its evidence does not say: figures (D3), names (D4), quotations (D10).

    Figures and quotations must be in what is quoted; a name may also be in the page's title, in `context` (the
    passages cited), or be `known`, as the two companies of the deal are.
    """
    quoted = [evidence.quote for evidence in cited]
    said = " \n ".join(quoted)
    around = " \n ".join([said, context, *known, *(evidence.page_title for evidence in cited)])
    allowed = figures(said) | {figure for name in known for figure in figures(name)}
    allowed |= {Figure(figure.sign, figure.value, "") for figure in allowed if figure.unit in TIMES}
    return [
        *(
            Problem("D3", f"the figure {figure} is not in the evidence")
            for figure in sorted(map(str, figures(text) - allowed))
        ),
        *(Problem("D4", f"the name {name!r} is not in the evidence") for name in strange_names(text, around)),
        *(
            Problem("D10", f"{quote!r} is in quotation marks and not in the evidence")
            for quote in strange_quotations(text, said)
        ),
    ]


@dataclass(frozen=True, slots=True)
class Judge:
    """Checks an answer against what was shown, and makes of it what may stand.

    `shown` are the ask's passages with the role of their company; `known` the names free to use; `given` is what the
    user said of the deal, whose names may be used too, and whose figures may not.
    """

    shown: tuple[Passage, ...]
    roles: tuple[Role, ...]
    known: tuple[str, ...]
    given: str = ""

    def problems(self, answer: Value) -> list[Problem]:
        """All that is wrong with an answer, for the complaint that goes with asking again."""
        return [problem for value in walk(answer) for problem in (*self._of(value), *self._of_results(value).values())]

    def kept(self, answer: Value, into: type[V]) -> tuple[V | None, tuple[Evidence, ...], list[Problem]]:
        """The answer without what fails, its cites resolved; the evidence it uses; and why the rest was dropped.

        None if a part fails that the answer cannot do without.
        """
        used: dict[str, Evidence] = {}
        dropped: list[Problem] = []
        tree = self._pruned(answer, used, dropped)
        return (None if tree is None else into.model_validate(tree)), tuple(used.values()), dropped

    def _pruned(self, value: Value, used: dict[str, Evidence], dropped: list[Problem]) -> dict[str, object] | None:
        if problems := self._of(value):
            dropped.extend(problems)
            return None
        finding = value if _is_finding(value) else None
        strangers = self._of_results(value)
        dropped.extend(strangers.values())
        tree: dict[str, object] = {}
        for name, field in type(value).model_fields.items():
            if finding and name == "evidence":
                tree[name] = [evidence.id for evidence in self._keep(finding, used)]
                continue
            given: object = getattr(value, name)
            tree[name] = self._part(_without(given, strangers) if name == "results" else given, used, dropped)
            if tree[name] is None and given is not None and type(None) not in get_args(field.annotation):
                return None
        return tree

    def _part(self, given: object, used: dict[str, Evidence], dropped: list[Problem]) -> object:
        if isinstance(given, Value):
            return self._pruned(given, used, dropped)
        if isinstance(given, tuple):
            parts = [(part, self._part(part, used, dropped)) for part in cast("tuple[object, ...]", given)]
            return [kept for part, kept in parts if kept is not None or part is None]
        return given

    def _keep(self, finding: Finding[Cite], used: dict[str, Evidence]) -> tuple[Evidence, ...]:
        cited = self._cited(finding)
        used.update((evidence.id, evidence) for evidence in cited)
        return cited

    def _cited(self, finding: Finding[Cite]) -> tuple[Evidence, ...]:
        found = [e for cite in finding.evidence for e in quotations(cite, self.shown, self.roles[cite.passage - 1])]
        return tuple({evidence.id: evidence for evidence in found}.values())

    def _of(self, value: Value) -> list[Problem]:
        """What is wrong with one part of an answer itself, the parts of it aside."""
        return self._of_finding(value) if _is_finding(value) else self._of_words(value)

    def _of_words(self, value: Value) -> list[Problem]:
        """Words that carry no evidence of their own, such as a question or a heading, rest on that of their parts.

        An e-mail's are checked when it is put together, so that its place in the sequence can be named.
        """
        if isinstance(value, TouchDraft | CallToAction):
            return []
        if not (words := _MINUTES.sub("", _words_of(value))):
            return []
        parts = [part for part in _findings(value) if not self._unknown(part)]
        cited = [evidence for part in parts for evidence in self._cited(part)]
        return unsupported(words, cited, self.known, " \n ".join([self.given, *map(self._around, parts)]))

    def _unknown(self, finding: Finding[Cite]) -> str:
        """What a finding cites that was not shown."""
        try:
            for cite in finding.evidence:
                quotations(cite, self.shown, "vendor")
        except LookupError as unknown:
            return str(unknown)
        return ""

    def _around(self, finding: Finding[Cite]) -> str:
        passages_cited = [self.shown[cite.passage - 1] for cite in finding.evidence]
        return " ".join(f"{passage.heading} {passage.text}" for passage in passages_cited)

    def _of_finding(self, finding: Finding[Cite]) -> list[Problem]:
        if unknown := self._unknown(finding):
            return [Problem("D1", unknown)]
        cited = self._cited(finding)
        if not cited and (not isinstance(finding, Sentence) or finding.kind in {"fact", "inference"}):
            return [Problem("D1", f"{_words_of(finding)[:80]!r} cites no passage")]
        context = " \n ".join([self.given, self._around(finding)])
        found = unsupported(_words_of(finding), cited, self.known, context)
        around = " \n ".join([context, *self.known, *(evidence.page_title for evidence in cited)])
        strange = [name for name in _names_of(finding) if not has_words(name, around)]
        told = " ".join(map(str, found))
        return [
            *found,
            *(Problem("D4", f"the name {name!r} is not in the evidence") for name in strange if repr(name) not in told),
        ]

    def _of_results(self, story: Value) -> dict[int, Problem]:
        """D3b and D5: a result's figure and its customer's name stand in one passage, or the name in its page's title.

        By the place of the result in its story.
        """
        if not isinstance(story, CaseStudy):
            return {}
        story = cast("CaseStudy[Cite]", story)
        return {
            at: Problem("D5", f"{story.customer!r} is not named where its result is: {result.text[:80]!r}")
            for at, result in enumerate(story.results)
            if not all(self._names(story.customer, cite) for cite in result.evidence)
        }

    def _names(self, customer: str, cite: Cite) -> bool:
        """Whether the passage cited names the customer; one that was not shown is another rule's."""
        if not 1 <= cite.passage <= len(self.shown):
            return True
        passage = self.shown[cite.passage - 1]
        return has_words(customer, f"{passage.page.title} {passage.heading} {passage.text}")


def _findings(answer: Value) -> Iterator[Finding[Cite]]:
    return (value for value in walk(answer) if _is_finding(value))


def _is_finding(value: Value) -> TypeGuard[Finding[Cite]]:
    return isinstance(value, Finding)


def _words_of(value: Value) -> str:
    """What a value says in words of its own: its texts and lists of texts, without those of its parts, and no ids."""
    said: list[str] = []
    for name, field in type(value).model_fields.items():
        own = field.annotation is str or str in get_args(field.annotation)
        given: object = getattr(value, name)
        if own and not name.endswith("_id") and name != "evidence":
            said += [given] if isinstance(given, str) else cast("tuple[str, ...]", given or ())
    return " \n ".join(said)


def _names_of(finding: Finding[Cite]) -> list[str]:
    """Companies and people that a finding has a field for; what is offered may be named in words of one's own."""
    fields = ("name",) if isinstance(finding, ReferenceCustomer) else _NAMES
    return [name for field in fields if isinstance(name := getattr(finding, field, None), str)]


def _without(parts: object, places: Container[int]) -> object:
    return tuple(part for at, part in enumerate(cast("tuple[object, ...]", parts)) if at not in places)


def confidence(evidence: Sequence[Evidence], *, stated: bool) -> Confidence:
    """How far to trust a claim, from its evidence: said by the company itself, on how many pages, and how long ago."""
    pages = {e.url for e in evidence}
    dated = [e for e in evidence if e.published_on is not None]
    stale = [e for e in dated if e.published_on and (e.fetched_at.date() - e.published_on).days > STALE_DAYS]
    points = len(pages) + (2 if stated else 0) - (1 if dated and len(stale) == len(dated) else 0)
    return "high" if points > 3 else "medium" if points > 1 else "low"  # noqa: PLR2004 - the scale is this line


def verified(evidence: Evidence, text: str) -> bool:
    """D2: whether the quotation is still what the stored page says at its place."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest == evidence.page_sha256 and text[evidence.start : evidence.end] == evidence.quote


def is_verbatim(text: str, evidence: Iterable[Evidence]) -> bool:
    return any(normal(text) in normal(e.quote) for e in evidence)
