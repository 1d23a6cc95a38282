"""The buying committee as the playbook lists it: with what to check before a name is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from octave_mcp.domain.deal import BuyingSeat, Seat, SeatName
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyPerson
from octave_mcp.domain.names import normal
from octave_mcp.evidence.dates import date_in_words

OLD_DAYS = 365
MAX_NAMED = 2
# Titles that several people have at once.
_HELD_BY_SEVERAL = re.compile(r"\b(?:(?:co-?)?founder|partner|(?:board|team) member)s?$", re.IGNORECASE)


def committee(
    seats: Sequence[Seat[EvidenceId]],
    people: Sequence[CompanyPerson],
    evidence: Mapping[EvidenceId, Evidence],
    today: date,
) -> tuple[BuyingSeat, ...]:
    """One entry for each seat, the first that names it."""
    first: dict[SeatName, Seat[EvidenceId]] = {}
    for seat in seats:
        first.setdefault(seat.seat, seat)
    return tuple(
        BuyingSeat(**dict(seat), check_first=_check_first(seat, people, evidence, today)) for seat in first.values()
    )


def _check_first(
    seat: Seat[EvidenceId], people: Sequence[CompanyPerson], evidence: Mapping[EvidenceId, Evidence], today: date
) -> str:
    if not seat.person or seat.how_known != "named":
        return ""
    others = sorted({one.name for one in people if _has_title_of(seat, one)})
    if others:
        named = " and ".join(others) if len(others) <= MAX_NAMED else f"{len(others)} other people"
        return f"the site gives the title {seat.title} to {named} too"
    days = [found for i in seat.evidence if i in evidence and (found := evidence[i].published_on)]
    if days and (today - max(days)).days > OLD_DAYS:
        return f"the page that names {seat.person} is from {date_in_words(max(days).isoformat())}"
    return ""


def _has_title_of(seat: Seat[EvidenceId], one: CompanyPerson) -> bool:
    """Whether somebody else at the prospect has the same title."""
    is_other = one.company == "prospect" and not one.employer and normal(one.name) != normal(seat.person or "")
    is_same = bool(seat.title) and normal(one.title or "") == normal(seat.title)
    return is_other and is_same and not _HELD_BY_SEVERAL.search(seat.title)


def stale_contacts(seats: Sequence[BuyingSeat]) -> Iterator[str]:
    """What to check about the people of the committee, as sentences."""
    yield from (f"Check {seat.person} first: {seat.check_first}." for seat in seats if seat.check_first)
