"""Sentences that say what is sold does: its name or the vendor's is their subject."""

from __future__ import annotations

import re

from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.claims import whole
from octave_mcp.models.extractive.headings import is_imperative, is_instruction, leads_elsewhere, share_a_word
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# Words: a shorter sentence does not describe a thing.
MIN_WORDS = 5
MAX_LINES = 5
TELLS = (
    r"(?:is|are|can|lets?|helps?|gives?|provides?|offers?|enables?|allows?|makes?|combines?|brings?|uses?|includes?|"
    r"delivers?|automates?|connects?|tells?|turns?|shows?|comes?|supports?|streamlines?|simplif(?:y|ies)|protects?|manages?|"
    r"monitors?|handles?|hosts?|covers?|reduces?|improves?|creates?|runs?|stores?|tracks?)"
)
_YOU = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
# A sentence that begins so is about other tools, about the world or about the reader, not about what is sold.
_OF_OTHERS = re.compile(
    r"(?:most|many|some|other|traditional|typical|too many|all too|often|today|more than|nearly|almost|"
    r"by answering|as a result|for example|because|if|whether|regardless|to protect|when|while|although|since|"
    r"plus|\d+)\b",
    re.IGNORECASE,
)
# What notes on a release say.
_IS_NOTE = re.compile(
    r"\byou can (?:now|still)\b|\b(?:there['’]?s|is|are) now\b|\bnow (?:you can|available|supports?)\b|"
    r"\bwe(?:['’]ve| have)? (?:just |now |also |recently |been )*(?:added|released|launched|introduced|improved|"
    r"working on|redesigned|updated)\b|\bbrand new\b|\byou will find an?\b",
    re.IGNORECASE,
)
# Where something is available and how it fares, not what it does.
_IS_STATUS = re.compile(
    r"\b(?:is|are|was|were|has|have|be) (?:be |been |now |also |officially |already |no longer |currently ){0,3}"
    r"(?:supported|available|certified|emerged|released|discontinued|deprecated|included in|designed by|maintained|"
    r"backed|used by|trusted|compatible|proud|aware)\b|\b(?:you|we) can (?:already )?(?:find|request|meet)\b|"
    r"\bwe (?:recommend|have an account|are looking)\b|\brefer to\b|\b(?:program|initiative) for\b|"
    r"\b(?:go|goes) hand.in.hand\b|"
    r"\bfor over \d+ years\b|\bsince \d{4}\b",
    re.IGNORECASE,
)
# A sentence about what two companies do together is not about a product of one.
_TOGETHER = re.compile(
    r"\band\b.{0,40}\b(?:joined forces|collaborat\w+|partner\w*|together|bring)\b|"
    r"\b(?:together|our partnership|alliance)\b.{0,20}\bwe\b",
    re.IGNORECASE,
)
# A speaker's words about themselves, or a sentence that points back.
_OF_SPEAKER = re.compile(
    r"\b(?:I|my|me|wanted|recogni[sz]ed|invested)\b|is one of the most|"
    r"^[Ww]e(?:['’]re| are)? (?:believe|know|understand|come|include|here|actively|strive)\b"
)
_IS_A = re.compile(
    r"(?:an?|the|our|fully|open|built|automated|free)\b[\w ,-]{0,50}\b(?:platform|tools?|software|services?|"
    r"solutions?|suite|system|app|framework|engine|library|database|functions|management|analytics|network|plan|kit|"
    r"expertise)\b",
    re.IGNORECASE,
)
_GAINED = re.compile(
    r"\b(?:you can|you(?:['’]ll| get)|so (?:that )?you|(?:lets?|helps?|allows?|enables?|gives?|makes? it|provid\w+) "
    r"(?:you|your|users|businesses|teams|companies|customers|developers|easy|easier|simple))\b",
    re.IGNORECASE,
)
# On a sister site, whose name is not the company's.
_BY_NAME = re.compile(rf"[A-Z][\w&.-]*(?: [A-Z]\w+)?\s+{TELLS}\b")
_REQUEST = re.compile(
    r"\b(?:sign up|subscribe|(?:read|learn) more|click here|(?:contact|email) us|schedule a|book a|request a|"
    r"newsletter|cookies?|terms|please|polic(?:y|ies)|rebate|coupon|checkout|shipping|download)\b",
    re.IGNORECASE,
)


def is_note(page: ReadPage) -> bool:
    """Whether a page is release notes."""
    return any(_IS_NOTE.search(line.text) for line in page.prose[:4])


def is_status(text: str) -> bool:
    """Whether a sentence says where something is available or how it fares, and not what it does."""
    return bool(_IS_STATUS.search(text))


def description(page: ReadPage, name: str, vendor: str, *, is_own: bool) -> Line | None:
    """The best of a page's first sentences: one that says what the product or its maker does, or what the reader gets.

    `is_own`: the name or the address of the page makes it certain that the page presents the thing as a product.
    """
    lines = [line for line in page.lines if describes(line)][:MAX_LINES]
    if any(_TOGETHER.search(line.text) for line in lines[:2]):
        return None

    is_name = is_own or not {*name.casefold().split()} <= page.common
    said = [_says_what_it_does(line, name, vendor, is_own=is_own, is_name=is_name) for line in lines]
    told = [at for at, points in enumerate(said) if points]
    return lines[max(told, key=lambda at: said[at] - 0.4 * at)] if told else None


def _says_what_it_does(line: Line, name: str, vendor: str, *, is_own: bool, is_name: bool) -> float:
    """How clearly a sentence is about what is sold; 0 if it is about something else.

    If the name is only common words ('Edge computing'), the sentence must contain one of them.
    """
    text, early = line.text, " ".join(line.text.split()[:6])
    other = re.match(rf"{re.escape(vendor)} (?:[A-Z]\w+ )+(?:is|are|has)\b", text)
    if text[:1].islower() or _OF_OTHERS.match(text) or (other and not has_words(name, early)):
        return 0
    if _OF_SPEAKER.search(text) or is_status(text):
        return 0
    ours = has_words(vendor, early) or bool(
        re.match(r"(?:we|our|it \w+s (?=.*\byour?\b))\b|with our\b", text, re.IGNORECASE)
    )
    ours = ours or bool(line.page.sister_of and _BY_NAME.match(text))
    asks = is_imperative(text) and not is_instruction(text) and len(text.split()) >= MIN_WORDS
    told = asks or _GAINED.search(text) or _IS_A.match(text) or not line.english
    named = has_words(name, early) and (is_own or not is_imperative(text))
    ours_does = ours and is_name and (is_own or share_a_word(name, text, vendor))
    if not (named or ours_does or (told and (is_own or not line.english))):
        return 0
    return 2 * named + ours + bool(told) + 0.5 * bool((ours or told) and _YOU.search(text))


def describes(line: Line) -> bool:
    return (
        line.form in {"sentence", "item", "heading"}
        and whole(line)
        and not line.text.endswith(("?", "!"))
        and not _REQUEST.search(line.text)
        and not leads_elsewhere(line.heading)
    )
