"""Prepares e-mails for display, and for copying to the clipboard.

In a copied e-mail, merge fields such as {{first_name}} can stand in place of the names.
"""

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
    """A piece of an e-mail's body: a sentence with evidence, a name, or other text.

    If the piece is a name, `merged` is the merge field that can replace it.
    """

    text: str
    sentence: Sentence[EvidenceId] | None = None
    merged: str | None = None


@dataclass(frozen=True)
class Mail:
    """An e-mail of a sequence.

    - `row`: the index of the sequence in the playbook.
    - `column`: the index of the e-mail in the sequence.
    """

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
        """The body, cut into pieces."""
        return tuple(_cut(self.touch.body, (*_names(self.sequence, self.touch.body), *_sentences(self.touch))))

    @property
    def unplaced(self) -> tuple[Sentence[EvidenceId], ...]:
        """Sentences that are not in the body word for word.

        Documents show these sentences below the body, with their sources.
        """
        # Compare sentences by identity, because two sentences of a body can be equal.
        placed = {id(piece.sentence) for piece in self.pieces}
        return tuple(sentence for sentence in self.touch.sentences if id(sentence) not in placed)

    @property
    def rests_on(self) -> tuple[EvidenceId, ...]:
        """The evidence for the e-mail's sentences, except for the sentences in `unsure`."""
        unsure = self.unsure
        return tuple(id_ for sentence in self.touch.sentences if sentence not in unsure for id_ in sentence.evidence)

    @property
    def unsure(self) -> tuple[Sentence[EvidenceId], ...]:
        """Sentences that are inferences or are not fully supported by their quotations."""
        return tuple(
            sentence for sentence in self.touch.sentences if sentence.kind == "inference" or mark_of(sentence.support)
        )

    @property
    def merged_body(self) -> str:
        return "".join(piece.text if piece.merged is None else piece.merged for piece in self.pieces)

    @property
    def has_names(self) -> bool:
        """Whether the body has names that merge fields can replace."""
        return not self.is_outline and self.merged_body != self.touch.body

    @property
    def text(self) -> str:
        """The text that the e-mail's button copies to the clipboard."""
        return self._copied(self.touch.body)

    @property
    def merged_text(self) -> str:
        return self._copied(self.merged_body)

    @property
    def link(self) -> str:
        """A link that opens the e-mail in the reader's mail program, without a recipient."""
        return self._link(self.touch.body)

    @property
    def merged_link(self) -> str:
        return self._link(self.merged_body)

    def _copied(self, body: str) -> str:
        return f"{TITLE}\n\n{body}" if self.is_outline else f"Subject: {self.touch.subject}\n\n{body}"

    def _link(self, body: str) -> str:
        lines = "\r\n".join(body.splitlines())  # RFC 6068 requires CRLF
        return f"mailto:?subject={quote(self.touch.subject, safe='')}&body={quote(lines, safe='')}"


def mails(playbook: Playbook) -> Mapping[str, Mail]:
    """Return all e-mails of the playbook in order, keyed by path."""
    every = (
        Mail(row, column, sequence, touch)
        for row, sequence in enumerate(playbook.email_sequences)
        for column, touch in enumerate(sequence.touches)
    )
    return {mail.path: mail for mail in every}


# The offset of a piece in the body, and the piece.
_PlacedPiece = tuple[int, Piece]


def _names(sequence: EmailSequence, body: str) -> Iterator[_PlacedPiece]:
    """Yield the pieces that merge fields can replace: the name in the greeting, and the signature."""
    greeting, name, signature = body.partition("\n")[0], sequence.first_name, sequence.signature
    if name and (at := greeting.rfind(name)) >= 0:
        yield at, Piece(name, merged=FIRST_NAME)
    if signature and "{{" not in signature and body.endswith(signature):
        yield len(body) - len(signature), Piece(signature, merged=SENDER)


def _sentences(touch: Touch) -> Iterator[_PlacedPiece]:
    # Start each search after the last match, so that a sentence that occurs twice is found in both places.
    at = 0
    for sentence in touch.sentences:
        start = touch.body.find(sentence.text, at)
        if start >= 0:
            yield start, Piece(sentence.text, sentence)
            at = start + len(sentence.text)


def _cut(body: str, placed: Iterable[_PlacedPiece]) -> Iterator[Piece]:
    """Yield the pieces in order, and also yield the text between the pieces."""
    at = 0
    for start, piece in sorted(placed, key=lambda pair: pair[0]):
        if start >= at:  # a piece that overlaps the previous piece is dropped
            yield Piece(body[at:start])
            yield piece
            at = start + len(piece.text)
    yield Piece(body[at:])
