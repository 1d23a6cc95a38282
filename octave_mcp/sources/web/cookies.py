"""The cookies of a run: many sites show their pages only to visitors that send back the cookie of a first answer."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from octave_mcp.domain.addresses import PORTS, site_of

MAX_COOKIES = 30
LONGEST_COOKIE = 4096


class SiteCookies:
    """One jar for each site, sent to that site only. They are in memory alone, and end with the run.

    Once a jar is full, further cookies are ignored: some sites send them without end.
    """

    def __init__(self) -> None:
        self._jars: dict[str, httpx2.Cookies] = {}

    def header(self, url: str) -> str:
        """The cookies that a request for `url` sends."""
        request = httpx2.Request("GET", url)
        if jar := self._jars.get(_site(request.url)):
            jar.set_cookie_header(request)
        return str(request.headers.get("cookie", ""))

    async def send(self, request: httpx2.Request) -> None:
        """A hook of the client's."""
        if header := self.header(str(request.url)):
            request.headers["cookie"] = header

    async def keep(self, response: httpx2.Response) -> None:
        """A hook of the client's."""
        given = [value for value in response.headers.get_list("set-cookie") if len(value) <= LONGEST_COOKIE]
        site = _site(response.request.url)
        if given and site:
            jar = self._jars.setdefault(site, _jar())
            headers = [("set-cookie", value) for value in given[:MAX_COOKIES]]
            jar.extract_cookies(httpx2.Response(200, headers=headers, request=response.request))
            for cookie in list(jar.jar)[MAX_COOKIES:]:
                jar.jar.clear(cookie.domain, cookie.path, cookie.name)


def _jar() -> httpx2.Cookies:
    # A cookie without a domain is the host's own; without the flag, its subdomains get it too.
    return httpx2.Cookies(CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)))


def _site(url: httpx2.URL) -> str:
    return site_of(url.host, url.port or PORTS.get(url.scheme, 0))
