"""Tests that the crawler handles cookies, sitemaps, encodings, query strings and URLs as real sites use them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from test_crawler import Server, answer, crawling, html, moved, serving, settings, site_of

from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.kinds import kind_of, worth_reading
from octave_mcp.domain.page import Link, Page, PageFailure
from octave_mcp.errors import SiteUnreachable
from octave_mcp.sources.html.encoding import decoded
from octave_mcp.sources.web.cookies import MAX_COOKIES, SiteCookies
from octave_mcp.sources.web.meta_refresh import refreshed
from octave_mcp.sources.web.similar_urls import limit_similar

HOME = answer(html("<h1>Ovens</h1><p>Ovens for every bakery in town.</p>"))
NEVER = 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


async def paths(server: Server) -> list[str]:
    async with crawling(settings(seconds=NEVER)) as source:
        site = await site_of(source, server.company())
    return [link.url.removeprefix(site.company.url) for link in site.links]


# Cookies


class CookieServer:
    """A server whose responses depend on the path and the cookie of a request. `sent` records both."""

    def __init__(self, answers: Callable[[str, str], bytes]) -> None:
        self.answers = answers
        self.sent: list[str] = []
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        cookie = ""
        while line := (await reader.readline()).strip().decode():
            name, _, value = line.partition(": ")
            cookie = value if name.lower() == "cookie" else cookie
        self.sent.append(f"{path} {cookie}".strip())
        response = answer(b"", 404) if path == "/robots.txt" else self.answers(path, cookie)
        writer.write(response.replace(b"Content-Type", b"Connection: close\r\nContent-Type", 1))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def cookie_server(answers: Callable[[str, str], bytes]) -> AsyncGenerator[CookieServer]:
    server = CookieServer(answers)
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


async def home_title(server: CookieServer) -> str:
    address = Server()
    address.port = server.port
    async with crawling(settings(seconds=NEVER)) as source:
        return (await source.home(address.company())).ref.title


SET_COOKIE = "seen=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
COOKIE_CHECKS: dict[str, Callable[[str, str], bytes]] = {
    "to itself": lambda _, cookie: (
        HOME if "seen=1" in cookie else answer(b"", 302, Location="/", Set_Cookie=SET_COOKIE)
    ),
    "over another page": lambda path, cookie: (
        answer(b"", 307, Location="/", Set_Cookie=SET_COOKIE)
        if path == "/check"
        else HOME
        if "seen=1" in cookie
        else moved("/check")
    ),
    "by a page that refreshes": lambda _, cookie: (
        HOME
        if "seen=1" in cookie
        else answer(b"<meta http-equiv=refresh content=0><p>One moment</p>", Set_Cookie=SET_COOKIE)
    ),
    "by a header that refreshes": lambda _, cookie: (
        HOME if "seen=1" in cookie else answer(b"<p>One moment</p>", Refresh="0; url=/", Set_Cookie=SET_COOKIE)
    ),
    "one after the other": lambda _, cookie: (
        HOME
        if "b=2" in cookie and "a=1" in cookie
        else answer(b"", 302, Location="/", Set_Cookie="b=2" if "a=1" in cookie else "a=1")
    ),
}


@pytest.mark.parametrize("answers", COOKIE_CHECKS.values(), ids=COOKIE_CHECKS)
async def test_a_site_that_requires_its_cookie_is_read(answers: Callable[[str, str], bytes]) -> None:
    async with cookie_server(answers) as server:
        assert await home_title(server) == "Ovens"


@pytest.mark.parametrize("cookie", ["", "seen=1", "n={n}"])
async def test_an_endless_redirect_to_the_same_url_is_an_error_whatever_cookies_it_sets(cookie: str) -> None:
    requests = 0

    def answers(_path: str, _cookie: str) -> bytes:
        nonlocal requests
        requests += 1
        return answer(b"", 302, Location="/", Set_Cookie=cookie.format(n=requests))

    async with cookie_server(answers) as server:
        with pytest.raises(SiteUnreachable, match="in a loop"):
            await home_title(server)
    assert requests <= 12


@pytest.mark.parametrize("cookie", ["", "seen=1", "n={n}"])
async def test_a_page_that_reloads_itself_forever_is_read(cookie: str) -> None:
    requests = 0

    def answers(_path: str, _cookie: str) -> bytes:
        nonlocal requests
        requests += 1
        body = html("<h1>Live departures</h1><p>From all of our ovens.</p>", "<meta http-equiv=refresh content=5>")
        return answer(body, Set_Cookie=cookie.format(n=requests))

    async with cookie_server(answers) as server:
        assert await home_title(server) == "Live departures"
    assert requests <= 3


async def test_a_cookie_is_sent_only_to_its_own_site_and_not_in_another_run() -> None:
    async with cookie_server(COOKIE_CHECKS["to itself"]) as one, cookie_server(lambda _path, _cookie: HOME) as other:
        first, second = Server(), Server()
        first.port, second.port = one.port, other.port
        async with crawling(settings(seconds=NEVER)) as source:
            await source.home(first.company())
            await source.home(second.company())
        assert [sent for sent in one.sent if "seen=1" in sent]
        assert not [sent for sent in other.sent if "seen=1" in sent]
        one.sent.clear()
        await home_title(one)
        assert one.sent[1] == "/"


@pytest.mark.parametrize(
    ("set_by", "given", "requested", "sent"),
    [
        ("https://acme.com/", "a=1; Domain=acme.com", "https://blog.acme.com/", "a=1"),
        ("https://acme.com/", "a=1", "https://blog.acme.com/", ""),
        ("http://127.0.0.1/", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "a=1"),
        ("https://acme.com/", "a=1; Domain=com", "https://other.com/", ""),
        ("https://acme.com/", "a=1; Domain=other.com", "https://other.com/", ""),
        ("https://a.github.io/", "a=1; Domain=github.io", "https://b.github.io/", ""),
        ("https://acme.com/", "a=1; Secure", "http://acme.com/", ""),
        ("https://acme.com/", "a=1; Path=/shop", "https://acme.com/", ""),
        ("https://acme.com/", "a=1; Max-Age=0", "https://acme.com/", ""),
        ("https://acme.com/", f"a={'x' * 5000}", "https://acme.com/", ""),
    ],
)
async def test_a_cookie_is_sent_where_a_browser_would_send_it(
    set_by: str, given: str, requested: str, sent: str
) -> None:
    cookies = SiteCookies()
    await cookies.keep(httpx2.Response(200, headers={"set-cookie": given}, request=httpx2.Request("GET", set_by)))

    assert cookies.header(requested) == sent


async def test_the_number_of_cookies_of_a_site_is_limited() -> None:
    cookies = SiteCookies()
    request = httpx2.Request("GET", "https://acme.com/")
    for turn in range(50):
        headers = [("set-cookie", f"n{turn}_{at}=1") for at in range(100)]
        await cookies.keep(httpx2.Response(200, headers=headers, request=request))

    assert cookies.header("https://acme.com/").count("=") == MAX_COOKIES


@pytest.mark.parametrize(
    ("content", "target"),
    [
        *(("0;url=/a", "/a"), ("0; URL='/a'", "/a"), ('1.5;url="/a"', "/a"), ("0,url=/a", "/a"), ("0 /a", "/a")),
        *(("0", ""), ("5", ""), ("6;url=/a", None), ("300", None), ("soon", None), ("", None), ("²;url=/a", None)),
    ],
)
def test_a_refresh_value_is_parsed_as_the_html_standard_says(content: str, target: str | None) -> None:
    assert refreshed(content) == target


# Sitemaps

SET = (
    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
    "xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>"
)
IMAGE = "<image:image><image:loc>/v.jpg</image:loc></image:image>"
LOC = "<loc>/pricing</loc>"
S = "http://www.google.com/schemas/sitemap/0.84"


def listed(inside: str) -> str:
    return f"{SET}<url>{inside}</url></urlset>"


SITEMAPS = {
    "relative": listed(LOC),
    "relative to the file": listed("<loc>pricing</loc>"),
    "without a scheme": listed("<loc>//HOST/pricing</loc>"),
    "begins with its host": listed("<loc>HOST/pricing</loc>"),
    "marked": listed("<loc>\n<![CDATA[ http://HOST/pricing ]]>\n</loc>"),
    "images after": listed(f"{LOC}{IMAGE}"),
    "images before": listed(f"{IMAGE}{LOC}"),
    "images in the entry": listed(f"<image:loc>/v</image:loc>{LOC}"),
    "images as pages": listed(f"{LOC}</url><url><loc>/v.PNG</loc></url><url><loc>/f.mp4?x=1</loc>"),
    "no namespace": f"<urlset><url>{LOC}{IMAGE}</url></urlset>",
    "a prefix": f"<s:urlset xmlns:s='{S}'><s:url><s:loc>/pricing</s:loc></s:url></s:urlset>",
    "nested": f"{SET}<urlset><url>{LOC}</url></urlset></urlset>",
    "blank first": f"\n\n <?xml version='1.0' encoding='iso-8859-1'?>{listed(LOC)}",
    "broken off": f"{SET}<url>{LOC}</url><url><lo",
    "rss": "<rss><channel><link>/</link><item><link>/pricing</link><enclosure url='/a.mp3'/></item></channel></rss>",
    "rss by guid": "<rss><channel><item><guid isPermaLink='true'>http://HOST/pricing</guid></item></channel></rss>",
    "rdf": "<r:RDF xmlns:r='r' xmlns='http://purl.org/rss/1.0/'><item r:about='x'><link>/pricing</link></item></r:RDF>",
    "atom": "<feed xmlns='http://www.w3.org/2005/Atom'><link href='/atom.xml' rel='self'/><entry>"
    "<link href='/edit' rel='edit'/><link href='/pricing'/></entry></feed>",
    "lines": "\n/pricing\n\nnot an address\n",
}


@pytest.mark.parametrize("body", SITEMAPS.values(), ids=SITEMAPS)
@pytest.mark.parametrize("packed", [False, True])
async def test_pages_are_found_in_a_sitemap_of_any_form(server: Server, body: str, packed: bool) -> None:
    sent = body.replace("HOST", f"127.0.0.1:{server.port}").encode()
    server.routes["/robots.txt"] = answer(b"Sitemap: /sitemap.xml", kind="text/plain")
    server.routes["/sitemap.xml"] = answer(gzip.compress(sent) if packed else sent, kind="text/xml")

    assert await paths(server) == ["/pricing"]


async def test_an_unescaped_ampersand_in_a_sitemap_is_accepted(server: Server) -> None:
    locs = "".join(f"<url><loc>/v?topic={at}&x=1&amp;y=2</loc></url>" for at in "abc")
    server.routes["/sitemap.xml"] = answer(f"{SET}{'<!-- long -->' * 9000}{locs}</urlset>".encode())

    assert await paths(server) == [f"/v?topic={at}&x=1&y=2" for at in "abc"]


async def test_a_sitemap_that_is_listed_as_a_page_is_followed(server: Server) -> None:
    server.routes["/sitemap.xml"] = answer(f"{SET}<url><loc>/maps/one.xml</loc></url></urlset>".encode())
    server.routes["/maps/one.xml"] = answer(f"{SET}<url><loc>../pricing</loc></url></urlset>".encode())

    assert await paths(server) == ["/pricing"]


ENCODED = [
    ("<?xml version='1.0' encoding='iso-8859-2'?>Łódź", "iso8859-2", None),
    ("<meta charset=windows-31j>パン屋", "cp932", None),
    ("<meta charset=x-sjis>パン屋", "cp932", None),
    ("<meta charset=latin5>Fırın", "cp1254", None),
    ("<meta content='text/html; charset=ks_c_5601-1987' http-equiv=content-type>빵집", "cp949", None),
    ("<meta charset=no-such><meta charset='koi8-r'>Хлеб", "koi8-r", None),
    ("<!-- <meta charset=koi8-r> --><div title='<meta charset=koi8-r>'><meta charset=cp1251>Хлеб", "cp1251", None),
    ("<meta charset=utf-16>Köln", "utf-8", None),
    ("<?xml version='1.0'?>Хлеб", "utf-16-le", None),
    ("Хлеб и соль", "utf-16-be", "utf-16be"),
    ("Хлеб", "koi8-r", "'KOI8'"),
    ("面包€", "gb18030", "GB2312"),
    ("Pain frais à Liège, dès l’aube, à Besançon et à Nîmes", "cp1252", "utf-8"),
    ("Pão fresco em São João e Évora", "cp1252", None),
    ("<html lang=da>Brød og kager på Sjælland", "cp1252", None),
    ("<html lang=hu>Friss kenyér, őszi fűszerek", "cp1250", None),
    ("Pieczemy chleb w Łodzi i Częstochowie, już od świtu", "cp1250", None),
    ("Печём хлеб каждое утро", "cp1251", None),
    ("Φρέσκο ψωμί κάθε πρωί", "cp1253", None),
]


@pytest.mark.parametrize(("text", "encoding", "header"), ENCODED)
def test_a_page_is_decoded_as_browsers_decode_it(text: str, encoding: str, header: str | None) -> None:
    assert decoded(text.encode(encoding), header, "https://acme.com/") == text


# Query strings


@pytest.mark.parametrize(
    "query", ["/index.php?page={}", "/?page_id={}", "/default.aspx?id={}", "/view.aspx?p={}", "/site/view?name=n{}x"]
)
def test_urls_that_differ_only_in_their_query_are_separate_pages(query: str) -> None:
    words = "about team history news careers customers pricing security".split()
    urls = [f"https://acme.com{query.format(at)}" for at in (words if "page=" in query else range(8))]

    assert [link.url for link in limit_similar(Link(url=url) for url in urls)] == urls
    assert len(set(map(url_key, urls))) == 8


def test_numbered_urls_are_limited_unless_their_links_have_distinct_texts() -> None:
    pages = [Link(url=f"https://acme.com/?page={at}", text=text) for at, text in enumerate("abcdefgh")]
    leaves = [Link(url=f"https://acme.com/?page={at}", text=str(at)) for at in range(8)]
    days = [Link(url=f"https://acme.com/all?view=days&date=2026-10-{at:02}") for at in range(1, 29)]
    sorted_ways = [Link(url=f"https://acme.com/all?sort={at}") for at in "abcdefghij"]
    many = [Link(url=f"https://acme.com/?id={at}") for at in range(900)]

    assert [len(limit_similar(links)) for links in (pages, leaves, days, sorted_ways, many)] == [8, 5, 5, 5, 50]


def test_a_referrer_in_the_query_makes_no_separate_page() -> None:
    urls = [
        f"https://acme.com/{path}" for path in ("pricing", "pricing?ref=menu", "oven.php?ref=A1", "oven.php?ref=B2")
    ]

    assert [link.url for link in limit_similar(Link(url=url) for url in urls)] == [urls[0], *urls[2:]]


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/index.php?page=pricing", "", "pricing"),
        ("/index.php?pricing", "", "pricing"),
        ("/?p=about", "", "about"),
        ("/site/view?name=customers", "", "customers"),
        ("/default.aspx?id=7", "Pricing", "pricing"),
        ("/?page_id=3", "", "other"),
        ("/?lang=de", "", "home"),
        ("/?utm_source=x", "", "home"),
        ("/index.html", "", "home"),
        ("/pricing.html", "", "pricing"),
        ("/careers.php", "", "careers"),
        ("/oven.php?ref=A12", "Pricing", "pricing"),
        ("/pricing?plan=team", "", "pricing"),
        ("/customers?industry=retail", "", "customers"),
        ("/blog?topic=pricing", "", "blog"),
    ],
)
def test_the_kind_of_a_page_may_come_from_its_query(path: str, text: str, kind: str) -> None:
    assert kind_of(f"https://acme.com{path}", link_text=text) == kind


def test_a_login_page_named_in_the_query_is_not_worth_reading() -> None:
    assert not worth_reading("https://acme.com/index.php?page=login")
    assert worth_reading("https://acme.com/index.php?page=pricing")


# URLs


@pytest.mark.parametrize(
    "path",
    [
        *("/index.php?pricing", "/oven.php?ref=A12", "/list?topic=1&page=2", "/a%20b?q=a+b&r=a%20b", "/a?t=10:30"),
        *("/a?t=10%3A30", "/a?x=&y", "/a//b", "/a?x=[1]|{2}", "/%7eacme/", "/a;v=1?b=c/d?e"),
    ],
)
async def test_a_url_is_requested_as_it_was_written(server: Server, path: str) -> None:
    server.routes[path] = answer(html("<h1>Found</h1><p>It is here.</p>"))
    async with crawling(settings(seconds=NEVER)) as source:
        site = await site_of(source, server.company())
        tracked = f"{site.company.url}{path}{'&' if '?' in path else '?'}utm_source=x"
        (found,) = await source.scrape(site, [tracked])

    assert isinstance(found, Page), found
    assert server.asked[path] == 1


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("/a?b=1&c=2", "/a?c=2&b=1"),
        ("/a?b=x%20y", "/a?b=x+y"),
        ("/a?b", "/a?b="),
        ("/a/./b", "/a/b"),
        ("/a?fbclid=1", "/a/"),
    ],
)
def test_equivalent_urls_have_the_same_key(one: str, same: str) -> None:
    assert url_key(f"https://acme.com{one}") == url_key(f"http://www.acme.com{same}")


async def test_the_error_for_an_allowed_host_that_does_not_resolve_names_it_without_www() -> None:
    async def unknown(_host: str, _port: int) -> list[str]:
        raise OSError

    server = Server()
    server.port = 80
    async with crawling(settings("ovens.internal"), unknown) as source:
        with pytest.raises(SiteUnreachable, match=r"ovens\.internal has no address"):
            await source.open(server.company("ovens.internal"))


async def test_a_redirect_with_a_space_in_its_target_is_followed(server: Server) -> None:
    server.routes["/old"] = moved("/our ovens")
    server.routes["/our%20ovens"] = answer(html("<h1>Found</h1><p>It is here.</p>"))
    async with crawling(settings(seconds=NEVER)) as source:
        site = await site_of(source, server.company())
        (found,) = await source.scrape(site, [f"{site.company.url}/old"])

    assert not isinstance(found, PageFailure)
