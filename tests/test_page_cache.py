"""The page cache in later runs, in concurrent requests, and when a site fails."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Pair, command
from matrix import sampled
from one_change import product_copy
from scripted import Stage

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import StoreFailed
from octave_mcp.ports import Source
from octave_mcp.settings import load
from octave_mcp.sources import cache, crawler
from octave_mcp.sources.code_digest import code_digest
from octave_mcp.sources.factory import make_source
from octave_mcp.sources.single_flight import SingleFlight
from octave_mcp.store import page_cache
from octave_mcp.store.sql import SqlStore

LOOPBACK = frozenset({"127.0.0.1"})
A_PAGE = "<html lang=en><title>T</title><main><h1>{0}</h1><p>What {0} says is enough to be read.</p></main></html>"


@dataclass
class Versions:
    """A site whose pages have versions and ETags.

    `hits`: the number of requests for each path, including requests that are answered with status 304.
    `gate`: until this event is set, the site sends no pages.
    """

    port: int = 0
    version: str = "one"
    status: int = 200
    robots: bytes = b""
    hits: Counter[str] = field(default_factory=Counter[str])
    unchanged: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readline():
                headers = [line async for line in _lines(reader)]
                await self._answer(request.split()[1].decode(), headers, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: list[str], writer: asyncio.StreamWriter) -> None:
        self.hits[path] += 1
        status, body, kind = self.status, A_PAGE.format(f"{path} {self.version}").encode(), "text/html"
        if path in {"/robots.txt", "/sitemap.xml", "/sitemap_index.xml"}:
            status, body, kind = (200, self.robots, "text/plain") if path == "/robots.txt" else (404, b"", "text/plain")
        else:
            self.asked.set()
            await self.gate.wait()
        if f'if-none-match: "{self.version}"' in headers and status == 200:
            status, body, self.unchanged = 304, b"", self.unchanged + 1
        head = f'HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nETag: "{self.version}"\r\nContent-Length: {len(body)}'
        writer.write(f"{head}\r\n\r\n".encode() + body)
        await writer.drain()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[str]:
    while line := (await reader.readline()).strip():
        yield line.decode().lower()


@pytest.fixture
async def site() -> AsyncGenerator[Versions]:
    versions = Versions()
    listening = await asyncio.start_server(versions, "127.0.0.1", 0)
    versions.port = listening.sockets[0].getsockname()[1]
    versions.gate.set()
    yield versions
    versions.gate.set()
    listening.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqlStore]:
    async with process(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def process(folder: Path) -> AsyncGenerator[SqlStore]:
    """Yield a store that shares only the database with other stores, like a store in another process."""
    opened = SqlStore(f"sqlite:///{folder / 'octave.db'}")
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def reading(
    site: Versions, store: SqlStore, *, age: float = 3600, refresh: bool = False
) -> AsyncGenerator[tuple[Source, Site]]:
    """Open a new source and map the site, as at the start of a run, and yield the source and the mapped site."""
    source = make_source(
        crawler,
        load(allow_hosts=("127.0.0.1",), page_max_age_seconds=age, fetch_timeout_seconds=3600),
        store,
        Supervisor(),
        refresh=refresh,
    )
    try:
        company = await source.open(parse_company(site.url(), "vendor", LOOPBACK))
        yield source, await source.map(company, await source.home(company))
    finally:
        await source.close()


async def read(site: Versions, store: SqlStore, path: str = "/a", **how: float | bool) -> Page | PageFailure:
    async with reading(site, store, **how) as (source, found):  # pyright: ignore[reportArgumentType]
        (page,) = await source.scrape(found, [site.url(path)])
        return page


def heading(page: Page | PageFailure) -> str:
    assert isinstance(page, Page), page
    return page.ref.title


async def test_a_second_run_uses_the_cache_and_names_copies_that_are_too_old_if_the_site_fails(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {"vendor": pair.domains["vendor_domain"], "prospect": pair.domains["prospect_domain"]}
    asked: dict[str, Any] = {**about, "model": "extractive", "source": "crawler", "max_pages": 4}
    stage = Stage(tmp_path, settings=load())
    first = await stage.playbook(**asked)
    paths = [path for path in pair.vendor.hits if "." not in path]
    pair.vendor.hits.clear()
    pair.prospect.hits.clear()
    again = await stage.playbook(**asked)

    assert not pair.vendor.hits + pair.prospect.hits
    assert [page.sha256 for page in again.pages] == [page.sha256 for page in first.pages]
    assert again.evidence == first.evidence

    monkeypatch.setenv("OCTAVE_PAGE_MAX_AGE_SECONDS", "0")
    pair.vendor.failing.update(dict.fromkeys(paths, 503))
    later = await Stage(tmp_path, settings=load()).playbook(**asked)

    (gap,) = (gap for gap in later.gaps if gap.code == "stale_copy")
    assert gap.reason.startswith(f"4 pages of {pair.vendor.host}: read on 20")
    assert len(later.pages) == len(first.pages)


async def test_processes_share_the_pages_that_one_has_read(site: Versions, store: SqlStore, tmp_path: Path) -> None:
    await read(site, store)
    async with process(tmp_path) as other:
        assert heading(await read(site, other)) == "/a one"
    assert site.hits["/a"] == site.hits["/"] == site.hits["/robots.txt"] == site.hits["/sitemap.xml"] == 1


async def test_a_refresh_fetches_everything_again_and_updates_the_cache(site: Versions, store: SqlStore) -> None:
    await read(site, store)
    site.version = "two"
    assert heading(await read(site, store, refresh=True)) == "/a two"
    assert heading(await read(site, store)) == "/a two"
    assert site.hits["/a"] == site.hits["/"] == site.hits["/robots.txt"] == 2


async def test_a_fetch_that_fails_after_its_last_caller_has_left_raises_no_error(store: SqlStore) -> None:
    flights, started = SingleFlight[str](store, refresh=False), asyncio.Event()

    async def fetch(_: Sequence[str]) -> dict[str, str]:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StoreFailed("while it cleaned up") from None
        return {}

    caller = asyncio.create_task(flights.get(["a"], fetch))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await flights.close()


@pytest.mark.long
async def test_a_page_is_fetched_again_only_when_the_code_that_reads_it_changes(
    site: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    product = product_copy(tmp_path)

    async def times_read() -> int:
        ended = await product.octave("scrape", site.url("/a"), "--source", "crawler")
        assert ended.code == 0, ended.err
        return site.hits["/a"]

    assert await times_read() == 1
    product.replace("octave_mcp/domain/kinds.py", '"""Classifies pages by URL', '"""Classifies the pages by URL')
    product.replace("octave_mcp/sources/firecrawl/client.py", "MAX_CONCURRENCY = 10", "MAX_CONCURRENCY = 11")
    assert await times_read() == 1
    product.replace("octave_mcp/sources/html/markdown.py", "MIN_LOGOS = 3", "MIN_LOGOS = 4")
    assert await times_read() == 2


READERS = ("crawler", "firecrawl", "crawler_firecrawl")
WITH_FIRECRAWL = READERS[1:]


@pytest.mark.parametrize(
    ("file", "old", "new", "readers"),
    sampled(
        [
            ("domain/kinds.py", '"""Classifies pages by URL', '"""\n\nClassifies pages by URL', ()),
            ("domain/page.py", "from __future__", "# A comment\nfrom __future__", ()),
            ("domain/playbook.py", "annotations\n", "annotations\nADDED = 1\n", ()),
            ("evidence/judge.py", "annotations\n", "annotations\nADDED = 1\n", ()),
            ("sources/cache.py", "LEASE_SECONDS = 3.0", "LEASE_SECONDS = 4.0", ()),
            ("sources/firecrawl/client.py", "MAX_CONCURRENCY = 10", "MAX_CONCURRENCY = 11", WITH_FIRECRAWL),
            ("sources/html/markdown.py", "MIN_LOGOS = 3", "MIN_LOGOS = 4", READERS),
            ("evidence/dates.py", "annotations\n", "annotations\nADDED = 1\n", READERS),
            ("domain/kinds.py", "TITLE_WORDS = 4", "TITLE_WORDS = 5", READERS),
        ],
        lambda change: change[0].startswith("domain/kinds"),
    ),
)
def test_the_digest_of_a_source_covers_the_code_that_it_reads_with(
    file: str, old: str, new: str, readers: tuple[str, ...], tmp_path: Path
) -> None:
    def digests(folder: Path) -> dict[str, str]:
        shared = ("octave_mcp.sources.related_sites", "octave_mcp.sources.crawler.reader")
        return {name: code_digest(f"octave_mcp.sources.{name}", *shared, product=folder) for name in READERS}

    shutil.copytree(ROOT / "octave_mcp", tmp_path / "product", ignore=shutil.ignore_patterns("__pycache__"))
    before, path = digests(ROOT / "octave_mcp"), tmp_path / "product" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    after = digests(tmp_path / "product")

    assert {name for name in READERS if after[name] != before[name]} == {*readers}


@pytest.mark.parametrize("seed", ["1", "2"])
async def test_every_process_computes_the_same_digest(
    seed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", seed)
    module = "octave_mcp.sources.related_sites"
    printing = f"from octave_mcp.sources.code_digest import code_digest; print(code_digest('{module}'))"
    assert (await command("-c", printing, cwd=tmp_path)).out.strip() == code_digest(module)


async def test_a_page_that_has_not_changed_is_not_sent_again(site: Versions, store: SqlStore) -> None:
    first, again = await read(site, store, age=0), await read(site, store, age=0)

    assert isinstance(first, Page)
    assert isinstance(again, Page)
    assert site.unchanged == 2
    assert (again.text, again.structured) == (first.text, first.structured)
    assert again.ref.fetched_at > first.ref.fetched_at


async def test_a_page_that_has_changed_is_fetched_again(site: Versions, store: SqlStore) -> None:
    await read(site, store, age=0)
    site.version = "two"
    assert heading(await read(site, store, age=0)) == "/a two"


@pytest.mark.parametrize("status", sampled([429, 500, 503], lambda status: status == 503))
async def test_if_a_site_fails_the_stale_copy_is_used_and_marked(status: int, site: Versions, store: SqlStore) -> None:
    first = await read(site, store, age=0)
    site.status = status
    again = await read(site, store, age=0)

    assert isinstance(first, Page)
    assert isinstance(again, Page)
    assert again.ref.notice
    assert again.ref.notice.code == "stale_copy"
    assert str(status) in again.ref.notice.reason
    assert again.ref.fetched_at == first.ref.fetched_at


async def test_the_cached_copy_of_a_page_that_is_gone_is_not_used(site: Versions, store: SqlStore) -> None:
    async with reading(site, store, age=0) as (source, found):
        await source.scrape(found, [site.url("/a")])
        site.status = 404
        (page,) = await source.scrape(found, [site.url("/a")])

    assert isinstance(page, PageFailure)
    assert page.code == "http_404"


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (410, 1), (403, 1), (429, 6), (503, 6)])
async def test_permanent_failures_are_cached_and_temporary_ones_are_not(
    status: int, requests: int, site: Versions, store: SqlStore
) -> None:
    async with reading(site, store) as (source, found):
        site.status = status
        for path in ("/a", "/a/?utm_source=x"):
            (failure,) = await source.scrape(found, [site.url(path)])
            assert isinstance(failure, PageFailure)
            assert (failure.url, failure.code) == (site.url(path), f"http_{status}")

    assert site.hits["/a"] + site.hits["/a/"] == requests


async def test_a_bot_wall_is_not_cached(site: Versions, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async with reading(site, store) as (source, found):
        monkeypatch.setitem(globals(), "A_PAGE", "<title>Just a moment...</title><p>{0}</p>")
        for _ in range(2):
            (failure,) = await source.scrape(found, [site.url("/a")])
            assert isinstance(failure, PageFailure)
            assert failure.code == "bot_wall"

    assert site.hits["/a"] == 2


async def test_many_concurrent_requests_cause_one_fetch(site: Versions, store: SqlStore) -> None:
    site.gate.clear()
    requests = [asyncio.create_task(read(site, store)) for _ in range(20)]
    await site.asked.wait()
    site.gate.set()

    assert {heading(page) for page in await asyncio.gather(*requests)} == {"/a one"}
    assert site.hits == Counter(["/robots.txt", "/", "/sitemap.xml", "/sitemap_index.xml", "/sitemap.txt", "/a"])


async def test_concurrent_requests_of_two_processes_cause_one_fetch(
    site: Versions, store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LEASE_SECONDS", 3600)
    monkeypatch.setattr(cache, "POLL_SECONDS", 0.01)
    async with process(tmp_path) as other, reading(site, store) as first, reading(site, other) as second:
        refused = asyncio.Event()
        for process_store in (store, other):
            monkeypatch.setattr(process_store, "lease", watched(process_store.lease, refused))
        site.gate.clear()
        requests = [asyncio.create_task(source.scrape(found, [site.url("/a")])) for source, found in (first, second)]
        await refused.wait()
        site.gate.set()
        pages = await asyncio.gather(*requests)

    assert [heading(page) for (page,) in pages] == ["/a one", "/a one"]
    assert site.hits["/a"] == 1


def watched(
    lease: Callable[..., Awaitable[frozenset[str]]], refused: asyncio.Event
) -> Callable[..., Awaitable[frozenset[str]]]:
    """Wrap the function that requests leases, and set `refused` when another process holds the lease."""

    async def watching(*asked: Any, **how: Any) -> frozenset[str]:  # noqa: ANN401 - arguments of the store
        granted = await lease(*asked, **how)
        if not granted:
            refused.set()
        return granted

    return watching


async def test_a_page_that_a_dead_process_was_fetching_is_fetched_by_another(
    site: Versions, store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LEASE_SECONDS", 0.05)
    monkeypatch.setattr(cache, "POLL_SECONDS", 0.01)
    async with process(tmp_path) as dead, reading(site, dead) as (source, found):
        site.gate.clear()
        monkeypatch.setattr(dead, "put_cached", _nothing)
        dying = asyncio.create_task(source.scrape(found, [site.url("/a")]))
        await site.asked.wait()
        dying.cancel()
        await asyncio.wait([dying])
        site.gate.set()
        assert heading(await read(site, store)) == "/a one"


async def _nothing(*_: object, **__: object) -> None:
    """Store nothing, as if the process had died."""


async def test_a_caller_that_gives_up_does_not_cancel_the_fetch_for_others(site: Versions, store: SqlStore) -> None:
    async with reading(site, store) as (source, found), reading(site, store) as (other, _):
        site.gate.clear()
        site.asked.clear()
        first = asyncio.create_task(source.scrape(found, [site.url("/a")]))
        await site.asked.wait()
        second = asyncio.create_task(other.scrape(found, [site.url("/a")]))
        await asyncio.sleep(0)
        first.cancel()
        closing = asyncio.create_task(source.close())
        await asyncio.wait([first])
        site.gate.set()
        (page,) = await second
        await closing

    assert first.cancelled()
    assert heading(page) == "/a one"
    assert site.hits["/a"] == 1


async def test_the_oldest_pages_are_evicted_when_the_cache_is_full(
    site: Versions, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(site, store) as (source, found):
        for at in range(20):
            await source.scrape(found, [site.url(f"/{at}")])
        monkeypatch.setattr(page_cache, "MAX_BYTES", 3000)
        monkeypatch.setattr(page_cache, "LEFT_BYTES", 2000)
        await source.scrape(found, [site.url("/last")])
        await source.scrape(found, [site.url("/last")])
        await source.scrape(found, [site.url("/0")])

    assert site.hits["/last"] == 1
    assert site.hits["/0"] == 2
