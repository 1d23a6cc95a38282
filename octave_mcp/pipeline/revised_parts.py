"""Prepares the ask that revises one part of a draft, checks the answer, and puts the new text into the draft."""

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
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Finding, Passage, cited_in
from octave_mcp.domain.playbook import SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.value import Path, Value, changed, field_of, form_at, is_within, part_at, walk
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.judge import Judge, texts_of
from octave_mcp.evidence.passages import as_passage
from octave_mcp.evidence.selection import ranks

# Usual limit for the size in bytes of a part, its surrounding text and the quotations in an ask. `ROOM` should keep the
# cost of revising an e-mail below 6,000 tokens, including the answer and the verification of its claims.
# `UNVERIFIED_ROOM` applies if the claims are not verified.
ROOM, UNVERIFIED_ROOM, MAX_ROOM = 6_200, 8_500, 20_000
# Each byte of a part beyond `USUAL_BYTES` raises the limit by `ROOM_PER_BYTE` bytes, up to a limit of `MAX_ROOM`.
USUAL_BYTES, ROOM_PER_BYTE = 2_000, 4
MAX_SURROUNDINGS_BYTES, MIN_EVIDENCE_BYTES = 800, 1_500
# Estimated bytes that an ask needs for the markup around a quotation, and for the line that names the quoted page.
LINE_BYTES, PAGE_LINE_BYTES = 10, 90
# Fields that identify the subject of a part. If the part is a single object, an answer cannot change these fields.
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
    """The type of the model's answer. The answer is always a JSON object.

    If the part is a text or a list, the object contains the part in `field`.
    """

    form: type[Value]
    field: str = ""


@cache
def form_of(draft: type[Value], at: Path) -> Form:
    """Return the type of the answer for the part at a path within a draft.

    If the part is a text or a list, the type has a single field that contains the part.
    """
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
    """Inserts the new text into the object that contains the revised part, and judges this object.

    For example, if only the text of a sentence is revised, the judge needs the whole sentence object, because the
    evidence is in this object.

    - `holder`: the object that contains the part.
    - `at`: the path of the part within `holder`.
    - `field`: the field of the answer that contains the new text.
    """

    holder: Value | None = None
    at: Path = ()
    field: str = ""

    def every_problem(self, answer: Value) -> list[Problem]:
        if self.holder is None:
            return super().every_problem(answer)
        problems = super().every_problem(changed(self.holder, {self.at: getattr(answer, self.field)}))
        return [moved(problem, self.at, (self.field,)) for problem in problems if is_within(problem.at, self.at)]


def moved(problem: Problem, at: Path, to: Path) -> Problem:
    return replace(problem, at=(*to, *problem.at[len(at) :]))


class Part:
    """The part of a draft that a model revises. The model also sees the draft's other text and evidence to cite."""

    def __init__(self, drafts: Drafts, origin: Origin, interest: Interest, room: int) -> None:
        self.at = origin.at
        self.draft = cast("Value", part_at(drafts, (*origin.draft, "value")))
        self.value = part_at(self.draft, self.at)
        self.into, self.field = form_of(type(self.draft), self.at)
        self.form, _ = form_of(_IN_CITES[type(self.draft)], self.at)
        self.surroundings = _surroundings(self.draft, self.value)
        size = _size(self.value.model_dump_json() if isinstance(self.value, Value) else "".join(texts_in(self.value)))
        room_left = min(MAX_ROOM, room + ROOM_PER_BYTE * max(0, size - USUAL_BYTES)) - size - _size(self.surroundings)
        self.evidence = tuple(_shown(drafts, self, interest, max(MIN_EVIDENCE_BYTES, room_left)))
        self._numbers = {item.id: number for number, item in enumerate(self.evidence, 1)}

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(as_passage(item, number) for number, item in enumerate(self.evidence, 1))

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(item.role for item in self.evidence)

    @property
    def text(self) -> str:
        """The current text of the part as JSON, with passage numbers as citations."""
        tree = _in_cites(self.value, self._numbers)
        return json.dumps({self.field: tree} if self.field else tree, ensure_ascii=False, separators=(",", ":"))

    def judge(self, judge: Judge) -> Judge:
        """Return a judge that checks an answer in the context of the draft."""
        if not self.field:
            return judge
        above = max(n for n in range(len(self.at)) if isinstance(part_at(self.draft, self.at[:n]), Value))
        form = form_of(_IN_CITES[type(self.draft)], self.at[:above]).form
        cites = {id_: {"passage": number} for id_, number in self._numbers.items()}
        holder = form.model_validate(_in_cites(part_at(self.draft, self.at[:above]), cites))
        own = {name: getattr(judge, name) for name in ("shown", "roles", "known", "given", "companies", "asks_softly")}
        return InPlace(**own, holder=holder, at=self.at[above:], field=self.field)

    def of(self, answer: Value) -> object:
        """Return the new value of the part, taken from an answer."""
        if self.field:
            return getattr(answer, self.field)
        return answer.model_copy(
            update={name: value for name in _FIXED if (value := getattr(self.value, name, None)) is not None}
        )

    def in_draft(self, answer: Value) -> Value:
        """Return the draft with the part replaced by the answer."""
        return changed(self.draft, {self.at: self.of(answer)})

    def is_left(self, answer: Value) -> bool:
        """Whether the answer has text, or is allowed to be empty.

        An empty answer is allowed if the part is optional, or if it was already empty.
        """
        may_be_empty = bool(self.field) and type(None) in get_args(self.into.model_fields[self.field].annotation)
        return may_be_empty or any(texts_in(answer)) or not any(texts_in(self.value))


