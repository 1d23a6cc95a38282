"""Finds out from styles whether an element is struck out, superscript, on a separate line or apart from its neighbours.

Traits come from inline styles, style sheets in the page, and utility classes of Tailwind and Bootstrap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Literal

from octave_mcp.sources.html.tree import BLOCKS, Element, Root

# `line`: the element is on a separate line. `row`: the children of the element are apart from each other. `spaced`: the
# element probably has a margin or padding at its sides. `ligature`: the text of the element is the name of an icon.
# `named`: the element has a class that is not only about font or colour, such as `card`.
Trait = Literal["struck", "raised", "line", "row", "spaced", "ligature", "named"]
Traits = frozenset[Trait]

NO_TRAITS: Traits = frozenset()
# These are the only traits that matter for block elements, because a block element is on a separate line anyway.
BLOCK_TRAITS: Traits = frozenset({"struck", "row"})
DECLARATION_PATTERNS: tuple[tuple[Trait, str], ...] = (
    ("struck", r"text-decoration(?:-line)?\s*:[^;]{0,60}line-through"),
    ("raised", r"vertical-align\s*:\s*(?:super|text-top)"),
    ("line", r"display\s*:\s*(?:block|flex|grid|table|list-item|flow-root)(?![\w-])"),
    ("row", r"display\s*:\s*(?:inline-)?(?:flex|grid)"),
    ("spaced", r"(?:margin|padding)(?:-(?:left|right|inline)(?:-start|-end)?)?\s*:\s*(?:0\w{0,3}\s+)?[.\d]*[1-9]"),
)
DECLARATIONS: tuple[tuple[Trait, re.Pattern[str]], ...] = tuple(
    (trait, re.compile(pattern)) for trait, pattern in DECLARATION_PATTERNS
)
# Only style rules that match one of these patterns are parsed. Nearly all other rules set no trait except `spaced`,
# which is not read from style sheets. Each pattern begins with a literal string, which makes the search fast.
HINTS = tuple(
    re.compile(pattern)
    for pattern in (
        "line-through",
        r"vertical-align\s?:\s?(?:super|text-top)",
        r"display\s?:\s?(?:block|inline-flex|inline-grid|flex|grid|table|list-item)",
    )
)
MAX_RULE_CHARACTERS = 2000
RULE_BOUNDARY = re.compile("[{};]|\\*/")
CLASSES: tuple[tuple[Trait, re.Pattern[str]], ...] = (
    ("struck", re.compile(r"line-through|text-decoration-line-through|strike-?through|strike|struck|crossed-?out")),
    ("struck", re.compile(r"(?:[\w-]*[-_])?old[-_]?price|price[-_]+old")),
    ("raised", re.compile(r"super(?:script)?|sup|align-(?:super|text-top)|foot-?note(?:-?(?:ref|mark|number))?")),
    ("line", re.compile(r"(?:d-)?(?:block|flex|grid|table)")),
    ("row", re.compile(r"(?:d-)?(?:inline-)?(?:flex|grid)")),
    ("spaced", re.compile(r"(?:m|p)[xlrse]?-(?:\[.+\]|auto|px|[1-9].*|0\.\d)|badge|chip|pill|tag|label")),
    ("ligature", re.compile(r"material-(?:icons|symbols)[\w-]*")),
)
# Parts of class names that limit the class to wide screens. They are removed (`md:block` becomes `block`, `d-md-block`
# becomes `d-block`), because the text is extracted as for a wide screen.
SCREEN_PREFIX = re.compile(r"(?:sm|md|lg|xl|2xl):|(?<=^d-)(?:sm|md|lg|xl)-")
# Matches classes for font, colour and similar properties. An element with such a class can be a part of a word, as in
# `<span class="text-red">B</span>est`.
LETTER_CLASS = re.compile(
    r"(?:text|font|color|bg|from|via|to|underline|decoration|italic|bold|fw|tracking|leading|uppercase|lowercase|inline"
    r"|highlight|accent|gradient|char|letter|antialiased|relative|drop-?cap|initial|first-letter)(?:[-_:].*)?"
)

SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*|\*)?(?:[.#][\w-]+)*", re.IGNORECASE)
SELECTOR_NAME = re.compile(r"([.#]?)([\w-]+)")
MAX_COMPOUNDS, MAX_RULES, MAX_RULES_PER_KEY = 5, 5000, 8
MAX_SELECTOR_CHARACTERS, MAX_CLASSES = 200, 60


@lru_cache(maxsize=4096)
def _class_names(classes: str) -> frozenset[str]:
    return frozenset(classes.split(maxsplit=MAX_CLASSES)[:MAX_CLASSES])


@dataclass(frozen=True, slots=True)
class _Compound:
    """A compound CSS selector: the tag, the id and the classes that an element must have."""

    tag: str
    id: str
    classes: frozenset[str]

    def matches(self, element: Element) -> bool:
        attributes = element.attributes
        return (
            self.tag in {"", element.tag}
            and self.id in {"", attributes.get("id", "")}
            and (not self.classes or self.classes <= _class_names(attributes.get("class", "")))
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    compounds: tuple[_Compound, ...]
    traits: Traits

    def applies(self, ancestors: Sequence[Element]) -> bool:
        """Return whether the rule applies to an element with these ancestors.

        Only ancestors are checked here. For a rule such as `div p`, the caller must have checked that the element is a
        <p>.
        """
        remaining = reversed(ancestors)
        return all(any(map(compound.matches, remaining)) for compound in self.compounds[-2::-1])


@dataclass(frozen=True, slots=True)
class _CachedTraits:
    """`traits` depend only on an element's tag, class, id and style. `rules` also depend on its ancestors."""

    traits: Traits
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class Styles:
    """The rules in the style sheets of a page.

    The lookup key of a rule is a class, id or tag of the elements that it matches.
    """

    _rules: dict[str, list[_Rule]] = field(default_factory=dict[str, list[_Rule]])
    _cache: dict[tuple[str, str, str, str], _CachedTraits] = field(
        default_factory=dict[tuple[str, str, str, str], _CachedTraits]
    )

    def traits_of(self, element: Element, ancestors: Sequence[Element]) -> Traits:
        """Return the traits of an element. `ancestors` starts with the outermost ancestor."""
        attributes = element.attributes
        if not attributes and element.tag not in self._rules:
            return NO_TRAITS
        get = attributes.get
        key = (element.tag, get("class", ""), get("id", "") if self._rules else "", get("style", ""))
        cached = self._cache.get(key)
        if cached is None:
            cached = self._cache[key] = self._matched(element)
        rules = [rule for rule in cached.rules if rule.applies(ancestors)] if cached.rules else ()
        return cached.traits.union(*(rule.traits for rule in rules)) if rules else cached.traits

    def _matched(self, element: Element) -> _CachedTraits:
        get = element.attributes.get
        names = _class_names(get("class", ""))
        traits = NO_TRAITS.union(*map(_class_traits, names))
        if style := get("style"):
            traits |= _declared_traits(style.lower())
        if not self._rules:
            return _CachedTraits(traits, ())
        keys = [element.tag, *(f".{name}" for name in names), f"#{get('id')}"]
        candidates = [rule for key in keys if key in self._rules for rule in self._rules[key]]
        rules = [rule for rule in candidates if rule.compounds[-1].matches(element)]
        if element.tag in BLOCKS:
            rules = [rule for rule in rules if rule.traits & BLOCK_TRAITS]
        unconditional = (rule.traits for rule in rules if len(rule.compounds) == 1)
        return _CachedTraits(traits.union(*unconditional), tuple(rule for rule in rules if len(rule.compounds) > 1))


