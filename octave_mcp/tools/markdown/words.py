"""The words in which the fields and values of a playbook are read to people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from octave_mcp.domain.findings import RELATIONS
from octave_mcp.domain.playbook import Playbook
from octave_mcp.tools.markdown.quotations import plain

# What a field is called if its name would not tell.
_LABELS: Mapping[str, str] = {
    "brush_offs": "replies to brush-offs",
    "cautions": "what not to say",
    "email_sequences": "e-mails",
    "follow_ups": "follow up",
    "is_status_quo": "status quo",
    "usd": "cost in USD",
    "will_ask": "what they will ask",
}
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


class Words:
    """Values in words: a role is its company's name, the id of a persona its title."""

    def __init__(self, playbook: Playbook) -> None:
        companies = {str(role): company.name for role, company in playbook.companies.items()}
        personas = {persona.id: persona.title for persona in playbook.priority_personas}
        self._words = {**companies, **RELATIONS, **personas}

    def label(self, field: str) -> str:
        """The name of a field; that of a role is its company's."""
        return capitalised(self._words.get(field) or _LABELS.get(field, field.replace("_", " ")))

    def of(self, value: object) -> str:
        """Anything that holds no other values as text: 'job_opening' as 'job opening'."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M}"
        text = f"{value}"
        spoken = text.replace("_", " ") if _CODE.fullmatch(text) else text
        return plain(self._words.get(text, spoken))


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
