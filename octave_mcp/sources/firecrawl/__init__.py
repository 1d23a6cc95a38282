"""Firecrawl, in the cloud or on a server of the user's own, as a source of pages."""

from __future__ import annotations

import re

from pydantic import SecretStr

from octave_mcp.errors import SetupError
from octave_mcp.ports import Memory, Source
from octave_mcp.settings import Settings, value_of

KEY = "FIRECRAWL_API_KEY"
URL = "FIRECRAWL_API_URL"
CLOUD = "https://api.firecrawl.dev"
WEB_ADDRESS = re.compile(r"https?://[^\s/]+(?:/\S*)?")


def check() -> None:
    """Raises: SetupError: there is neither a key for the cloud nor a server to ask instead, or its address is none."""
    key, url = value_of(KEY), value_of(URL)
    if not key and not url:
        raise SetupError(
            f"{KEY} not found: set it in the environment or in .env, or set {URL} to a Firecrawl of your own, "
            "which may need no key; the source 'crawler' needs neither"
        )
    if url and not WEB_ADDRESS.fullmatch(url.get_secret_value()):
        raise SetupError(f"{URL} is no web address: give one like 'http://localhost:3002'")


def make(settings: Settings, memory: Memory, *, refresh: bool = False) -> Source:
    """Raises: SetupError: it is not set up."""
    check()
    from octave_mcp.sources._kept import Kept  # noqa: PLC0415 - parsers and a client, needed by a run only
    from octave_mcp.sources.firecrawl.reader import Firecrawl  # noqa: PLC0415 - ditto

    age = settings.page_max_age_seconds
    url = (value_of(URL) or SecretStr(CLOUD)).get_secret_value()
    reader = Firecrawl(settings, memory, value_of(KEY), url, max_age_seconds=0 if refresh else age)
    return Kept(reader, memory, max_age_seconds=age, refresh=refresh)
