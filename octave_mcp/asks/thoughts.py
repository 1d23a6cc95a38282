"""Finds the JSON objects in the text of an answer, except for objects in the model's thoughts.

Some servers leave the thoughts in the text, between markers such as <think> and </think>.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, cast

# Names of tags such as <think>, <seed:think>, <antThinking> and <scratchpad>.
_NAME = (
    r"(?:[\w-]{1,20}[:_-])?(?:(?:ant)?think|thought|reason|reflect|deliberat|analysis|scratchpad|monologue|rationale"
    r"|cot\b|plan(?:ning)?\b)[\w-]{0,80}"
)
_THOUGHT = r"(?:think(?:ing)?|thoughts?|reasoning)"
_CHANNEL = r"<\|channel\|?>\s{0,9}"
# Matches the start of an object, and the markers of thoughts, for example <think>, [THINK], ◁think▷,
# <|START_THINKING|>, <details type="reasoning">, <|channel|>analysis<|message|>.
_MARKS = re.compile(
    rf"""
    (?P<object>\{{(?=\s{{0,99}}(?:["}}]|\Z)))
    | (?P<opens>
        (?:<|&lt;){_NAME}(?:\s[^<>{{}}]{{0,80}})?(?:>|&gt;) | <details\s[^<>{{}}]{{0,80}}\breasoning\b[^<>{{}}]{{0,80}}>
        | \[{_THOUGHT}\] | ◁{_THOUGHT}▷ | <unused94>
        | <\|(?:begin_of_|start_)?{_THOUGHT}\|> | {_CHANNEL}(?!final|answer)\w
        | \A\s{{0,9}}(?-i:analysis(?=[A-Z]))  # a channel without its marks
    )
    | (?P<closes>
        (?:<|&lt;)/{_NAME}\s{{0,9}}(?:>|&gt;) | \[/{_THOUGHT}\] | ◁/{_THOUGHT}▷ | <unused95>
        | <\|(?:end_of_|end_|/){_THOUGHT}\|> | {_CHANNEL}(?:final|answer)\b | <channel\|>
        | (?-i:assistantfinal)
    )
    | (?P<may_close>
        <\|end\|> | </details> | <(?:answer|response|output|solution)> | <\|(?:begin_of_solution|start_response)\|>
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Some models write markers with characters that look like ASCII, as in '<｜begin▁of▁thought｜>'.
_ASCII = str.maketrans("｜▁＜＞", "|_<>")
_BLANK = re.compile(r"(?:\s|\ufeff|```(?:json)?|</?\|?\w{1,20}\|?>)*", re.IGNORECASE)
# If a text is cut off inside a literal ('fals') or an escape sequence, the JSON parser reports an error near the end of
# the text. `_ENDING` is the maximum distance between the error and the end, in characters.
_ENDING = 8
# Maximum amount of text to read, as a multiple of the text's length. Beyond this limit, the insides of broken objects
# are not read again. Without the limit, rereading could take quadratic time.
_READINGS = 8
# If an object is nested too deeply for the JSON decoder, or has an integer with thousands of digits, skip this many
# characters. Such an object is always longer than this, so its end is not skipped.
_DEEP = 500
# The first attempt decodes 64 characters, and each further attempt decodes 16 times as many. A failed attempt takes
# time in proportion to its whole input, so starting with the whole text would be slow.
_WINDOW, _WIDER = 64, 16

_DECODER = json.JSONDecoder()


class PlacedObject(NamedTuple):
    """An object that may be the answer, and the offset where the object starts."""

    start: int
    value: dict[str, Any]


class Answers(NamedTuple):
    """The JSON objects in a text that may be the answer.

    `objects`: the objects that may be the answer, in the order of the text. `broken`: the offset of an object that
    cannot be decoded completely, or -1. `breaks_off`: whether the text ends inside the broken object.
    """

    objects: list[PlacedObject]
    broken: int
    breaks_off: bool
    only_thoughts: bool


class _Token(NamedTuple):
    """A marker such as <think>, a complete JSON object, or the readable start of a broken JSON object.

    `is_hopeless`: whether decoding the objects inside this broken object would fail, too, for example because they are
    nested too deeply.
    """

    kind: Literal["opens", "closes", "may_close", "object", "broken"]
    start: int
    end: int
    value: Any = None
    is_hopeless: bool = False


class _Part(NamedTuple):
    """The text between two markers.

    `trusted` says which objects may be the answer: all of them ('all'), only an object at the end of the text ('last'),
    only an object that is the whole text ('alone'), or none of them ('none').
    """

    start: int
    end: int
    trusted: Literal["all", "alone", "last", "none"]
    tokens: list[_Token]


def answers(text: str, *, cut_off: bool) -> Answers:
    """Find the JSON objects that may be the answer. The time is proportional to the length of the text.

    A marker inside a complete JSON object is part of that object and does not start or end thoughts. The opening or the
    closing marker can be missing. Without an opening marker, everything before the closing marker counts as thoughts.
    Without a closing marker, only an object at the end of the text can be the answer.
    """
    parts = list(_parts(text, cut_off=cut_off))
    objects = [PlacedObject(token.start, token.value) for part in parts for token in _trusted(text, part)]
    last = parts[-1]
    unread = [token for token in last.tokens if token.kind == "broken" and last.trusted == "all"]
    broken = max(unread, key=lambda token: token.end, default=None)
    return Answers(
        objects,
        broken=broken.start if broken else -1,
        breaks_off=broken is not None and broken.end == len(text),
        only_thoughts=len(parts) > 1
        and not objects
        and (last.trusted != "all" or _is_blank(text, last.start, last.end)),
    )


def _parts(text: str, *, cut_off: bool) -> Iterator[_Part]:
    start, tokens, is_thinking = 0, list[_Token](), False
    for token in _tokens(text):
        if token.kind in {"object", "broken"}:
            tokens.append(token)
            continue
        opens = token.kind == "opens"
        if is_thinking == opens and (opens or token.kind == "may_close"):
            continue
        yield _Part(start, token.start, "none" if is_thinking else "all" if opens else "alone", tokens)
        start, tokens, is_thinking = token.end, [], opens
    yield _Part(start, len(text), "all" if not is_thinking else "none" if cut_off else "last", tokens)


def _trusted(text: str, part: _Part) -> list[_Token]:
    objects = [token for token in part.tokens if token.kind == "object"]
    if part.trusted == "all" or not objects:
        return objects
    first, last = objects[0], objects[-1]
    ends = part.trusted != "none" and _is_blank(text, last.end, part.end)
    is_alone = first is last and _is_blank(text, part.start, first.start)
    return [last] if ends and (is_alone or part.trusted == "last") else []


def _is_blank(text: str, start: int, end: int) -> bool:
    blank = _BLANK.match(text, start, end)
    return blank is not None and blank.end() == end


def _tokens(text: str) -> Iterator[_Token]:
    at, left, plain = 0, _READINGS * len(text), text.translate(_ASCII)
    while mark := _MARKS.search(plain, at):
        kind, start, at = mark.lastgroup, mark.start(), mark.end()
        if kind != "object":
            yield _Token(cast("Any", kind), start, at)
            continue
        token = _object(text, start)
        yield token
        left -= token.end - start
        if token.kind == "object" or token.end == len(text) or token.is_hopeless or left < 0:
            at = max(at, token.end)


def _object(text: str, start: int) -> _Token:
    size = _WINDOW
    while True:
        token = _read(text[start : start + size])
        needs_more = token.kind == "broken" and token.end == size
        if not needs_more or start + size >= len(text):
            return token._replace(start=start, end=start + token.end)
        size *= _WIDER


def _read(text: str) -> _Token:
    """Decode the object at the start of a text.

    If the text ends inside the object, the token reaches to the end of the text.
    """
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as failed:
        breaks_off = failed.msg.startswith("Unterminated") or failed.pos >= len(text) - _ENDING
        return _Token("broken", 0, len(text) if breaks_off else failed.pos)
    except (ValueError, RecursionError):
        return _Token("broken", 0, min(_DEEP, len(text) - 1), is_hopeless=True)
    return _Token("object", 0, end, value)
