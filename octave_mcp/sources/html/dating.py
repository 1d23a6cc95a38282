"""Finds the date of a page, which is the date of its last change, or of its publication if no change is known."""

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

MODIFIED_META = (
    "article:modified_time", "og:updated_time", "og:article:modified_time", "datemodified", "last-modified", "lastmod",
    "dcterms.modified", "dc.date.modified", "revised", "modified_time",
)  # fmt: skip
PUBLISHED_META = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "date", "dc.date",
    "dcterms.date", "dcterms.created", "dc.date.issued", "dcterms.issued", "dc.date.created", "parsely-pub-date",
    "sailthru.date", "citation_publication_date", "citation_online_date", "pubdate", "publishdate", "publish-date",
    "publish_date", "published_time", "article.published", "article:published",
)  # fmt: skip

# Only nodes without a type, or with a schema.org type that ends with one of these words, can contain the date of the
# page. For example, the date of an `Event` or `Offer` is not the date of the page.
PAGE_TYPES = re.compile(r"(?:Article|Posting|Page|Report|CreativeWork|HowTo|Guide|FAQPage|^)$")
EVENT_PATH = re.compile(
    r"/(?:events?|webinars?|conferences?|meetups?|veranstaltungen?|ev[eè]nements?|eventos?|eventi)(?:/|$)"
)
DATE_NAME = re.compile(
    r"(?<![a-z])(?:by-?line|date(?:line|time|stamp)?|timestamp|posted|publi(?:sh|shed|cation)(?:ed)?(?:[-_]?(?:at|on))?"
    r"|(?:post|pub|entry|article|blog|news|publish|published|publication|created|release|modified|updated|update)_?date)(?![a-z])"
)
CHANGE_NAME = re.compile(
    r"(?<![a-z])(?:updated|modified|datemodified|last-?(?:modified|updated|edited)|revised)(?![a-z])"
)
OTHER_CONTENT_NAME = re.compile(
    r"(?<![a-z])(?:comments?|comment-list|respond|replies|disqus|related|recent|latest|upcoming|events?|webinars?|agenda|countdown"
    r"|sidebar|widget|teasers?|announcement|promo|more-(?:posts|news|articles)|read-?(?:next|more)|copyright|copy-right"
    r"|pagination|prev|next|carousel|reviews?|testimonials?)(?![a-z])"
)
OTHER_CONTENT_TYPE = re.compile(r"(?:Review|Comment|Event|Offer)$")
FRAME = frozenset({"nav", "footer", "aside", "dialog", "form"}) | CODE
MAX_LINKED_DATE_WORDS = 8
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
DATE_LABEL = (
    r"(?:(?:first |originally )?(?:published|posted|written|released|created|date)|(?:last )?(?:updated?|modified"
    r"|edited|reviewed)|veröffentlicht|aktualisiert|stand|publié|mis à jour|publicado|actualizado|atualizado"
    r"|pubblicato|aggiornato|gepubliceerd|bijgewerkt|опубликовано|обновлено|发布(?:于|时间|日期)?|更新(?:于|时间|日期)?|公開日|更新日|投稿日)"
)
ENDS_WITH_LABEL = re.compile(
    rf"{DATE_LABEL}(?:\s+(?:on|at|am|le|el|em|il|op))?\s*(?:[:：]\s*)?(?:\w{1, 30},\s+)?$", re.IGNORECASE
)
CHANGE_WORD = re.compile(
    r"updat|modif|edited|revis|aktualisiert|mis à jour|actualizad|atualizad|aggiornat|bijgewerkt|обновлен|更新",
    re.IGNORECASE,
)
# If this pattern matches the text before a date, or the text after a date that starts the line, the line is a byline:
# "by Jane Doe, 3 May 2024", "3 May 2024, 5 min read".
BYLINE_WORD = re.compile(r"^(?:by|von|par|por|di|door)\s|\bmin(?:ute|uten)?s?\b(?: read)?|[·•|/–—]", re.IGNORECASE)
MAX_BYLINE_WORDS = 20
MAX_LINE_CHARACTERS = 200
# A date without markup is accepted only near the h1: fewer than this many elements after it, or half as many before.
NEARBY_ELEMENTS = 14
# Matches `/2024/05/03/title`, `/2024/05/title` and `/2024-05-title`, but not `/2024/05/`, which is an archive page.
PATH_DATE = re.compile(
    r"/(?P<year>20\d\d)[/-](?P<month>0[1-9]|1[0-2])(?:[/-](?P<day>0[1-9]|[12]\d|3[01]))?(?=[/-][^/])"
)