@lru_cache(maxsize=4096)
def _class_traits(name: str) -> Traits:
    """Return the traits that the name of a class implies."""
    name = SCREEN_PREFIX.sub("", name)
    traits: set[Trait] = {trait for trait, pattern in CLASSES if pattern.fullmatch(name)}
    if not LETTER_CLASS.fullmatch(name):
        traits.add("named")
    return frozenset(traits)


def _declared_traits(declarations: str) -> Traits:
    traits: set[Trait] = {trait for trait, pattern in DECLARATIONS if pattern.search(declarations)}
    return frozenset(traits)


def styles_of(root: Root) -> Styles:
    rules: dict[str, list[_Rule]] = {}
    for key, rule in islice(_rules_of(root.style_sheets), MAX_RULES):
        rules_of_key = rules.setdefault(key, [])
        if len(rules_of_key) < MAX_RULES_PER_KEY:
            rules_of_key.append(rule)
    return Styles(rules)


def _rules_of(sheet: str) -> Iterator[tuple[str, _Rule]]:
    """Yield the style rules that set traits, each with its lookup key.

    Style sheets are long, so only rules that match one of `HINTS` are parsed.
    """
    for selectors, declarations in chain.from_iterable(_rules_with(hint, sheet) for hint in HINTS):
        traits = _declared_traits(declarations) - {"spaced"}
        for selector in selectors.split(","):
            if traits and (compounds := _compounds(selector)):
                yield _key(compounds[-1]), _Rule(compounds, traits)


def _rules_with(hint: re.Pattern[str], sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and declarations of each style rule that matches the hint."""
    end = 0
    for match in hint.finditer(sheet):
        if match.start() < end:
            continue
        open_brace = sheet.rfind("{", max(end, match.start() - MAX_RULE_CHARACTERS), match.start())
        close_brace = sheet.find("}", match.end(), match.end() + MAX_RULE_CHARACTERS)
        if open_brace >= 0 and close_brace >= 0:
            prelude = sheet[max(end, open_brace - MAX_RULE_CHARACTERS) : open_brace]
            end = close_brace
            yield RULE_BOUNDARY.split(prelude)[-1], sheet[open_brace + 1 : close_brace]


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """Split a selector into its compounds: "div.card > p" into "div.card" and "p".

    Return an empty tuple if the selector contains anything but tags, classes and ids, because other selectors are not
    supported.
    """
    parts = selector.replace(">", " ").split() if len(selector) <= MAX_SELECTOR_CHARACTERS else []
    if len(parts) > MAX_COMPOUNDS or not all(map(SELECTOR.fullmatch, parts)):
        return ()
    return tuple(map(_compound, parts))


def _compound(text: str) -> _Compound:
    names = SELECTOR_NAME.findall(text)
    tag = next((name.lower() for sigil, name in names if not sigil), "")
    element_id = next((name for sigil, name in names if sigil == "#"), "")
    return _Compound(tag, element_id, frozenset(name for sigil, name in names if sigil == "."))


def _key(compound: _Compound) -> str:
    if compound.classes:
        return f".{min(compound.classes)}"
    return f"#{compound.id}" if compound.id else compound.tag
