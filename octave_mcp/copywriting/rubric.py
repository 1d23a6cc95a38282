"""What makes copy good, by rule and without a model: what must not be sent, and what costs points in a score.

The figures are defaults taken from vendors' studies, which disagree; they are limits to warn by, not laws.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from octave_mcp.copywriting.asking import empty_promise, is_ask, is_closed
from octave_mcp.copywriting.email_text import GREETING_WORDS, Email, quotations, unquoted
from octave_mcp.copywriting.faults import GRAVE, PLAIN, SLIGHT, Fault, graded, scored
from octave_mcp.copywriting.opening import opening
from octave_mcp.copywriting.readability import length, reading_grade, sentences, without_terms
from octave_mcp.copywriting.substance import substance
from octave_mcp.copywriting.voice import voice
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.sentence import Score
from octave_mcp.evidence.dates import date_in_words
from octave_mcp.evidence.passages import is_stale
from octave_mcp.evidence.support.wording import stem, wording

FIRST_WORDS, WORDS, LAST_WORDS = (50, 80), (30, 110), (15, 60)
SUBJECT_WORDS, SUBJECT_CHARACTERS = 3, 40
SENTENCE_WORDS = 25
QUOTED_WORDS = 20
GRADE = 8.0
# Grades that the reader's own terms may add where nobody knows which they are.
UNKNOWN_TERMS = 1.5
# Of the ask of the first touch, and of later ones.
ASK_WORDS = (10, 20)
PITCH_WORDS = 75
CARD_WORDS = 300
LIST_ITEMS = 5
QUESTIONS = (8, 14)
OBJECTIONS = (7, 10)
ONE_PAGE_SHARE = 0.4
FEW_QUOTATIONS = 4
MAX_QUESTIONS = 2
# Questions: with fewer, yes or no may answer those that open a call and book another.
FEW_CLOSED = 5
# What an offer that is written out may be called, and the least words of one.
WRITTEN, WRITTEN_WORDS = "checklist template guide framework", 20
# Points.
MOST_OF_GOODBYE = 80
PERSONAS_ALIKE = 0.35

PLACEHOLDERS = frozenset({"first_name", "company_name", "sender_first_name", "sender_company"})

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_UNFILLED = re.compile(r"\[[^\[\]]*\]|<[^<>\s][^<>]*>|\bXX+\b|\bTBD\b")
_QUESTION_MARKS = re.compile(r"[?？؟]")
_MEETING = re.compile(
    r"\b(?:\d+|ten|fifteen|twenty|thirty|few|some)[ -]minutes?\b|\b(?:an?|quick|short) (?:[\w-]+ )?(?:call|meeting"
    r"|demo|chat)\b"
    r"|\b(?:meet|calendar|half an hour|hop on|(?:could|can|shall|may) (?:we|i) (?:talk|speak|chat|show))\b",
    re.IGNORECASE,
)
_EMPTY_ASK = re.compile(
    r"\b(?:of (?:any )?(?:interest|use|help|value)|more (?:on|about) (?:this|that|it)|learn more|know more"
    r"|how (?:that|it)"
    r" works|what (?:that|it) could (?:mean|do))\b",
    re.IGNORECASE,
)
# What claims to be alone or always so, and the words of a quotation that say the same.
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


def email_errors(email: Email) -> Iterator[Fault]:
    """What must not be sent: a touch that has it is dropped."""
    text = f"{email.subject}\n{email.text}\n{email.make_first}"
    for name in map(str.strip, _PLACEHOLDER.findall(text)):
        if name not in PLACEHOLDERS:
            told = f"The placeholder {name!r} cannot be filled: use {', '.join(sorted(PLACEHOLDERS))}."
            yield Fault("D15", told, about=name)
    if unfilled := _UNFILLED.search(_PLACEHOLDER.sub("", unquoted(text))):
        yield Fault("D15", f"{unfilled[0]!r} is left to be filled in.", about=unfilled[0])
    ours = [f"{e.page_title}\n{e.quote}\n{e.page_kind.replace('_', ' ')}" for e in email.evidence if e.role == "vendor"]
    made = (email.make_first, WRITTEN) if length(email.make_first) >= WRITTEN_WORDS else ()
    if promise := empty_promise(email.own_words, (*ours, *made)):
        yield Fault("D20", f"It promises a thing that is not in evidence: {promise!r}.", about=promise)


def email_score(email: Email, faults: Iterable[Fault]) -> Score:
    """A goodbye proves nothing and asks nothing: few readers prefer it to any other touch."""
    return scored(faults, most=MOST_OF_GOODBYE if email.last else 100)


def email_faults(email: Email) -> list[Fault]:
    """What a reader would object to; nothing where there is no text."""
    if not email.paragraphs:
        return []
    rules = (_form, _asks, _manners, _readability, opening, voice, substance)
    return [*(fault for rule in rules for fault in rule(email)), *_old(email.evidence)]


def _form(email: Email) -> Iterator[Fault]:
    low, high = LAST_WORDS if email.last else WORDS if email.position else FIRST_WORDS
    if email.words + GREETING_WORDS < low:  # so that a limit holds whether or not the greeting counts
        text = f"Say a little more: {email.words} words, and {low} to {high} are read."
        yield Fault("D11", text, _of_length(1 - email.words / low))
    elif email.words > high:
        text = f"Shorten it: {email.words} words, and readers stop after {high}."
        yield Fault("D11", text, _of_length(email.words / high - 1))
    yield from _subject(email)


def _of_length(excess: float) -> float:
    """A few words too many or too few hardly matter, and half as many again do."""
    return min(GRAVE, SLIGHT + 30 * excess)


def _subject(email: Email) -> Iterator[Fault]:
    count = length(email.subject)
    if count > SUBJECT_WORDS or len(email.subject) > SUBJECT_CHARACTERS:
        what = f"{count} words" if count > SUBJECT_WORDS else f"{len(email.subject)} characters"
        text = f"Shorten the subject: it has {what}, and {SUBJECT_WORDS} short words are enough."
        yield Fault("D12", text, _of_long_subject(count), email.subject)
    if re.match(r"(?i)re:|fwd?:", email.subject):
        yield Fault("D12", "Take “Re:” out of the subject: there was no e-mail before.", GRAVE, email.subject)
    if _shouts(email):
        text = "Write the subject as you would to a colleague: no capitals, emoji or exclamation marks."
        yield Fault("D12", text, GRAVE, email.subject)


def _of_long_subject(count: int) -> float:
    """One word too many is tolerated; each further one costs more."""
    over = count - SUBJECT_WORDS
    return SLIGHT / 2 if over <= 1 else min(GRAVE, SLIGHT + 2 * (over - 2))


def _shouts(email: Email) -> bool:
    """Capitals of a term that the copy or its evidence writes so, such as 'SOC 2', shout nothing."""
    emoji = any(unicodedata.category(character) == "So" and _is_emoji(character) for character in email.subject)
    terms = set(re.findall(r"\w+", f"{email.text}\n{email.said}"))
    loud = email.subject.isupper() and not set(re.findall(r"[^\W\d_]{2,}", email.subject)) <= terms
    return loud or emoji or "!!" in email.subject


def _is_emoji(symbol: str) -> bool:
    """Not a sign of writing such as '®', '№' or '㈱'."""
    return "\u2300" <= symbol < "\u3000" or symbol >= "\U0001f000"


def _asks(email: Email) -> Iterator[Fault]:
    """A goodbye need not ask; a question may come before the ask, as what is guessed becomes one."""
    asked = len(_QUESTION_MARKS.findall(email.own_words))
    if asked > MAX_QUESTIONS:
        text = f"Ask at most {MAX_QUESTIONS} questions: {asked} are work to answer."
        yield Fault("D13", text, graded(PLAIN, asked / MAX_QUESTIONS - 1))
    if not email.is_english:
        return
    if not asked and not email.last and not is_ask(email.ask):
        yield Fault("D13", "Ask for something: there is nothing to answer.", GRAVE, email.ask)
    if not email.position and (email.ask_label not in {"", "interest"} or _MEETING.search(email.ask)):
        text = (
            "Ask whether it is of interest, and for no meeting yet: first e-mails that ask for time get fewer replies."
        )
        yield Fault("D13", text, PLAIN, email.ask)
    if not email.last:
        yield from _weak_ask(email)


def _weak_ask(email: Email) -> Iterator[Fault]:
    words, most = length(email.ask), ASK_WORDS[bool(email.position)]
    if words > most:
        text = f"Shorten the question at the end: {words} words, and under {most} are answered."
        yield Fault("D13", text, graded(SLIGHT, words / most - 1), email.ask)
    if empty := _EMPTY_ASK.search(email.ask):
        text = f"Name what you ask about: “{empty[0]}” could end any e-mail."
        yield Fault("D13", text, SLIGHT, email.ask)
    elif words > most / 2 and not _stems(email.ask) & _stems(" ".join((email.subject, *email.statements))):
        text = "The question at the end is about nothing that was said before: tie the two together."
        yield Fault("D13", text, SLIGHT, email.ask)


def _stems(text: str) -> set[str]:
    return {stem(word.lower) for word in wording(text).words if word.is_content}


def _manners(email: Email) -> Iterator[Fault]:
    shouted = [word[: word.rindex("!") + 1] for word in email.own_words.split() if "!" in word]
    if any(word not in email.said for word in shouted):
        yield Fault("D17", "Take out the exclamation marks.", PLAIN, shouted[0])
    if (links := len(re.findall(r"https?://", email.text))) > 1:
        yield Fault("D17", f"Keep one link at most, of {links}.", PLAIN)


def _readability(email: Email) -> Iterator[Fault]:
    own = re.sub(r"“[^“”]*”", _as_one_word, _PLACEHOLDER.sub("Alex", email.text))
    if long := [one for one in sentences(own) if length(one) > SENTENCE_WORDS]:
        count = length(long[0])
        text = f"Cut the sentence of {count} words in two: more than {SENTENCE_WORDS} are hard to read."
        yield Fault("D14", text, graded(PLAIN, count / SENTENCE_WORDS - 1), long[0])
    if quoted := [one for one in quotations(email.text) if length(one) > QUOTED_WORDS]:
        yield Fault("D14", f"Quote less: a quotation has over {QUOTED_WORDS} words.", PLAIN, quoted[0])
    most = GRADE if email.said_by("prospect") else GRADE + UNKNOWN_TERMS
    if email.is_english and (grade := reading_grade(without_terms(own, email.evidence))) > most:
        text = f"Use shorter sentences and words: it reads at grade {grade:.0f}, and {GRADE:.0f} is easy."
        yield Fault("D14", text, graded(PLAIN, (grade - GRADE) / GRADE))


def _as_one_word(quoted: re.Match[str]) -> str:
    """A quotation counts for a word, and ends the sentence if it ends with one."""
    return "it" + (quoted[0][-2] if quoted[0][-2] in ".!?" else "")


def _old(evidence: Sequence[Evidence]) -> Iterator[Fault]:
    """A reason to write gets old; what the vendor's pages say of its product and its customers does less."""
    if dates := [one.published_on for one in evidence if one.role == "prospect" and one.published_on and is_stale(one)]:
        oldest = date_in_words(min(dates).isoformat())
        yield Fault("D8", f"Look for something newer, or say it in the past: it rests on evidence from {oldest}.")


