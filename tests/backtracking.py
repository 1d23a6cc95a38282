"""How the time of a regular expression grows with the text, worked out from the expression: nothing is timed.

`re` tries one way to match after another, and each way is a path through the automaton of the expression. The time is a
power of the text's length: 1 if each character is looked at a few times, 2 if all is looked at again from each
character, infinite if each character doubles the ways.

The power is the length of the longest chain of loops in which one text leads round a loop, round the next one, and from
the one to the other: after copies of it, `re` may have changed loops at any of them. A search begins with a loop, as it
may start anywhere. Two ways round one loop with the same text double the ways with each copy. Loops that end in a match
whatever follows do not count, as `re` never goes back to them. See "Analyzing Matching Time Behavior of Backtracking
Regular Expression Matchers by Using Ambiguity of NFA" (Weideman et al., 2016).
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

ANYWHERE, FIRST = -1, -2
"""Nodes before the expression has begun to match: in a search, or elsewhere."""
AT_ONE_PLACE = frozenset({"match", "fullmatch"})
"""The methods that look for no other place where a text may match."""
State = tuple[int, int]
"""The node whose character was read last, and the first character that means the same to what follows."""
N = TypeVar("N")


class Growth(NamedTuple):
    """`copied` is the text of which copies take that long."""

    power: float
    copied: str = ""


class Way(NamedTuple):
    """From a place to the next node that reads a character, or to the match."""

    before: Condition
    after: Condition
    node: int


def growth(pattern: re.Pattern[Any], method: str) -> Growth:
    """How long that method of the pattern takes."""
    parts, alphabet = parts_of(pattern)
    if method == "fullmatch":
        parts.append(END)
    return _growth(parts, alphabet, pattern.flags, is_search=method not in AT_ONE_PLACE)


def _growth(parts: Parts, alphabet: Alphabet, flags: int, *, is_search: bool) -> Growth:
    built = Builder(alphabet)
    start = built.sequence(parts, MATCHED, flags)
    inner = [_growth(region, alphabet, flags, is_search=False) for region, flags in built.regions]
    return max([Paths(built, start, is_search=is_search).growth(), *inner], key=lambda found: found.power)


class Paths:
    """The states of an automaton, and the loops among them."""

    def __init__(self, built: Builder, start: int, *, is_search: bool) -> None:
        self._nodes, self._alphabet, self._start = built.nodes, built.alphabet, start
        self._begins = (ANYWHERE if is_search else FIRST, NONE)
        self._ways, self._equals = cache(self._ways_from), cache(self._equal_after)
        self._readings, self._next = cache(self._readings_of), cache(self._next_of)
        conditions = (one.among for node in built.nodes for one in (node.before, node.after) if one)
        sets = {*conditions, *(node.reads for node in built.nodes if node.reads is not None)}
        self._kinds = sorted(set(self._first_alike(range(len(built.alphabet.characters)), sets).values()))

    def growth(self) -> Growth:
        states = self._reachable()
        loops = Loops(self._next, states - self._safe(states))
        for loop in loops.found:
            if not self._is_region(loop) and (copied := loops.doubled(loop[0])):
                return Growth(math.inf, self._text(copied))
        return max(map(self._chains(loops), loops.found), key=lambda found: found.power, default=Growth(1))

    def _chains(self, loops: Loops) -> Callable[[list[State]], Growth]:
        """The longest chain that begins with a loop."""

        @cache
        def longest(at: int) -> Growth:
            found = Growth(1)
            for then, loop in enumerate(loops.found):
                if copied := self._leads(loops, loops.found[at], loop):
                    more = longest(then)
                    found = max(found, Growth(more.power + 1, self._text(copied)), key=lambda one: one.power)
            return found

        return lambda loop: longest(loops.found.index(loop))

    def _leads(self, loops: Loops, one: list[State], other: list[State]) -> list[int] | None:
        is_search = one[0][0] == ANYWHERE
        if one is other or other[0][0] == ANYWHERE or (self._is_region(one) and not is_search):
            return None
        # From any text round the other loop comes one for each of its states: a search follows all of them.
        for end in other[:1] if is_search else other:
            for begin in one:
                if self._can_meet(begin, end) and (copied := loops.led(begin, end)):
                    return copied
        return None

    def _can_meet(self, one: State, other: State) -> bool:
        """Whether one character can have led to both."""
        return any(
            self._reads(one[0]) >> kind & 1
            and self._reads(other[0]) >> kind & 1
            and self._equals(one[0])[kind] == one[1]
            and self._equals(other[0])[kind] == other[1]
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
        found, left = set[State]([self._begins]), list[State]([self._begins])
        while left:
            for then in self._next(left.pop()).values():
                left += {*then} - found
                found.update(then)
        return found

    def _safe(self, states: set[State]) -> set[State]:
        """Those from which it matches, whatever follows."""
        safe = {state for state in states if self._matches(state, NONE)}
        while True:
            gone = {
                state
                for state in safe
                for kind in self._kinds
                if not self._matches(state, kind) and safe.isdisjoint(self._next(state).get(kind, ()))
            }
            if not gone:
                return safe
            safe -= gone

    def _matches(self, state: State, following: int) -> bool:
        node, last = state
        ways = self._ways(self._place(node)) if node > MATCHED else ()
        return any(way.node == MATCHED and way.before.holds(last) and way.after.holds(following) for way in ways)

    def _place(self, node: int) -> int:
        """Where the expression goes on from there."""
        return self._start if node in (ANYWHERE, FIRST) else self._nodes[node].following[0]

    def _ways_from(self, place: int) -> list[Way]:
        """Each as often as there are choices that lead there."""
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
        """For each kind of character, the first one that means the same to what follows the node."""
        return self._first_alike(self._kinds, {way.before.among for way in self._ways(self._place(node))})

    def _first_alike(self, among: Iterable[int], sets: Iterable[int]) -> dict[int, int]:
        sets, firsts = sorted(sets), dict[tuple[int, ...], int]()
        return {one: firsts.setdefault(tuple(found >> one & 1 for found in sets), one) for one in among}

    def _readings_of(self, place: int) -> dict[int, list[Way]]:
        """By the kind of character that is read."""
        found = defaultdict[int, list[Way]](list)
        for way in self._ways(place):
            reads = (self._nodes[way.node].reads or 0) & way.after.among
            for kind in self._kinds if way.node != MATCHED else ():
                if reads >> kind & 1:
                    found[kind].append(way)
        return found

    def _next_of(self, state: State) -> dict[int, list[State]]:
        """By the kind of character that is read, each as often as there are choices that lead there."""
        node, last = state
        found = defaultdict[int, list[State]](list)
        for kind, ways in self._readings(self._place(node)).items():
            found[kind] = [(way.node, self._equals(way.node)[kind]) for way in ways if way.before.holds(last)]
        for kind in self._kinds if node == ANYWHERE else ():
            found[kind].append((ANYWHERE, self._equals(ANYWHERE)[kind]))
        return found


class Loops:
    """The loops among some of the states, each with its states."""

    def __init__(self, following: Callable[[State], dict[int, list[State]]], states: set[State]) -> None:
        self._following = following
        following_of = {state: states.intersection(chain.from_iterable(following(state).values())) for state in states}
        self.found = list(connected(following_of))
        self._of = {state: at for at, group in enumerate(self.found) for state in group}

    def _within(self, state: State, kind: int) -> list[State]:
        """Where that kind of character leads on the same loop."""
        loop = self._of[state]
        return [then for then in self._following(state).get(kind, ()) if self._of.get(then) == loop]

    def doubled(self, state: State) -> list[int] | None:
        """A text that leads back to the state in two ways."""

        def go(pair: tuple[State, State, bool]) -> Iterator[tuple[int, tuple[State, State, bool]]]:
            one, other, are_two = pair
            for kind in self._following(one):
                for at, first in enumerate(self._within(one, kind)):
                    for place, second in enumerate(self._within(other, kind)):
                        is_choice = first != second or (one == other and at != place)
                        yield kind, (first, second, are_two or is_choice)

        return path((state, state, False), (state, state, True), go)

    def led(self, one: State, other: State) -> list[int] | None:
        """A text that leads back to the one, back to the other, and from the one to the other."""

        def go(three: tuple[State, State, State]) -> Iterator[tuple[int, tuple[State, State, State]]]:
            back, between, there = three
            for kind, ways in self._following(between).items():
                for first in self._within(back, kind):
                    for last in self._within(there, kind):
                        yield from ((kind, (first, way, last)) for way in ways)

        return path((one, one, other), (one, other, other), go)


def path(begin: N, end: N, go: Callable[[N], Iterator[tuple[int, N]]]) -> list[int] | None:
    """The steps from one to the other, at least one."""
    came, left = dict[N, tuple[N, int]](), [begin]
    while left and end not in came:
        one = left.pop()
        for kind, then in go(one):
            if then not in came:
                came[then] = one, kind
                left.append(then)
    if end not in came:
        return None
    steps, one = list[int](), end
    while not steps or one != begin:
        one, kind = came[one]
        steps.append(kind)
    return steps[::-1]


def connected(following: Mapping[State, Iterable[State]]) -> Iterator[list[State]]:
    """Groups of states that lead to each other, and states that lead to themselves."""
    back, order = defaultdict[State, list[State]](list), list[State]()
    seen = set[State]()
    for root in following:
        left = [(root, False)]
        while left:
            state, is_done = left.pop()
            if is_done:
                order.append(state)
            elif state not in seen:
                seen.add(state)
                left.append((state, True))
                for then in following[state]:
                    back[then].append(state)
                    left.append((then, False))
    grouped = set[State]()
    for root in reversed(order):
        group, left = list[State](), [root]
        while left:
            state = left.pop()
            if state not in grouped:
                grouped.add(state)
                group.append(state)
                left += back[state]
        if len(group) > 1 or (group and group[0] in back[group[0]]):
            yield group
