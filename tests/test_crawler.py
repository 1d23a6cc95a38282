"""Tests of the crawler with well-behaved and misbehaving servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import stamina
from conftest import SHARED_SITES
from scripted import NoNotes

from octave_mcp.concurrency.supervision import Supervisor
from octave_mcp.domain.addresses import check_url, parse_company, same_site, url_key
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.kinds import kind_of, worth_reading
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.errors import HostNotAllowed, InvalidDomain, OctaveError, SiteRefuses, SiteUnreachable
from octave_mcp.ports import Source
from octave_mcp.settings import Settings
from octave_mcp.sources import crawler
from octave_mcp.sources.cache import CachedSource
from octave_mcp.sources.crawler.reader import Crawler
from octave_mcp.sources.factory import make_source
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.web.access import SiteAccess
from octave_mcp.sources.web.transport import Resolver, resolve

NOWHERE: frozenset[str] = frozenset()
LOOPBACK = frozenset({"127.0.0.1"})

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]
Route = bytes | Handler


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def settings(*hosts: str, seconds: float = 3600) -> Settings:
    return Settings.model_validate({"allow_hosts": hosts or ("127.0.0.1",), "fetch_timeout_seconds": seconds})


@asynccontextmanager
async def crawling(chosen: Settings | None = None, resolver: Resolver = resolve) -> AsyncGenerator[Source]:
    reader = Crawler(SiteAccess(chosen or settings(), RunMemory(NoNotes()), resolver))
    source = CachedSource(reader, RunMemory(NoNotes()), Supervisor(), code=(), max_age_seconds=0)
    try:
        yield source
    finally:
        await source.close()


def html(body: str, head: str = "") -> bytes:
    return f"<html lang=en><head><title>T</title>{head}</head><body><main>{body}</main></body></html>".encode()


def answer(body: bytes, status: int = 200, kind: str = "text/html", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(where: str) -> bytes:
    return answer(b"", 302, Location=where)


class Counting:
    def __init__(self, writer: asyncio.StreamWriter, sent: Counter[str], path: str) -> None:
        self._writer, self._sent, self._path = writer, sent, path

    def write(self, part: bytes) -> None:
        self._sent[self._path] += len(part)
        self._writer.write(part)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the writer's own
        return getattr(self._writer, name)


class Server:
    """A local web server with one route per path.

    A route is a response in bytes, a handler, or a sequence of these for successive requests. The last item of a
    sequence answers all later requests. `asked` counts the requests for each path, and `sent` counts the bytes sent.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route | Sequence[Route]] = {
            "/": answer(html("<h1>Home</h1><p>Welcome to our home.</p>"))
        }
        self.asked: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.is_asked, self.is_silent = asyncio.Event(), asyncio.Event()
        self.port = 0
        self.connections: set[asyncio.Task[None]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.connections.add(task)
        with suppress(ConnectionError, asyncio.CancelledError):
            while request := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                await self._answer(request.split()[1].decode(), writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.connections.discard(task)

    async def close(self) -> None:
        for connection in (left := list(self.connections)):
            connection.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        route = self.routes.get(path, answer(b"not here", 404))
        turns = [route] if isinstance(route, bytes) or callable(route) else route
        now = turns[min(self.asked[path], len(turns) - 1)]
        self.asked[path] += 1
        self.is_asked.set()
        if isinstance(now, bytes):
            self.sent[path] += len(now)
            writer.write(now)
            await writer.drain()
        else:
            await now(cast("asyncio.StreamWriter", Counting(writer, self.sent, path)))

    def company(self, host: str = "127.0.0.1") -> Company:
        allow = frozenset({host, host.removeprefix("www.")})
        return parse_company(f"http://{host}:{self.port}", "vendor", allow)

    async def silent(self, writer: asyncio.StreamWriter) -> None:
        self.is_silent.set()
        await writer.wait_closed()


@asynccontextmanager
async def serving() -> AsyncGenerator[Server]:
    made = Server()
    listening = await asyncio.start_server(made, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
    await made.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"<p>more</p>" * 10_000)
        await writer.drain()


async def broken(writer: asyncio.StreamWriter) -> None:
    writer.write(answer(html("<p>half</p>")).replace(b"Content-Length: ", b"Content-Length: 9"))
    await writer.drain()
    writer.close()


async def site_of(source: Source, company: Company) -> Site:
    opened = await source.open(company)
    return await source.map(opened, await source.home(opened))


async def read(source: Source, server: Server, *paths: str) -> tuple[Page | PageFailure, ...]:
    site = await site_of(source, server.company())
    return await source.scrape(site, [site.company.url + path for path in paths])


async def codes(server: Server, *paths: str) -> list[str]:
    async with crawling() as source:
        found = await read(source, server, *paths)
    return [page.code if isinstance(page, PageFailure) else "read" for page in found]


@pytest.mark.parametrize(
    ("text", "domain", "url"),
    [
        ("acme.com", "acme.com", "https://acme.com"),
        (" WWW.Acme.com ", "acme.com", "https://www.acme.com"),
        ("https://shop.acme.co.uk/path?x=1#y", "acme.co.uk", "https://shop.acme.co.uk"),
        ("acme.com:443", "acme.com", "https://acme.com"),
        ("münchen.de", "xn--mnchen-3ya.de", "https://xn--mnchen-3ya.de"),
        ("someone.github.io", "someone.github.io", "https://someone.github.io"),
        ("wordpress.com", "wordpress.com", "https://wordpress.com"),
        ("http://127.0.0.1:8101/", "127.0.0.1:8101", "http://127.0.0.1:8101"),
    ],
)
def test_a_company_can_be_given_by_its_domain_or_its_address(text: str, domain: str, url: str) -> None:
    company = parse_company(text, "vendor", LOOPBACK)

    assert (company.domain, company.url) == (domain, url)


@pytest.mark.parametrize(
    "text", ["", "foo bar", "joe@acme.com", "http://u:p@acme.com", "ftp://acme.com", "co.uk", "a..com"]
)
def test_text_that_names_no_website_is_refused_with_its_value_and_a_fix(text: str) -> None:
    with pytest.raises(InvalidDomain, match=r"domain,? like 'acme.com'") as refused:
        parse_company(text, "vendor", NOWHERE)

    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "localhost",
            "127.0.0.1",
            "10.0.0.1",
            "[::1]",
            "2130706433",
            "0x7f.1",
            "acme",
            "db.internal",
        ),
        *("acme.com:22", "http://127.0.0.1:8101"),
    ],
)
def test_a_host_that_is_not_public_is_refused_unless_allowed(text: str) -> None:
    with pytest.raises(HostNotAllowed, match="OCTAVE_ALLOW_HOSTS="):
        parse_company(text, "vendor", NOWHERE)


