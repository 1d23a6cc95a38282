"""What is judged of an e-mail: its text, its place in the sequence, and what is known of its deal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from octave_mcp.copywriting.readability import length, sentences
from octave_mcp.domain.evidence import Evidence
from octave_mcp.evidence.support.naming import names

GREETING_WORDS = 2
# Letters that the first word of a company's name must have to stand for it: 'Oakway' does for 'Oakway Parcels'.
SHORTEST_FIRST = 4

_QUOTED = re.compile(r"“[^“”]*”")
_GREETS = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon)|\{\{first_name\}\}|[A-Z][\w-]*)\b[^.?!\n]{0,60},$", re.IGNORECASE
)
_ENDS = re.compile(r"[.?!。？！…][\"”’')\]]*$")


@dataclass(frozen=True, slots=True)
class Deal:
    """Who writes to whom, and what the user said of it. What is '' is unknown."""

    vendor: str = ""
    prospect: str = ""
    context: str = ""


@dataclass(frozen=True)
class Email:
    """An e-mail without its greeting and signature. The ask and the way out are among the paragraphs.

    `position` counts from 0, and `earlier` are the touches before it. `facts` are the sentences that state a fact;
    `make_first` is what an offer offers, written out. What is unknown is empty: no rule finds fault with that.
    """

    subject: str
    paragraphs: tuple[str, ...]
    ask: str
    ask_label: str = ""
    make_first: str = ""
    has_second_opening: bool = False
    position: int = 0
    last: bool = False
    facts: tuple[str, ...] = ()
    earlier: tuple[Email, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    deal: Deal = Deal()
    language: str = "en"

    @property
    def is_english(self) -> bool:
        """Rules that go by English words say nothing of copy in another language."""
        return self.language.lower().startswith("en")

    @cached_property
    def text(self) -> str:
        return "\n".join(self.paragraphs)

    @cached_property
    def own_words(self) -> str:
        """The text without what it quotes."""
        return unquoted(self.text)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentences(self.text))

    @property
    def first(self) -> str:
        return self.sentences[0] if self.sentences else ""

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """Its sentences but the ask."""
        return tuple(one for one in self.sentences if one not in self.ask)

    @cached_property
    def words(self) -> int:
        return length(self.text)

    @cached_property
    def said(self) -> str:
        """What is quoted to support it, with the titles of the pages."""
        return "\n".join(f"{e.page_title}\n{e.quote}" for e in self.evidence)

    def said_by(self, role: str) -> str:
        return "\n".join(e.quote for e in self.evidence if e.role == role)

    def mentions(self, text: str) -> int:
        """How often the text has the name of the reader's company, or the first word of it."""
        first, _, rest = self.deal.prospect.partition(" ")
        name = first if not rest or len(first) >= SHORTEST_FIRST else self.deal.prospect
        return len(re.findall(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)) if name else 0

    def names_in(self, text: str) -> tuple[str, ...]:
        """The names in it but those of the two companies."""
        own = f"{self.deal.vendor} {self.deal.prospect}".casefold().split()
        return tuple(name for name in names(text) if name.casefold() not in own)


def unquoted(text: str) -> str:
    return _QUOTED.sub("", text)


def quotations(text: str) -> list[str]:
    return _QUOTED.findall(text)


def read_email(
    subject: str, body: str, *, position: int, last: bool, earlier: Sequence[Email] = (), deal: Deal | None = None
) -> Email:
    """An e-mail as it was sent, of which no evidence is known."""
    blocks = [block for part in re.split(r"\n(?:[^\S\n]*\n)+", body) if (block := part.strip())]
    if blocks and _GREETS.match(blocks[0]):
        del blocks[0]
    if len(blocks) > 1 and not _ENDS.search(blocks[-1]):
        del blocks[-1]
    return Email(
        subject=subject,
        paragraphs=tuple(blocks),
        ask=ask_of(blocks),
        position=position,
        last=last,
        earlier=tuple(earlier),
        deal=deal or Deal(),
    )


def ask_of(paragraphs: Sequence[str]) -> str:
    """The last question of the last two paragraphs, or the last of them."""
    asked = [one for paragraph in paragraphs[-2:] for one in sentences(paragraph) if "?" in one]
    return (asked or paragraphs or [""])[-1]