def sources(evidence: Sequence[Evidence]) -> Iterator[Fault]:
    """How old the evidence is, and whether it comes from one page; a customer's story is on one page."""
    yield from _old(evidence)
    pages = [e.url for e in {e.id: e for e in evidence}.values() if e.page_kind != "case_study"]
    most = max((pages.count(url) for url in set(pages)), default=0)
    if len(pages) >= FEW_QUOTATIONS and most / len(pages) > ONE_PAGE_SHARE:
        yield Fault("D9", f"Check it against a second page: {most} of {len(pages)} quotations are from one.", SLIGHT)


def talk_track_faults(
    pitch: str, opener: Sequence[str], questions: Sequence[str], evidence: Sequence[Evidence]
) -> Iterator[Fault]:
    yield from _spoken(pitch, opener)
    low, high = QUESTIONS
    if not low <= len(questions) <= high:
        yield Fault("D25", f"Prepare {low} to {high} questions: there are {len(questions)}.")
    yield from _closed(questions)
    yield from sources(evidence)


def _spoken(pitch: str, opener: Sequence[str]) -> Iterator[Fault]:
    if (words := length(pitch)) > PITCH_WORDS:
        text = f"Shorten the pitch: {words} words, and {PITCH_WORDS} fit 30 seconds."
        yield Fault("D23", text, graded(PLAIN, words / PITCH_WORDS - 1))
    if not opener:
        yield Fault("D24", "Give a reason for the call: the opener has none.", GRAVE)


