"""Finds sentences that describe a product.

Such sentences say what the product does. The subject of such a sentence is the product or the vendor.
"""

from __future__ import annotations

import re

from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.headings import is_imperative, is_instruction, leads_elsewhere, share_a_word
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# If an imperative has fewer words than this, it counts as a slogan: 'Ship faster with Acme'. `selling` uses the same
# minimum for the descriptions in lists of products.
MIN_WORDS = 5
MAX_LINES = 5
TELLS = (
    r"(?:is|are|can|lets?|helps?|gives?|provides?|offers?|enables?|allows?|makes?|combines?|brings?|uses?|includes?|"
    r"delivers?|automates?|connects?|tells?|turns?|shows?|comes?|supports?|streamlines?|simplif(?:y|ies)|protects?|manages?|"
    r"monitors?|handles?|hosts?|covers?|reduces?|improves?|creates?|runs?|stores?|tracks?)"
)
_YOU = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
_ABOUT_OTHERS = re.compile(
    r"(?:most|many|some|other|traditional|typical|too many|all too|often|today|more than|nearly|almost|"
    r"by answering|as a result|for example|because|if|whether|regardless|to protect|when|while|although|since|"
    r"plus|\d+)\b",
    re.IGNORECASE,
)
_IS_NOTE = re.compile(
    r"\byou can (?:now|still)\b|\b(?:there['’]?s|is|are) now\b|\bnow (?:you can|available|supports?)\b|"
    r"\bwe(?:['’]ve| have)? (?:just |now |also |recently |been )*(?:added|released|launched|introduced|improved|"
    r"working on|redesigned|updated)\b|\bbrand new\b|\byou will find an?\b",
    re.IGNORECASE,
)
_IS_STATUS = re.compile(
    r"\b(?:is|are|was|were|has|have|be) (?:be |been |now |also |officially |already |no longer |currently ){0,3}"
    r"(?:supported|available|certified|emerged|released|discontinued|deprecated|included in|designed by|maintained|"
    r"backed|used by|trusted|compatible|proud|aware)\b|\b(?:you|we) can (?:already )?(?:find|request|meet)\b|"
    r"\bwe (?:recommend|have an account|are looking)\b|\brefer to\b|\b(?:program|initiative) for\b|"
    r"\b(?:go|goes) hand.in.hand\b|"
    r"\bfor over \d+ years\b|\bsince \d{4}\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\band\b.{0,40}\b(?:joined forces|collaborat\w+|partner\w*|together|bring)\b|"
    r"\b(?:together|our partnership|alliance)\b.{0,20}\bwe\b",
    re.IGNORECASE,
)
_SPEAKER_ABOUT_SELF = re.compile(
    r"\b(?:I|my|me|wanted|recogni[sz]ed|invested)\b|is one of the most|"
    r"^[Ww]e(?:['’]re| are)? (?:believe|know|understand|come|include|here|actively|strive)\b"
)
_IS_A = re.compile(
    r"(?:an?|the|our|fully|open|built|automated|free)\b[\w ,-]{0,50}\b(?:platform|tools?|software|services?|"
    r"solutions?|suite|system|app|framework|engine|library|database|functions|management|analytics|network|plan|kit|"
    r"expertise)\b",
    re.IGNORECASE,
)
_READER_GAINS = re.compile(
    r"\b(?:you can|you(?:['’]ll| get)|so (?:that )?you|(?:lets?|helps?|allows?|enables?|gives?|makes? it|provid\w+) "
    r"(?:you|your|users|businesses|teams|companies|customers|developers|easy|easier|simple))\b",
    re.IGNORECASE,
)
# A sister site is another domain of the company, with its own name. There, any name at the start of a sentence counts
# as the subject: 'Acme Books offers ...'.
_NAMED_SUBJECT = re.compile(rf"[A-Z][\w&.-]*(?: [A-Z]\w+)?\s+{TELLS}\b")
_REQUEST = re.compile(
    r"\b(?:sign up|subscribe|(?:read|learn) more|click here|(?:contact|email) us|schedule a|book a|request a|"
    r"newsletter|cookies?|terms|please|polic(?:y|ies)|rebate|coupon|checkout|shipping|download)\b",
    re.IGNORECASE,
)


def is_note(page: ReadPage) -> bool:
    """Whether the page contains release notes."""
    return any(_IS_NOTE.search(line.text) for line in page.prose[:4])


def is_status(text: str) -> bool:
    """Whether a sentence only states a product's status ('is now available in Europe'), not what the product does."""
    return bool(_IS_STATUS.search(text))


def description(page: ReadPage, name: str, vendor: str, *, is_own: bool) -> Line | None:
    """Return the line near the top of the page that describes the product best, or None.

    `is_own` is true if the name or URL of the page shows that the page presents the product.
    """
    lines = [line for line in page.lines if describes(line)][:MAX_LINES]
    if any(_TOGETHER.search(line.text) for line in lines[:2]):
        return None

    # If the page also writes all words of the name in lower case ('edge computing'), the name is probably an ordinary
    # term and not a product.
    is_name = is_own or not {*name.casefold().split()} <= page.common
    scores = [_description_score(line, name, vendor, is_own=is_own, is_name=is_name) for line in lines]
    candidates = [index for index, score in enumerate(scores) if score]
    # If two sentences are about equally clear, prefer the earlier sentence, which usually introduces the product.
    return lines[max(candidates, key=lambda index: scores[index] - 0.4 * index)] if candidates else None


def _description_score(line: Line, name: str, vendor: str, *, is_own: bool, is_name: bool) -> float:
    """Return how clearly a sentence describes the product, or 0 if the sentence is about something else.

    If the product's name consists of common words ('Edge computing'), the sentence must contain one of these words.
    """
    text, early = line.text, " ".join(line.text.split()[:6])
    other_product = re.match(rf"{re.escape(vendor)} (?:[A-Z]\w+ )+(?:is|are|has)\b", text)
    if text[:1].islower() or _ABOUT_OTHERS.match(text) or (other_product and not has_words(name, early)):
        return 0
    if _SPEAKER_ABOUT_SELF.search(text) or is_status(text):
        return 0
    by_vendor = has_words(vendor, early) or bool(
        re.match(r"(?:we|our|it \w+s (?=.*\byour?\b))\b|with our\b", text, re.IGNORECASE)
    )
    by_vendor = by_vendor or bool(line.page.sister_of and _NAMED_SUBJECT.match(text))
    promises = is_imperative(text) and not is_instruction(text) and len(text.split()) >= MIN_WORDS
    is_descriptive = promises or _READER_GAINS.search(text) or _IS_A.match(text) or not line.english
    named = has_words(name, early) and (is_own or not is_imperative(text))
    vendor_does = by_vendor and is_name and (is_own or share_a_word(name, text, vendor))
    if not (named or vendor_does or (is_descriptive and (is_own or not line.english))):
        return 0
    return (
        2 * named + by_vendor + bool(is_descriptive) + 0.5 * bool((by_vendor or is_descriptive) and _YOU.search(text))
    )


def describes(line: Line) -> bool:
    """Whether a line is a complete sentence without a call to action, so that it can describe its page."""
    return (
        line.form in {"sentence", "item", "heading"}
        and line.is_whole
        and not line.text.endswith(("?", "!"))
        and not _REQUEST.search(line.text)
        and not leads_elsewhere(line.heading)
    )
