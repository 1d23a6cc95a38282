"""Target personas: the kinds of people and companies that the vendor builds for, according to its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import TargetPersona
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.audience_pages import audiences
from octave_mcp.models.extractive.claims import claim
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

_BUILT_FOR = re.compile(
    r"\b(?:built|designed|made|build|ideal|perfect|intended|a good fit|best) "
    r"(?:primarily |mainly |specifically |exclusively )?for\b|"
    r"\bwe (?:build|sell) (?:for|to)\b|\bideal customer\b|"
    r"\bdesigned for .{1,200} (?:teams|engineers|companies|startups)\b",
    re.IGNORECASE,
)
# An audience that matches both this pattern and `_PEOPLE` ('engineers at startups') is a persona.
_COMPANIES = re.compile(
    r"\b(?:compan(?:y|ies)|business(?:es)?|startups?|enterprises?|organi[sz]ations|agenc(?:y|ies)|retailers?|brands|"
    r"firms?|"
    r"stores|shops|schools|universities|hospitals|clinics|banks|manufacturers|nonprofits|publishers|merchants|"
    r"industries|"
    r"e-?commerce|SMBs?|governments?|municipalities|contractors|employers)\b",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"\b(?:teams?|founders?|people|professionals|freelancers|creators|leaders|managers|users|buyers|students|families|"
    r"engineers?|developers?|marketers?|designers?|analysts?|scientists|engineering|operators|accountants|therapists|"
    r"parents|homeowners|teachers|individuals|makers|beginners|recruiters|hobbyists)\b",
    re.IGNORECASE,
)
# In these sentences, 'we' is usually a customer and not the vendor: 'We love Acme: it is built for teams'.
_CUSTOMER_SPEAKS = re.compile(r"\b(?:we|I) (?:like|love|use|chose)\b", re.IGNORECASE)
_PERSONA_HEADING = re.compile(r"^(?:persona\s*:\s*|the\s+)?(?P<name>.+?)$", re.IGNORECASE)
_GOALS = re.compile(r"^(?:goals?|wants?|what (?:they|she|he) wants?|needs|deal-?makers?)\b", re.IGNORECASE)
_PAINS = re.compile(r"^(?:challenges?|pains?|pain points|frustrations?|deal-?breakers?|worries)\b", re.IGNORECASE)


def target_personas(pages: Sequence[ReadPage], vendor: str) -> Iterator[TargetPersona[Cite]]:
    for page in pages:
        if page.page.kind == "persona":
            yield from _described_personas(page)
        for section in page.sections:
            yield from _stated_audiences(section, page, vendor)
        for audience in audiences(page):
            yield _persona(audience.kind, audience.who, audience.description, audience.heading)


def _described_personas(page: ReadPage) -> Iterator[TargetPersona[Cite]]:
    """Yield personas whose goals or challenges are listed below headings. Also yield ideal customers from tables."""
    for index, section in enumerate(page.sections):
        if section.heading is None or section.heading.level < 2:
            continue
        below = _subsections(page.sections, index)
        goals = [line for part in below if _GOALS.match(part.title) for line in part.lines if line.form == "item"]
        pains = [line for part in below if _PAINS.match(part.title) for line in part.lines if line.form == "item"]
        if goals or pains:
            yield _persona(
                "persona",
                _PERSONA_HEADING.sub(r"\g<name>", section.title),
                _description(section, below),
                section.heading,
                goals,
                pains,
            )
        elif rows := [line for line in section.lines if line.form == "row"]:
            yield from _ideal_customers(section.heading, rows)


def _subsections(sections: Sequence[Section], index: int) -> list[Section]:
    level = sections[index].heading.level if sections[index].heading else 0  # pyright: ignore[reportOptionalMemberAccess]
    subsections: list[Section] = []
    for section in sections[index + 1 :]:
        if section.heading is None or section.heading.level <= level:
            break
        subsections.append(section)
    return subsections


def _description(section: Section, below: Sequence[Section]) -> Line | None:
    """Return the line that describes the persona best: a table row with job titles, or else the first sentence."""
    lines = [line for part in (section, *below) for line in part.lines]
    titles = next(
        (
            line
            for line in lines
            if line.form == "row" and cues.function_of(line.text) and "titles" not in line.text.casefold()
        ),
        None,
    )
    return titles or next((line for line in lines if line.is_whole), None)


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


def _ideal_customers(heading: Line, rows: Sequence[Line]) -> Iterator[TargetPersona[Cite]]:
    """If a table describes the ideal customer, yield an audience for each of its first two rows.

    The column header names the ideal customer, and each row describes one property of this customer.
    """
    if not re.search(r"\bICP\b|ideal customer|customer profile|who (?:we|is)|good fit", heading.text, re.IGNORECASE):
        return
    header = cells(rows[0])
    title = next((cell for cell in header[1:] if cell), heading.text)
    for row in rows[1:3]:
        values = cells(row)
        if len(values) > 1 and values[1]:
            persona = _persona("icp", f"{title}: {values[0].casefold()}", row, heading)
            yield persona.model_copy(update={"text": values[1], "evidence": (row.cite, rows[0].cite)})


def _stated_audiences(section: Section, page: ReadPage, vendor: str) -> Iterator[TargetPersona[Cite]]:
    """Yield the audiences that a sentence of the section names, as in 'Acme is built for engineers'."""
    asks_who = re.match(rf"who is {re.escape(vendor)} for", section.title, re.IGNORECASE)
    if page.page.kind in {"case_study", "news", "careers", "docs", "blog"}:
        return
    for line in section.lines:
        by_vendor = (has_words(vendor, line.text) or re.search(r"\b[Ww]e\b", line.text)) and not (
            _CUSTOMER_SPEAKS.search(line.text)
        )
        if line.is_whole and line.form != "quote" and (asks_who or (_BUILT_FOR.search(line.text) and by_vendor)):
            yield from _stated_audience(line)


def _stated_audience(line: Line) -> Iterator[TargetPersona[Cite]]:
    who = _who(line.text)
    # Skip phrases that usually do not name an audience: 'built for your workflow', 'best for exploring data'.
    if who is None or re.match(
        r"(?:your|you|these|those|this|each|every|\w+ly|\w+ing|the needs of)\b", who, re.IGNORECASE
    ):
        return
    if re.search(r"\b(?:use|usage|workloads?|environments?|needs|purposes)\b(?: alike)?$", who, re.IGNORECASE):
        return
    if _PEOPLE.search(who):
        yield _persona("persona", who, line, line)
    elif _COMPANIES.search(who):
        yield _persona("icp", who, line, line)


def _who(text: str) -> str | None:
    """Return the audience that a sentence names: 'engineers' for '... is built for engineers.'."""
    start = built_for.start() if (built_for := _BUILT_FOR.search(text)) else 0
    match = re.search(r"\b(?:for|to)\s+(?P<who>[^.,;:()]{4,70})(?=[.,;:()])", text[start:])
    return re.sub(r"\s+that (?:\w+s|has)\b.*", "", match["who"]).strip() if match else None
