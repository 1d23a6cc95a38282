"""Facts about the prospect's offer, taken only from English sentences that are certainly about the offer."""

from __future__ import annotations

import re

from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import is_generic, is_own_subject, short_name
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.quoting import stands_alone
from octave_mcp.models.extractive.typed_lines import Line

_I = re.IGNORECASE
PUFFERY = re.compile(
    r"\b(?:(?:is|are) (?:the|an?) (?:[\w-]+, |[\w-]+ and |most )*"
    r"(?:smart|fast|easy|easiest|best|simple|leading|perfect|ideal|effective|efficient|right|cost-effective) "
    r"(?:way|choice|solution|option|place|partner)\b|"
    r"unrivall?ed|unparalleled|world-class|second to none|home page|"
    r"(?:is|are|we['’]re) (?:\w+ )?committed to|(?:is|are) no different|no need to wait|has always been|"
    r"more than (?:just )?(?:your|an) |"
    r"amazing|awesome|a breeze|perfect (?:solution|choice|fit|way)|the perfect|packed with|come a long way|"
    r"(?:different|fresh|new) approach|built differently|plenty of|tons of|a bunch of|and so much more|symbiotic|"
    r"quite easily|make your life|much simpler|very easy|everything (?:you|your \w+) needs?|all the \w+(?: \w+){0,4} "
    r"you need|measure everything|partner you need|is your \w+(?: \w+)?\.$|the best of|rely on our|the other side|"
    r"get the foundations|highest standard|new heights|goes? hand[- ]in[- ]hand|go hand|valuable|"
    r"waiting to help|built for the future|(?:is|are) (?:a|the) game[- ]changer|all kinds of|the way you know best|"
    r"on your \w+(?: \w+)? journey|like a cloud|trusted partner|you need (?:for|to)|right tools|the tools to|"
    r"makes? (?:\w+ ){1,4}(?:straightforward|easy|simple|fast)[,.]|gain control|more time to focus|your vision)\b|"
    r"(?:^|: )(?:ensure|take advantage|stay|rely|enjoy|discover|accelerate|unlock|transform|empower|get (?:the|all|a)|"
    r"gain|bring (?:your|data)|optimi[sz]e)\b",
    _I,
)
_OTHER_SUBJECT = re.compile(
    r"\bwe support (?:people|communit\w+|students|women|diversity)\b|\bforms?\b.{0,200}\bsubmit\b|\bwe recommend\b|"
    r"\bunderrepresented\b|\bmentoring\b|\bnew to our community\b|^you can already\b|"
    r"\brequires? an? (?:API )?(?:key|token)\b|"
    r"\bnow has (?:read|write|access)|\balways tried\b|: how to\b|^[\"“'‘]",
    _I,
)
_LIMIT = re.compile(r"\W*\d|\W*(?:up to|unlimited|accordingly)\b", _I)
_STEP = re.compile(r"^(?:we can|our journey|you)\b", _I)
# Matches words such as 'built on' before a name with a slash or hyphen, which may be a library in the company's code:
# 'The client is built on facebook/react'.
_USES_OTHERS = re.compile(r"\b(?:uses?|based on|built (?:with|on)|powered by|written in) \S{0,60}[a-z]\S{0,60}[/-]\S+")
# A sister site is another domain of the company, with its own name. There, any name at the start of a sentence counts
# as the subject: 'Acme Books keeps ...'.
_NAMED_SUBJECT = re.compile(r"[A-Z][\w.&-]+ (?:[A-Z]\w+ )?[a-z]+s\b")
# Only the first six words are searched for the subject, because English sentences usually name it early.
_SUBJECT_WORDS = 6
# If a text before a colon has more words than this, it is probably a sentence and not a title.
_MAX_TITLE_WORDS = 9


def offer_fact(text: str, line: Line, company: str) -> str | None:
    """Return the fact that a sentence states about the offer, or None.

    If the text before a colon is only a title, and the rest can stand alone, drop the title: 'Export: Acme exports your
    data.'
    """
    if PUFFERY.search(text) or _OTHER_SUBJECT.search(text):
        return None
    title, rest = _split_title(text)
    if is_generic(rest, company) or _LIMIT.match(rest):
        return None
    if not title:
        return text if _is_about_offer(text, line, company) else None
    if is_imperative(rest) or not _is_own_sentence(rest, line, company):
        return None
    return rest if stands_alone(rest) and rest[-1] in ".!?" else text


def _split_title(text: str) -> tuple[str, str]:
    """Split 'Title: Text'.

    The title is '' if it is too long, or if the text after the colon starts with a lower-case letter.
    """
    title, mark, rest = text.partition(": ")
    is_title = mark and len(title.split()) <= _MAX_TITLE_WORDS and rest[:1].isupper()
    return (title, rest) if is_title else ("", text)


def _is_about_offer(text: str, line: Line, company: str) -> bool:
    """Whether the subject of the text is the company or 'we'.

    Instructions, and sentences about libraries that the product depends on, do not count.
    """
    is_step = line.page.kind in {"blog", "docs"} and (line.form == "item" or _STEP.search(text))
    subject = text.removeprefix("We ") if is_step else text
    return _is_own_sentence(subject, line, company) and not (_USES_OTHERS.search(text) or is_imperative(text))


def _is_own_sentence(text: str, line: Line, company: str) -> bool:
    """Whether the subject of the text is the company. On a sister site, the subject can be any name."""
    first = " ".join(text.split()[:_SUBJECT_WORDS])
    is_sisters = bool(line.page.sister_of and _NAMED_SUBJECT.match(text))
    return is_sisters or has_words(short_name(company), first) or is_own_subject(text, company)
