"""Finds the sentences of a draft that make no sense if another sentence is dropped.

The caller rewrites or drops the sentences that this module finds. The word lists contain only English words. In a draft
in another language, a sentence is found only if it shares a figure or a name with a dropped sentence.
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

# Two texts often share a single word by coincidence, so at least two shared words are required.
MIN_SHARED_WORDS = 2

# Before one of these words, 'this' usually refers to a time or to the message itself, not to an earlier sentence:
# 'this week', 'this is my last note'.
_TIMES = r"(?: (?:week|month|quarter|year|morning|afternoon|spring|summer|autumn|fall|winter|time)\b)"
_OWN_NOTE = r"(?: (?:is (?:my|the|our|just)|will be|note|e-?mail|message|call)\b)"
# Matches the start of a sentence that can refer to the previous one: 'But that takes weeks', 'Both are free'. The
# pattern must not match 'So far, ...', 'This week, ...', 'Those who ...' or 'Both Acme and Birch ...'.
_REFERS_BACK = re.compile(
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
# Matches 'it', 'they' and 'such' if they probably refer to nothing, as in 'It is hard to hire' and 'They say ...'.
_REFERS_TO_NOTHING = re.compile(
    r"it(?:['’]s| is| has| was| takes| took) (?:been|not|never|rare|easy|hard|one thing|\w+ (?:to|that|when|how|before"
    r"|since)|\w+ (?:\w+ ){0,3}(?:since|to)\b)|(?:it|they) (?:say|seems)\b|such an?\b",
    re.IGNORECASE,
)
_BACK = re.compile(r"\bboth\b(?![^.?!,;]{0,200}\band\b)|\bthe (?:latter|former|same)\b|\blikewise\b", re.IGNORECASE)
# Matches 'the same pull request', but not 'the same goes for ...', which refers to an earlier sentence.
_SAME_THING = re.compile(r"the same (?!is\b|are\b|was\b|goes\b|holds\b|applies\b)\w", re.IGNORECASE)
# These words and phrases can refer to any earlier sentence, not only to the previous one: 'We also ...'.
_ALSO = re.compile(
    r"\balso\b|\bas well\b(?! as\b)|\btoo\b(?=[,.!?;]|$)|^[\"“‘'(]*that (?:being )?said\b", re.IGNORECASE
)
# Matches words anywhere in a sentence that can refer to an earlier one, such as 'that' in 'if you use that tool'.
_WITHIN = re.compile(
    r"\b(?:from|like|of|with|for|about|after|before|behind|by|on|at|than|in|to|use[sd]?|using|do(?:es|ing)?|did|fix|solve"
    r"|avoid|handle|change|cover|bring|make)s? (?:that|those)\b(?! who\b)"
    rf"|\b(?:this|these)\b(?!{_TIMES}|{_OWN_NOTE})|, that (?=\w+ly\b|means?\b|is\b|was\b|would\b|could\b|may\b)"
    r"|\bsuch\b(?! as\b)|\b(?:a|the) similar\b|\b(?:the|an)other\b(?=[,.;!?]|$)",
    re.IGNORECASE,
)
# Matches the 'it' in 'Shall I send it?', which refers to the previous sentence. The pattern must not match 'Is that
# worth a look?', which is clear after any sentence.
_POINTING = re.compile(
    r"\b(?:it|them|these|those)\b|\bone\?|\bsuch an?\b"
    r"|\b(?:send|share|show|draft|draw|write|make|build|prepare)\b[^?.]{0,200}\b(?:that|this)\b",
    re.IGNORECASE,
)
# In 'Would it help to see ...', 'it' refers to nothing.
_EMPTY_IT = re.compile(r"\b(?:would|does|will|is|could) it (?:[\w-]+ ){1,4}?(?:to|if)\b", re.IGNORECASE)
_POINTERS = frozenset("the this that these those such".split())


class TextBlock(NamedTuple):
    """Several sentences that belong together, and the requests to the reader that refer to these sentences.

    `about` contains the paths of the subject line and of the notes that describe the sentences. If `is_list` is true, a
    sentence can depend only on the sentence directly before it, because each list entry makes its own point.
    """

    path: Path
    about: tuple[Path, ...]
    sentences: tuple[Path, ...]
    requests: tuple[Path, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Coherent(Generic[V]):
    """A draft after the removal of the dropped parts and of all parts that depend on them.

    `value` is None if nothing usable remains.

    `dependents` maps the path of each dependent part to the path of the part that it depended on.
    """

    value: V | None
    dependents: Mapping[Path, Path]


def without(draft: V, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en") -> Coherent[V]:
    """Return the draft without the dropped parts and without the parts that depend on them.

    An object that is useless without the removed parts, such as an objection without an answer, is removed, too.
    """
    also_lost = dependents(draft, dropped, known=known, language=language)
    return Coherent(pruned(draft, {*dropped, *also_lost}), also_lost)


def dependents(
    draft: Value, dropped: Collection[Path], *, known: Sequence[str] = (), language: str = "en"
) -> dict[Path, Path]:
    """Find the parts of a draft that make no sense without the dropped parts.

    The result maps the path of each dependent part to the path of the part that it depends on.
    """
    if not dropped:
        return {}
    english = language.casefold().startswith("en")
    also_lost: dict[Path, Path] = {}
    for block in _blocks(draft):
        if not _is_in(block.path, dropped):
            also_lost |= _BlockDependents(draft, block, frozenset(dropped), known).dependents(english=english)
    return also_lost


@dataclass(frozen=True, slots=True)
class _BlockDependents:
    """Finds the parts of a text block that depend on dropped parts.

    A sentence can use a name in `known` even if no earlier sentence introduces the name.

    The methods add entries to `also_lost`, which maps each dependent part to the part that it depends on. `lost`
    contains the dropped sentences and the sentences that depend on them.
    """

    draft: Value
    block: TextBlock
    dropped: frozenset[Path]
    known: Sequence[str]

    def dependents(self, *, english: bool) -> dict[Path, Path]:
        also_lost: dict[Path, Path] = {}
        if english:
            self._add_sentences(also_lost)
        if lost := [at for at in self.block.sentences if _is_in(at, self.dropped) or at in also_lost]:
            self._add_requests(also_lost, lost, english=english)
            for at in self._remaining(self.block.about, also_lost):
                if self._depends(at, lost, also_lost, english=english):
                    also_lost[at] = lost[0]
        return also_lost

    def _depends(self, at: Path, lost: Sequence[Path], also_lost: Collection[Path], *, english: bool) -> bool:
        if self._shares_figure_or_name(at, lost, also_lost):
            return True
        return english and (
            self._refers_to_lost(at, lost, also_lost) or self._is_mostly_about_lost(at, lost, also_lost)
        )

    def _add_sentences(self, also_lost: dict[Path, Path]) -> None:
        before: Path | None = None
        has_text = False
        for at in self.block.sentences:
            if not _is_in(at, self.dropped):
                is_first = before is not None and not has_text
                is_behind = before is not None and (
                    _is_in(before, self.dropped) or (before in also_lost and not self.block.is_list)
                )
                if before and is_behind and _needs_previous(self._text_at(at), is_first=is_first):
                    also_lost[at] = before
                elif first := self._lost_introduction(at, also_lost):
                    also_lost[at] = first
                else:
                    has_text = True
            before = at

    def _lost_introduction(self, at: Path, also_lost: Collection[Path]) -> Path | None:
        """If this sentence says 'the API', return the removed sentence that introduced the API: 'We have an API'."""
        before = self.block.sentences[: self.block.sentences.index(at)]
        left = wording(self._joined_text(self._remaining(before, also_lost))).stems
        pointed = _stems_after_pointers(self._text_at(at), 1) - left - wording(" ".join(self.known)).stems
        if self.block.is_list or not pointed:
            return None
        lost = (place for place in before if _is_in(place, self.dropped) or place in also_lost)
        return next((place for place in lost if pointed & _introduced_stems(self._text_at(place))), None)

    def _add_requests(self, also_lost: dict[Path, Path], lost: Sequence[Path], *, english: bool) -> None:
        last = self.block.sentences[-1]
        for at in self._remaining(self.block.requests, also_lost):
            text = self._text_at(at)
            if self._is_reply(at, also_lost):
                also_lost[at] = (*at[:-1], "ask")
                continue
            points = english and last in lost and _refers_to_previous(text)
            if points or self._depends(at, lost, also_lost, english=english):
                also_lost[at] = last if points else lost[0]

    def _is_reply(self, at: Path, also_lost: Collection[Path]) -> bool:
        """Whether the text is the answer to 'not now' in a call script whose closing question (`ask`) was dropped."""
        ask = (*at[:-1], "ask")
        return at[-1] == "if_not_now" and (ask in also_lost or _is_in(ask, self.dropped))

    def _shares_figure_or_name(self, at: Path, lost: Sequence[Path], also_lost: Collection[Path]) -> bool:
        """Whether the text has a figure or a name that is in removed sentences, but in no other remaining text."""
        text, lost_text, remaining_text = (
            self._text_at(at),
            self._joined_text(lost),
            self._remaining_text(at, also_lost),
        )
        if figures(text) & figures(lost_text) - figures(remaining_text):
            return True
        named = strange(dict.fromkeys((*names(lost_text), *names(text))), (remaining_text, *self.known))
        return any(not (_is_common(name) or strange([name], [text]) or strange([name], [lost_text])) for name in named)

    def _refers_to_lost(self, at: Path, lost: Sequence[Path], also_lost: Collection[Path]) -> bool:
        """Whether the text refers to something, such as 'the list', that only removed sentences mention."""
        only_lost = wording(self._joined_text(lost)).stems - wording(self._remaining_text(at, also_lost)).stems
        return bool(_stems_after_pointers(self._text_at(at)) & only_lost)

    def _is_mostly_about_lost(self, at: Path, lost: Sequence[Path], also_lost: Collection[Path]) -> bool:
        """Whether at least half of the text's content words occur in removed sentences and nowhere else."""
        known = wording(" ".join(self.known)).lowers
        words = {stem(w.lower) for w in wording(self._text_at(at)).words if w.is_content and w.lower not in known}
        only = words & wording(self._joined_text(lost)).stems - wording(self._remaining_text(at, also_lost)).stems
        return len(only) >= max(MIN_SHARED_WORDS, len(words) / 2)

    def _remaining_text(self, excluded: Path, also_lost: Collection[Path]) -> str:
        """Return the remaining text of the block, except the part with the path `excluded`."""
        every = (*self.block.sentences, *self.block.requests)
        return self._joined_text([at for at in self._remaining(every, also_lost) if at != excluded])

    def _remaining(self, places: Sequence[Path], also_lost: Collection[Path]) -> list[Path]:
        return [at for at in places if not _is_in(at, self.dropped) and at not in also_lost and self._text_at(at)]

    def _joined_text(self, places: Sequence[Path]) -> str:
        return " \n ".join(map(self._text_at, places))

    def _text_at(self, at: Path) -> str:
        part = part_at(self.draft, at)
        return part.text if isinstance(part, Sentence) else part if isinstance(part, str) else ""


