"""Rates sales copy by rules, without a model. Sales copy with errors must not be sent, and each fault costs points.

The limits come from studies by vendors of sales software. The studies disagree, so a text that is too long or too short
loses points but can still be sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from octave_mcp.copywriting.calls_to_action import empty_promise, is_ask, is_closed
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

# Minimum and maximum numbers of words in the first touch, in middle touches, and in the last touch.
FIRST_TOUCH_WORDS, TOUCH_WORDS, LAST_TOUCH_WORDS = (50, 80), (30, 110), (15, 60)
MAX_SUBJECT_WORDS, MAX_SUBJECT_CHARACTERS = 3, 40
MAX_SENTENCE_WORDS = 25
MAX_QUOTATION_WORDS = 20
# Maximum Flesch-Kincaid grade. A text with grade 8 is easy to read.
MAX_GRADE = 8.0
# If the e-mail cites no page of the reader's company, its maximum reading grade is higher by this number. Without
# quotations, it is unknown which long words are the company's own terms.
UNKNOWN_TERMS_GRADES = 1.5
# Maximum number of words in the ask of the first touch, and of a later touch. Last touches, and e-mails that are not in
# English, are exempt.
MAX_ASK_WORDS = (10, 20)
# A rep needs about 30 seconds to say this many words.
MAX_PITCH_WORDS = 75
# A rep cannot read a card with more words during a call.
MAX_CARD_WORDS = 300
MAX_LIST_ITEMS = 5
# Minimum and maximum number of questions in a call script, and of objections on a card.
QUESTIONS = (8, 14)
OBJECTIONS = (7, 10)
# Maximum share of quotations from the same page. Quotations from case studies do not count. The limit does not apply to
# sales copy with fewer than MIN_QUOTATIONS other quotations.
MAX_ONE_PAGE_SHARE = 0.4
MIN_QUOTATIONS = 4
MAX_QUESTIONS = 2
# If a pasted script has fewer questions than this, yes-or-no questions are allowed, because they often open the call or
# book the next call.
MIN_SCRIPT_QUESTIONS = 5
# If `make_first` has at least this many words, it counts as the text of the document that the e-mail offers. The e-mail
# can then call the document a 'checklist', 'template', 'guide' or 'framework' without evidence. Other words for a
# document, such as 'report', must be in this text or in the vendor's evidence.
WRITTEN_OFFER_NAMES, MIN_WRITTEN_OFFER_WORDS = "checklist template guide framework", 20
# Maximum score of the last e-mail (the goodbye), which test readers liked less than nearly any other e-mail.
MAX_GOODBYE_POINTS = 80
PERSONAS_ALIKE = 0.35

PLACEHOLDERS = frozenset({"first_name", "company_name", "sender_first_name", "sender_company"})

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
# Matches blanks that the writer has not filled in: '[name]', '<name>', 'XX hours', 'TBD'.
_BLANK = re.compile(r"\[[^\[\]]*\]|<[^<>\s][^<>]*>|\bXX+\b|\bTBD\b")
_QUESTION_MARKS = re.compile(r"[?？؟]")
_MEETING = re.compile(
    r"\b(?:\d+|ten|fifteen|twenty|thirty|few|some)[ -]minutes?\b|\b(?:an?|quick|short) (?:[\w-]+ )?(?:call|meeting"
    r"|demo|chat)\b"
    r"|\b(?:meet|calendar|half an hour|hop on|(?:could|can|shall|may) (?:we|i) (?:talk|speak|chat|show))\b",
    re.IGNORECASE,
)
_VAGUE_ASK = re.compile(
    r"\b(?:of (?:any )?(?:interest|use|help|value)|more (?:on|about) (?:this|that|it)|learn more|know more"
    r"|how (?:that|it)"
    r" works|what (?:that|it) could (?:mean|do))\b",
    re.IGNORECASE,
)
# In each pair, the first pattern matches an absolute claim. The second pattern matches the words that a supporting
# quotation must contain. The first pattern must not match 'not only', 'read-only', 'only if' and 'the best time', which
# are not absolute claims.
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
    """Yield the errors that make an e-mail unfit to be sent. E-mails with errors are dropped."""
    text = f"{email.subject}\n{email.text}\n{email.make_first}"
    for name in map(str.strip, _PLACEHOLDER.findall(text)):
        if name not in PLACEHOLDERS:
            message = f"The placeholder {name!r} cannot be filled: use {', '.join(sorted(PLACEHOLDERS))}."
            yield Fault("D15", message, about=name)
    if blank := _BLANK.search(_PLACEHOLDER.sub("", unquoted(text))):
        yield Fault("D15", f"{blank[0]!r} is left to be filled in.", about=blank[0])
    vendor_texts = [
        f"{e.page_title}\n{e.quote}\n{e.page_kind.replace('_', ' ')}" for e in email.evidence if e.role == "vendor"
    ]
    written_offer = (
        (email.make_first, WRITTEN_OFFER_NAMES) if length(email.make_first) >= MIN_WRITTEN_OFFER_WORDS else ()
    )
    if promise := empty_promise(email.own_words, (*vendor_texts, *written_offer)):
        yield Fault("D20", f"It promises something that the evidence does not support: {promise!r}.", about=promise)


def email_score(email: Email, faults: Iterable[Fault]) -> Score:
    """Return the score of an e-mail.

    The last e-mail (the goodbye) cannot reach 100 points, because test readers preferred nearly any other e-mail.
    """
    return scored(faults, max_points=MAX_GOODBYE_POINTS if email.last else 100)


def email_faults(email: Email) -> list[Fault]:
    """Return the faults of an e-mail, or [] if it has no paragraphs."""
    if not email.paragraphs:
        return []
    rules = (_form, _asks, _manners, _readability, opening, voice, substance)
    return [*(fault for rule in rules for fault in rule(email)), *_stale_evidence(email.evidence)]


def _form(email: Email) -> Iterator[Fault]:
    low, high = LAST_TOUCH_WORDS if email.last else TOUCH_WORDS if email.position else FIRST_TOUCH_WORDS
    if email.words + GREETING_WORDS < low:  # The minimum includes the greeting.
        more = f"e-mails of {low} to {high} words are more likely to be read"
        text = f"Say a little more: the e-mail has {email.words} words, and {more}."
        yield Fault("D11", text, _length_cost(1 - email.words / low))
    elif email.words > high:
        text = f"Shorten it: the e-mail has {email.words} words; readers stop after {high}."
        yield Fault("D11", text, _length_cost(email.words / high - 1))
    yield from _subject(email)


def _length_cost(excess: float) -> float:
    """Return the cost, in percent of the score, of a text that is too long or too short.

    `excess`: the distance of the length from the limit, as a fraction of the limit.
    """
    return min(GRAVE, SLIGHT + 30 * excess)


def _subject(email: Email) -> Iterator[Fault]:
    count = length(email.subject)
    if count > MAX_SUBJECT_WORDS or len(email.subject) > MAX_SUBJECT_CHARACTERS:
        what = f"{count} words" if count > MAX_SUBJECT_WORDS else f"{len(email.subject)} characters"
        text = f"Shorten the subject: it has {what}, and {MAX_SUBJECT_WORDS} short words are enough."
        yield Fault("D12", text, _long_subject_cost(count), email.subject)
    if re.match(r"(?i)re:|fwd?:", email.subject):
        yield Fault("D12", "Take “Re:” out of the subject: there was no e-mail before.", GRAVE, email.subject)
    if _shouts(email):
        text = "Write the subject as you would to a colleague: no capitals, emoji or exclamation marks."
        yield Fault("D12", text, GRAVE, email.subject)


def _long_subject_cost(count: int) -> float:
    """Return the cost, in percent of the score, of a subject that is too long.

    A subject that is one word too long loses few points, and each further word costs more points.
    """
    over = count - MAX_SUBJECT_WORDS
    return SLIGHT / 2 if over <= 1 else min(GRAVE, SLIGHT + 2 * (over - 2))


def _shouts(email: Email) -> bool:
    """Whether the subject is in capitals, or contains an emoji or '!!'.

    Capitals are allowed if every word of the subject, such as 'SOC', also appears in capitals in the e-mail's text or
    its evidence.
    """
    has_emoji = any(unicodedata.category(character) == "So" and _is_emoji(character) for character in email.subject)
    terms = set(re.findall(r"\w+", f"{email.text}\n{email.quoted_text}"))
    is_all_capitals = email.subject.isupper() and not set(re.findall(r"[^\W\d_]{2,}", email.subject)) <= terms
    return is_all_capitals or has_emoji or "!!" in email.subject


def _is_emoji(symbol: str) -> bool:
    """Whether the symbol is an emoji or a similar picture.

    Signs used in writing, such as '®', '№' and '㈱', are not pictures.
    """
    return "\u2300" <= symbol < "\u3000" or symbol >= "\U0001f000"


def _asks(email: Email) -> Iterator[Fault]:
    """Report faults in the questions and the ask.

    One question before the ask is allowed, because writers phrase guesses as questions. A goodbye needs no ask.
    """
    question_count = len(_QUESTION_MARKS.findall(email.own_words))
    if question_count > MAX_QUESTIONS:
        text = f"Ask at most {MAX_QUESTIONS} questions: answering {question_count} is too much work."
        yield Fault("D13", text, graded(PLAIN, question_count / MAX_QUESTIONS - 1))
    if not email.is_english:
        return
    if not question_count and not email.last and not is_ask(email.ask):
        yield Fault("D13", "Ask for something: there is nothing to answer.", GRAVE, email.ask)
        return
    if not email.position and (email.ask_label not in {"", "interest"} or _MEETING.search(email.ask)):
        text = (
            "Ask only whether the reader is interested, not for a meeting: first e-mails that ask for time get fewer "
            "replies."
        )
        yield Fault("D13", text, PLAIN, email.ask)
    if not email.last:
        yield from _weak_ask(email)


def _weak_ask(email: Email) -> Iterator[Fault]:
    words, max_words = length(email.ask), MAX_ASK_WORDS[bool(email.position)]
    if words > max_words:
        text = f"Shorten the question at the end: it has {words} words; use at most {max_words}."
        yield Fault("D13", text, graded(SLIGHT, words / max_words - 1), email.ask)
    if vague := _VAGUE_ASK.search(email.ask):
        text = f"Name what you ask about: “{vague[0]}” could end any e-mail."
        yield Fault("D13", text, SLIGHT, email.ask)
    elif words > max_words / 2 and not _stems(email.ask) & _stems(" ".join((email.subject, *email.statements))):
        text = "The question at the end is about nothing that was said before: tie the two together."
        yield Fault("D13", text, SLIGHT, email.ask)


def _stems(text: str) -> set[str]:
    return {stem(word.lower) for word in wording(text).words if word.is_content}


def _manners(email: Email) -> Iterator[Fault]:
    shouted = [word[: word.rindex("!") + 1] for word in email.own_words.split() if "!" in word]
    if any(word not in email.quoted_text for word in shouted):
        yield Fault("D17", "Take out the exclamation marks.", PLAIN, shouted[0])
    if (links := len(re.findall(r"https?://", email.text))) > 1:
        yield Fault("D17", f"Keep at most one of the {links} links.", PLAIN)


def _readability(email: Email) -> Iterator[Fault]:
    text_to_read = re.sub(r"“[^“”]*”", _as_one_word, _PLACEHOLDER.sub("Alex", email.text))
    if long_sentences := [sentence for sentence in sentences(text_to_read) if length(sentence) > MAX_SENTENCE_WORDS]:
        count = length(long_sentences[0])
        text = f"Cut the sentence of {count} words in two: more than {MAX_SENTENCE_WORDS} are hard to read."
        yield Fault("D14", text, graded(PLAIN, count / MAX_SENTENCE_WORDS - 1), long_sentences[0])
    if long_quotations := [sentence for sentence in quotations(email.text) if length(sentence) > MAX_QUOTATION_WORDS]:
        yield Fault("D14", f"Quote less: a quotation has over {MAX_QUOTATION_WORDS} words.", PLAIN, long_quotations[0])
    max_grade = MAX_GRADE if email.quotes_of("prospect") else MAX_GRADE + UNKNOWN_TERMS_GRADES
    if email.is_english and (grade := reading_grade(without_terms(text_to_read, email.evidence))) > max_grade:
        text = f"Use shorter sentences and words: it reads at grade {grade:.0f}, and {MAX_GRADE:.0f} is easy."
        yield Fault("D14", text, graded(PLAIN, (grade - MAX_GRADE) / MAX_GRADE))


def _as_one_word(quotation: re.Match[str]) -> str:
    """Replace a quotation with 'it', so that the rules judge only the writer's words. Keep a final '.', '!' or '?'."""
    return "it" + (quotation[0][-2] if quotation[0][-2] in ".!?" else "")


