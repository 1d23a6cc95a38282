"""Who buys from the vendor, what it did for them, and what they say of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.domain.vendor import CaseStudy, ProofPoint, ReferenceCustomer
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.names import (
    Person,
    attributed,
    company_name,
    customer_in_headline,
    customer_of_story,
    logos,
    said_by,
)
from octave_mcp.models.extractive.quoting import stands_alone
from octave_mcp.models.extractive.reading import Line, ReadPage

_WHOLE = re.compile(r"[.!?。！？][\"”’)]*$")
_CERTIFICATE = re.compile(r"\b(?:SOC ?2|ISO ?27001|HIPAA|PCI[ -]DSS|GDPR|CCPA|FedRAMP)\b")
_OF_CUSTOMERS = frozenset({"home", "customers", "case_study", "product", "pricing", "persona"})
"""Pages on which who is quoted is a customer; elsewhere investors, partners and strangers are quoted too."""
_EARLIER = re.compile(
    r"\W*(?:before|prior to|until|previously|originally|initially|in (?:late |early )?\d{4})\b", re.IGNORECASE
)
_BEFORE = re.compile(r"challenge|problem|before|background|^about|situation", re.IGNORECASE)
_HELD = re.compile(
    r"^(?:we|our \w+|\S+) (?:is|are|have been|was) .*\b(?:certified|compliant|audited)\b|"
    r"^(?:SOC|ISO|HIPAA|GDPR|PCI|CCPA|FedRAMP)[\w /-]{0,25}(?:certified|compliant|report\b.*|certificate)[\w ,;.]*$",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:process of|may|will|plan\w*|not|guide|guidance|help|hope|working (?:on|towards)|roadmap|"
    r"future|partner|costs?|hosting|customers? (?:can|processing))\b",
    re.IGNORECASE,
)
_FIGURE_FIRST = re.compile(r"[$€£]?\d[\d,.]*(?:\s?%|\+|x\b|[kKmMbB]\b|,\d{3})|[$€£]?\d{3,}\s")
_AWARD = re.compile(r"\b(?:award|awarded|winner|named (?:a )?leader|leader in|top-\d+|#1|best place)\b", re.IGNORECASE)


def whole(line: Line) -> bool:
    """Whether a line is a sentence to its end, not an excerpt cut short or a label."""
    return bool(_WHOLE.search(line.text)) and 5 <= len(line.text.split()) <= 45


def claim(line: Line, *more: Line) -> Claim[Cite]:
    return Claim[Cite](text=_balanced(line.text), evidence=(line.cite, *(extra.cite for extra in more)))


def _balanced(text: str) -> str:
    """Without quotation marks that open or close what the sentence is only a part of."""
    return text if text.count("“") == text.count("”") and text.count('"') % 2 == 0 else text.strip('“”" ')


def reference_customers(pages: Sequence[ReadPage], vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    """Customers the vendor shows as such: by a story, under praise, on a logo wall, or in a statement of its own.

    A company only named on a customer's page (its clients, its tools) is not one.
    """
    for page in pages:
        if page.page.kind == "case_study":
            yield from _by_story(page, vendor)
            continue
        before = ""
        for line in page.lines:
            for name in logos(line, before):
                if company_name(name, vendor):
                    yield _customer(name, "logo", line)
            if _heads_a_story(line, page, vendor) and (name := customer_in_headline(line.text, vendor)):
                yield _customer(name, "story", line)
            yield from _by_statement(line, vendor)
            before = line.text if line.form == "sentence" else ""
    yield from _by_praise(pages, vendor)


def _by_story(page: ReadPage, vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    if story := customer_of_story(page, vendor):
        yield _customer(story[0], "story", story[1], industry=_fact(page, "Industr"))


def _heads_a_story(line: Line, page: ReadPage, vendor: str) -> bool:
    """A heading is a customer's story on the customers page, or where it names the vendor, as a story does."""
    if line.form != "heading" or line.level == 1:
        return False
    return page.page.kind == "customers" or (page.page.kind in {"home", "product"} and has_words(vendor, line.text))


_STATEMENT = re.compile(
    r"(?:trusted|used|loved|chosen)\s+by\s+(?:[a-z]+\s+){0,4}?"
    r"(?:like\s+|at\s+|such as\s+|including\s+)?(?P<names>[A-Z][^.!?;:]{2,160})"
)


