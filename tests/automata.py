"""Compile regular expressions to automata, which the module `backtracking` analyses.

The automata are approximations. A repeat such as `a{3,9}` becomes a few copies of its content. If the maximum of the
repeat is above `MAX_UNROLLED`, the repeat becomes a loop. A look-behind is reduced to a test of its last character. A
back-reference is treated as if it matched the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

op: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

# A repeat with a higher maximum than this, such as `a{1,500}`, becomes a loop. Any other repeat becomes a few copies of
# its content.
MAX_UNROLLED = 200
# A repeat becomes at most this many required copies, followed by at most this many optional copies: `a{3,9}` becomes
# `a`, `a`, `a?`, `a?`.
COPIES = 2
# The analysis tries these characters instead of all of Unicode: ASCII, other Latin letters, and samples of other
# scripts, punctuation, symbols, spaces and private-use characters.
CHARACTERS = "".join(map(chr, range(0x180))) + (
    "–—―‘’‚“”„…•·‣«»‹›€₹£¥₽²™ΩωДд۔।॥։。！？、，；：「」『』（）中文日本の한글\u2028\u3000\u200b٠１Ａ🙂✓→\ue000\ue001\ue002\ue003"
)
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
CATEGORIES: dict[Any, Callable[[str], bool]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_WORD: lambda character: character.isalnum() or character == "_",
}
OPPOSITES = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
}
# The index of the last node, which the automaton reaches when the whole expression has matched.
MATCHED = 0
# This value stands for the missing character before the start and after the end of a text.
NONE = -1

Parts = Iterable[tuple[Any, Any]]
# This part matches only at the end of the text. For `fullmatch`, it is appended to the expression.
END: tuple[Any, Any] = (op.AT, op.AT_END_STRING)


class Condition(NamedTuple):
    """A condition on the character before or after a position.

    `allowed`: a bit set of indexes into the alphabet.
    `or_none`: whether the condition also holds if there is no such character, at the start or end of the text.
    """

    allowed: int
    or_none: bool

    def holds(self, character: int) -> bool:
        return self.or_none if character == NONE else bool(self.allowed >> character & 1)

    def also(self, other: Condition) -> Condition:
        return Condition(self.allowed & other.allowed, self.or_none and other.or_none)


class Node(NamedTuple):
    """A node of the automaton.

    `reads`: the bit set of characters that the node accepts, or None if the node reads no character.
    `before`, `after`: conditions on the characters before and after the node.
    `region`: the number of the atomic group that contains the node, or 0 if no atomic group contains it.
    """

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
    """The characters that the analysis tries: `CHARACTERS`, and the characters of the expression itself."""

    def __init__(self, text: str) -> None:
        self.characters = "".join(dict.fromkeys(CHARACTERS + text + text.lower() + text.upper()))
        self.all = (1 << len(self.characters)) - 1
        self.anything = Condition(self.all, or_none=True)
        self.category, self._items = cache(self._category), cache(self._item)

    def where(self, matches: Callable[[str], bool]) -> int:
        return sum(1 << index for index, character in enumerate(self.characters) if matches(character))

    def _category(self, name: Any) -> int:  # noqa: ANN401 - re's own
        if name in OPPOSITES:
            return self.all & ~self.category(OPPOSITES[name])
        return self.where(CATEGORIES[name])

    def opposite(self, condition: Condition) -> Condition:
        return Condition(self.all & ~condition.allowed, not condition.or_none)

    def set(self, kind: Any, value: Any, flags: int) -> int | None:  # noqa: ANN401
        """Return the bit set of characters that match a part of the expression, such as `a` or `[a-z]`.

        Return None for a part that is not a single character, such as `a+`.
        """
        if kind is op.ANY:
            return self.all if flags & re.DOTALL else self.all & ~self.where("\n".__eq__)
        if kind is op.LITERAL or kind is op.NOT_LITERAL:
            kind, value = op.IN, [*([(op.NEGATE, None)] if kind is op.NOT_LITERAL else []), (op.LITERAL, value)]
        if kind is not op.IN:
            return None
        matched = 0
        for item, argument in value:
            matched |= self._items(item, argument, flags & re.IGNORECASE)
        return self.all & ~matched if (op.NEGATE, None) in value else matched

    def _item(self, item: Any, argument: Any, flags: int) -> int:  # noqa: ANN401
        if item is op.NEGATE:
            return 0
        if item is op.CATEGORY:
            return self.category(argument)
        ordinals = range(argument[0], argument[1] + 1) if item is op.RANGE else range(argument, argument + 1)
        if flags & re.IGNORECASE:
            return self.where(lambda char: any(len(form) == 1 and ord(form) in ordinals for form in _forms(char)))
        return self.where(lambda char: ord(char) in ordinals)


@cache
def _forms(character: str) -> tuple[str, str, str]:
    return character, character.lower(), character.upper()


class Builder:
    """Turns an expression into nodes, starting with the last part of the expression.

    `regions`: the atomic groups of the expression, each with the flags that apply inside the group. After an atomic
    group has matched, `re` never backtracks into the group.
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
        start = build()
        self._region = 0
        return start

    def _repeat(self, kind: Any, value: Any, following: int, flags: int) -> int:  # noqa: ANN401
        least, most, body = value
        if kind is op.POSSESSIVE_REPEAT:
            condition = self._single(body, flags)
            if condition is None:
                again = [(op.MAX_REPEAT, value)]
                return self._in_region(again, flags, lambda: self.sequence(again, following, flags))
            if most > MAX_UNROLLED:
                following = self._add(following, after=self.alphabet.opposite(condition))
        ends = following
        if most > MAX_UNROLLED:
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
        if edge := self._edge(where, flags):
            is_first = where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING)
            return self._add(following, **{"before" if is_first else "after": edge})
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
        direction, parts = value[0], list(value[1])
        condition = self._single(parts if direction > 0 or not is_wanted else parts[-1:], flags)
        if condition:
            condition = condition if is_wanted else self.alphabet.opposite(condition)
            return self._add(following, **{"before" if direction < 0 else "after": condition})
        if direction < 0:
            return following
        first = self._single(parts[:1], flags) if is_wanted else None
        return self._add(self.sequence(parts, MATCHED, flags), self._add(following, after=first))

    def _single(self, parts: Parts, flags: int) -> Condition | None:
        all_parts = list(parts)
        if len(all_parts) != 1:
            return None
        kind, value = all_parts[0]
        if (allowed := self.alphabet.set(kind, value, flags)) is not None:
            return Condition(allowed, or_none=False)
        if kind is op.AT:
            return self._edge(value, flags)
        if kind is op.SUBPATTERN:
            return self._single(value[3], (flags | value[1]) & ~value[2])
        return self._any_single([self._single(branch, flags) for branch in value[1]]) if kind is op.BRANCH else None

    def _any_single(self, branches: list[Condition | None]) -> Condition | None:
        merged = Condition(0, or_none=False)
        for branch in branches:
            if branch is None:
                return None
            merged = Condition(merged.allowed | branch.allowed, merged.or_none or branch.or_none)
        return merged
