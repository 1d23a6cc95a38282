"""Whether one of the two companies is already the other's customer, according to their pages."""

from __future__ import annotations

import re
from typing import NamedTuple

from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.names import name_key
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.vendor import VendorElements

# Of the evidence that says the same, so that a reader is not drowned in it.
MAX_CITED = 3

# In words.
LONGEST_NAME = 4
_OF_CUSTOMERS = frozenset({"case_study", "customers"})
_LEAD = re.compile(r"^(?:(?:how|why)\s+|(?:customer|company|client)\s*[:：]\s*)", re.IGNORECASE)


class Relations(NamedTuple):
    """Evidence that the prospect is the vendor's customer, and that the vendor is the prospect's."""

    existing_customer: tuple[EvidenceId, ...]
    vendor_is_customer: tuple[EvidenceId, ...]


def relations(deal: Deal) -> Relations:
    vendor, prospect = deal["vendor"], deal["prospect"]
    return Relations(
        existing_customer=_existing_customer(vendor, prospect)[:MAX_CITED],
        vendor_is_customer=_vendor_is_customer(vendor, prospect)[:MAX_CITED],
    )


def _existing_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Evidence that the prospect is the vendor's customer already, by its name or its domain's; else nothing."""
    keys = _keys(prospect)
    elements = vendor.elements or VendorElements[EvidenceId].none()
    named = [customer for customer in elements.reference_customers if name_key(customer.name) in keys]
    told = [story for story in elements.case_studies if name_key(story.customer) in keys]
    return tuple(dict.fromkeys(i for finding in named or told for i in finding.evidence))


def _vendor_is_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Evidence on the prospect's own pages that the vendor is its customer, a story before a logo; else nothing."""
    keys, known = _keys(vendor), {e.id: e for e in prospect.evidence}
    told = prospect.signals.facts if prospect.signals else ()
    shown = [known[i] for fact in told if fact.topic == "customers" for i in fact.evidence]
    named = [evidence for evidence in shown if _shows_as_customer(evidence, keys)]
    return tuple(dict.fromkeys(e.id for e in sorted(named, key=lambda e: e.page_kind != "case_study")))


def _keys(research: Research) -> frozenset[str]:
    """The names that are the company's, for comparison: what it calls itself, and its domain's."""
    label = research.profile.company.domain.split(".")[0]
    return frozenset({name_key(research.profile.name), *(() if label.isdigit() else (name_key(label),))})


def _shows_as_customer(evidence: Evidence, keys: frozenset[str]) -> bool:
    """Whether it is a logo, or on a page about customers begins with the name, as 'How Acme saves ...' does."""
    if evidence.where == "logos":
        return any(name_key(name) in keys for name in evidence.quote.split(","))
    words = _LEAD.sub("", evidence.quote).split()[:LONGEST_NAME]
    starts = (re.sub(r"['’]s$", "", " ".join(words[: at + 1])) for at in range(len(words)))
    return evidence.page_kind in _OF_CUSTOMERS and any(name_key(start) in keys for start in starts)
