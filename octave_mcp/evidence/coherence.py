"""What does not read well without a sentence that was dropped: it is written again, or dropped as well.

The word lists are English. In other languages only figures and names tell what depends on what.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_args

from octave_mcp.domain.playbook import CallToAction, ColdCall, Objection, Sentence, TouchDraft
from octave_mcp.domain.value import Path, Value, located, part_at
from octave_mcp.evidence.figures import figures

V = TypeVar("V", bound=Value)

FEWEST_SENTENCES = 2
"""Of an e-mail that lost some: with fewer, it is dropped."""
SHORTEST_NAME = 2
STEM = 5
"""Letters by which two forms of a word are one: 'rewrite' and 'rewriting'."""

_LEANING = re.compile(
    r"[\"“‘'(]*(?:"
    r"(?:and|but|or|yet|nor|plus)\b"
    r"|so\b(?! (?:far|many|much)\b)"
    r"|(?:that|it|they|he|she|such|which|same|its|their|his|her|then|also|however|therefore|otherwise|instead)\b"
    r"|this\b(?! (?:week|month|quarter|year|morning|afternoon|spring|summer|autumn|fall|winter)\b)"
    r"|(?:these|those)\b(?! (?:who|of|days)\b)"
    r"|(?:the same|the latter|the former|in both)\b"
    r"|both\b(?![^.?!,;]*\band\b)"
    r")",
    re.IGNORECASE,
)
"""The beginning of a sentence that cannot be understood without the one before it."""
_BACK = re.compile(r"\bboth\b(?![^.?!,;]*\band\b)|\bthe (?:latter|former|same)\b|\blikewise\b", re.IGNORECASE)
_ALSO = re.compile(r"\balso\b|\bas well\b(?! as\b)|\btoo\b(?=[,.!?;]|$)", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:it|them|these|those)\b|\bone\?|\b(?:send|share|show|draft|draw|write|make|build|prepare)\b[^?.]*\b(?:that|this)\b",
    re.IGNORECASE,
)
"""What an ask points at: 'Is that worth a look?' is clear whatever stands before it, 'Shall I send it?' is not."""
_THE = re.compile(r"\b(?:the|this|that|these|those|such)\s+(?:(\w+)\s+)?(\w+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:[&.][^\W_]+)*")
_COMMON = frozenset(
    """
    the a an and but or so if when where how why as for in on at to of all most some any many few no not only even still
    also then now today you your yours we our us i my it its this that these those they their them he she his her who
    which what there here is are was were do does did have has had can could would will should may might one two every
    each both same with from by after before more less than into over under up out about
    """.split()
)


class Reading(NamedTuple):
    """What is read in one go: sentences, and after them the asks that rest on them; `about` are a heading and notes."""

    whole: Path
    about: tuple[Path, ...]
    sentences: tuple[Path, ...]
    after: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Coherent(Generic[V]):
    """A draft without what was dropped and what depended on that; None if it cannot do without a part.

    `dependents` maps the path of what was dropped for it to that of what it depended on.
    """

    value: V | None
    dependents: Mapping[Path, Path]


def without(draft: V, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en") -> Coherent[V]:
    """The draft without these parts, and without what does not read well alone.

    Entries that could not be read, which are None, are left out too. A part that its value cannot do without takes that
    value with it; a text outside of a list is left empty. An e-mail without its subject, its call to action or enough
    sentences keeps its place in the sequence, and is empty.
    """
    found = dependents(draft, dropped, known=known, language=language)
    return Coherent(pruned(draft, {*dropped, *found}), found)


def pruned(draft: V, dropped: Collection[Path]) -> V | None:
    """What `without` gives, with all that depended on these parts."""
    return cast("V | None", _pruned(draft, (), dropped))


def dependents(
    draft: Value, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en"
) -> dict[Path, Path]:
    """What does not read well once these parts are dropped, each with the part that it depends on."""
    if not dropped:
        return {}
    english, free = language.casefold().startswith("en"), {word for name in known for word in _words(name)}
    found: dict[Path, Path] = {}
    for reading in _readings(draft):
        if not _is_in(reading.whole, dropped):
            found |= _Text(draft, reading, frozenset(dropped), free).dependents(english=english)
    return found


def is_empty(touch: TouchDraft[Any]) -> bool:
    """Whether an e-mail was dropped, and only keeps its place."""
    return not (touch.subject.strip() and touch.call_to_action.text.strip())


@dataclass(frozen=True, slots=True)
class _Text:
    """One reading of a draft, and the words that need no evidence, in small letters."""

    draft: Value
    reading: Reading
    dropped: frozenset[Path]
    free: Collection[str]

    def dependents(self, *, english: bool) -> dict[Path, Path]:
        found: dict[Path, Path] = {}
        if english:
            self._of_sentences(found)
        if lost := [at for at in self.reading.sentences if _is_in(at, self.dropped) or at in found]:
            self._of_asks(found, lost, english=english)
            for at in self._kept(self.reading.about, found):
                if self._shares(at, lost, found) or (english and self._is_of_offer(at, lost, found)):
                    found[at] = lost[0]
        return found

    def _of_sentences(self, found: dict[Path, Path]) -> None:
        before: Path | None = None
        has_text = False
        for at in self.reading.sentences:
            if not _is_in(at, self.dropped):
                is_first = before is not None and not has_text
                is_behind = before is not None and (_is_in(before, self.dropped) or before in found)
                if before and is_behind and _leans(self._said(at), is_first=is_first):
                    found[at] = before
                else:
                    has_text = True
            before = at

    def _of_asks(self, found: dict[Path, Path], lost: Sequence[Path], *, english: bool) -> None:
        last = self.reading.sentences[-1]
        for at in self._kept(self.reading.after, found):
            said = self._said(at)
            points = english and last in lost and (_LEANING.match(said) or _POINTING.search(said))
            if points or self._shares(at, lost, found) or (english and self._is_of_offer(at, lost, found)):
                found[at] = last if points else lost[0]

    def _shares(self, at: Path, lost: Sequence[Path], found: Collection[Path]) -> bool:
        """Whether it has a figure or a name that only what is lost has."""
        said, gone, left = self._said(at), self._all(lost), self._left(at, found)
        if figures(said) & figures(gone) - figures(left):
            return True
        names = {word.casefold() for word in _WORD.findall(gone) if word[0].isupper() and len(word) >= SHORTEST_NAME}
        return bool((names & set(_words(said))) - set(_words(left)) - _COMMON - {*self.free})

    def _is_of_offer(self, at: Path, lost: Sequence[Path], found: Collection[Path]) -> bool:
        """Whether it speaks of 'the list' that only what is lost has offered."""
        named = {_stem(word) for pair in _THE.findall(self._said(at)) for word in pair if word} - _COMMON
        gone, left = ({_stem(word) for word in _words(text)} for text in (self._all(lost), self._left(at, found)))
        return bool(named & gone - left)

    def _left(self, but: Path, found: Collection[Path]) -> str:
        """What is still said beside it."""
        every = (*self.reading.sentences, *self.reading.after)
        return self._all([at for at in self._kept(every, found) if at != but])

    def _kept(self, places: Sequence[Path], found: Collection[Path]) -> list[Path]:
        return [at for at in places if not _is_in(at, self.dropped) and at not in found and self._said(at)]

    def _all(self, places: Sequence[Path]) -> str:
        return " \n ".join(map(self._said, places))

    def _said(self, at: Path) -> str:
        part = part_at(self.draft, at)
        return part.text if isinstance(part, Sentence) else part if isinstance(part, str) else ""


def _readings(draft: Value) -> Iterator[Reading]:
    for at, value in located(draft):
        if isinstance(value, TouchDraft):
            touch = cast("TouchDraft[Any]", value)
            paragraphs = range(len(touch.paragraphs))
            sentences = (path for i in paragraphs for path in _sentences((*at, "paragraphs", i), touch.paragraphs[i]))
            after = ((*at, "call_to_action", "text"), (*at, "opt_out"))
            notes = ((*at, "personalisation", i) for i in range(len(touch.personalisation)))
            yield Reading(at, ((*at, "subject"), *notes), tuple(sentences), after)
        elif isinstance(value, ColdCall):
            call = cast("ColdCall[Any]", value)
            parts = {"opener": call.opener, "value": call.value}
            spoken = (path for name, said in parts.items() for path in _sentences((*at, name), said))
            yield Reading(at, (), tuple(spoken), ((*at, "ask"), (*at, "if_not_now")))
        elif isinstance(value, Objection):
            answer = _sentences((*at, "answer"), cast("Objection[Any]", value).answer)
            yield Reading(at, (), tuple(answer), ((*at, "ask"),))
        else:
            yield from _lists(at, value)


def _lists(at: Path, value: Value) -> Iterator[Reading]:
    for name in type(value).model_fields:
        if sentences := tuple(_sentences((*at, name), getattr(value, name))):
            yield Reading(at, (), sentences, ())


def _sentences(at: Path, parts: object) -> Iterator[Path]:
    """The places of a list of sentences; entries that could not be read are among them."""
    if isinstance(parts, tuple) and any(isinstance(part, Sentence) for part in cast("tuple[object, ...]", parts)):
        yield from ((*at, i) for i in range(len(cast("tuple[object, ...]", parts))))


def _leans(text: str, *, is_first: bool) -> bool:
    """Whether it cannot be understood without the sentence before it; `is_first`: none is left before it."""
    return bool(_LEANING.match(text) or _BACK.search(text) or (is_first and _ALSO.search(text)))


def _is_in(at: Path, places: Collection[Path]) -> bool:
    return any(at[:length] in places for length in range(len(at) + 1))


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _stem(word: str) -> str:
    plain = re.sub(r"(?<=..)ies$", "y", word.casefold())
    return re.sub(r"(?<=...)(?:ing|ed|e?s)$", "", plain)[:STEM]


def _pruned(value: object, at: Path, gone: Collection[Path]) -> object:
    """The value without these parts; None if it cannot do without one."""
    if at in gone:
        return None
    if isinstance(value, Value):
        return _pruned_value(value, at, gone)
    if isinstance(value, tuple):
        parts = (_pruned(part, (*at, i), gone) for i, part in enumerate(cast("tuple[object, ...]", value)))
        return tuple(part for part in parts if part is not None)
    return value


def _pruned_value(value: Value, at: Path, gone: Collection[Path]) -> Value | None:
    found: dict[str, object] = {}
    is_entry = bool(at) and isinstance(at[-1], int)
    for name, field in type(value).model_fields.items():
        given: object = getattr(value, name)
        part = _pruned(given, (*at, name), gone)
        if part is None and given is not None and type(None) not in get_args(field.annotation):
            if isinstance(value, TouchDraft):
                return _emptied(cast("TouchDraft[Any]", value))
            if is_entry or not isinstance(given, str):
                return None
            part = ""
        found[name] = part
    made = value.model_copy(update=found)
    if isinstance(value, TouchDraft):
        return _viable(cast("TouchDraft[Any]", made), cast("TouchDraft[Any]", value))
    return made


def _viable(touch: TouchDraft[Any], before: TouchDraft[Any]) -> TouchDraft[Any]:
    paragraphs = tuple(paragraph for paragraph in touch.paragraphs if paragraph)
    left, had = (sum(map(len, paragraphs)) for paragraphs in (touch.paragraphs, before.paragraphs))
    if is_empty(touch) or left < min(had, FEWEST_SENTENCES):
        return _emptied(touch)
    return touch.model_copy(update={"paragraphs": paragraphs})


def _emptied(touch: TouchDraft[Any]) -> TouchDraft[Any]:
    nothing = CallToAction(label=touch.call_to_action.label, text="")
    emptied = {"subject": "", "paragraphs": (), "call_to_action": nothing, "opt_out": None, "personalisation": ()}
    return touch.model_copy(update=emptied)
