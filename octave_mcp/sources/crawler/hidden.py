"""What a page holds that its readers do not see, and so must not be read either."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from octave_mcp.sources.crawler.tree import Element

INVISIBLE = (
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*(?:0|0?\.\d+(?:em|rem)|[0-2](?:\.\d+)?px)"
    r"\s*(?:;|!|$)|(?:left|right|top|text-indent)\s*:\s*-\d{4,}|(?:left|top)\s*:\s*-\d{3,}(?:vw|vh|em|rem)"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%|(?<![-\w])color\s*:\s*transparent"
)
STYLE = re.compile(INVISIBLE, re.IGNORECASE)
CLASS_RULE = re.compile(r"\.([\w-]{1,80})\s*\{([^{}]{0,2000})\}")
NEVER_HIDDEN = frozenset({"html", "body", "main"})
# How tabs and accordions name what they show.
CONTROLS = frozenset({"aria-controls", "data-target", "data-bs-target"})
COLOUR = re.compile(r"(?<![-\w])(background(?:-color)?|color)\s*:\s*([^;!]+)", re.IGNORECASE)
FADED = re.compile(r"opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)", re.IGNORECASE)
# Pages fade text in and keep tabs hidden by class: such text goes only if it speaks to a model.
INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|instructions?|prompts?)\b"
    r"|\b(?:system|developer) prompt\b|\byou are (?:now )?an? (?:ai|assistant|language model)\b"
    r"|\b(?:ai|language) models?\b.{0,40}\b(?:must|should|reading)\b|<\|?(?:im_start|system)|忽略.{0,12}(?:指令|提示)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a page makes invisible by class, and what it hides until a control of it is used."""

    classes: frozenset[str]
    revealed: frozenset[str]

    def hides(self, element: Element) -> bool:
        """Whether the readers of the page never see the element."""
        if element.tag in NEVER_HIDDEN or not (doubt := self._doubt(element)):
            return False
        is_tab = element.attributes.get("role") == "tabpanel" or element.attributes.get("id", "") in self.revealed
        return (doubt == "hidden" and not is_tab) or bool(INSTRUCTION.search(element.text))

    def _doubt(self, element: Element) -> Literal["hidden", "faded"] | None:
        attributes = element.attributes
        style = attributes.get("style", "")
        if "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true" or _is_unseen(style):
            return "hidden"
        faded = FADED.search(style) or not self.classes.isdisjoint(attributes.get("class", "").split())
        return "faded" if faded else None


def unseen(root: Element) -> Unseen:
    sheets = "".join("".join(style.strings()) for style in root.find("style"))
    classes = (name for name, rules in CLASS_RULE.findall(sheets) if _is_unseen(rules) or FADED.search(rules))
    controls = (element.attributes for element in root.elements() if not CONTROLS.isdisjoint(element.attributes))
    targets = (named[control].lstrip("#") for named in controls for control in CONTROLS & named.keys())
    return Unseen(frozenset(classes), frozenset(targets) - {""})


def _is_unseen(style: str) -> bool:
    if not style:
        return False
    colours = [value.strip().lower() for _, value in COLOUR.findall(style)]
    return bool(STYLE.search(style)) or (len(colours) > 1 and len(set(colours)) == 1 and colours[0] != "inherit")
