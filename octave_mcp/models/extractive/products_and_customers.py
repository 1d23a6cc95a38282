"""Facts about the prospect's products, customers and results, found with the rules for vendor pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.domain.prospect import Fact, FactTopic
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues, customers, promises, rivals, selling, stories
from octave_mcp.models.extractive.claims import balanced
from octave_mcp.models.extractive.factual_statements import describes, states
from octave_mcp.models.extractive.headings import is_imperative
from octave_mcp.models.extractive.names import customer_in_headline, customer_of_story
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

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
_CUSTOMER_SUBJECT = re.compile(
    r"\b(?:they|he|she|we|I|(?:the|their|our|his|her) (?:\w+ )?team|their|our|his|her|the company)\b", re.IGNORECASE
)
_CONNECTIVE = re.compile(
    r"^(?:however|luckily|fortunately|more importantly|importantly|additionally|in addition|moreover|furthermore|"
    r"as a result(?: of this(?: \w+)?)?|therefore|ultimately|in particular|finally|eventually),\s+",
    re.IGNORECASE,
)
_MAX_FACTS_PER_STORY = 18
# If a text has at most this many words, it is probably only the name of a certificate and does not say who is
# certified.
_MAX_CERTIFICATE_NAME_WORDS = 3
# If a title has more words than this, it is probably a sentence, so do not put it before the text.
_MAX_TITLE = 9


def sold(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    yield from _stories(pages, company)
    yield from _praise(pages, company)
    yield from _offers(pages, company)


def _fact(topic: FactTopic, text: str, evidence: Sequence[Cite]) -> Fact[Cite]:
    return Fact[Cite](topic=topic, text=text, evidence=tuple(dict.fromkeys(evidence)))


def _stories(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    """Yield facts from customer stories, such as the headline, the challenge, the solution and the results."""
    for study in stories.case_studies(pages, company):
        yield _fact("customers", study.headline, study.evidence)
        for claim in (*study.results, study.challenge, study.solution):
            if isinstance(claim, Claim):
                yield _fact("customers", _about(claim.text, study.customer), claim.evidence)
    for page in pages:
        story = customer_of_story(page, company) if page.page.kind == "case_study" else None
        if story and has_words(story[0], page.page.title):
            lines = [line for line in page.prose if _is_about_customer(line, story[0], company)]
            yield from (_customer_fact(line, story[0]) for line in lines[:_MAX_FACTS_PER_STORY])
        elif page.page.kind in {"home", "customers", "product"}:
            yield from (_fact("customers", line.text, (line.cite,)) for line in _teasers(page, company))


def _customer_fact(line: Line, customer: str) -> Fact[Cite]:
    return _fact("customers", _about(line.text, customer), (line.cite,))


def _about(text: str, customer: str) -> str:
    """Add the customer's name if it is missing.

    Remove unpaired quotation marks. If the text starts with a connective ('Finally, '), remove the connective.
    """
    plain = _CONNECTIVE.sub("", balanced(text))
    plain = plain[:1].upper() + plain[1:]
    return plain if has_words(customer, plain) else f"{customer}: {plain}"


def _is_about_customer(line: Line, customer: str, company: str) -> bool:
    """Whether a sentence of a story says what the customer had, did, or gained."""
    if line.form == "item":
        return ":" in line.text and len(line.text.split()) > 2
    events = (cues.ADOPTION, cues.CHANGE, cues.PROBLEM, cues.MEASURED)
    named = has_words(customer, line.text) or has_words(company, line.text)
    is_theirs = line.quotes or _CUSTOMER_SUBJECT.search(line.text) or cues.MEASURED.search(line.text)
    is_telling = named or (is_theirs and any(words.search(line.text) for words in events))
    return (
        line.is_whole
        and bool(is_telling)
        and not _IS_ASIDE.search(line.text)
        and not cues.STALE_OFFER.search(line.text)
    )


def _teasers(page: ReadPage, company: str) -> Iterator[Line]:
    """Yield headings that announce the story of a customer."""
    for line in page.lines:
        is_story = page.page.kind == "customers" or has_words(company, line.text)
        if line.form == "heading" and line.level > 1 and is_story and customer_in_headline(line.text, company):
            yield line


def _praise(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    for point in customers.proof_points(pages, company):
        if point.kind == "testimonial":
            yield _fact("customers", _signed(point), point.evidence)
        elif point.kind == "certification" and len(point.text.split()) > _MAX_CERTIFICATE_NAME_WORDS:
            yield _fact("compliance", point.text, point.evidence)
        elif point.kind == "metric":
            yield _fact("scale", point.text, point.evidence)


def _signed(point: ProofPoint[Cite]) -> str:
    who = ", ".join(filter(None, (point.person, point.role, point.company)))
    return f"{point.text} ({who})" if who else point.text


def _offers(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    yield from (fact for fact in _promised(pages, company) if not _IS_HOOK.search(fact.text))


def _promised(pages: Sequence[ReadPage], company: str) -> Iterator[Fact[Cite]]:
    by_cite = {line.cite: line for page in pages for line in (*page.lines, *page.head)}

    def tells(title: str, text: str, evidence: Sequence[Cite]) -> bool:
        """Whether a text describes the product or feature in its title.

        Accept texts in other languages, because `describes` can read only English.
        """
        return not all(by_cite[cite].english for cite in evidence if cite in by_cite) or describes(title, text, company)

    for offering in selling.offerings(pages, company):
        if offering.description and tells(offering.name, offering.description, offering.evidence):
            yield _fact("offering", _titled(offering.name, offering.description), offering.evidence)
        # Skip prices that cite several lines. They come from tables, and `prospects.facts` turns table rows into facts.
        for price in (price for price in offering.pricing if len(price.evidence) == 1):
            yield _fact("pricing", _titled(price.plan, price.terms), price.evidence)
    for promise in promises.value_propositions(pages, company):
        if tells(promise.title, promise.text, promise.evidence):
            yield _fact("offering", _titled(promise.title, promise.text), promise.evidence)
    for difference in rivals.differentiators(pages, company):
        if difference.favours == "vendor" and states(difference.text):
            yield _fact("offering", difference.text, difference.evidence)


def _titled(title: str, text: str) -> str:
    """Put the title first if the text is an imperative or lacks the title: 'Export: Export a month of data'."""
    has_title = (
        (has_words(title, text) and not is_imperative(text)) or len(title.split()) > _MAX_TITLE or title.endswith("?")
    )
    return text if has_title else f"{title.rstrip(' .:!')}: {text}"
