"""Fills the seats of the buying committee with people and job titles from the companies' pages.

Seats go to the prospect's own people first. If nobody fits a seat, the seat gets the job title of a customer who
praises the vendor, because the prospect probably has somebody with the same job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.deal import Seat, SeatName
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import CompanyPerson
from octave_mcp.models.extractive.material import Material

# If a text has more words than this, it probably describes somebody's work and is not a job title: 'Leads the team that
# builds our data platform'.
MAX_TITLE_WORDS = 6
# Keywords in the job titles for each seat. Seats are filled in this order. One person holds only one seat. If a CTO is
# the only executive, the CTO becomes the economic buyer and not the technical evaluator.
_TITLES: dict[SeatName, str] = {
    "economic_buyer": r"chief|c[eftmor]o\b|(?:co-?)?founder|president|vp\b|vice|owner|managing director",
    "champion": r"head|director|lead\b|manager|principal",
    "technical_evaluator": r"architect|engineer|cto\b|security|developer|platform|infrastructure|data|technical",
    "user": r"engineer|developer|analyst|designer|marketer|specialist|coordinator|writer|representative|associate",
    "blocker": r"legal|procurement|compliance|counsel|privacy|finance|controller",
}


def committee(material: Material) -> Iterator[Seat[Cite]]:
    # `employer` is set only for people who work elsewhere, although they appear on the company's site.
    theirs = [p for p in material.brief.findings.people if p.company == "prospect" and not p.employer]
    praising = [p for p in material.brief.findings.people if p.company == "vendor" and p.employer]
    taken = set[str]()
    for seat, titles in _TITLES.items():
        if person := _holder(theirs, titles, taken):
            taken.add(person.name)
            yield _seat(material, seat, person)
        elif customer := _holder(praising, titles, taken):
            taken.add(customer.name)
            yield _seat(material, seat, customer)
        else:
            yield Seat[Cite](seat=seat, person=None, title="", how_known="missing", evidence=())


def _holder(people: Sequence[CompanyPerson], titles: str, taken: set[str]) -> CompanyPerson | None:
    pattern = re.compile(rf"\b(?:{titles})", re.IGNORECASE)
    free = (p for p in people if p.title and p.name not in taken and len(p.title.split()) <= MAX_TITLE_WORDS)
    return next((p for p in free if pattern.search(p.title or "")), None)


def _seat(material: Material, seat: SeatName, person: CompanyPerson) -> Seat[Cite]:
    """Return a filled seat. If the person is a customer of the vendor, use only the title and never the name."""
    is_theirs = person.company == "prospect"
    return Seat[Cite](
        seat=seat,
        person=person.name if is_theirs else None,
        title=person.title or "",
        how_known="named" if is_theirs else "inferred",
        evidence=material.cites(person.evidence),
    )
