"""What does not read well without a sentence that was dropped: it is written again, or dropped as well.

The word lists are English. In other languages only figures and names tell what depends on what.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

from octave_mcp.domain.cards import Objection
from octave_mcp.domain.playbook import ColdCall, ExecutiveSummary, TalkTrackDraft, TouchDraft
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, located, part_at
from octave_mcp.evidence.figures import figures
from octave_mcp.evidence.pruning import pruned
from octave_mcp.evidence.support.naming import is_plain_word, names, strange
from octave_mcp.evidence.support.wording import stem, wording

V = TypeVar("V", bound=Value)

A_FEW_WORDS = 2

_TIMES = r"(?: (?:week|month|quarter|year|morning|afternoon|spring|summer|autumn|fall|winter|time)\b)"
_OWN_NOTE = r"(?: (?:is (?:my|the|our|just)|will be|note|e-?mail|message|call)\b)"
# The beginning of a sentence that cannot be understood without the one before it.
_LEANING = re.compile(
    r"[\"“‘'(]*(?:"
    r"(?:and|but|or|yet|nor|plus)\b"
    r"|so\b(?! (?:far|many|much)\b)"
    r"|that\b(?! (?:being )?said\b)|instead\b(?! of\b)"
    r"|which\b(?![^.!?]*\?)"
    r"|(?:it|they|he|she|such|same|its|their|his|her|then|also|however|therefore|otherwise)\b"
    rf"|this\b(?!{_TIMES}|{_OWN_NOTE})"
    r"|(?:these|those)\b(?! (?:who|of|days)\b)"
    r"|here (?:is|are) (?:one|another|some|an example)\b"
    r"|(?:the same|the latter|the former|in both)\b"
    r"|both\b(?![^.?!,;]*\band\b)"
    r")",
    re.IGNORECASE,
)
# 'It' and 'they' that stand for nothing said before.
_NOTHING_BEFORE = re.compile(
    r"it(?:['’]s| is| has| was| takes| took) (?:been|not|never|rare|easy|hard|one thing|\w+ (?:to|that|when|how|before"
    r"|since)|\w+ (?:\w+ ){0,3}(?:since|to)\b)|(?:it|they) (?:say|seems)\b|such an?\b",
    re.IGNORECASE,
)
_BACK = re.compile(r"\bboth\b(?![^.?!,;]{0,200}\band\b)|\bthe (?:latter|former|same)\b|\blikewise\b", re.IGNORECASE)
# 'In the same pull request': of two things that are both named here.
_SAME_THING = re.compile(r"the same (?!is\b|are\b|was\b|goes\b|holds\b|applies\b)\w", re.IGNORECASE)
# What needs something before it, though not the sentence directly before it.
_ALSO = re.compile(
    r"\balso\b|\bas well\b(?! as\b)|\btoo\b(?=[,.!?;]|$)|^[\"“‘'(]*that (?:being )?said\b", re.IGNORECASE
)
# What points back from within a sentence: 'if you use that tool', 'one such choice'.
_WITHIN = re.compile(
    r"\b(?:from|like|of|with|for|about|after|before|behind|by|on|at|than|in|to|use[sd]?|using|do(?:es|ing)?|did|fix|solve"
    r"|avoid|handle|change|cover|bring|make)s? (?:that|those)\b(?! who\b)"
    rf"|\b(?:this|these)\b(?!{_TIMES}|{_OWN_NOTE})|, that (?=\w+ly\b|means?\b|is\b|was\b|would\b|could\b|may\b)"
    r"|\bsuch\b(?! as\b)|\b(?:a|the) similar\b|\b(?:the|an)other\b(?=[,.;!?]|$)",
    re.IGNORECASE,
)
# What an ask points at: 'Is that worth a look?' is clear whatever stands before it, 'Shall I send it?' is not.
_POINTING = re.compile(
    r"\b(?:it|them|these|those)\b|\bone\?|\bsuch an?\b"
    r"|\b(?:send|share|show|draft|draw|write|make|build|prepare)\b[^?.]{0,200}\b(?:that|this)\b",
    re.IGNORECASE,
)
# 'Would it help to see' points at nothing.
_EMPTY_IT = re.compile(r"\b(?:would|does|will|is|could) it (?:[\w-]+ ){1,4}?(?:to|if)\b", re.IGNORECASE)
_POINTERS = frozenset("the this that these those such".split())


class Reading(NamedTuple):
    """What is read in one go: sentences, and after them the asks that rest on them; `about` are a heading and notes.

    The sentences of a list say one thing each: only the one directly behind a dropped one may depend on it.
    """

    whole: Path
    about: tuple[Path, ...]
    sentences: tuple[Path, ...]
    after: tuple[Path, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Coherent(Generic[V]):
    """A draft without what was dropped and what depended on that; None if it cannot do without a part.

    `dependents` maps the path of what was dropped for it to that of what it depended on.
    """

    value: V | None
    dependents: Mapping[Path, Path]


def without(draft: V, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en") -> Coherent[V]:
    """The draft without these parts, and without what does not read well alone; `pruned` says what may go with them."""
    found = dependents(draft, dropped, known=known, language=language)
    return Coherent(pruned(draft, {*dropped, *found}), found)


def dependents(
    draft: Value, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en"
) -> dict[Path, Path]:
    """What does not read well once these parts are dropped, each with the part that it depends on."""
    if not dropped:
        return {}
    english = language.casefold().startswith("en")
    found: dict[Path, Path] = {}
    for reading in _readings(draft):
        if not _is_in(reading.whole, dropped):
            found |= _Text(draft, reading, frozenset(dropped), known).dependents(english=english)
    return found


@dataclass(frozen=True, slots=True)
class _Text:
    """One reading of a draft, and the names that need no evidence."""

    draft: Value
    reading: Reading
    dropped: frozenset[Path]
    known: Sequence[str]

    def dependents(self, *, english: bool) -> dict[Path, Path]:
        found: dict[Path, Path] = {}
        if english:
            self._of_sentences(found)
        if lost := [at for at in self.reading.sentences if _is_in(at, self.dropped) or at in found]:
            self._of_asks(found, lost, english=english)
            for at in self._kept(self.reading.about, found):
                if self._depends(at, lost, found, english=english):
                    found[at] = lost[0]
        return found

    def _depends(self, at: Path, lost: Sequence[Path], found: Collection[Path], *, english: bool) -> bool:
        is_english = english and (self._is_of_offer(at, lost, found) or self._is_about(at, lost, found))
        return self._shares(at, lost, found) or is_english

    def _of_sentences(self, found: dict[Path, Path]) -> None:
        before: Path | None = None
        has_text = False
        for at in self.reading.sentences:
            if not _is_in(at, self.dropped):
                is_first = before is not None and not has_text
                is_behind = before is not None and (
                    _is_in(before, self.dropped) or (before in found and not self.reading.is_list)
                )
                if before and is_behind and _leans(self._said(at), is_first=is_first):
                    found[at] = before
                elif first := self._introduced(at, found):
                    found[at] = first
                else:
                    has_text = True
            before = at

    def _introduced(self, at: Path, found: Collection[Path]) -> Path | None:
        """The lost sentence before it that alone introduces what it speaks of: 'an API', and later 'the API'."""
        before = self.reading.sentences[: self.reading.sentences.index(at)]
        left = wording(self._all(self._kept(before, found))).stems
        pointed = _pointed_at(self._said(at), 1) - left - wording(" ".join(self.known)).stems
        if self.reading.is_list or not pointed:
            return None
        lost = (place for place in before if _is_in(place, self.dropped) or place in found)
        return next((place for place in lost if pointed & _brought_up(self._said(place))), None)

    def _of_asks(self, found: dict[Path, Path], lost: Sequence[Path], *, english: bool) -> None:
        last = self.reading.sentences[-1]
        for at in self._kept(self.reading.after, found):
            said = self._said(at)
            if self._is_reply(at, found):
                found[at] = (*at[:-1], "ask")
                continue
            points = english and last in lost and _points(said)
            if points or self._depends(at, lost, found, english=english):
                found[at] = last if points else lost[0]

    def _is_reply(self, at: Path, found: Collection[Path]) -> bool:
        """Whether it answers a no to an ask that is lost."""
        ask = (*at[:-1], "ask")
        return at[-1] == "if_not_now" and (ask in found or _is_in(ask, self.dropped))

    def _shares(self, at: Path, lost: Sequence[Path], found: Collection[Path]) -> bool:
        """Whether it has a figure or a name that only what is lost has."""
        said, gone, left = self._said(at), self._all(lost), self._left(at, found)
        if figures(said) & figures(gone) - figures(left):
            return True
        named = strange(dict.fromkeys((*names(gone), *names(said))), (left, *self.known))
        return any(not (_is_common(name) or strange([name], [said]) or strange([name], [gone])) for name in named)

    def _is_of_offer(self, at: Path, lost: Sequence[Path], found: Collection[Path]) -> bool:
        """Whether it speaks of 'the list' that only what is lost has offered."""
        return bool(_pointed_at(self._said(at)) & wording(self._all(lost)).stems - wording(self._left(at, found)).stems)

    def _is_about(self, at: Path, lost: Sequence[Path], found: Collection[Path]) -> bool:
        """Whether at least two, and half, of its content words are only in what is lost."""
        known = wording(" ".join(self.known)).lowers
        words = {stem(w.lower) for w in wording(self._said(at)).words if w.is_content and w.lower not in known}
        only = words & wording(self._all(lost)).stems - wording(self._left(at, found)).stems
        return len(only) >= max(A_FEW_WORDS, len(words) / 2)

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
    """A pitch and a summary are no lists: each is read in one go."""
    is_list = not isinstance(value, TalkTrackDraft | ExecutiveSummary)
    for name in type(value).model_fields:
        if sentences := tuple(_sentences((*at, name), getattr(value, name))):
            yield Reading(at, (), sentences, (), is_list)


def _sentences(at: Path, parts: object) -> Iterator[Path]:
    """The places of a list of sentences; entries that could not be read are among them."""
    if isinstance(parts, tuple) and any(isinstance(part, Sentence) for part in cast("tuple[object, ...]", parts)):
        yield from ((*at, i) for i in range(len(cast("tuple[object, ...]", parts))))


def _leans(text: str, *, is_first: bool) -> bool:
    """Whether it cannot be understood without the sentence before it; `is_first`: none is left before it."""
    return bool(_LEANING.match(text) or _BACK.search(text) or _WITHIN.search(text) or (is_first and _ALSO.search(text)))


def begins_in_the_middle(text: str) -> bool:
    """Whether a text cannot be understood without one before it: 'Both are on sale', but not 'It's been a year'."""
    points = (found for found in _BACK.finditer(text) if not _SAME_THING.match(text, found.start()))
    return bool((_LEANING.match(text) and not _NOTHING_BEFORE.match(text)) or any(points))


def _is_in(at: Path, places: Collection[Path]) -> bool:
    return any(at[:length] in places for length in range(len(at) + 1))


def _points(ask: str) -> bool:
    """Whether an ask is about what is said directly before it."""
    return bool(_LEANING.match(ask) or _POINTING.search(_EMPTY_IT.sub("", ask)))


def _is_common(name: str) -> bool:
    """'US' and 'IT' are words of any text in small letters; 'Price' may begin a sentence."""
    words = wording(name).words
    return is_plain_word(name) or (len(words) == 1 and not words[0].is_content)


def _brought_up(text: str) -> frozenset[str]:
    """The stems of what it speaks of first: not of 'the site', which its reader knows."""
    return wording(text).stems - _pointed_at(text)


def _pointed_at(text: str, reach: int = 2) -> frozenset[str]:
    """The stems of what follows 'the', 'this' and such."""
    said = wording(text)
    return frozenset(
        stem(word.lower)
        for pointer in said.words
        if pointer.lower in _POINTERS
        for word in said.beside(pointer, reach)[1]
        if word.is_content
    )
