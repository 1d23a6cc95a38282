"""What makes copy good, by rule and without a model: the E rules as complaints, the W rules as warnings in a score.

The figures are defaults taken from vendors' studies, which disagree; they are limits to warn by, not laws.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from octave_mcp.copywriting.asking import empty_promise, has_way_out, is_ask, is_closed
from octave_mcp.copywriting.readability import length, reading_grade, sentences, without_terms
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
MOST_QUESTIONS = 2
TOUCHES_ALIKE = 0.2
PERSONAS_ALIKE = 0.35
POINTS_PER_WARNING = 8

PLACEHOLDERS = frozenset({"first_name", "company_name", "sender_first_name", "sender_company"})

_PLACEHOLDER = re.compile(r"\{\{\s*([^}]*?)\s*\}\}")
_UNFILLED = re.compile(r"\[[^\]]*\]|<[^>\s][^>]*>|\bXX+\b|\bTBD\b")
_QUOTED = re.compile(r"“[^”]*”")
_WORN = re.compile(
    r"\b(?:hope (?:this|you)|just (?:checking|following)|touching base|circling back|quick question|to whom it may|"
    r"i wanted to reach out|pick your brain|game.chang\w+|synerg\w+|revolutionary|act now|risk.free|"
    r"100% free|limited time|"
    r"no obligation|best.in.class|cutting.edge|world.class)\b",
    re.IGNORECASE,
)
_QUESTION_MARKS = re.compile(r"[?？؟]")
_ABSOLUTES = (
    (
        r"(?<!not )(?<![\w-])only(?! (?:if|when|once|after|where|until|as|then)\b)(?!-)",
        r"\b(?:only|sole|solely|exclusive|exclusively)\b",
    ),
    (r"\b(?:no one|nobody)\b", r"\b(?:no one|nobody|none|no other)\b"),
    (r"(?<![\w-])always(?!-)\b", r"\b(?:always|(?:each|every) time|at all times)\b"),
    (r"\bnever\b", r"\b(?:never|not ever|not once)\b"),
    (r"\bthe best(?! (?:time|moment|day|person|place)\b)", r"\bbest\b"),
    (r"\bguarantee\w*", r"\bguarantee\w*"),
)
"""What claims to be alone or always so, and the words of a quotation that say the same."""


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
    language: str = "en"

    @property
    def is_english(self) -> bool:
        """Rules that go by English words say nothing of copy in another language."""
        return self.language.lower().startswith("en")

    @property
    def own_words(self) -> str:
        """The body without what it quotes."""
        return _QUOTED.sub("", self.body)

    @property
    def said(self) -> str:
        """What is quoted to support it, with the titles of the pages."""
        return "\n".join(f"{e.page_title}\n{e.quote}" for e in self.evidence)


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
    ours = [f"{e.page_title}\n{e.quote}\n{e.page_kind.replace('_', ' ')}" for e in email.evidence if e.role == "vendor"]
    if promise := empty_promise(email.own_words, ours):
        yield f"D20 promises a thing that is not in evidence: {promise!r}"


def email_score(email: Email) -> Score:
    return _score([*_form(email), *_manners(email), *_readability(email), *_novelty(email), *sources(email.evidence)])


def _form(email: Email) -> Iterator[str]:
    low, high = FIRST_WORDS if email.position == 0 else WORDS
    greeting, written = _parts(email.body)
    count = length(written)
    if count + length(greeting) < low or count > high:  # so that a limit holds whether or not the greeting counts
        yield f"D11 {count} words; {low} to {high} are read"
    if length(email.subject) > SUBJECT_WORDS or len(email.subject) > SUBJECT_CHARACTERS:
        most = f"at most {SUBJECT_WORDS} words and {SUBJECT_CHARACTERS} characters are read"
        yield f"D12 the subject has {length(email.subject)} words and {len(email.subject)} characters; {most}"
    if re.match(r"(?i)re:|fwd?:", email.subject) or _shouts(email):
        yield "D12 the subject pretends or shouts"
    yield from _asks(email)
    if any(day >= email.day for day in email.earlier_days):
        yield "D19 the days do not rise"


def _parts(body: str) -> tuple[str, str]:
    """The greeting, and what was written between it and the signature."""
    greeting, *lines = body.strip().splitlines()
    signed = bool(lines) and "{{sender_" in lines[-1]
    return greeting, "\n".join(lines[:-1] if signed else lines).strip()


def _shouts(email: Email) -> bool:
    """Capitals of a term that the copy or its evidence writes so, such as 'SOC 2', shout nothing."""
    emoji = any(unicodedata.category(character) == "So" and _is_emoji(character) for character in email.subject)
    terms = set(re.findall(r"\w+", f"{email.body}\n{email.said}"))
    loud = email.subject.isupper() and not set(re.findall(r"[^\W\d_]{2,}", email.subject)) <= terms
    return loud or emoji or "!!" in email.subject


def _is_emoji(symbol: str) -> bool:
    """Not a sign of writing such as '®', '№' or '㈱'."""
    return "\u2300" <= symbol < "\u3000" or symbol >= "\U0001f000"


def _asks(email: Email) -> Iterator[str]:
    """A goodbye need not ask; a question may come before the ask, as what is guessed becomes one."""
    asked = len(_QUESTION_MARKS.findall(email.own_words))
    if asked > MOST_QUESTIONS:
        yield f"D13 {asked} questions; one ask is answered more often"
    if not asked and email.ask_label != "goodbye" and email.is_english and not is_ask(email.ask):
        yield "D13 asks for nothing"
    if email.position in EARLY and email.ask_label != "interest":
        yield "D13 asks for more than interest on an early touch"


def _manners(email: Email) -> Iterator[str]:
    links = len(re.findall(r"https?://", email.body))
    shouted = re.findall(r"\S*!", email.own_words)
    if any(word not in email.said for word in shouted) or links > 1:
        yield "D17 exclamation marks, or more than one link"
    if email.is_english:
        yield from _english_manners(email, _parts(email.body)[1])


def _english_manners(email: Email, body: str) -> Iterator[str]:
    kept = " ".join(part for part in _QUOTED.sub("", body).splitlines() if not has_way_out(part))
    you = len(re.findall(r"\b(?:you|your|yours|\{\{company_name\}\})(?!\w)", body, re.IGNORECASE))
    we = len(re.findall(r"\b(?:we|our|us|i|my)\b", kept, re.IGNORECASE))
    if we > you:
        yield f"D16 speaks {we} times of us and {you} times of the reader"
    if re.match(r"(?:I|We)\b", body):
        yield "D16 starts with us"
    worn = (found[0] for found in _WORN.finditer(email.own_words) if found[0].casefold() not in email.said.casefold())
    if first := next(worn, ""):
        yield f"D17 worn: {first!r}"
    if email.last and not has_way_out(body):
        yield "D21 the last touch offers no way out"


def _readability(email: Email) -> Iterator[str]:
    own = _QUOTED.sub(_as_one_word, _PLACEHOLDER.sub("Alex", email.body))
    long = [s for s in sentences(own) if length(s) > SENTENCE_WORDS]
    if long:
        yield f"D14 a sentence of {length(long[0])} words; at most {SENTENCE_WORDS} are easy to read"
    if any(length(quoted) > QUOTED_WORDS for quoted in _QUOTED.findall(email.body)):
        yield f"D14 a quotation of over {QUOTED_WORDS} words"
    if email.is_english and (grade := reading_grade(without_terms(own, email.evidence))) > GRADE:
        yield f"D14 reading grade {grade:.1f}; {GRADE:.0f} is easy to read: shorter sentences, shorter words"


def _as_one_word(quoted: re.Match[str]) -> str:
    """A quotation counts for a word, and ends the sentence if it ends with one."""
    return "it" + (quoted[0][-2] if quoted[0][-2] in ".!?" else "")


def _novelty(email: Email) -> Iterator[str]:
    if any(likeness(email.body, other) >= TOUCHES_ALIKE for other in email.earlier):
        yield "D18 much like an earlier touch"
    is_goodbye = email.ask_label == "goodbye"
    if email.position and not is_goodbye and not {e.id for e in email.evidence} - email.earlier_evidence:
        yield "D18 adds no evidence"


def sources(evidence: Sequence[Evidence]) -> Iterator[str]:
    """D8 and D9: how old the evidence is, and whether it comes from one page; a customer's story is on one page."""
    stale = [e for e in evidence if is_stale(e)]
    if stale:
        yield f"D8 rests on evidence from {min(str(e.published_on) for e in stale)}"
    pages = [e.url for e in {e.id: e for e in evidence}.values() if e.page_kind != "case_study"]
    most = max((pages.count(url) for url in set(pages)), default=0)
    if len(pages) >= FEW_QUOTATIONS and most / len(pages) > ONE_PAGE_SHARE:
        yield f"D9 {most} of {len(pages)} quotations are from one page"


