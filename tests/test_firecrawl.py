"""Reading pages through Firecrawl: the SDK calls a fake of Firecrawl's API, which fetches sites on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Finished, LoopbackSite, Pair, command
from firecrawl_double import A_KEY, Double, Fault, Job, set_up
from matrix import sampled
from pydantic import SecretStr
from scripted import NoNotes, Stage, asked_for
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from octave_mcp.app import App
from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.demo.sites import Document
from octave_mcp.demo.sites import load as load_site
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.domain.playbook import Playbook
from octave_mcp.errors import HostNotAllowed, SetupError
from octave_mcp.ports import Memory
from octave_mcp.settings import load
from octave_mcp.sources import firecrawl
from octave_mcp.sources.cache import CachedSource
from octave_mcp.sources.crawler.reader import Crawler
from octave_mcp.sources.factory import make_source
from octave_mcp.sources.firecrawl import client
from octave_mcp.sources.firecrawl.client import Client
from octave_mcp.sources.firecrawl.reader import Firecrawl
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.reader import is_declined
from octave_mcp.sources.two_readers import Handover, TwoReaders
from octave_mcp.sources.web.access import SiteAccess
from octave_mcp.store.sql import SqlStore

FALLBACK = Handover(is_declined, is_lasting=False, home_seconds=(3600, 3600))
BATCH = "POST /v2/batch/scrape"
POLL = "GET /v2/batch/scrape/.*"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with set_up(monkeypatch) as answering:
        yield answering


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    serving = LoopbackSite(load_site("vendor"))
    yield serving
    serving.close()


@asynccontextmanager
async def opened(site: LoopbackSite, *, memory: Memory | None = None) -> AsyncGenerator[tuple[CachedSource, Site]]:
    source = make_source(
        firecrawl, load(allow_hosts=("127.0.0.1",), fetch_timeout_seconds=3600), memory or NoNotes(), Supervisor()
    )
    assert isinstance(source, CachedSource)
    try:
        company = await source.open(parse_company(f"http://{site.host}", "vendor", frozenset({"127.0.0.1"})))
        yield source, Site(company=company, home=await source.home(company), links=())
    finally:
        await source.close()


def urls(site: LoopbackSite, many: int) -> list[str]:
    return [f"http://{site.host}{path}" for path in site.documents if "." not in path and path != "/"][:many]


def about(pair: Pair, source: str) -> dict[str, str]:
    sites = {"vendor": f"http://{pair.vendor.host}", "prospect": f"http://{pair.prospect.host}"}
    return sites | {"model": "extractive", "source": source}


def kinds(playbook: Playbook) -> Counter[tuple[str, str]]:
    return Counter((page.role, page.kind) for page in playbook.pages)


async def test_a_run_through_firecrawl_reads_the_same_pages_as_the_crawler(
    finished: Finished, double: Double, tmp_path: Path
) -> None:
    app = App(load(), engine="inline")
    await app.runs.open(executing=False)
    crawled = await app.runs.finished(finished.run_id)
    await app.runs.close()
    stage = Stage(tmp_path, settings=load(home=tmp_path))
    record, scraped = await stage.run(**about(finished.pair, "firecrawl"))

    assert (record.source, record.status, record.error) == ("firecrawl", "completed", None)
    assert scraped
    assert kinds(scraped) == kinds(crawled)
    assert {page.sha256 for page in scraped.pages} == {page.sha256 for page in crawled.pages}
    assert set(scraped.evidence) == set(crawled.evidence)
    assert double.fetched.total() == len(scraped.pages)
    assert not double.cancelled


async def test_cached_pages_are_not_requested_from_firecrawl_again(
    site: LoopbackSite, double: Double, tmp_path: Path
) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    wanted, request_counts = urls(site, 3), list[int]()
    for _ in range(2):
        async with opened(site, memory=store) as (source, found):
            await source.map(found.company, found.home)
            pages = await source.scrape(found, wanted)
        request_counts.append(len(double.asked))
        assert [page.ref.url for page in pages if isinstance(page, Page)] == wanted
    await store.close()

    assert request_counts[0] == request_counts[1] > 0


async def test_requests_have_the_intended_options(site: LoopbackSite, double: Double) -> None:
    async with opened(site) as (source, found):
        await source.map(found.company, found.home)
        await source.scrape(found, urls(site, 3))

    by_path = {request.path: request for request in double.asked if request.method == "POST"}
    options = {
        "formats": ["rawHtml"], "maxAge": 86_400_000, "onlyMainContent": False, "proxy": "auto",
        "skipTlsVerification": False, "timeout": 30_000,
    }  # fmt: skip
    assert by_path["/v2/scrape"].body.items() >= options.items()
    assert by_path["/v2/batch/scrape"].body.items() >= (options | {"ignoreInvalidURLs": True}).items()
    assert by_path["/v2/map"].body.items() >= {"includeSubdomains": True, "sitemap": "include", "limit": 5000}.items()
    assert all(request.headers["Authorization"] == f"Bearer {A_KEY}" for request in double.asked)
    assert source.credits == 1 + 1 + 3


async def test_progress_is_reported_for_each_page(site: LoopbackSite, double: Double) -> None:
    messages: list[str] = []
    async with opened(site) as (source, found):
        source.listen(messages.append)
        await source.scrape(found, urls(site, 5))

    assert messages == [f"{n} of 5 pages of {site.host} fetched by Firecrawl" for n in range(1, 6)]
    assert double.count("POST", "/v2/batch/scrape") == 1


async def test_an_http_error_of_the_site_is_a_page_failure(site: LoopbackSite, double: Double) -> None:
    site.failing["/pricing"] = 503
    gone, busy = f"http://{site.host}/no-such-page", f"http://{site.host}/pricing"
    async with opened(site) as (source, found):
        failures = await source.scrape(found, [gone, busy])

    assert [(page.url, page.code) for page in failures if isinstance(page, PageFailure)] == [
        (gone, "http_404"),
        (busy, "http_503"),
    ]
    assert double.fetched["/pricing"] == 1


async def test_a_page_missing_from_a_job_is_scraped_alone(site: LoopbackSite, double: Double) -> None:
    wanted = urls(site, 4)
    double.lost = {urlsplit(wanted[2]).path}
    async with opened(site) as (source, found):
        pages = await source.scrape(found, wanted)

    assert [page.ref.url for page in pages if isinstance(page, Page)] == wanted
    assert double.count("POST", "/v2/scrape") == 2


async def test_a_page_missing_from_an_answer_is_polled_for_before_it_is_paid_for_again(
    site: LoopbackSite, double: Double
) -> None:
    wanted = urls(site, 5)
    double.late = {urlsplit(wanted[3]).path}
    async with opened(site) as (source, found):
        pages = await source.scrape(found, wanted)

    assert [page.ref.url for page in pages if isinstance(page, Page)] == wanted
    assert double.fetched.total() == 1 + 5


@pytest.mark.parametrize("ends", ["failed", "cancelled"])
async def test_a_job_that_ends_early_loses_no_page(ends: str, site: LoopbackSite, double: Double) -> None:
    wanted = urls(site, 4)
    double.ends, double.lost = ends, {urlsplit(wanted[3]).path}
    async with opened(site) as (source, found):
        pages = await source.scrape(found, wanted)

    assert [page.ref.url for page in pages if isinstance(page, Page)] == wanted


async def test_a_job_that_never_ends_is_cancelled_and_its_finished_pages_are_used(
    site: LoopbackSite, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time

    def time_passes(job: Job) -> None:
        if job.looks == 2:  # the first page has arrived when the client polls for the second time
            loop.call_soon_threadsafe(monkeypatch.setattr, loop, "time", lambda: now() + 3600)

    monkeypatch.setattr(client, "CALL_SECONDS", 36_000.0)
    monkeypatch.setattr(client, "CANCEL_SECONDS", 36_000.0)
    double.on_look = time_passes
    double.stuck = True
    wanted = urls(site, 3)
    async with opened(site) as (source, found):
        first, *others = await source.scrape(found, wanted)

    assert isinstance(first, Page)
    assert [page.code for page in others if isinstance(page, PageFailure)] == ["timeout", "timeout"]
    assert double.cancelled == ["job-1"]


async def test_cancelling_a_scrape_cancels_its_running_job(site: LoopbackSite, double: Double) -> None:
    double.stuck = True
    async with opened(site) as (source, found):
        reading = asyncio.create_task(source.scrape(found, urls(site, 3)))
        await asyncio.to_thread(double.looked.wait)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        assert double.cancelled == ["job-1"]


async def test_cancelling_a_scrape_before_the_job_id_is_known_cancels_the_job(
    site: LoopbackSite, double: Double
) -> None:
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    double.on_job = lambda: loop.call_soon_threadsafe(requested.set)
    double.gate.clear()
    async with opened(site) as (source, found):
        reading = asyncio.create_task(source.scrape(found, urls(site, 3)))
        await requested.wait()
        reading.cancel()
        loop.call_soon(double.gate.set)
        await asyncio.wait([reading])
        assert double.cancelled == ["job-1"]


async def test_cancelling_a_run_cancels_its_jobs(pair: Pair, double: Double, tmp_path: Path) -> None:
    double.stuck = True
    stage = Stage(tmp_path, settings=load())
    runs = await stage.opened()
    record = await runs.start(asked_for(**about(pair, "firecrawl")))
    await asyncio.to_thread(double.looked.wait)
    await runs.cancel(record.run_id)
    status = (await runs.get(record.run_id)).status
    await runs.close()

    assert status == "cancelled"
    assert double.cancelled
    assert "scraping" not in {job.status for job in double.jobs.values()}


CRAWLED = "read by the crawler: "
OUT_OF_CREDITS = f"{CRAWLED}The Firecrawl account has no credits left"
BUSY = {"Retry-After": "0"}
FAILURES: list[tuple[str, Fault, str]] = [
    ("no credits", Fault(".*", 402), OUT_OF_CREDITS),
    ("no credits for a job", Fault(BATCH, 402), OUT_OF_CREDITS),
    ("a site that Firecrawl does not read", Fault(".*", 403), f"{CRAWLED}Firecrawl does not read this site"),
    ("too many requests, twice", Fault(".*", 429, headers=BUSY, times=2), ""),
    (
        "too many requests, always",
        Fault(BATCH, 429, headers=BUSY),
        f"{CRAWLED}Firecrawl responds with 429: too many requests",
    ),
    ("500, twice", Fault("POST .*", 500, times=2), ""),
    ("502 with HTML, twice", Fault(".*", 502, "<h1>Bad gateway</h1>", times=2), ""),
    ("503 to a job, always", Fault(BATCH, 503), f"{CRAWLED}Firecrawl failed with 503"),
    ("200 without success, twice", Fault(".*", 200, times=2), ""),
    ("200 with invalid JSON, twice", Fault(".*", 200, "no JSON", times=2), ""),
    ("200 with a list, twice", Fault(".*", 200, "[]", times=2), ""),
    ("an unknown job status, twice", Fault(POLL, 200, {"success": True, "status": "new"}, times=2), ""),
    ("429 to polls", Fault(POLL, 429, headers=BUSY, times=3), ""),
    ("500 to polls", Fault(POLL, 500, times=2), ""),
    ("404 to polls", Fault(POLL, 404), ""),
    ("no answer to polls, twice", Fault(POLL, 0, times=2), ""),
    ("no answer to a job", Fault(BATCH, 0), f"{CRAWLED}Firecrawl did not answer"),
    ("400 to a job", Fault(BATCH, 400), ""),
    ("no map", Fault("POST /v2/map", 500), ""),
    ("a home page that takes too long", Fault("POST /v2/scrape", 408), f"{CRAWLED}Firecrawl got no complete response"),
]
SHORT = {
    "a site that Firecrawl does not read",
    "too many requests, twice",
    "too many requests, always",
    "500, twice",
    "200 with invalid JSON, twice",
    "404 to polls",
    "no answer to a job",
    "400 to a job",
    "a home page that takes too long",
}


@pytest.mark.parametrize(("name", "fault", "seen"), sampled(FAILURES, lambda row: row[0] in SHORT))
async def test_every_page_is_read_whatever_firecrawl_answers(
    name: str, fault: Fault, seen: str, site: LoopbackSite, double: Double
) -> None:
    double.faults.append(replace(fault))
    wanted = urls(site, 3)
    async with opened(site) as (source, found):
        links = (await source.map(found.company, found.home)).links
        pages = [found.home, *await source.scrape(found, wanted)]

    assert all(isinstance(page, Page) for page in pages), name
    assert len(links) > 10
    reasons = {page.ref.notice.reason for page in pages if isinstance(page, Page) and page.ref.notice}
    assert len(reasons) == bool(seen)
    assert all(reason.startswith(seen) for reason in reasons)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("SCRAPE_DNS_RESOLUTION_ERROR", "no_address"),
        ("SCRAPE_SSL_ERROR", "connection_failed"),
        ("OTHER", "not_fetched"),
    ],
)
async def test_a_page_that_firecrawl_cannot_fetch_says_why(
    error: str, code: str, site: LoopbackSite, double: Double
) -> None:
    good, bad = urls(site, 2)
    double.lost = {urlsplit(bad).path}
    double.fails("POST /v2/scrape", 400, body={"success": False, "error": "no", "code": error}, url=bad)
    async with opened(site) as (source, found):
        page, failure = await source.scrape(found, [good, bad])

    assert isinstance(page, Page)
    assert isinstance(failure, PageFailure)
    assert failure.code == code


async def test_a_job_that_may_have_been_accepted_is_not_submitted_twice(site: LoopbackSite, double: Double) -> None:
    double.fails(BATCH, 0, times=1)
    async with opened(site) as (source, found):
        await source.scrape(found, urls(site, 3))

    assert double.count("POST", "/v2/batch/scrape") == 1


async def test_the_wait_in_retry_after_is_respected(site: LoopbackSite, double: Double) -> None:
    double.fails(BATCH, 429, headers={"Retry-After": "0.05"}, times=2)
    waits: list[float] = []
    hooks = get_on_retry_hooks()
    set_on_retry_hooks([lambda details: waits.append(details.wait_for)])
    try:
        async with opened(site) as (source, found):
            await source.scrape(found, urls(site, 2))
    finally:
        set_on_retry_hooks(hooks)

    assert len(waits) == 2
    assert min(waits) >= 0.05


async def test_an_account_without_credits_is_used_for_one_request(site: LoopbackSite, double: Double) -> None:
    double.fails(".*", 402)
    async with opened(site) as (source, found):
        await source.map(found.company, found.home)
        await source.scrape(found, urls(site, 3))

    assert len(double.asked) == 1


@pytest.mark.parametrize(
    ("status", "ends", "reason"),
    [(401, "failed", "Firecrawl does not accept FIRECRAWL_API_KEY"), (402, "completed", OUT_OF_CREDITS)],
)
async def test_a_run_says_why_firecrawl_refused(
    status: int, ends: str, reason: str, pair: Pair, double: Double, tmp_path: Path
) -> None:
    double.fails(".*", status, body={"success": False, "error": f"of {A_KEY}"})
    stage = Stage(tmp_path, settings=load())
    record, playbook = await stage.run(**about(pair, "firecrawl"), max_pages=4)

    assert record.status == ends
    gaps = [gap.reason for gap in playbook.gaps if gap.code == "other_source"] if playbook else []
    assert reason in f"{record.error} {gaps}"
    assert A_KEY not in f"{record} {playbook} {stage.events}"


async def test_another_reader_can_replace_firecrawl_for_a_site_it_refuses(site: LoopbackSite, double: Double) -> None:
    class Archive(Crawler):
        title = "the archive"

    double.fails(".*", 403)
    access = SiteAccess(load(allow_hosts=("127.0.0.1",), fetch_timeout_seconds=3600), RunMemory(NoNotes()))
    first = Firecrawl(Client(SecretStr(A_KEY), double.url, max_age_seconds=0), access)
    reader = TwoReaders("firecrawl", first, Archive(access), FALLBACK)
    home = await reader.home(
        await reader.open(parse_company(f"http://{site.host}", "vendor", frozenset({"127.0.0.1"})))
    )
    await reader.close()

    assert isinstance(home.found, Page)
    assert home.found.ref.notice
    assert home.found.ref.notice.reason == "read by the archive: Firecrawl does not read this site"


def resolving(double: Double, addresses: dict[str, str], *allow_hosts: str) -> CachedSource:
    """Return a source that resolves these hosts to the given addresses, and fails to resolve all other hosts."""

    async def look_up(host: str, _port: int) -> Sequence[str]:
        if host not in addresses:
            raise OSError
        return addresses[host].split()

    chosen = load(allow_hosts=allow_hosts, fetch_timeout_seconds=3600)
    access = SiteAccess(chosen, RunMemory(NoNotes()), look_up)
    first = Firecrawl(Client(SecretStr(A_KEY), double.url, max_age_seconds=0), access)
    reader = TwoReaders("firecrawl", first, Crawler(access), FALLBACK)
    return CachedSource(reader, RunMemory(NoNotes()), Supervisor(), code=(), max_age_seconds=0)


async def test_a_host_with_a_private_address_is_not_sent_to_firecrawl(double: Double) -> None:
    source = resolving(double, dict.fromkeys(("acme.com", "www.acme.com"), "93.184.215.14 10.0.0.7"))
    with pytest.raises(HostNotAllowed, match="not public"):
        await source.open(parse_company("acme.com", "vendor", frozenset()))
    await source.close()
    assert not double.asked


async def test_only_an_allowed_host_may_be_reachable_for_firecrawl_alone(site: LoopbackSite, double: Double) -> None:
    host = "wiki.corp.example"
    double.reached = {host: f"http://{site.host}", "pay.corp.example": f"http://{site.host}"}
    source, resumed = (resolving(double, {"pay.corp.example": "10.0.0.7"}, host) for _ in range(2))
    company = await source.open(parse_company(f"http://{host}", "vendor", frozenset({host})))
    found = Site(company=company, home=await source.home(company), links=())
    await source.close()
    source = resumed
    page, private = await source.scrape(found, [f"http://{host}/pricing", "http://pay.corp.example/about"])
    await source.close()

    assert isinstance(page, Page)
    assert page.ref.kind == "pricing"
    assert isinstance(private, PageFailure)
    assert private.code == "host_not_allowed"
    assert set(double.fetched) == {"/", "/pricing"}


async def test_a_page_redirected_off_site_is_a_failure(site: LoopbackSite, double: Double) -> None:
    first, second, third = urls(site, 3)
    double.moved = {urlsplit(first).path: "https://evil.example/", urlsplit(second).path: "http://169.254.169.254/"}
    async with opened(site) as (source, found):
        failures = await source.scrape(found, [first, second, third])

    assert [getattr(failure, "code", "read") for failure in failures] == [
        "redirected_off_site",
        "host_not_allowed",
        "read",
    ]


async def test_robots_txt_applies_to_firecrawl_too(site: LoopbackSite, double: Double) -> None:
    allowed, forbidden = urls(site, 2)
    path = urlsplit(forbidden).path
    site.documents["/robots.txt"] = Document(f"User-agent: *\nDisallow: {path}".encode(), "text/plain")
    async with opened(site) as (source, found):
        page, failure = await source.scrape(found, [allowed, forbidden])

    assert isinstance(page, Page)
    assert isinstance(failure, PageFailure)
    assert failure.code == "robots_disallowed"
    assert not double.fetched[path]


async def test_a_site_with_a_crawl_delay_is_read_page_by_page(site: LoopbackSite, double: Double) -> None:
    site.documents["/robots.txt"] = Document(b"User-agent: *\nCrawl-delay: 0.01", "text/plain")
    async with opened(site) as (source, found):
        pages = await source.scrape(found, urls(site, 3))

    assert all(isinstance(page, Page) for page in pages)
    assert double.count("POST", "/v2/batch/scrape") == 0


@pytest.mark.usefixtures("double")
async def test_a_site_that_blocks_crawlers_is_read_by_firecrawl() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        body = b"<html lang=en><title>T</title><h1>Welcome</h1><p>People may come in here.</p></html>"
        wall = b"403 X\r\ncf-mitigated: challenge" if b"octave-mcp" in request else b"200 X\r\nContent-Type: text/html"
        writer.write(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (wall, len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as serving:
        port: int = serving.sockets[0].getsockname()[1]
        source = make_source(
            firecrawl, load(allow_hosts=("127.0.0.1",), fetch_timeout_seconds=3600), NoNotes(), Supervisor()
        )
        company = await source.open(parse_company(f"http://127.0.0.1:{port}", "vendor", frozenset({"127.0.0.1"})))
        home = await source.home(company)
        await source.close()

    assert home.ref.title == "Welcome"
    assert not home.ref.notice


@pytest.mark.usefixtures("double")
async def test_a_run_without_a_key_is_refused_before_it_starts(
    tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRECRAWL_API_KEY")
    monkeypatch.delenv("FIRECRAWL_API_URL")
    stage = Stage(tmp_path, settings=load())
    with pytest.raises(SetupError, match=r"^FIRECRAWL_API_KEY not found: .*FIRECRAWL_API_URL.*crawler"):
        await stage.run(**about(pair, "firecrawl"))
    assert await stage.store.runs() == []
    assert stage.source_name("auto") == "crawler"


async def test_a_self_hosted_server_needs_no_key(
    site: LoopbackSite, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRECRAWL_API_KEY")
    async with opened(site) as (_, found):
        assert found.home.ref.kind == "home"
    assert "Authorization" not in double.asked[0].headers


@pytest.mark.parametrize("address", ["localhost:3002", "http://localhost:99999", "ftp://localhost", "https://"])
def test_an_invalid_address_of_the_api_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRECRAWL_API_URL", address)
    for source in ("auto", "firecrawl"):
        with pytest.raises(SetupError, match="FIRECRAWL_API_URL is not a web address"):
            Stage(tmp_path, settings=load()).source_name(source)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("key", ["'fc-0123456789'", "fc 0123456789", "fc-0123456789\n"])
def test_a_key_that_cannot_be_sent_is_refused(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRECRAWL_API_KEY", key)
    for source in ("auto", "firecrawl"):
        with pytest.raises(SetupError, match="FIRECRAWL_API_KEY cannot be used") as refused:
            Stage(tmp_path, settings=load()).source_name(source)
        assert "0123456789" not in str(refused.value)


async def test_pages_are_read_by_the_crawler_if_firecrawl_is_unreachable(site: LoopbackSite, double: Double) -> None:
    double.close()
    async with opened(site) as (source, found):
        (page,) = await source.scrape(found, urls(site, 1))

    assert isinstance(page, Page)
    assert page.ref.notice
    assert "Firecrawl cannot be reached" in page.ref.notice.reason


@pytest.mark.long
async def test_the_sdk_is_not_loaded_before_a_page_is_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import sys
from octave_mcp.app import App
from octave_mcp.settings import load
app = App(load(), engine="inline")
app.source(app.source_name("auto"))
print(app.source_name("auto"), "firecrawl" in sys.modules)
"""
    monkeypatch.setenv("FIRECRAWL_API_KEY", A_KEY)
    ended = await command("-c", code, cwd=tmp_path)
    assert ended.out.split() == ["crawler-firecrawl", "False"], ended.err
