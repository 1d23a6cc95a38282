"""A sentence that states several things, as one statement for each."""

from __future__ import annotations

import re

from octave_mcp.evidence.support.naming import acts, names

MIN_WORDS = 3
# Verbs that entries of a list begin with, after 'we'.
LIST_VERBS = frozenset(
    "connect warn help cut save show send build run serve support offer give keep make let watch move reduce integrate"
    " work handle replace write read find track ship use need want plan have cover come deliver provide".split()
)

_JOINTS = re.compile(
    r"(?<!\s)\s*+;\s++(?:and\s++|but\s++)?|(?<!\s)\s++[—–-]\s++"
    r"|,\s++(?:and|but|while|whereas|yet|so|which|who)\s++|(?<!\s)\s++(?:and|but)\s++(?=\w)"
)
_SUBJECT_MISSING = re.compile(r"(?:is|are|was|were|has|have|had|will|would|can|could|may|does|do|did|now|also|not)\b")


def parts(text: str) -> list[str]:
    """Its statements, each with the name that the sentence begins with, if it has none of its own.

    One alone where it cannot be taken apart: 'sales and marketing' stays together.
    """
    found, start = list[str](), 0
    for joint in _JOINTS.finditer(text):
        left, right = text[start : joint.start()], text[joint.end() :]
        if _stands(left) and _begins(right, is_bare="," not in joint[0] and ";" not in joint[0]):
            found.append(left)
            start = joint.end()
    found.append(text[start:])
    subject = named_first(found[0])
    return [found[0], *(_with_subject(part, subject) for part in found[1:])]


def named_first(text: str) -> str:
    """The first name in a text, with all its words: 'Quarry Bank'; '' if it names nobody."""
    found = [re.escape(name) for name in names(text)]
    whole = re.search(rf"{found[0]}(?: (?:{'|'.join(found)}))*", text) if found else None
    return whole[0] if whole else ""


def begins_with_verb(text: str) -> bool:
    """Whether it lacks its subject, as an entry of a list may: 'connects to 400 carriers'."""
    first = text.partition(" ")[0]
    return first.islower() and (_is_verb(first) or first in LIST_VERBS)


def _stands(text: str) -> bool:
    return len(text.split()) >= MIN_WORDS


def _begins(text: str, *, is_bare: bool) -> bool:
    """Whether a statement begins here: behind a bare 'and', only what begins with a verb."""
    words = text.split()
    if len(words) < MIN_WORDS:
        return False
    return _is_verb(words[0]) or not is_bare


def _is_verb(word: str) -> bool:
    return bool(_SUBJECT_MISSING.match(word)) or (word.islower() and acts(word))


def _with_subject(part: str, subject: str) -> str:
    first = part.split(maxsplit=1)[0] if part.split() else ""
    return f"{subject} {part}" if subject and _is_verb(first) else part