def _blocks(draft: Value) -> Iterator[TextBlock]:
    for at, value in located(draft):
        if isinstance(value, TouchDraft):
            touch = cast("TouchDraft[Any]", value)
            paragraphs = range(len(touch.paragraphs))
            sentences = (path for i in paragraphs for path in _sentences((*at, "paragraphs", i), touch.paragraphs[i]))
            requests = ((*at, "call_to_action", "text"), (*at, "opt_out"))
            notes = ((*at, "personalisation", i) for i in range(len(touch.personalisation)))
            yield TextBlock(at, ((*at, "subject"), *notes), tuple(sentences), requests)
        elif isinstance(value, ColdCall):
            call = cast("ColdCall[Any]", value)
            parts = {"opener": call.opener, "value": call.value}
            spoken = (
                path for name, sentences_of_part in parts.items() for path in _sentences((*at, name), sentences_of_part)
            )
            yield TextBlock(at, (), tuple(spoken), ((*at, "ask"), (*at, "if_not_now")))
        elif isinstance(value, Objection):
            answer = _sentences((*at, "answer"), cast("Objection[Any]", value).answer)
            yield TextBlock(at, (), tuple(answer), ((*at, "ask"),))
        else:
            yield from _lists(at, value)


def _lists(at: Path, value: Value) -> Iterator[TextBlock]:
    """Yield a text block for each field that contains sentences.

    A pitch and a summary are treated as continuous text and not as lists.
    """
    is_list = not isinstance(value, TalkTrackDraft | ExecutiveSummary)
    for name in type(value).model_fields:
        if sentences := tuple(_sentences((*at, name), getattr(value, name))):
            yield TextBlock(at, (), sentences, (), is_list)


