"""Whom the vendor builds for: kinds of people and of companies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import TargetPersona
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.audience_pages import audiences
from octave_mcp.models.extractive.claims import claim, whole
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

_WHO = re.compile(
    r"\b(?:built|designed|made|build|ideal|perfect|intended|a good fit|best) "
    r"(?:primarily |mainly |specifically |exclusively )?for\b|"
    r"\bwe (?:build|sell) (?:for|to)\b|\bideal customer\b|"
    r"\bdesigned for .{1,200} (?:teams|engineers|companies|startups)\b",
    re.IGNORECASE,
)
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
_IS_SPOKEN = re.compile(r"\b(?:we|I) (?:like|love|use|chose)\b", re.IGNORECASE)
_PERSONA_HEADING = re.compile(r"^(?:persona\s*:\s*|the\s+)?(?P<name>.+?)$", re.IGNORECASE)
_WANTS = re.compile(r"^(?:goals?|wants?|what (?:they|she|he) wants?|needs|deal-?makers?)\b", re.IGNORECASE)
_FEARS = re.compile(r"^(?:challenges?|pains?|pain points|frustrations?|deal-?breakers?|worries)\b", re.IGNORECASE)


def target_personas(pages: Sequence[ReadPage], vendor: str) -> Iterator[TargetPersona[Cite]]:
    for page in pages:
        if page.page.kind == "persona":
            yield from _described(page)
        for section in page.sections:
            yield from _for_whom(section, page, vendor)
        for found in audiences(page):
            yield _persona(found.kind, found.who, found.told, found.heading)


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
    if not re.search(r"\bICP\b|ideal customer|customer profile|who (?:we|is)|good fit", heading.text, re.IGNORECASE):
        return
    head = cells(rows[0])
    title = next((cell for cell in head[1:] if cell), heading.text)
    for row in rows[1:3]:
        described = cells(row)
        if len(described) > 1 and described[1]:
            persona = _persona("icp", f"{title}: {described[0].casefold()}", row, heading)
            yield persona.model_copy(update={"text": described[1], "evidence": (row.cite, rows[0].cite)})


def _for_whom(section: Section, page: ReadPage, vendor: str) -> Iterator[TargetPersona[Cite]]:
    """Sentences that say for whom the vendor builds: people, or companies, and not 'your workflow'."""
    asks_who = re.match(rf"who is {re.escape(vendor)} for", section.title, re.IGNORECASE)
    if page.page.kind in {"case_study", "news", "careers", "docs", "blog"}:
        return
    for line in section.lines:
        ours = (has_words(vendor, line.text) or re.search(r"\b[Ww]e\b", line.text)) and not _IS_SPOKEN.search(line.text)
        if whole(line) and line.form != "quote" and (asks_who or (_WHO.search(line.text) and ours)):
            yield from _said_for(line)


def _said_for(line: Line) -> Iterator[TargetPersona[Cite]]:
    who = _who(line.text)
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
    """For whom, in the sentence's own words: '... is built for engineers at startups.' gives the last part."""
    since = found.start() if (found := _WHO.search(text)) else 0
    match = re.search(r"\b(?:for|to)\s+(?P<who>[^.,;:()]{4,70})(?=[.,;:()])", text[since:])
    return re.sub(r"\s+that (?:\w+s|has)\b.*", "", match["who"]).strip() if match else None
