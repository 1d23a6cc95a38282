"""Whom the pages of a company name: its own people, and those who sign its testimonials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import NamedPerson
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.names import attributed, is_person
from octave_mcp.models.extractive.prospects import job_title
from octave_mcp.models.extractive.reading import Line, ReadPage, Section

_TEAM = re.compile(r"team|leadership|founders|who we are|people|management|our story|about|团队", re.IGNORECASE)


def people(pages: Sequence[ReadPage], company: str) -> Iterator[NamedPerson[Cite]]:
    for page in pages:
        for section in page.sections:
            if page.page.kind in {"about", "home"} and _TEAM.search(section.title):
                yield from _of_team(section)
        for line in page.lines:
            yield from _signer(line, company)


def _of_team(section: Section) -> Iterator[NamedPerson[Cite]]:
    for line in section.lines:
        name, _, role = line.text.rstrip(".").partition(", ")
        title, function = job_title(role)
        if line.form in {"item", "sentence"} and is_person(name) and function:
            yield NamedPerson[Cite](name=name, title=title, where="team", employer=None, evidence=(line.cite,))


def _signer(line: Line, company: str) -> Iterator[NamedPerson[Cite]]:
    """Who is quoted, and works at the company."""
    person = attributed(line.text) if line.form == "attribution" else None
    if person and person.role and person.company and has_words(company, person.company):
        title, function = job_title(person.role)
        if function:
            yield NamedPerson[Cite](
                name=person.name, title=title, where="speaker", employer=None, evidence=(line.cite,)
            )
