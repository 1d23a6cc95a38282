"""Offerings of a vendor: products, services and plans, with their prices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.vendor import Offering, Price
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_named_for,
    is_named_in_path,
    is_not_product_page,
    is_product_name,
    leads_elsewhere,
)
from octave_mcp.models.extractive.product_descriptions import (
    MIN_WORDS,
    TELLS,
    describes,
    description,
    is_note,
    is_status,
)
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

MAX_AMOUNT_WORDS = 40
# Headings over lists of offerings: "Our products". "Features" is not included, because a feature is only part of a
# product.
_OFFER_HEADING = re.compile(
    r"(?:(?:our|key|all|main|core|the|explore our)\s+)?(?:products?|platform|modules|services|solutions|"
    r"what we (?:do|offer)|产品)(?:\s+(?:overview|and \w+|& \w+))?",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"[$€£¥]\s?\d|\bfree\b|\bcustom\b|\d{1,9}\s?(?:%|percent) (?:less|off)|contact (?:us|sales)", re.IGNORECASE
)
_SERVICE = re.compile(
    r"\b(?:services?|consulting|consultancy|consultants?|support|training|agency|onboarding|managed|advisory|course|"
    r"coaching|rental|repairs?|maintenance|cleaning|removal|installation|therapy|insurance|company)\b|"
    r"服务",
    re.IGNORECASE,
)
# If people do work for the customer, the offering is a service: "Our experts will guide you".
_BY_PEOPLE = re.compile(
    r"\b(?:our|[A-Z]\w+) (?:\w+ ){0,2}(?:teams?|experts?|engineers|specialists) (?:can |will )?"
    r"(?:help|work|guide|assist|build|design)\b|"
    r"\b(?:we|our team) (?:can |will )?(?:consult|advise|assess|work with you|train|coach)\b"
)
_PRODUCT_PATH = re.compile(r"/(?:[a-z-]*products?|[a-z-]*services?|platform|modules|courses?)/[^/]+")
_SERVICE_PATH = re.compile(r"/(?:[a-z-]+-)?(?:services?|consulting|training|courses?)(?:[/-]|$)")
# Words of headings that are usually not names of products: "Trademark policy", "Introducing ...", "Common mistakes".
_NOT_A_NAME = re.compile(
    r"\b(?:polic(?:y|ies)|disclosure|features|(?:media|press|brand) kit|pattern library|style ?guide|introducing|new|"
    r"improved|every|per|additional|total|mistakes?|common|process|guidelines|trademarks?|survey|matrix|benchmarks?|standards?|regulations?|pricing|prices?|"
    r"conference|install\w*|instructions?|options|tracking|releases|in|with|providers?|page|"
    r"subscription cent(?:er|re))\b|^\w+(?:ed|able|ible)$",
    re.IGNORECASE,
)
_NOT_A_PLAN = re.compile(
    r"^(?:our )?(?:pricing|prices|plans?|starting (?:at|from)|from)\b|"
    r"\b(?:add-?(?:on|in)s?|plug-?ins?|extensions?|extras?|optional|options)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"[$€£¥]\s?\d")
# The vendor's name together with one of these words is not the name of a product: "Acme Inc", "Acme Customers".
_NOT_A_PRODUCT = frozenset(
    "Inc Ltd LLC GmbH Team Teams CEO CTO Founder Founders Series Users User Customers Customer Community Blog Docs "
    "Employees Engineers Engineer Developers Stock Group Holdings And Or To".split()
)


def offerings(pages: Sequence[ReadPage], vendor: str) -> Iterator[Offering[Cite]]:
    for page in pages:
        if is_not_product_page(page.page.url):
            continue
        is_product = page.page.kind == "product" and not page.is_post and not is_note(page)
        if is_product and (offering := _page_as_offering(page, vendor)):
            yield offering
        if page.page.kind == "home":
            yield from _listed(page)
        if page.page.kind in {"home", "product", "pricing"}:
            yield from _named_after(page, vendor)
        if page.page.kind == "pricing":
            yield from _priced(page)


def _page_as_offering(page: ReadPage, vendor: str) -> Offering[Cite] | None:
    """Return the product that a product page describes.

    The product's name must be in the headline or title, and also in the URL or the text.
    """
    for line in (page.headline, *(fact for fact in page.head if fact.label == "Title")):
        for name in re.split(r":\s|\s[|–—·-]\s", line.text) if line else ():
            if line and _is_name(name) and _is_sold(name, page, vendor):
                text = description(page, name, vendor, is_own=_is_own(name, page, vendor))
                if text is None:
                    return None
                offering = _offering(name, text, line)
                extra_cites = [extra.cite for extra in page.lines if describes(extra)]
                return offering.model_copy(
                    update={"evidence": tuple(dict.fromkeys((*offering.evidence, *extra_cites[:3])))}
                )
    return None


def _is_sold(name: str, page: ReadPage, vendor: str) -> bool:
    if normal(name) == normal(vendor):
        return False
    tells = re.compile(rf"(?:our |the )?{re.escape(name)}\s+{TELLS}\b", re.IGNORECASE)
    return (
        is_named_in_path(name, page.page.url, vendor)
        or is_named_for(name, vendor)
        or any(tells.match(line.text) or (not line.english and line.text.startswith(name)) for line in page.prose)
    )


def _is_own(name: str, page: ReadPage, vendor: str) -> bool:
    """Whether the URL or the name makes it certain that the page is about something for sale."""
    path = urlsplit(page.page.url).path
    return bool(_PRODUCT_PATH.search(path) or _SERVICE.search(name)) or is_named_for(name, vendor)


def _named_after(page: ReadPage, vendor: str) -> Iterator[Offering[Cite]]:
    """Yield products that carry the vendor's name, with the sentence that defines them: 'Acme Vault is a store ...'."""
    pattern = re.compile(rf"(?P<name>{re.escape(vendor)}(?: (?:[A-Z]\w+|[A-Z]+)){{1,2}})\s+{TELLS}\b")
    for line in page.prose:
        match = pattern.match(line.text) if line.is_whole and line.form != "quote" else None
        if match and not _NOT_A_PRODUCT & {*match["name"].split()} and not is_status(line.text):
            yield _offering(match["name"], line, line)


