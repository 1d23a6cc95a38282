"""Decides whether text is visible, based on style declarations for its size, position, colour and background.

Font size, colour and visibility are inherited (CSS Cascading and Inheritance, section 7). For example, `font-size: 0`
hides the text in an element, but not the text in a child that sets its own size.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

# "never shown": no reader ever sees the text. "not shown yet": the text could appear later, for example in a tab or
# menu. "faded": the text is possibly visible, for example because a script fades it in, so it is dropped only if it
# looks like an instruction to a language model.
Hiding = Literal["never shown", "not shown yet", "faded"]
Inherited = Literal["size", "colour", "fill", "visibility", "indent"]

# Matches very small font sizes, which hide text: `0`, `1px`, `2.9pt`, `.1em`, but not `0.8rem` or `10%`.
TINY_FONT = re.compile(r"0(?![.\d])|0?\.[0-2]\d*(?:r?em|%|vw|vh)?$|0?\.\d+(?:px|pt)|[0-2](?:\.\d+)?(?:px|pt)")
ZERO_FONT_SHORTHAND = re.compile(r"(?:[a-z]+ )*0(?:px|pt|em|rem)?(?:\s*/|\s)")
# Matches font sizes that are relative to the parent. If the parent's font size is 0, a font size of `2em` or `150%` is
# also 0.
RELATIVE_SIZE = re.compile(r"[\d.]+(?:em|%|ex|ch)$|larger|smaller|inherit|unset|revert")
OFF_SCREEN = re.compile(r"-\d{4,}|-\d{3,}(?:vw|vh|r?em)")
# Matches `transparent`, `rgba(0, 0, 0, 0)`, `hsl(0 0% 0% / 0)`, `#fff0` and `#ffffff00`.
TRANSPARENT = re.compile(r"transparent|(?:rgb|hsl)a?\((?:(?:[^,)]*,){3}|[^/)]*/)\s*[0.]+%?\s*\)$|#(?:...0|.{6}00)$")
INVISIBLE = re.compile("hidden|collapse")
INHERITED_COLOURS = frozenset({"", "inherit", "initial", "unset", "revert", "currentcolor"})
BACKGROUND_PROPERTIES = ("background", "background-color", "background-image")
CLIP_PROPERTIES = ("background-clip", "-webkit-background-clip")
OUTLINE_PROPERTIES = ("-webkit-text-stroke", "-webkit-text-stroke-width", "text-shadow")
NO_OUTLINE = re.compile(r"none|0(?:px)?(?:\s|$)|.*\btransparent\b")
HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-f])")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)")
COLOURS = re.compile(rf"{HEX.pattern}|{RGB.pattern}|\b(?:white|black)\b|\btransparent\b")
NAMED_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}
IMAGE_URL = re.compile(r"url\((?:[^()]|\([^()]*\))*+\)")
# Matches the words in a background value that are not colours, such as `linear-gradient` and `to right`. If a
# background value contains any other word, the colours are not compared, because that word could be the name of a
# colour.
GRADIENT_SYNTAX = re.compile(
    r"(?:(?:repeating|linear|radial|conic|gradient|to|at|from|in|deg|turn|rad|left|right|top|bottom|center|circle|ellipse"
    r"|cover|contain|no|repeat|fixed|scroll|none|px|em|rem|vw|vh|x|y)(?![a-z])|[^a-z])+"
)
# Matches the zeros in `calc(0px)` and `clamp(0rem, 0vw, 0rem)`.
ZERO_LENGTH = re.compile(r"(?<![\w.-])(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?(?![\w.])")
MAX_COLOURS, MAX_BACKGROUND_CHARACTERS = 8, 400
# Out of 255. If red, green and blue each differ by less than this, two colours count as equal.
MIN_CONTRAST = 12

# `left: -100%` counts as "not shown yet", because sliders place other slides there. But `left: -9999px` counts as
# "never shown", because readers cannot scroll there.
HIDING_RULES: tuple[tuple[str, str, Hiding], ...] = (
    ("font-size", TINY_FONT.pattern, "never shown"),
    ("font", ZERO_FONT_SHORTHAND.pattern, "never shown"),
    ("left right top bottom text-indent margin-left margin-top", OFF_SCREEN.pattern, "never shown"),
    ("clip", r"rect\((?:\s*(?:[01](?:px)?|px))?[\s,]+[01]", "never shown"),
    ("clip-path", r"inset\(\s*(?:50|100)%|circle\(\s*0|polygon\(\s*0(?:px|%)?\s+0(?:px|%)?\s*\)", "never shown"),
    ("transform", r".*translate[xy3d]*\(\s*-\d{4,}", "never shown"),
    ("translate", r".*(?:^|\s)-\d{4,}", "never shown"),
    ("display", "none", "not shown yet"),
    ("visibility content-visibility", "hidden|collapse", "not shown yet"),
    ("left right top bottom", r"-\d{3}%", "not shown yet"),
    ("transform", r".*scale[xy3d]*\(\s*0\s*[,)]", "not shown yet"),
    ("scale zoom", r"0(?:\.0\d*)?%?(?:\s|$)", "not shown yet"),
    ("opacity", r"0(?:\.0\d*)?%?$|\.0\d*$", "faded"),
    ("filter", r".*opacity\(\s*0", "faded"),
    ("line-height", "0(?:px)?$", "faded"),
)
HIDING_PATTERNS: dict[str, list[tuple[re.Pattern[str], Hiding]]] = {
    name: [(re.compile(pattern), hiding) for names, pattern, hiding in HIDING_RULES if name in names.split()]
    for name in " ".join(names for names, _, _ in HIDING_RULES).split()
}
CSS_PROPERTIES: dict[Inherited, str] = {
    "size": "font-size",
    "visibility": "visibility",
    "indent": "text-indent",
    "colour": "color",
    "fill": "-webkit-text-fill-color",
}
SIZES = frozenset({"width", "height", "max-width", "max-height"})
ZERO_SIZE = re.compile(r"[01]?(?:\.\d+)?(?:px|em|rem|%)?|0")


@lru_cache(maxsize=4096)
def declarations(style: str) -> dict[str, str]:
    """Parse style declarations, and return their values by property name. Names and values are in lower case."""
    rules: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        rules[name.strip()] = value.replace("!important", "").strip()
    return rules


@lru_cache(maxsize=4096)
def hiding_of(
    style: str, background: str = "", *, clipped: bool = False, without: frozenset[Inherited] = frozenset()
) -> Hiding | None:
    """Return how the declarations hide text on this background, for example "not shown yet".

    Return None if the declarations do not hide the text.
    """
    rules = declarations(style)
    relevant = (rules.keys() & HIDING_PATTERNS.keys()) - {CSS_PROPERTIES[inherited] for inherited in without}
    levels = {level for name in relevant for pattern, level in HIDING_PATTERNS[name] if pattern.match(rules[name])}
    if without.isdisjoint({"colour", "fill"}) and (
        level := hidden_by_colour(rules, style, background, clipped=clipped)
    ):
        levels.add(level)
    clips_overflow = rules.get("overflow") in {"hidden", "clip"}
    if clips_overflow and any(ZERO_SIZE.fullmatch(rules[size]) for size in SIZES & rules.keys()):
        levels.add("not shown yet")
    return next((level for level in ("never shown", "not shown yet", "faded") if level in levels), None)


def background_of(style: str) -> str:
    """Return the background behind the text.

    Return '' if there is no background, or if the background fills only the letters (`background-clip: text`).
    """
    if "background" not in style or clips_background(style):
        return ""
    rules = declarations(style)
    return " ".join(rules[name] for name in BACKGROUND_PROPERTIES if name in rules)


def clips_background(style: str) -> bool:
    """Return whether the background is visible only inside the letters, as in headings with a colour gradient."""
    if "clip" not in style:
        return False
    rules = declarations(style)
    return any(rules.get(name) == "text" for name in CLIP_PROPERTIES)


def hidden_by_colour(rules: dict[str, str], style: str, background: str, *, clipped: bool) -> Hiding | None:
    """Return "never shown" or "faded" if the colour of a text hides it on its background, or None if it does not.

    `clipped`: whether the background of an ancestor fills only the letters (`background-clip: text`).
    """
    fill = rules.get("-webkit-text-fill-color", "")
    text_colour = rules.get("color", "") if fill in INHERITED_COLOURS else fill
    if TRANSPARENT.match(text_colour):
        if clips_background(style):
            # The background of this element fills its transparent letters. They are readable if this background
            # differs from the background behind the element.
            own = " ".join(rules.get(name, "") for name in BACKGROUND_PROPERTIES)
            return "never shown" if own.strip() and _is_unreadable(own, background or "white") else "faded"
        outlined = any(name in rules and not NO_OUTLINE.match(rules[name]) for name in OUTLINE_PROPERTIES)
        return "faded" if clipped or outlined else "never shown"
    background = background_of(style) or background
    if not _is_unreadable(text_colour, background):
        return None
    # The colours of a picture are unknown, so text on a picture is assumed to be readable.
    return "faded" if "url(" in background else "never shown"


@lru_cache(maxsize=4096)
def hidden_by_inheritance(style: str, background: str = "") -> frozenset[Inherited]:
    """Return the inherited properties that hide the text. A child element can override each of these properties."""
    rules = declarations(style)
    hidden: set[Inherited] = set()
    if TINY_FONT.match(rules.get("font-size", "")) or ZERO_FONT_SHORTHAND.match(rules.get("font", "")):
        hidden.add("size")
    if INVISIBLE.match(rules.get("visibility", "")):
        hidden.add("visibility")
    if OFF_SCREEN.match(rules.get("text-indent", "")):
        hidden.add("indent")
    if hidden_by_colour(rules, style, background, clipped=False) == "never shown":
        hidden.add("colour" if rules.get("-webkit-text-fill-color", "") in INHERITED_COLOURS else "fill")
    return frozenset(hidden)


def still_hidden(hidden: frozenset[Inherited], style: str) -> frozenset[Inherited]:
    """Return the properties in `hidden` that the style of a child does not override."""
    return (
        frozenset(inherited for inherited in hidden if not _is_reset(inherited, declarations(style)))
        if style
        else hidden
    )


def _is_reset(inherited: Inherited, rules: dict[str, str]) -> bool:
    match inherited:
        case "size":
            size = rules.get("font-size") or rules.get("font", "")
            hides = (
                TINY_FONT.match(size) or ZERO_FONT_SHORTHAND.match(size) or ("(" in size and ZERO_LENGTH.search(size))
            )
            return bool(size) and not (hides or RELATIVE_SIZE.match(size))
        case "visibility":
            return rules.get("visibility") == "visible"
        case "indent":
            return "text-indent" in rules and not OFF_SCREEN.match(rules["text-indent"])
        case "colour":
            return _is_visible(rules.get("color", "")) or _is_visible(rules.get("-webkit-text-fill-color", ""))
        case "fill":
            return _is_visible(rules.get("-webkit-text-fill-color", ""))


def _is_visible(colour: str) -> bool:
    return colour not in INHERITED_COLOURS and not TRANSPARENT.match(colour)


def _is_unreadable(text_colour: str, background: str) -> bool:
    """Return whether every colour of the text is close to every colour of the background."""
    if text_colour in INHERITED_COLOURS or not background or text_colour.startswith("var("):
        return False
    if text_colour == background:
        return True
    texts, backgrounds = _all_rgb(text_colour), _all_rgb(background)
    return bool(texts and backgrounds) and all(_are_alike(first, second) for first in texts for second in backgrounds)


def _are_alike(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(first, second, strict=True)) < MIN_CONTRAST


def _all_rgb(text: str) -> list[tuple[int, ...]]:
    """Return the red, green and blue values of each colour in a CSS value.

    If any colour is unknown, return an empty list.
    """
    text = IMAGE_URL.sub("", text)
    if len(text) > MAX_BACKGROUND_CHARACTERS or not GRADIENT_SYNTAX.fullmatch(COLOURS.sub(" ", text)):
        return []
    colours = [_rgb(match[0]) for match, _ in zip(COLOURS.finditer(text), range(MAX_COLOURS), strict=False)]
    return [] if () in colours else colours


def _rgb(text: str) -> tuple[int, ...]:
    if named := NAMED_COLOURS.get(text):
        return named
    if match := HEX.match(text):
        digits = match[1] if len(match[1]) > 4 else "".join(digit * 2 for digit in match[1])  # noqa: PLR2004 - #rgb
        return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))
    match = RGB.match(text)
    return tuple(map(int, match.groups())) if match else ()