def _by_statement(line: Line, vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    """'Acme is trusted by ...', of the vendor itself."""
    match = _STATEMENT.search(line.text)
    if match is None or not (
        has_words(vendor, line.text[: match.start()]) or line.text.startswith(("Trusted", "Used", "Loved"))
    ):
        return
    for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", match["names"]):
        if part[:1].isupper() and (name := company_name(part, vendor)) and all(w[:1].isupper() for w in name.split()):
            yield _customer(name, "statement", line)


def _by_praise(pages: Sequence[ReadPage], vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    for page in pages:
        for _, line, person in _praises_in(page, vendor):
            if person.company and (name := company_name(person.company, vendor)):
                yield _customer(name, "testimonial", line)


def _customer(name: str, shown_as: str, line: Line, industry: str | None = None) -> ReferenceCustomer[Cite]:
    return ReferenceCustomer[Cite].model_validate(
        {"name": name, "shown_as": shown_as, "industry": industry, "evidence": (line.cite,)}
    )


def _fact(page: ReadPage, label: str) -> str | None:
    """The value of a 'Label: value' line of the page's facts."""
    line = next((li for li in page.lines if li.form == "item" and li.text.startswith(label) and ":" in li.text), None)
    return line.text.split(":", 1)[1].strip() if line else None


def case_studies(pages: Sequence[ReadPage], vendor: str) -> Iterator[CaseStudy[Cite]]:
    for page in pages:
        story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
        if story and page.headline:
            yield _case_study(page, page.headline, story[0], story[1], vendor)


def _case_study(page: ReadPage, headline: Line, customer: str, named: Line, vendor: str) -> CaseStudy[Cite]:
    body = [line for line in page.prose if whole(line)]
    challenge = _best(body[: max(6, len(body) // 2)], lambda line: _challenge_points(line, customer, vendor))
    solution = _best(body, lambda line: _solution_points(line, vendor) if line != challenge else 0)
    return CaseStudy[Cite](
        customer=customer,
        headline=headline.text,
        industry=_fact(page, "Industr"),
        challenge=claim(challenge) if challenge else None,
        solution=claim(solution) if solution else None,
        results=tuple(claim(line) for line in _results(page, headline, customer, vendor, {challenge, solution})),
        evidence=tuple(dict.fromkeys((headline.cite, named.cite))),
    )


def _best(lines: Sequence[Line], points: Callable[[Line], float]) -> Line | None:
    best = max(lines, key=points, default=None)
    return best if best is not None and points(best) > 0 else None


def _challenge_points(line: Line, customer: str, vendor: str) -> float:
    found = len(cues.PROBLEM.findall(line.text))
    told = (
        0.5 * has_words(customer, line.text)
        - 2 * has_words(vendor, line.text)
        - 3 * bool(cues.DESCRIPTION.search(line.text))
    )
    return found and found + told


def _solution_points(line: Line, vendor: str) -> float:
    if not has_words(vendor, line.text) or _EARLIER.match(line.text):
        return 0
    return (
        1
        + len(cues.ADOPTION.findall(line.text))
        - 0.5 * line.text.startswith(("“", '"'))
        - bool(cues.DESCRIPTION.search(line.text))
    )


def _results(page: ReadPage, headline: Line, customer: str, vendor: str, taken: set[Line | None]) -> list[Line]:
    """Measured results first, then praise that names a benefit; each names the customer, or its page's title does."""
    titled = has_words(customer, page.page.title)
    adopted = next((line.block for line in page.prose if _solution_points(line, vendor) > 1), 0)
    lines = [
        line
        for line in (headline, *page.prose)
        if line not in taken
        and (line == headline or (whole(line) and _came_after(line, adopted, vendor)))
        and (titled or has_words(customer, line.text))
    ]
    measured = sorted(
        (line for line in lines if _measured(line, vendor) > 1), key=lambda line: -_measured(line, vendor)
    )
    praised = {line: _praises(line, vendor) for line in lines if line not in measured}
    quoted = sorted((line for line, points in praised.items() if points), key=lambda line: -praised[line])
    return [*measured[:3], *quoted[: 2 if len(measured) < 2 else 1]]


def _came_after(line: Line, adopted: int, vendor: str) -> bool:
    """Whether a line can tell what the vendor did for the customer: it names the vendor, or stands after who does."""
    told = has_words(vendor, line.text) or line.block >= adopted
    return told and not _BEFORE.search(line.heading) and not _EARLIER.match(line.text)


def _measured(line: Line, vendor: str) -> float:
    if not cues.MEASURED.search(line.text):
        return 0
    points = len(cues.CHANGE.findall(line.text)) + 0.5 * has_words(vendor, line.text) + (line.form == "heading")
    return (
        points + bool(re.search(r"\d\s?(?:%|percent|x\b|X)", line.text)) - 2 * bool(cues.DESCRIPTION.search(line.text))
    )


def _praises(line: Line, vendor: str) -> float:
    spoken = line.form == "quote" or line.text.startswith(("“", '"')) or bool(cues.PRAISE_VERB.search(line.text))
    found = len(cues.BENEFIT.findall(line.text))
    if cues.GRUMBLES.search(line.text) and not has_words(vendor, line.text):
        return 0
    return spoken and found and found + len(cues.OUTCOME.findall(line.text)) + has_words(vendor, line.text)


def proof_points(pages: Sequence[ReadPage], vendor: str) -> Iterator[ProofPoint[Cite]]:
    for page in pages:
        yield from _testimonials(page, vendor)
        if page.page.kind in {"home", "about", "customers", "product", "security"}:
            yield from _own_figures(page)
        yield from _certificates(page, vendor)


def _testimonials(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
    customer = story[0] if story else None
    for quote, line, person in _praises_in(page, vendor):
        if best := _two_best(quote, vendor):
            yield _testimonial(best, (line,), person, customer)
    if page.page.kind in _OF_CUSTOMERS:
        for _, lines in groupby(page.lines, key=lambda line: line.block):
            yield from _spoken([*lines], customer, vendor)


def _praises_in(page: ReadPage, vendor: str) -> Iterator[tuple[list[Line], Line, Person]]:
    """Quotations with the line under them that says whose they are; on other pages only those naming the vendor.

    A paragraph that tells in between who speaks is no part of them.
    """
    if page.page.kind in {"news", "about", "careers"}:
        return
    quote: list[Line] = []
    for _, lines in groupby(page.lines, key=lambda line: line.block):
        block = [*lines]
        person = attributed(block[0].text) if quote and (block[0].form == "attribution" or _signs(block[0])) else None
        if person and (page.page.kind in _OF_CUSTOMERS or any(has_words(vendor, said.text) for said in quote)):
            yield quote, block[0], person
        goes_on = [line for line in quote if line.form == block[0].form]
        quote = [*goes_on, *block] if all(line.spoken for line in block) and not person else []


def _signs(line: Line) -> bool:
    """'- Ada Lovelace, Analyst at Engine Works', where the page marks no attribution."""
    person = attributed(line.text) if len(line.text.split()) <= 12 else None
    return bool(person and person.role and cues.function_of(person.role))


def _spoken(block: Sequence[Line], customer: str | None, vendor: str) -> Iterator[ProofPoint[Cite]]:
    """A paragraph with a quotation and who says it."""
    for line in block:
        if line.form == "sentence" and "“" in line.text and (person := said_by(line.text)) and person.role:
            spoken = _testimonial([line], (), person, customer)
            inner = re.search(r"“([^”]{20,}?)[,.]?”", line.text)
            if inner and praises(inner[1], vendor):
                yield spoken.model_copy(update={"text": inner[1]})


def praises(text: str, vendor: str) -> bool:
    """Whether a sentence speaks well of the vendor: by its name, or of what the speaker gained, and not of others."""
    named = has_words(vendor, text)
    gained = cues.BENEFIT.search(text) or cues.MEASURED.search(text)
    own = re.search(r"\b(?:we|our|us|I|my)\b", text) and not re.search(r"\b(?:they|them|their)\b", text, re.IGNORECASE)
    return named or bool(gained and own and not cues.GRUMBLES.search(text))


def _two_best(quote: Sequence[Line], vendor: str) -> list[Line]:
    """The sentence of a quotation that praises most, with its neighbour if both are short; none if none does.

    What points back is quoted with the sentence before it, where there is room.
    """
    good = [at for at, line in enumerate(quote) if praises(line.text, vendor)]
    if not good:
        return []

    def points(at: int) -> float:
        text = quote[at].text
        figures = 2 * bool(cues.MEASURED.search(text))
        return len(cues.BENEFIT.findall(text)) + figures + 2 * has_words(vendor, text) - 0.1 * at

    best = max(good, key=points)
    first = best - 1 if best and not stands_alone(quote[best].text) else best
    pair = quote[first : first + 2]
    return [*pair] if sum(len(line.text.split()) for line in pair) <= 40 else [quote[best]]


def _testimonial(lines: Sequence[Line], more: Sequence[Line], person: Person, customer: str | None) -> ProofPoint[Cite]:
    return ProofPoint[Cite](
        kind="testimonial",
        text=" ".join(line.text for line in lines).strip('“”" '),
        person=person.name,
        role=person.role,
        company=person.company or customer,
        evidence=tuple(line.cite for line in (*lines, *more)),
    )


def _own_figures(page: ReadPage) -> Iterator[ProofPoint[Cite]]:
    """Short lines with a figure on the vendor's own pages: '6,500,000+ databases managed'."""
    for line in page.lines:
        if line.form == "item" and _FIGURE_FIRST.match(line.text) and 2 <= len(line.text.split()) <= 9:
            yield _of_vendor("metric", line)


def _certificates(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    if page.page.kind in {"case_study", "comparison", "blog", "docs", "faq"}:
        return
    for line in page.prose:
        if len(line.text.split()) <= 25 and not _NOT_YET.search(line.text):
            own = re.match(r"(?:we|our)\b", line.text, re.IGNORECASE) or has_words(
                vendor, " ".join(line.text.split()[:3])
            )
            listed = line.form == "item" and bool(_CERTIFICATE.match(line.text))
            if _CERTIFICATE.search(line.text) and _HELD.search(line.text) and (own or listed):
                yield _of_vendor("certification", line)
            elif _AWARD.search(line.text) and own:
                yield _of_vendor("award", line)


def _of_vendor(kind: str, line: Line) -> ProofPoint[Cite]:
    return ProofPoint[Cite].model_validate(
        {"kind": kind, "text": line.text, "person": None, "role": None, "company": None, "evidence": (line.cite,)}
    )
