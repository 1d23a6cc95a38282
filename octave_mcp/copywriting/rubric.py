"""What makes copy good, by rule and without a model: the E rules as complaints, the W rules as warnings in a score.

The figures are defaults taken from vendors' studies, which disagree; they are limits to warn by, not laws.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.playbook import Score
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.passages import is_stale

WORDS = (25, 120)
FIRST_WORDS = (50, 90)
SUBJECT_WORDS = 7
SUBJECT_CHARACTERS = 50
SENTENCE_WORDS = 25
QUOTED_WORDS = 20
GRADE = 8.0
PITCH_WORDS = 75
CARD_WORDS = 300
LIST_ITEMS = 5
QUESTIONS = (8, 14)
OBJECTIONS = (7, 10)
ONE_PAGE_SHARE = 0.4
FEW_QUOTATIONS = 4
EARLY = (0, 1)
TOUCHES_ALIKE = 0.2
PERSONAS_ALIKE = 0.35
POINTS_PER_WARNING = 8

PLACEHOLDERS = frozenset({"first_name", "company_name", "sender_first_name", "sender_company"})

_PLACEHOLDER = re.compile(r"\{\{\s*([^}]*?)\s*\}\}")
_UNFILLED = re.compile(r"\[[^\]]*\]|<[^>]*>|\bXX+\b|\bTBD\b")
_QUOTED = re.compile(r"“[^”]*”")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_WORN = re.compile(
    r"\b(?:hope (?:this|you)|just (?:checking|following)|touching base|circling back|quick question|to whom it may|"
    r"i wanted to reach out|pick your brain|game.chang\w+|synerg\w+|revolutionary|act now|risk.free|"
    r"100% free|limited time|"
    r"no obligation|best.in.class|cutting.edge|world.class)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:send|share|attach\w*|prepare|put together)\b[^.?!]*\b(?:report|calculator|framework|benchmark|e-?book|"
    r"white ?paper|audit|template|"
    r"checklist|playbook|guide|case stud\w+)\b",
    re.IGNORECASE,
)
_WAY_OUT = re.compile(
    r"\b(?:opt|stop|unsubscribe|no more (?:mail|e-?mails|notes)|(?:a|answer|reply|say|just|short|simple|quick|with)\s+"
    r"(?:\w+\s+)?[“\"']?no|(?:not|won['’]t) (?:write|e-?mail|contact|follow|bother)|leave (?:you|it|this))\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"^(?:is|are|do|does|did|have|has|can|could|would|will|should)\b", re.IGNORECASE)
_ABSOLUTE = re.compile(r"\b(?:only|no one|nobody|always|never|the best|guarantee\w*)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Email:
    """What is judged of a touch. `position` counts from 0, `earlier` are the bodies of the touches before it."""

    subject: str
    body: str
    ask: str
    ask_label: str
    position: int
    last: bool
    day: int
    earlier_days: Sequence[int]
    earlier: Sequence[str]
    evidence: Sequence[Evidence]
    earlier_evidence: frozenset[str]


def email_errors(email: Email) -> list[str]:
    """The E rules that copy can break: what fails them is dropped."""
    return list(_errors(email))


def _errors(email: Email) -> Iterator[str]:
    text = f"{email.subject}\n{email.body}"
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            yield f"D15 the placeholder {name!r} is not one that can be filled; use {', '.join(sorted(PLACEHOLDERS))}"
    if unfilled := _UNFILLED.search(_PLACEHOLDER.sub("", _QUOTED.sub("", text))):
        yield f"D15 {unfilled[0]!r} is left to be filled in"
    if promise := _PROMISE.search(_QUOTED.sub("", email.body)):
        yield f"D20 promises a thing that is not in evidence: {promise[0]!r}"


def email_score(email: Email) -> Score:
    return _score([*_form(email), *_manners(email), *_readability(email), *_novelty(email), *sources(email.evidence)])


def _form(email: Email) -> Iterator[str]:
    low, high = FIRST_WORDS if email.position == 0 else WORDS
    count = len(email.body.split())
    if not low <= count <= high:
        yield f"D11 {count} words; {low} to {high} are read"
    if len(email.subject.split()) > SUBJECT_WORDS or len(email.subject) > SUBJECT_CHARACTERS:
        yield f"D12 the subject has {len(email.subject.split())} words and {len(email.subject)} characters"
    emoji = any(unicodedata.category(character) == "So" for character in email.subject)
    if re.match(r"(?i)re:|fwd?:", email.subject) or email.subject.isupper() or "!!" in email.subject or emoji:
        yield "D12 the subject pretends or shouts"
    if (asked := _QUOTED.sub("", email.body).count("?")) != 1 and (asked or email.ask_label != "goodbye"):
        yield f"D13 {asked} questions; one ask is answered more often"
    if email.position in EARLY and email.ask_label != "interest":
        yield "D13 asks for more than interest on an early touch"
    if any(day >= email.day for day in email.earlier_days):
        yield "D19 the days do not rise"


def _manners(email: Email) -> Iterator[str]:
    body = "\n".join(email.body.splitlines()[1:]).strip()
    you = len(re.findall(r"\b(?:you|your|yours|you're|you’re|\{\{company_name\}\})(?!\w)", body, re.IGNORECASE))
    we = len(re.findall(r"\b(?:we|our|us|i|i'm|i’m|i'd|i’d|my)\b", _QUOTED.sub("", body), re.IGNORECASE))
    if we > you:
        yield f"D16 speaks {we} times of us and {you} times of the reader"
    if re.match(r"(?:I|We|Our|My)\b", body):
        yield "D16 starts with us"
    if worn := _WORN.search(body):
        yield f"D17 worn: {worn[0]!r}"
    if "!" in _QUOTED.sub("", body) or len(re.findall(r"https?://", body)) > 1:
        yield "D17 exclamation marks, or more than one link"
    if email.last and not _WAY_OUT.search(body):
        yield "D21 the last touch offers no way out"


def _readability(email: Email) -> Iterator[str]:
    own = _QUOTED.sub(_as_one_word, _PLACEHOLDER.sub("Alex", email.body))
    long = [s for s in _sentences(own) if len(s.split()) > SENTENCE_WORDS]
    if long:
        yield f"D14 a sentence of {len(long[0].split())} words"
    if any(len(quoted.split()) > QUOTED_WORDS for quoted in _QUOTED.findall(email.body)):
        yield f"D14 a quotation of over {QUOTED_WORDS} words"
    if (grade := reading_grade(own)) > GRADE:
        yield f"D14 reading grade {grade:.1f}"


def _as_one_word(quoted: re.Match[str]) -> str:
    """A quotation counts for a word, and ends the sentence if it ends with one."""
    return "it" + (quoted[0][-2] if quoted[0][-2] in ".!?" else "")


def _novelty(email: Email) -> Iterator[str]:
    if any(likeness(email.body, other) >= TOUCHES_ALIKE for other in email.earlier):
        yield "D18 much like an earlier touch"
    if email.position and not {e.id for e in email.evidence} - email.earlier_evidence:
        yield "D18 adds no evidence"


def sources(evidence: Sequence[Evidence]) -> Iterator[str]:
    """D8 and D9: how old the evidence is, and whether it comes from one page."""
    stale = [e for e in evidence if is_stale(e)]
    if stale:
        yield f"D8 rests on evidence from {min(str(e.published_on) for e in stale)}"
    pages = [e.url for e in {e.id: e for e in evidence}.values()]
    most = max((pages.count(url) for url in set(pages)), default=0)
    if len(pages) >= FEW_QUOTATIONS and most / len(pages) > ONE_PAGE_SHARE:
        yield f"D9 {most} of {len(pages)} quotations are from one page"


def talk_track_score(
    pitch: str, opener: Sequence[str], questions: Sequence[str], evidence: Sequence[Evidence]
) -> Score:
    return _score([*_talk(pitch, opener, questions), *sources(evidence)])


def _talk(pitch: str, opener: Sequence[str], questions: Sequence[str]) -> Iterator[str]:
    if len(pitch.split()) > PITCH_WORDS:
        yield f"D23 the pitch has {len(pitch.split())} words; {PITCH_WORDS} fit 30 seconds"
    if not opener:
        yield "D24 the opener gives no reason for the call"
    if not QUESTIONS[0] <= len(questions) <= QUESTIONS[1]:
        yield f"D25 {len(questions)} questions"
    if sum(bool(_YES_NO.match(question)) for question in questions) > len(questions) / 5:
        yield "D25 too many questions that a yes or no answers"


def card_score(
    texts: Sequence[str], longest_list: int, evidence: Sequence[Evidence], more: Iterable[str] = ()
) -> Score:
    words = sum(len(text.split()) for text in texts)
    found = [f"D28 {words} words; {CARD_WORDS} fit a card"] if words > CARD_WORDS else []
    if longest_list > LIST_ITEMS:
        found.append(f"D28 a list of {longest_list}")
    return _score([*found, *more, *sources(evidence)])


def absolutes(text: str) -> bool:
    """D7: whether a text claims to be alone, or always so, outside of quotation marks."""
    return bool(_ABSOLUTE.search(_QUOTED.sub("", text)))


def likeness(one: str, other: str) -> float:
    """Jaccard similarity of the two texts' runs of five words."""
    first, second = _grams(one), _grams(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def reading_grade(text: str) -> float:
    """Flesch-Kincaid grade, syllables counted by groups of vowels."""
    sentences = [s for s in _sentences(text) if s.split()]
    words = re.findall(r"[A-Za-z']+", text)
    if not sentences or not words:
        return 0.0
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    groups = re.findall(r"[aeiouy]+", word.casefold())
    silent = word.casefold().endswith("e") and not word.casefold().endswith("le") and len(groups) > 1
    return max(1, len(groups) - silent)


def _sentences(text: str) -> list[str]:
    return [match[0].strip() for match in _SENTENCE.finditer(text) if match[0].strip()]


def _score(warnings: Sequence[str]) -> Score:
    problems = [Problem.of(warning) for warning in warnings]
    return Score(points=max(0, 100 - POINTS_PER_WARNING * len(warnings)), warnings=tuple(map(str, problems)))
