"""Detection of deals where one company is already a customer of the other, according to their pages."""

from __future__ import annotations

import re
from typing import NamedTuple

from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.names import name_key
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.vendor import VendorElements

# A flag cites only a few quotations, since more quotations would only repeat the same.
MAX_CITED = 3

# Maximum length of a name at the start of a quotation.
MAX_NAME_WORDS = 4
_CUSTOMER_PAGES = frozenset({"case_study", "customers"})
# Words before a customer's name in a headline: "How Acme saves ...", "Customer: Acme".
_LEAD = re.compile(r"^(?:(?:how|why)\s+|(?:customer|company|client)\s*[:：]\s*)", re.IGNORECASE)


class Relations(NamedTuple):
    """Evidence that the prospect is the vendor's customer, and that the vendor is the prospect's customer."""

    existing_customer: tuple[EvidenceId, ...]
    vendor_is_customer: tuple[EvidenceId, ...]


def relations(deal: Deal) -> Relations:
    vendor, prospect = deal["vendor"], deal["prospect"]
    return Relations(
        existing_customer=_existing_customer(vendor, prospect)[:MAX_CITED],
        vendor_is_customer=_vendor_is_customer(vendor, prospect)[:MAX_CITED],
    )


def _existing_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Return evidence from the vendor's pages that the prospect, by its name or domain, is a customer of the vendor."""
    keys = _keys(prospect)
    elements = vendor.elements or VendorElements[EvidenceId].none()
    named = [customer for customer in elements.reference_customers if name_key(customer.name) in keys]
    stories = [story for story in elements.case_studies if name_key(story.customer) in keys]
    return tuple(dict.fromkeys(i for finding in named or stories for i in finding.evidence))


def _vendor_is_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Return evidence from the prospect's own pages that the vendor is a customer of the prospect.

    Customer stories come before logos.
    """
    keys, known = _keys(vendor), {e.id: e for e in prospect.evidence}
    facts = prospect.signals.facts if prospect.signals else ()
    shown = [known[i] for fact in facts if fact.topic == "customers" for i in fact.evidence]
    named = [evidence for evidence in shown if _shows_as_customer(evidence, keys)]
    return tuple(dict.fromkeys(e.id for e in sorted(named, key=lambda e: e.page_kind != "case_study")))


def _keys(research: Research) -> frozenset[str]:
    """Return the keys of the company's name and domain, for comparisons with other names."""
    # In an IP address or a domain such as 1234.example, the first label is a number and not a name.
    label = research.profile.company.domain.split(".")[0]
    return frozenset({name_key(research.profile.name), *(() if label.isdigit() else (name_key(label),))})


def _shows_as_customer(evidence: Evidence, keys: frozenset[str]) -> bool:
    """Whether the quotation is a logo with the name, or starts with it on a page about customers: 'How Acme saves'."""
    if evidence.where == "logos":
        return any(name_key(name) in keys for name in evidence.quote.split(","))
    words = _LEAD.sub("", evidence.quote).split()[:MAX_NAME_WORDS]
    starts = (re.sub(r"['’]s$", "", " ".join(words[: at + 1])) for at in range(len(words)))
    return evidence.page_kind in _CUSTOMER_PAGES and any(name_key(start) in keys for start in starts)
