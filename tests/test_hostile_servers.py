"""No server holds us up, fills our memory or ends a run, whatever it answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import stamina
from hostile_servers import BODIES, HOSTILE, answer, moved, sends, sitemap
from test_crawler import Route, Server, crawling, endless, html, serving, settings, site_of

from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import SiteRefuses
from octave_mcp.together import together

FETCH_SECONDS = 2
LONGEST_SECONDS = 5
AT_ONCE = 2
MOST_GROWTH_MB = 50

TRIAL = "import asyncio, test_hostile_servers as tests; asyncio.run(tests.try_all())"


async def try_all() -> None:
    """Prints what comes of every hostile answer, and by how many MB the most memory in use has grown meanwhile."""
    import resource

    turns = asyncio.Semaphore(AT_ONCE)
    async with serving() as server, crawling(settings(seconds=FETCH_SECONDS)) as source:
        server.routes |= {f"/{name}": route for name, (route, _) in HOSTILE.items()}
        server.routes |= {f"/fine/{name}": answer(html(f"<h1>{name}</h1>")) for name in HOSTILE}
        site = await site_of(source, server.company())

        async def outcome(name: str) -> str:
            async with turns, asyncio.timeout(LONGEST_SECONDS):
                hostile, fine = await source.scrape(site, [f"{site.company.url}/{at}{name}" for at in ("", "fine/")])
            return hostile.code if isinstance(hostile, PageFailure) else "read" if isinstance(fine, Page) else fine.code

        with stamina.set_testing(True, attempts=2, cap=True):
            await together(*map(outcome, ("letters", "charset-wrong", "nested-200000-deep")))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            found = await asyncio.gather(*map(outcome, HOSTILE), return_exceptions=True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    outcomes = {name: came if isinstance(came, str) else repr(came) for name, came in zip(HOSTILE, found, strict=True)}
    sys.stdout.write(json.dumps([outcomes, grown // (1024**2 if sys.platform == "darwin" else 1024)]))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell how much memory a process has had")
def test_a_hostile_answer_is_named_for_what_it_is_and_costs_neither_time_nor_memory() -> None:
    here = Path(__file__).parent
    path = os.pathsep.join((str(here), str(here.parent)))
    tried = subprocess.run(
        [sys.executable, "-c", TRIAL],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )

    assert tried.returncode == 0, tried.stderr[-2000:]
    outcomes, grown_mb = json.loads(tried.stdout)
    assert outcomes == {name: expected for name, (_, expected) in HOSTILE.items()}
    assert len(outcomes) >= 40
    assert grown_mb < MOST_GROWTH_MB


async def test_no_process_is_started_for_a_page_as_most_are(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
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
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        made.routes["/here"] = answer(html("<h1>Here</h1>"))
        made.routes["/there"] = answer(html("<h1>There</h1>"))
        yield made


async def mapped(server: Server, *, times: int = 1) -> list[str]:
    """The paths that are found, in the time that a hostile site has, or so many times that of one that answers."""
    async with crawling(settings(seconds=times * FETCH_SECONDS)) as source, asyncio.timeout(times * LONGEST_SECONDS):
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


@pytest.mark.parametrize("name", SITEMAPS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_of_a_hostile_sitemap_only_what_it_lists_is_taken(server: Server, name: str, *, packed: bool) -> None:
    text, expected = SITEMAPS[name]
    body = text.replace("%d", str(server.port)).encode()
    server.routes["/sitemap.xml"] = answer(gzip.compress(body, 1) if packed else body, kind="application/xml")

    assert await mapped(server, times=10) == expected
    assert server.asked["/dtd"] == 0


@pytest.mark.parametrize("route", [BODIES["gzip-bomb"][0], endless, moved("/sitemap.xml"), sends(closes=False)])
async def test_a_sitemap_that_cannot_be_had_costs_its_addresses_only(server: Server, route: Route) -> None:
    server.routes["/robots.txt"] = answer(b"Sitemap: /sitemap.xml\nSitemap: /other.xml", kind="text/plain")
    server.routes["/sitemap.xml"] = route
    server.routes["/other.xml"] = answer(sitemap([f"http://127.0.0.1:{server.port}/here"]))

    assert await mapped(server) == ["/here"]


async def test_sitemaps_that_never_answer_are_not_waited_for_one_by_one(server: Server) -> None:
    names = "".join(f"Sitemap: /{n}.xml\n" for n in range(20))
    server.routes["/robots.txt"] = answer(names.encode(), kind="text/plain")
    server.routes |= {f"/{n}.xml": sends(closes=False) for n in range(20)}

    assert await mapped(server) == []


async def test_sitemaps_that_name_each_other_without_end_are_read_twenty_times(server: Server) -> None:
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
async def test_of_a_hostile_robots_txt_what_can_be_read_counts(server: Server, robots: bytes, found: list[str]) -> None:
    server.routes["/robots.txt"] = robots
    async with crawling(settings(seconds=5)) as source, asyncio.timeout(LONGEST_SECONDS):
        site = await site_of(source, server.company())
        pages = await source.scrape(site, [f"{site.company.url}/here", f"{site.company.url}/there"])

    assert [page.ref.title.lower() for page in pages if isinstance(page, Page)] == found


@pytest.mark.parametrize(
    "route", [endless, sends(closes=False), BODIES["gzip-of-garbage"][0]], ids=["endless", "silent", "bad-gzip"]
)
async def test_a_robots_txt_that_cannot_be_read_allows_nothing(server: Server, route: Route) -> None:
    server.routes["/robots.txt"] = route
    if route is endless:
        server.routes["/robots.txt"] = sends(
            b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /\n", then=b"Disallow: /x\n" * 5000
        )
    async with crawling(settings(seconds=FETCH_SECONDS)) as source:
        with pytest.raises(SiteRefuses):
            await source.open(server.company())

    assert server.asked["/"] == 0
