"""Recognises sister sites: other domains of the same organisation, such as ubuntu.com and canonical.com."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from octave_mcp.domain.addresses import path_of, site_at
from octave_mcp.domain.company import Company
from octave_mcp.domain.names import normal
from octave_mcp.domain.page import Link, Page

MAX_CANDIDATES, MIN_SIGNS = 2, 2
# These platforms never count as sister sites. Many companies link to them, and many website templates list them in
# `sameAs`.
PLATFORMS = frozenset(
    {
        *("facebook.com", "twitter.com", "x.com", "linkedin.com", "instagram.com", "youtube.com", "tiktok.com"),
        *("pinterest.com", "threads.net", "bsky.app", "reddit.com", "discord.com", "discord.gg", "slack.com"),
        *("whatsapp.com", "t.me", "telegram.org", "weibo.com", "github.com", "gitlab.com", "medium.com"),
        *("substack.com", "wikipedia.org", "wikidata.org", "crunchbase.com", "g2.com", "capterra.com"),
        *("trustpilot.com", "glassdoor.com", "ycombinator.com", "producthunt.com", "google.com", "apple.com"),
        *("microsoft.com", "amazon.com", "wordpress.org", "wordpress.com", "cloudflare.com", "stackoverflow.com"),
    }
)


def candidates(home: Page) -> list[Link]:
    """Return up to two linked home pages that are possibly sister sites.

    Pages that the home page lists in `sameAs` come first.
    """
    linked = [link for link in home.outside if link.origin == "sister" and site_at(link.url) not in PLATFORMS]
    return sorted(linked, key=lambda link: not is_claimed(link.url, home))[:MAX_CANDIDATES]


def is_claimed(url: str, home: Page) -> bool:
    """Whether the home page's structured data (`sameAs`) names the site of this URL."""
    return any(site_at(named) == site_at(url) and path_of(named) == "/" for named in home.structured.same_as)


def is_sister(other: Page, home: Page, company: Company) -> bool:
    """Whether the other site belongs to the same organisation.

    Two sites belong together if the company's home page names the other site in `sameAs`. Two of the following signs
    are also enough: the other site names the company's site in its own `sameAs`, both sites have the same name, or both
    have the same logo. A single sign is not enough, because a partner's site can name the company, too.
    """
    if is_claimed(other.ref.url, home):
        return True
    names_company = any(site_at(named) == company.domain for named in other.structured.same_as)
    return names_company + _has_same_name(other, home) + _has_same_logo(other, home) >= MIN_SIGNS


def _has_same_name(one: Page, other: Page) -> bool:
    names, others = _names(one), _names(other)
    return not names.isdisjoint(others)


def _names(page: Page) -> set[str]:
    return {normal(name) for name in (page.structured.organization, page.structured.site_name) if name}


def _has_same_logo(one: Page, other: Page) -> bool:
    """Whether the logos of both pages have the same file name."""
    logos = {_logo_file(page) for page in (one, other)}
    return len(logos) == 1 and logos != {""}


def _logo_file(page: Page) -> str:
    try:
        path = urlsplit(urljoin(page.ref.url, page.structured.logo)).path if page.structured.logo else ""
    except ValueError:
        return ""
    return path.rpartition("/")[2].casefold()
