"""What the vendor sells, to whom, and what it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import Offering, Price, TargetPersona, UseCase, ValueProposition
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.customers import claim, whole
from octave_mcp.models.extractive.reading import Line, ReadPage, Section, cells

_OFFERS = re.compile(
    r"(?:(?:our|key|all|main|core|the)\s+)?(?:products?|features|platform|modules|services|solutions|capabilities|"
    r"what we (?:do|offer)|产品|功能)"
    r"(?:\s+(?:overview|and \w+|& \w+))?",
    re.IGNORECASE,
)
_OF_A_PART = re.compile(
    rf"{_OFFERS.pattern}|(?:(?:our|key|all|main|the)\s+)?(?:benefits|advantages|highlights|overview|introduction|details)",
    re.IGNORECASE,
)
_NOT_AN_OFFER = re.compile(
    r"^(?:how|why|what|who|where|when|is|are|can|do|does|get|start|see|talk|contact|customers?|trusted|faq|pricing|links|"
    r"request|ready|"
    r"frequently|resources|about|our|the|we|more|learn)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"[$€£¥]\s?\d|\bfree\b|\bcustom\b|\d+\s?(?:%|percent) (?:less|off)|contact (?:us|sales)", re.IGNORECASE
)
_YOU = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)
_WHO = re.compile(
    r"\b(?:built|designed|made|build|ideal|perfect|intended|a good fit|best) "
    r"(?:primarily |mainly |specifically )?for\b|"
    r"\bwe (?:build|sell) (?:for|to)\b|\bideal customer\b|\bdesigned for .+ (?:teams|engineers|companies|startups)\b",
    re.IGNORECASE,
)
_PERSONA_HEADING = re.compile(r"^(?:persona\s*:\s*|the\s+)?(?P<name>.+?)$", re.IGNORECASE)
_WANTS = re.compile(r"^(?:goals?|wants?|what (?:they|she|he) wants?|needs|deal-?makers?)\b", re.IGNORECASE)
_FEARS = re.compile(r"^(?:challenges?|pains?|pain points|frustrations?|deal-?breakers?|worries)\b", re.IGNORECASE)
_GERUND = re.compile(r"^[A-Z][a-z]+ing(?:\s+\w+){2,9}$")


def offerings(pages: Sequence[ReadPage], vendor: str) -> Iterator[Offering[Cite]]:
    for page in pages:
        if page.page.kind == "product" and (own := _page_as_offering(page, vendor)):
            yield own
        if page.page.kind in {"home", "product", "pricing"}:
            yield from _listed(page)
        if page.page.kind == "pricing":
            yield from _priced(page)


def _page_as_offering(page: ReadPage, vendor: str) -> Offering[Cite] | None:
    headline = page.headline
    if headline is None or not 1 <= len(headline.text.split()) <= 8 or _OFFERS.fullmatch(headline.text):
        return None
    if has_words(vendor, headline.text) and len(headline.text.split()) > 3:
        return None
    name = re.split(r":\s|\s[–—]\s", headline.text)[0]
    lines = [
        li
        for li in page.lines
        if li is not headline and len(li.text.split()) > 4 and li.form not in {"row", "attribution", "logos"}
    ]

    def describes(at: int) -> float:
        text = lines[at].text
        return has_words(vendor, text) + has_words(name, text) + bool(_YOU.search(text)) - 0.4 * at

    best = max(range(min(len(lines), 6)), key=describes, default=None)
    return _offering(name, lines[best], headline) if best is not None else None


def _offering(
    name: str, description: Line | None, named: Line, kind: str = "product", prices: Sequence[Price[Cite]] = ()
) -> Offering[Cite]:
    lines = [named, *([description] if description else [])]
    return Offering[Cite].model_validate(
        {
            "name": name.strip(" .:"),
            "kind": kind,
            "description": description.text if description and description is not named else "",
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
        elif inside and _is_name(heading.text) and (told := next(filter(whole, section.lines[:2]), None)):
            yield _offering(heading.text, told, heading)
        if inside and heading.level == level:
            yield from _bullets(section)


def _bullets(section: Section) -> Iterator[Offering[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{2,40})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and _is_name(match["name"]):
            yield _offering(match["name"], None, line).model_copy(update={"description": match["rest"]})


def _is_name(text: str) -> bool:
    return 1 <= len(text.split()) <= 7 and not _NOT_AN_OFFER.match(text) and not text.endswith(("?", "!"))


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
        if section.heading and amounts and (_is_name(section.title) or section.title.endswith("?")):
            prices = [
                Price[Cite](plan=_plan(section.title), terms=line.text, evidence=(line.cite,)) for line in amounts[:3]
            ]
            yield _offering(_plan(section.title), None, section.heading, "plan", prices)


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


def value_propositions(pages: Sequence[ReadPage], vendor: str) -> Iterator[ValueProposition[Cite]]:
    for page in pages:
        if page.page.kind not in {"home", "product", "persona"}:
            continue
        if page.page.kind == "home" and page.headline:
            text = next((line for line in page.prose if whole(line)), page.headline)
            yield _proposition(page.headline, text)
        for section in page.sections:
            if section.heading and section.heading is not page.headline and (text := _promise(section, page.page.kind)):
                yield _proposition(_title_line(page, section.heading), text)


def _title_line(page: ReadPage, heading: Line) -> Line:
    """The page's headline in place of a heading that names only a part of a page: 'Features'."""
    return page.headline if page.headline and _OF_A_PART.fullmatch(heading.text) else heading