def texts_in(part: object) -> Iterator[str]:
    """Yield all texts within a part."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for entry in cast("tuple[object, ...]", part):
            yield from texts_in(entry)
    else:
        yield from (text for value in walk(part) for _, text in texts_of(value))


def _surroundings(draft: Value, value: object) -> str:
    """Return the draft's text outside the part, or '' if the part is the whole draft.

    The text is cut to `MAX_SURROUNDINGS_BYTES`.
    """
    own = {*texts_in(value)}
    lines = dict.fromkeys(one_line(text) for text in texts_in(draft) if text and text not in own)
    return "\n".join(lines).encode()[:MAX_SURROUNDINGS_BYTES].decode(errors="ignore")


def _size(text: str) -> int:
    return len(text.encode())


def _shown(drafts: Drafts, part: Part, interest: Interest, max_bytes: int) -> Iterator[Evidence]:
    """Yield the evidence to show in the ask.

    1. All evidence that the part or its e-mail cites, even if its size exceeds `max_bytes`.
    2. Other evidence that the draft cites, if there is space left.
    3. The evidence that best matches the instruction, if there is space left.
    """
    quotable = {i: item for i, item in drafts.evidence.items() if ROLES[item.role].quoted_in_copy}
    around = part_at(part.draft, part.at[:OF_TOUCH]) if part.at[:1] == ("touches",) else part.value
    needed = {*cited_in(part.value), *cited_in(around)}
    ranked = ranks([*map(as_passage, quotable.values())], interest, max_bytes)
    closest = (id_ for _, id_ in sorted((ranked[at], id_) for at, id_ in enumerate(quotable) if at in ranked))
    chosen, pages = set[EvidenceId](), set[str]()
    for item in (quotable[i] for i in dict.fromkeys((*needed, *cited_in(part.draft), *closest)) if i in quotable):
        size = _size(item.quote) + LINE_BYTES + (0 if item.url in pages else PAGE_LINE_BYTES)
        if size <= max_bytes or item.id in needed:
            max_bytes -= size
            chosen.add(item.id)
            pages.add(item.url)
    return (item for i, item in quotable.items() if i in chosen)


def _in_cites(part: object, cites: Mapping[EvidenceId, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return the part as JSON, without verdicts. Each evidence id is replaced by its value in `cites`."""
    if isinstance(part, tuple):
        return [_in_cites(entry, cites) for entry in cast("tuple[object, ...]", part)]
    if not isinstance(part, Value):
        return part
    names = (name for name in type(part).model_fields if name not in {"support", "evidence"})
    tree = {name: _in_cites(getattr(part, name), cites) for name in names}
    if isinstance(part, Finding):
        tree["evidence"] = [cites[i] for i in cast("Finding[EvidenceId]", part).evidence if i in cites]
    return tree
