"""Readable labels for the fields of a playbook and readable text for its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from octave_mcp.domain.findings import RELATIONS
from octave_mcp.domain.playbook import Playbook
from octave_mcp.tools.markdown.quotations import plain

# Labels of the fields whose names a reader would not understand.
_LABELS: Mapping[str, str] = {
    "brush_offs": "replies to brush-offs",
    "cautions": "what not to say",
    "email_sequences": "e-mails",
    "follow_ups": "follow up",
    "is_status_quo": "status quo",
    "usd": "cost in USD",
    "will_ask": "what they will ask",
}
# Matches values such as "job_opening", which are identifiers and not text.
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


class Words:
    """Replaces identifiers with readable words: for example, 'vendor' becomes 'Acme' if the vendor's name is Acme."""

    def __init__(self, playbook: Playbook) -> None:
        companies = {str(role): company.name for role, company in playbook.companies.items()}
        personas = {persona.id: persona.title for persona in playbook.priority_personas}
        self._words = {**companies, **RELATIONS, **personas}

    def label(self, field: str) -> str:
        """Return the label of a field.

        The label of 'vendor' or 'prospect' is the name of that company.
        """
        return capitalised(self._words.get(field) or _LABELS.get(field, field.replace("_", " ")))

    def of(self, value: object) -> str:
        """Return a scalar value as text, such as 'job opening' for 'job_opening'."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M}"
        text = f"{value}"
        readable = text.replace("_", " ") if _CODE.fullmatch(text) else text
        return plain(self._words.get(text, readable))


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
