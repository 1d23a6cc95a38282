"""Builds the buying committee, and warns reps about names that they should check before they use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from octave_mcp.domain.deal import BuyingSeat, Seat, SeatName
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyPerson
from octave_mcp.domain.names import normal
from octave_mcp.evidence.dates import date_in_words

# If a page is older than this, a person who is named on the page has possibly left the job.
OLD_DAYS = 365
# A warning lists at most this many names. If more people have the same title, the warning says only how many: 'to 5
# other people too'.
MAX_NAMED = 2
# Matches titles that several people often share, such as 'Cofounder' and 'board member', but not 'Partner Manager'.
_HELD_BY_SEVERAL = re.compile(r"\b(?:(?:co-?)?founder|partner|(?:board|team) member)s?$", re.IGNORECASE)


def committee(
    seats: Sequence[Seat[EvidenceId]],
    people: Sequence[CompanyPerson],
    evidence: Mapping[EvidenceId, Evidence],
    today: date,
) -> tuple[BuyingSeat, ...]:
    """Return one entry for each seat on the committee.

    If the draft has several entries for a seat, use the first one.
    """
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
    others = sorted({person.name for person in people if _has_title_of(seat, person)})
    if others:
        holders = " and ".join(others) if len(others) <= MAX_NAMED else f"{len(others)} other people"
        return f"the site gives the title {seat.title} to {holders} too"
    dates = [published for i in seat.evidence if i in evidence and (published := evidence[i].published_on)]
    if dates and (today - max(dates)).days > OLD_DAYS:
        return f"the page that names {seat.person} is from {date_in_words(max(dates).isoformat())}"
    return ""


def _has_title_of(seat: Seat[EvidenceId], person: CompanyPerson) -> bool:
    """Whether `person` is another employee of the prospect who has the same job title as the person in this seat."""
    is_other = person.company == "prospect" and not person.employer and normal(person.name) != normal(seat.person or "")
    is_same = bool(seat.title) and normal(person.title or "") == normal(seat.title)
    return is_other and is_same and not _HELD_BY_SEVERAL.search(seat.title)


def stale_contacts(seats: Sequence[BuyingSeat]) -> Iterator[str]:
    """Yield a warning about each person whose job the rep should verify before using the name."""
    yield from (f"Check {seat.person} first: {seat.check_first}." for seat in seats if seat.check_first)
