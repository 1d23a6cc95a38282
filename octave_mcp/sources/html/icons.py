"""What icons say: the text they have for readers who do not see them, else what they are named after."""

from __future__ import annotations

import re
from itertools import islice

from octave_mcp.evidence.injection import may_address_model
from octave_mcp.sources.html.styles import CLASSES
from octave_mcp.sources.html.tree import Element

ICONS = frozenset({"svg", "img", "i", "span", "em", "b"})
LABELS = ("aria-label", "alt", "title")
LONGEST_LABEL, MAX_LABEL_WORDS = 60, 8
MAX_LABELS, MOST_LOOKED_AT, MOST_LOOKED_AT_IN_LINE = 3, 24, 6
NO_LABEL = re.compile(
    r"(?:icon|image|photo|picture|img|svg|logo|graphic)s?|.*\.(?:png|jpe?g|svg|webp|gif)", re.IGNORECASE
)
SUFFIX = re.compile(r"(?<!\s)\s+(?:icon|logo|symbol|image)\Z", re.IGNORECASE)
# 'Included' and 'not included', as labels of icons say them in the languages of many pages.
VERDICT = re.compile(
    r"(?:(?:not|nicht|non|pas|no|não|niet|un)\b\W*)?"
    r"(?:yes|no|included|available|unavailable|supported|unsupported|excluded|missing|ja|nein|enthalten|inklusive"
    r"|inbegriffen|verfügbar|oui|inclus|disponible|sí|si|incluid[oa]|inclus[oa]|disponibile|sim|não|incluíd[oa]|disponível"
    r"|nee|inbegrepen|beschikbaar)(?!\w)[\s:.,!–-]*",
    re.IGNORECASE,
)
# Of classes, symbols and files: 'fa-check', 'icon-x', '#icon-check', '/img/tick.svg'; not 'checkbox' or 'gap-x-2'.
START, END = r"(?:^|[\s_/#.:-])", r"(?=$|[\s_.:-])"
NO = re.compile(
    rf"{START}(?:(?:icon)?(?:x-?(?:mark|circle|square|octagon|lg)|times|cross(?:mark)?|close|excluded|unchecked|uncheck)"
    rf"(?:icon)?{END}|(?:icon-?)?(?:x|no(?:-alt)?|false)(?=$|[\s.])|not-?(?:included|available|supported)|unavailable{END}"
    rf"|(?:icon)?x(?:icon|mark){END})"
)
YES = re.compile(
    rf"{START}(?:icon)?(?:check-?(?:mark|ed|circle|icon)?|tick|yes|included|available|supported|true|done){END}"
)
LACKS = re.compile(rf"{START}(?:not-?(?:included|available|supported)|unavailable|excluded){END}")
MINUS = re.compile(rf"{START}(?:minus|dash|remove){END}")
LIGATURE = next(pattern for trait, pattern in CLASSES if trait == "ligature")
YES_TEXT, NO_TEXT, CROSS = "Yes", "No", "✗"


def has_words(cell: Element) -> bool:
    """Whether it has text other than symbols. The name of a cross icon does not count: as text it would mislead."""
    crosses = {element.text for element in cell.elements() if is_ligature(element) and _verdict(element) is False}
    return any(map(str.isalnum, cell.text)) and cell.text not in crosses


def in_cell(cell: Element) -> str:
    """What a cell without words says by its icons."""
    looked_at = list(islice(cell.elements(), MOST_LOOKED_AT))
    labels = list(dict.fromkeys([said for element in looked_at if (said := label(element))]))[:MAX_LABELS]
    if labels:
        return ", ".join(labels)
    verdicts = [verdict for element in looked_at if (verdict := _verdict(element, in_cell=True)) is not None]
    return "" if not verdicts else YES_TEXT if all(verdicts) else NO_TEXT


def before_words(icon: Element) -> str:
    """What an icon says of the words after it: its label if that is a verdict or an announcement, or a cross."""
    looked_at = list(islice(icon.elements(), MOST_LOOKED_AT_IN_LINE))
    for said in map(label, looked_at):
        if said.endswith(":") or VERDICT.fullmatch(said):
            return f"{said.rstrip(':')}:"
    return CROSS if any(_verdict(element) is False for element in looked_at) else ""


def lacks(item: Element) -> bool:
    """Whether the class of an item says that it is what is not included."""
    return bool(LACKS.search(item.name))


def is_verdict(text: str) -> bool:
    return bool(VERDICT.match(text))


def label(element: Element) -> str:
    """The text of an element for those who do not see it, if it is short and no order to a model."""
    attributes = element.attributes
    text = next((text for name in LABELS if (text := " ".join(attributes.get(name, "").split()))), "")
    text = SUFFIX.sub("", text)
    if not text or len(text) > LONGEST_LABEL or len(text.split()) > MAX_LABEL_WORDS or NO_LABEL.fullmatch(text):
        return ""
    return "" if may_address_model(text) else text


def _verdict(element: Element, *, in_cell: bool = False) -> bool | None:
    names = f"{element.name} {_named_after(element)}"
    if NO.search(names) or (in_cell and MINUS.search(names)):
        return False
    return True if YES.search(names) else None


def _named_after(element: Element) -> str:
    """What an icon is called apart from its classes: its symbol, its file, or its ligature."""
    attributes = element.attributes
    if not attributes:
        return ""
    source = attributes.get("href") or attributes.get("src", "")
    name = source.partition("?")[0][-LONGEST_LABEL:].replace("/", " ") if not source.startswith("data:") else ""
    names = [name, *(attributes.get(key, "")[:LONGEST_LABEL] for key in ("data-icon", "data-lucide", "data-feather"))]
    if is_ligature(element):
        names.append(element.text)
    return " ".join(names).lower()


def is_ligature(element: Element) -> bool:
    return element.words > 0 and any(map(LIGATURE.fullmatch, element.attributes.get("class", "").split()))