def test_a_host_can_be_allowed_on_one_port_or_on_all() -> None:
    assert parse_company("127.0.0.1:8101", "vendor", frozenset({"127.0.0.1:8101"})).url == "http://127.0.0.1:8101"
    assert parse_company("localhost:9", "vendor", frozenset({"localhost"})).domain == "localhost:9"
    with pytest.raises(HostNotAllowed):
        parse_company("127.0.0.1:8102", "vendor", frozenset({"127.0.0.1:8101"}))


def test_different_addresses_of_a_page_have_the_same_key() -> None:
    forms = ["https://acme.com/a", "http://www.acme.com/a/", "https://ACME.com:443/b/../a?utm_source=x#part"]

    assert {url_key(form) for form in forms} == {"acme.com/a"}
    assert check_url("https://acme.com?b=2&a=1&gclid=3", NOWHERE) == "https://acme.com/?b=2&a=1"


def test_a_site_includes_its_subdomains_and_an_allowed_host_only_its_own_port() -> None:
    acme = parse_company("acme.com", "vendor", NOWHERE)
    local = parse_company("127.0.0.1:8101", "vendor", LOOPBACK)

    assert same_site("https://docs.acme.com/x", acme)
    assert not same_site("https://acme.com.evil.com", acme)
    assert same_site("http://127.0.0.1:8101/x", local)
    assert not same_site("http://127.0.0.1:8102/x", local)