def _promise(section: Section, kind: PageKind) -> Line | None:
    """The sentence under a heading that promises the reader something."""
    labelled = next((li for li in section.lines if re.match(r"(?:Proposition|Promise|Result)\s*:", li.text)), None)
    if labelled or kind == "persona" or not _is_name(section.title):
        return labelled
    return next((li for li in section.lines if whole(li) and _YOU.search(li.text) and not _is_offer_of_help(li)), None)


def _is_offer_of_help(line: Line) -> bool:
    return bool(cues.STALE_OFFER.search(line.text)) or line.form in {"row", "quote"}


def _proposition(heading: Line, text: Line) -> ValueProposition[Cite]:
    said = re.sub(r"^(?:Proposition|Promise|Result)\s*:\s*", "", text.text)
    title = re.sub(r"^\d+[.)]\s*", "", heading.text).strip(" .")
    return ValueProposition[Cite](title=title, text=said, evidence=tuple(dict.fromkeys((heading.cite, text.cite))))


def use_cases(pages: Sequence[ReadPage], vendor: str) -> Iterator[UseCase[Cite]]:
    for page in pages:
        if page.page.kind not in {"case_study", "persona", "product"}:
            continue
        for section in page.sections:
            fits = _GERUND.match(section.title) or (
                page.page.kind == "persona" and re.search(r"use.case", section.title, re.IGNORECASE)
            )
            text = next((line for line in section.lines if whole(line)), None)
            if section.heading and fits and text:
                yield UseCase[Cite](title=section.title, text=text.text, evidence=(section.heading.cite, text.cite))


def target_personas(pages: Sequence[ReadPage], vendor: str) -> Iterator[TargetPersona[Cite]]:
    for page in pages:
        if page.page.kind == "persona":
            yield from _described(page)
        for section in page.sections:
            yield from _for_whom(section, page, vendor)


def _described(page: ReadPage) -> Iterator[TargetPersona[Cite]]:
    """Personas with goals and challenges under headings of their own; ideal customers in tables."""
    for at, section in enumerate(page.sections):
        if section.heading is None or section.heading.level < 2:
            continue
        below = _below(page.sections, at)
        goals = [line for part in below if _WANTS.match(part.title) for line in part.lines if line.form == "item"]
        pains = [line for part in below if _FEARS.match(part.title) for line in part.lines if line.form == "item"]
        if goals or pains:
            yield _persona(
                "persona",
                _PERSONA_HEADING.sub(r"\g<name>", section.title),
                _first(section, below),
                section.heading,
                goals,
                pains,
            )
        elif rows := [line for line in section.lines if line.form == "row"]:
            yield from _ideal(section.heading, rows)


def _below(sections: Sequence[Section], at: int) -> list[Section]:
    level = sections[at].heading.level if sections[at].heading else 0  # pyright: ignore[reportOptionalMemberAccess]
    found: list[Section] = []
    for section in sections[at + 1 :]:
        if section.heading is None or section.heading.level <= level:
            break
        found.append(section)
    return found


def _first(section: Section, below: Sequence[Section]) -> Line | None:
    """What says best who it is: the row of job titles, else the first sentence."""
    lines = [line for part in (section, *below) for line in part.lines]
    titles = next(
        (
            line
            for line in lines
            if line.form == "row" and cues.function_of(line.text) and "titles" not in line.text.casefold()
        ),
        None,
    )
    return titles or next((line for line in lines if whole(line)), None)


def _persona(
    kind: str, title: str, text: Line | None, heading: Line, goals: Sequence[Line] = (), pains: Sequence[Line] = ()
) -> TargetPersona[Cite]:
    return TargetPersona[Cite].model_validate(
        {
            "kind": kind,
            "title": title.strip(" .:"),
            "text": (text or heading).text,
            "goals": tuple(claim(line) for line in goals[:4]),
            "pains": tuple(claim(line) for line in pains[:4]),
            "evidence": tuple(dict.fromkeys((heading.cite, (text or heading).cite))),
        }
    )


def _ideal(heading: Line, rows: Sequence[Line]) -> Iterator[TargetPersona[Cite]]:
    """A table that describes the ideal customer: its column's head is who, its rows say what they are like."""
    if not re.search(r"ICP|ideal|customer profile|who (?:we|is)|good fit|fit", heading.text, re.IGNORECASE):
        return
    head = cells(rows[0])
    title = next((cell for cell in head[1:] if cell), heading.text)
    for row in rows[1:3]:
        described = cells(row)
        if len(described) > 1 and described[1]:
            persona = _persona("icp", f"{title}: {described[0].casefold()}", row, heading)
            yield persona.model_copy(update={"text": described[1], "evidence": (row.cite, rows[0].cite)})


def _for_whom(section: Section, page: ReadPage, vendor: str) -> Iterator[TargetPersona[Cite]]:
    """Sentences that say for whom the vendor builds."""
    asks_who = re.match(rf"who is {re.escape(vendor)} for", section.title, re.IGNORECASE)
    if page.page.kind in {"case_study", "news", "careers", "docs"}:
        return
    for line in section.lines:
        ours = has_words(vendor, line.text) or re.search(r"\b[Ww]e\b", line.text)
        if whole(line) and (asks_who or (_WHO.search(line.text) and ours)):
            kind = "persona" if cues.function_of(line.text) else "icp"
            yield _persona(kind, _who(line.text, vendor), line, line)


def _who(text: str, vendor: str) -> str:
    """For whom, in the sentence's own words: '... is built for engineers at startups.' gives the last part."""
    match = re.search(
        r"\b(?:for|to)\s+(?P<who>[^.,;:()]{4,70})", text[(found.start() if (found := _WHO.search(text)) else 0) :]
    )
    return match["who"].strip() if match else f"Who {vendor} is for"
