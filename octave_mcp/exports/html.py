from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup

from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.playbook import Playbook, Sentence, Touch
from octave_mcp.exports.document import environment, reading

_GOOD, _FAIR = 90, 70


class Html:
    """One file that fetches nothing: style and script are inside, and its policy admits no others."""

    def render(self, playbook: Playbook) -> str:
        template = _ENVIRONMENT.get_template("playbook.html.jinja")
        return template.render(
            reading(playbook),
            style=_STYLE,
            script=_SCRIPT,
            pieces=_pieces,
            unplaced=_unplaced,
            grade=_grade,
            is_web=_is_web,
        )


@dataclass(frozen=True)
class Inline:
    """A style or script of our own, and what the policy calls it. Browsers take the digest of the element's text."""

    text: Markup
    digest: str


@dataclass(frozen=True)
class Piece:
    """A stretch of an e-mail: one of its sentences, or what stands between two."""

    text: str
    sentence: Sentence[EvidenceId] | None = None


def _inline(name: str) -> Inline:
    text = (files("octave_mcp.exports") / "templates" / name).read_text("utf-8")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own file


def _pieces(touch: Touch) -> list[Piece]:
    """The body cut at its sentences: joined, the pieces are the body."""
    pieces: list[Piece] = []
    at = 0
    for sentence in touch.sentences:
        start = touch.body.find(sentence.text, at)
        if start >= 0:
            pieces += [Piece(touch.body[at:start]), Piece(sentence.text, sentence)]
            at = start + len(sentence.text)
    return [*pieces, Piece(touch.body[at:])]


def _unplaced(touch: Touch) -> tuple[Sentence[EvidenceId], ...]:
    """Sentences that the body words in another way: they are shown below it."""
    placed = {id(piece.sentence) for piece in _pieces(touch)}
    return tuple(sentence for sentence in touch.sentences if id(sentence) not in placed)


def _grade(points: int) -> str:
    return "good" if points >= _GOOD else "fair" if points >= _FAIR else "weak"


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


_STYLE = _inline("playbook.css")
_SCRIPT = _inline("playbook.js")
_ENVIRONMENT = environment()

EXPORT = Html()
