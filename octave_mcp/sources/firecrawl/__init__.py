"""Firecrawl, in the cloud or on a server of the user's own, as a source of pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr

from octave_mcp.errors import SetupError
from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings, value_of

KEY = "FIRECRAWL_API_KEY"
URL = "FIRECRAWL_API_URL"
CLOUD = "https://api.firecrawl.dev"


def is_set_up() -> bool:
    return bool(value_of(KEY) or value_of(URL))


def check() -> None:
    """Raises: SetupError: there is neither a key for the cloud nor a server to ask instead, or its address is none."""
    if not is_set_up():
        raise SetupError(
            f"{KEY} not found: set it in the environment or in .env, or set {URL} to a Firecrawl of your own, "
            "which may need no key; the source 'crawler' needs neither"
        )
    if (url := value_of(URL)) and not _is_web_address(url.get_secret_value()):
        raise SetupError(f"{URL} is no web address: give one like 'http://localhost:3002'")


def make(settings: Settings, memory: Memory, *, refresh: bool = False) -> Source:
    """Raises: SetupError: it is not set up."""
    check()
    from octave_mcp.sources.cached import Kept  # noqa: PLC0415 - parsers and a client, needed by a run only
    from octave_mcp.sources.firecrawl.reader import Firecrawl  # noqa: PLC0415 - ditto

    age = settings.page_max_age_seconds
    url = (value_of(URL) or SecretStr(CLOUD)).get_secret_value()
    used = 0 if refresh else age
    reader = Firecrawl(settings, memory, value_of(KEY), url, max_age_seconds=used, refresh=refresh)
    return Kept(reader, memory, max_age_seconds=age, refresh=refresh)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