def _stale_evidence(evidence: Sequence[Evidence]) -> Iterator[Fault]:
    """Report old evidence about the prospect. Old news is not a reason to write now.

    Evidence about the vendor is exempt, because such evidence stays valid for longer.
    """
    if dates := [
        quoted.published_on
        for quoted in evidence
        if quoted.role == "prospect" and quoted.published_on and is_stale(quoted)
    ]:
        oldest = date_in_words(min(dates).isoformat())
        yield Fault("D8", f"Look for something newer, or say it in the past: it rests on evidence from {oldest}.")


def sources(evidence: Sequence[Evidence]) -> Iterator[Fault]:
    """Report old evidence, and sales copy that takes too many of its quotations from one page.

    Quotations from case studies do not count toward the limit for one page.
    """
    yield from _stale_evidence(evidence)
    pages = [e.url for e in {e.id: e for e in evidence}.values() if e.page_kind != "case_study"]
    of_one_page = max((pages.count(url) for url in set(pages)), default=0)
    if len(pages) >= MIN_QUOTATIONS and of_one_page / len(pages) > MAX_ONE_PAGE_SHARE:
        text = f"Check it against a second page: {of_one_page} of {len(pages)} quotations are from the same page."
        yield Fault("D9", text, SLIGHT)


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
    if (words := length(pitch)) > MAX_PITCH_WORDS:
        text = f"Shorten the pitch: it has {words} words; 30 seconds are enough for {MAX_PITCH_WORDS}."
        yield Fault("D23", text, graded(PLAIN, words / MAX_PITCH_WORDS - 1))
    if not opener:
        yield Fault("D24", "Give a reason for the call: the opener has none.", GRAVE)