def test_parsing_a_company_imports_no_client_and_no_parser() -> None:
    code = (
        "import sys, octave_mcp.sources.crawler\n"
        "from octave_mcp.domain.addresses import parse_company\n"
        "parse_company('acme.com', 'vendor', frozenset())\n"
        "print([name for name in ('httpx2', 'selectolax', 'lxml', 'protego', 'idna') if name in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(address: str) -> None:
    async def private(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", address]

    async with crawling(resolver=private) as source:
        with pytest.raises(HostNotAllowed, match=r"acme\.com"):
            await source.open(parse_company("acme.com", "vendor", NOWHERE))


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%1", "168.63.129.16"]
)
async def test_no_setting_allows_a_link_local_address_and_no_error_advises_it(address: str) -> None:
    async def link_local(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", address]

    everywhere = settings("acme.com", address)
    async with crawling(everywhere, link_local) as source:
        with pytest.raises(HostNotAllowed, match=r"'acme\.com' resolves to a link-local") as by_name:
            await source.open(parse_company("acme.com", "vendor", frozenset(everywhere.allow_hosts)))
    texts = [str(by_name.value)]
    if "%" not in address:
        host = f"[{address}]" if ":" in address else address
        for allow in (NOWHERE, frozenset({address, host, "[::ffff:a9fe:a9fe]"})):
            with pytest.raises(HostNotAllowed, match="never allowed") as by_address:
                parse_company(f"http://{host}", "vendor", allow)
            texts.append(str(by_address.value))

    assert not any("OCTAVE_ALLOW_HOSTS" in text for text in texts)


async def test_a_name_that_resolves_differently_between_check_and_connection_is_refused() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return next(answers, ["127.0.0.1"])

    async with crawling(resolver=rebinding) as source:
        with pytest.raises(HostNotAllowed, match="not public"):
            await source.open(parse_company("acme.com", "vendor", NOWHERE))


async def test_a_name_without_an_address_is_unreachable_and_the_error_says_what_to_do() -> None:
    async def unknown(host: str, _port: int) -> Sequence[str]:
        raise OSError(host)

    async with crawling(resolver=unknown) as source:
        with pytest.raises(SiteUnreachable, match=r"has no address\. Check the domain, and that this machine is conn"):
            await source.open(parse_company("acme.com", "vendor", NOWHERE))
        with pytest.raises(SiteUnreachable, match=r"has no address\. Names that end in \.example belong to no website"):
            await source.open(parse_company("acme.example", "vendor", NOWHERE))


async def test_a_site_that_answers_only_with_www_is_read_there(server: Server) -> None:
    async def only_www(host: str, _port: int) -> Sequence[str]:
        if not host.startswith("www."):
            raise OSError(host)
        return ["127.0.0.1"]

    async with crawling(settings("acme.test", "www.acme.test"), only_www) as source:
        opened = await source.open(server.company("acme.test"))
        home = await source.home(opened)

    assert opened.url == f"http://www.acme.test:{server.port}"
    assert home.ref.kind == "home"
    assert "Welcome to our home." in home.text


async def test_a_redirect_to_a_private_address_is_not_followed(server: Server) -> None:
    server.routes["/meta"] = moved("http://169.254.169.254/latest/")
    server.routes["/port"] = moved("http://127.0.0.1:1/")
    server.routes["/away"] = moved("https://example.com/")

    assert await codes(server, "/meta", "/port", "/away") == [
        "host_not_allowed",
        "redirected_off_site",
        "redirected_off_site",
    ]


async def test_redirect_loops_and_long_redirect_chains_fail(server: Server) -> None:
    server.routes["/loop"] = moved("/loop")
    server.routes |= {f"/hop/{n}": moved(f"/hop/{n + 1}") for n in range(9)}
    server.routes["/once"] = moved("/there")
    server.routes["/there"] = answer(html("<h1>There</h1>"))

    assert await codes(server, "/loop", "/hop/0", "/once") == ["redirect_loop", "redirect_loop", "read"]


async def test_endless_bodies_and_compression_bombs_are_cut_off(server: Server) -> None:
    bomb = gzip.compress(b"<p>" + b"\0" * 30_000_000)
    server.routes["/endless"] = endless
    server.routes["/bomb"] = answer(bomb, Content_Encoding="gzip")

    assert await codes(server, "/endless", "/bomb") == ["too_large", "too_large"]


async def test_a_file_that_is_not_html_fails_with_its_type(server: Server) -> None:
    server.routes["/file"] = answer(b"%PDF-1.7", kind="application/pdf")
    async with crawling() as source:
        (failure,) = await read(source, server, "/file")

    assert isinstance(failure, PageFailure)
    assert (failure.code, "application/pdf" in failure.reason) == ("not_html", True)


async def test_each_failure_has_its_code_in_the_order_of_the_urls(server: Server) -> None:
    server.routes["/empty"] = answer(b"")
    server.routes["/wall"] = answer(html("<h1>Wait</h1>"), 403, cf_mitigated="challenge")
    server.routes["/moment"] = answer(b"<title>Just a moment...</title><h1>Checking</h1>")
    server.routes["/app"] = answer(b"<title>App</title><div id=root></div><script src=/a.js></script>")
    server.routes["/deep"] = answer(b"<div>" * 2000)
    server.routes["/gzip"] = answer(b"\x1f\x8bnot", Content_Encoding="gzip")

    found = await codes(server, "/empty", "/missing", "/wall", "/moment", "/app", "/deep", "/gzip", "/")

    assert found == [
        "empty",
        "http_404",
        "bot_wall",
        "bot_wall",
        "needs_js",
        "too_complex",
        "bad_encoding",
        "duplicate",
    ]


async def test_copies_soft_404s_and_login_walls_are_recognized(server: Server) -> None:
    server.routes["/plans"] = answer(html("<h1>Plans</h1><p>Nine dollars.</p>"))
    server.routes["/pricing"] = answer(html("<h1>Plans</h1><p>Nine  dollars.</p>", "<meta name=description content=d>"))
    server.routes["/gone"] = answer(html("<h1>Page not found</h1>"))
    server.routes["/door"] = answer(html("<h1>Sign in</h1>"))

    assert await codes(server, "/plans", "/pricing", "/gone", "/door") == [
        "read",
        "duplicate",
        "soft_404",
        "login_wall",
    ]


async def test_a_temporary_failure_is_retried(server: Server) -> None:
    page = answer(html("<h1>At last</h1>"))
    busy = answer(b"", 429, Retry_After="0")
    server.routes["/busy"] = [busy, page.replace(b"At last", b"At busy")]
    server.routes["/down"] = [answer(b"", 503), answer(b"", 500), page]
    server.routes["/cut"] = [broken, page.replace(b"At last", b"The cut")]

    assert await codes(server, "/busy", "/down", "/cut") == ["read", "read", "read"]
    assert [server.asked[path] for path in ("/busy", "/down", "/cut")] == [2, 3, 2]


async def test_a_lasting_failure_is_tried_three_times_and_a_404_once(server: Server) -> None:
    server.routes["/busy"] = answer(b"", 429, Retry_After="0")
    server.routes["/down"] = answer(b"", 500)
    server.routes["/cut"] = broken

    found = await codes(server, "/busy", "/down", "/cut", "/missing")

    assert found == ["http_429", "http_500", "connection_failed", "http_404"]
    assert [server.asked[path] for path in ("/busy", "/down", "/cut", "/missing")] == [3, 3, 3, 1]


async def test_pages_that_robots_txt_forbids_are_not_requested(server: Server) -> None:
    server.routes["/robots.txt"] = answer(b"User-agent: *\nDisallow: /private\nAllow: /private/open", kind="text/plain")
    server.routes["/private/open"] = answer(html("<h1>Open</h1>"))
    server.routes["/sly"] = moved("/private/x")

    assert await codes(server, "/private/x", "/private/open", "/sly") == [
        "robots_disallowed",
        "read",
        "robots_disallowed",
    ]
    assert server.asked["/private/x"] == 0


@pytest.mark.parametrize(
    ("robots", "reason"),
    [(answer(b"", 503), "cannot be read"), (answer(b"User-agent: *\nDisallow: /"), "forbids reading 127")],
)
async def test_a_site_whose_robots_txt_fails_or_forbids_all_pages_is_refused(
    server: Server, robots: bytes, reason: str
) -> None:
    server.routes["/robots.txt"] = robots
    async with crawling() as source:
        with pytest.raises(SiteRefuses, match=reason):
            await source.open(server.company())

    assert server.asked["/"] == 0


async def test_a_home_page_that_redirects_to_another_site_fails_with_its_name(server: Server) -> None:
    server.routes["/"] = moved("https://new-name.com/")
    async with crawling() as source:
        opened = await source.open(server.company())
        with pytest.raises(SiteUnreachable, match=r"Redirects to new-name\.com"):
            await source.home(opened)


async def test_sitemaps_are_followed_and_foreign_addresses_are_left_out(server: Server) -> None:
    root = f"http://127.0.0.1:{server.port}"
    pages = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{root}/%s</loc></url>"
    foreign = "<url><loc>https://example.com/x</loc></url><url><loc>not a url</loc></url>"
    server.routes["/robots.txt"] = answer(b"Sitemap: /map.xml\nSitemap: https://example.com/map.xml")
    index = f"<sitemapindex><sitemap><loc>{root}/a.xml</loc></sitemap><sitemap><loc>{root}/b.xml.gz</loc></sitemap>"
    server.routes["/map.xml"] = answer(f"{index}<sitemap><loc>{root}/map.xml</loc></sitemap></sitemapindex>".encode())
    server.routes["/a.xml"] = answer((pages % "a" + foreign + "</urlset>").encode())
    server.routes["/b.xml.gz"] = answer(gzip.compress((pages % "b?utm_source=x").encode()), kind="application/gzip")
    server.routes["/"] = answer(
        html("<h1>H</h1><a href='/a/#top'>About <b>us</b></a><a href='https://example.com'>x</a>")
    )

    async with crawling() as source:
        site = await site_of(source, server.company())

    assert [(link.url, link.text, link.origin) for link in site.links] == [
        (f"{root}/a/", "About us", "home"),
        (f"{root}/b", "", "sitemap"),
    ]
    assert server.asked["/map.xml"] == 1


async def test_the_language_variant_in_the_sites_own_language_is_kept(server: Server) -> None:
    links = "".join(
        f"<a href='/{path}'>x</a>" for path in ("de/pricing", "pricing", "fr/pricing", "de/only-here", "it")
    )
    server.routes["/"] = answer(html(f"<h1>H</h1>{links}"))
    async with crawling() as source:
        site = await site_of(source, server.company())

    assert [link.url.partition(str(server.port))[2] for link in site.links] == ["/pricing", "/de/only-here", "/it"]


async def test_a_page_of_another_site_is_not_read(server: Server) -> None:
    async with crawling() as source:
        site = await site_of(source, server.company())
        found = await source.scrape(site, ["https://example.com/", "http://10.0.0.1/", "nonsense"])

    assert [page.code for page in found if isinstance(page, PageFailure)] == ["host_not_allowed"] * 3


async def test_pages_keep_the_order_of_the_urls_and_a_copy_names_its_original(server: Server) -> None:
    server.routes["/one"] = answer(html("<h1>One</h1>"))
    server.routes["/two"] = server.routes["/copy"] = answer(html("<h1>Two</h1>"))
    async with crawling() as source:
        found = await read(source, server, "/two", "/one", "/copy")

    assert [page.ref.title for page in found if isinstance(page, Page)] == ["Two", "One"]
    assert isinstance(found[2], PageFailure)
    assert found[2].reason.endswith("/two")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "home"),
        ("/pricing", "pricing"),
        ("/de/pricing/", "pricing"),
        ("/customers", "customers"),
        ("/customers/acme", "case_study"),
        ("/blog/case-study-acme", "case_study"),
        ("/blog/how-acme-uses-our-thing", "case_study"),
        ("/blog/us-vs-them", "comparison"),
        ("/blog/best-open-source-analytics-tools", "comparison"),
        ("/blog/supabase-series-a", "news"),
        ("/blog/drawing-hedgehogs", "blog"),
        ("/handbook/who-we-build-for", "persona"),
        ("/handbook/growth/marketing/customer-personas", "persona"),
        ("/solutions/for-startups", "persona"),
        ("/handbook/strategy/investors", "about"),
        ("/company", "about"),
        ("/careers/engineer", "careers"),
        ("/newsroom", "news"),
        ("/trust", "security"),
        ("/integrations/slack", "integrations"),
        ("/faq", "faq"),
        ("/docs/api", "docs"),
        ("/features/funnels", "product"),
        ("/edge-functions", "product"),
        ("/privacy", "other"),
        ("/2021/05/platform", "blog"),
        ("/stories/2019-01-23-what-we-saw", "blog"),
        ("/choose-a-metric-on-the-graph", "blog"),
        ("/media-kit", "other"),
        ("/data-policy", "other"),
    ],
)
def test_the_kind_of_a_page_comes_from_its_path(path: str, kind: str) -> None:
    assert kind_of(f"https://acme.com{path}") == kind


