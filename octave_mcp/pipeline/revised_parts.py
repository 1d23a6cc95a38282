"""A part of a draft that is written again: its form, how it is judged where it stands, and the evidence for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple, cast, get_args

from pydantic import create_model

from octave_mcp.asks.untrusted import one_line
from octave_mcp.copywriting.origins import OF_TOUCH, Origin
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Finding, Passage
from octave_mcp.domain.playbook import SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.value import Path, Value, changed, field_of, form_at, is_within, part_at, walk
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.judge import Judge, texts_of
from octave_mcp.evidence.passages import as_passage
from octave_mcp.evidence.selection import ranks

# Bytes of a part, what stands beside it, and quotations: with the rest of the ask, its answer and the verification of
# its claims, those of an e-mail take at most 6,000 tokens. Where a model does not verify claims, there is room for
# more; a part that is larger than usual gets more.
ROOM, UNVERIFIED_ROOM, MOST_ROOM = 6_200, 8_500, 20_000
USUAL, PER_BYTE = 2_000, 4
MOST_BESIDE, MIN_EVIDENCE = 800, 1_500
# Bytes around a quotation in the list, and of the line that names its page.
OF_LINE, OF_PAGE = 10, 90
# The fields that say what a part is about: no model changes them.
_FIXED = ("persona_id", "seat")
_IN_CITES: dict[type[Value], type[Value]] = {
    SummaryDraft[EvidenceId]: SummaryDraft[Cite],
    SequenceDraft[EvidenceId]: SequenceDraft[Cite],
    TalkTrackDraft[EvidenceId]: TalkTrackDraft[Cite],
    WhyWeWin[EvidenceId]: WhyWeWin[Cite],
    ObjectionHandling[EvidenceId]: ObjectionHandling[Cite],
    CompetitivePositioning[EvidenceId]: CompetitivePositioning[Cite],
}


class Form(NamedTuple):
    """The form of a part; a text or a list is in a `field` of it."""

    form: type[Value]
    field: str = ""


@cache
def form_of(draft: type[Value], at: Path) -> Form:
    """That of the part at a path of a draft of this form."""
    whole = form_at(draft, at)
    if isinstance(whole, type) and issubclass(whole, Value):
        return Form(whole)
    above = max(length for length, step in enumerate(at) if isinstance(step, str))
    holder, name = form_at(draft, at[:above]), str(at[above])
    entry = cast("object", whole) if at[above + 1 :] else None
    field = field_of(holder, name, entry)
    return Form(create_model(holder.__name__.partition("[")[0], __base__=Value, **{name: field}), name)


@dataclass(frozen=True)
class InPlace(Judge):
    """Judges a text or a list, which is in a field of an answer, as that of the value `holder`, where it is `at`."""

    holder: Value | None = None
    at: Path = ()
    field: str = ""

    def every_problem(self, answer: Value) -> list[Problem]:
        if self.holder is None:
            return super().every_problem(answer)
        found = super().every_problem(changed(self.holder, {self.at: getattr(answer, self.field)}))
        return [moved(problem, self.at, (self.field,)) for problem in found if is_within(problem.at, self.at)]


def moved(problem: Problem, at: Path, to: Path) -> Problem:
    """The problem with what its path begins with replaced."""
    return replace(problem, at=(*to, *problem.at[len(at) :]))


class Part:
    """A part of a draft as it stands, the form in which it is asked for, and the evidence that is shown for it."""

    def __init__(self, drafts: Drafts, origin: Origin, interest: Interest, room: int) -> None:
        self.at = origin.at
        self.draft = cast("Value", part_at(drafts, (*origin.draft, "value")))
        self.value = part_at(self.draft, self.at)
        self.into, self.field = form_of(type(self.draft), self.at)
        self.form, _ = form_of(_IN_CITES[type(self.draft)], self.at)
        self.beside = _beside(self.draft, self.value)
        size = _size(self.value.model_dump_json() if isinstance(self.value, Value) else "".join(texts_in(self.value)))
        more = min(MOST_ROOM, room + PER_BYTE * max(0, size - USUAL)) - size - _size(self.beside)
        self.evidence = tuple(_shown(drafts, self, interest, max(MIN_EVIDENCE, more)))
        self._numbers = {one.id: number for number, one in enumerate(self.evidence, 1)}

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(as_passage(one, number) for number, one in enumerate(self.evidence, 1))

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(one.role for one in self.evidence)

    @property
    def text(self) -> str:
        """What stands there, as JSON; its evidence are the numbers of passages."""
        tree = _in_cites(self.value, self._numbers)
        return json.dumps({self.field: tree} if self.field else tree, ensure_ascii=False, separators=(",", ":"))

    def judge(self, judge: Judge) -> Judge:
        """The judge of an answer."""
        if not self.field:
            return judge
        above = max(n for n in range(len(self.at)) if isinstance(part_at(self.draft, self.at[:n]), Value))
        form = form_of(_IN_CITES[type(self.draft)], self.at[:above]).form
        cites = {one: {"passage": number} for one, number in self._numbers.items()}
        holder = form.model_validate(_in_cites(part_at(self.draft, self.at[:above]), cites))
        own = {name: getattr(judge, name) for name in ("shown", "roles", "known", "given", "companies", "asks_softly")}
        return InPlace(**own, holder=holder, at=self.at[above:], field=self.field)

    def of(self, answer: Value) -> object:
        """What the answer puts in the place of the part."""
        if self.field:
            return getattr(answer, self.field)
        return answer.model_copy(
            update={n: found for n in _FIXED if (found := getattr(self.value, n, None)) is not None}
        )

    def in_draft(self, answer: Value) -> Value:
        """The draft with the answer in the place of the part."""
        return changed(self.draft, {self.at: self.of(answer)})

    def is_left(self, answer: Value) -> bool:
        """Whether the answer says something, or need not."""
        may_be_empty = bool(self.field) and type(None) in get_args(self.into.model_fields[self.field].annotation)
        return may_be_empty or any(texts_in(answer)) or not any(texts_in(self.value))


def texts_in(part: object) -> Iterator[str]:
    """What a part says."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for one in cast("tuple[object, ...]", part):
            yield from texts_in(one)
    else:
        yield from (text for one in walk(part) for _, text in texts_of(one))


