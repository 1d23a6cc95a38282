"""The seats of a buying committee by the titles that pages give: those of the prospect first, else of who praises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.deal import Seat, SeatName
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import CompanyPerson
from octave_mcp.models.extractive.material import Material

# In words: what is longer tells what somebody does.
LONGEST_TITLE = 6
# The words of titles that usually have the seat. Nobody has two.
_TITLES: dict[SeatName, str] = {
    "economic_buyer": r"chief|c[eftmor]o\b|(?:co-?)?founder|president|vp\b|vice|owner|managing director",
    "champion": r"head|director|lead\b|manager|principal",
    "technical_evaluator": r"architect|engineer|cto\b|security|developer|platform|infrastructure|data|technical",
    "user": r"engineer|developer|analyst|designer|marketer|specialist|coordinator|writer|representative|associate",
    "blocker": r"legal|procurement|compliance|counsel|privacy|finance|controller",
}


def committee(material: Material) -> Iterator[Seat[Cite]]:
    theirs = [one for one in material.brief.findings.people if one.company == "prospect" and not one.employer]
    praising = [one for one in material.brief.findings.people if one.company == "vendor" and one.employer]
    taken = set[str]()
    for seat, titles in _TITLES.items():
        if person := _holder(theirs, titles, taken):
            taken.add(person.name)
            yield _seat(material, seat, person)
        elif signer := _holder(praising, titles, taken):
            taken.add(signer.name)
            yield _seat(material, seat, signer)
        else:
            yield Seat[Cite](seat=seat, person=None, title="", how_known="missing", evidence=())


def _holder(people: Sequence[CompanyPerson], titles: str, taken: set[str]) -> CompanyPerson | None:
    pattern = re.compile(rf"\b(?:{titles})", re.IGNORECASE)
    titled = (one for one in people if one.title and one.name not in taken and len(one.title.split()) <= LONGEST_TITLE)
    return next((one for one in titled if pattern.search(one.title or "")), None)


def _seat(material: Material, seat: SeatName, person: CompanyPerson) -> Seat[Cite]:
    """Of the vendor's customers, only the title is taken."""
    is_theirs = person.company == "prospect"
    return Seat[Cite](
        seat=seat,
        person=person.name if is_theirs else None,
        title=person.title or "",
        how_known="named" if is_theirs else "inferred",
        evidence=material.cites(person.evidence),
    )
