"""The date of a page: that of its last change, or else of its publication."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import cast
from urllib.parse import urlsplit

from octave_mcp.evidence.dates import date_of_heading, days_of
from octave_mcp.sources.html.json_ld import NOTHING, Node, line, types
from octave_mcp.sources.html.tree import CODE, Element

MODIFIED = (
    "article:modified_time", "og:updated_time", "og:article:modified_time", "datemodified", "last-modified", "lastmod",
    "dcterms.modified", "dc.date.modified", "revised", "modified_time",
)  # fmt: skip
PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "date", "dc.date",
    "dcterms.date", "dcterms.created", "dc.date.issued", "dcterms.issued", "dc.date.created", "parsely-pub-date",
    "sailthru.date", "citation_publication_date", "citation_online_date", "pubdate", "publishdate", "publish-date",
    "publish_date", "published_time", "article.published", "article:published",
)  # fmt: skip
DATED_TYPES = re.compile(r"(?:Article|Posting|Page|Report|CreativeWork|HowTo|Guide|FAQPage|^)$")
EVENT_PATH = re.compile(
    r"/(?:events?|webinars?|conferences?|meetups?|veranstaltungen?|ev[eè]nements?|eventos?|eventi)(?:/|$)"
)
DATED = re.compile(
    r"(?<![a-z])(?:by-?line|date(?:line|time|stamp)?|timestamp|posted|publi(?:sh|shed|cation)(?:ed)?(?:[-_]?(?:at|on))?"
    r"|(?:post|pub|entry|article|blog|news|publish|published|publication|created|release|modified|updated|update)_?date)(?![a-z])"
)
CHANGED = re.compile(r"(?<![a-z])(?:updated|modified|datemodified|last-?(?:modified|updated|edited)|revised)(?![a-z])")
# What is on the page, and has dates of its own.
OTHERS = re.compile(
    r"(?<![a-z])(?:comments?|comment-list|respond|replies|disqus|related|recent|latest|upcoming|events?|webinars?|agenda|countdown"
    r"|sidebar|widget|teasers?|announcement|promo|more-(?:posts|news|articles)|read-?(?:next|more)|copyright|copy-right"
    r"|pagination|prev|next|carousel|reviews?|testimonials?)(?![a-z])"
)
OTHER_TYPE = re.compile(r"(?:Review|Comment|Event|Offer)$")
FRAME = frozenset({"nav", "footer", "aside", "dialog", "form"}) | CODE
MAX_LINKED_DATE_WORDS = 8
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
LABEL = (
    r"(?:(?:first |originally )?(?:published|posted|written|released|created|date)|(?:last )?(?:updated?|modified"
    r"|edited|reviewed)|veröffentlicht|aktualisiert|stand|publié|mis à jour|publicado|actualizado|atualizado"
    r"|pubblicato|aggiornato|gepubliceerd|bijgewerkt|опубликовано|обновлено|发布(?:于|时间|日期)?|更新(?:于|时间|日期)?|公開日|更新日|投稿日)"
)
LABELLED = re.compile(rf"{LABEL}(?:\s+(?:on|at|am|le|el|em|il|op))?\s*(?:[:：]\s*)?(?:\w{1, 30},\s+)?$", re.IGNORECASE)
UPDATE = re.compile(
    r"updat|modif|edited|revis|aktualisiert|mis à jour|actualizad|atualizad|aggiornat|bijgewerkt|обновлен|更新",
    re.IGNORECASE,
)
BY = re.compile(r"^(?:by|von|par|por|di|door)\s|\bmin(?:ute|uten)?s?\b(?: read)?|[·•|/–—]", re.IGNORECASE)
MAX_BYLINE_WORDS = 20
LONGEST_LINE = 200
# Elements before and after the heading among which a line that is a date is the page's.
NEAR = 14
IN_PATH = re.compile(r"/(?P<year>20\d\d)[/-](?P<month>0[1-9]|1[0-2])(?:[/-](?P<day>0[1-9]|[12]\d|3[01]))?(?=[/-][^/])")


@dataclass(frozen=True, slots=True)
class Dated:
    """A page whose day is wanted; `on` is the day on which it was fetched."""

    root: Element
    meta: dict[str, str]
    nodes: list[Node]
    url: str
    on: date

    def day(self) -> date | None:
        """Its day; None if it names none, or only days to come, or those of other things."""
        said = self._in_head() or self._in_microdata()
        return said or (None if self._is_of_others() else self._shown() or self._in_path())

    def _in_head(self) -> date | None:
        article = _own_node(self.nodes, self.url)
        changed = [*map(self.meta.get, MODIFIED), line(article.get("dateModified"))]
        published = [*map(self.meta.get, PUBLISHED), line(article.get("datePublished"))]
        return self._latest(changed) or self._first(published) or self._first([line(article.get("dateCreated"))])

    def _in_microdata(self) -> date | None:
        marked: dict[str, list[str]] = {"dateModified": [], "datePublished": []}
        for element in _own_elements(self.root):
            if (called := element.attributes.get("itemprop", "")) in marked:
                marked[called].append(_written(element))
        published = {day for day in map(self._one, marked["datePublished"]) if day}
        is_list = len(published) > 1 and not marked["dateModified"]
        return None if is_list else self._latest(marked["dateModified"]) or next(iter(published), None)

    def _shown(self) -> date | None:
        """The one day that is marked as the page's, or that is written next to its heading."""
        scope, is_article = _scope(self.root)
        elements = list(_own_elements(scope))
        at = next((at for at, element in enumerate(elements) if element.tag == "h1"), 0)
        end = len(elements) if is_article else _next_heading(elements, at)
        marked = [(place, day) for place, element in enumerate(elements) if (day := self._marked(element))]
        if changed := [day for place, day in marked if _is_change(elements, place)]:
            return max(changed)
        below = [day for place, day in marked if at <= place < end]
        days = list(dict.fromkeys(below + [day for place, day in marked if place < at]))
        if len(days) == 1 or (days and (is_article or self.meta.get("og:type") == "article")):
            return days[0]
        return None if days else self._near_heading(elements)

    def _marked(self, element: Element) -> date | None:
        is_time = element.tag == "time"
        if not is_time and not (element.name and DATED.search(element.name)):
            return None
        if element.words > MAX_BYLINE_WORDS:
            return self._one(element.attributes.get("datetime")) if is_time else None
        changed = [day for day, is_change in _byline_days(element.text) if is_change and day <= self.on]
        return max(changed) if changed else self._one(_written(element))

    def _near_heading(self, elements: list[Element]) -> date | None:
        at = next((at for at, element in enumerate(elements) if element.tag == "h1"), None)
        if at is None:
            return None
        near = elements[max(0, at - NEAR // 2) : at + NEAR]
        lines = [
            element.text for element in near if 0 < element.words <= MAX_BYLINE_WORDS and element.tag not in HEADINGS
        ]
        found = [day for said in lines for day in _byline_days(said) if day[0] <= self.on]
        changed = [day for day, is_change in found if is_change]
        return max(changed) if changed else found[0][0] if found else None

    def _in_path(self) -> date | None:
        if not (found := IN_PATH.search(urlsplit(self.url).path)):
            return None
        if found["day"]:
            return self._one("-".join(found.groups()))
        last = date_of_heading(f"{found['year']}-{found['month']}")
        first = date(int(found["year"]), int(found["month"]), 1)
        return None if last is None or first > self.on else min(last, self.on)

    def _is_of_others(self) -> bool:
        """Whether the days that it shows are those of an event, or of what a home page announces."""
        path = urlsplit(self.url).path.lower()
        events = any(kind.endswith("Event") for node in self.nodes for kind in types(node))
        return events or path in {"", "/"} or bool(EVENT_PATH.search(path))

    def _one(self, text: str | None) -> date | None:
        """The first day that the text names, if it is not to come."""
        found = sorted(days_of((text or "")[:LONGEST_LINE]), key=lambda one: one[1])
        return found[0][0] if found and found[0][0] <= self.on else None

    def _first(self, texts: Iterable[str | None]) -> date | None:
        return next(filter(None, map(self._one, texts)), None)

    def _latest(self, texts: Iterable[str | None]) -> date | None:
        return max(filter(None, map(self._one, texts)), default=None)


def _own_node(nodes: list[Node], url: str) -> Node:
    """The node of the page itself, not one of the articles that it lists."""
    dated = [node for node in nodes if _is_dated(node) and _path_of(node) in {None, _path(url)}]
    articles = [node for node in dated if not any(kind.endswith("Page") for kind in types(node))]
    pages = [node for node in dated if node not in articles]
    is_article = len({line(node.get("datePublished")) for node in articles}) == 1
    return next(iter(articles if is_article else pages), NOTHING)


def _is_dated(node: Node) -> bool:
    has_day = any(node.get(key) for key in ("datePublished", "dateModified", "dateCreated"))
    kinds = types(node)
    return (
        has_day
        and (not kinds or any(DATED_TYPES.search(kind) for kind in kinds))
        and kinds.isdisjoint({"Blog", "ItemList"})
    )


def _path_of(node: Node) -> str | None:
    """The path of the address that a node calls its own; None if it names none, or only that of the home page."""
    for key in ("url", "mainEntityOfPage", "@id"):
        value = node.get(key)
        named = line(cast("Node", value).get("@id") if isinstance(value, dict) else value)
        if named.startswith(("http:", "https:")) and (path := _path(named)):
            return path
    return None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/").lower()
    except ValueError:
        return ""


def _next_heading(elements: list[Element], at: int) -> int:
    """Where what is under another heading begins, which may have a day of its own; the end of a page without an h1."""
    if not elements or elements[at].tag != "h1":
        return len(elements)
    further = (place for place in range(at + 1, len(elements)) if elements[place].tag in {"h2", "h3"})
    return next(further, len(elements))


def _scope(root: Element) -> tuple[Element, bool]:
    """The article that has the page's heading, else the main part; and whether it is an article."""
    for article in root.find("article"):
        if article.holds_h1:
            return article, True
    return next(root.find("main"), root), False


def _own_elements(scope: Element) -> Iterator[Element]:
    """What is in the scope, without its frame, lists of other things, and articles within it."""
    waiting = [scope]
    while waiting:
        element = waiting.pop()
        yield element
        inner = [child for child in element.children if isinstance(child, Element) and not _is_other(child, scope)]
        waiting += reversed(inner)


def _is_other(element: Element, scope: Element) -> bool:
    if element.tag in FRAME or element.tag == "head":
        return True
    if element.holds_h1 or element.holds_main:
        return False
    if element.tag == "a":  # a card; a day may be a link too
        return element.holds_block or element.words > MAX_LINKED_DATE_WORDS
    if element.tag == "article" or (element.tag == "header" and scope.tag != "article"):
        return True
    of_other_type = OTHER_TYPE.search(element.attributes.get("itemtype", ""))
    return bool(of_other_type or (element.name and OTHERS.search(element.name)))


def _written(element: Element) -> str:
    said = element.attributes.get("datetime") or element.attributes.get("content")
    return said or (element.text if element.words <= MAX_BYLINE_WORDS else "")


def _is_change(elements: list[Element], place: int) -> bool:
    """Whether the element there, or the short line around it, calls its day that of a change."""
    element, around = elements[place], elements[place - 1]
    is_line = around.words <= MAX_BYLINE_WORDS and any(child is element for child in around.children)
    said = (around if is_line else element).text[:LONGEST_LINE]
    return bool(CHANGED.search(element.name) or UPDATE.search(said))


def _byline_days(said: str) -> Iterator[tuple[date, bool]]:
    """Each day of a line that only says when, by whom or how long it takes to read; and whether it is a change's."""
    said = said[:LONGEST_LINE]
    for day, start, end in days_of(said):
        before, after = said[:start].strip(), said[end:].strip(" .,")
        labelled = LABELLED.search(before)
        if labelled or (not before and not after) or BY.search(before) or (not before and BY.search(after)):
            yield day, bool(labelled and UPDATE.search(labelled[0]))