def _offering(
    name: str, description: Line | None, named: Line, kind: str = "", prices: Sequence[Price[Cite]] = ()
) -> Offering[Cite]:
    lines = [named, *([description] if description else [])]
    return Offering[Cite].model_validate(
        {
            "name": name.strip(" .:"),
            "kind": kind or _kind(name, named, description),
            "description": description.text if description else "",
            "pricing": tuple(prices),
            "evidence": tuple(dict.fromkeys(line.cite for line in lines)),
        }
    )


def _kind(name: str, named: Line, description: Line | None) -> str:
    heading = "" if named.form == "sentence" else named.heading  # a sentence below "Services" can be about a product
    by_people = description and _BY_PEOPLE.search(description.text)
    is_service = (
        by_people or _SERVICE.search(f"{name} {heading}") or _SERVICE_PATH.search(urlsplit(named.page.url).path)
    )
    return "service" if is_service else "product"


def _listed(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Yield products from cards and list items below a heading such as 'Products'.

    Use this function only for home pages, because on other pages such lists usually contain features.
    """
    level, is_inside = 0, False
    for section in page.sections:
        heading = section.heading
        if heading is None:
            continue
        if _OFFER_HEADING.fullmatch(heading.text):
            level, is_inside = heading.level, True
        elif heading.level <= level:
            is_inside = False
        elif (
            is_inside
            and _is_name(heading.text)
            and (description_line := next(filter(describes, section.lines[:2]), None))
        ):
            yield _offering(heading.text, description_line, heading)
        if is_inside and heading.level == level:
            yield from _bullets(section)


def _is_name(text: str) -> bool:
    return is_product_name(text) and not _NOT_A_NAME.search(text) and " for " not in text


def _bullets(section: Section) -> Iterator[Offering[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{2,40})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and _is_name(match["name"]) and len(match["rest"].split()) >= MIN_WORDS:
            yield _offering(match["name"], None, line).model_copy(update={"description": match["rest"]})


def _priced(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Yield plans with their prices, from tables and from headings with amounts below them.

    If headings on several levels have a price, those on the highest level are plans, and the others are add-ons.
    """
    plans: list[tuple[int, Offering[Cite]]] = []
    for before, section in pairwise((Section(None, ()), *page.sections)):
        rows = [line for line in section.lines if line.form == "row"]
        if len(rows) > 1:
            yield from _plans(rows)
        plans += [(heading.level, _plan(heading, amounts)) for heading, amounts in _amounts(before, section)]
    yield from (plan for level, plan in plans if level == min(level for level, _ in plans))


def _amounts(before: Section, section: Section) -> Iterator[tuple[Line, list[Line]]]:
    """Yield each plan heading with its amounts.

    The amounts are in the lines below or in the next heading ('$20 a month').
    """
    heading = section.heading
    if heading is None:
        return
    if before.heading and not before.lines and _PRICE.search(section.title) and _is_plan(before.title):
        yield before.heading, [heading]
    amounts = [line for line in section.lines if line.form != "row" and _is_amount(line)]
    if amounts and (_is_plan(section.title) or section.title.endswith("?")):
        yield heading, amounts


def _is_amount(line: Line) -> bool:
    return bool(_PRICE.search(line.text)) and len(line.text.split()) < MAX_AMOUNT_WORDS


def _plan(heading: Line, amounts: Sequence[Line]) -> Offering[Cite]:
    name = "Usage-based pricing" if heading.text.endswith("?") else heading.text
    prices = [Price[Cite](plan=name, terms=line.text, evidence=(line.cite,)) for line in amounts[:3]]
    return _offering(name, None, heading, "service" if re.search(r"\bservices?$", name) else "plan", prices)


def _is_plan(title: str) -> bool:
    is_name = not _AMOUNT.search(title) and not _NOT_A_PLAN.search(title)
    return 1 <= len(title.split()) <= 7 and is_name and not is_imperative(title) and not leads_elsewhere(title)


def _plans(rows: Sequence[Line]) -> Iterator[Offering[Cite]]:
    """Yield plans from a table.

    In a table with two columns, each row is a plan. Otherwise, each column with amounts is a plan.
    """
    header, *body = rows
    columns = cells(header)
    if len(columns) == 2:
        for row in body:
            pair = cells(row)
            if len(pair) == 2 and re.search(r"\d", pair[1]):
                terms = f"{pair[1]} {columns[1].casefold()}" if columns[1] and not _AMOUNT.search(pair[1]) else pair[1]
                price = Price[Cite](plan=pair[0], terms=terms, evidence=(row.cite, header.cite))
                yield _offering(pair[0], None, row, "product", [price])
        return
    for column, plan in enumerate(columns):
        complete_rows = [(row, cells(row)) for row in body if len(cells(row)) == len(columns)]
        prices = [
            Price[Cite](plan=plan, terms=f"{row[0]}: {row[column]}", evidence=(line.cite, header.cite))
            for line, row in complete_rows
            if column and row[column] and re.search(r"[$€£¥]?\d", row[column])
        ]
        if plan and column and prices and not _NOT_A_NAME.search(plan):
            yield _offering(plan, None, header, "plan", prices[:6])
