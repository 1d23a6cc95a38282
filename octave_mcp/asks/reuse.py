"""What is kept for a day for whoever asks the same: under the run that found it, with which it is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octave_mcp.ports import Notes, Store

KEPT = timedelta(hours=24)
ANSWER, RESEARCH = "answer ", "research "
"""How the keys begin of what is kept."""


async def keep(notes: Notes, key: str, text: str, run_id: str) -> None:
    await notes.put_note(key, f"{run_id}\n{text}")


async def kept(notes: Notes, key: str) -> str | None:
    """The text of that key, if it was kept within a day."""
    found = await notes.note(key, since=datetime.now(UTC) - KEPT)
    return found.partition("\n")[2] if found else None


async def remove_old(store: Store) -> None:
    for kind in (ANSWER, RESEARCH):
        await store.delete_notes(datetime.now(UTC) - KEPT, kind)
