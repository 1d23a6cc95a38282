"""Contract tests for every page source: the sources that read sites on loopback, and the scripted source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from hashlib import sha256

import pytest
import pytest_asyncio
import stamina
from firecrawl_double import Double
from scripted import PROSPECT, VENDOR, NoNotes, ScriptedSource, invented_sites

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.demo import serve_demo
from octave_mcp.domain.addresses import parse_company, url_key
from octave_mcp.domain.choices import SOURCES, names
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import UpstreamError
from octave_mcp.ports import Source
from octave_mcp.settings import Settings
from octave_mcp.sources import crawler, crawler_firecrawl, firecrawl
from octave_mcp.sources.factory import Adapter, make_source
from octave_mcp.sources.firecrawl import client

ADAPTERS: dict[str, Adapter] = {
    "crawler-firecrawl": crawler_firecrawl,
    "firecrawl": firecrawl,
    "crawler": crawler,
}
NAMES = (*ADAPTERS, "scripted")
NOWHERE = "http://127.0.0.1:9"

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Subject:
    """A source under test, two companies whose sites it can read, and a company whose site does not respond."""

    source: Source
    company: Company
    other: Company
    absent: Company


@pytest.fixture(autouse=True)
def no_retry_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    answering = Double()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "FIRST_POLL_SECONDS", 0.001)
        yield answering
    answering.close()


def test_every_source_is_covered_by_the_contract_tests() -> None:
    assert set(names(SOURCES)) == set(ADAPTERS)


def source_of(name: str, double: Double) -> Source:
    if name == "scripted":
        return ScriptedSource(invented_sites())
    settings = {"allow_hosts": ("127.0.0.1",), "fetch_timeout_seconds": 100_000}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FIRECRAWL_API_URL", double.url)
        return make_source(ADAPTERS[name], Settings.model_validate(settings), NoNotes(), Supervisor())


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=NAMES)
async def subject(request: pytest.FixtureRequest, double: Double) -> AsyncGenerator[Subject]:
    source = source_of(request.param, double)
    async with serve_demo() as served:
        sites = (VENDOR, PROSPECT) if request.param == "scripted" else served
        allow = frozenset({"127.0.0.1"})
        company, other = parse_company(sites[0], "vendor", allow), parse_company(sites[1], "prospect", allow)
        yield Subject(source, company, other, parse_company(NOWHERE, "vendor", allow))
        await source.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(subject: Subject) -> Site:
    company = await subject.source.open(subject.company)
    return await subject.source.map(company, await subject.source.home(company))


@in_one_loop
async def test_opening_a_company_keeps_its_domain_and_role_and_drops_the_path(subject: Subject) -> None:
    company = await subject.source.open(subject.company)
    assert (company.domain, company.role) == (subject.company.domain, "vendor")
    assert company.url.count("/") == 2


@in_one_loop
async def test_a_site_that_does_not_answer_is_reported_as_unreachable(subject: Subject) -> None:
    with pytest.raises(UpstreamError) as failed:
        await subject.source.home(await subject.source.open(subject.absent))
    assert failed.value.code == "site_unreachable"
    assert "127.0.0.1" in str(failed.value)


@in_one_loop
async def test_a_home_page_has_the_kind_home_and_the_name_of_its_site(subject: Subject) -> None:
    company = await subject.source.open(subject.company)
    home = await subject.source.home(company)
    assert home.ref.kind == "home"
    assert home.ref.url.startswith(company.url)
    assert home.structured.site_name


@in_one_loop
async def test_a_page_has_the_digest_of_its_text_and_an_aware_fetch_time(subject: Subject, site: Site) -> None:
    for page in (site.home, *await subject.source.scrape(site, [link.url for link in site.links[:4]])):
        assert isinstance(page, Page)
        assert page.ref.sha256 == sha256(page.text.encode()).hexdigest()
        assert page.ref.fetched_at.tzinfo is not None
        assert page.text.strip()
        assert page.ref.language == "en"


@in_one_loop
async def test_a_map_lists_each_url_once_without_the_home_page(site: Site) -> None:
    keys = [url_key(link.url) for link in site.links]
    assert len(keys) == len(set(keys)) > 5
    assert url_key(site.home.ref.url) not in keys
    assert all(link.url.startswith(site.company.url) for link in site.links)


@in_one_loop
async def test_pages_are_returned_in_the_requested_order(subject: Subject, site: Site) -> None:
    urls = [link.url for link in reversed(site.links[:6])]
    pages = await subject.source.scrape(site, urls)
    assert [page.ref.url for page in pages if isinstance(page, Page)] == urls


@in_one_loop
async def test_a_missing_page_is_returned_as_a_failure_in_its_position(subject: Subject, site: Site) -> None:
    gone = f"{site.company.url}/no-such-page"
    first, failure, last = await subject.source.scrape(site, [site.links[0].url, gone, site.links[1].url])
    assert isinstance(first, Page)
    assert isinstance(last, Page)
    assert isinstance(failure, PageFailure)
    assert (failure.url, failure.code) == (gone, "http_404")
    assert failure.reason


@in_one_loop
async def test_a_page_of_another_site_is_not_read(subject: Subject, site: Site) -> None:
    (failure,) = await subject.source.scrape(site, [f"{subject.other.url}/about"])
    assert isinstance(failure, PageFailure)
    assert failure.code == "host_not_allowed"


@in_one_loop
async def test_scraping_no_urls_returns_no_pages(subject: Subject, site: Site) -> None:
    assert await subject.source.scrape(site, []) == ()


@in_one_loop
async def test_reading_a_page_twice_gives_the_same_result(subject: Subject, site: Site) -> None:
    url = site.links[0].url
    first, again = await subject.source.scrape(site, [url]), await subject.source.scrape(site, [url])
    assert [page.text for page in first if isinstance(page, Page)] == [p.text for p in again if isinstance(p, Page)]


@in_one_loop
async def test_one_source_reads_two_sites_concurrently(subject: Subject) -> None:
    company, other = await asyncio.gather(subject.source.open(subject.company), subject.source.open(subject.other))
    homes = await asyncio.gather(subject.source.home(company), subject.source.home(other))
    assert [home.ref.url.startswith(opened.url) for home, opened in zip(homes, (company, other), strict=True)] == [
        True
    ] * 2


@pytest.mark.parametrize("name", NAMES)
async def test_a_source_may_be_closed_twice(name: str, double: Double) -> None:
    source = source_of(name, double)
    await source.close()
    await source.close()
