"""The source that uses Firecrawl, either its cloud service or your own Firecrawl server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from octave_mcp.domain.addresses import is_web_address
from octave_mcp.domain.keys import sendable
from octave_mcp.errors import SetupError
from octave_mcp.settings import Settings, value_of

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader, TitledReader
    from octave_mcp.sources.web.access import SiteAccess

KEY = "FIRECRAWL_API_KEY"
URL = "FIRECRAWL_API_URL"
CLOUD = "https://api.firecrawl.dev"
# The shares of `site_timeout_seconds` in which Firecrawl and the crawler must read a home page. The sum of both
# shares must not exceed 1, because the readers run one after the other.
FIRECRAWL_SHARE, CRAWLER_SHARE = 0.6, 0.3
# Our own client waits at most this long for robots.txt. The limit is low, because a site that never answers our own
# client can often be read by Firecrawl.
ROBOTS_SECONDS = 5.0


def check() -> None:
    """Check the configuration.

    Raises:
        SetupError: If neither a key nor a server is set, or if the key, the server's address, the proxy or the
            certificates are unusable.
    """
    # The imports are here, because these modules import an HTTP client, which is slow to import.
    from octave_mcp.concurrency.proxies import proxy_for  # noqa: PLC0415
    from octave_mcp.concurrency.tls import tls_context  # noqa: PLC0415

    key, url = value_of(KEY), value_of(URL)
    if not (key or url):
        raise SetupError(
            f"{KEY} not found: set it in the environment or in .env, or set {URL} to the address of your own "
            "Firecrawl server, which may need no key. The source 'crawler' needs no key"
        )
    if key:
        sendable(KEY, key)
    if url and not is_web_address(url.get_secret_value()):
        raise SetupError(f"{URL} is not a web address: set it to an address such as 'http://localhost:3002'")
    tls_context()
    proxy_for(address())


def address() -> str:
    return (value_of(URL) or SecretStr(CLOUD)).get_secret_value()


def make(
    settings: Settings,
    access: Callable[..., SiteAccess],
    *,
    crawler: Callable[[SiteAccess], TitledReader],
    refresh: bool,
) -> Reader:
    """Return the reader, with the crawler as a fallback.

    Raises:
        SetupError: If Firecrawl's configuration is missing or invalid.
    """
    # The import is here, because the parsers are slow to import and only runs need them.
    from octave_mcp.sources.reader import is_declined  # noqa: PLC0415
    from octave_mcp.sources.two_readers import Handover, TwoReaders  # noqa: PLC0415

    firecrawl, other, _ = readers(settings, access, crawler=crawler, refresh=refresh)
    own_seconds, crawler_seconds = (settings.site_timeout_seconds * share for share in (FIRECRAWL_SHARE, CRAWLER_SHARE))
    handover = Handover(is_declined, is_lasting=False, home_seconds=(own_seconds, crawler_seconds))
    return TwoReaders(firecrawl.name, firecrawl, other, handover)


def readers(
    settings: Settings,
    access: Callable[..., SiteAccess],
    *,
    crawler: Callable[[SiteAccess], TitledReader],
    refresh: bool,
) -> tuple[TitledReader, TitledReader, SiteAccess]:
    """Return three objects: a reader that uses Firecrawl, a crawler, and the site access that both of them use.

    Raises:
        SetupError: If Firecrawl's configuration is missing or invalid.
    """
    check()
    # The imports are here, because only runs need these modules.
    from octave_mcp.sources.firecrawl.client import Client  # noqa: PLC0415
    from octave_mcp.sources.firecrawl.reader import Firecrawl  # noqa: PLC0415

    seconds = min(ROBOTS_SECONDS, settings.fetch_timeout_seconds)
    shared = access(robots_seconds=seconds)
    client = Client(value_of(KEY), address(), max_age_seconds=0 if refresh else settings.page_max_age_seconds)
    return Firecrawl(client, shared), crawler(shared), shared
