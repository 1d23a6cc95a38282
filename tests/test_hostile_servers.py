"""Hostile servers must not stall the crawler, exhaust its memory or make a run fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import stamina
from clocks import stop_the_clock
from hostile_servers import BODIES, HOSTILE, answer, moved, sends, sitemap
from matrix import sampled
from test_crawler import Route, Server, crawling, endless, html, serving, settings, site_of

from octave_mcp.concurrency.together import together
from octave_mcp.domain.company import Site
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import SiteRefuses

CONCURRENCY = 2
MAX_GROWTH_MB = 50
# A server must send less than this for one page. The crawler reads at most 5 MB in each attempt, but the server also
# fills the socket buffers.
MAX_SENT_BYTES = 40_000_000
# Servers for which the expected outcome is not a timeout. The test stops the clock for these servers, so that a slow
# machine causes no timeout.
TIMELESS = {name: row for name, row in HOSTILE.items() if row[1] != "timeout"}
# This table leaves out two slow pages, which exhaust the CPU time or the memory of the parser.
SHORT = {name: row for name, row in TIMELESS.items() if name not in {"options", "formatting-bomb"}}

TRIAL = "import asyncio, sys, test_hostile_servers as tests; asyncio.run(tests.try_all(sys.argv[1]))"


async def try_all(table: str) -> None:
    """Print the outcome for every server, the highest number of bytes sent, and the memory growth in MB."""
    import resource

    hostile_routes: dict[str, tuple[Route, str]] = globals()[table]
    turns = asyncio.Semaphore(CONCURRENCY)
    stop_the_clock()
    async with serving() as server, crawling(settings()) as source:
        server.routes |= {f"/{name}": route for name, (route, _) in hostile_routes.items()}
        server.routes |= {f"/fine/{name}": answer(html(f"<h1>{name}</h1>")) for name in hostile_routes}
        site = await site_of(source, server.company())

        async def outcome(name: str) -> str:
            async with turns:
                hostile, fine = await source.scrape(site, [f"{site.company.url}/{at}{name}" for at in ("", "fine/")])
            return hostile.code if isinstance(hostile, PageFailure) else "read" if isinstance(fine, Page) else fine.code

        with stamina.set_testing(True, attempts=2, cap=True):
            await together(*map(outcome, ("letters", "charset-wrong", "nested-200000-deep")))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found = await asyncio.gather(*map(outcome, hostile_routes), return_exceptions=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    outcomes = {
        name: result if isinstance(result, str) else repr(result)
        for name, result in zip(hostile_routes, found, strict=True)
    }
    grown_mb = grown // (1024**2 if sys.platform == "darwin" else 1024)
    sys.stdout.write(json.dumps([outcomes, max(server.sent.values()), grown_mb]))


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not report the peak memory of a process")
@pytest.mark.parametrize("table", ["SHORT", pytest.param("TIMELESS", marks=pytest.mark.long)])
def test_limits_on_bytes_and_steps_end_hostile_answers_before_any_deadline(table: str) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join((str(here), str(here.parent)))
    tried = subprocess.run(
        [sys.executable, "-c", TRIAL, table],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )

    assert tried.returncode == 0, tried.stderr[-2000:]
    outcomes, sent, grown_mb = json.loads(tried.stdout)
    assert outcomes == {name: expected for name, (_, expected) in globals()[table].items()}
    assert len(outcomes) >= 40
    assert sent < MAX_SENT_BYTES
    assert grown_mb < MAX_GROWTH_MB


async def test_a_silent_or_very_slow_server_is_given_up_at_the_deadline(server: Server) -> None:
    silent = {f"/{name}": route for name, (route, outcome) in HOSTILE.items() if outcome == "timeout"}
    server.routes |= silent
    clock = stop_the_clock()
    async with crawling(settings(seconds=10)) as source:
        site = await site_of(source, server.company())
        scraping = asyncio.create_task(source.scrape(site, [site.company.url + path for path in silent]))
        found = await clock.run_until_done(scraping)

    assert [page.code for page in found if isinstance(page, PageFailure)] == ["timeout"] * len(silent)


async def test_only_cpu_time_of_the_parser_makes_a_page_too_complex(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is read even if its parser, which is a subprocess, has to wait a long time for the CPU."""
    server.routes["/many"] = answer(html("<h1>Many</h1>" + "<p>words</p>" * 9000))
    started = asyncio.create_subprocess_exec

    async def paused(*command: str, **options: Any) -> asyncio.subprocess.Process:  # noqa: ANN401 - asyncio's own
        process = await started(*command, **options)
        communicate = process.communicate

        async def late(given: bytes | None = None) -> tuple[bytes, bytes]:
            clock.advance(600)
            await asyncio.sleep(0)  # an expired timeout would raise an error here
            return await communicate(given)

        monkeypatch.setattr(process, "communicate", late)
        return process

    async with crawling(settings()) as source:
        site = await site_of(source, server.company())
        monkeypatch.setattr(asyncio, "create_subprocess_exec", paused)
        clock = stop_the_clock()
        (page,) = await source.scrape(site, [f"{site.company.url}/many"])

    assert isinstance(page, Page)


