"""Calculate how the matching time of a regular expression grows with the length of the text, without measuring time.

`re` backtracks: it tries the paths through the automaton of the expression one after another. In the worst case, the
matching time is proportional to a power of the text's length. The pattern determines the exponent of this power:

- The exponent is 1 (linear growth) if `re` reads each character only a few times.
- The exponent is 2 (quadratic growth) if `re` can start at every character and read the rest of the text again.
- The exponent is infinite (exponential growth) if every character can double the number of paths.

The exponent is the number of loops in the longest chain of linked loops. A text links loop A to loop B if `re` can
read this text on three different paths: around A, from A to B, and around B. If the text is repeated, `re` can change
from A to B at each repetition. The automaton of a search starts with an additional loop, because a search can start at
any character.

The growth is exponential if one text can lead around a loop on two different paths, because each repetition of the text
doubles the number of paths. A loop is ignored if the rest of the expression matches any text, because `re` never
backtracks into such a loop.

See "Analyzing Matching Time Behavior of Backtracking Regular Expression Matchers by Using Ambiguity of NFA" (Weideman
et al., 2016).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from automata import END, MATCHED, NONE, Alphabet, Builder, Condition, Parts, parts_of

# A search starts at the node ANYWHERE, because it can start at any character. `match` and `fullmatch` start at the node
# FIRST, because they start only at the first character.
ANYWHERE, FIRST = -1, -2
# These methods of a pattern only try to match at the start of the text.
ANCHORED = frozenset({"match", "fullmatch"})
# A state consists of a node and the character that the node has just read. Two characters share a state if the rest of
# the expression treats them alike.
State = tuple[int, int]
N = TypeVar("N")


class Growth(NamedTuple):
    """How fast the matching time grows with the length of the text.

    `power`: the exponent, as described in the docstring of the module.
    `copied`: a text whose repetition causes this growth.
    """

    power: float
    copied: str = ""


class Way(NamedTuple):
    """A path from a position in the expression to the next node that reads a character, or to the node `MATCHED`."""

    before: Condition
    after: Condition
    node: int


def growth(pattern: re.Pattern[Any], method: str) -> Growth:
    """Return how fast the matching time of the pattern's method `method` grows with the length of the text."""
    parts, alphabet = parts_of(pattern)
    if method == "fullmatch":
        parts.append(END)
    return _growth(parts, alphabet, pattern.flags, is_search=method not in ANCHORED)


def _growth(parts: Parts, alphabet: Alphabet, flags: int, *, is_search: bool) -> Growth:
    built = Builder(alphabet)
    start = built.sequence(parts, MATCHED, flags)
    inner = [_growth(region, alphabet, flags, is_search=False) for region, flags in built.regions]
    return max([Paths(built, start, is_search=is_search).growth(), *inner], key=lambda growth: growth.power)


