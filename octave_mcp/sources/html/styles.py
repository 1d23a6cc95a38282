"""How a page lays out what its tags leave open: struck out, raised, on a line of its own, apart from its neighbours.

Read from inline styles, the page's own style sheets, and classes whose names are declarations (Tailwind, Bootstrap).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Literal

from octave_mcp.sources.html.tree import Element

Trait = Literal["struck", "raised", "line", "row", "spaced", "ligature", "named"]
"""`line`: on a line of its own; `row`: its children are laid out apart; `spaced`: with a margin or padding at its sides;
`ligature`: its text is the name of an icon; `named`: it has a class that is not only about its letters."""
Traits = frozenset[Trait]

NOTHING: Traits = frozenset()
NAMED: Traits = frozenset({"named"})
DECLARED: tuple[tuple[Trait, str], ...] = (
    ("struck", r"text-decoration(?:-line)?\s*:[^;]{0,60}line-through"),
    ("raised", r"vertical-align\s*:\s*(?:super|text-top)"),
    ("line", r"display\s*:\s*(?:block|flex|grid|table|list-item|flow-root)(?![\w-])"),
    ("row", r"display\s*:\s*(?:inline-)?(?:flex|grid)"),
    ("spaced", r"(?:margin|padding)(?:-(?:left|right|inline)(?:-start|-end)?)?\s*:\s*(?:0\w{0,3}\s+)?[.\d]*[1-9]"),
)
DECLARATIONS = tuple((trait, re.compile(pattern)) for trait, pattern in DECLARED)
# One of them is in each rule of a style sheet that says any of this.
HINTS = ("line-through", "display", "vertical-align")
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
MOST_PARTS, MOST_SELECTORS, MOST_OF_A_KEY = 5, 5000, 8
LONGEST_SELECTOR, MOST_CLASSES = 200, 60


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
            and (not self.classes or self.classes.issubset(attributes.get("class", "").split()))
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    compounds: tuple[_Compound, ...]
    traits: Traits

    def applies(self, element: Element, above: Sequence[Element]) -> bool:
        *outer, last = self.compounds
        if not last.matches(element):
            return False
        ancestors = reversed(above)
        return all(any(compound.matches(ancestor) for ancestor in ancestors) for compound in reversed(outer))


@dataclass(frozen=True, slots=True)
class Styles:
    """What the style sheets of a page say; rules are found by a class, an id or a tag of the element they are for."""

    _rules: dict[str, list[_Rule]] = field(default_factory=dict["str, list[_Rule]"])

    def of(self, element: Element, above: Sequence[Element]) -> Traits:
        """How an element is laid out that stands in `above`, the outermost first."""
        attributes = element.attributes
        if not attributes and not self._rules:
            return NOTHING
        traits = _declared(attributes.get("class", ""), attributes.get("style", "")) if attributes else NOTHING
        if not self._rules:
            return traits
        keys = [element.tag, *(f".{name}" for name in attributes.get("class", "").split()), f"#{attributes.get('id')}"]
        rules = [rule for key in keys for rule in self._rules.get(key, ()) if rule.applies(element, above)]
        return traits.union(*(rule.traits for rule in rules)) if rules else traits


@lru_cache(maxsize=4096)
def _declared(classes: str, style: str) -> Traits:
    """What an inline style and the names of classes say; pages use the same ones over and over."""
    found: set[Trait] = set()
    names = [SCREENS.sub("", name) for name in classes.split(maxsplit=MOST_CLASSES)[:MOST_CLASSES]]
    for name in names:
        found.update(trait for trait, pattern in CLASSES if pattern.fullmatch(name))
    if any(not OF_LETTERS.fullmatch(name) for name in names):
        found.add("named")
    if style:
        found |= _traits(style.lower())
    return frozenset(found)


def _traits(declarations: str) -> Traits:
    return frozenset(trait for trait, pattern in DECLARATIONS if pattern.search(declarations))


def styles_of(root: Element) -> Styles:
    rules: dict[str, list[_Rule]] = {}
    for key, rule in islice(_rules_of("".join(_sheets(root))), MOST_SELECTORS):
        known = rules.setdefault(key, [])
        if len(known) < MOST_OF_A_KEY:
            known.append(rule)
    return Styles(rules)


def _sheets(root: Element) -> Iterator[str]:
    waiting = [root]
    while waiting:
        for child in waiting.pop().children:
            if isinstance(child, Element):
                if child.tag == "style":
                    yield from child.strings()
                elif child.children:
                    waiting.append(child)


def _rules_of(sheet: str) -> Iterator[tuple[str, _Rule]]:
    for rule in sheet.split("}"):
        selectors, _, declarations = rule.rpartition("{")
        if not any(hint in declarations for hint in HINTS) or not (traits := _traits(declarations) - {"spaced"}):
            continue
        for selector in selectors.rpartition("{")[2].split(","):
            compounds = _compounds(selector)
            if compounds:
                yield _key(compounds[-1]), _Rule(compounds, traits)


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """Empty for a selector of more than tags, classes and ids: what it selects is not known here."""
    parts = selector.replace(">", " ").split() if len(selector) <= LONGEST_SELECTOR else []
    if len(parts) > MOST_PARTS or not all(map(SELECTOR.fullmatch, parts)):
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