def _sentences(at: Path, parts: object) -> Iterator[Path]:
    """If `parts` is a list of sentences, yield the path of each entry, even if the entry could not be parsed."""
    if isinstance(parts, tuple) and any(isinstance(part, Sentence) for part in cast("tuple[object, ...]", parts)):
        yield from ((*at, i) for i in range(len(cast("tuple[object, ...]", parts))))


def _needs_previous(text: str, *, is_first: bool) -> bool:
    """Whether a sentence makes no sense without an earlier sentence.

    `is_first` is true if all earlier sentences were dropped.
    """
    return bool(
        _REFERS_BACK.match(text) or _BACK.search(text) or _WITHIN.search(text) or (is_first and _ALSO.search(text))
    )


def begins_in_the_middle(text: str) -> bool:
    """Whether the text refers to an earlier sentence, as 'Both are on sale' does and 'It's been a year' does not."""
    references = (reference for reference in _BACK.finditer(text) if not _SAME_THING.match(text, reference.start()))
    return bool((_REFERS_BACK.match(text) and not _REFERS_TO_NOTHING.match(text)) or any(references))


def _is_in(at: Path, places: Collection[Path]) -> bool:
    return any(at[:length] in places for length in range(len(at) + 1))


def _refers_to_previous(ask: str) -> bool:
    return bool(_REFERS_BACK.match(ask) or _POINTING.search(_EMPTY_IT.sub("", ask)))


def _is_common(name: str) -> bool:
    """Whether a name can also be an ordinary word, such as 'IT' or 'Price'."""
    words = wording(name).words
    return is_plain_word(name) or (len(words) == 1 and not words[0].is_content)


def _introduced_stems(text: str) -> frozenset[str]:
    """Return the stems of all words that do not follow 'the', 'this' or a similar word."""
    return wording(text).stems - _stems_after_pointers(text)


def _stems_after_pointers(text: str, reach: int = 2) -> frozenset[str]:
    """Return the stems of the content words within `reach` words after 'the', 'this', 'such' or a similar word."""
    words = wording(text)
    return frozenset(
        stem(word.lower)
        for pointer in words.words
        if pointer.lower in _POINTERS
        for word in words.neighbours(pointer, reach)[1]
        if word.is_content
    )
