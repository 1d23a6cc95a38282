"""Detects deals in which one company is already a customer of the other, according to the companies' own pages."""

from __future__ import annotations

import re
from typing import NamedTuple

from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.names import name_key
from octave_mcp.domain.research import Deal, Research
from octave_mcp.domain.vendor import VendorElements

# Maximum number of quotations that a flag cites, because further quotations would only repeat the same fact.
MAX_CITED = 3

# Maximum number of words in a company name at the start of a quotation.
MAX_NAME_WORDS = 4
_CUSTOMER_PAGES = frozenset({"case_study", "customers"})
# Words before a customer's name in a headline, as in "How Acme saves ..." or "Customer: Acme".
_LEAD = re.compile(r"^(?:(?:how|why)\s+|(?:customer|company|client)\s*[:：]\s*)", re.IGNORECASE)


class Relations(NamedTuple):
    """Evidence that one company is a customer of the other.

    - `existing_customer`: evidence that the prospect is a customer of the vendor.
    - `vendor_is_customer`: evidence that the vendor is a customer of the prospect.
    """

    existing_customer: tuple[EvidenceId, ...]
    vendor_is_customer: tuple[EvidenceId, ...]


def relations(deal: Deal) -> Relations:
    vendor, prospect = deal["vendor"], deal["prospect"]
    return Relations(
        existing_customer=_existing_customer(vendor, prospect)[:MAX_CITED],
        vendor_is_customer=_vendor_is_customer(vendor, prospect)[:MAX_CITED],
    )


def _existing_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Return evidence from the vendor's pages that names the prospect as a customer."""
    keys = _keys(prospect)
    elements = vendor.elements or VendorElements[EvidenceId].none()
    named = [customer for customer in elements.reference_customers if name_key(customer.name) in keys]
    stories = [story for story in elements.case_studies if name_key(story.customer) in keys]
    return tuple(dict.fromkeys(i for finding in named or stories for i in finding.evidence))


def _vendor_is_customer(vendor: Research, prospect: Research) -> tuple[EvidenceId, ...]:
    """Return evidence from the prospect's pages that shows the vendor as a customer.

    Evidence from customer stories comes before evidence from logos.
    """
    keys, known = _keys(vendor), {e.id: e for e in prospect.evidence}
    facts = prospect.signals.facts if prospect.signals else ()
    shown = [known[i] for fact in facts if fact.topic == "customers" for i in fact.evidence]
    named = [evidence for evidence in shown if _shows_as_customer(evidence, keys)]
    return tuple(dict.fromkeys(e.id for e in sorted(named, key=lambda e: e.page_kind != "case_study")))


def _keys(research: Research) -> frozenset[str]:
    """Return the company's name and the first label of its domain, normalised for comparison with other names."""
    # Ignore the first label of an IPv4 address or of a domain such as 1234.example, because a number is not a name.
    label = research.profile.company.domain.split(".")[0]
    return frozenset({name_key(research.profile.name), *(() if label.isdigit() else (name_key(label),))})


def _shows_as_customer(evidence: Evidence, keys: frozenset[str]) -> bool:
    """Whether the quotation shows the company as a customer.

    The quotation can be a list of logos that includes the company's name. On a page about customers, the quotation can
    also start with the name, as in 'How Acme saves ...'.
    """
    if evidence.where == "logos":
        return any(name_key(name) in keys for name in evidence.quote.split(","))
    words = _LEAD.sub("", evidence.quote).split()[:MAX_NAME_WORDS]
    starts = (re.sub(r"['’]s$", "", " ".join(words[: at + 1])) for at in range(len(words)))
    return evidence.page_kind in _CUSTOMER_PAGES and any(name_key(start) in keys for start in starts)