class Paths:
    """The states of an automaton, and the loops that the states form."""

    def __init__(self, built: Builder, start: int, *, is_search: bool) -> None:
        self._nodes, self._alphabet, self._start = built.nodes, built.alphabet, start
        self._initial = (ANYWHERE if is_search else FIRST, NONE)
        self._ways, self._equals = cache(self._ways_from), cache(self._equal_after)
        self._readings, self._next = cache(self._readings_of), cache(self._next_of)
        conditions = (test.allowed for node in built.nodes for test in (node.before, node.after) if test)
        sets = {*conditions, *(node.reads for node in built.nodes if node.reads is not None)}
        self._kinds = sorted(set(self._first_alike(range(len(built.alphabet.characters)), sets).values()))

    def growth(self) -> Growth:
        states = self._reachable()
        loops = Loops(self._next, states - self._safe(states))
        for loop in loops.found:
            if not self._is_region(loop) and (copied := loops.doubled(loop[0])):
                return Growth(math.inf, self._text(copied))
        return max(map(self._chains(loops), loops.found), key=lambda growth: growth.power, default=Growth(1))

    def _chains(self, loops: Loops) -> Callable[[list[State]], Growth]:
        @cache
        def longest(start: int) -> Growth:
            best = Growth(1)
            for following, loop in enumerate(loops.found):
                if copied := self._leads(loops, loops.found[start], loop):
                    power = longest(following).power + 1
                    best = max(best, Growth(power, self._text(copied)), key=lambda growth: growth.power)
            return best

        return lambda loop: longest(loops.found.index(loop))

    def _leads(self, loops: Loops, first: list[State], second: list[State]) -> list[int] | None:
        """Return a text that links the first loop to the second, or None if no text links them."""
        is_search = first[0][0] == ANYWHERE
        if first is second or second[0][0] == ANYWHERE or (self._is_region(first) and not is_search):
            return None
        # For a search, test only one state of the second loop. The texts for the other states are rotations of this
        # state's text, such as 'bca' of 'abc'. A search tries all rotations, because it can start at any character.
        for end in second[:1] if is_search else second:
            for begin in first:
                if self._can_meet(begin, end) and (copied := loops.led(begin, end)):
                    return copied
        return None

    def _can_meet(self, first: State, second: State) -> bool:
        return any(
            self._reads(first[0]) >> kind & 1
            and self._reads(second[0]) >> kind & 1
            and self._equals(first[0])[kind] == first[1]
            and self._equals(second[0])[kind] == second[1]
            for kind in self._kinds
        )

    def _reads(self, node: int) -> int:
        return self._alphabet.all if node == ANYWHERE else self._nodes[node].reads or 0

    def _is_region(self, loop: list[State]) -> bool:
        regions = {self._nodes[node].region for node, _ in loop if node > MATCHED}
        return len(regions) == 1 and 0 not in regions

    def _text(self, kinds: list[int]) -> str:
        return "".join(self._alphabet.characters[kind] for kind in kinds)

    def _reachable(self) -> set[State]:
        reached, pending = set[State]([self._initial]), list[State]([self._initial])
        while pending:
            for following in self._next(pending.pop()).values():
                pending += {*following} - reached
                reached.update(following)
        return reached

    def _safe(self, states: set[State]) -> set[State]:
        """Return the states after which the rest of the expression matches any text."""
        safe = {state for state in states if self._matches(state, NONE)}
        while True:
            unsafe = {
                state
                for state in safe
                for kind in self._kinds
                if not self._matches(state, kind) and safe.isdisjoint(self._next(state).get(kind, ()))
            }
            if not unsafe:
                return safe
            safe -= unsafe

    def _matches(self, state: State, following: int) -> bool:
        node, last = state
        ways = self._ways(self._place(node)) if node > MATCHED else ()
        return any(way.node == MATCHED and way.before.holds(last) and way.after.holds(following) for way in ways)

    def _place(self, node: int) -> int:
        return self._start if node in (ANYWHERE, FIRST) else self._nodes[node].following[0]

    def _ways_from(self, place: int) -> list[Way]:
        found: list[Way] = []

        def go(place: int, before: Condition, after: Condition, passed: frozenset[int]) -> None:
            if place in passed:
                return
            node = self._nodes[place]
            before = before.also(node.before) if node.before else before
            after = after.also(node.after) if node.after else after
            if place == MATCHED or node.reads is not None:
                found.append(Way(before, after, place))
            else:
                for following in node.following:
                    go(following, before, after, passed | {place})

        go(place, self._alphabet.anything, self._alphabet.anything, frozenset())
        return found

    def _equal_after(self, node: int) -> dict[int, int]:
        return self._first_alike(self._kinds, {way.before.allowed for way in self._ways(self._place(node))})

    def _first_alike(self, characters: Iterable[int], sets: Iterable[int]) -> dict[int, int]:
        """Map each character to the first of `characters` that is in exactly the same `sets`."""
        sets, firsts = sorted(sets), dict[tuple[int, ...], int]()
        return {
            character: firsts.setdefault(tuple(members >> character & 1 for members in sets), character)
            for character in characters
        }

    def _readings_of(self, place: int) -> dict[int, list[Way]]:
        found = defaultdict[int, list[Way]](list)
        for way in self._ways(place):
            reads = (self._nodes[way.node].reads or 0) & way.after.allowed
            for kind in self._kinds if way.node != MATCHED else ():
                if reads >> kind & 1:
                    found[kind].append(way)
        return found

    def _next_of(self, state: State) -> dict[int, list[State]]:
        node, last = state
        found = defaultdict[int, list[State]](list)
        for kind, ways in self._readings(self._place(node)).items():
            found[kind] = [(way.node, self._equals(way.node)[kind]) for way in ways if way.before.holds(last)]
        for kind in self._kinds if node == ANYWHERE else ():
            found[kind].append((ANYWHERE, self._equals(ANYWHERE)[kind]))
        return found


