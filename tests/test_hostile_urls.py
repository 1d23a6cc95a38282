"""Hostile URLs from users, pages, redirects, sitemaps and robots.txt.

No hostile URL must lead to a destination that is not public.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from xml.sax.saxutils import escape

import httpcore2
import pytest
from scripted import NoNotes
from test_crawler import Server, answer, crawling, html, moved, serving, settings, site_of

from octave_mcp.domain.addresses import check_url, parse_company
from octave_mcp.domain.page import PageFailure
from octave_mcp.errors import HostNotAllowed, InputError
from octave_mcp.settings import Settings
from octave_mcp.sources.crawler.reader import Crawler
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.web.access import SiteAccess

NOWHERE: frozenset[str] = frozenset()
PUBLIC = "93.184.215.14"

NUMERIC = """
    http://127.0.0.1/ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7F.1/
    http://017700000001/ http://0177.0.0.1/ http://0x7f.0.0.1/ http://127.0.0.0x1/ http://0/ http://00/ http://0x/
    http://0.0.0.0/ http://1/ http://10.0.0.1/ http://10.1/ http://172.16.0.1/ http://172.31.255.255/
    http://192.168.1.1/ http://192.168.257/ http://169.254.169.254/latest/meta-data/ http://169.254.43518/
    http://2852039166/ http://0xa9fea9fe/ http://025177524776/ http://100.64.0.1/ http://100.100.100.200/
    http://168.63.129.16/ http://192.0.0.8/ http://192.0.2.1/ http://192.88.99.1/ http://198.18.0.1/
    http://198.51.100.1/ http://203.0.113.1/ http://224.0.0.1/ http://239.255.255.250/ http://240.0.0.1/
    http://255.255.255.255/ http://08.8.8.8/ http://8.8.8.256/ http://1.2.3/ http://1.2.3.4.5/ http://acme.123/
    http://acme.0x1/
"""
IPV6 = """
    http://[::]/ http://[::1]/ http://[0:0:0:0:0:0:0:1]/ http://[::127.0.0.1]/ http://[::ffff:127.0.0.1]/
    http://[::ffff:7f00:1]/ http://[::ffff:8.8.8.8]/ http://[::ffff:0:127.0.0.1]/ http://[64:ff9b::7f00:1]/
    http://[64:ff9b:1::1]/ http://[100::1]/ http://[2001::1]/ http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/
    http://[2001:10::1]/ http://[2001:20::1]/ http://[2001:db8::1]/ http://[2002:7f00:1::]/ http://[2002:a00:1::1]/
    http://[3fff::1]/ http://[4000::1]/ http://[5f00::1]/ http://[fc00::1]/ http://[fd00:ec2::254]/ http://[fe80::1]/
    http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://[fec0::1]/ http://[ff02::1]/
    http://[2606:4700:4700::1111%251]/ http://[::1]]/ http://[[::1]]/ http://[::1 http://::1/ http://[v1.abc]/
    http://[acme.com]/
"""
NAMES = """
    http://localhost/ http://LOCALHOST/ http://localhost./ http://localhost../ http://.localhost/ http://a.localhost/
    http://a.b.localhost./ http://localhost.localdomain/ http://localhost.localnet/ http://intranet/ http://wpad/
    http://router/ http://printer.local/ http://printer.local./ http://db.internal/ http://DB.INTERNAL./
    http://metadata.google.internal/ http://host.docker.internal/ http://kubernetes.default/
    http://kubernetes.default.svc/ http://kubernetes.default.svc.cluster.local/ http://vault.service.consul/
    http://router.lan/ http://nas.home/ http://x.home.arpa/ http://1.0.0.127.in-addr.arpa/ http://mail.corp/
    http://x.private/ http://x.onion/ http://x.alt/ http://x.test/ http://x.invalid/
