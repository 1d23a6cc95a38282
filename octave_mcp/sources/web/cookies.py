"""Stores the cookies that a run receives.

Many sites show their pages only to visitors who send back the cookie from the first response.
"""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from octave_mcp.domain.addresses import PORTS, site_of

MAX_COOKIES = 30
# In characters. Browsers should accept cookies of at least this size (RFC 6265, section 6.1).
MAX_COOKIE_CHARACTERS = 4096


class SiteCookies:
    """Holds a cookie jar for each site, in memory, until the run ends. Cookies are sent only to the site that set them.

    The size of a jar is limited, because some sites set new cookies with every response. Further cookies are ignored.
    """

    def __init__(self) -> None:
        self._jars: dict[str, httpx2.Cookies] = {}

    def header(self, url: str) -> str:
        """Return the Cookie header of a request for `url`."""
        jar = self._jars.get(_site(httpx2.URL(url))) if self._jars else None
        if jar is None:
            return ""
        request = httpx2.Request("GET", url)
        jar.set_cookie_header(request)
        return str(request.headers.get("cookie", ""))

    async def send(self, request: httpx2.Request) -> None:
        """Add the cookies to a request (a hook of the HTTP client)."""
        if header := self.header(str(request.url)):
            request.headers["cookie"] = header

    async def keep(self, response: httpx2.Response) -> None:
        """Store the cookies of a response (a hook of the HTTP client)."""
        given = [value for value in response.headers.get_list("set-cookie") if len(value) <= MAX_COOKIE_CHARACTERS]
        site = _site(response.request.url)
        if given and site:
            jar = self._jars.setdefault(site, _jar())
            headers = [("set-cookie", value) for value in given[:MAX_COOKIES]]
            jar.extract_cookies(httpx2.Response(200, headers=headers, request=response.request))
            for cookie in list(jar.jar)[MAX_COOKIES:]:
                jar.jar.clear(cookie.domain, cookie.path, cookie.name)


def _jar() -> httpx2.Cookies:
    # A cookie without a domain belongs only to the host that set it. Without this policy, CookieJar would also send
    # such a cookie to subdomains.
    return httpx2.Cookies(CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)))


def _site(url: httpx2.URL) -> str:
    return site_of(url.host, url.port or PORTS.get(url.scheme, 0))
