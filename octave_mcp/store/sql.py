"""The SQL store, which combines several classes, one for each kind of data."""

from __future__ import annotations

from octave_mcp.settings import Settings
from octave_mcp.store.events import Events
from octave_mcp.store.executions import Executions
from octave_mcp.store.key_values import KeyValues
from octave_mcp.store.page_cache import PageCache
from octave_mcp.store.pages import Pages
from octave_mcp.store.playbooks import Playbooks
from octave_mcp.store.questions import Questions
from octave_mcp.store.runs import Runs
from octave_mcp.store.sharing import Sharing


def make(settings: Settings) -> SqlStore:
    return SqlStore(settings.url)


class SqlStore(Runs, Executions, Events, Playbooks, Pages, Questions, KeyValues, PageCache, Sharing):
    """Implements `ports.Store` with SQLite or Postgres."""