async def test_cancelling_a_scrape_kills_the_parser(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.routes["/many"] = answer(html("<h1>Many</h1>" + "<p>words</p>" * 9000))
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def held(*command: str, **options: Any) -> asyncio.subprocess.Process:  # noqa: ANN401 - asyncio's own
        process = await start(*command, **options)
        process.send_signal(signal.SIGSTOP)
        started.put_nowait(process)
        return process

    async with crawling() as source:
        site = await site_of(source, server.company())
        monkeypatch.setattr(asyncio, "create_subprocess_exec", held)
        scraping = asyncio.create_task(source.scrape(site, [f"{site.company.url}/many"]))
        process = await started.get()
        scraping.cancel()
        await asyncio.wait((scraping,))
    assert await process.wait() == -signal.SIGKILL


async def test_no_process_is_started_for_an_ordinary_page(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    async def refuse(program: str, *_: object, **__: object) -> None:
        started.append(program)
        raise MemoryError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    server.routes["/many"] = answer(html("<h1>Many</h1>" + "<p>words <b>and</b> words</p>" * 2500))
    server.routes["/suspicious"] = answer(html("<h1>More</h1>" + "<p>words</p>" * 9000))
    async with crawling(settings()) as source:
        site = await site_of(source, server.company())
        (page,) = await source.scrape(site, [f"{site.company.url}/many"])
        with pytest.raises(MemoryError):
            await source.scrape(site, [f"{site.company.url}/suspicious"])

    assert isinstance(page, Page)
    assert started == [sys.executable]


@pytest.fixture(autouse=True)
def no_retry_delays() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        made.routes["/here"] = answer(html("<h1>Here</h1>"))
        made.routes["/there"] = answer(html("<h1>There</h1>"))
        yield made


async def mapped(server: Server) -> list[str]:
    stop_the_clock()
    async with crawling(settings()) as source:
        site = await site_of(source, server.company())
    return [link.url.removeprefix(site.company.url) for link in site.links]


URL = "<url><loc>http://127.0.0.1:%d/here</loc></url>"
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
SITEMAPS: dict[str, tuple[str, list[str]]] = {
    "entities": (f'<!DOCTYPE x [<!ENTITY e0 "x">{BOMB}]><urlset>{URL}<url><loc>&e11;</loc></url></urlset>', ["/here"]),
    "file": (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><urlset>{URL}<url>&e;</url></urlset>',
        ["/here"],
    ),
    "outside": (f'<!DOCTYPE x SYSTEM "http://127.0.0.1:%d/dtd"><urlset>{URL}</urlset>', ["/here"]),
    "elements": (f"<urlset>{URL}{'<x/>' * 350_000}{URL}</urlset>", ["/here"]),
    "children": (f"<urlset>{URL}<url>{'<x/>' * 350_000}</url></urlset>", ["/here"]),
    "nested": (f"<urlset>{URL}{'<x>' * 1_000_000}", ["/here"]),
    "attributes": (f"<urlset>{URL}<x {' '.join(f'a{n}=%r' % '' for n in range(500_000))}/></urlset>", ["/here"]),
    "text": (f"<urlset>{URL}<url><loc>http://127.0.0.1/{'a' * 5_000_000}</loc></url></urlset>", ["/here"]),
    "cut": (f"<urlset>{URL}<url><loc>http://127.0.0.1", ["/here"]),
    "page": ("<!doctype html><html><body><h1>Not found</h1></body></html>", []),
    "nothing": ("", []),
}


@pytest.mark.parametrize(
    ("name", "packed"),
    sampled(product(SITEMAPS, (False, True)), lambda case: case[0] != "children" and not case[1]),
)
async def test_a_hostile_sitemap_yields_only_the_addresses_it_lists(server: Server, name: str, *, packed: bool) -> None:
    text, expected = SITEMAPS[name]
    body = text.replace("%d", str(server.port)).encode()
    server.routes["/sitemap.xml"] = answer(gzip.compress(body, 1) if packed else body, kind="application/xml")

    assert await mapped(server) == expected
    assert server.asked["/dtd"] == 0


@pytest.mark.parametrize("route", [BODIES["gzip-bomb"][0], endless, moved("/sitemap.xml")])
async def test_an_unreadable_sitemap_costs_only_its_own_addresses(server: Server, route: Route) -> None:
    server.routes["/robots.txt"] = answer(b"Sitemap: /sitemap.xml\nSitemap: /other.xml", kind="text/plain")
    server.routes["/sitemap.xml"] = route
    server.routes["/other.xml"] = answer(sitemap([f"http://127.0.0.1:{server.port}/here"]))

    assert await mapped(server) == ["/here"]


async def mapped_in_silence(server: Server) -> tuple[Site, float]:
    """Map the site with a timeout of 10 seconds per page.

    Return the site, and the number of seconds between the first unanswered request and the end of the mapping.
    """
    clock = stop_the_clock()
    async with crawling(settings(seconds=10)) as source:
        company = await source.open(server.company())
        home = await source.home(company)
        mapping = asyncio.create_task(source.map(company, home))
        await server.is_silent.wait()
        start = clock()
        return await clock.run_until_done(mapping), clock() - start


async def test_sitemaps_that_never_answer_are_not_waited_for_one_by_one(server: Server) -> None:
    silent = "".join(f"<sitemap><loc>http://127.0.0.1:{server.port}/{n}.xml</loc></sitemap>" for n in range(18))
    server.routes["/robots.txt"] = answer(b"Sitemap: /here.xml\nSitemap: /index.xml", kind="text/plain")
    server.routes["/here.xml"] = answer(sitemap([f"http://127.0.0.1:{server.port}/here"]))
    server.routes["/index.xml"] = answer(f"<sitemapindex>{silent}</sitemapindex>".encode())
    server.routes |= {f"/{n}.xml": server.silent for n in range(18)}
    site, seconds = await mapped_in_silence(server)

    assert [link.url.removeprefix(site.company.url) for link in site.links] == ["/here"]
    assert seconds < 10 * 2.5


async def test_silent_sitemaps_in_the_usual_places_share_one_timeout(server: Server) -> None:
    server.routes |= dict.fromkeys(("/sitemap.xml", "/sitemap_index.xml", "/sitemap.txt"), server.silent)
    _, seconds = await mapped_in_silence(server)

    assert seconds < 10 * 2.5


async def test_at_most_twenty_of_endlessly_nested_sitemaps_are_read(server: Server) -> None:
    async def more(writer: asyncio.StreamWriter, at: int) -> None:
        inner = "".join(f"<sitemap><loc>http://127.0.0.1:{server.port}/{at}-{n}.xml</loc></sitemap>" for n in range(99))
        writer.write(answer(f"<sitemapindex>{inner}</sitemapindex>".encode()))
        await writer.drain()

    server.routes["/robots.txt"] = answer(b"Sitemap: /0.xml", kind="text/plain")
    server.routes |= {f"/{name}.xml": partial(more, at=0) for name in ("0", *(f"0-{n}" for n in range(99)))}

    assert await mapped(server) == []
    assert sum(count for path, count in server.asked.items() if path.endswith(".xml") and "-" in path) <= 20


@pytest.mark.parametrize(
    ("robots", "found"),
    [
        (answer(b"User-agent: *\nDisallow: /here\n" + b"Disallow: /x\n" * 800_000), ["there"]),
        (
            answer(b"".join(b"User-agent: a%d\n" % n for n in range(15_000)) + b"Disallow: /x\n" * 15_000),
            ["here", "there"],
        ),
        (answer(b"User-agent: *\nDisallow: /" + b"*a" * 200_000 + b"$"), ["here", "there"]),
        (answer(b"User-agent: *\nCrawl-delay: nan\nCrawl-delay: -1\nCrawl-delay: 1e400\n"), ["here", "there"]),
        (answer(b"Sitemap: http://[\nUser-agent: \xff\xfe\0\nDisallow: /\n"), ["here", "there"]),
        (moved("/robots.txt"), ["here", "there"]),
        (moved("http://[::1"), ["here", "there"]),
        (answer(b"\0" * 1000), ["here", "there"]),
    ],
    ids=["10-mb", "agents-times-rules", "stars", "delays", "garbage", "circle", "moved-to-garbage", "zeros"],
)
async def test_the_readable_part_of_a_hostile_robots_txt_applies(
    server: Server, robots: bytes, found: list[str]
) -> None:
    server.routes["/robots.txt"] = robots
    stop_the_clock()
    async with crawling(settings()) as source:
        site = await site_of(source, server.company())
        pages = await source.scrape(site, [f"{site.company.url}/here", f"{site.company.url}/there"])

    assert [page.ref.title.lower() for page in pages if isinstance(page, Page)] == found


SILENT = sends(closes=False)
ENDLESS_RULES = sends(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /\n", then=b"Disallow: /x\n" * 5000)


@pytest.mark.parametrize(
    "route", [ENDLESS_RULES, SILENT, BODIES["gzip-of-garbage"][0]], ids=["endless", "silent", "bad-gzip"]
)
async def test_an_unreadable_robots_txt_allows_nothing(server: Server, route: Route) -> None:
    server.routes["/robots.txt"] = route
    clock = stop_the_clock()
    async with crawling(settings()) as source:
        opening = asyncio.create_task(source.open(server.company()))
        await server.is_asked.wait()
        with pytest.raises(SiteRefuses):
            await (clock.run_until_done(opening) if route is SILENT else opening)

    assert server.asked["/"] == 0