def _closed(questions: Sequence[str]) -> Iterator[Fault]:
    if (closed := sum(map(is_closed, questions))) > len(questions) / 5:
        yield Fault("D25", f"Open the questions: yes or no answers {closed} of {len(questions)}.")


def script_faults(script: Email, reasons: Sequence[str]) -> list[Fault]:
    """Of a text to say on a call; it may be part of one, so that the number of its questions is free.

    The pitch is what it says before it first asks; `reasons` are its sentences on why to call.
    """
    told = script.sentences
    pitch = " ".join(takewhile(lambda one: "?" not in one, told))
    questions = [one for one in told if "?" in one]
    rules = (_manners, _readability, voice)
    found = [fault for rule in rules for fault in rule(script)]
    return [*found, *_spoken(pitch, reasons), *_closed(questions if len(questions) >= FEW_CLOSED else ())]


def card_faults(texts: Sequence[str], longest_list: int, evidence: Sequence[Evidence]) -> Iterator[Fault]:
    if (words := sum(map(length, texts))) > CARD_WORDS:
        text = f"Shorten the card: {words} words, and {CARD_WORDS} can be read during a call."
        yield Fault("D28", text, graded(PLAIN, words / CARD_WORDS - 1))
    if longest_list > LIST_ITEMS:
        yield Fault("D28", f"Keep the strongest {LIST_ITEMS}: a list of {longest_list} is not read during a call.")
    yield from sources(evidence)


def absolutes(text: str, quoted: Iterable[str] = ()) -> bool:
    """D7: whether a text claims to be alone, or always so, outside of quotation marks.

    What the quotations that support it say themselves is no fault.
    """
    own, said = unquoted(text), "\n".join(quoted)
    return any(
        re.search(claimed, own, re.IGNORECASE) and not re.search(shown, said, re.IGNORECASE)
        for claimed, shown in _ABSOLUTES
    )
