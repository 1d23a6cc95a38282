"""A rule on customer stories: a statement about the customer is not about the company that owns the page (D40)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Quoted, Statement, soft

# Matches page titles such as "How Tidewell cut its costs" and "Mobbin uses Supabase".
_STORY = re.compile(
    r"^(?:How|Why) (?P<first>[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*)\b"
    r"|^(?P<other>[A-Z][\w.&-]*(?: [A-Z][\w.&-]*)*) (?:uses?|used|switch\w+|migrat\w+|chose|cho+ses|built|moved|moves"
    r"|replaced|picked|saved|scaled|grew|achiev\w+|trust\w*)\b"
)


def story_of(quotation: Quoted, owner: str) -> str:
    """Return the customer in the title of a customer story. Return "" for any other title.

    The company that owns the page does not count as a customer.
    """
    match = _STORY.match(quotation.title.strip())
    name = (match["first"] or match["other"]) if match else ""
    return name if name and owner and not has_name(name, owner) else ""


def customer_story(statement: Statement) -> Iterator[Problem]:
    """Flag a fact about the vendor or the prospect if all its quotations are from stories about other companies."""
    if statement.kind != "fact" or not statement.evidence:
        return
    for name, role in statement.companies:
        stories = [story_of(quotation, name) for quotation in statement.evidence if quotation.role == role]
        if len(stories) < len(statement.evidence) or not all(stories) or has_name(name, statement.quoted_text):
            continue
        is_of_own = role == "prospect" and statement.mentions(name) and not statement.mentions(statement.vendor)
        is_known = has_name(stories[0], statement.text) or has_name(name, stories[0])
        if not is_known and (is_of_own or _replaces_customer(statement, name, stories[0])):
            yield from soft("D40", f"the page is about {stories[0]}, and the quotation does not speak of {name}")


def _replaces_customer(statement: Statement, name: str, customer: str) -> bool:
    """Whether the claim starts with the company's name, and the quotation contains the customer's name."""
    begins = re.match(rf"(?:\w+ (?:at|of) )?{re.escape(name)}\b", statement.text, re.IGNORECASE)
    return (
        bool(begins)
        and has_name(customer, statement.quoted_text)
        and statement.claim.lowers.isdisjoint(_CUSTOMER_WORDS)
    )


# If the claim contains one of these words, it can say what the vendor does for customers: "lets customers save time".
_CUSTOMER_WORDS = frozenset(
    "customer customers client clients user users company companies firm team teams startup startups"
    " help helps helped let lets enabled enables enable gave gives supports supported serves served powers powered"
    " handles handled allows allowed".split()
)
