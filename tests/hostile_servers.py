"""Hostile web servers for tests, each with the result that the crawler must report."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import cast

import brotli
from test_crawler import Handler, Route, answer, endless, html, moved

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PAGE = html("<h1>Fine</h1><p>There is something to read here.</p>")


def sends(*parts: bytes, then: bytes = b"", closes: bool = True, pause_seconds: float = 0) -> Handler:
    """Return a handler that sends `parts` once, and then repeats the bytes in `then` until the client disconnects."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        while then and not writer.is_closing():
            writer.write(then)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
        if not closes:
            with suppress(ConnectionError):
                await writer.wait_closed()
        writer.close()

    return behave


def page(body: str | bytes, charset: str = "", **headers: str) -> bytes:
    kind = f"text/html; charset={charset}" if charset else "text/html"
    return answer(body.encode() if isinstance(body, str) else body, 200, kind, **headers)


def in_chunks(*chunks: bytes) -> bytes:
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def _gzipped(size: int, times: int = 1) -> bytes:
    body = b"<p>" + b"\0" * size
    for _ in range(times):
        body = gzip.compress(body)
    return body


def _brotli(size: int) -> bytes:
    compress = cast("Callable[..., bytes]", vars(brotli)["compress"])
    return compress(b"\0" * size, quality=5)


def _attributes(count: int) -> str:
    return f"<p {' '.join(f'a{n}=1' for n in range(count))}>x"


def _fonts(count: int) -> str:
    return f"<p>{''.join(f'<font a={n}>' for n in range(count))}</p>"


