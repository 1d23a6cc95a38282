"""Which buttons and labels are content: questions, tabs and plans, not what submits a form or opens a menu."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice

from octave_mcp.sources.html.names import names_of
from octave_mcp.sources.html.tree import HEADINGS, Element

CONTROLS = frozenset({"button", "label"})
POINTERS = ("aria-controls", "data-target", "data-bs-target")
# Roles of buttons that name one of several things.
CHOICES = frozenset({"tab", "radio"})
TEXT_FIELDS = frozenset({"", "text", "email", "tel", "url", "password", "number", "date"})
NO_PROSE = frozenset({"nav", "form", "dialog"})
NO_PROSE_ROLES = frozenset({"dialog", "alertdialog", "menu", "listbox", "navigation", "search"})
CARD_WORDS = 8
# Of radio buttons on a page with plans; a page with more has a filter or a survey.
MAX_CHOICES = 12
MAX_LINKS = 0.5
LOOKED_AHEAD = 3
TOGGLE = re.compile(
    r"(?:show|read|see|view|load|expand|collapse|hide|open|close|learn)(?: (?:me|more|less|all|everything))*"
    r"|more|less|menu"
    r"|(?:mehr|weniger|alle) (?:anzeigen|lesen)|voir (?:plus|moins)|ver (?:m[aá]s|menos|todo)",
    re.IGNORECASE,
)


class Controls:
    """The buttons and labels of a page."""

    def __init__(self, root: Element) -> None:
        self._root = root

    def is_content(self, control: Element, inside: Element, at: int, *, in_form: bool) -> bool:
        """Whether the control, child number `at` of `inside`, says something to readers."""
        if not control.words:
            return False
        following = _following(inside.children, at)
        if control.tag == "label":
            return not in_form and self._is_choice(control, following)
        if control.words >= CARD_WORDS or control.text.endswith(("?", "？")) or _is_card(control):
            return True
        return not in_form and not TOGGLE.fullmatch(control.text) and self._opens(control, inside, following)

    def _opens(self, button: Element, inside: Element, following: Element | None) -> bool:
        if button.attributes.get("role") in CHOICES:
            return True
        target = self._target(button)
        if target is None and ("opener" in names_of(button) or "aria-expanded" in button.attributes):
            target = following
        return _is_prose(target) or (target is None and "opener" in names_of(inside))

    def _target(self, button: Element) -> Element | None:
        pointer = next((found for name in POINTERS if (found := button.attributes.get(name))), "")
        return self._by_id.get(pointer.lstrip("#")) if pointer else None

    def _is_choice(self, label: Element, following: Element | None) -> bool:
        """A radio button that is a plan, or a box that opens an answer without a script."""
        field = next(label.find("input"), None) or self._by_id.get(label.attributes.get("for", "") or " ")
        kind = field.attributes.get("type", "").lower() if field else ""
        if kind == "radio":
            return self._radios <= MAX_CHOICES
        return kind == "checkbox" and (_is_card(label) or _is_prose(following))

    @cached_property
    def _radios(self) -> int:
        return sum(field.attributes.get("type", "").lower() == "radio" for field in self._root.find("input"))

    @cached_property
    def _by_id(self) -> dict[str, Element]:
        return {name: element for element in self._root.elements() if (name := element.attributes.get("id"))}


def is_data_form(element: Element) -> bool:
    """A form to fill in; one of mere choices may be a list of plans."""
    return element.tag == "form" and any(
        field.tag == "textarea" or field.attributes.get("type", "").lower() in TEXT_FIELDS
        for field in element.find("input", "textarea")
    )


def _following(children: Sequence[Element | str], at: int) -> Element | None:
    return next(
        (child for child in islice(children, at + 1, at + 1 + LOOKED_AHEAD) if isinstance(child, Element)), None
    )


def _is_card(control: Element) -> bool:
    return control.holds_block and any(control.find(*HEADINGS, "p"))


def _is_prose(element: Element | None) -> bool:
    if element is None or not element.words or element.tag in NO_PROSE:
        return False
    return element.attributes.get("role") not in NO_PROSE_ROLES and element.link_words <= MAX_LINKS * element.words
