"""What several packs say of one company, as one: same name, union of evidence, in the order read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from octave_mcp.domain.evidence import EvidenceId, Finding
from octave_mcp.domain.page import PageFailure, PageRef
from octave_mcp.domain.prospect import ProspectReading
from octave_mcp.domain.research import Profile, Reading, Research
from octave_mcp.domain.vendor import ReferenceCustomer, VendorElements
from octave_mcp.evidence.figures import normal

F = TypeVar("F", bound=Finding[Any])

_SHOWN_AS = ("story", "testimonial", "statement", "logo")
_SUFFIXES = (" inc", " inc.", " ltd", " gmbh", " llc", " labs", " ai", ".com", ".ai", ".io", ".dev")


def merge(profile: Profile, readings: Sequence[Reading], failures: Sequence[PageFailure] = ()) -> Research:
    """`failures` are those of pages that no reading was to have."""
    pages: dict[str, PageRef] = {page.url: page for reading in readings for page in reading.pages}
    vendor = [reading.vendor for reading in readings if reading.vendor is not None]
    prospect = [reading.prospect for reading in readings if reading.prospect is not None]
    evidence = {e.id: e for e in profile.evidence} | {e.id: e for reading in readings for e in reading.evidence}
    return Research(
        profile=profile,
        pages=tuple(pages.values()),
        words=sum(reading.words for reading in readings),
        failures=(*failures, *(failure for reading in readings for failure in reading.failures)),
        suspicious=tuple(url for reading in readings for url in reading.suspicious),
        vendor=_vendor(vendor) if profile.company.role == "vendor" else None,
        prospect=_prospect(prospect) if profile.company.role == "prospect" else None,
        intelligence=None,
        evidence=tuple(evidence.values()),
        gaps=(*profile.gaps, *(gap for reading in readings for gap in reading.gaps)),
    )


def add(research: Research, readings: Sequence[Reading]) -> Research:
    """The research with what more pages gave."""
    if not readings:
        return research
    first = Reading(
        pages=research.pages, words=research.words, failures=research.failures,
        suspicious=research.suspicious, vendor=research.vendor, prospect=research.prospect,
        evidence=research.evidence, gaps=research.gaps,
    )  # fmt: skip
    merged = merge(research.profile.model_copy(update={"gaps": ()}), (first, *readings))
    return merged.model_copy(update={"found_by": research.found_by, "found_at": research.found_at})


def name_key(name: str) -> str:
    """A company's name for comparison: 'Wells-Fargo', 'Wells Fargo Inc.' and 'wells fargo' are one."""
    key = normal(name).replace("-", " ").strip(" .")
    for suffix in _SUFFIXES:
        key = key.removesuffix(suffix)
    return key.replace(" ", "")


def _vendor(parts: Sequence[VendorElements[EvidenceId]]) -> VendorElements[EvidenceId]:
    return VendorElements[EvidenceId](
        offerings=_merged((x for p in parts for x in p.offerings), lambda x: normal(x.name).removesuffix("s")),
        case_studies=_merged((x for p in parts for x in p.case_studies), lambda x: name_key(x.customer)),
        proof_points=_merged((x for p in parts for x in p.proof_points), lambda x: (x.kind, normal(x.text)[:60])),
        value_propositions=_merged((x for p in parts for x in p.value_propositions), lambda x: normal(x.title)),
        reference_customers=_customers(x for p in parts for x in p.reference_customers),
        use_cases=_merged((x for p in parts for x in p.use_cases), lambda x: normal(x.title)),
        target_personas=_merged((x for p in parts for x in p.target_personas), lambda x: normal(x.title)),
        differentiators=_merged(
            (x for p in parts for x in p.differentiators), lambda x: (x.competitor, normal(x.text))
        ),
    )


def _customers(found: Iterable[ReferenceCustomer[EvidenceId]]) -> tuple[ReferenceCustomer[EvidenceId], ...]:
    """A customer shown in several ways counts once, by the strongest."""
    strongest_first = sorted(found, key=lambda customer: _SHOWN_AS.index(customer.shown_as))
    return _merged(strongest_first, lambda customer: name_key(customer.name))


def _prospect(parts: Sequence[ProspectReading[EvidenceId]]) -> ProspectReading[EvidenceId]:
    return ProspectReading[EvidenceId](
        facts=_merged((x for p in parts for x in p.facts), lambda x: normal(x.text)),
        signals=_merged((x for p in parts for x in p.signals), lambda x: normal(x.text)),
        jobs=_merged((x for p in parts for x in p.jobs), lambda x: normal(x.title)),
    )


def _merged(found: Iterable[F], key: Callable[[F], Hashable]) -> tuple[F, ...]:
    kept: dict[Hashable, F] = {}
    for finding in found:
        own = key(finding)
        kept[own] = _union(kept[own], finding) if own in kept else finding
    return tuple(kept.values())


def _union(one: F, other: F) -> F:
    """The first with the other's evidence; what it lacks, and what it lists, the other fills up."""
    joined: dict[str, object] = {}
    for name in type(one).model_fields:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, tuple) and isinstance(theirs, tuple):
            joined[name] = tuple(dict.fromkeys((*mine, *theirs)))  # pyright: ignore[reportUnknownArgumentType]
        elif mine in (None, "") and theirs:
            joined[name] = theirs
    return one.model_copy(update=joined)