def _beside(draft: Value, value: object) -> str:
    """What else the draft says, from its beginning; nothing if the part is all of it."""
    own = {*texts_in(value)}
    said = dict.fromkeys(one_line(text) for text in texts_in(draft) if text and text not in own)
    return "\n".join(said).encode()[:MOST_BESIDE].decode(errors="ignore")


def _size(text: str) -> int:
    return len(text.encode())


def _shown(drafts: Drafts, part: Part, interest: Interest, most: int) -> Iterator[Evidence]:
    """What the part and its section cite, and what is closest to the instruction, as far as there is room."""
    quotable = {i: one for i, one in drafts.evidence.items() if ROLES[one.role].quoted_in_copy}
    around = part_at(part.draft, part.at[:OF_TOUCH]) if part.at[:1] == ("touches",) else part.value
    needed = {*_cited(part.value), *_cited(around)}
    ranked = ranks([*map(as_passage, quotable.values())], interest, most)
    closest = (id_ for _, id_ in sorted((ranked[at], id_) for at, id_ in enumerate(quotable) if at in ranked))
    chosen, pages = set[EvidenceId](), set[str]()
    for one in (quotable[i] for i in dict.fromkeys((*needed, *_cited(part.draft), *closest)) if i in quotable):
        size = _size(one.quote) + OF_LINE + (0 if one.url in pages else OF_PAGE)
        if size <= most or one.id in needed:
            most -= size
            chosen.add(one.id)
            pages.add(one.url)
    return (one for i, one in quotable.items() if i in chosen)


def _cited(part: object) -> Iterator[EvidenceId]:
    return (i for one in walk(part) for i in cast("tuple[EvidenceId, ...]", getattr(one, "evidence", ())))


def _in_cites(part: object, cites: Mapping[EvidenceId, Any]) -> Any:  # noqa: ANN401 - JSON
    """The part with these in place of its evidence, and without verdicts."""
    if isinstance(part, tuple):
        return [_in_cites(one, cites) for one in cast("tuple[object, ...]", part)]
    if not isinstance(part, Value):
        return part
    names = (name for name in type(part).model_fields if name not in {"support", "evidence"})
    tree = {name: _in_cites(getattr(part, name), cites) for name in names}
    if isinstance(part, Finding):
        tree["evidence"] = [cites[i] for i in cast("Finding[EvidenceId]", part).evidence if i in cites]
    return tree
