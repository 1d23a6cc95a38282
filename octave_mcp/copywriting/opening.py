"""Rules for the opening of an e-mail, and for references to something that the e-mail does not contain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.copywriting.calls_to_action import offers
from octave_mcp.copywriting.email_text import Email, quotations
from octave_mcp.copywriting.faults import FATAL, GRAVE, PLAIN, SLIGHT, Fault, graded
from octave_mcp.copywriting.readability import length
from octave_mcp.evidence.coherence import begins_in_the_middle
from octave_mcp.evidence.figures import figures
from octave_mcp.evidence.plans import MONTH
from octave_mcp.evidence.support.naming import strange
from octave_mcp.evidence.support.wording import stem, wording

# In the inbox, phones show about this many words of an e-mail.
MAX_OPENING_WORDS = 18
MAX_QUOTED_SHARE = 0.15

_PAGE = r"(?:site|website|page|pages|blog|post|homepage|profile|linkedin)"
_RECITES = re.compile(
    rf"\b(?:your|the) (?:[\w-]+ ){{0,2}}{_PAGE} (?:\w+ly )?(?:says?|said|carr(?:y|ies)|speaks?|tells?|lists?|names?|has"
    r"|shows?|mentions?|calls?|describes?|talks?|reads?|states?|notes?|promises?|puts?|leads?|opens?|features?)\b"
    rf"|\b(?:line|quot(?:e|ation)|sentence|phrase|words?) (?:on|from|of) your (?:[\w-]+ ){{0,2}}{_PAGE}\b"
    rf"|\b(?:quote|reading|read|saw|noticed|visited|looking at|looked at|going by|according to) (?:through )?your"
    rf" (?:[\w-]+ ){{0,2}}{_PAGE}\b|\byour own (?:words|count)\b|\bI (?:saw|noticed|read|see) (?:that )?(?:you|your)\b"
    rf"|\b(?:on|from) your (?:[\w-]+ ){{0,2}}{_PAGE}, (?:you|it|there)\b",
    re.IGNORECASE,
)
_NAMES_A_QUOTATION = re.compile(r"\b(?:quot(?:e|ation)s?|a line|a sentence|the line|wrote a line)\b", re.IGNORECASE)
# Matches dates such as '4 March', 'in April', 'since 2024' and 'this week'. Without a number, the month needs a
# preposition and a capital letter, because 'may' and 'march' are also ordinary words.
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}|\b{MONTH} \d{{1,4}}\b|\b(?:in|since|on|from"
    rf"|of) (?=(?-i:[A-Z])){MONTH}"
    r"|\b(?:19|20)\d\d-\d\d\b|\b\d{1,2}/\d{1,2}/(?:19|20)?\d\d\b|\b(?:in|since) (?:19|20)\d\d\b"
    r"|\b(?:yesterday|this (?:morning|week)|on (?:mon|tues|wednes|thurs|fri)day)\b",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r"\b(?:here is (?:a|one|how|what)|a (?:short|quick) (?:case|story|example|one)|one of our (?:cases"
    r"|customers), in short"
    r"|in short:|it comes down to (?:this|one thing)|let me (?:tell|share)|there is one (?:part|thing)|allow me"
    r"|i(?:['’]d| would) (?:like|love) to (?:tell|share|introduce)|my name is|i(?:['’]m| am) (?:with|from|writing)"
    r"|i work (?:at|for))\b",
    re.IGNORECASE,
)
_GENERAL = re.compile(
    r"(?:most|many|nearly all|almost every|every) (?!of\b)(?:[\w-]+ ){1,3}(?:struggles?|spends?|needs?|wants?|faces?"
    r"|loses?"
    r"|still|has|have|is|are|don['’]t|knows?|thinks?|uses?|relies|rely|finds?|gets?)\b"
    r"|(?:companies|businesses|organi[sz]ations|teams|leaders|buyers|marketers) (?:like|that|who|often|usually|today"
    r"|everywhere|struggle|need|want|face|spend|are|have)\b"
    r"|(?:[\w-]+ ){1,3}(?:often|usually|typically|generally) (?:struggles?|spends?|needs?|means?|has|have|is|are"
    r"|face)\b"
    r"|in (?:today['’]s|a world|an age|the age)\b|as (?:companies|businesses|teams|you know)\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d")
_ABOUT_READER = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)


def opening(email: Email) -> Iterator[Fault]:
    if email.is_english:
        yield from _dangling_start(email)
        yield from _recital(email)
        yield from _unasked_news(email)
        yield from _generality(email)
        yield from _long_start(email)
        yield from _pasted_quotations(email)
        yield from _announcement(email)
        yield from _undated(email)
    yield from _subject(email)


def is_dated(text: str) -> bool:
    return bool(_DATE.search(text))


def _dangling_start(email: Email) -> Iterator[Fault]:
    if begins_in_the_middle(email.first):
        start = " ".join(email.first.split()[:3])
        text = f"“{start} ...” points at something said before, and nothing is: begin with what it is about."
        yield Fault("D31", text, GRAVE, email.first)


def _recital(email: Email) -> Iterator[Fault]:
    """Report an opening that only repeats facts about the reader's company, and neither asks nor offers anything.

    A dated opening is exempt, because recent news is a reason to write now.
    """
    opening_paragraph = email.paragraphs[0]
    if email.last or is_dated(opening_paragraph):
        return
    recites = _RECITES.search(email.first)
    asks = offers(email.own_words) or any("?" in statement for statement in email.statements)
    if recites and _NAMES_A_QUOTATION.search(email.first):
        text = "The opening is an undated quotation of their own words: say what happened and when, or ask about it."
        yield Fault("D32", text, GRAVE, email.first)
    elif recites and not asks:
        text = f"“{recites[0]}” tells them what is on their own page: ask something that only they can answer."
        yield Fault("D32", text, PLAIN, email.first)
    elif not (email.position or asks) and _is_about_reader(email, opening_paragraph):
        text = "The opening tells the readers about their own company: ask something that only they can answer."
        yield Fault("D32", text, PLAIN, email.first)


def _unasked_news(email: Email) -> Iterator[Fault]:
    """Report a first e-mail that gives a dated reason for writing but asks no question."""
    if (
        not email.position
        and is_dated(email.paragraphs[0])
        and not any("?" in statement for statement in email.statements)
    ):
        text = "Ask something that only they can answer, once you have said what happened."
        yield Fault("D32", text, SLIGHT, email.first)


def _generality(email: Email) -> Iterator[Fault]:
    if general := [sentence for sentence in email.sentences if _GENERAL.match(sentence)]:
        text = f"“{' '.join(general[0].split()[:4])} ...” is true of any company: say what is true of this one."
        yield Fault("D29", text, PLAIN if general[0] == email.first else SLIGHT, general[0])


def _long_start(email: Email) -> Iterator[Fault]:
    if (count := length(email.first)) > MAX_OPENING_WORDS and not quotations(email.first):
        text = f"Shorten the first sentence: it has {count} words; a phone shows {MAX_OPENING_WORDS}."
        yield Fault("D14", text, graded(SLIGHT / 2, count / MAX_OPENING_WORDS - 1), email.first)


def _is_about_reader(email: Email, text: str) -> bool:
    return bool(_ABOUT_READER.search(text) or email.mentions(text))


def _pasted_quotations(email: Email) -> Iterator[Fault]:
    """Report an e-mail with too many quotations, because readers already know what is on their own pages."""
    quoted = sum(map(length, quotations(email.text)))
    if (share := quoted / max(1, email.words)) > MAX_QUOTED_SHARE:
        text = f"Put the quotations in your own words: {quoted} of {email.words} words are pasted."
        yield Fault("D14", text, min(FATAL, 100 * share))


def _announcement(email: Email) -> Iterator[Fault]:
    if match := _ANNOUNCES.search(email.own_words):
        text = f"Cut “{match[0].strip(' .:')}”, and say it at once."
        yield Fault("D32", text, PLAIN, match[0].strip(" .:\n"))


def _undated(email: Email) -> Iterator[Fault]:
    """Report a first touch without a date.

    A touch with a second opening, which the rep can use instead, is exempt. A touch is also exempt if all pages that it
    cites about the reader's company are undated.
    """
    of_prospect = [evidence for evidence in email.evidence if evidence.role == "prospect"]
    has_date = not of_prospect or any(evidence.published_on for evidence in of_prospect)
    if not (email.position or email.has_second_opening) and has_date and not is_dated(email.text):
        yield Fault("D32", "Say when it happened: a dated reason is a reason to write now.", SLIGHT)


def _subject(email: Email) -> Iterator[Fault]:
    """Report a subject line with a figure, name or topic that the body does not mention.

    Topics in the subject of the last e-mail are not checked, because that subject can be about the correspondence
    itself: 'closing my file'.
    """
    topics = {stem(word.lower) for word in wording(email.subject).words if word.is_content}
    has_other_figure = _DIGITS.search(email.subject) and figures(email.subject) - figures(email.text)
    if has_other_figure or strange(email.names_in(email.subject), [email.text]):
        yield Fault(
            "D31",
            "The subject names something that the e-mail does not: take it out, or say it below.",
            GRAVE,
            email.subject,
        )
    elif topics and not email.last and not topics & wording(email.text).stems:
        yield Fault("D12", "The subject is about something the e-mail does not mention.", SLIGHT, email.subject)
