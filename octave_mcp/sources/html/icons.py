"""Converts icons to text.

The text of an icon is its label for screen readers. An icon without a label becomes Yes or No, depending on its class,
symbol or file.
"""

from __future__ import annotations

import re
from itertools import islice

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.styles import CLASSES
from octave_mcp.sources.html.tree import Element

ICONS = frozenset({"svg", "img", "i", "span", "em", "b"})
LABELS = ("aria-label", "alt", "title")
MAX_LABEL_CHARACTERS, MAX_LABEL_WORDS = 60, 8
MAX_LABELS, MAX_ELEMENTS_IN_CELL, MAX_ELEMENTS_IN_LINE = 3, 24, 6
USELESS_LABEL = re.compile(
    r"(?:icon|image|photo|picture|img|svg|logo|graphic)s?|.*\.(?:png|jpe?g|svg|webp|gif)", re.IGNORECASE
)
SUFFIX = re.compile(r"(?<!\s)\s+(?:icon|logo|symbol|image)\Z", re.IGNORECASE)
YES_OR_NO = re.compile(
    r"(?:(?:not|nicht|non|pas|no|não|niet|un)\b\W*)?"
    r"(?:yes|no|included|available|unavailable|supported|unsupported|excluded|missing|ja|nein|enthalten|inklusive"
    r"|inbegriffen|verfügbar|oui|inclus|disponible|sí|si|incluid[oa]|inclus[oa]|disponibile|sim|não|incluíd[oa]|disponível"
    r"|nee|inbegrepen|beschikbaar)(?!\w)[\s:.,!–-]*",
    re.IGNORECASE,
)
# `NO` and `YES` match the names of classes, symbols and files, such as `fa-check`, `icon-x`, `#icon-check` and
# `/img/tick.svg`, but not `checkbox` or `gap-x-2`.
START, END = r"(?:^|[\s_/#.:-])", r"(?=$|[\s_.:-])"
NO = re.compile(
    rf"{START}(?:(?:icon)?(?:x-?(?:mark|circle|square|octagon|lg)|times|cross(?:mark)?|close|excluded|unchecked|uncheck)"
    rf"(?:icon)?{END}|(?:icon-?)?(?:x|no(?:-alt)?|false)(?=$|[\s.])|not-?(?:included|available|supported)|unavailable{END}"
    rf"|(?:icon)?x(?:icon|mark){END})"
)
YES = re.compile(
    rf"{START}(?:icon)?(?:check-?(?:mark|ed|circle|icon)?|tick|yes|included|available|supported|true|done){END}"
)
EXCLUDED = re.compile(rf"{START}(?:not-?(?:included|available|supported)|unavailable|excluded){END}")
# These names are checked only in table cells, where a minus or dash means No.
MINUS = re.compile(rf"{START}(?:minus|dash|remove){END}")
LIGATURE = next(pattern for trait, pattern in CLASSES if trait == "ligature")
YES_TEXT, NO_TEXT, CROSS = "Yes", "No", "✗"


def has_words(cell: Element) -> bool:
    """Return whether a cell contains words. The name of an icon, such as "close" for a cross, is not a word."""
    cross_names = {element.text for element in cell.elements() if is_ligature(element) and _yes_or_no(element) is False}
    return any(map(str.isalnum, cell.text)) and cell.text not in cross_names


def cell_text(cell: Element) -> str:
    """Return a text for the icons in a table cell that has no words.

    The text consists of the icons' labels. If the icons have no labels, the text is "Yes" or "No", or '' if the icons
    mean neither.
    """
    elements = list(islice(cell.elements(), MAX_ELEMENTS_IN_CELL))
    labels = list(dict.fromkeys([text for element in elements if (text := label(element))]))[:MAX_LABELS]
    if labels:
        return ", ".join(labels)
    answers = [answer for element in elements if (answer := _yes_or_no(element, in_cell=True)) is not None]
    return "" if not answers else YES_TEXT if all(answers) else NO_TEXT


def words_prefix(icon: Element) -> str:
    """Return the text for an icon in front of words, as in "✗ SSO": a label such as "Included:", a cross, or ''."""
    elements = list(islice(icon.elements(), MAX_ELEMENTS_IN_LINE))
    for text in map(label, elements):
        if text.endswith(":") or YES_OR_NO.fullmatch(text):
            return f"{text.rstrip(':')}:"
    return CROSS if any(_yes_or_no(element) is False for element in elements) else ""


def is_excluded(item: Element) -> bool:
    """Return whether the class of a list item marks it as not included, for example in a plan."""
    return bool(EXCLUDED.search(item.name))


def says_yes_or_no(text: str) -> bool:
    return bool(YES_OR_NO.match(text))


def label(element: Element) -> str:
    """Return the label of an element for screen readers.

    Return '' if the label is long or looks like an instruction to a language model.
    """
    attributes = element.attributes
    text = next((text for name in LABELS if (text := " ".join(attributes.get(name, "").split()))), "")
    text = SUFFIX.sub("", text)
    if (
        not text
        or len(text) > MAX_LABEL_CHARACTERS
        or len(text.split()) > MAX_LABEL_WORDS
        or USELESS_LABEL.fullmatch(text)
    ):
        return ""
    return "" if may_address_model(text) else text


def _yes_or_no(element: Element, *, in_cell: bool = False) -> bool | None:
    names = f"{element.name} {_drawing_names(element)}"
    if NO.search(names) or (in_cell and MINUS.search(names)):
        return False
    return True if YES.search(names) else None


def _drawing_names(element: Element) -> str:
    """Return the names of an icon apart from its classes: its symbol, its file, and its name in an icon font."""
    attributes = element.attributes
    if not attributes:
        return ""
    source = attributes.get("href") or attributes.get("src", "")
    name = source.partition("?")[0][-MAX_LABEL_CHARACTERS:].replace("/", " ") if not source.startswith("data:") else ""
    names = [
        name,
        *(attributes.get(key, "")[:MAX_LABEL_CHARACTERS] for key in ("data-icon", "data-lucide", "data-feather")),
    ]
    if is_ligature(element):
        names.append(element.text)
    return " ".join(names).lower()


def is_ligature(element: Element) -> bool:
    return element.words > 0 and any(map(LIGATURE.fullmatch, element.attributes.get("class", "").split()))
