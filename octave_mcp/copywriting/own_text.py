"""A rep's own e-mail or script, taken apart: what stands around its text, and its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from octave_mcp.copywriting.readability import length, sentences

# Characters: a line this long, without an end, goes on in the next.
WRAPPED = 50
SIGNATURE_WORDS = 8

_HEADER = re.compile(
    r"^\W{0,4}(?P<name>subject(?: line)?|betreff|objet|asunto|from|to|cc|bcc|date|sent)\b"
    r"\W{0,3}:\W{0,3}+\s*+(?P<text>.*)$",
    re.IGNORECASE,
)
_OTHER_HEADERS = frozenset("from to cc bcc date sent".split())
_GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|guten tag|hallo|liebe[rs]?|sehr geehrte[rs]?"
    r"|bonjour|hola)"
    r"(?P<name>(?: [\w.{}\[\]'’-]{1,40}){0,4}?)\s*(?:[,!:]|\s[-–—](?=\s|$)|$)\s*",
    re.IGNORECASE,
)
_NAME_ALONE = re.compile(r"^(?:[A-Z][\w'’-]*|\{\{\w+\}\})(?: [A-Z][\w'’-]*)?,$")
_SIGN_OFF = re.compile(
    r"^(?:(?:kind|best|warm|many|with (?:best|kind)) )?(?:regards|wishes|thanks|thank you|best|cheers|sincerely|yours"
    r"(?: \w+)?|all the best|talk soon|speak soon|warmly|respectfully|take care)(?: again| in advance)?[,.!]*$",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"^p\.?\s?p?\.?s\b[.:]*\s*[-–—]?\s*", re.IGNORECASE)
_ENDS = re.compile(r"[.?!。？！…:][\"”’')\]]*$")
_LETTERS_FIRST = re.compile(r"[^\W\d_][\w'’-]*")
_BULLET = re.compile(r"^\s*(?:[-*•–—+]|\d{1,2}[.)])\s+")
_MARKS = re.compile(r"^#{1,6}\s+|\*\*|__")
_LABEL = re.compile(r"^(?P<name>[A-Z][\w'’ ./()-]{0,30}):\s*+(?P<text>.*)$")
_DIRECTION = re.compile(r"^[\[(][^\[\]()]{1,80}[\])]\.?$")
_SPOKEN = re.compile(
    r"\b(?:calling|call you|caught you|on the (?:phone|line)|voicemail|this is [A-Z{][\w{}]* [^.?!]{0,20}?(?:from|with"
    r"|at|over at)|have (?:you got )?(?:\d+|thirty|a few|a|two|five) (?:seconds?|minutes?|moments?)|did i catch)\b"
)
_PARTS = frozenset("opener opening hook intro introduction reason value pitch proof ask close voicemail script".split())
_THEY = frozenset("prospect them they buyer customer lead client him her contact".split())

Kind = Literal["email", "script"]


class Said(NamedTuple):
    """A sentence; `is_theirs`: a script has the other side say it."""

    text: str
    is_theirs: bool = False


@dataclass(frozen=True, slots=True)
class OwnText:
    """`around` are the greeting and the lines of the signature; `people` are the names that are in them or in headers.

    `paragraphs` have the sentences in their order.
    """

    kind: Kind
    subject: str
    greeting: str
    paragraphs: tuple[tuple[Said, ...], ...]
    signature: tuple[str, ...]
    people: tuple[str, ...]

    @property
    def sentences(self) -> Iterator[Said]:
        return (sentence for paragraph in self.paragraphs for sentence in paragraph)


def read_own_text(text: str) -> OwnText:
    """Takes apart a text as people paste it: with or without headers, greeting and signature, wrapped or not."""
    headers, lines = _headers([_MARKS.sub("", line).strip() for line in text.splitlines()])
    greeting, name, lines = _greeting(lines)
    lines, signature = _signature(lines)
    is_email = bool("subject" in headers or greeting or signature)
    is_script = not is_email and (bool(_SPOKEN.search(text)) or any(map(_is_stage, lines)))
    found = (tuple(_sentences(block)) for block in _blocks(lines))
    return OwnText(
        "script" if is_script or ("subject" not in headers and _is_call(text, lines)) else "email",
        headers.get("subject", ""),
        greeting,
        tuple(filter(None, found)),
        signature,
        tuple(filter(None, (name, headers.get("to", ""), headers.get("from", ""), *signature))),
    )


def _is_call(text: str, lines: Sequence[str]) -> bool:
    """'Hi Ada, this is Sam from Acme' begins a call, for all its greeting."""
    return any(map(_is_stage, lines)) or bool(_SPOKEN.search(text[:300]) and not _SIGN_OFF.search(text[-40:]))


def _is_stage(line: str) -> bool:
    """A stage direction, or a line of the other side."""
    label = _LABEL.match(line)
    return bool(_DIRECTION.match(line)) or bool(label and _is_speaker(label["name"]))


def _is_speaker(name: str) -> bool:
    return name.lower() in _THEY | {"rep", "me", "you", "caller", "sdr", "ae"}


def _headers(lines: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Those that the text begins with."""
    found: dict[str, str] = {}
    rest = [*lines]
    while rest:
        header = _HEADER.match(rest[0])
        if header:
            name = header["name"].lower()
            found[name if name in _OTHER_HEADERS else "subject"] = header["text"].rstrip("*_").strip()
        elif rest[0]:
            break
        del rest[0]
    return found, rest


