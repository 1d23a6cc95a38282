"""Splits a pasted e-mail or script into greeting, sentences and signature."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from octave_mcp.copywriting.readability import length, sentences

# If a line is at least this long and does not end like a sentence, the next line is assumed to continue it, unless that
# line is a list item or starts with a label.
MIN_WRAPPED_CHARACTERS = 50
MAX_SIGNATURE_WORDS = 8

# Matches headers such as 'Subject: Re: Dana', with or without Markdown: '**Subject:** Re: Dana'. The possessive `*+`
# prevents backtracking, so long sequences of blanks take linear time.
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
_SENTENCE_END = re.compile(r"[.?!。？！…:][\"”’')\]]*$")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_BULLET = re.compile(r"^\s*(?:[-*•–—+]|\d{1,2}[.)])\s+")
_MARKDOWN = re.compile(r"^#{1,6}\s+|\*\*|__")
# Matches a label at the start of a line. It can name a speaker or a part of a script: 'Prospect: ...', 'Opener: ...'.
_LABEL = re.compile(r"^(?P<name>[A-Z][\w'’ ./()-]{0,30}):\s*+(?P<text>.*)$")
_STAGE_DIRECTION = re.compile(r"^[\[(][^\[\]()]{1,80}[\])]\.?$")
# Matches phrases that are typical of phone calls: '..., this is Sam from Acme', '... have you got 30 seconds?'.
_SPOKEN = re.compile(
    r"\b(?:calling|call you|caught you|on the (?:phone|line)|voicemail|this is [A-Z{][\w{}]* [^.?!]{0,20}?(?:from|with"
    r"|at|over at)|have (?:you got )?(?:\d+|thirty|a few|a|two|five) (?:seconds?|minutes?|moments?)|did i catch)\b"
)
_SCRIPT_PARTS = frozenset(
    "opener opening hook intro introduction reason value pitch proof ask close voicemail script".split()
)
_OTHER_SIDE = frozenset("prospect them they buyer customer lead client him her contact".split())

Kind = Literal["email", "script"]


class PastedSentence(NamedTuple):
    """A sentence of the text.

    `is_theirs`: whether the sentence is spoken by the other person on the call, and not by the rep.
    """

    text: str
    is_theirs: bool = False


@dataclass(frozen=True, slots=True)
class PastedText:
    """A pasted text, split into its parts.

    `paragraphs`: the sentences of each paragraph. `people`: names in the headers, the greeting and the signature.
    """

    kind: Kind
    subject: str
    greeting: str
    paragraphs: tuple[tuple[PastedSentence, ...], ...]
    signature: tuple[str, ...]
    people: tuple[str, ...]

    @property
    def sentences(self) -> Iterator[PastedSentence]:
        return (sentence for paragraph in self.paragraphs for sentence in paragraph)


def read_pasted_text(text: str) -> PastedText:
    """Split a pasted text. Headers, greeting and signature are optional, and lines can be hard-wrapped."""
    headers, lines = _headers([_MARKDOWN.sub("", line).strip() for line in text.splitlines()])
    greeting, name, lines = _greeting(lines)
    lines, signature = _signature(lines)
    is_email = bool("subject" in headers or greeting or signature)
    is_script = not is_email and (bool(_SPOKEN.search(text)) or any(map(_is_script_line, lines)))
    paragraphs = (tuple(_sentences(block)) for block in _blocks(lines))
    return PastedText(
        "script" if is_script or ("subject" not in headers and _is_call(text, lines)) else "email",
        headers.get("subject", ""),
        greeting,
        tuple(filter(None, paragraphs)),
        signature,
        tuple(filter(None, (name, headers.get("to", ""), headers.get("from", ""), *signature))),
    )


def _is_call(text: str, lines: Sequence[str]) -> bool:
    """Whether the text is a call script.

    A text with a greeting can still be a call script: 'Hi Ada, this is Sam from Acme'.
    """
    return any(map(_is_script_line, lines)) or bool(_SPOKEN.search(text[:300]) and not _SIGN_OFF.search(text[-40:]))


def _is_script_line(line: str) -> bool:
    """Whether the line is a stage direction, or is labelled with a speaker."""
    label = _LABEL.match(line)
    return bool(_STAGE_DIRECTION.match(line)) or bool(label and _is_speaker(label["name"]))


def _is_speaker(name: str) -> bool:
    return name.lower() in _OTHER_SIDE | {"rep", "me", "you", "caller", "sdr", "ae"}


def _headers(lines: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the e-mail headers at the start of the text, such as 'Subject: ...', and the lines after them."""
    headers: dict[str, str] = {}
    remaining = [*lines]
    while remaining:
        header = _HEADER.match(remaining[0])
        if header:
            name = header["name"].lower()
            headers[name if name in _OTHER_HEADERS else "subject"] = header["text"].rstrip("*_").strip()
        elif remaining[0]:
            break
        del remaining[0]
    return headers, remaining


