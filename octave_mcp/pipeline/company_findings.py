"""The triggers, people and integrations of both companies, as the playbook lists them."""

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

_TO_THE_MONTH = len("2024-03")
_WOULD_FILL = {
    "triggers": "news, a blog or open jobs",
    "people": "a team page, or posts and testimonials with a name",
    "integrations": "pages about integrations, security or how the company works",
}


def company_findings(deal: Deal, evidence: Known) -> DealFindings:
    """The newest triggers first, and those of no known day last. The prospect comes before the vendor."""
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
    """The findings with the dates that their pages give, whatever a model wrote."""
    dated = (trigger.model_copy(update={"date": _date(trigger, evidence)}) for trigger in found.triggers)
    return found.model_copy(update={"triggers": tuple(dated)})


def unfound(found: DealFindings, deal: Deal) -> Iterator[Gap]:
    """A gap for each kind of which neither company's pages have anything."""
    sites = " and ".join(research.domain for research in deal.values())
    for kind, would_fill in _WOULD_FILL.items():
        if not getattr(found, kind):
            reason = f"none were found on the pages read of {sites}"
            yield Gap(section=kind, code="not_found", reason=reason, would_fill=would_fill)


def _newness(trigger: CompanyTrigger) -> str:
    return "" if trigger.date == UNDATED else trigger.date


def _triggers(role: Role, research: Research, evidence: Known) -> Iterator[CompanyTrigger]:
    """What happened, and the jobs that are open; a model writes neither twice."""
    for trigger in research.findings.triggers:
        yield CompanyTrigger(
            company=role,
            kind=trigger.kind,
            what=trigger.what,
            date=_date(trigger, evidence),
            evidence=trigger.evidence,
            support=trigger.support,
        )
    told = " \n ".join(normal(t.what) for t in research.findings.triggers if t.kind == "job_opening")
    for job in research.signals.jobs if research.signals else ():
        if normal(job.title) not in told:
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
    """The date that the model copied, if it stands in a quotation; else that of the page."""
    written = normal(trigger.date or "")
    is_quoted = written and any(written in normal(evidence[i].quote) for i in trigger.evidence if i in evidence)
    published = _published(trigger.evidence, evidence)
    return (iso_date(written) or _in_year_of(written, published) if is_quoted else "") or published


def _in_year_of(written: str, published: str) -> str:
    """A day or month without its year, as of the year in which it is nearest to the day of its page."""
    if published == UNDATED:
        return ""
    day = date.fromisoformat(published)
    found = [iso_date(f"{written}, {year}") for year in (day.year - 1, day.year, day.year + 1)]
    return min((one for one in found if len(one) >= _TO_THE_MONTH), key=lambda one: _days_apart(one, day), default="")


def _days_apart(written: str, day: date) -> int:
    return abs((date.fromisoformat(written if len(written) > _TO_THE_MONTH else f"{written}-15") - day).days)


def _published(ids: tuple[EvidenceId, ...], evidence: Known) -> str:
    days = (evidence[i].published_on for i in ids if i in evidence)
    return next((day.isoformat() for day in days if day), UNDATED)