def talk_track_score(
    pitch: str, opener: Sequence[str], questions: Sequence[str], evidence: Sequence[Evidence]
) -> Score:
    return _score([*_talk(pitch, opener, questions), *sources(evidence)])


def _talk(pitch: str, opener: Sequence[str], questions: Sequence[str]) -> Iterator[str]:
    if length(pitch) > PITCH_WORDS:
        yield f"D23 the pitch has {length(pitch)} words; {PITCH_WORDS} fit 30 seconds"
    if not opener:
        yield "D24 the opener gives no reason for the call"
    if not QUESTIONS[0] <= len(questions) <= QUESTIONS[1]:
        yield f"D25 {len(questions)} questions"
    if sum(map(is_closed, questions)) > len(questions) / 5:
        yield "D25 too many questions that a yes or no answers"


def card_score(
    texts: Sequence[str], longest_list: int, evidence: Sequence[Evidence], more: Iterable[str] = ()
) -> Score:
    words = sum(map(length, texts))
    found = [f"D28 {words} words; {CARD_WORDS} fit a card"] if words > CARD_WORDS else []
    if longest_list > LIST_ITEMS:
        found.append(f"D28 a list of {longest_list}")
    return _score([*found, *more, *sources(evidence)])


def absolutes(text: str, quoted: Iterable[str] = ()) -> bool:
    """D7: whether a text claims to be alone, or always so, outside of quotation marks.

    What the quotations that support it say themselves is no fault.
    """
    own, said = _QUOTED.sub("", text), "\n".join(quoted)
    return any(
        re.search(claimed, own, re.IGNORECASE) and not re.search(shown, said, re.IGNORECASE)
        for claimed, shown in _ABSOLUTES
    )


def likeness(one: str, other: str) -> float:
    """Jaccard similarity of the two texts' runs of five words."""
    first, second = _grams(one), _grams(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def _score(warnings: Sequence[str]) -> Score:
    problems = [Problem.of(warning) for warning in warnings]
    return Score(points=max(0, 100 - POINTS_PER_WARNING * len(warnings)), warnings=tuple(map(str, problems)))