def _closed(questions: Sequence[str]) -> Iterator[Fault]:
    if (closed := sum(map(is_closed, questions))) > len(questions) / 5:
        yield Fault("D25", f"Ask open questions: {closed} of {len(questions)} can be answered with yes or no.")


def script_faults(script: Email, reasons: Sequence[str]) -> list[Fault]:
    """Return the faults of a call script that a rep has pasted.

    The number of questions is not checked, because the rep could have pasted only a part of the script. The pitch is
    the text before the first question. `reasons`: the sentences that give a reason for the call.
    """
    spoken = script.sentences
    pitch = " ".join(takewhile(lambda sentence: "?" not in sentence, spoken))
    questions = [sentence for sentence in spoken if "?" in sentence]
    rules = (_manners, _readability, voice)
    faults = [fault for rule in rules for fault in rule(script)]
    return [*faults, *_spoken(pitch, reasons), *_closed(questions if len(questions) >= MIN_SCRIPT_QUESTIONS else ())]


def card_faults(texts: Sequence[str], longest_list: int, evidence: Sequence[Evidence]) -> Iterator[Fault]:
    if (words := sum(map(length, texts))) > MAX_CARD_WORDS:
        text = f"Shorten the card: it has {words} words; only {MAX_CARD_WORDS} can be read during a call."
        yield Fault("D28", text, graded(PLAIN, words / MAX_CARD_WORDS - 1))
    if longest_list > MAX_LIST_ITEMS:
        yield Fault("D28", f"Keep the strongest {MAX_LIST_ITEMS}: a list of {longest_list} is not read during a call.")
    yield from sources(evidence)


def absolutes(text: str, quoted: Iterable[str] = ()) -> bool:
    """Whether the text makes an absolute claim, such as 'the only tool' (rule D7).

    Return False if one of the texts in `quoted` makes the claim, too.

    Absolute claims within quotation marks are ignored.
    """
    own_words, quotations_text = unquoted(text), "\n".join(quoted)
    return any(
        re.search(claimed, own_words, re.IGNORECASE) and not re.search(confirmation, quotations_text, re.IGNORECASE)
        for claimed, confirmation in _ABSOLUTES
    )
