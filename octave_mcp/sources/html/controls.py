"""Decides whether a button or label is content, such as a question, a tab or a plan, or only a control of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice

from octave_mcp.sources.html.names import names_of
from octave_mcp.sources.html.tree import HEADINGS, Element

CONTROLS = frozenset({"button", "label"})
TARGET_ATTRIBUTES = ("aria-controls", "data-target", "data-bs-target")
CHOICE_ROLES = frozenset({"tab", "radio"})
TEXT_FIELDS = frozenset({"", "text", "email", "tel", "url", "password", "number", "date"})
NO_PROSE = frozenset({"nav", "form", "dialog"})
NO_PROSE_ROLES = frozenset({"dialog", "alertdialog", "menu", "listbox", "navigation", "search"})
# A button with at least this many words is probably a card or a question rather than a command.
MIN_CONTENT_WORDS = 8
# If a page has more radio buttons than this, they probably belong to a filter or a survey, not to plans.
MAX_RADIO_BUTTONS = 12
MAX_LINK_SHARE = 0.5
SIBLINGS_AHEAD = 3
TOGGLE = re.compile(
    r"(?:show|read|see|view|load|expand|collapse|hide|open|close|learn)(?: (?:me|more|less|all|everything))*"
    r"|more|less|menu"
    r"|(?:mehr|weniger|alle) (?:anzeigen|lesen)|voir (?:plus|moins)|ver (?:m[aá]s|menos|todo)",
    re.IGNORECASE,
)


class Controls:
    """Decides which buttons and labels of a page are content."""

    def __init__(self, root: Element) -> None:
        self._root = root

    def is_content(self, control: Element, parent: Element, index: int, *, in_form: bool) -> bool:
        """Return whether the text of the control `parent.children[index]` is content for readers."""
        if not control.words:
            return False
        next_element = _next_element(parent.children, index)
        if control.tag == "label":
            return not in_form and self._is_choice(control, next_element)
        if control.words >= MIN_CONTENT_WORDS or control.text.endswith(("?", "？")) or _is_card(control):
            return True
        return not in_form and not TOGGLE.fullmatch(control.text) and self._opens_prose(control, parent, next_element)

    def _opens_prose(self, button: Element, parent: Element, next_element: Element | None) -> bool:
        if button.attributes.get("role") in CHOICE_ROLES:
            return True
        target = self._target(button)
        if target is None and ("opener" in names_of(button) or "aria-expanded" in button.attributes):
            target = next_element
        return _is_prose(target) or (target is None and "opener" in names_of(parent))

    def _target(self, button: Element) -> Element | None:
        target_id = next((value for name in TARGET_ATTRIBUTES if (value := button.attributes.get(name))), "")
        return self._by_id.get(target_id.lstrip("#")) if target_id else None

    def _is_choice(self, label: Element, next_element: Element | None) -> bool:
        """Return whether a label offers a choice: a radio button for a plan, or a checkbox that shows an answer."""
        field = next(label.find("input"), None) or self._by_id.get(label.attributes.get("for", "") or " ")
        field_type = field.attributes.get("type", "").lower() if field else ""
        if field_type == "radio":
            return self._radio_count <= MAX_RADIO_BUTTONS
        return field_type == "checkbox" and (_is_card(label) or _is_prose(next_element))

    @cached_property
    def _radio_count(self) -> int:
        return sum(field.attributes.get("type", "").lower() == "radio" for field in self._root.find("input"))

    @cached_property
    def _by_id(self) -> dict[str, Element]:
        return {name: element for element in self._root.elements() if (name := element.attributes.get("id"))}


def is_data_form(element: Element) -> bool:
    """Return whether an element is a form with text fields.

    A form without text fields is possibly a list of plans to choose from.
    """
    return element.tag == "form" and any(
        field.tag == "textarea" or field.attributes.get("type", "").lower() in TEXT_FIELDS
        for field in element.find("input", "textarea")
    )


def _next_element(children: Sequence[Element | str], index: int) -> Element | None:
    return next(
        (child for child in islice(children, index + 1, index + 1 + SIBLINGS_AHEAD) if isinstance(child, Element)), None
    )


def _is_card(control: Element) -> bool:
    return control.holds_block and any(control.find(*HEADINGS, "p"))


def _is_prose(element: Element | None) -> bool:
    if element is None or not element.words or element.tag in NO_PROSE:
        return False
    return element.attributes.get("role") not in NO_PROSE_ROLES and element.link_words <= MAX_LINK_SHARE * element.words
