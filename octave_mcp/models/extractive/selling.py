"""What the vendor sells, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.vendor import Offering, Price
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.claims import whole
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_instruction,
    is_named_for,
    is_named_in_path,
    is_product_name,
    leads_elsewhere,
)
from octave_mcp.models.extractive.reading import Line, ReadPage, Section, cells

LEAST_WORDS = 5
"""Of what says what a thing does."""
_OFFERS = re.compile(
    r"(?:(?:our|key|all|main|core|the|explore our)\s+)?(?:products?|platform|modules|services|solutions|"
    r"what we (?:do|offer)|产品)(?:\s+(?:overview|and \w+|& \w+))?",
    re.IGNORECASE,
)
"""Headings over lists of what is sold; what stands under "Features" is a part of it."""
_AMOUNT = re.compile(
    r"[$€£¥]\s?\d|\bfree\b|\bcustom\b|\d+\s?(?:%|percent) (?:less|off)|contact (?:us|sales)", re.IGNORECASE
)
_YOU = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
_SERVICE = re.compile(
    r"\b(?:services?|consulting|consultancy|consultants?|support|training|agency|onboarding|managed|advisory|course|"
    r"coaching|rental|repairs?|maintenance|cleaning|removal|installation|therapy|insurance|company)\b|"
    r"服务",
    re.IGNORECASE,
)
_UNDER_SERVICES = re.compile(r"/(?:[a-z-]+-)?(?:services?|consulting|training|courses?)(?:[/-]|$)")
_OF_OTHERS = re.compile(
    r"(?:most|many|some|other|traditional|typical|too many|all too|often|today|more than|nearly|almost|"
    r"by answering|as a result|for example|because|"
    r"plus|\d+)\b",
    re.IGNORECASE,
)
"""A sentence that begins so is about other tools or about the world, not about what is sold."""
_IS_NOTE = re.compile(
    r"\byou can (?:now|still)\b|\b(?:there['’]?s|is|are) now\b|\bnow (?:you can|available|supports?)\b|"
    r"\bwe(?:['’]ve| have)? (?:just |now |also |recently |been )*(?:added|released|launched|introduced|improved|"
    r"working on|"
    r"redesigned|updated)\b|\bbrand new\b|\byou will find an?\b",
    re.IGNORECASE,
)
"""What notes on a release say."""
_TOGETHER = re.compile(
    r"\band\b.{0,40}\b(?:joined forces|collaborat\w+|partner\w*|together|bring)\b|"
    r"\b(?:together|our partnership|alliance)\b.{0,20}\bwe\b",
    re.IGNORECASE,
)
"""A sentence about what two companies do together is not about a product of one."""
_OF_SPEAKER = re.compile(
    r"\b(?:I|my|me|wanted|recogni[sz]ed|invested)\b|is one of the most|"
    r"^[Ww]e(?:['’]re| are)? (?:believe|know|understand|come|include|here|actively)\b"
)
"""A speaker's words about themselves, or a sentence that points back."""
_IS_A = re.compile(
    r"(?:an?|the|our|fully|open|built|automated|free)\b[\w ,-]{0,50}\b(?:platform|tools?|software|services?|"
    r"solutions?|suite|"
    r"system|app|framework|engine|library|database|functions|management|analytics|network|plan|kit|expertise)\b",
    re.IGNORECASE,
)
_GAINED = re.compile(
    r"\b(?:you can|you(?:['’]ll| get)|so (?:that )?you|(?:lets?|helps?|allows?|enables?|gives?|makes? it|provid\w+) "
    r"(?:you|your|users|businesses|teams|companies|customers|developers|easy|easier|simple))\b",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\b(?:polic(?:y|ies)|disclosure|features|(?:media|press|brand) kit|pattern library|style ?guide|introducing|new|"
    r"improved|every|per|additional|total|mistakes?|common|process|guidelines|trademarks?|survey|matrix|pricing|"
    r"conference|"
    r"subscription cent(?:er|re))\b|^\w+(?:ed|able|ible)$",
    re.IGNORECASE,
)
_NO_PLAN = re.compile(r"^(?:our )?(?:pricing|prices|plans?|starting (?:at|from)|from)\b|add-?on", re.IGNORECASE)
_TELLS = (
    r"(?:is|are|lets?|helps?|gives?|provides?|offers?|enables?|allows?|makes?|combines?|brings?|uses?|includes?|"
    r"delivers?|automates?|connects?|turns?|shows?|comes?|supports?)"
)
_BY_NAME = re.compile(rf"[A-Z][\w&.-]*(?: [A-Z]\w+)?\s+{_TELLS}\b")
"""On a sister site, whose name is not the company's."""
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
        if (
            page.page.kind == "product"
            and not page.is_post
            and not _is_note(page)
            and (own := _page_as_offering(page, vendor))
        ):
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
            if line and _is_name(name) and _is_sold(name, page, vendor):
                told = _description(page, name, vendor)
                if told is None:
                    return None
                found = _offering(name, told, line)
                more = [other.cite for other in page.lines if _describes(other)]
                return found.model_copy(update={"evidence": tuple(dict.fromkeys((*found.evidence, *more[:3])))})
    return None


def _is_note(page: ReadPage) -> bool:
    """Whether a page is release notes."""
    return any(_IS_NOTE.search(line.text) for line in page.prose[:4])


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
    """The first sentences' best: one that says what the product or its maker does, or what the reader gets."""
    lines = [line for line in page.lines if _describes(line)][:5]
    if any(_TOGETHER.search(line.text) for line in lines[:2]):
        return None

    def points(at: int) -> float:
        return _says_what_it_does(lines[at], name, vendor) - 0.4 * at

    told = [at for at in range(len(lines)) if _says_what_it_does(lines[at], name, vendor)]
    return lines[max(told, key=points)] if told else None


def _says_what_it_does(line: Line, name: str, vendor: str) -> float:
    """How clearly a sentence is about what is sold; 0 if it is about something else."""
    text, early = line.text, " ".join(line.text.split()[:6])
    other = re.match(rf"{re.escape(vendor)} (?:[A-Z]\w+ )+(?:is|are|has)\b", text)
    if text[:1].islower() or _OF_OTHERS.match(text) or (other and not has_words(name, early)):
        return 0
    if _OF_SPEAKER.search(text):
        return 0
    ours = has_words(vendor, early) or bool(
        re.match(r"(?:we|our|it \w+s (?=.*\byour?\b))\b|with our\b", text, re.IGNORECASE)
    )
    ours = ours or bool(line.page.sister_of and _BY_NAME.match(text))
    asks = is_imperative(text) and not is_instruction(text) and len(text.split()) >= LEAST_WORDS
    told = asks or _GAINED.search(text) or _IS_A.match(text) or not line.english
    return 2 * has_words(name, early) + ours + bool(told) + 0.5 * bool((ours or told) and _YOU.search(text))


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
            "kind": kind or _kind(name, named),
            "description": description.text if description else "",
            "pricing": tuple(prices),
            "evidence": tuple(dict.fromkeys(line.cite for line in lines)),
        }
    )


def _kind(name: str, named: Line) -> str:
    is_service = _SERVICE.search(f"{name} {named.heading}") or _UNDER_SERVICES.search(urlsplit(named.page.url).path)
    return "service" if is_service else "product"


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
        elif inside and _is_name(heading.text) and (told := next(filter(_describes, section.lines[:2]), None)):
            yield _offering(heading.text, told, heading)
        if inside and heading.level == level:
            yield from _bullets(section)


def _is_name(text: str) -> bool:
    return is_product_name(text) and not _NO_NAME.search(text) and " for " not in text


def _bullets(section: Section) -> Iterator[Offering[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{2,40})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and _is_name(match["name"]) and len(match["rest"].split()) >= LEAST_WORDS:
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
    is_name = not _AMOUNT.search(title) and not _NO_PLAN.search(title)
    return 1 <= len(title.split()) <= 7 and is_name and not is_imperative(title) and not leads_elsewhere(title)


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
        if plan and column and prices and not _NO_NAME.search(plan):
            yield _offering(plan, None, header, "plan", prices[:6])
