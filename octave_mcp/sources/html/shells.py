"""Recognises pages that have no text until a browser runs their scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.sources.html.tree import CODE, Element

MAX_SHELL_CHARACTERS = 200
# A page whose only text is navigation, a cookie notice or a placeholder can also count as empty, but only if its text
# has fewer than this many characters.
MAX_NOTICE_CHARACTERS = 600
MOUNT_IDS = frozenset({"root", "__next", "app", "__nuxt", "___gatsby", "svelte", "q-app", "main-app", "react-root"})
# A container with more words than this never counts as empty, so its strings are not examined one by one. Without this
# limit, searching nested elements could take quadratic time.
MAX_MOUNT_WORDS = 40
MOUNT_ATTRIBUTES = frozenset(
    {"data-reactroot", "data-v-app", "data-server-rendered", "ng-app", "ng-version", "data-ember-app"}
)
FRAME_TAGS = frozenset({"header", "nav", "footer", "aside", "dialog"})
SCRIPT_TYPES = frozenset({"", "module", "text/javascript", "application/javascript", "text/babel"})
FRAME_NAME = re.compile(
    r"(?<![a-z])(?:spinner|loader|loading|preloader|skeleton|footer|nav|navbar|navigation|skip-link|(?:cookie|consent"
    r"|gdpr)s?[-_ ]?(?:banner|notice|bar|consent|popup|modal|dialog|overlay|message))(?![a-z])"
)
SCRIPT_WORD = re.compile(r"\b(?:java ?)?scripts?\b", re.IGNORECASE)
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
MAX_PLACEHOLDER_CHARACTERS = 200


def is_shell(root: Element, text: str) -> bool:
    """Return whether the page is empty until scripts fill it. `text` is the text of the page before any script runs."""
    if len(text) >= MAX_NOTICE_CHARACTERS:
        return False
    is_mounted = any(root.find("frameset")) or any(map(_is_mount, root.elements()))
    if is_mounted and len(text) < MAX_SHELL_CHARACTERS:
        return True
    return not any(_content_strings(root)) and (_asks_for_scripts(root) or _runs_scripts(root))


def _is_mount(element: Element) -> bool:
    """Return whether an element is the empty container that a JavaScript framework fills with the page.

    If the server has already rendered the page, the container is not empty.
    """
    attributes = element.attributes
    is_known = (
        attributes.get("id") in MOUNT_IDS
        or element.tag.endswith("-root")
        or not MOUNT_ATTRIBUTES.isdisjoint(attributes)
    )
    return is_known and element.words <= MAX_MOUNT_WORDS and not any(_content_strings(element))


def _content_strings(root: Element) -> Iterator[str]:
    """Yield the strings that are content: not placeholders, and not in navigation, footers or cookie notices."""
    pending: list[Element | str] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            if (text := " ".join(node.split())) and not _is_placeholder(text):
                yield text
        elif node.words and not _is_frame(node):
            pending += node.children


def _is_placeholder(text: str) -> bool:
    return len(text) <= MAX_PLACEHOLDER_CHARACTERS and PLACEHOLDER.fullmatch(text) is not None


def _is_frame(element: Element) -> bool:
    if element.tag in CODE or element.tag == "head" or (element.name and FRAME_NAME.search(element.name)):
        return True
    return element.tag in FRAME_TAGS and not element.holds_h1 and not element.holds_main


def _asks_for_scripts(root: Element) -> bool:
    return any(SCRIPT_WORD.search(element.text) for element in root.find("noscript"))


def _runs_scripts(root: Element) -> bool:
    """Return whether a page has scripts but no picture with an alternative text."""
    has_scripts = any(script.attributes.get("type", "").lower() in SCRIPT_TYPES for script in root.find("script"))
    return has_scripts and not any(_has_alt_text(picture) for picture in root.find("img"))


def _has_alt_text(picture: Element) -> bool:
    return bool(picture.attributes.get("alt", "").strip())
