"""Tests of the websites of the two demo companies over HTTP."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
import pytest_asyncio
from selectolax.lexbor import LexborHTMLParser, LexborNode

from octave_mcp.demo import serve_demo, serve_demo_by_name

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIGURE = re.compile(r"\$?\d+(?:[.,]\d+)*%?")

QUOTED = re.compile(r"“[^”]+”")


@dataclass(frozen=True)
class Demo:
    web: httpx2.AsyncClient
    vendor: str
    prospect: str
    read: dict[str, dict[str, LexborHTMLParser]] = field(default_factory=dict[str, dict[str, LexborHTMLParser]])

    async def pages(self, origin: str) -> dict[str, LexborHTMLParser]:
        """Map the path of each page in the site's sitemap to the parsed page. Fetch each page only once."""
        if origin not in self.read:
            self.read[origin] = await self._pages(origin)
        return self.read[origin]

    async def _pages(self, origin: str) -> dict[str, LexborHTMLParser]:
        sitemap = LexborHTMLParser((await self.web.get(f"{origin}/sitemap.xml")).text)
        answers = [await self.web.get(location.text()) for location in sitemap.css("loc")]
        assert {answer.status_code for answer in answers} == {200}
        return {answer.url.path: LexborHTMLParser(answer.text) for answer in answers}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Demo]:
    async with serve_demo() as (vendor, prospect), client() as web:
        yield Demo(web, vendor, prospect)


def client() -> httpx2.AsyncClient:
    """Return a client without a timeout.

    The client opens a new connection for each request, because the sites can close idle connections.
    """
    return httpx2.AsyncClient(trust_env=False, timeout=None, limits=httpx2.Limits(max_keepalive_connections=0))


def text(node: LexborNode | LexborHTMLParser | None) -> str:
    assert node is not None
    return " ".join(node.text(separator=" ").split())


async def test_both_sites_serve_every_page_in_their_sitemap(demo: Demo) -> None:
    vendor, prospect = await demo.pages(demo.vendor), await demo.pages(demo.prospect)

    assert len(vendor) >= 12
    assert len(prospect) >= 10
    assert {"/", "/pricing", "/customers/ostrafell-appliances"} <= vendor.keys()
    assert {"/", "/careers", "/news/two-hour-windows"} <= prospect.keys()


async def test_robots_txt_allows_crawlers_and_names_the_sitemap_of_its_own_origin(demo: Demo) -> None:
    for origin in (demo.vendor, demo.prospect):
        robots = (await demo.web.get(f"{origin}/robots.txt")).text.splitlines()

        assert "Allow: /" in robots
        assert f"Sitemap: {origin}/sitemap.xml" in robots


@pytest.mark.parametrize("path", ["/nowhere", "/customers/nobody", "//pricing", "/../site.json", "/site.json"])
async def test_an_unknown_path_answers_404_with_a_page(demo: Demo, path: str) -> None:
    for origin in (demo.vendor, demo.prospect):
        answer = await demo.web.get(origin + path)

        assert answer.status_code == 404
        assert "Page not found" in answer.text


async def test_a_trailing_slash_is_redirected_to_the_page(demo: Demo) -> None:
    answer = await demo.web.get(f"{demo.vendor}/pricing/")

    assert answer.status_code == 308
    assert answer.headers["location"] == "/pricing"


async def test_every_link_leads_to_an_existing_file_of_the_same_site(demo: Demo) -> None:
    for origin in (demo.vendor, demo.prospect):
        found = {
            urljoin(origin + path, link)
            for path, page in (await demo.pages(origin)).items()
            for attribute in ("href", "src")
            for node in page.css(f"[{attribute}]")
            if (link := node.attributes[attribute]) and urlsplit(link).scheme not in {"mailto", "data"}
        }

        assert all(link.startswith(f"{origin}/") for link in found)
        assert {(await demo.web.get(link)).status_code for link in found} == {200}


async def test_every_page_has_metadata_about_its_company_and_itself(demo: Demo) -> None:
    for origin in (demo.vendor, demo.prospect):
        for path, page in (await demo.pages(origin)).items():
            meta = {
                node.attributes.get("property") or node.attributes.get("name"): node.attributes.get("content")
                for node in page.css("meta[content]")
            }
            script = page.css_first('script[type="application/ld+json"]')
            canonical = page.css_first("link[rel=canonical]")

            assert meta["description"]
            assert meta["og:site_name"] in {"Wrenhaul", "Hearthwain"}
            assert script is not None
            assert json.loads(script.text())["@type"] in {"Organization", "Article"}
            assert canonical is not None
            assert canonical.attributes["href"] == origin + path


async def test_every_figure_on_a_card_is_in_its_story(demo: Demo) -> None:
    pages = await demo.pages(demo.vendor)

    for overview in ("/", "/customers"):
        cards = [card for card in pages[overview].css(".cards li") if card.css_first('a[href^="/customers/"]')]
        assert len(cards) == 5
        for card in cards:
            link = card.css_first("a")
            assert link is not None
            story = text(pages[link.attributes["href"] or ""].css_first("article"))
            assert set(FIGURE.findall(text(card))) <= set(FIGURE.findall(story)), text(card)


async def test_every_testimonial_appears_word_for_word_in_a_story_under_the_same_name(demo: Demo) -> None:
    pages = await demo.pages(demo.vendor)
    stories = [
        (text(page.css_first("blockquote")), text(page.css_first("cite")))
        for path, page in pages.items()
        if path.startswith("/customers/")
    ]

    for page in pages.values():
        for quote in page.css("figure.quote"):
            assert (text(quote.css_first("blockquote")), text(quote.css_first("cite"))) in stories


async def test_every_testimonial_is_in_quotation_marks_and_has_sentences_short_enough_to_quote(demo: Demo) -> None:
    for page in (await demo.pages(demo.vendor)).values():
        for quote in page.css("blockquote"):
            assert QUOTED.fullmatch(text(quote))
            assert all(len(sentence.split()) <= 20 for sentence in re.split(r"(?<=[.!?]) ", text(quote)))


async def test_neither_company_mentions_the_other(demo: Demo) -> None:
    for origin, other in ((demo.vendor, "hearthwain"), (demo.prospect, "wrenhaul")):
        for page in (await demo.pages(origin)).values():
            assert other not in (page.html or "").lower()


async def test_each_site_has_its_own_origin_and_is_served_only_within_the_context() -> None:
    async with serve_demo() as (vendor, prospect), client() as web:
        assert vendor != prospect
        assert (await web.get(vendor)).status_code == 200

    async with client() as web:
        with pytest.raises(httpx2.ConnectError):
            await web.get(vendor)


async def test_sites_served_by_name_use_only_the_companies_own_domains() -> None:
    async with serve_demo_by_name() as companies, client() as web:
        for origin in (companies.vendor, companies.prospect):
            port = companies.served[urlsplit(origin).netloc]
            for path in ("/", "/robots.txt", "/sitemap.xml"):
                asked = {"Host": urlsplit(origin).netloc}
                answer = await web.get(f"http://127.0.0.1:{port}{path}", headers=asked)
                assert f"{origin}/" in answer.text
                assert "127.0.0.1" not in answer.text


async def test_serving_does_not_replace_the_callers_signal_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)

    async with serve_demo() as (vendor, _), client() as web:
        await web.get(vendor)
        assert signal.getsignal(signal.SIGINT) is before


async def test_an_exception_of_the_caller_is_raised_unchanged() -> None:
    with pytest.raises(LookupError):
        async with serve_demo():
            raise LookupError
