"""The automaton of a regular expression, as `backtracking` needs it.

Some of it is approximate: up to `FEW` repeats count as one or two, more as any number; a look-behind is a condition on
the last character; a back-reference matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

op: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

FEW, COPIES = 200, 2
CHARACTERS = "".join(map(chr, range(0x180))) + (
    "–—―‘’‚“”„…•·‣«»‹›€₹£¥₽²™ΩωДд۔।॥։。！？、，；：「」『』（）中文日本の한글\u2028\u3000\u200b٠１Ａ🙂✓→\ue000\ue001\ue002\ue003"
)
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
CATEGORIES: dict[Any, Callable[[str], bool]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
}
OPPOSITES = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
}
MATCHED = 0
"""The node where the expression has matched."""
NONE = -1
"""The character before the first one, and after the last."""

Parts = Iterable[tuple[Any, Any]]
END: tuple[Any, Any] = (op.AT, op.AT_END_STRING)
"""The part that matches the end of a text."""


class Condition(NamedTuple):
    """On the character before or after a place: it is one of a set, or there may be none.

    The members of a set are the bits of a number.
    """

    among: int
    or_none: bool

    def holds(self, one: int) -> bool:
        return self.or_none if one == NONE else bool(self.among >> one & 1)

    def also(self, other: Condition) -> Condition:
        return Condition(self.among & other.among, self.or_none and other.or_none)


class Node(NamedTuple):
    """Reads one character of a set; or none, on conditions."""

    following: tuple[int, ...]
    reads: int | None = None
    before: Condition | None = None
    after: Condition | None = None
    region: int = 0


def parts_of(pattern: re.Pattern[Any]) -> tuple[list[tuple[Any, Any]], Alphabet]:
    source = pattern.pattern
    text = source.decode("latin-1") if isinstance(source, bytes) else source
    return list(parser.parse(source, pattern.flags)), Alphabet(text)


class Alphabet:
    """The characters that stand for all others, those of the expression among them."""

    def __init__(self, text: str) -> None:
        self.characters = "".join(dict.fromkeys(CHARACTERS + text + text.lower() + text.upper()))
        self.all = (1 << len(self.characters)) - 1
        self.anything = Condition(self.all, or_none=True)
        self.category, self._items = cache(self._category), cache(self._item)

    def where(self, is_one: Callable[[str], bool]) -> int:
        return sum(1 << at for at, one in enumerate(self.characters) if is_one(one))

    def _category(self, name: Any) -> int:  # noqa: ANN401 - re's own
        if name in OPPOSITES:
            return self.all & ~self.category(OPPOSITES[name])
        return self.where(CATEGORIES[name])

    def opposite(self, one: Condition) -> Condition:
        return Condition(self.all & ~one.among, not one.or_none)

    def set(self, kind: Any, value: Any, flags: int) -> int | None:  # noqa: ANN401
        """What a part of an expression matches, if that is any one character of a set."""
        if kind is op.ANY:
            return self.all if flags & re.DOTALL else self.all & ~self.where("\n".__eq__)
        if kind is op.LITERAL or kind is op.NOT_LITERAL:
            kind, value = op.IN, [*([(op.NEGATE, None)] if kind is op.NOT_LITERAL else []), (op.LITERAL, value)]
        if kind is not op.IN:
            return None
        found = 0
        for item, told in value:
            found |= self._items(item, told, flags & re.IGNORECASE)
        return self.all & ~found if (op.NEGATE, None) in value else found

    def _item(self, item: Any, told: Any, flags: int) -> int:  # noqa: ANN401
        if item is op.NEGATE:
            return 0
        if item is op.CATEGORY:
            return self.category(told)
        ordinals = range(told[0], told[1] + 1) if item is op.RANGE else range(told, told + 1)
        if flags & re.IGNORECASE:
            return self.where(lambda one: any(len(form) == 1 and ord(form) in ordinals for form in _forms(one)))
        return self.where(lambda one: ord(one) in ordinals)


@cache
def _forms(one: str) -> tuple[str, str, str]:
    return one, one.lower(), one.upper()


class Builder:
    """Makes nodes of the parts of an expression, the last ones first.

    `regions` are the parts that `re` does not go back to once they have matched, each with its flags.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        self.nodes = [Node(())]
        self.regions: list[tuple[Parts, int]] = []
        self._region = 0

    def sequence(self, parts: Parts, following: int, flags: int) -> int:
        for kind, value in reversed(list(parts)):
            following = self._part(kind, value, following, flags)
        return following

    def _add(self, *following: int, **more: Any) -> int:  # noqa: ANN401 - the fields of Node
        self.nodes.append(Node(following, **more, region=self._region))
        return len(self.nodes) - 1

    def _part(self, kind: Any, value: Any, following: int, flags: int) -> int:  # noqa: ANN401
        if (reads := self.alphabet.set(kind, value, flags)) is not None:
            return self._add(following, reads=reads)
        if kind is op.GROUPREF:
            return following
        build: dict[Any, Callable[[], int]] = {
            **dict.fromkeys(REPEATS, lambda: self._repeat(kind, value, following, flags)),
            op.SUBPATTERN: lambda: self.sequence(value[3], following, (flags | value[1]) & ~value[2]),
            op.BRANCH: lambda: self._add(*(self.sequence(branch, following, flags) for branch in value[1])),
            op.ATOMIC_GROUP: lambda: self._in_region(value, flags, lambda: self.sequence(value, following, flags)),
            op.AT: lambda: self._at(value, following, flags),
            op.ASSERT: lambda: self._look(value, following, flags, is_wanted=True),
            op.ASSERT_NOT: lambda: self._look(value, following, flags, is_wanted=False),
        }
        return build[kind]()

    def _in_region(self, parts: Parts, flags: int, build: Callable[[], int]) -> int:
        if self._region:
            return build()
        self.regions.append((parts, flags))
        self._region = len(self.regions)
        found = build()
        self._region = 0
        return found

    def _repeat(self, kind: Any, value: Any, following: int, flags: int) -> int:  # noqa: ANN401
        least, most, body = value
        if kind is op.POSSESSIVE_REPEAT:
            one = self._one(body, flags)
            if one is None:
                again = [(op.MAX_REPEAT, value)]
                return self._in_region(again, flags, lambda: self.sequence(again, following, flags))
            if most > FEW:
                following = self._add(following, after=self.alphabet.opposite(one))
        ends = following
        if most > FEW:
            loop = self._add()
            self.nodes[loop] = Node((self.sequence(body, loop, flags), ends), region=self._region)
            following = loop
        else:
            for _ in range(min(most - least, COPIES)):
                following = self._add(self.sequence(body, following, flags), ends)
        for _ in range(min(least, COPIES)):
            following = self.sequence(body, following, flags)
        return following

    def _at(self, where: Any, following: int, flags: int) -> int:  # noqa: ANN401
        if one := self._edge(where, flags):
            is_first = where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
            return self._add(following, **{"before" if is_first else "after": one})
        inside = Condition(self.alphabet.category(op.CATEGORY_WORD), or_none=False)
        outside = self.alphabet.opposite(inside)
        pairs = ((inside, outside), (outside, inside))
        if where is not op.AT_BOUNDARY:
            pairs = ((inside, inside), (outside, outside))
        return self._add(*(self._add(following, before=before, after=after) for before, after in pairs))

    def _edge(self, where: Any, flags: int) -> Condition | None:  # noqa: ANN401
        if where in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY):
            return None
        is_line = flags & re.MULTILINE and where in (op.AT_BEGINNING, op.AT_END)
        return Condition(self.alphabet.where("\n".__eq__) if is_line else 0, or_none=True)

    def _look(self, value: tuple[int, Parts], following: int, flags: int, *, is_wanted: bool) -> int:
        way, parts = value[0], list(value[1])
        one = self._one(parts if way > 0 or not is_wanted else parts[-1:], flags)
        if one:
            one = one if is_wanted else self.alphabet.opposite(one)
            return self._add(following, **{"before" if way < 0 else "after": one})
        if way < 0:
            return following
        first = self._one(parts[:1], flags) if is_wanted else None
        return self._add(self.sequence(parts, MATCHED, flags), self._add(following, after=first))

    def _one(self, parts: Parts, flags: int) -> Condition | None:
        """What the parts want of one character, if that is all they want."""
        all_parts = list(parts)
        if len(all_parts) != 1:
            return None
        kind, value = all_parts[0]
        if (among := self.alphabet.set(kind, value, flags)) is not None:
            return Condition(among, or_none=False)
        if kind is op.AT:
            return self._edge(value, flags)
        if kind is op.SUBPATTERN:
            return self._one(value[3], (flags | value[1]) & ~value[2])
        return self._one_of([self._one(branch, flags) for branch in value[1]]) if kind is op.BRANCH else None

    def _one_of(self, branches: list[Condition | None]) -> Condition | None:
        found = Condition(0, or_none=False)
        for one in branches:
            if one is None:
                return None
            found = Condition(found.among | one.among, found.or_none or one.or_none)
        return found
