"""Tests of sites and pages that Firecrawl can read but the crawler cannot.

If a site refuses the crawler, its pages are on a second local server, where the fake Firecrawl server reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conftest import LoopbackSite, Pair
from firecrawl_double import A_KEY, Double, set_up
from scripted import NoNotes, Stage

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.demo.sites import Document
from octave_mcp.demo.sites import load as load_site
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import BadKey, SiteRefuses, SiteUnreachable
from octave_mcp.ports import Memory
from octave_mcp.settings import Settings, load
from octave_mcp.sources import crawler, crawler_firecrawl, firecrawl
from octave_mcp.sources.cache import CachedSource
from octave_mcp.sources.factory import Adapter, make_source
from octave_mcp.store.sql import SqlStore
from octave_mcp.surfaces.cli.checks import CHECKS

LOOPBACK = frozenset({"127.0.0.1"})
SOURCES = pytest.mark.parametrize("source", [firecrawl, crawler_firecrawl])
ALL = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HTML = "text/html"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with set_up(monkeypatch) as answering:
        yield answering


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    """The site as Firecrawl's browser renders it."""
    serving = LoopbackSite(load_site("vendor"))
    yield serving
    serving.close()


@pytest.fixture
def shells(double: Double, site: LoopbackSite) -> Iterator[LoopbackSite]:
    """The site as the crawler sees it.

    Tests replace some pages with pages that the crawler cannot read.
    """
    serving = LoopbackSite(load_site("vendor"))
    double.reached[serving.host] = f"http://{site.host}"
    yield serving
    serving.close()


def settings(*allowed: str) -> Settings:
    return load(allow_hosts=allowed or ("127.0.0.1",), fetch_timeout_seconds=3600, site_timeout_seconds=3600)


@asynccontextmanager
async def opened(
    source: Adapter, host: str, *, cache: Memory | None = None
) -> AsyncGenerator[tuple[CachedSource, Site]]:
    reader = make_source(source, settings(), cache or NoNotes(), Supervisor())
    assert isinstance(reader, CachedSource)
    try:
        company = await reader.open(parse_company(f"http://{host}", "vendor", LOOPBACK))
        yield reader, await reader.map(company, await reader.home(company))
    finally:
        await reader.close()


# Refused crawls

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(status: bytes) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(status)
        await writer.drain()
        writer.close()

    return answer


async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # read() returns when the client disconnects
    writer.close()


REFUSALS: dict[str, Answer] = {
    "forbids everything": answering(ALL % b"403 Forbidden"),
    "has too many requests": answering(ALL % b"429 Too Many Requests"),
    "fails": answering(ALL % b"503 Unavailable"),
    "has a bot wall": answering(b"HTTP/1.1 403 X\r\ncf-mitigated: challenge\r\nContent-Length: 0\r\n\r\n"),
    "hangs up": answering(b""),
    "talks nonsense": answering(b"220 smtp.example ESMTP\r\n"),
    "says nothing": never_answer,
}


@asynccontextmanager
async def refusing(answer: Answer) -> AsyncGenerator[str]:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as serving:
        yield f"127.0.0.1:{serving.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def closed() -> AsyncGenerator[str]:
    """Yield the address of a local port on which no server listens."""
    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as serving:
        host = f"127.0.0.1:{serving.sockets[0].getsockname()[1]}"
    yield host