def _greeting(lines: Sequence[str]) -> tuple[str, str, list[str]]:
    """Return the greeting, the name in the greeting, and the rest of the text.

    In 'Hi Ada, thanks for ...', the rest starts on the same line as the greeting.
    """
    if not lines:
        return "", "", []
    first, *rest = lines
    if _NAME_ALONE.match(first):
        return first, first.rstrip(","), rest
    if not (greeting := _GREETING.match(first)):
        return "", "", [*lines]
    text_after = first[greeting.end() :]
    return (
        greeting[0].strip(),
        greeting["name"].strip(),
        [text_after[:1].upper() + text_after[1:], *rest] if text_after else rest,
    )


def _signature(lines: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the lines of the text, and the lines of the signature.

    A postscript after the signature ('P.S. ...') is part of the text.
    """
    end = next((at for at, line in enumerate(lines) if _POSTSCRIPT.match(line)), len(lines))
    start = next((at for at in range(end) if _SIGN_OFF.match(lines[at])), None)
    start = _start_without_sign_off(lines[:end]) if start is None else start
    signature = tuple(filter(None, lines[start:end]))
    return [*lines[:start], "", *lines[end:]], signature


def _start_without_sign_off(lines: Sequence[str]) -> int:
    """Return the index of the first line of a signature that has no closing formula such as 'Best,'.

    Such a signature consists of the short lines at the end of the text that do not end like sentences. The first line
    of the text is never part of the signature. Otherwise, a text with only short lines would count as a signature.
    """
    at = len(lines)
    while at > 1 and (not lines[at - 1] or _may_sign(lines[at - 1])):
        at -= 1
    return at if any(lines[:at]) else len(lines)


def _may_sign(line: str) -> bool:
    """Whether a line could be a name, a title or a phone number: short, mostly capitalised, and not a sentence."""
    words = _WORD.findall(line)
    is_mostly_names = len(words) < 2 or sum(not word.islower() for word in words) * 2 >= len(words)  # noqa: PLR2004 - most
    return (
        is_mostly_names
        and length(line) <= MAX_SIGNATURE_WORDS
        and not _SENTENCE_END.search(line)
        and not _BULLET.match(line)
    )


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Join hard-wrapped lines, and yield each paragraph as a list of lines."""
    block: list[str] = []
    for line in (*lines, ""):
        if not line:
            if block:
                yield block
            block = []
        elif block and _is_wrapped(block[-1], line):
            block[-1] = f"{block[-1]} {line}"
        else:
            block.append(line)


def _is_wrapped(line: str, following: str) -> bool:
    if _BULLET.match(following) or _LABEL.match(following):
        return False
    return (
        following[:1].islower()
        or line.endswith(",")
        or (len(line) >= MIN_WRAPPED_CHARACTERS and not _SENTENCE_END.search(line))
    )


def ends(text: str) -> bool:
    """Whether the text ends like a sentence."""
    return bool(_SENTENCE_END.search(text))


def _sentences(block: Sequence[str]) -> Iterator[PastedSentence]:
    for line in block:
        plain = _POSTSCRIPT.sub("", _BULLET.sub("", line))
        label = _LABEL.match(plain)
        is_label = label is not None and (_is_speaker(label["name"]) or label["name"].lower() in _SCRIPT_PARTS)
        spoken = label["text"] if label and is_label else plain
        is_theirs = label is not None and label["name"].lower() in _OTHER_SIDE
        yield from (
            PastedSentence(sentence, is_theirs)
            for sentence in sentences(spoken)
            if not _STAGE_DIRECTION.match(sentence)
        )
