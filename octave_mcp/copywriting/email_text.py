"""Defines `Email`, the form in which the rules check an e-mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from octave_mcp.copywriting.readability import length, sentences
from octave_mcp.domain.evidence import Evidence
from octave_mcp.evidence.support.naming import names

# Number of words in a greeting such as 'Hi Ada'.
GREETING_WORDS = 2
# If the first word of a company's name is at least this long, the word alone counts as the company's name. For example,
# 'Oakway' counts as a mention of 'Oakway Parcels', but 'The' is too short to count as a mention of 'The Shop'.
MIN_NAME_LETTERS = 4

_QUOTED = re.compile(r"“[^“”]*”")
_GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon)|\{\{first_name\}\}|[A-Z][\w-]*)\b[^.?!\n]{0,60},$", re.IGNORECASE
)
# If the last of several blocks of text does not end like a sentence, the block is treated as the signature.
_SENTENCE_END = re.compile(r"[.?!。？！…][\"”’')\]]*$")


@dataclass(frozen=True, slots=True)
class Deal:
    """The names of the vendor and the prospect, and the user's description of the deal (`context`).

    '' means unknown.
    """

    vendor: str = ""
    prospect: str = ""
    context: str = ""


@dataclass(frozen=True)
class Email:
    """An e-mail without greeting and signature. The paragraphs include the ask and the opt-out.

    `position`: index of the e-mail in the sequence, counted from 0.
    `earlier`: the earlier e-mails of the sequence.
    `facts`: the sentences that state a fact.
    `make_first`: the full text of the document that the e-mail offers to send.

    A field is empty if its value is unknown.
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
        """Whether the e-mail is in English. Rules that look for English words apply only to English e-mails."""
        return self.language.lower().startswith("en")

    @cached_property
    def text(self) -> str:
        return "\n".join(self.paragraphs)

    @cached_property
    def own_words(self) -> str:
        return unquoted(self.text)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        return tuple(sentences(self.text))

    @property
    def first(self) -> str:
        return self.sentences[0] if self.sentences else ""

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """All sentences of the e-mail except those of the ask."""
        return tuple(sentence for sentence in self.sentences if sentence not in self.ask)

    @cached_property
    def words(self) -> int:
        return length(self.text)

    @cached_property
    def quoted_text(self) -> str:
        """The quotations that support the e-mail, and the titles of the pages that contain them."""
        return "\n".join(f"{evidence.page_title}\n{evidence.quote}" for evidence in self.evidence)

    def quotes_of(self, role: str) -> str:
        return "\n".join(e.quote for e in self.evidence if e.role == role)

    def mentions(self, text: str) -> int:
        """Count how often the text mentions the reader's company.

        If the first word of the company's name is long, that word alone also counts as a mention.
        """
        first, _, rest = self.deal.prospect.partition(" ")
        name = first if not rest or len(first) >= MIN_NAME_LETTERS else self.deal.prospect
        return len(re.findall(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)) if name else 0

    def names_in(self, text: str) -> tuple[str, ...]:
        """Return the names in the text, except those of the two companies."""
        company_words = f"{self.deal.vendor} {self.deal.prospect}".casefold().split()
        return tuple(name for name in names(text) if name.casefold() not in company_words)


def unquoted(text: str) -> str:
    return _QUOTED.sub("", text)


def quotations(text: str) -> list[str]:
    return _QUOTED.findall(text)


def read_email(
    subject: str, body: str, *, position: int, last: bool, earlier: Sequence[Email] = (), deal: Deal | None = None
) -> Email:
    """Parse an e-mail from its text. The field `evidence` stays empty, because a plain text has no citations."""
    blocks = [block for part in re.split(r"\n(?:[^\S\n]*\n)+", body) if (block := part.strip())]
    if blocks and _GREETING.match(blocks[0]):
        del blocks[0]
    if len(blocks) > 1 and not _SENTENCE_END.search(blocks[-1]):
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
    """Return the last question in the last two paragraphs. If there is no question, return the last paragraph."""
    questions = [sentence for paragraph in paragraphs[-2:] for sentence in sentences(paragraph) if "?" in sentence]
    return (questions or paragraphs or [""])[-1]
