"""What the vendor sells, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.vendor import Offering, Price
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.claims import whole
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_named_for,
    is_named_in_path,
    is_product_name,
    leads_elsewhere,
)
from octave_mcp.models.extractive.reading import Line, ReadPage, Section, cells

_OFFERS = re.compile(
    r"(?:(?:our|key|all|main|core|the|explore our)\s+)?(?:products?|features|platform|modules|services|solutions|"
    r"capabilities|what we (?:do|offer)|产品|功能)"
    r"(?:\s+(?:overview|and \w+|& \w+))?",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"[$€£¥]\s?\d|\bfree\b|\bcustom\b|\d+\s?(?:%|percent) (?:less|off)|contact (?:us|sales)", re.IGNORECASE
)
_YOU = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
_SERVICE = re.compile(
    r"\b(?:services?|consulting|consultancy|consultants?|support|training|agency|onboarding|managed|advisory|course|"
    r"coaching)\b|"
    r"服务",
    re.IGNORECASE,
)
_TELLS = (
    r"(?:is|are|lets?|helps?|gives?|provides?|offers?|enables?|allows?|makes?|combines?|brings?|uses?|includes?|"
    r"delivers?|automates?|connects?|turns?|shows?|comes?|supports?)"
)
_REQUEST = re.compile(
    r"\b(?:sign up|subscribe|(?:read|learn) more|click here|(?:contact|email) us|schedule a|book a|request a|"
    r"newsletter|"
    r"cookies?|terms|please|polic(?:y|ies)|rebate|coupon|checkout|shipping|download)\b",
    re.IGNORECASE,
)
_NO_PRODUCT = frozenset(
    "Inc Ltd LLC GmbH Team Teams CEO CTO Founder Founders Series Users User Customers Customer Community Blog Docs "
    "Employees Engineers Engineer Developers Stock Group Holdings And Or To".split()
)


def offerings(pages: Sequence[ReadPage], vendor: str) -> Iterator[Offering[Cite]]:
    for page in pages:
        if page.page.kind == "product" and not page.is_post and (own := _page_as_offering(page, vendor)):
            yield own
        if page.page.kind in {"home", "product", "pricing"}:
            yield from _listed(page)
            yield from _named_after(page, vendor)
        if page.page.kind == "pricing":
            yield from _priced(page)


def _page_as_offering(page: ReadPage, vendor: str) -> Offering[Cite] | None:
    """What a product page is about and describes: a name in its headline or title that its address or text repeats."""
    for line in (page.headline, *(fact for fact in page.head if fact.label == "Title")):
        for name in re.split(r":\s|\s[|–—·-]\s", line.text) if line else ():
            if line and is_product_name(name) and _is_sold(name, page, vendor):
                told = _description(page, name, vendor)
                if told is None:
                    return None
                found = _offering(name, told, line)
                more = [other.cite for other in page.lines if _describes(other)]
                return found.model_copy(update={"evidence": tuple(dict.fromkeys((*found.evidence, *more[:3])))})
    return None


def _is_sold(name: str, page: ReadPage, vendor: str) -> bool:
    if normal(name) == normal(vendor):
        return False
    tells = re.compile(rf"(?:our |the )?{re.escape(name)}\s+{_TELLS}\b", re.IGNORECASE)
    return (
        is_named_in_path(name, page.page.url, vendor)
        or is_named_for(name, vendor)
        or any(tells.match(line.text) or (not line.english and line.text.startswith(name)) for line in page.prose)
    )


def _description(page: ReadPage, name: str, vendor: str) -> Line | None:
    """The first sentences' best: one that names the product or its maker, or speaks to the reader."""
    lines = [line for line in page.lines if _describes(line)][:5]

    def points(at: int) -> float:
        text = lines[at].text
        early = " ".join(text.split()[:6])
        return 2 * has_words(name, early) + has_words(vendor, early) + bool(_YOU.search(text)) - 0.4 * at

    best = max(range(len(lines)), key=points, default=None)
    return lines[best] if best is not None and points(best) > -1 else None


def _describes(line: Line) -> bool:
    return (
        line.form in {"sentence", "item", "heading"}
        and whole(line)
        and not line.text.endswith(("?", "!"))
        and not _REQUEST.search(line.text)
        and not leads_elsewhere(line.heading)
    )


def _named_after(page: ReadPage, vendor: str) -> Iterator[Offering[Cite]]:
    """'Acme Vault is a store for secrets': what bears the vendor's name, and a sentence that says what it is."""
    told = re.compile(rf"(?P<name>{re.escape(vendor)}(?: (?:[A-Z]\w+|[A-Z]+)){{1,2}})\s+{_TELLS}\b")
    for line in page.prose:
        match = told.match(line.text) if whole(line) and line.form != "quote" else None
        if match and not _NO_PRODUCT & {*match["name"].split()}:
            yield _offering(match["name"], line, line)


def _offering(
    name: str, description: Line | None, named: Line, kind: str = "", prices: Sequence[Price[Cite]] = ()
) -> Offering[Cite]:
    lines = [named, *([description] if description else [])]
    return Offering[Cite].model_validate(
        {
            "name": name.strip(" .:"),
            "kind": kind or ("service" if _SERVICE.search(f"{name} {named.heading}") else "product"),
            "description": description.text if description else "",
            "pricing": tuple(prices),
            "evidence": tuple(dict.fromkeys(line.cite for line in lines)),
        }
    )


def _listed(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Cards and bullets under 'Features', 'Products' and the like: a name and what it does."""
    level, inside = 0, False
    for section in page.sections:
        heading = section.heading
        if heading is None:
            continue
        if _OFFERS.fullmatch(heading.text):
            level, inside = heading.level, True
        elif heading.level <= level:
            inside = False
        elif inside and is_product_name(heading.text) and (told := next(filter(_describes, section.lines[:2]), None)):
            yield _offering(heading.text, told, heading)
        if inside and heading.level == level:
            yield from _bullets(section)


def _bullets(section: Section) -> Iterator[Offering[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{2,40})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and is_product_name(match["name"]):
            yield _offering(match["name"], None, line).model_copy(update={"description": match["rest"]})


def _priced(page: ReadPage) -> Iterator[Offering[Cite]]:
    """Plans and what they cost, from tables and from headings with amounts under them."""
    for section in page.sections:
        rows = [line for line in section.lines if line.form == "row"]
        if len(rows) > 1:
            yield from _plans(rows)
        amounts = [
            line
            for line in section.lines
            if line.form != "row" and re.search(r"[$€£¥]\s?\d", line.text) and len(line.text.split()) < 40
        ]
        if section.heading and amounts and (_is_plan(section.title) or section.title.endswith("?")):
            prices = [
                Price[Cite](plan=_plan(section.title), terms=line.text, evidence=(line.cite,)) for line in amounts[:3]
            ]
            yield _offering(_plan(section.title), None, section.heading, "plan", prices)


def _is_plan(title: str) -> bool:
    return 1 <= len(title.split()) <= 7 and not is_imperative(title) and not leads_elsewhere(title)


def _plan(title: str) -> str:
    return "Usage-based pricing" if title.endswith("?") else title


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
        if plan and column and prices:
            yield _offering(plan, None, header, "plan", prices[:6])