FLOODS: dict[str, tuple[Route, str]] = {
    "endless": (endless, "too_large"),
    "endless-chunks": (sends(CHUNKED, then=b"2710\r\n" + b"x" * 10_000 + b"\r\n"), "too_large"),
    "tiny-chunks": (sends(CHUNKED, then=b"1\r\na\r\n" * 10_000), "too_large"),
    "endless-extension": (sends(CHUNKED, b"1;", then=b"a" * 50_000), "connection_failed"),
    "endless-trailers": (sends(CHUNKED, b"1\r\na\r\n0\r\n", then=b"a: b\r\n" * 5000), "connection_failed"),
    "endless-headers": (sends(HEAD, then=b"a: b\r\n" * 5000), "connection_failed"),
    "endless-header": (sends(HEAD, b"a: ", then=b"a" * 50_000), "connection_failed"),
    "endless-status": (sends(b"HTTP/1.1 200 ", then=b"a" * 50_000), "connection_failed"),
    "endless-continue": (sends(then=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000), "too_large"),
    "endless-hints": (sends(then=b"HTTP/1.1 103 Hints\r\nLink: </a.css>\r\n\r\n" * 2000), "too_large"),
    "dripping-head": (sends(b"HTTP/1.1 200 OK\r\n", then=b"a", pause_seconds=0.02), "timeout"),
    "dripping-body": (
        sends(HEAD + b"Content-Length: 9000\r\n\r\n", then=b"<", pause_seconds=0.02),
        "timeout",
    ),
    "silent": (sends(closes=False), "timeout"),
    "silent-after-head": (sends(HEAD + b"Content-Length: 9000\r\n\r\n", closes=False), "timeout"),
    "silent-in-chunk": (sends(CHUNKED + b"ff\r\nabc", closes=False), "timeout"),
}
ANSWERS: dict[str, tuple[Route, str]] = {
    "closes-at-once": (sends(), "connection_failed"),
    "closes-in-head": (sends(b"HTTP/1.1 200 OK\r\nContent-"), "connection_failed"),
    "closes-in-body": (sends(HEAD + b"Content-Length: 9000\r\n\r\n<p>half"), "connection_failed"),
    "closes-in-chunk": (sends(CHUNKED + b"ff\r\nabc"), "connection_failed"),
    "no-last-chunk": (sends(CHUNKED + b"3\r\nabc\r\n"), "connection_failed"),
    "chunk-of-garbage": (sends(CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n"), "connection_failed"),
    "chunk-of-less-than-nothing": (sends(CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n"), "connection_failed"),
    "chunk-of-exabytes": (sends(CHUNKED + b"fffffffffffffff\r\nabc"), "connection_failed"),
    "length-of-garbage": (sends(HEAD + b"Content-Length: many\r\n\r\nabc"), "connection_failed"),
    "length-below-nothing": (sends(HEAD + b"Content-Length: -1\r\n\r\nabc"), "connection_failed"),
    "length-of-exabytes": (sends(HEAD + b"Content-Length: 9999999999999999999\r\n\r\nabc"), "connection_failed"),
    "two-lengths": (sends(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "connection_failed"),
    "length-too-short": (sends(HEAD + b"Content-Length: 9\r\n\r\n<p>abcdefgh<p>more", closes=True), "read"),
    "http-0.9": (sends(PAGE), "connection_failed"),
    "garbage": (sends(bytes(range(256)) * 40), "connection_failed"),
    "another-protocol": (sends(b"SSH-2.0-OpenSSH_9.6\r\n"), "connection_failed"),
    "tls": (sends(b"\x15\x03\x01\x00\x02\x02\x46"), "connection_failed"),
    "status-of-999": (answer(PAGE, 999), "http_999"),
    "status-of-words": (sends(b"HTTP/1.1 two OK\r\n\r\n"), "connection_failed"),
    "switches-protocol": (
        sends(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "connection_failed",
    ),
    "nothing-to-say": (sends(b"HTTP/1.1 204 No\r\n\r\n"), "empty"),
    "not-modified": (sends(b"HTTP/1.1 304 No\r\n\r\n"), "http_304"),
    "moved-nowhere": (answer(b"", 302), "http_302"),
    "moved-to-itself": (moved("/moved-to-itself"), "redirect_loop"),
    "moved-to-garbage": (moved("http://[::1"), "redirected_off_site"),
    "moved-to-a-script": (moved("javascript:alert(1)"), "host_not_allowed"),
    "moved-to-a-file": (moved("file:///etc/passwd"), "host_not_allowed"),
    "moved-to-a-long-way": (moved("/" + "a" * 3000), "host_not_allowed"),
    "meta-to-itself": (page(html("<h1>Wait</h1>", "<meta http-equiv=refresh content='0'>")), "read"),
    "meta-to-another": (
        page(html("", "<meta content=\"0; URL='/meta-to-another?x'\" http-equiv='Refresh'>")),
        "http_404",
    ),
    "meta-to-garbage": (page(html("", '<meta http-equiv="refresh" content="0;url=http://[">')), "redirected_off_site"),
}
BODIES: dict[str, tuple[Route, str]] = {
    "gzip-bomb": (page(_gzipped(30_000_000), Content_Encoding="gzip"), "too_large"),
    "gzip-bomb-in-gzip": (page(_gzipped(30_000_000, 3), Content_Encoding="gzip, gzip, gzip"), "too_large"),
    "brotli-bomb": (page(_brotli(30_000_000), Content_Encoding="br"), "too_large"),
    "deflate-bomb": (page(zlib.compress(b"\0" * 30_000_000), Content_Encoding="deflate"), "too_large"),
    "compressed-nothing": (
        sends(HEAD + b"Content-Encoding: deflate\r\n\r\n\x78\x9c", then=b"\0\0\0\xff\xff" * 10_000),
        "too_large",
    ),
    "endless-gzip-name": (
        sends(HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0", then=b"a" * 50_000),
        "too_large",
    ),
    "zstd": (page(b"\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00", Content_Encoding="zstd"), "bad_encoding"),
    "encoding-unknown": (page(PAGE, Content_Encoding="rot13"), "bad_encoding"),
    "encoded-fifty-times": (page(PAGE, Content_Encoding=", ".join(["gzip"] * 50)), "bad_encoding"),
    "gzip-of-garbage": (page(b"\x1f\x8bnot", Content_Encoding="gzip"), "bad_encoding"),
    "gzip-twice-said-once": (page(_gzipped(100, 2), Content_Encoding="gzip"), "not_html"),
    "image": (answer(b"\x89PNG\r\n\x1a\n", kind="image/png"), "not_html"),
    "text": (answer(PAGE, kind="text/plain"), "not_html"),
    "type-of-garbage": (answer(PAGE, kind=";;=,"), "read"),
    "image-called-html": (page(b"\x89PNG\r\n\x1a\n" + b"\0\1" * 500), "not_html"),
    "program-called-html": (page(b"MZ\x90" + b"\0" * 500), "not_html"),
    "document-called-html": (page(b"%PDF-1.7 <p>words"), "not_html"),
    "charset-unknown": (page(PAGE, "x-nonesuch"), "read"),
    "charset-of-garbage": (page(PAGE, "\"\\'%00"), "read"),
    "charset-punycode": (page(html(f"<p>{'a' * 300_000}-{'b' * 300_000}</p>"), "punycode"), "read"),
    "charset-idna": (page(html(f"<p>{'a.' * 100_000}</p>"), "idna"), "read"),
    "charset-escapes": (page(html("<p>\\N{BULLET} \\x41 \\q words</p>"), "unicode_escape"), "read"),
    "charset-wrong": (page("<h1>Grüße</h1><p>aus Köln</p>".encode("latin-1"), "utf-8"), "read"),
    "utf-8-broken": (page(html("<p>Grüße aus Köln, schöne Straße</p>")[:-3].replace("ß".encode(), b"\xc3")), "read"),
    "zeros-in-between": (page(PAGE.replace(b"something", b"some\0thing")), "read"),
}
PAGES: dict[str, tuple[Route, str]] = {
    "nested-200000-deep": (page("<div>" * 200_000), "too_complex"),
    "nested-in-turns": (page("<a><b>" * 100_000), "too_complex"),
    "attributes-50000": (page(_attributes(50_000)), "too_complex"),
    "too-much-html": (page(b"<p>x" * 800_000), "too_complex"),
    "formatting-bomb": (page(_fonts(400) + "<p>x</p>" * 20_000), "too_complex"),
    "options": (page("<select>" + "<option>x" * 300_000), "too_complex"),
    "json-nested": (page(html(f"<h1>A</h1><script type=application/ld+json>{'[' * 100_000}</script>")), "read"),
    "json-many": (page(html(f"<h1>B</h1><script type=application/ld+json>[{'{},' * 100_000}1]</script>")), "read"),
    "spaces": (page(f"<h1>C</h1><p>{' ' * 1_000_000}x</p>"), "read"),
    "spaces-spelled": (page(f"<h1>D</h1><p>{'&nbsp;' * 300_000}x</p>"), "read"),
    "letters": (page(f"<h1>E</h1><p>{'a' * 2_000_000}</p>"), "read"),
    "angles": (page("<h1>F</h1>" + "<a <" * 200_000), "too_complex"),
    "comments": (page("<h1>G</h1>" + "<!--" * 200_000), "read"),
    "entities": (page("<h1>H</h1><p>" + "&amp;" * 200_000), "read"),
    "base-of-garbage": (page(html("<h1>I</h1><a href=x>x</a>", "<base href='http://[::1'>")), "read"),
    "links-of-garbage": (page(html("<h1>J</h1>" + "<a href='http://[::1'>x</a><a href='\\\\a'>x</a>" * 500)), "read"),
    "links-12000": (page(html("<h1>K</h1>" + "".join(f"<a href=/{n}>x</a>" for n in range(6000)))), "read"),
}
HOSTILE = FLOODS | ANSWERS | BODIES | PAGES


def sitemap(entries: Iterable[str]) -> bytes:
    urls = "".join(f"<url><loc>{entry}</loc></url>" for entry in entries)
    return f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>".encode()
