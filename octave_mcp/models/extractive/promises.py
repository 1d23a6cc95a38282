"""What the vendor promises its customers: a heading that says what they gain, and the sentence under it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import ValueProposition
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.claims import whole
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_part_of_a_page,
    leads_elsewhere,
    with_headings_above,
)
from octave_mcp.models.extractive.names import customer_in_headline
from octave_mcp.models.extractive.reading import Line, ReadPage, Section

MOST_TITLE_WORDS = 12
_YOU = re.compile(r"\b(?:you|your|yours)\b", re.IGNORECASE)
_GAIN = re.compile(
    r"\b(?:help(?:s|ing)?|let(?:s|ting)?|enabl(?:e|es|ing)|allow(?:s|ing)?|empower\w*|mak(?:e|es|ing) (?:it|sure)|"
    r"so (?:that )?(?:you|your|they)|"
    r"sav(?:e|es|ing)|reduc\w+|increas\w+|boost\w*|grow\w*|improv\w+|faster|quick\w*|eas(?:y|ily|ier)|simpl\w+|"
    r"automat\w+|"
    r"without|never|no (?:need|more|longer)|secur\w+|protect\w*|safe\w*|reliab\w+|scal\w+|optimi[sz]\w+|accelerat\w+|"
    r"streamlin\w+|understand\w*|control|visib\w+|insight\w*|better|best|cut(?:s|ting)?|lower|eliminat\w+|ensur\w+|"
    r"free (?:up|your)|focus|in (?:minutes|seconds|one place|real[- ]time)|real[- ]time|all in one|anywhere|instant\w*|"
    r"seamless\w*|effortless\w*|confiden\w+|perform\w*|complian\w+|productiv\w+|efficien\w+|personali[sz]\w+|"
    r"gives? you|get|keep|see|identify|prevent|spot|find|create|build|deploy|manage|track|share|deliver)\b",
    re.IGNORECASE,
)
_WEAK_START = re.compile(
    r"(?:if|when|while|whether|what|how|why|who|do|does|did|is|are|can|could|should|would|have|has|but|and|or|so|"
    r"because|"
    r"this|that|these|those|it|they|he|she|also|however|then|once|after|before|unfortunately|sorry|note|please|"
    r"based on|select|choose this|based|in (?:the|this) (?:article|guide|post|webinar|report|video)|you (?:may|must|"
    r"will need|need|probably|deserve|can also)|"
    r"we (?:understand|know|believe|take|are (?:proud|located))|as|looking|want|need|ready|still|not sure|tired)\b",
    re.IGNORECASE,
)
_NO_PROMISE = re.compile(
    r"\b(?:sorry|unsubscribe|newsletter|inbox|download (?:the|our)|watch (?:the|our)|read (?:the|our|more|how)|webinar|"
    r"register|book a|schedule|request a|talk to|contact|get in touch|our team will|learn (?:more|how|about)|see how|"
    r"find out|"
    r"discover how|blog|whitepaper|e-?book|guide|report|article|podcast|job|careers?|apply|click|cookie|terms|policy|"
    r"% off|coupon|discount|rebate|shipping|refund|eligib\w+|deductible|copay|see (?:which|our)|visit (?:our|the)|"
    r"pick a|add a|quote|subscri\w+|sign up|resource|assessment|quick ?start|explore how|questionnaire|browse|"
    r"get started|tell us|modal|popup|flow \(|awards?|recognition|certifications?|love|customers (?:recorded|say)|"
    r"challenges?|struggl\w+|become|frustrat\w+)\b",
    re.IGNORECASE,
)
_STARTS_A_PROMISE = re.compile(r"(?:Proposition|Promise|Result)\s*:\s*")


def value_propositions(pages: Sequence[ReadPage], vendor: str) -> Iterator[ValueProposition[Cite]]:
    for page in pages:
        if page.page.kind not in {"home", "product", "persona"}:
            continue
        if page.page.kind == "home" and page.headline and (text := _of_home(page, vendor)):
            yield _proposition(page.headline, text)
        for section, above in with_headings_above(page.sections):
            text = _promise(section, above, page.page.kind, vendor)
            title = _title_line(page, section.heading) if section.heading else None
            if title and text and not is_part_of_a_page(title.text):
                yield _proposition(title, text)


def _of_home(page: ReadPage, vendor: str) -> Line | None:
    """What the home page says first, if it promises something or says what the vendor is."""
    first = next((line for line in page.prose[:4] if whole(line)), None)
    if first is None or _is_no_promise(first):
        return None
    says = has_words(vendor, first.text) or _YOU.search(first.text) or is_imperative(first.text)
    return first if says or not first.english else None


def _title_line(page: ReadPage, heading: Line) -> Line:
    """The page's headline in place of a heading that names only a part of a page: 'Features'."""
    return page.headline if page.headline and is_part_of_a_page(heading.text) else heading


def _promise(section: Section, above: Sequence[Line], kind: PageKind, vendor: str) -> Line | None:
    """The sentence under a heading that promises the reader something."""
    labelled = next((li for li in section.lines if _STARTS_A_PROMISE.match(li.text)), None)
    if labelled or kind == "persona":
        return labelled
    if section.heading is None or not _is_title(section.title, vendor) or any(leads_elsewhere(h.text) for h in above):
        return None
    body = [line for line in section.lines if whole(line) or line.form == "quote"][:3]
    if any(line.form == "quote" for line in body):
        return None
    return next((line for line in body if _promises(line, vendor)), None)


def _is_title(title: str, vendor: str) -> bool:
    return (
        1 <= len(title.split()) <= MOST_TITLE_WORDS
        and not leads_elsewhere(title)
        and not re.search(r"[“”\"|]|\bicon\b|^\d+%|^[$€£]", title)
        and not re.match(r"(?:how|why|what|who|when|where|is|are|can|do|does)\b(?!.*!)", title, re.IGNORECASE)
        and not _NO_PROMISE.search(title)
        and customer_in_headline(title, vendor) is None
    )


def _promises(line: Line, vendor: str) -> bool:
    """Whether a sentence tells the reader what they gain: of them, by a request, or of what the vendor does."""
    if line.form == "row" or _is_no_promise(line):
        return False
    early = " ".join(line.text.split()[:4])
    ours = has_words(vendor, early) or re.match(r"(?:we|our)\b", line.text, re.IGNORECASE)
    return bool(_YOU.search(line.text) or is_imperative(line.text) or ours) and bool(_GAIN.search(line.text))


def _is_no_promise(line: Line) -> bool:
    text = line.text
    return (
        text.rstrip().endswith("?")
        or bool(_WEAK_START.match(text) or _NO_PROMISE.search(text) or cues.STALE_OFFER.search(text))
        or bool(re.search(r"\b(?:I|my|me)\b|[“”]|\*|[$€£]\s?\d", text))
    )


def _proposition(heading: Line, text: Line) -> ValueProposition[Cite]:
    title = re.sub(r"^\d+[.)]\s*", "", heading.text).strip(" .")
    said = _STARTS_A_PROMISE.sub("", text.text)
    return ValueProposition[Cite](title=title, text=said, evidence=tuple(dict.fromkeys((heading.cite, text.cite))))
