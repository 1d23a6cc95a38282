"""What every store promises."""

from __future__ import annotations

import asyncio
import pkgutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playbooks import sample_playbook
from scripted import asked_for, page

import octave_mcp.store
from octave_mcp.domain.run import RunError, RunRecord
from octave_mcp.ports import Store
from octave_mcp.store.memory import MemoryStore

TEXTS = ("# One\n\nPlain text.", "CRLF\r\nstays\r\n", "中文 é é 🎉\u2028\u00a0", "  spaces  \n\n", "x" * 1_000_000, "")


@pytest.fixture(params=["memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    assert request.param == "memory"
    return MemoryStore(tmp_path)


def test_every_store_is_under_contract() -> None:
    assert sorted(module.name for module in pkgutil.iter_modules(octave_mcp.store.__path__)) == ["memory"]


def record(run_id: str = "run_1") -> RunRecord:
    return RunRecord(
        run_id=run_id,
        session_id="sess_1",
        request=asked_for(context="“a” — b"),
        status="queued",
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert await store.get_run("run_1") is None
    assert await store.get_playbook("run_1") is None
    assert await store.page_text("0" * 64) is None


async def test_a_run_is_kept_as_it_was_last_put(store: Store) -> None:
    first = record()
    await store.put_run(first)
    assert await store.get_run("run_1") == first
    ended = first.model_copy(
        update={
            "status": "failed",
            "finished_at": datetime(2026, 3, 3, tzinfo=UTC),
            "error": RunError(code="internal", message="m"),
            "files": ("a", "b"),
        }
    )
    await store.put_run(ended)
    await store.put_run(record("run_2"))
    assert await store.get_run("run_1") == ended
    assert await store.get_run("run_2") == record("run_2")


async def test_a_playbook_is_kept_whole(store: Store) -> None:
    playbook = sample_playbook()
    await store.put_playbook("run_1", playbook)
    assert await store.get_playbook("run_1") == playbook
    assert await store.get_playbook("run_2") is None


@pytest.mark.parametrize("text", TEXTS)
async def test_the_text_of_a_page_is_kept_to_the_character(store: Store, text: str) -> None:
    kept = page("https://lumenforge.example/", text)
    await store.put_page(kept)
    assert await store.page_text(kept.ref.sha256) == text


async def test_a_page_may_be_put_again_and_at_the_same_time(store: Store) -> None:
    kept = page("https://lumenforge.example/", "Said twice.")
    await asyncio.gather(*(store.put_page(kept) for _ in range(20)))
    assert await store.page_text(kept.ref.sha256) == "Said twice."


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a/b", "..", "0" * 63 + "."])
async def test_what_is_no_digest_leads_nowhere(store: Store, digest: str) -> None:
    assert await store.page_text(digest) is None


async def test_page_texts_outlive_the_store_that_kept_them(store: Store, tmp_path: Path) -> None:
    kept = page("https://lumenforge.example/", "Said once.")
    await store.put_page(kept)
    assert await MemoryStore(tmp_path).page_text(kept.ref.sha256) == "Said once."
