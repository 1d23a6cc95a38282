"""E-mails as they are shown and copied: with the names that are known, or with merge fields in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from octave_mcp.copywriting.outlines import TITLE
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.playbook import EmailSequence, Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.exports.support import mark_of

FIRST_NAME = "{{first_name}}"
SENDER = "{{sender_first_name}}, {{sender_company}}"


@dataclass(frozen=True)
class Piece:
    """A stretch of an e-mail: one of its sentences, a name that may become a merge field, or what is between them."""

    text: str
    sentence: Sentence[EvidenceId] | None = None
    merged: str | None = None


@dataclass(frozen=True)
class Mail:
    """An e-mail; `row` and `column` are its places in the playbook, and `path` is how the brief names it."""

    row: int
    column: int
    sequence: EmailSequence
    touch: Touch

    @property
    def path(self) -> str:
        return f"email_sequences.{self.row}.touches.{self.column}"

    @property
    def is_outline(self) -> bool:
        return self.touch.kind == "outline"

    @property
    def anchor(self) -> str:
        return self.path.replace(".", "-")

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Joined, they are the body."""
        return tuple(_cut(self.touch.body, (*_names(self.sequence, self.touch.body), *_sentences(self.touch))))

    @property
    def unplaced(self) -> tuple[Sentence[EvidenceId], ...]:
        """Sentences that the body words in another way: they are shown below it."""
        placed = {id(piece.sentence) for piece in self.pieces}
        return tuple(sentence for sentence in self.touch.sentences if id(sentence) not in placed)

    @property
    def rests_on(self) -> tuple[EvidenceId, ...]:
        """The evidence of its plain facts."""
        unsure = self.unsure
        return tuple(id_ for sentence in self.touch.sentences if sentence not in unsure for id_ in sentence.evidence)

    @property
    def unsure(self) -> tuple[Sentence[EvidenceId], ...]:
        """Inferences, and what its quotation does not fully support."""
        return tuple(one for one in self.touch.sentences if one.kind == "inference" or mark_of(one.support))

    @property
    def merged_body(self) -> str:
        return "".join(piece.text if piece.merged is None else piece.merged for piece in self.pieces)

    @property
    def has_names(self) -> bool:
        """Whether merge fields would change it."""
        return not self.is_outline and self.merged_body != self.touch.body

    @property
    def text(self) -> str:
        """What is copied."""
        return self._copied(self.touch.body)

    @property
    def merged_text(self) -> str:
        return self._copied(self.merged_body)

    @property
    def link(self) -> str:
        """Opens it in the reader's mail program, without an address."""
        return self._link(self.touch.body)

    @property
    def merged_link(self) -> str:
        return self._link(self.merged_body)

    def _copied(self, body: str) -> str:
        return f"{TITLE}\n\n{body}" if self.is_outline else f"Subject: {self.touch.subject}\n\n{body}"

    def _link(self, body: str) -> str:
        lines = "\r\n".join(body.splitlines())  # as RFC 6068 has it
        return f"mailto:?subject={quote(self.touch.subject, safe='')}&body={quote(lines, safe='')}"


def mails(playbook: Playbook) -> Mapping[str, Mail]:
    """All e-mails by their paths, in order."""
    found = (
        Mail(row, column, sequence, touch)
        for row, sequence in enumerate(playbook.email_sequences)
        for column, touch in enumerate(sequence.touches)
    )
    return {mail.path: mail for mail in found}


_Mark = tuple[int, Piece]


def _names(sequence: EmailSequence, body: str) -> Iterator[_Mark]:
    """The name in the greeting, and the signature."""
    greeting, name, signature = body.partition("\n")[0], sequence.first_name, sequence.signature
    if name and (at := greeting.rfind(name)) >= 0:
        yield at, Piece(name, merged=FIRST_NAME)
    if signature and "{{" not in signature and body.endswith(signature):
        yield len(body) - len(signature), Piece(signature, merged=SENDER)


def _sentences(touch: Touch) -> Iterator[_Mark]:
    at = 0
    for sentence in touch.sentences:
        start = touch.body.find(sentence.text, at)
        if start >= 0:
            yield start, Piece(sentence.text, sentence)
            at = start + len(sentence.text)


def _cut(body: str, marks: Iterable[_Mark]) -> Iterator[Piece]:
    at = 0
    for start, piece in sorted(marks, key=lambda mark: mark[0]):
        if start >= at:
            yield Piece(body[at:start])
            yield piece
            at = start + len(piece.text)
    yield Piece(body[at:])