@SOURCES
@pytest.mark.parametrize("how", [*REFUSALS, "is closed"])
async def test_a_site_that_refuses_the_crawler_is_read_by_firecrawl(
    how: str, source: Adapter, site: LoopbackSite, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "says nothing":
        monkeypatch.setattr(firecrawl, "ROBOTS_SECONDS", 0.05)
    async with refusing(REFUSALS[how]) if how in REFUSALS else closed() as host:
        double.reached[host] = f"http://{site.host}"
        async with opened(source, host) as (reader, found):
            urls = [f"http://{host}/pricing", f"http://{host}/about"]
            pages = [found.home, *await reader.scrape(found, urls)]

    assert [page.ref.kind for page in pages if isinstance(page, Page)] == ["home", "pricing", "about"]
    assert len(found.links) > 10
    if source is firecrawl:
        assert not any(page.ref.notice for page in pages if isinstance(page, Page))
    else:
        assert all(page.ref.notice for page in pages if isinstance(page, Page))


async def test_a_run_completes_with_firecrawl_if_a_site_never_answers_the_crawler(
    pair: Pair, site: LoopbackSite, double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firecrawl, "ROBOTS_SECONDS", 0.05)
    async with refusing(never_answer) as host:
        double.reached[host] = f"http://{site.host}"
        stage = Stage(tmp_path, settings=load(home=tmp_path, allow_hosts=("127.0.0.1",)))
        request = {"vendor": f"http://{host}", "prospect": f"http://{pair.prospect.host}"}
        record, playbook = await stage.run(**request, model="extractive", source="firecrawl", max_pages=6)

    assert (record.status, record.error) == ("completed", None)
    assert playbook
    assert sum(page.role == "vendor" for page in playbook.pages) == 6
    assert not [gap for gap in playbook.gaps if gap.code == "other_source"]


@SOURCES
async def test_a_readable_robots_txt_is_obeyed_even_if_the_rest_of_the_site_is_forbidden(
    source: Adapter, shells: LoopbackSite, double: Double
) -> None:
    for path in shells.documents:
        shells.failing[path] = 403
    del shells.failing["/robots.txt"]
    shells.documents["/robots.txt"] = Document(b"User-agent: *\nDisallow: /pricing", "text/plain")
    async with opened(source, shells.host) as (reader, found):
        about, pricing = await reader.scrape(found, [f"http://{shells.host}/about", f"http://{shells.host}/pricing"])

    assert isinstance(about, Page)
    assert isinstance(pricing, PageFailure)
    assert pricing.code == "robots_disallowed"
    assert not double.fetched["/pricing"]


@SOURCES
async def test_a_site_whose_robots_txt_disallows_everything_is_not_sent_to_firecrawl(
    source: Adapter, shells: LoopbackSite, double: Double
) -> None:
    shells.documents["/robots.txt"] = Document(b"User-agent: *\nDisallow: /", "text/plain")
    with pytest.raises(SiteRefuses, match="forbids reading"):
        async with opened(source, shells.host):
            pass
    assert not double.asked


async def test_firecrawl_is_never_asked_to_ignore_robots_txt(site: LoopbackSite, double: Double) -> None:
    async with refusing(REFUSALS["forbids everything"]) as host:
        double.reached[host] = f"http://{site.host}"
        async with opened(firecrawl, host) as (reader, found):
            await reader.scrape(found, [f"http://{host}/pricing"])
    assert double.asked
    assert not [key for asked in double.asked for key in asked.body if "robots" in key.lower()]


@SOURCES
async def test_an_allowed_host_that_does_not_resolve_is_read_by_firecrawl_without_its_www_variant(
    source: Adapter, site: LoopbackSite, double: Double
) -> None:
    host = "wiki.acme.internal"
    double.reached[host] = f"http://{site.host}"
    reader = make_source(source, settings(host), NoNotes(), Supervisor())
    company = await reader.open(parse_company(f"http://{host}", "vendor", frozenset({host})))
    home = await reader.home(company)
    (page,) = await reader.scrape(Site(company=company, home=home, links=()), [f"http://{host}/pricing"])
    await reader.close()

    assert home.ref.url == f"http://{host}/"
    assert isinstance(page, Page)


async def test_an_allowed_host_that_does_not_resolve_is_unreachable_for_the_crawler() -> None:
    host = "wiki.acme.internal"
    reader = make_source(crawler, settings(host), NoNotes(), Supervisor())
    with pytest.raises(SiteUnreachable, match=host):
        await reader.open(parse_company(f"http://{host}", "vendor", frozenset({host})))
    await reader.close()


# Unreadable pages

SHELL = b"<html lang=en><title>App</title><div id=root></div><script src=/app.js></script></html>"
THIN = (
    b"<html lang=en><title>About</title><main><h1>About us</h1><p>We make software. Loading the rest of this page, "
    b"one moment. This takes longer where the connection is slow, so wait until all of it is there. Meanwhile you may "
    b"want to read why we founded this company, and who works here.</p></main><script>" + b"var a=1;" * 4000
) + b"</script></html>"
WALL = b"<html lang=en><title>Just a moment...</title><p>Checking your browser before you may go on.</p></html>"
UNREADABLE = {"/pricing": SHELL, "/about": THIN, "/security": WALL}


def make_unreadable(site: LoopbackSite) -> list[str]:
    """Replace three pages with pages that need a browser.

    Return the URLs of these three pages and of a page that the crawler can read.
    """
    paths = [path for path in site.documents if "." not in path and path != "/"]
    readable = [path for path in paths if path not in UNREADABLE][:1]
    replaced = [path for path in UNREADABLE if path in paths]
    for path in replaced:
        site.documents[path] = Document(UNREADABLE[path], HTML)
    assert len(replaced) == len(UNREADABLE)
    return [f"http://{site.host}{path}" for path in (*replaced, *readable)]


async def test_only_pages_that_need_a_browser_are_read_by_firecrawl(shells: LoopbackSite, double: Double) -> None:
    wanted = make_unreadable(shells)
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        pages = await reader.scrape(found, wanted)
        credits_used = reader.credits

    assert [page.ref.url for page in pages if isinstance(page, Page)] == wanted
    notices = [page.ref.notice.reason if page.ref.notice else "" for page in pages if isinstance(page, Page)]
    assert notices == [
        "read by Firecrawl: The page is empty until a browser runs its scripts",
        "read by Firecrawl: The page shows few words until its scripts run",
        "read by Firecrawl: The site asks visitors to prove that they are human",
        "",
    ]
    assert set(double.fetched) == set(UNREADABLE)
    assert credits_used == len(UNREADABLE)


async def test_a_run_reports_which_pages_firecrawl_read_and_what_they_cost(
    pair: Pair, double: Double, shells: LoopbackSite, tmp_path: Path
) -> None:
    make_unreadable(shells)
    stage = Stage(tmp_path, settings=load(home=tmp_path, allow_hosts=("127.0.0.1",)))
    request = {"vendor": f"http://{shells.host}", "prospect": f"http://{pair.prospect.host}"}
    record, playbook = await stage.run(**request, model="extractive", source="auto")

    assert (record.source, record.status) == ("crawler-firecrawl", "completed")
    assert playbook
    gaps = [gap for gap in playbook.gaps if gap.code == "other_source"]
    assert {gap.reason.partition(": ")[2] for gap in gaps} == {
        "read by Firecrawl: The page is empty until a browser runs its scripts",
        "read by Firecrawl: The page shows few words until its scripts run",
        "read by Firecrawl: The site asks visitors to prove that they are human",
    }
    assert {gap.would_fill for gap in gaps} == {"nothing, because these pages were read"}
    assert playbook.cost.credits == double.fetched.total() == 3


async def test_pages_that_firecrawl_read_are_not_paid_for_again(
    shells: LoopbackSite, double: Double, tmp_path: Path
) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    wanted, notices = make_unreadable(shells)[:2], list[list[bool]]()
    for _ in range(2):
        async with opened(crawler_firecrawl, shells.host, cache=store) as (reader, found):
            pages = await reader.scrape(found, wanted)
        notices.append([bool(page.ref.notice) for page in pages if isinstance(page, Page)])
    await store.close()

    assert notices == [[True, True]] * 2
    assert double.fetched.total() == 2


async def test_a_home_page_that_needs_a_browser_is_read_by_firecrawl_and_its_links_are_found(
    shells: LoopbackSite, double: Double
) -> None:
    shells.documents["/"] = Document(SHELL, HTML)
    shells.documents.pop("/robots.txt", None)
    for path in [path for path in shells.documents if "sitemap" in path]:
        del shells.documents[path]
    async with opened(crawler_firecrawl, shells.host) as (_, found):
        assert found.home.ref.kind == "home"
        assert found.home.ref.notice
    assert len(found.links) > 10
    assert double.fetched.total() == 1


SHORT = b"<html lang=en><title>Contact</title><h1>Contact</h1><p>Write to us at any time.</p>"
LONG = SHORT + b"".join(b"<p>Step %d explains one more thing at some length.</p>" % step for step in range(40))
SCRIPT = b"<script>" + b"a();" * 9000 + b"</script>"
COMPLETE = {
    "short": SHORT,
    "short, with a script": SHORT + b"<script>a()</script>",
    "large, without scripts": SHORT + b"<!-- -->" * 9000,
    "large, with scripts and many words": LONG + SCRIPT,
}


@pytest.mark.parametrize("page", COMPLETE.values(), ids=COMPLETE)
async def test_a_page_that_is_complete_without_scripts_is_not_sent_to_firecrawl(
    page: bytes, shells: LoopbackSite, double: Double
) -> None:
    shells.documents["/pricing"] = Document(page, HTML)
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        (read,) = await reader.scrape(found, [f"http://{shells.host}/pricing"])

    assert isinstance(read, Page)
    assert not read.ref.notice
    assert not double.asked


async def test_the_crawlers_page_is_kept_if_firecrawl_finds_no_more_text(
    shells: LoopbackSite, site: LoopbackSite, double: Double
) -> None:
    shells.documents["/about"] = site.documents["/about"] = Document(THIN, HTML)
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        (read,) = await reader.scrape(found, [f"http://{shells.host}/about"])

    assert isinstance(read, Page)
    assert not read.ref.notice
    assert double.fetched["/about"] == 1


@pytest.mark.parametrize(("path", "code"), [("/no-such-page", "http_404"), ("/private", "robots_disallowed")])
async def test_a_missing_or_disallowed_page_is_not_sent_to_firecrawl(
    path: str, code: str, shells: LoopbackSite, double: Double
) -> None:
    shells.documents["/robots.txt"] = Document(b"User-agent: *\nDisallow: /private", "text/plain")
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        (failure,) = await reader.scrape(found, [f"http://{shells.host}{path}"])

    assert isinstance(failure, PageFailure)
    assert failure.code == code
    assert not double.asked


# Complete failures


async def test_a_page_that_no_source_can_read_has_the_reason_of_each_source(
    shells: LoopbackSite, double: Double
) -> None:
    shells.documents["/pricing"] = Document(SHELL, HTML)
    double.fails(".*", 402)
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        (failure,) = await reader.scrape(found, [f"http://{shells.host}/pricing"])

    assert isinstance(failure, PageFailure)
    assert failure.code == "needs_js"
    assert failure.reason == (
        "The crawler: The page is empty until a browser runs its scripts. "
        "Firecrawl: The Firecrawl account has no credits left"
    )


@SOURCES
@pytest.mark.parametrize("status", [403, 408])
async def test_a_site_that_no_source_can_read_is_an_error_with_the_reason_of_each_source(
    status: int, source: Adapter, double: Double
) -> None:
    double.fails(".*", status)
    reasons = {
        403: "Firecrawl: Firecrawl does not read this site",
        408: "Firecrawl: Firecrawl got no complete response",
    }
    async with refusing(REFUSALS["forbids everything"]) as host:
        with pytest.raises(SiteUnreachable) as failed:
            async with opened(source, host):
                pass
    assert reasons[status] in str(failed.value)
    assert "The crawler: The site responds with 403" in str(failed.value)
    assert host in str(failed.value)


@pytest.mark.long
@pytest.mark.parametrize("source", [firecrawl, pytest.param(crawler_firecrawl, marks=pytest.mark.long)])
async def test_a_site_that_answers_no_source_is_an_error_within_the_site_timeout(
    source: Adapter, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firecrawl, "ROBOTS_SECONDS", 0.05)
    site = LoopbackSite(load_site("vendor"), held=True)
    short_timeout = load(allow_hosts=("127.0.0.1",), fetch_timeout_seconds=3600, site_timeout_seconds=20)
    reader = make_source(source, short_timeout, NoNotes(), Supervisor())
    company = await reader.open(parse_company(f"http://{site.host}", "vendor", LOOPBACK))
    with pytest.raises(SiteUnreachable) as failed:
        await reader.home(company)
    await reader.close()
    site.close()

    assert "Firecrawl: No complete response within 12 seconds" in str(failed.value)
    assert "(No complete response within 0.05 seconds)" in str(failed.value)
    assert "/v2/scrape" in {asked.path for asked in double.asked}


async def test_an_invalid_firecrawl_key_is_an_error_once_firecrawl_is_needed(
    shells: LoopbackSite, double: Double
) -> None:
    double.fails(".*", 401)
    async with opened(crawler_firecrawl, shells.host) as (reader, found):
        assert not double.asked
        shells.documents["/pricing"] = Document(SHELL, HTML)
        with pytest.raises(BadKey, match="FIRECRAWL_API_KEY"):
            await reader.scrape(found, [f"http://{shells.host}/pricing"])


# Source selection


@pytest.mark.parametrize(
    ("key", "server", "chosen"),
    [("", "", "crawler"), (A_KEY, "", "crawler-firecrawl"), ("", "http://127.0.0.1:3002", "crawler-firecrawl")],
)
def test_auto_adds_firecrawl_to_the_crawler_if_a_key_or_a_server_is_configured(
    key: str, server: str, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FIRECRAWL_API_KEY", key), ("FIRECRAWL_API_URL", server)):
        monkeypatch.setenv(name, value)
    assert Stage(tmp_path, settings=load()).source_name("auto") == chosen
    assert Stage(tmp_path, settings=load()).source_name("crawler") == "crawler"


@pytest.mark.parametrize("source", ["firecrawl", "crawler-firecrawl"])
def test_the_doctor_checks_the_key_once_and_names_the_source_that_needs_it(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRECRAWL_API_KEY", raising=False)
    monkeypatch.delenv("FIRECRAWL_API_URL", raising=False)
    (check,) = [check for check in CHECKS if check.name == "FIRECRAWL_API_KEY"]
    found = check.look(load(source=source))

    assert (found.status, found.text) == ("failed", f"not set, but {source} needs it")
