"""The playbook's lists of triggers, people and integrations for both companies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.findings import (
    UNDATED,
    CompanyFindings,
    CompanyIntegration,
    CompanyPerson,
    CompanyTrigger,
    DealFindings,
    NamedPerson,
    Trigger,
)
from octave_mcp.domain.names import normal
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.research import Deal, Research
from octave_mcp.evidence.dates import iso_date

Known = Mapping[EvidenceId, Evidence]

_MONTH_LENGTH = len("2024-03")
_WOULD_FILL = {
    "triggers": "news, a blog or open jobs",
    "people": "a team page, or posts or testimonials that name people",
    "integrations": "pages about integrations, security or how the company works",
}


def company_findings(deal: Deal, evidence: Known) -> DealFindings:
    """Return the findings on both companies.

    The prospect's people and integrations come before the vendor's. Triggers are sorted from newest to oldest, and
    undated triggers come last.
    """
    companies = sorted(deal.items(), key=lambda company: company[0] == "vendor")
    triggers = [trigger for role, research in companies for trigger in _triggers(role, research, evidence)]
    return DealFindings(
        triggers=tuple(sorted(triggers, key=_newness, reverse=True)),
        people=tuple(
            _person(role, person, evidence) for role, research in companies for person in research.findings.people
        ),
        integrations=tuple(
            CompanyIntegration(company=role, **dict(integration))
            for role, research in companies
            for integration in research.findings.integrations
        ),
    )


def with_true_dates(found: CompanyFindings[EvidenceId], evidence: Known) -> CompanyFindings[EvidenceId]:
    """Set the date of each trigger to the date in its quotation, or else to the publication date of the quoted page."""
    dated = (trigger.model_copy(update={"date": _date(trigger, evidence)}) for trigger in found.triggers)
    return found.model_copy(update={"triggers": tuple(dated)})


def unfound(found: DealFindings, deal: Deal) -> Iterator[Gap]:
    """Yield a `Gap` for each kind of finding that was found for neither company."""
    sites = " and ".join(research.domain for research in deal.values())
    for kind, would_fill in _WOULD_FILL.items():
        if not getattr(found, kind):
            reason = f"none were found on the pages of {sites} that were read"
            yield Gap(section=kind, code="not_found", reason=reason, would_fill=would_fill)


def _newness(trigger: CompanyTrigger) -> str:
    return "" if trigger.date == UNDATED else trigger.date


def _triggers(role: Role, research: Research, evidence: Known) -> Iterator[CompanyTrigger]:
    """Yield the company's triggers, followed by its open jobs that no trigger mentions."""
    for trigger in research.findings.triggers:
        yield CompanyTrigger(
            company=role,
            kind=trigger.kind,
            what=trigger.what,
            date=_date(trigger, evidence),
            evidence=trigger.evidence,
            support=trigger.support,
        )
    titles = " \n ".join(normal(t.what) for t in research.findings.triggers if t.kind == "job_opening")
    for job in research.signals.jobs if research.signals else ():
        if normal(job.title) not in titles:
            yield CompanyTrigger(
                company=role,
                kind="job_opening",
                what=job.title,
                date=_published(job.evidence, evidence),
                evidence=job.evidence,
                support=job.support,
            )


def _person(role: Role, person: NamedPerson[EvidenceId], evidence: Known) -> CompanyPerson:
    return CompanyPerson(company=role, **dict(person), date=_published(person.evidence, evidence))


def _date(trigger: Trigger[EvidenceId], evidence: Known) -> str:
    """Return the date that the model gave if a quotation contains it; otherwise, the page's publication date."""
    written = normal(trigger.date or "")
    is_quoted = written and any(written in normal(evidence[i].quote) for i in trigger.evidence if i in evidence)
    published = _published(trigger.evidence, evidence)
    return (iso_date(written) or _in_year_of(written, published) if is_quoted else "") or published


def _in_year_of(written: str, published: str) -> str:
    """Add a year to a date such as 'May 3', so that the date is as close as possible to the page's publication date."""
    if published == UNDATED:
        return ""
    day = date.fromisoformat(published)
    candidates = [iso_date(f"{written}, {year}") for year in (day.year - 1, day.year, day.year + 1)]
    dates = (found for found in candidates if len(found) >= _MONTH_LENGTH)
    return min(dates, key=lambda found: _days_apart(found, day), default="")


def _days_apart(written: str, day: date) -> int:
    # A date such as 2024-03 has no day, so take the middle of the month.
    return abs((date.fromisoformat(written if len(written) > _MONTH_LENGTH else f"{written}-15") - day).days)


def _published(ids: tuple[EvidenceId, ...], evidence: Known) -> str:
    days = (evidence[i].published_on for i in ids if i in evidence)
    return next((day.isoformat() for day in days if day), UNDATED)
