"""Pages that are empty until a browser runs their scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.sources.html.tree import CODE, Element

FEW_CHARACTERS = 200
# A shell may bring a notice along; without a word besides, it is one all the same.
FEW_OF_NOTICES = 600
# The ids that frameworks give to the element that their scripts fill.
MOUNTS = frozenset({"root", "__next", "app", "__nuxt", "___gatsby", "svelte", "q-app", "main-app", "react-root"})
# An element of more is not looked into, so that one in the other takes linear time.
MAX_MOUNT_WORDS = 40
MOUNT_ATTRIBUTES = frozenset(
    {"data-reactroot", "data-v-app", "data-server-rendered", "ng-app", "ng-version", "data-ember-app"}
)
FRAME = frozenset({"header", "nav", "footer", "aside", "dialog"})
SCRIPT_TYPES = frozenset({"", "module", "text/javascript", "application/javascript", "text/babel"})
AROUND = re.compile(
    r"(?<![a-z])(?:spinner|loader|loading|preloader|skeleton|footer|nav|navbar|navigation|skip-link|(?:cookie|consent"
    r"|gdpr)s?[-_ ]?(?:banner|notice|bar|consent|popup|modal|dialog|overlay|message))(?![a-z])"
)
NEEDS_SCRIPTS = re.compile(r"\b(?:java ?)?scripts?\b", re.IGNORECASE)
PLACEHOLDER = re.compile(
    r"\W*(?:(?:(?:is |now )?(?:loading|initiali[sz]ing|starting)"
    r"(?: (?:the |your )?(?:app|application|page|content|data|site|website|dashboard|experience))?"
    r"|(?:please|bitte) (?:wait|warten)|wird|geladen|lädt|laden|chargement(?: en cours)?|cargando|carregando"
    r"|caricamento(?: in corso)?|ładowanie|laster|laddar|indlæser|загрузка|(?:正在)?加载中?|载入中|読み込み中"
    r"|ロード中|로딩(?: ?중)?"
    r"|all rights reserved|skip to (?:main )?content)\W*)*"
    r"|\W*(?:©|\(c\)|copyright\b).{0,120}",
    re.IGNORECASE,
)
LONGEST_PLACEHOLDER = 200


def is_shell(root: Element, text: str) -> bool:
    """Whether scripts would fill the page; `text` is what can be read on it without them."""
    if len(text) >= FEW_OF_NOTICES:
        return False
    is_mounted = any(root.find("frameset")) or any(map(_is_mount, root.elements()))
    if is_mounted and len(text) < FEW_CHARACTERS:
        return True
    return not any(_own_lines(root)) and (_asks_for_scripts(root) or _runs_scripts(root))


def _is_mount(element: Element) -> bool:
    """Whether it is the empty element that a framework fills: what a server has rendered already has words."""
    attributes = element.attributes
    is_known = (
        attributes.get("id") in MOUNTS or element.tag.endswith("-root") or not MOUNT_ATTRIBUTES.isdisjoint(attributes)
    )
    return is_known and element.words <= MAX_MOUNT_WORDS and not any(_own_lines(element))


def _own_lines(part: Element) -> Iterator[str]:
    """The strings that are neither the page's frame nor a stand-in for what comes."""
    waiting: list[Element | str] = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            if (said := " ".join(node.split())) and not _stands_in(said):
                yield said
        elif node.words and not _is_frame(node):
            waiting += node.children


def _stands_in(said: str) -> bool:
    return len(said) <= LONGEST_PLACEHOLDER and PLACEHOLDER.fullmatch(said) is not None


def _is_frame(element: Element) -> bool:
    if element.tag in CODE or element.tag == "head" or (element.name and AROUND.search(element.name)):
        return True
    return element.tag in FRAME and not element.holds_h1 and not element.holds_main


def _asks_for_scripts(root: Element) -> bool:
    return any(NEEDS_SCRIPTS.search(element.text) for element in root.find("noscript"))


def _runs_scripts(root: Element) -> bool:
    """Whether it has scripts, and nothing else to show, such as a picture."""
    has_scripts = any(script.attributes.get("type", "").lower() in SCRIPT_TYPES for script in root.find("script"))
    return has_scripts and not any(_is_shown_picture(picture) for picture in root.find("img"))


def _is_shown_picture(picture: Element) -> bool:
    return bool(picture.attributes.get("alt", "").strip())