def _greeting(lines: Sequence[str]) -> tuple[str, str, list[str]]:
    """The greeting, the name in it, and the lines without it: what follows it on its line stays."""
    if not lines:
        return "", "", []
    first, *rest = lines
    if _NAME_ALONE.match(first):
        return first, first.rstrip(","), rest
    if not (found := _GREETING.match(first)):
        return "", "", [*lines]
    left = first[found.end() :]
    return found[0].strip(), found["name"].strip(), [left[:1].upper() + left[1:], *rest] if left else rest


def _signature(lines: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The lines without the signature; a postscript behind it stays."""
    end = next((at for at, line in enumerate(lines) if _POSTSCRIPT.match(line)), len(lines))
    start = next((at for at in range(end) if _SIGN_OFF.match(lines[at])), None)
    start = _unmarked(lines[:end]) if start is None else start
    signed = tuple(filter(None, lines[start:end]))
    return [*lines[:start], "", *lines[end:]], signed


def _unmarked(lines: Sequence[str]) -> int:
    """Where the short lines without an end begin that a text may close with; its own last line is none of them."""
    at = len(lines)
    while at > 1 and (not lines[at - 1] or _may_sign(lines[at - 1])):
        at -= 1
    return at if any(lines[:at]) else len(lines)


def _may_sign(line: str) -> bool:
    """A name, a title, a number: most of its words are no plain words."""
    words = _LETTERS_FIRST.findall(line)
    is_signed = len(words) < 2 or sum(not word.islower() for word in words) * 2 >= len(words)  # noqa: PLR2004 - most
    return is_signed and length(line) <= SIGNATURE_WORDS and not _ENDS.search(line) and not _BULLET.match(line)


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Paragraphs: their lines, those that were only wrapped joined."""
    block: list[str] = []
    for line in (*lines, ""):
        if not line:
            if block:
                yield block
            block = []
        elif block and _goes_on(block[-1], line):
            block[-1] = f"{block[-1]} {line}"
        else:
            block.append(line)


def _goes_on(line: str, following: str) -> bool:
    if _BULLET.match(following) or _LABEL.match(following):
        return False
    return following[:1].islower() or line.endswith(",") or (len(line) >= WRAPPED and not _ENDS.search(line))


def ends(text: str) -> bool:
    """Whether it ends as a sentence does."""
    return bool(_ENDS.search(text))


def _sentences(block: Sequence[str]) -> Iterator[Said]:
    for line in block:
        bare = _POSTSCRIPT.sub("", _BULLET.sub("", line))
        label = _LABEL.match(bare)
        is_label = label is not None and (_is_speaker(label["name"]) or label["name"].lower() in _PARTS)
        own = label["text"] if label and is_label else bare
        is_theirs = label is not None and label["name"].lower() in _THEY
        yield from (Said(one, is_theirs) for one in sentences(own) if not _DIRECTION.match(one))
