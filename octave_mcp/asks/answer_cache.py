"""A 24-hour cache of model answers, research and playbooks.

If a run is deleted, its cache entries are deleted, too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octave_mcp.ports import KeyValues, Store

MAX_AGE = timedelta(hours=24)
ANSWER, RESEARCH, PLAYBOOK = "answer ", "research ", "playbook "


async def put(key_values: KeyValues, key: str, text: str, run_id: str) -> None:
    await key_values.put_value(key, f"{run_id}\n{text}", run_id=run_id)


async def get(key_values: KeyValues, key: str) -> str | None:
    """Return the cached text, or None if the text has expired or was never cached."""
    found = await key_values.get_value(key, since=datetime.now(UTC) - MAX_AGE)
    return found.partition("\n")[2] if found else None


async def delete_expired(store: Store) -> None:
    for prefix in (ANSWER, RESEARCH, PLAYBOOK):
        await store.delete_values(datetime.now(UTC) - MAX_AGE, prefix)