class Loops:
    def __init__(self, following: Callable[[State], dict[int, list[State]]], states: set[State]) -> None:
        self._following = following
        following_of = {state: states.intersection(chain.from_iterable(following(state).values())) for state in states}
        self.found = list(connected(following_of))
        self._loop_of = {state: index for index, group in enumerate(self.found) for state in group}

    def _within(self, state: State, kind: int) -> list[State]:
        loop = self._loop_of[state]
        return [following for following in self._following(state).get(kind, ()) if self._loop_of.get(following) == loop]

    def doubled(self, state: State) -> list[int] | None:
        """Return a text that leads from the state back to the same state on two different paths, or None."""

        def go(pair: tuple[State, State, bool]) -> Iterator[tuple[int, tuple[State, State, bool]]]:
            left, right, are_two = pair
            for kind in self._following(left):
                for at, first in enumerate(self._within(left, kind)):
                    for place, second in enumerate(self._within(right, kind)):
                        is_choice = first != second or (left == right and at != place)
                        yield kind, (first, second, are_two or is_choice)

        return path((state, state, False), (state, state, True), go)

    def led(self, source: State, target: State) -> list[int] | None:
        """Return a text that links the two states.

        The text leads from `source` to `source`, from `source` to `target`, and from `target` to `target`.
        Return None if no such text exists.
        """

        def go(three: tuple[State, State, State]) -> Iterator[tuple[int, tuple[State, State, State]]]:
            back, between, there = three
            for kind, ways in self._following(between).items():
                for first in self._within(back, kind):
                    for last in self._within(there, kind):
                        yield from ((kind, (first, way, last)) for way in ways)

        return path((source, source, target), (source, target, target), go)


def path(begin: N, end: N, go: Callable[[N], Iterator[tuple[int, N]]]) -> list[int] | None:
    """Return the characters on a path of at least one step from `begin` to `end`, or None if no such path exists."""
    came_from, pending = dict[N, tuple[N, int]](), [begin]
    while pending and end not in came_from:
        node = pending.pop()
        for kind, following in go(node):
            if following not in came_from:
                came_from[following] = node, kind
                pending.append(following)
    if end not in came_from:
        return None
    steps, node = list[int](), end
    while not steps or node != begin:
        node, kind = came_from[node]
        steps.append(kind)
    return steps[::-1]


def connected(following: Mapping[State, Iterable[State]]) -> Iterator[list[State]]:
    """Yield the loops: the groups of states that all lead to each other, and single states that lead to themselves.

    The function uses Kosaraju's algorithm.
    """
    back, order = defaultdict[State, list[State]](list), list[State]()
    seen = set[State]()
    for root in following:
        pending = [(root, False)]
        while pending:
            state, is_done = pending.pop()
            if is_done:
                order.append(state)
            elif state not in seen:
                seen.add(state)
                pending.append((state, True))
                for then in following[state]:
                    back[then].append(state)
                    pending.append((then, False))
    grouped = set[State]()
    for root in reversed(order):
        group, pending = list[State](), [root]
        while pending:
            state = pending.pop()
            if state not in grouped:
                grouped.add(state)
                group.append(state)
                pending += back[state]
        if len(group) > 1 or (group and group[0] in back[group[0]]):
            yield group