@pytest.mark.parametrize(
    ("title", "kind"), [("定价", "pricing"), ("客户案例", "case_study"), ("关于我们", "about"), ("招聘", "careers")]
)
def test_without_a_known_path_the_kind_of_a_page_comes_from_its_title(title: str, kind: str) -> None:
    assert kind_of("https://acme.cn/p/17", title) == kind


def test_legal_login_cart_and_tag_pages_are_not_worth_reading() -> None:
    dull = ["/privacy", "/terms-of-service", "/login", "/cart", "/blog/tags/x", "/en/legal"]

    assert not any(worth_reading(f"https://acme.com{path}") for path in dull)
    assert not worth_reading("https://app.acme.com/x")
    assert all(worth_reading(f"https://acme.com{path}") for path in ("/pricing", "/authors-and-books", "/customers/x"))


@asynccontextmanager
async def reading(real_sites: dict[str, str], domain: str) -> AsyncGenerator[tuple[Source, Site]]:
    source = make_source(crawler, settings(), NoNotes(), Supervisor())
    try:
        yield source, await site_of(source, parse_company(real_sites[domain], "vendor", LOOPBACK))
    finally:
        await source.close()


async def test_a_real_site_is_mapped_from_its_links_and_sitemaps(real_sites: dict[str, str]) -> None:
    async with reading(real_sites, "posthog.com") as (_, site):
        found = {link.url.removeprefix(site.company.url): link for link in site.links}

    assert {"/customers/airbus", "/handbook/strategy/investors", "/blog/posthog-vs-mixpanel"} <= found.keys()
    assert "/" not in found
    assert found["/pricing"].text == "Pricing"
    assert site.home.structured.founders == ("James Hawkins", "Tim Glaser")


