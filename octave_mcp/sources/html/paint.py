"""What style declarations paint: the colour of letters and of their ground, and what children may set for themselves.

Font size, colour and visibility are inherited (CSS Cascading and Inheritance, 7): text in an element with
`font-size: 0` is unseen, but a child with a size of its own is seen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

# From text that nobody ever sees, over what a control may show, to what pages fade in and lay out by class.
Doubt = Literal["never shown", "not shown yet", "faded"]
Inherited = Literal["size", "colour", "fill", "visibility", "indent"]

NO_FONT = re.compile(r"0(?![.\d])|0?\.[0-2]\d*(?:r?em|%|vw|vh)?$|0?\.\d+(?:px|pt)|[0-2](?:\.\d+)?(?:px|pt)")
NO_FONT_SHORTHAND = re.compile(r"(?:[a-z]+ )*0(?:px|pt|em|rem)?(?:\s*/|\s)")
RELATIVE = re.compile(r"[\d.]+(?:em|%|ex|ch)$|larger|smaller|inherit|unset|revert")
FAR = re.compile(r"-\d{4,}|-\d{3,}(?:vw|vh|r?em)")
TRANSPARENT = re.compile(r"transparent|(?:rgb|hsl)a?\((?:(?:[^,)]*,){3}|[^/)]*/)\s*[0.]+%?\s*\)$|#(?:...0|.{6}00)$")
NOT_SHOWN = re.compile("hidden|collapse")
SAME = frozenset({"", "inherit", "initial", "unset", "revert", "currentcolor"})
BACKGROUNDS = ("background", "background-color", "background-image")
CLIPS = ("background-clip", "-webkit-background-clip")
OUTLINES = ("-webkit-text-stroke", "-webkit-text-stroke-width", "text-shadow")
NO_OUTLINE = re.compile(r"none|0(?:px)?(?:\s|$)|.*\btransparent\b")
HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-f])")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)")
COLOURS = re.compile(rf"{HEX.pattern}|{RGB.pattern}|\b(?:white|black)\b|\btransparent\b")
NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}
PICTURE = re.compile(r"url\((?:[^()]|\([^()]*\))*+\)")
# What a gradient is written in besides colours; another word may be the name of a colour.
SYNTAX = re.compile(
    r"(?:(?:repeating|linear|radial|conic|gradient|to|at|from|in|deg|turn|rad|left|right|top|bottom|center|circle|ellipse"
    r"|cover|contain|no|repeat|fixed|scroll|none|px|em|rem|vw|vh|x|y)(?![a-z])|[^a-z])+"
)
NOTHING = re.compile(r"(?<![\w.-])(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?(?![\w.])")
MAX_COLOURS, LONGEST_GROUND = 8, 400
# Of 255 in one of red, green and blue.
MIN_CONTRAST = 12

HIDING: tuple[tuple[str, str, Doubt], ...] = (
    ("font-size", NO_FONT.pattern, "never shown"),
    ("font", NO_FONT_SHORTHAND.pattern, "never shown"),
    ("left right top bottom text-indent margin-left margin-top", FAR.pattern, "never shown"),
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
HIDES: dict[str, list[tuple[re.Pattern[str], Doubt]]] = {
    name: [(re.compile(pattern), doubt) for names, pattern, doubt in HIDING if name in names.split()]
    for name in " ".join(names for names, _, _ in HIDING).split()
}
PROPERTIES: dict[Inherited, str] = {
    "size": "font-size",
    "visibility": "visibility",
    "indent": "text-indent",
    "colour": "color",
    "fill": "-webkit-text-fill-color",
}
SIZES = frozenset({"width", "height", "max-width", "max-height"})
NO_SIZE = re.compile(r"[01]?(?:\.\d+)?(?:px|em|rem|%)?|0")


@lru_cache(maxsize=4096)
def declarations(style: str) -> dict[str, str]:
    """By name, in lower case."""
    rules: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        rules[name.strip()] = value.replace("!important", "").strip()
    return rules


@lru_cache(maxsize=4096)
def doubt_of(
    style: str, ground: str = "", *, clipped: bool = False, without: frozenset[Inherited] = frozenset()
) -> Doubt | None:
    """How surely declarations hide what stands on this ground; the surest of them counts."""
    rules = declarations(style)
    known = (rules.keys() & HIDES.keys()) - {PROPERTIES[what] for what in without}
    doubts = {doubt for name in known for pattern, doubt in HIDES[name] if pattern.match(rules[name])}
    if without.isdisjoint({"colour", "fill"}) and (doubt := colour_doubt(rules, style, ground, clipped=clipped)):
        doubts.add(doubt)
    cuts_off = rules.get("overflow") in {"hidden", "clip"}
    if cuts_off and any(NO_SIZE.fullmatch(rules[size]) for size in SIZES & rules.keys()):
        doubts.add("not shown yet")
    return next((doubt for doubt in ("never shown", "not shown yet", "faded") if doubt in doubts), None)


def ground_of(style: str) -> str:
    """What it paints behind the text; empty if nothing is said, or if it is painted in the letters alone."""
    if "background" not in style or clips(style):
        return ""
    rules = declarations(style)
    return " ".join(rules[name] for name in BACKGROUNDS if name in rules)


def clips(style: str) -> bool:
    """Whether the background is painted only where letters are: how headings get a gradient."""
    if "clip" not in style:
        return False
    rules = declarations(style)
    return any(rules.get(name) == "text" for name in CLIPS)


def colour_doubt(rules: dict[str, str], style: str, ground: str, *, clipped: bool) -> Doubt | None:
    """Whether letters have a colour that is seen on this ground; `clipped` ones show the background of an ancestor."""
    fill = rules.get("-webkit-text-fill-color", "")
    letters = rules.get("color", "") if fill in SAME else fill
    if TRANSPARENT.match(letters):
        if clips(style):
            own = " ".join(rules.get(name, "") for name in BACKGROUNDS)
            return "never shown" if own.strip() and _is_unreadable(own, ground or "white") else "faded"
        outlined = any(name in rules and not NO_OUTLINE.match(rules[name]) for name in OUTLINES)
        return "faded" if clipped or outlined else "never shown"
    ground = ground_of(style) or ground
    if not _is_unreadable(letters, ground):
        return None
    return "faded" if "url(" in ground else "never shown"


@lru_cache(maxsize=4096)
def hidden_by_inheritance(style: str, ground: str = "") -> frozenset[Inherited]:
    """Which of the properties that children may set for themselves hide the text."""
    rules = declarations(style)
    found: set[Inherited] = set()
    if NO_FONT.match(rules.get("font-size", "")) or NO_FONT_SHORTHAND.match(rules.get("font", "")):
        found.add("size")
    if NOT_SHOWN.match(rules.get("visibility", "")):
        found.add("visibility")
    if FAR.match(rules.get("text-indent", "")):
        found.add("indent")
    if colour_doubt(rules, style, ground, clipped=False) == "never shown":
        found.add("colour" if rules.get("-webkit-text-fill-color", "") in SAME else "fill")
    return frozenset(found)


def still_hidden(hidden: frozenset[Inherited], style: str) -> frozenset[Inherited]:
    """What hides an element inside, with a style of its own."""
    return frozenset(what for what in hidden if not _is_reset(what, declarations(style))) if style else hidden


def _is_reset(what: Inherited, rules: dict[str, str]) -> bool:
    match what:
        case "size":
            size = rules.get("font-size") or rules.get("font", "")
            hides = NO_FONT.match(size) or NO_FONT_SHORTHAND.match(size) or ("(" in size and NOTHING.search(size))
            return bool(size) and not (hides or RELATIVE.match(size))
        case "visibility":
            return rules.get("visibility") == "visible"
        case "indent":
            return "text-indent" in rules and not FAR.match(rules["text-indent"])
        case "colour":
            return _is_seen(rules.get("color", "")) or _is_seen(rules.get("-webkit-text-fill-color", ""))
        case "fill":
            return _is_seen(rules.get("-webkit-text-fill-color", ""))


def _is_seen(colour: str) -> bool:
    return colour not in SAME and not TRANSPARENT.match(colour)


def _is_unreadable(letters: str, ground: str) -> bool:
    """Whether all colours of the letters are those of all that they stand on."""
    if letters in SAME or not ground or letters.startswith("var("):
        return False
    if letters == ground:
        return True
    ones, others = _colours(letters), _colours(ground)
    return bool(ones and others) and all(_are_alike(one, other) for one in ones for other in others)


def _are_alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < MIN_CONTRAST


def _colours(text: str) -> list[tuple[int, ...]]:
    """Red, green and blue of each; nothing if one is not known."""
    text = PICTURE.sub("", text)
    if len(text) > LONGEST_GROUND or not SYNTAX.fullmatch(COLOURS.sub(" ", text)):
        return []
    found = [_colour(one[0]) for one, _ in zip(COLOURS.finditer(text), range(MAX_COLOURS), strict=False)]
    return [] if () in found else found


def _colour(text: str) -> tuple[int, ...]:
    if named := NAMED.get(text):
        return named
    if found := HEX.match(text):
        digits = found[1] if len(found[1]) > 4 else "".join(digit * 2 for digit in found[1])  # noqa: PLR2004 - #rgb
        return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))
    found = RGB.match(text)
    return tuple(map(int, found.groups())) if found else ()
