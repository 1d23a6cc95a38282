"""Firecrawl as a source of pages, in the cloud or self-hosted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from octave_mcp.domain.addresses import is_web_address
from octave_mcp.errors import SetupError
from octave_mcp.ports import Memory
from octave_mcp.settings import Settings, value_of

if TYPE_CHECKING:
    from octave_mcp.sources.reader import Reader
    from octave_mcp.sources.web.access import SiteAccess

KEY = "FIRECRAWL_API_KEY"
URL = "FIRECRAWL_API_URL"
CLOUD = "https://api.firecrawl.dev"


def is_set_up() -> bool:
    return bool(value_of(KEY) or value_of(URL))


def check() -> None:
    """Raises: SetupError: neither a key nor a server is set, or its address is not a web address."""
    if not is_set_up():
        raise SetupError(
            f"{KEY} not found: set it in the environment or in .env, or set {URL} to a Firecrawl of your own, "
            "which may need no key; the source 'crawler' needs neither"
        )
    if (url := value_of(URL)) and not is_web_address(url.get_secret_value()):
        raise SetupError(f"{URL} is no web address: give one like 'http://localhost:3002'")


def make(settings: Settings, memory: Memory, *, fallback: Callable[[SiteAccess], Reader], refresh: bool) -> Reader:
    """Raises: SetupError: it is not set up."""
    check()
    # Only a run needs the parsers and the client.
    from octave_mcp.sources.firecrawl.client import Client  # noqa: PLC0415
    from octave_mcp.sources.firecrawl.reader import FORBIDDING, Firecrawl  # noqa: PLC0415
    from octave_mcp.sources.web.access import SiteAccess  # noqa: PLC0415

    access = SiteAccess(settings, memory, forbidding=FORBIDDING, refresh=refresh)
    url = (value_of(URL) or SecretStr(CLOUD)).get_secret_value()
    client = Client(value_of(KEY), url, max_age_seconds=0 if refresh else settings.page_max_age_seconds)
    return Firecrawl(client, access, fallback(access))