@pytest.mark.long
async def test_every_page_of_the_collection_can_be_read(real_sites: dict[str, str]) -> None:
    for domain in ("posthog.com", "supabase.com", "greptime.cn", "tinyworks.example"):
        paths = [
            page["path"] for page in json.loads((SHARED_SITES / domain / "pages.json").read_text("utf-8"))["pages"]
        ]
        async with reading(real_sites, domain) as (source, site):
            found = await source.scrape(site, [site.company.url + path for path in paths if path != "/"])
        assert [page for page in found if isinstance(page, PageFailure)] == []


async def test_a_page_that_moved_is_read_at_its_new_address(real_sites: dict[str, str]) -> None:
    async with reading(real_sites, "posthog.com") as (source, site):
        (page,) = await source.scrape(site, [f"{site.company.url}/compare/posthog-vs-mixpanel"])

    assert isinstance(page, Page)
    assert page.ref.url.endswith("/blog/posthog-vs-mixpanel")
    assert str(page.ref.published_on) == "2024-01-08"


async def test_failure_reasons_reveal_nothing_about_this_machine(server: Server) -> None:
    server.routes["/cut"] = broken
    async with crawling() as source:
        (failure,) = await read(source, server, "/cut")

    assert isinstance(failure, PageFailure)
    assert not any(word in failure.reason for word in ("Traceback", "httpx", str(Path.home())))
    assert issubclass(SiteUnreachable, OctaveError)


