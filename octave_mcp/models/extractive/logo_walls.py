"""Finds customers in rows of logos that have a caption such as 'Trusted by'."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.names import normal
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

MAX_CAPTION_WORDS = 16
# If at least this many names of a row are also in rows without a customer caption, the row does not count as a row of
# customers. One or two shared names are normal, because a partner can also be a customer.
MIN_MIXED_NAMES = 3

_GROUP = (
    r"(?:companies|teams|brands|businesses|organi[sz]ations|leaders|developers|innovators|enterprises|startups|people)"
)
# Captions above the logos of customers: 'Trusted by', 'Our happy customers', 'Join 2,000+ teams', '客户'. If a caption
# starts with 'Customers', only words such as 'include' or 'stories' can follow, because 'Customers in 40 countries' may
# be above a map.
_CUSTOMERS = re.compile(
    r"\b(?:trusted|used|loved|chosen|preferred|adopted|relied (?:up)?on) (?:worldwide )?by\b|"
    r"^\W*(?:(?:some|a few|many) of )?(?:our |featured |selected |happy |key )*(?:customers|clients)(?: (?:include|"
    r"stories|who|using|love|trust)\b.*| ?[:.]?$)|"
    r"\bour (?:\w+ )?(?:customers|clients)\b|\bhow (?:our )?customers\b|"
    rf"\b{_GROUP}\b[^.]{{0,40}}\b(?:trusts?|uses?|using|choose|chose|love|rely on|run on|build (?:with|on)|"
    rf"depend on)\b|"
    rf"\bpowering\b.{{0,40}}\b{_GROUP}\b|\bwho (?:uses|trusts)\b|"
    rf"\bjoin (?:the )?(?:[\d,.+]+[km]?\+? )?(?:[\w-]+ ){{0,3}}(?:customers|{_GROUP})\b|"
    r"客户|用户|信赖|お客様|導入企業|\bunsere kunden\b|\bvertrauen (?:uns|auf)\b|\bfont confiance\b|\bnos clients\b|"
    r"\bnuestros clientes\b|\bconf[ií]an en\b|\bi nostri clienti\b|\bnossos clientes\b|\bconfiam\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"invest|backed|partner|integrat|deploy|press\b|featured in|award|certif|works with|technolog|stack|sponsor|hired|"
    r"landed|jobs?\b|work(?:ed)? at|graduates|alumni|insur|payment|sources|connect|compatible|\bapps?\b|as seen|"
    r"reviews?\b|rating|suppliers?|compar|instead of|built (?:on|with)|powered by|tools?\b|models?\b|complian|"
    r"standard|speakers?|media|seen (?:in|on)|投资|伙伴",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\b(?:icons?|badge|rating|stars?|slide|indicator|arrow|avatar|photo|picture|screenshot|illustration|background|"
    r"banner|hero|placeholder|layer|button|G2|Capterra|TrustRadius|Trustpilot|certified|ISO|SOC|GDPR|HIPAA|map|"
    r"employees?|customer|play|video|app store|google play|quote|graphic|card|logos?|trustbar)\b",
    re.IGNORECASE,
)
_DECORATION = re.compile(
    r"(?:(?<![\s_-])[\s_-]+)?(?:(?<![A-Za-z])(?:logo|logotype|icon|image|white|black|grey|gray|dark|light|color|colour|svg|png)"
    r"(?![A-Za-z]))[\s_-]*",
    re.IGNORECASE,
)


def customers_on_walls(page: ReadPage) -> Iterator[tuple[str, Line]]:
    """Yield the names in rows of logos that have a caption such as 'Trusted by'.

    Leave out a row that shares several names with a row of partners, because some carousels mix customers and partners.
    """
    walls = list(_walls(page))
    others = {normal(name) for names, _, is_customers in walls if not is_customers for name in names}
    for names, line, is_customers in walls:
        if is_customers and len(others & {normal(name) for name in names}) < MIN_MIXED_NAMES:
            yield from ((name, line) for name in names)


def is_of_customers(line: Line) -> bool:
    """Whether the heading above a row of logos says that the row shows customers."""
    return _shows_customers(line.heading, "") and any(_names(line.text))


def _walls(page: ReadPage) -> Iterator[tuple[list[str], Line, bool]]:
    before = ""
    for line in page.lines:
        if line.form == "logos":
            yield list(_names(line.text)), line, _shows_customers(line.heading, before)
        before = line.text if line.form in {"sentence", "item", "heading"} else before


def _shows_customers(heading: str, before: str) -> bool:
    captions = [text for text in (heading, before) if 0 < len(text.split()) <= MAX_CAPTION_WORDS]
    # If the last text before the row is a caption for customers, it counts instead of the heading of the section.
    if before in captions and _CUSTOMERS.search(before):
        captions = [before]
    return any(map(_CUSTOMERS.search, captions)) and not any(map(_OTHERS.search, captions))


def _names(text: str) -> Iterator[str]:
    for alt in text.split(","):
        name = _DECORATION.sub(" ", re.sub(r"\.(?:svg|png|jpe?g|webp)$", "", alt.strip())).strip(" -_")
        if 1 < len(name) <= 40 and re.search(r"[^\W\d_]", name) and not _NO_NAME.search(name):
            yield name.replace("-", " ").replace("_", " ").title() if _is_file_name(name) else name


def _is_file_name(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)+", name))


def captioned(lines: Sequence[Line], caption: re.Pattern[str]) -> Iterator[tuple[str, Line]]:
    """Yield the names in rows of logos below a heading that matches `caption`, such as 'Security' for certificates."""
    for line in lines:
        if line.form == "logos" and caption.search(line.heading):
            yield from ((alt.strip(), line) for alt in line.text.split(","))
