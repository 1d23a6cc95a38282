"""Splits a compound sentence into statements that can be checked one by one."""

from __future__ import annotations

import re

from octave_mcp.evidence.support.naming import acts, names

# Parts of one or two words, such as 'fast' in 'is cheap and fast', are not split off.
MIN_WORDS = 3
# Verbs that can start a list entry without a subject, as in '- connect your tools'.
LIST_VERBS = frozenset(
    "connect warn help cut save show send build run serve support offer give keep make let watch move reduce integrate"
    " work handle replace write read find track ship use need want plan have cover come deliver provide".split()
)

# Possessive quantifiers (`\s++`) prevent backtracking, which would be slow on long sequences of spaces.
_JOINTS = re.compile(
    r"(?<!\s)\s*+;\s++(?:and\s++|but\s++)?|(?<!\s)\s++[—–-]\s++"
    r"|,\s++(?:and|but|while|whereas|yet|so|which|who)\s++|(?<!\s)\s++(?:and|but)\s++(?=\w)"
)
# Words that can start a statement without a subject: 'is now live in Spain'.
_SUBJECT_MISSING = re.compile(r"(?:is|are|was|were|has|have|had|will|would|can|could|may|does|do|did|now|also|not)\b")


def parts(text: str) -> list[str]:
    """Split a sentence into statements.

    If a statement has no subject, the first name in the sentence is used as the subject.

    'Acme cut costs and has doubled sales' becomes 'Acme cut costs' and 'Acme has doubled sales'. A sentence such as
    'Acme sells to sales and marketing' is not split, because 'and' only joins two nouns.
    """
    statements, start = list[str](), 0
    for joint in _JOINTS.finditer(text):
        left, right = text[start : joint.start()], text[joint.end() :]
        if _is_long_enough(left) and _begins_statement(right, has_no_comma="," not in joint[0] and ";" not in joint[0]):
            statements.append(left)
            start = joint.end()
    statements.append(text[start:])
    subject = named_first(statements[0])
    return [statements[0], *(_with_subject(part, subject) for part in statements[1:])]


def named_first(text: str) -> str:
    """Return the first name in the text, such as 'Quarry Bank'. Return '' if the text contains no name."""
    words = [re.escape(name) for name in names(text)]
    match = re.search(rf"{words[0]}(?: (?:{'|'.join(words)}))*", text) if words else None
    return match[0] if match else ""


def begins_with_verb(text: str) -> bool:
    """Whether the text starts with a verb, as the list entry 'connects to 400 carriers' does."""
    first = text.partition(" ")[0]
    return first.islower() and (_is_verb(first) or first in LIST_VERBS)


def _is_long_enough(text: str) -> bool:
    return len(text.split()) >= MIN_WORDS


def _begins_statement(text: str, *, has_no_comma: bool) -> bool:
    """Whether the text starts a new statement.

    If no comma precedes 'and' or 'but', only a verb can start a new statement.
    """
    words = text.split()
    if len(words) < MIN_WORDS:
        return False
    return _is_verb(words[0]) or not has_no_comma


def _is_verb(word: str) -> bool:
    return bool(_SUBJECT_MISSING.match(word)) or (word.islower() and acts(word))


def _with_subject(part: str, subject: str) -> str:
    first = part.split(maxsplit=1)[0] if part.split() else ""
    return f"{subject} {part}" if subject and _is_verb(first) else part