"""
FORMS = """
    http://acme.com:0/ http://acme.com:22/ http://acme.com:25/ http://acme.com:6379/ http://acme.com:65536/
    http://acme.com:-1/ http://acme.com:+80/ http://acme.com:8_0/ http://acme.com:80:80/ http://acme.com:０/
    http://acme.com:８０/ http://acme.com：80/ http://acme.com:80@127.0.0.1/ http://user@acme.com/
    http://user:pw@acme.com/ http://@acme.com/ http://acme.com%40evil.com/ http://acme.com@127.0.0.1/
    http://acme.com%2f@evil.com/ http://acme.com%00.evil.com/ http://acme.com%2e/ http://%61cme.com/
    http://acme.com\\@127.0.0.1/ http:\\\\acme.com/ http://acme.com\\ /\\acme.com http:///acme.com/ http:/acme.com/
    //acme.com/ http:acme.com file:///etc/passwd ftp://acme.com/ gopher://acme.com:6379/_x dict://acme.com/
    ws://acme.com/ ldap://acme.com/ jar:http://acme.com!/ javascript:alert(1) data:text/html,x
    view-source:http://acme.com/ about:blank blob:http://acme.com/x http+unix://x/ httpx://acme.com/
    http://acme.com/%00 http://acme.com/%0d%0aHost:evil http://acme.com/?q=%0A http://acme.com/%1f http://acme.com/%7F
    http://acme_com/ http://a_b.acme.com/ http://-acme.com/ http://acme-.com/ http://acme..com/ http://*.acme.com/
    http://acme.com;x/ http://acme.com&x/ http://acme.com|x/ http://acme.com^/ http://{acme}.com/ http://<acme>.com/
    http://"acme".com/ http://acme,com/ http://acme$.com/ http://acme!.com/ http://~acme.com/ http://acme.com`/
    http://acme+.com/ http://acme.com]/ http://'acme'.com/
"""
IDN = """
    http://１２７.０.０.１/ http://①②⑦.0.0.1/ http://127。0。0。1/ http://127．0．0．1/ http://127｡0｡0｡1/
    http://ⓛocalhost/ http://ⅼocalhost/ http://𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭/ http://printer。local/ http://x.ｉｎｔｅｒｎａｌ/
    http://xn--/ http://xn--a/ http://xn--localhost-.com/ http://xn--zz--acme.com/ http://a℀b.com/
    http://evil.c℀.acme.com/ http://acme.com／.evil.com/ http://acme.com？.evil.com/ http://acme.com＃.evil.com/
    http://acme.com＠127.0.0.1/ http://٣.com.١٢٣/
"""
MALFORMED = [
    *(
        f"http://ac{char}me.com/"
        for char in "\x00\t\n\r\x0b\x1f \x7f\x85\xa0\u00ad\u034f\u061c\u200b\u200c\u200d\u200e"
    ),
    *(
        f"http://acme.com/{char}x"
        for char in "\u2028\u2029\u202e\u2060\u2066\u180e\u3164\ufeff\ufff9\ud800\udfff\U000e0041"
    ),
    *(
        "\thttp://acme.com/",
        "http://acme.com/\r\nHost: evil",
        "http://acme.com/\n",
        " ",
        "",
        "http://",
        "https:///",
        "://",
        "http://.",
    ),
    *("http://" + "a" * 64 + ".com/", "http://" + "a." * 130 + "com/", "http://acme.com/" + "a" * 2048),
]
HOSTILE = [*f"{NUMERIC}{IPV6}{NAMES}{FORMS}{IDN}".split(), *MALFORMED]

FORBIDDEN = """
    0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1
    192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1
    ::ffff:127.0.0.1 ::ffff:93.184.215.14 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:10::1 2001:db8::1
    2002:7f00:1:: 2002:c0a8:101::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1
    2606:4700:4700::1111%1
