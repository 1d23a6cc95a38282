"""What the vendor sells, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.vendor import Offering, Price
from octave_mcp.models.extractive.claims import whole
from octave_mcp.models.extractive.described import MIN_WORDS, TELLS, describes, description, is_note, is_status
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_named_for,
    is_named_in_path,
    is_product_name,
    leads_elsewhere,
    stands_aside,
)
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

MAX_AMOUNT_WORDS = 40
# Headings over lists of what is sold; what stands under "Features" is a part of it.
_OFFERS = re.compile(
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
# What people do for the customer is a service.
_BY_PEOPLE = re.compile(
    r"\b(?:our|[A-Z]\w+) (?:\w+ ){0,2}(?:teams?|experts?|engineers|specialists) (?:can |will )?"
    r"(?:help|work|guide|assist|build|design)\b|"
    r"\b(?:we|our team) (?:can |will )?(?:consult|advise|assess|work with you|train|coach)\b"
)
_OF_PRODUCTS = re.compile(r"/(?:[a-z-]*products?|[a-z-]*services?|platform|modules|courses?)/[^/]+")
_UNDER_SERVICES = re.compile(r"/(?:[a-z-]+-)?(?:services?|consulting|training|courses?)(?:[/-]|$)")
_NO_NAME = re.compile(
    r"\b(?:polic(?:y|ies)|disclosure|features|(?:media|press|brand) kit|pattern library|style ?guide|introducing|new|"
    r"improved|every|per|additional|total|mistakes?|common|process|guidelines|trademarks?|survey|matrix|benchmarks?|standards?|regulations?|pricing|prices?|"
    r"conference|install\w*|instructions?|options|tracking|releases|in|with|providers?|page|"
    r"subscription cent(?:er|re))\b|^\w+(?:ed|able|ible)$",
    re.IGNORECASE,
)
_NO_PLAN = re.compile(
    r"^(?:our )?(?:pricing|prices|plans?|starting (?:at|from)|from)\b|"
    r"\b(?:add-?(?:on|in)s?|plug-?ins?|extensions?|extras?|optional|options)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"[$€£¥]\s?\d")
_NO_PRODUCT = frozenset(
    "Inc Ltd LLC GmbH Team Teams CEO CTO Founder Founders Series Users User Customers Customer Community Blog Docs "
    "Employees Engineers Engineer Developers Stock Group Holdings And Or To".split()
)


def offerings(pages: Sequence[ReadPage], vendor: str) -> Iterator[Offering[Cite]]:
    for page in pages:
        if stands_aside(page.page.url):
            continue
        is_product = page.page.kind == "product" and not page.is_post and not is_note(page)
        if is_product and (own := _page_as_offering(page, vendor)):
            yield own
        if page.page.kind == "home":
            yield from _listed(page)
        if page.page.kind in {"home", "product", "pricing"}:
            yield from _named_after(page, vendor)
        if page.page.kind == "pricing":
            yield from _priced(page)


def _page_as_offering(page: ReadPage, vendor: str) -> Offering[Cite] | None:
    """What a product page is about and describes: a name in its headline or title that its address or text repeats."""
    for line in (page.headline, *(fact for fact in page.head if fact.label == "Title")):
        for name in re.split(r":\s|\s[|–—·-]\s", line.text) if line else ():
            if line and _is_name(name) and _is_sold(name, page, vendor):
                told = description(page, name, vendor, is_own=_is_own(name, page, vendor))
                if told is None:
                    return None
                found = _offering(name, told, line)
                more = [other.cite for other in page.lines if describes(other)]
                return found.model_copy(update={"evidence": tuple(dict.fromkeys((*found.evidence, *more[:3])))})
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
    """Whether the address or the name makes it certain that the page is about something one buys."""
    path = urlsplit(page.page.url).path
    return bool(_OF_PRODUCTS.search(path) or _SERVICE.search(name)) or is_named_for(name, vendor)


def _named_after(page: ReadPage, vendor: str) -> Iterator[Offering[Cite]]:
    """'Acme Vault is a store for secrets': what bears the vendor's name, and a sentence that says what it is."""
    told = re.compile(rf"(?P<name>{re.escape(vendor)}(?: (?:[A-Z]\w+|[A-Z]+)){{1,2}})\s+{TELLS}\b")
    for line in page.prose:
        match = told.match(line.text) if whole(line) and line.form != "quote" else None
        if match and not _NO_PRODUCT & {*match["name"].split()} and not is_status(line.text):
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
    under = "" if named.form == "sentence" else named.heading  # a sentence's heading does not tell its kind
    by_people = description and _BY_PEOPLE.search(description.text)
    is_service = (
        by_people or _SERVICE.search(f"{name} {under}") or _UNDER_SERVICES.search(urlsplit(named.page.url).path)
    )
    return "service" if is_service else "product"