@dataclass(frozen=True, slots=True)
class DateFinder:
    """Searches the parts of a page that can contain its date. Dates after `fetched_on` are ignored."""

    root: Element
    meta: dict[str, str]
    nodes: list[Node]
    url: str
    fetched_on: date

    def find(self) -> date | None:
        """Return the date of the page, or None. Future dates and dates of other content are ignored."""
        declared = self._from_head() or self._from_microdata()
        return declared or (None if self._announces_others() else self._from_markup() or self._from_path())

    def _from_head(self) -> date | None:
        article = _page_node(self.nodes, self.url)
        changed = [*map(self.meta.get, MODIFIED_META), line(article.get("dateModified"))]
        published = [*map(self.meta.get, PUBLISHED_META), line(article.get("datePublished"))]
        return (
            self._latest_of(changed) or self._first_of(published) or self._first_of([line(article.get("dateCreated"))])
        )

    def _from_microdata(self) -> date | None:
        texts: dict[str, list[str]] = {"dateModified": [], "datePublished": []}
        # Most pages have no microdata, and looking for it is faster than finding the page's own elements.
        if not any(element.attributes.get("itemprop") in texts for element in self.root.elements()):
            return None
        for element in _own_elements(self.root):
            if (property_name := element.attributes.get("itemprop", "")) in texts:
                texts[property_name].append(_date_text(element))
        published = {day for day in map(self._first_date, texts["datePublished"]) if day}
        # Several publication dates without a date of a change are probably the dates of the posts in a list.
        is_list = len(published) > 1 and not texts["dateModified"]
        return None if is_list else self._latest_of(texts["dateModified"]) or next(iter(published), None)

    def _from_markup(self) -> date | None:
        """Return the date in the markup of the page. If the markup has no date, return a date near the heading."""
        scope, is_article = _main_part(self.root)
        elements = list(_own_elements(scope))
        h1_index = next((h1_index for h1_index, element in enumerate(elements) if element.tag == "h1"), 0)
        end = len(elements) if is_article else _next_heading(elements, h1_index)
        marked = [(index, day) for index, element in enumerate(elements) if (day := self._marked_date(element))]
        if changed := [day for index, day in marked if _is_change_date(elements, index)]:
            return max(changed)
        below_h1 = [day for index, day in marked if h1_index <= index < end]
        distinct = list(dict.fromkeys(below_h1 + [day for index, day in marked if index < h1_index]))
        if len(distinct) == 1 or (distinct and (is_article or self.meta.get("og:type") == "article")):
            return distinct[0]
        return None if distinct else self._near_heading(elements)

    def _marked_date(self, element: Element) -> date | None:
        is_time = element.tag == "time"
        if not is_time and not (element.name and DATE_NAME.search(element.name)):
            return None
        if element.words > MAX_BYLINE_WORDS:
            return self._first_date(element.attributes.get("datetime")) if is_time else None
        changed = [day for day, is_change in _byline_dates(element.text) if is_change and day <= self.fetched_on]
        return max(changed) if changed else self._first_date(_date_text(element))

    def _near_heading(self, elements: list[Element]) -> date | None:
        h1_index = next((h1_index for h1_index, element in enumerate(elements) if element.tag == "h1"), None)
        if h1_index is None:
            return None
        near = elements[max(0, h1_index - NEARBY_ELEMENTS // 2) : h1_index + NEARBY_ELEMENTS]
        lines = [
            element.text for element in near if 0 < element.words <= MAX_BYLINE_WORDS and element.tag not in HEADINGS
        ]
        dates = [day for line_text in lines for day in _byline_dates(line_text) if day[0] <= self.fetched_on]
        changed = [day for day, is_change in dates if is_change]
        return max(changed) if changed else dates[0][0] if dates else None

    def _from_path(self) -> date | None:
        if not (match := PATH_DATE.search(urlsplit(self.url).path)):
            return None
        if match["day"]:
            return self._first_date("-".join(match.groups()))
        # If the path has no day, as in `/2024/05/title`, use the last day of the month. If that day is later than the
        # fetch, use the day of the fetch.
        last = date_of_heading(f"{match['year']}-{match['month']}")
        first = date(int(match["year"]), int(match["month"]), 1)
        return None if last is None or first > self.fetched_on else min(last, self.fetched_on)

    def _announces_others(self) -> bool:
        """Return whether this is a home page or an event page, whose dates probably belong to news or to the event."""
        path = urlsplit(self.url).path.lower()
        events = any(kind.endswith("Event") for node in self.nodes for kind in types(node))
        return events or path in {"", "/"} or bool(EVENT_PATH.search(path))

    def _first_date(self, text: str | None) -> date | None:
        """Return the first date in the text, or None if that date is in the future."""
        dates = sorted(days_of((text or "")[:MAX_LINE_CHARACTERS]), key=lambda item: item[1])
        return dates[0][0] if dates and dates[0][0] <= self.fetched_on else None

    def _first_of(self, texts: Iterable[str | None]) -> date | None:
        return next(filter(None, map(self._first_date, texts)), None)

    def _latest_of(self, texts: Iterable[str | None]) -> date | None:
        return max(filter(None, map(self._first_date, texts)), default=None)


def _page_node(nodes: list[Node], url: str) -> Node:
    """Return the JSON-LD node that describes the page itself, and not an article to which the page links."""
    dated = [node for node in nodes if _is_dated(node) and _path_of(node) in {None, _path(url)}]
    articles = [node for node in dated if not any(kind.endswith("Page") for kind in types(node))]
    pages = [node for node in dated if node not in articles]
    is_article = len({line(node.get("datePublished")) for node in articles}) == 1
    return next(iter(articles if is_article else pages), NOTHING)


def _is_dated(node: Node) -> bool:
    has_date = any(node.get(key) for key in ("datePublished", "dateModified", "dateCreated"))
    kinds = types(node)
    return (
        has_date
        and (not kinds or any(PAGE_TYPES.search(kind) for kind in kinds))
        and kinds.isdisjoint({"Blog", "ItemList"})
    )


def _path_of(node: Node) -> str | None:
    """Return the path of the node's URL. Return None if the node has no URL, or if its URL is that of the home page."""
    for key in ("url", "mainEntityOfPage", "@id"):
        value = node.get(key)
        url = line(cast("Node", value).get("@id") if isinstance(value, dict) else value)
        if url.startswith(("http:", "https:")) and (path := _path(url)):
            return path
    return None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/").lower()
    except ValueError:
        return ""


def _next_heading(elements: list[Element], h1_index: int) -> int:
    """Return the index of the next heading after the h1. Dates after that heading can belong to another section.

    If there is no h1, return the number of elements.
    """
    if not elements or elements[h1_index].tag != "h1":
        return len(elements)
    next_headings = (index for index in range(h1_index + 1, len(elements)) if elements[index].tag in {"h2", "h3"})
    return next(next_headings, len(elements))


def _main_part(root: Element) -> tuple[Element, bool]:
    """Return the main part of the page, and whether it is an article.

    The main part is the article that contains the h1. If there is no such article, it is <main> or the root.
    """
    for article in root.find("article"):
        if article.holds_h1:
            return article, True
    return next(root.find("main"), root), False


def _own_elements(scope: Element) -> Iterator[Element]:
    """Yield the elements in `scope`, except navigation, footers, nested articles and lists of other content."""
    pending = [scope]
    while pending:
        element = pending.pop()
        yield element
        children = [child for child in element.children if isinstance(child, Element) and not _is_other(child, scope)]
        pending += reversed(children)


def _is_other(element: Element, scope: Element) -> bool:
    if element.tag in FRAME or element.tag == "head":
        return True
    if element.holds_h1 or element.holds_main:
        return False
    # A link that is long or contains a block is probably a preview of another page. A short link can be the date
    # itself.
    if element.tag == "a":
        return element.holds_block or element.words > MAX_LINKED_DATE_WORDS
    if element.tag == "article" or (element.tag == "header" and scope.tag != "article"):
        return True
    of_other_type = OTHER_CONTENT_TYPE.search(element.attributes.get("itemtype", ""))
    return bool(of_other_type or (element.name and OTHER_CONTENT_NAME.search(element.name)))


def _date_text(element: Element) -> str:
    text = element.attributes.get("datetime") or element.attributes.get("content")
    return text or (element.text if element.words <= MAX_BYLINE_WORDS else "")


def _is_change_date(elements: list[Element], index: int) -> bool:
    """Return whether the element contains the date of a change, according to its class or to the text in its line."""
    element, parent = elements[index], elements[index - 1]
    is_line = parent.words <= MAX_BYLINE_WORDS and any(child is element for child in parent.children)
    text = (parent if is_line else element).text[:MAX_LINE_CHARACTERS]
    return bool(CHANGE_NAME.search(element.name) or CHANGE_WORD.search(text))


def _byline_dates(text: str) -> Iterator[tuple[date, bool]]:
    """Yield each date in a byline, and whether it is the date of a change.

    Dates in sentences are ignored.
    """
    text = text[:MAX_LINE_CHARACTERS]
    for day, start, end in days_of(text):
        before, after = text[:start].strip(), text[end:].strip(" .,")
        labelled = ENDS_WITH_LABEL.search(before)
        if (
            labelled
            or (not before and not after)
            or BYLINE_WORD.search(before)
            or (not before and BYLINE_WORD.search(after))
        ):
            yield day, bool(labelled and CHANGE_WORD.search(labelled[0]))
