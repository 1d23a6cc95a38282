"""24-hour cache of answers and research. An entry is deleted with the run that produced it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octave_mcp.ports import Notes, Store

MAX_AGE = timedelta(hours=24)
ANSWER, RESEARCH = "answer ", "research "
"""The prefix of the keys, for each kind of cached text."""


async def put(notes: Notes, key: str, text: str, run_id: str) -> None:
    await notes.put_note(key, f"{run_id}\n{text}", run_id=run_id)


async def get(notes: Notes, key: str) -> str | None:
    """The text under the key, unless it has expired."""
    found = await notes.note(key, since=datetime.now(UTC) - MAX_AGE)
    return found.partition("\n")[2] if found else None


async def delete_expired(store: Store) -> None:
    for prefix in (ANSWER, RESEARCH):
        await store.delete_notes(datetime.now(UTC) - MAX_AGE, prefix)
