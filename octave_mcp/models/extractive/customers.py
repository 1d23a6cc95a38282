"""Reference customers of the vendor, and proof points: testimonials, figures, awards and certificates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import ProofPoint, ReferenceCustomer
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.logo_walls import customers_on_walls
from octave_mcp.models.extractive.names import company_name, customer_of_story, fact_of, listed_story
from octave_mcp.models.extractive.own_proof import own_proof
from octave_mcp.models.extractive.praise import praises_in, testimonials
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

_STATEMENT = re.compile(
    r"(?:(?:trusted|used|loved|chosen)\s+by\s+(?:[a-z]+\s+){0,4}?"
    r"(?:like\s+|at\s+|such as\s+|including\s+)?|"
    r"\b[Cc]ustomers,?\s+(?:like|such as|including|include)\s+)(?P<names>[A-Z][^.!?;:(]{2,160})"
)
# If a sentence starts with one of these words, it counts even if it does not name the vendor: 'Customers like Globex
# and Initech ...'.
_STATEMENT_STARTS = ("Trusted", "Used", "Loved", "Customers", "Our customers", "Our Customers")
_CUSTOMER_FACT = re.compile(r"(?:Industr\w+|Users|Tools used|Products? used|Location|Use cases?|Company size|Size)\s*:")


def reference_customers(pages: Sequence[ReadPage], vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    """Yield the companies that the vendor presents as customers.

    Vendors present customers in stories, under testimonials, on logo walls and in statements. Companies that are only
    mentioned on a customer's page, such as the customer's own clients and tools, do not count.
    """
    for page in pages:
        if page.page.kind == "case_study":
            yield from _by_story(page, vendor)
            continue
        for name, line in customers_on_walls(page):
            if company_name(name, vendor):
                yield _customer(name, "logo", line)
        for line in page.lines:
            if name := listed_story(line, page, vendor):
                yield _customer(name, "story", line)
            yield from _by_statement(line, vendor)
    yield from _by_praise(pages, vendor)


def _by_story(page: ReadPage, vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    """Yield the customer whose story the page tells. Cite up to four facts, such as the industry and the tools used."""
    if story := customer_of_story(page, vendor):
        facts = [li for li in page.lines if li.form == "item" and _CUSTOMER_FACT.match(li.text)]
        yield _customer(story[0], "story", story[1], *facts[:4], industry=fact_of(page, "Industr"))


def _by_statement(line: Line, vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    """Yield the customers that a sentence about the vendor names: 'Acme is trusted by ...'."""
    match = _STATEMENT.search(line.text)
    if match is None or line.form == "quote":
        return
    before = line.text[: match.end() - len(match["names"])]
    # Without this check, 'Globex is used by Initech' on the vendor's blog would list Initech as a customer.
    is_subject = re.search(rf"(?<!\w){re.escape(vendor)}\W+(?:\w+\s+){{0,3}}$", line.text[: match.start()])
    if not (is_subject or line.text.startswith(_STATEMENT_STARTS) or re.search(r"\b[Oo]ur customers\b", before)):
        return
    for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", match["names"]):
        if part[:1].isupper() and (name := company_name(part, vendor)) and all(w[:1].isupper() for w in name.split()):
            yield _customer(name, "statement", line)


def _by_praise(pages: Sequence[ReadPage], vendor: str) -> Iterator[ReferenceCustomer[Cite]]:
    for page in pages:
        if page.page.kind == "integrations":
            continue  # A person quoted on an integrations page may work for a partner.
        for quote, signature, person in praises_in(page, vendor):
            if person.role and person.company and (name := company_name(person.company, vendor)):
                yield _customer(
                    name, "testimonial", signature, *(line for line in quote[:2] if has_words(vendor, line.text))
                )


def _customer(name: str, shown_as: str, *lines: Line, industry: str | None = None) -> ReferenceCustomer[Cite]:
    evidence = tuple(dict.fromkeys(line.cite for line in lines))
    return ReferenceCustomer[Cite].model_validate(
        {"name": name, "shown_as": shown_as, "industry": industry, "evidence": evidence}
    )


def proof_points(pages: Sequence[ReadPage], vendor: str) -> Iterator[ProofPoint[Cite]]:
    for page in pages:
        yield from testimonials(page, vendor)
        yield from own_proof(page, vendor)
