"""How a page lays out what its tags leave open: struck out, raised, on a line of its own, apart from its neighbours.

Read from inline styles, the page's own style sheets, and classes whose names are declarations (Tailwind, Bootstrap).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Literal

from octave_mcp.sources.html.tree import BLOCKS, Element, Root

# `line`: on a line of its own; `row`: its children are apart; `spaced`: with a margin or padding at its sides;
# `ligature`: its text is the name of an icon; `named`: it has a class that is not only about its letters.
Trait = Literal["struck", "raised", "line", "row", "spaced", "ligature", "named"]
Traits = frozenset[Trait]

NOTHING: Traits = frozenset()
# What matters of an element that stands on lines of its own anyway.
OF_BLOCKS: Traits = frozenset({"struck", "row"})
DECLARED: tuple[tuple[Trait, str], ...] = (
    ("struck", r"text-decoration(?:-line)?\s*:[^;]{0,60}line-through"),
    ("raised", r"vertical-align\s*:\s*(?:super|text-top)"),
    ("line", r"display\s*:\s*(?:block|flex|grid|table|list-item|flow-root)(?![\w-])"),
    ("row", r"display\s*:\s*(?:inline-)?(?:flex|grid)"),
    ("spaced", r"(?:margin|padding)(?:-(?:left|right|inline)(?:-start|-end)?)?\s*:\s*(?:0\w{0,3}\s+)?[.\d]*[1-9]"),
)
DECLARATIONS: tuple[tuple[Trait, re.Pattern[str]], ...] = tuple(
    (trait, re.compile(pattern)) for trait, pattern in DECLARED
)
# One of them is in each rule of a style sheet that says any of this. Each begins with letters to search for fast.
HINTS = tuple(
    re.compile(pattern)
    for pattern in (
        "line-through",
        r"vertical-align\s?:\s?(?:super|text-top)",
        r"display\s?:\s?(?:block|inline-flex|inline-grid|flex|grid|table|list-item)",
    )
)
LONGEST_RULE = 2000
OUTSIDE = re.compile("[{};]|\\*/")
CLASSES: tuple[tuple[Trait, re.Pattern[str]], ...] = (
    ("struck", re.compile(r"line-through|text-decoration-line-through|strike-?through|strike|struck|crossed-?out")),
    ("struck", re.compile(r"(?:[\w-]*[-_])?old[-_]?price|price[-_]+old")),
    ("raised", re.compile(r"super(?:script)?|sup|align-(?:super|text-top)|foot-?note(?:-?(?:ref|mark|number))?")),
    ("line", re.compile(r"(?:d-)?(?:block|flex|grid|table)")),
    ("row", re.compile(r"(?:d-)?(?:inline-)?(?:flex|grid)")),
    ("spaced", re.compile(r"(?:m|p)[xlrse]?-(?:\[.+\]|auto|px|[1-9].*|0\.\d)|badge|chip|pill|tag|label")),
    ("ligature", re.compile(r"material-(?:icons|symbols)[\w-]*")),
)
SCREENS = re.compile(r"(?:sm|md|lg|xl|2xl):|(?<=^d-)(?:sm|md|lg|xl)-")
# Of letters only: a part of a word has such classes too.
OF_LETTERS = re.compile(
    r"(?:text|font|color|bg|from|via|to|underline|decoration|italic|bold|fw|tracking|leading|uppercase|lowercase|inline"
    r"|highlight|accent|gradient|char|letter|antialiased|relative|drop-?cap|initial|first-letter)(?:[-_:].*)?"
)

SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*|\*)?(?:[.#][\w-]+)*", re.IGNORECASE)
NAMES = re.compile(r"([.#]?)([\w-]+)")
MAX_PARTS, MAX_SELECTORS, MOST_OF_A_KEY = 5, 5000, 8
LONGEST_SELECTOR, MAX_CLASSES = 200, 60


@lru_cache(maxsize=4096)
def _names(classes: str) -> frozenset[str]:
    return frozenset(classes.split(maxsplit=MAX_CLASSES)[:MAX_CLASSES])


@dataclass(frozen=True, slots=True)
class _Compound:
    """One element of a selector: its tag, its id and its classes."""

    tag: str
    id: str
    classes: frozenset[str]

    def matches(self, element: Element) -> bool:
        attributes = element.attributes
        return (
            self.tag in {"", element.tag}
            and self.id in {"", attributes.get("id", "")}
            and (not self.classes or self.classes <= _names(attributes.get("class", "")))
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    compounds: tuple[_Compound, ...]
    traits: Traits

    def applies(self, above: Sequence[Element]) -> bool:
        """To an element that the last compound matches."""
        ancestors = reversed(above)
        return all(any(map(compound.matches, ancestors)) for compound in self.compounds[-2::-1])


@dataclass(frozen=True, slots=True)
class _Known:
    """What holds for each element of one tag, class, id and style, and the rules that depend on what it stands in."""

    traits: Traits
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class Styles:
    """What the style sheets of a page say; rules are found by a class, an id or a tag of the element they are for."""

    _rules: dict[str, list[_Rule]] = field(default_factory=dict[str, list[_Rule]])
    _known: dict[tuple[str, str, str, str], _Known] = field(default_factory=dict[tuple[str, str, str, str], _Known])

    def of(self, element: Element, above: Sequence[Element]) -> Traits:
        """How an element is laid out that stands in `above`, the outermost first."""
        attributes = element.attributes
        if not attributes and element.tag not in self._rules:
            return NOTHING
        look = attributes.get
        key = (element.tag, look("class", ""), look("id", "") if self._rules else "", look("style", ""))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._first_seen(element)
        rules = [rule for rule in known.rules if rule.applies(above)] if known.rules else ()
        return known.traits.union(*(rule.traits for rule in rules)) if rules else known.traits

    def _first_seen(self, element: Element) -> _Known:
        look = element.attributes.get
        names = _names(look("class", ""))
        traits = NOTHING.union(*map(_of_class, names))
        if style := look("style"):
            traits |= _traits(style.lower())
        if not self._rules:
            return _Known(traits, ())
        keys = [element.tag, *(f".{name}" for name in names), f"#{look('id')}"]
        found = [rule for key in keys if key in self._rules for rule in self._rules[key]]
        rules = [rule for rule in found if rule.compounds[-1].matches(element)]
        if element.tag in BLOCKS:
            rules = [rule for rule in rules if rule.traits & OF_BLOCKS]
        alone = (rule.traits for rule in rules if len(rule.compounds) == 1)
        return _Known(traits.union(*alone), tuple(rule for rule in rules if len(rule.compounds) > 1))


@lru_cache(maxsize=4096)
def _of_class(name: str) -> Traits:
    """What the name of a class declares; pages use the same ones over and over."""
    name = SCREENS.sub("", name)
    found: set[Trait] = {trait for trait, pattern in CLASSES if pattern.fullmatch(name)}
    if not OF_LETTERS.fullmatch(name):
        found.add("named")
    return frozenset(found)


def _traits(declarations: str) -> Traits:
    found: set[Trait] = {trait for trait, pattern in DECLARATIONS if pattern.search(declarations)}
    return frozenset(found)


def styles_of(root: Root) -> Styles:
    rules: dict[str, list[_Rule]] = {}
    for key, rule in islice(_rules_of(root.style_sheets), MAX_SELECTORS):
        known = rules.setdefault(key, [])
        if len(known) < MOST_OF_A_KEY:
            known.append(rule)
    return Styles(rules)


def _rules_of(sheet: str) -> Iterator[tuple[str, _Rule]]:
    """The rules that say any of this. Only what stands near a declaration is looked at: sheets are long."""
    for selectors, declarations in chain.from_iterable(_around(hint, sheet) for hint in HINTS):
        traits = _traits(declarations) - {"spaced"}
        for selector in selectors.split(","):
            if traits and (compounds := _compounds(selector)):
                yield _key(compounds[-1]), _Rule(compounds, traits)


def _around(hint: re.Pattern[str], sheet: str) -> Iterator[tuple[str, str]]:
    """The selectors and the declarations of each rule that has the hint."""
    end = 0
    for found in hint.finditer(sheet):
        if found.start() < end:
            continue
        opening = sheet.rfind("{", max(end, found.start() - LONGEST_RULE), found.start())
        closing = sheet.find("}", found.end(), found.end() + LONGEST_RULE)
        if opening >= 0 and closing >= 0:
            before = sheet[max(end, opening - LONGEST_RULE) : opening]
            end = closing
            yield OUTSIDE.split(before)[-1], sheet[opening + 1 : closing]


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """Empty for a selector of more than tags, classes and ids: what it selects is not known here."""
    parts = selector.replace(">", " ").split() if len(selector) <= LONGEST_SELECTOR else []
    if len(parts) > MAX_PARTS or not all(map(SELECTOR.fullmatch, parts)):
        return ()
    return tuple(map(_compound, parts))


def _compound(text: str) -> _Compound:
    names = NAMES.findall(text)
    tag = next((name.lower() for mark, name in names if not mark), "")
    identity = next((name for mark, name in names if mark == "#"), "")
    return _Compound(tag, identity, frozenset(name for mark, name in names if mark == "."))


def _key(compound: _Compound) -> str:
    if compound.classes:
        return f".{min(compound.classes)}"
    return f"#{compound.id}" if compound.id else compound.tag
