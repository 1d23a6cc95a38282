"""What the prospect sells, to whom and with what result, as facts of it: found as the same things of a vendor are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.domain.prospect import Fact, FactTopic
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues, customers, promises, rivals, selling, stories
from octave_mcp.models.extractive.claims import balanced, whole
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.names import customer_in_headline, customer_of_story
from octave_mcp.models.extractive.stating import describes, states
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# What speaks of the reader, or asks, says nothing of what is sold.
_IS_HOOK = re.compile(
    r"(?:^|: )(?:you (?:know|already|are|have|want|need|can['’]t|don['’]t)|you['’]re|your (?:teams?|business|"
    r"customers|data|company) (?:is|are|has|have|need)|"
    r"today, there|in (?:a|today['’]s) (?:\w+ )?(?:world|market|landscape)|imagine|tired of|are you|ready to|"
    r"if you|as your|when (?:an?|you|your)|but|there (?:are|is)|"
    r"what|why|how do|they|this|that|these|it)\b|\?$|^(?:questions|faq|connect with|contact|eligib|get in touch|"
    r"request|schedule|register)|\bregistration is\b|: (?:visit|submit|sign up|read|see) ",
    re.IGNORECASE,
)
_IS_ASIDE = re.compile(
    r"\?[\"”]?$|^\W*(?:it|this|that|these|those|there|one such|but|and|so|or)\b|\b(?:you|your)\b", re.IGNORECASE
)
_THEIRS = re.compile(
    r"\b(?:they|he|she|we|I|(?:the|their|our|his|her) (?:\w+ )?team|their|our|his|her|the company)\b", re.IGNORECASE
)
_TIES = re.compile(
    r"^(?:however|luckily|fortunately|more importantly|importantly|additionally|in addition|moreover|furthermore|"
    r"as a result(?: of this(?: \w+)?)?|therefore|ultimately|in particular|finally|eventually),\s+",
    re.IGNORECASE,
)
_PER_STORY = 18
# The name of a standard alone says nothing.
_LABEL_WORDS = 3
# Words; a title with fewer says what the text after it is about.
_SHORT = 9


def sold(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    yield from _stories(pages, company)
    yield from _praise(pages, company)
    yield from _offers(pages, company)


def _fact(topic: FactTopic, text: str, evidence: Sequence[Cite]) -> Fact[Cite]:
    return Fact[Cite](topic=topic, text=text, evidence=tuple(dict.fromkeys(evidence)))


def _stories(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    """What its customers' stories tell: the headline, and what the customer does, did before, and gained."""
    for study in stories.case_studies(pages, company):
        yield _fact("customers", study.headline, study.evidence)
        for claim in (*study.results, study.challenge, study.solution):
            if isinstance(claim, Claim):
                yield _fact("customers", _told_of(claim.text, study.customer), claim.evidence)
    for page in pages:
        story = customer_of_story(page, company) if page.page.kind == "case_study" else None
        if story and has_words(story[0], page.page.title):
            told = [line for line in page.prose if _is_of_customer(line, story[0], company)]
            yield from (_of_customer(line, story[0]) for line in told[:_PER_STORY])
        elif page.page.kind in {"home", "customers", "product"}:
            yield from (_fact("customers", line.text, (line.cite,)) for line in _teasers(page, company))


def _of_customer(line: Line, customer: str) -> Fact[Cite]:
    """With the name of whom it is about, where the sentence itself does not say."""
    return _fact("customers", _told_of(line.text, customer), (line.cite,))


def _told_of(text: str, customer: str) -> str:
    """Without marks of which it has only one, and words that tie it to what stood before."""
    plain = _TIES.sub("", balanced(text))
    plain = plain[:1].upper() + plain[1:]
    return plain if has_words(customer, plain) else f"{customer}: {plain}"


def _is_of_customer(line: Line, customer: str, company: str) -> bool:
    """Whether a sentence of a story tells what the customer had, did, or gained."""
    if line.form == "item":
        return ":" in line.text and len(line.text.split()) > 2
    told = (cues.ADOPTION, cues.CHANGE, cues.PROBLEM, cues.MEASURED)
    named = has_words(customer, line.text) or has_words(company, line.text)
    is_theirs = line.quotes or _THEIRS.search(line.text) or cues.MEASURED.search(line.text)
    is_telling = named or (is_theirs and any(words.search(line.text) for words in told))
    return (
        whole(line) and bool(is_telling) and not _IS_ASIDE.search(line.text) and not cues.STALE_OFFER.search(line.text)
    )


def _teasers(page: ReadPage, company: str) -> Iterator[Line]:
    """Headings that are those of customers' stories."""
    for line in page.lines:
        is_story = page.page.kind == "customers" or has_words(company, line.text)
        if line.form == "heading" and line.level > 1 and is_story and customer_in_headline(line.text, company):
            yield line


def _praise(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    for point in customers.proof_points(pages, company):
        if point.kind == "testimonial":
            yield _fact("customers", _signed(point), point.evidence)
        elif point.kind == "certification" and len(point.text.split()) > _LABEL_WORDS:
            yield _fact("compliance", point.text, point.evidence)
        elif point.kind == "metric":
            yield _fact("scale", point.text, point.evidence)


def _signed(point: ProofPoint[Cite]) -> str:
    who = ", ".join(filter(None, (point.person, point.role, point.company)))
    return f"{point.text} ({who})" if who else point.text


def _offers(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    yield from (fact for fact in _promised(pages, company) if not _IS_HOOK.search(fact.text))


def _promised(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    shown = {line.cite: line for page in pages for line in (*page.lines, *page.head)}

    def tells(title: str, text: str, evidence: Sequence[Cite]) -> bool:
        """Whether a text is about what it stands under. Only English can be judged so."""
        return not all(shown[cite].english for cite in evidence if cite in shown) or describes(title, text, company)

    for offering in selling.offerings(pages, company):
        if offering.description and tells(offering.name, offering.description, offering.evidence):
            yield _fact("offering", _titled(offering.name, offering.description), offering.evidence)
        for price in (price for price in offering.pricing if len(price.evidence) == 1):  # a table's rows are facts
            yield _fact("pricing", _titled(price.plan, price.terms), price.evidence)
    for promise in promises.value_propositions(pages, company):
        if tells(promise.title, promise.text, promise.evidence):
            yield _fact("offering", _titled(promise.title, promise.text), promise.evidence)
    for own in rivals.differentiators(pages, company):
        if own.favours == "vendor" and states(own.text):
            yield _fact("offering", own.text, own.evidence)


def _titled(title: str, text: str) -> str:
    """A title stands before a text that does not have it, and before a request: 'Export: Export a month'."""
    has_title = (
        (has_words(title, text) and not is_imperative(text)) or len(title.split()) > _SHORT or title.endswith("?")
    )
    return text if has_title else f"{title.rstrip(' .:!')}: {text}"
