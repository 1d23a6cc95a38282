"""Turns HTML into a `Page`: its text, facts, links, title, date and language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, urljoin

from octave_mcp.domain.addresses import same_site, url_key
from octave_mcp.domain.choices import SET_UP_SCRIPTS
from octave_mcp.domain.company import Company
from octave_mcp.domain.kinds import kind_of
from octave_mcp.domain.page import Link, LinkOrigin, Page, PageRef, with_facts
from octave_mcp.errors import InvalidDomain
from octave_mcp.sources.failures import PageFailed
from octave_mcp.sources.html.complexity import too_complex
from octave_mcp.sources.html.external_links import outside_links
from octave_mcp.sources.html.language import language_of
from octave_mcp.sources.html.logos import MarkdownText
from octave_mcp.sources.html.markdown import markdown, markdown_with_logos
from octave_mcp.sources.html.metadata import Head, head_of
from octave_mcp.sources.html.prune import main_content
from octave_mcp.sources.html.refusals import refusal
from octave_mcp.sources.html.script_data import embedded_text
from octave_mcp.sources.html.shells import is_shell
from octave_mcp.sources.html.titles import on_one_line, without_site
from octave_mcp.sources.html.tree import Element, parse
from octave_mcp.sources.html.visible_text import as_shown

FILE_URL = re.compile(
    r"\.(?:pdf|png|jpe?g|gif|svg|webp|ico|css|js|mjs|json|xml|gz|zip|dmg|exe|msi|deb|rpm|tgz|mp[34]|webm|mov|woff2?|ttf|"
    r"docx?|xlsx?|pptx?|csv|ics|rss|atom|md|txt)$",
    re.IGNORECASE,
)
NEEDS_JS = f"The page is empty until a browser runs its scripts. To run the scripts, {SET_UP_SCRIPTS}, and try again"
MAX_LINK_TEXT_CHARACTERS = 120
MAX_TITLE_CHARACTERS = 500
MAX_KNOWN_LINKS = 2048


def page_of(html: str, url: str, company: Company, fetched_at: datetime, origin: LinkOrigin = "page") -> Page:
    """Extract the page at `url` from its HTML.

    Raises:
        PageFailed: If the page is too complex, is empty, refuses visitors, or needs scripts to show its content.
    """
    if reason := too_complex(html.encode("utf-8", "replace")):
        raise PageFailed(url, "too_complex", reason)
    root = parse(html)
    head = head_of(root, url, fetched_at.date())
    main = as_shown(main_content(root), root)
    body = _body(root, main, head, url)
    text, facts = with_facts(body.text, head.facts_missing_from(body.text))
    ref = PageRef(
        url=url,
        sha256=sha256(text.encode("utf-8")).hexdigest(),
        title=(title := _title(main, head)[:MAX_TITLE_CHARACTERS]),
        kind=kind_of(url, title),
        language=language_of(body.text or text, root.attributes.get("lang", "")),
        fetched_at=fetched_at,
        published_on=head.published_on,
    )
    links = tuple(_links(root, url, company, origin))
    outside = outside_links("home" if origin == "home" else ref.kind, html, root, url, company)
    labelled = (*body.logos, *facts)
    return Page(ref=ref, text=text, structured=head.structured, links=links, outside=outside, labelled=labelled)


def main_text(html: str) -> str:
    """Return the content of a page as Markdown, without the metadata in its HTML head."""
    root = parse(html)
    return markdown(as_shown(main_content(root), root))


def _body(root: Element, main: Element, head: Head, url: str) -> MarkdownText:
    """Return the content as Markdown.

    If the page is empty until scripts run, return the text from the data that is embedded in the page.

    Raises:
        PageFailed: If the page has neither content nor embedded text, or its text is an error, a login form or a bot
            check.
    """
    body = markdown_with_logos(main)
    if failure := refusal(root, main, head.title, body.text):
        raise PageFailed(url, *failure)
    if is_shell(root, body.text):
        body = MarkdownText(embedded_text(root))
        if not body.text and not head.describes_company:
            raise PageFailed(url, "needs_js", NEEDS_JS)
    elif not body.text.strip():
        raise PageFailed(url, "empty", "The page has no text")
    return body


def _title(main: Element, head: Head) -> str:
    """Return the only h1.

    If there are several h1 elements, or if the only h1 is the site's name, return the page title without the site's
    name.
    """
    headings = list(dict.fromkeys(text for element in main.find("h1") if (text := on_one_line(element))))
    title = without_site(head.title, head.site_names)
    has_only_site_name = not title or title.casefold() in head.site_names
    if len(headings) == 1 and (has_only_site_name or headings[0].casefold() not in head.site_names):
        return headings[0]
    return next((text for text in headings if text.casefold() == title.casefold()), title)


def _links(root: Element, url: str, company: Company, origin: LinkOrigin) -> Iterator[Link]:
    """Yield each linked URL on the site once, with the first link text that is not empty."""
    base = _base_url(root, url)
    site = _absolute(base, "/")
    links: dict[str, Link] = {}
    for anchor in root.find("a"):
        href = anchor.attributes.get("href", "")
        # The pages of a site share most of their links, so a link that is a path is resolved only once per site.
        absolute = _of_site(site, href) if href.startswith("/") and site else _absolute(base, href)
        page = _own_page(absolute, company)  # pyright: ignore[reportArgumentType] - frozen values are hashable
        if page is None:
            continue
        target, key = page
        known = links.get(key)
        if known is None or not known.text:
            text = anchor.text[:MAX_LINK_TEXT_CHARACTERS]
            links[key] = Link(url=known.url if known else target, text=text, origin=origin)
    links.pop(url_key(url), None)
    yield from links.values()


def _base_url(root: Element, url: str) -> str:
    try:
        return next((urljoin(url, element.attributes.get("href", "")) for element in root.find("base")), url)
    except ValueError:
        return url


@lru_cache(maxsize=MAX_KNOWN_LINKS)
def _of_site(site: str, path: str) -> str:
    return _absolute(site, path)


def _absolute(base: str, href: str) -> str:
    """Return the absolute URL of a link without its fragment, or '' if the link is malformed."""
    try:
        return urljoin(base, href.strip()).partition("#")[0]
    except ValueError:
        return ""


# Most links of a page are in its menu and its footer, and the other pages of the site have the same links.
@lru_cache(maxsize=MAX_KNOWN_LINKS)
def _own_page(absolute: str, company: Company) -> tuple[str, str] | None:
    """Return the URL to request and its key, or None if the link does not lead to a page on the company's site."""
    try:
        target = quote(absolute, safe="/%:?=&@!$'()*+,;~-._[]")
        is_page = target.startswith(("http://", "https://")) and not FILE_URL.search(target.partition("?")[0])
        return (target, url_key(target)) if is_page and same_site(target, company) else None
    except (ValueError, InvalidDomain):
        return None
