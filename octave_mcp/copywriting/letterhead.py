"""Greeting and signature of an e-mail."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from octave_mcp.domain.sender import Sender

FIRST_NAME, SENDER_NAME, SENDER_COMPANY = "{{first_name}}", "{{sender_first_name}}", "{{sender_company}}"
_HONORIFIC = re.compile(r"^(?:(?:dr|mr|mrs|ms|prof|sir|dame)\b\.?\s*)+", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*", re.UNICODE)
_TITLE_WORDS = (
    r"(?:Chief|Head|Vice|VP|SVP|EVP|Senior|Director|Managing|General|Lead|Principal|Manager|Officer|Partner|Engineer"
    r"|Architect|Owner|Operations|Marketing|Sales|Product|Growth|Relations|Success|Design|Data)"
)
# Matches several people, as in 'Hieu Pham & Ida Berg', but not one person with two titles, as in 'Hieu Pham, Founder &
# Growth Lead'.
_SEVERAL_PEOPLE = re.compile(
    r"^[^,(]*(?:\band\b|[&/])|\bor\b"
    rf"|(?:\band|[&/]) (?!(?:\S+ )?{_TITLE_WORDS}\b)[A-Z][a-z]\S* [A-Z][a-z]"
)
# Names in Chinese, Japanese or Korean characters usually start with the family name.
_FAMILY_NAME_FIRST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Greeting and signature.

    If `first_name` is None because the recipient is unknown, the greeting contains a merge field.
    """

    first_name: str | None = None
    signature: str = f"{SENDER_NAME}, {SENDER_COMPANY}"
    sender: Sender = field(default_factory=Sender)

    @property
    def greeting(self) -> str:
        return f"Hi {self.first_name or FIRST_NAME},"

    def filled(self, spoken: str) -> str:
        """Replace merge fields with known names, so that a rep can say the text aloud."""
        values = {
            FIRST_NAME: self.first_name,
            SENDER_NAME: self.sender.name.partition(" ")[0],
            SENDER_COMPANY: self.sender.company,
        }
        for merge_field, name in values.items():
            spoken = spoken.replace(merge_field, name or merge_field)
        return spoken


def letterhead(contact: str | None, sender: Sender | None, vendor: str) -> Letterhead:
    """Return the greeting and signature. `contact` is a name as it appears on a page: 'Ada Moss, Head of Sales'."""
    details = sender or Sender()
    return Letterhead(first_name(contact or ""), _signature(details, vendor), details)


def person_of(contact: str) -> str:
    """Return the name without the job title: 'Ada Moss' for 'Ada Moss, Head of Sales'."""
    return contact.partition(",")[0].partition("(")[0].strip()


def first_name(contact: str) -> str | None:
    """Return the given name of a contact.

    Return None if `contact` names several people, has only one word, or starts with the family name.
    """
    if _SEVERAL_PEOPLE.search(contact):
        return None
    name = _HONORIFIC.sub("", person_of(contact))
    match = None if _FAMILY_NAME_FIRST.search(name) else _NAME.match(name)
    return match[0] if match and len(name.split()) > 1 else None


def _signature(sender: Sender, vendor: str) -> str:
    """Return the signature. If the sender's name is unknown, the signature contains merge fields."""
    if not sender.name:
        lines = (sender.sign_off, f"{SENDER_NAME}, {sender.company or SENDER_COMPANY}")
    else:
        lines = (sender.sign_off, sender.name, ", ".join(filter(None, (sender.title, sender.company or vendor))))
    return "\n".join(filter(None, lines))