async def test_a_site_with_a_crawl_delay_is_read_one_page_at_a_time(server: Server) -> None:
    reading: list[int] = []

    async def alone(writer: asyncio.StreamWriter) -> None:
        reading.append(1)
        assert sum(reading) == 1
        writer.write(answer(html(f"<h1>Page {len(reading)}</h1>")))
        await writer.drain()
        reading.append(-1)

    server.routes["/robots.txt"] = answer(b"User-agent: *\nCrawl-delay: 0.01")
    server.routes |= {f"/{n}": alone for n in range(3)}

    assert await codes(server, "/0", "/1", "/2") == ["read"] * 3


async def test_at_most_four_pages_of_a_host_are_fetched_at_once(server: Server) -> None:
    waiting: list[asyncio.StreamWriter] = []
    peak = 0
    four = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        nonlocal peak
        waiting.append(writer)
        peak = max(peak, len(waiting))
        if len(waiting) == 4:
            four.set()
        await four.wait()
        writer.write(answer(html(f"<h1>{writer.get_extra_info('peername')} {peak} {len(server.asked)}</h1>")))
        await writer.drain()
        waiting.remove(writer)

    server.routes |= {f"/{n}": held for n in range(8)}
    await codes(server, *(f"/{n}" for n in range(8)))

    assert peak == 4