def _listed(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Cards and bullets of a home page under 'Products' and the like: a name and what it does.

    On other pages they are features.
    """
    level, inside = 0, False
    for section in page.sections:
        heading = section.heading
        if heading is None:
            continue
        if _OFFERS.fullmatch(heading.text):
            level, inside = heading.level, True
        elif heading.level <= level:
            inside = False
        elif inside and _is_name(heading.text) and (told := next(filter(describes, section.lines[:2]), None)):
            yield _offering(heading.text, told, heading)
        if inside and heading.level == level:
            yield from _bullets(section)


def _is_name(text: str) -> bool:
    return is_product_name(text) and not _NO_NAME.search(text) and " for " not in text


def _bullets(section: Section) -> Iterator[Offering[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{2,40})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and _is_name(match["name"]) and len(match["rest"].split()) >= MIN_WORDS:
            yield _offering(match["name"], None, line).model_copy(update={"description": match["rest"]})


def _priced(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Plans and what they cost, from tables and from headings with amounts under them.

    Plans share the highest level of priced headings; deeper ones are add-ons.
    """
    plans: list[tuple[int, Offering[Cite]]] = []
    for before, section in pairwise((Section(None, ()), *page.sections)):
        rows = [line for line in section.lines if line.form == "row"]
        if len(rows) > 1:
            yield from _plans(rows)
        plans += [(heading.level, _plan(heading, amounts)) for heading, amounts in _amounts(before, section)]
    yield from (plan for level, plan in plans if level == min(level for level, _ in plans))


def _amounts(before: Section, section: Section) -> Iterator[tuple[Line, list[Line]]]:
    """A plan's heading and its amounts: those under it, or the heading that follows at once: '$20 a month'."""
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
    is_name = not _AMOUNT.search(title) and not _NO_PLAN.search(title)
    return 1 <= len(title.split()) <= 7 and is_name and not is_imperative(title) and not leads_elsewhere(title)


def _plans(rows: Sequence[Line]) -> Iterator[Offering[Cite]]:
    """A table of plans: each column with an amount is a plan; in a table of two columns each row is one."""
    header, *body = rows
    heads = cells(header)
    if len(heads) == 2:
        for row in body:
            pair = cells(row)
            if len(pair) == 2 and re.search(r"\d", pair[1]):
                terms = f"{pair[1]} {heads[1].casefold()}" if heads[1] and not _AMOUNT.search(pair[1]) else pair[1]
                price = Price[Cite](plan=pair[0], terms=terms, evidence=(row.cite, header.cite))
                yield _offering(pair[0], None, row, "product", [price])
        return
    for column, plan in enumerate(heads):
        found = [(row, cells(row)) for row in body if len(cells(row)) == len(heads)]
        prices = [
            Price[Cite](plan=plan, terms=f"{row[0]}: {row[column]}", evidence=(line.cite, header.cite))
            for line, row in found
            if column and row[column] and re.search(r"[$€£¥]?\d", row[column])
        ]
        if plan and column and prices and not _NO_NAME.search(plan):
            yield _offering(plan, None, header, "plan", prices[:6])
