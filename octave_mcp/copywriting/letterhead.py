"""What stands around the words of an e-mail: the greeting and the signature."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from octave_mcp.domain.sender import Sender

FIRST_NAME, SENDER_NAME, SENDER_COMPANY = "{{first_name}}", "{{sender_first_name}}", "{{sender_company}}"
_HONORIFIC = re.compile(r"^(?:(?:dr|mr|mrs|ms|prof|sir|dame)\b\.?\s*)+", re.IGNORECASE)
_LATIN = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*", re.UNICODE)
_OF_TITLES = (
    r"(?:Chief|Head|Vice|VP|SVP|EVP|Senior|Director|Managing|General|Lead|Principal|Manager|Officer|Partner|Engineer"
    r"|Architect|Owner|Operations|Marketing|Sales|Product|Growth|Relations|Success|Design|Data)"
)
# Two names, or one of two; not two titles of one person.
_SEVERAL = re.compile(
    r"^[^,(]*(?:\band\b|[&/])|\bor\b"
    rf"|(?:\band|[&/]) (?!(?:\S+ )?{_OF_TITLES}\b)[A-Z][a-z]\S* [A-Z][a-z]"
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """`first_name` is None if nobody knows whom the e-mail is for: the greeting then has a merge field."""

    first_name: str | None = None
    signature: str = f"{SENDER_NAME}, {SENDER_COMPANY}"
    sender: Sender = field(default_factory=Sender)

    @property
    def greeting(self) -> str:
        return f"Hi {self.first_name or FIRST_NAME},"

    def filled(self, spoken: str) -> str:
        """What a rep says aloud, with the names that are known in place of their merge fields."""
        known = {
            FIRST_NAME: self.first_name,
            SENDER_NAME: self.sender.name.partition(" ")[0],
            SENDER_COMPANY: self.sender.company,
        }
        for merge_field, name in known.items():
            spoken = spoken.replace(merge_field, name or merge_field)
        return spoken


def letterhead(contact: str | None, sender: Sender | None, vendor: str) -> Letterhead:
    """`contact` is a name as a page writes it, with or without a title: 'Ada Moss, Head of Yards'."""
    known = sender or Sender()
    return Letterhead(first_name(contact or ""), _signature(known, vendor), known)


def person_of(contact: str) -> str:
    """The name without the title."""
    return contact.partition(",")[0].partition("(")[0].strip()


def first_name(contact: str) -> str | None:
    """None where it names several people, or is not written with the first name first, as in Chinese."""
    if _SEVERAL.search(contact):
        return None
    name = _HONORIFIC.sub("", person_of(contact))
    found = None if _UNSPACED.search(name) else _LATIN.match(name)
    return found[0] if found and len(name.split()) > 1 else None


def _signature(sender: Sender, vendor: str) -> str:
    """Without a name, it has merge fields for what is not known."""
    if not sender.name:
        lines = (sender.sign_off, f"{SENDER_NAME}, {sender.company or SENDER_COMPANY}")
    else:
        lines = (sender.sign_off, sender.name, ", ".join(filter(None, (sender.title, sender.company or vendor))))
    return "\n".join(filter(None, lines))
