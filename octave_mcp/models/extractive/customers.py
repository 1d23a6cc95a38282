"""Who buys from the vendor, what it did for them, and what they say of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.domain.vendor import CaseStudy, ProofPoint, ReferenceCustomer
from octave_mcp.figures import has_words
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
from octave_mcp.models.extractive.reading import Line, ReadPage

_WHOLE = re.compile(r"[.!?。！？][\"”’)]*$")
_CERTIFICATE = re.compile(r"\b(?:SOC ?2|ISO ?27001|HIPAA|PCI[ -]DSS|GDPR|CCPA|FedRAMP)\b")
_PRAISED_BY_OTHERS = frozenset({"news", "about", "careers"})
"""Pages on which investors, partners and the vendor's own people are quoted."""
_BEFORE = re.compile(r"challenge|problem|before|background|^about|situation", re.IGNORECASE)
_HELD = re.compile(r"\b(?:certified|compliant|Type (?:II|2)|certificate|audited)\b")
_NOT_YET = re.compile(
    r"\b(?:process of|may|will|plan|not|guide|guidance|help|working towards|future|customers? (?:can|processing))\b"
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
        for line in page.lines:
            for name in logos(line):
                if company_name(name, vendor):
                    yield _customer(name, "logo", line)
            if _heads_a_story(line, page, vendor) and (name := customer_in_headline(line.text, vendor)):
                yield _customer(name, "story", line)
            yield from _by_statement(line, vendor)
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
        if page.page.kind in _PRAISED_BY_OTHERS:
            continue
        for line in page.lines:
            person = attributed(line.text) if line.form == "attribution" else None
            if person and person.company and (name := company_name(person.company, vendor)):
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
    if not has_words(vendor, line.text):
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
    lines = [
        line
        for line in (headline, *page.prose)
        if line not in taken
        and (line == headline or (whole(line) and not _BEFORE.search(line.heading)))
        and (titled or has_words(customer, line.text))
    ]
    measured = sorted(
        (line for line in lines if _measured(line, vendor) > 1), key=lambda line: -_measured(line, vendor)
    )
    praised = {line: _praises(line, vendor) for line in lines if line not in measured}
    quoted = sorted((line for line, points in praised.items() if points), key=lambda line: -praised[line])
    return [*measured[:3], *quoted[: 2 if len(measured) < 2 else 1]]


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
    return spoken and found and found + len(cues.OUTCOME.findall(line.text)) + has_words(vendor, line.text)


def proof_points(pages: Sequence[ReadPage], vendor: str) -> Iterator[ProofPoint[Cite]]:
    for page in pages:
        if page.page.kind not in _PRAISED_BY_OTHERS:
            yield from _testimonials(page, vendor)
        if page.page.kind in {"home", "about", "customers", "product", "security"}:
            yield from _own_figures(page)
        yield from _certificates(page)


def _testimonials(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    story = customer_of_story(page, vendor) if page.page.kind == "case_study" else None
    customer = story[0] if story else None
    quote: list[Line] = []
    for line in page.lines:
        if line.form == "quote":
            quote.append(line)
        elif line.form == "attribution" and quote:
            if person := attributed(line.text):
                yield _testimonial(_two_best(quote), (line,), person, customer)
            quote = []
        else:
            quote = []
    for _, lines in groupby(page.lines, key=lambda line: line.block):
        yield from _spoken([*lines], customer)


def _spoken(block: Sequence[Line], customer: str | None) -> Iterator[ProofPoint[Cite]]:
    """A paragraph with a quotation and who says it."""
    for line in block:
        if line.form == "sentence" and "“" in line.text and (person := said_by(line.text)) and person.role:
            spoken = _testimonial([line], (), person, customer)
            inner = re.search(r"“([^”]{20,}?)[,.]?”", line.text)
            if inner:
                yield spoken.model_copy(update={"text": inner[1]})


def _two_best(quote: Sequence[Line]) -> list[Line]:
    """The sentence of a quotation that names most benefit, with its neighbour if both are short."""
    best = max(
        range(len(quote)),
        key=lambda at: (
            len(cues.BENEFIT.findall(quote[at].text)) + 2 * bool(cues.MEASURED.search(quote[at].text)),
            -at,
        ),
    )
    pair = quote[best : best + 2]
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


def _certificates(page: ReadPage) -> Iterator[ProofPoint[Cite]]:
    if page.page.kind in {"case_study", "comparison", "blog", "docs", "faq"}:
        return
    for line in page.prose:
        if len(line.text.split()) <= 25 and not _NOT_YET.search(line.text):
            if _CERTIFICATE.search(line.text) and _HELD.search(line.text):
                yield _of_vendor("certification", line)
            elif _AWARD.search(line.text):
                yield _of_vendor("award", line)


def _of_vendor(kind: str, line: Line) -> ProofPoint[Cite]:
    return ProofPoint[Cite].model_validate(
        {"kind": kind, "text": line.text, "person": None, "role": None, "company": None, "evidence": (line.cite,)}
    )