""".split()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The destinations of all connections, in the order in which the connections were opened."""
    opened: list[str] = []
    network: Any = httpcore2.AnyIOBackend
    connect = network.connect_tcp

    async def connect_tcp(self: object, host: str, port: int, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as in httpcore2
        opened.append(f"{host}:{port}")
        return await connect(self, host, port, *given, **named)

    monkeypatch.setattr(network, "connect_tcp", connect_tcp)
    return opened


@asynccontextmanager
async def looking_up(*addresses: str) -> AsyncGenerator[tuple[Crawler, list[str]]]:
    """Yield a crawler that resolves every host name to these addresses, and the host names that it has resolved."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return addresses

    crawler = Crawler(
        SiteAccess(Settings.model_validate({"fetch_timeout_seconds": 3600}), RunMemory(NoNotes()), resolve)
    )
    try:
        yield crawler, asked
    finally:
        await crawler.close()


def test_the_table_is_long_and_has_no_duplicates() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 120


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: ascii(url)[:60])
def test_a_hostile_address_is_refused_with_a_reason_and_a_remedy(url: str) -> None:
    with pytest.raises(InputError) as refused:
        check_url(url, NOWHERE)
    with suppress(InputError):
        # Unlike `check_url`, `parse_company` accepts white space around a URL.
        assert parse_company(url, "vendor", NOWHERE).domain == "acme.com"

    text = str(refused.value)
    assert any(
        way in text for way in ("give a domain like", "it must start with", "OCTAVE_ALLOW_HOSTS=", "leave the port out")
    )
    text.encode("utf-8")


@pytest.mark.parametrize("address", FORBIDDEN)
@pytest.mark.parametrize("other", [(), (PUBLIC,)])
async def test_a_host_with_any_forbidden_address_is_not_connected_to(
    address: str, other: tuple[str, ...], connected: list[str]
) -> None:
    async with looking_up(*other, address) as (crawler, asked):
        with pytest.raises(HostNotAllowed, match=r"'acme\.com' resolves to (a link-local|an) address"):
            await crawler.open(parse_company("acme.com", "vendor", NOWHERE))

    assert (asked, connected) == (["acme.com"], [])


async def test_links_redirects_sitemaps_and_robots_lead_to_no_hostile_address(
    server: Server, connected: list[str]
) -> None:
    own = f"127.0.0.1:{server.port}"
    hostile = [url for url in HOSTILE if _leads_away(url, own)]
    lines = "".join(f"Sitemap: {url}\n" for url in hostile if url.isprintable())
    server.routes["/robots.txt"] = answer(f"Sitemap: /map.xml\n{lines}".encode(), kind="text/plain")
    server.routes["/map.xml"] = answer(f"<urlset>{''.join(map(_entry, hostile))}</urlset>".encode("utf-8", "replace"))
    server.routes["/"] = answer(html(f"<h1>Home</h1>{''.join(map(_link, hostile))}"))
    server.routes |= {f"/{at}": moved(url) for at, url in _sendable(hostile)}
    server.routes |= {f"/meta/{at}": answer(_refresh(url)) for at, url in _sendable(hostile)}
    paths = [f"{folder}/{at}" for at, _ in _sendable(hostile) for folder in ("", "/meta")]

    async def unknown(host: str, _port: int) -> Sequence[str]:
        raise AssertionError(host)

    async with crawling(settings(own), unknown) as source:
        site = await site_of(source, server.company())
        found = await source.scrape(site, [*hostile, *(f"http://{own}{path}" for path in paths)])

    assert {link.url for link in site.links if own not in link.url} == set()
    assert set(connected) == {own}
    codes = [page.code if isinstance(page, PageFailure) else "read" for page in found]
    assert codes[: len(hostile)] == ["host_not_allowed"] * len(hostile)
    # Relative and empty URLs lead to pages of the site itself, most of which do not exist.
    assert set(codes) <= {"host_not_allowed", "redirected_off_site", "http_404", "redirect_loop", "duplicate", "read"}
    assert codes.count("read") <= 1


def _leads_away(url: str, own: str) -> bool:
    return "\x00" not in url and own not in url


def _sendable(urls: Iterable[str]) -> list[tuple[int, str]]:
    """Return the URLs that an HTTP header can contain, with their indexes.

    An HTTP header can contain only printable ASCII characters.
    """
    return [(at, url) for at, url in enumerate(urls) if url.isascii() and url.isprintable()]


def _link(url: str) -> str:
    return f'<a href="{escape(url, {chr(34): "&quot;"})}">x</a>'.encode("utf-8", "replace").decode()


def _entry(url: str) -> str:
    return f"<url><loc>{escape(url)}</loc></url>"


def _refresh(url: str) -> bytes:
    quoted = escape(url, {'"': "&quot;", "'": "&apos;"})
    return html("<h1>Moving</h1>", f'<meta http-equiv="refresh" content="0; url={quoted}">')


async def test_dns_rebinding_to_a_private_address_opens_no_connection(
    connected: list[str],
) -> None:
    lookups = 0

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        nonlocal lookups
        lookups += 1
        return [PUBLIC] if lookups == 1 else ["127.0.0.1"]

    crawler = Crawler(
        SiteAccess(Settings.model_validate({"fetch_timeout_seconds": 3600}), RunMemory(NoNotes()), rebinding)
    )
    with pytest.raises(HostNotAllowed):
        await crawler.open(parse_company("acme.com", "vendor", NOWHERE))
    await crawler.close()

    assert lookups > 1
    assert connected == []


async def test_many_hostile_addresses_in_parallel_open_no_connection(connected: list[str]) -> None:
    async with looking_up("127.0.0.1") as (crawler, _):
        opened = await asyncio.gather(
            *(crawler.open(parse_company(f"acme{n}.com", "vendor", NOWHERE)) for n in range(50)), return_exceptions=True
        )

    assert {type(error) for error in opened} == {HostNotAllowed}
    assert connected == []
