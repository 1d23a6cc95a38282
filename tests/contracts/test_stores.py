"""Contract tests for the SQL store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import pkgutil
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playbooks import sample_drafts, sample_playbook
from psycopg import sql
from scripted import FETCHED_AT, asked_for, page

import octave_mcp.store
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.page import Addresses, CacheEntry, Link, PageFailure
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import Revision, RunError, RunRecord
from octave_mcp.domain.versions import Version, first_version, next_version
from octave_mcp.errors import NotFound, Outdated, SetupError, StoreFailed
from octave_mcp.ports import CACHE_MAX_AGE, Store
from octave_mcp.store.sql import SqlStore
from octave_mcp.store.tables import migrations, schema

LONG = 86_400
TEXTS = ("# One\n\nPlain text.", "CRLF\r\nstays\r\n", "中文 é é 🎉\u2028\u00a0", "  spaces  \n\n", "x" * 1_000_000, "")


@pytest.fixture(scope="module")
def database(postgres_server: str) -> str:
    """A database that all tests in this module share, because creating a database takes longer than any test."""
    name = f"contracts_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres_server}/{name}"


@pytest.fixture
def emptied(database: str) -> str:
    """Delete all rows from the shared database before a test."""
    with psycopg.connect(database, autocommit=True) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        if tables := [sql.Identifier(name) for (name,) in rows if name not in {schema.name, migrations.name}]:
            connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(tables)))
    return database


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("emptied") if request.param == "postgres" else f"sqlite:///{tmp_path / 'octave.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = SqlStore(url)
    await store.open()
    yield store
    await store.close()


def test_every_store_is_covered_by_the_contract_tests() -> None:
    modules = [
        import_module(f"octave_mcp.store.{found.name}") for found in pkgutil.iter_modules(octave_mcp.store.__path__)
    ]
    assert [module.__name__ for module in modules if hasattr(module, "make")] == ["octave_mcp.store.sql"]


def record(run_id: str = "run_1", session_id: str = "sess_1", *, minute: int = 0, **request: Any) -> RunRecord:  # noqa: ANN401
    return RunRecord(
        run_id=run_id,
        session_id=session_id,
        request=asked_for(context="“a” — b", **request),
        status="queued",
        model="scripted",
        source="scripted",
        created_at=datetime(2026, 3, 2, 9, minute, tzinfo=UTC),
    )


def ended(run: RunRecord, day: int = 3) -> RunRecord:
    return run.model_copy(
        update={
            "status": "failed",
            "finished_at": datetime(2026, 3, day, tzinfo=UTC),
            "error": RunError(code="internal", message="m"),
            "files": ("a", "b"),
        }
    )


def event_of(name: EventName, message: str = "") -> Event:
    return Event(event=name, run_id="run_1", session_id="sess_1", message=message)


async def test_reading_missing_records_returns_none_or_an_empty_list(store: Store) -> None:
    assert await store.get_run("run_1") is None
    assert await store.run_of_request("mine") is None
    assert await store.get_playbook("run_1") is None
    assert await store.page_text("0" * 64) is None
    assert await store.session("sess_1") is None
    assert await store.get_value("a", since=FETCHED_AT) is None
    assert await store.runs() == await store.sessions() == await store.unfinished() == []
    assert await store.events("run_1") == []
    assert not await store.update_run(record())


async def test_a_run_can_be_updated_until_it_is_final(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    assert await store.get_run("run_1") == first
    assert await store.update_run(ended(first))
    assert not await store.update_run(first)
    assert await store.get_run("run_1") == ended(first)
    assert await store.unfinished() == []


async def test_a_final_record_and_its_event_are_stored_together_or_not_at_all(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    assert await store.update_run(ended(first), events=(event_of("run_finished", "failed"),))
    assert not await store.update_run(ended(first, day=4), events=(event_of("run_finished", "again"),))
    assert [event.message for _, event in await store.events("run_1")] == ["failed"]


async def test_no_event_is_added_to_a_final_run(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    await store.update_run(ended(first), events=(event_of("run_finished", "failed"),))
    await store.append("run_1", [event_of("progress", "late")])
    assert [event.message for _, event in await store.events("run_1")] == ["failed"]


async def test_a_run_of_an_unknown_session_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="sess_1"):
        await store.add_run(record(), new_session=False)
    assert await store.runs() == []


async def test_concurrent_requests_with_the_same_id_get_the_same_run(store: Store) -> None:
    records = [record(f"run_{n}", f"sess_{n}", request_id="mine") for n in range(8)]
    stored = await asyncio.gather(*(store.add_run(run, new_session=True) for run in records))
    assert len({run.run_id for run in stored}) == 1
    assert await store.runs() == stored[:1]
    assert await store.run_of_request("mine") == stored[0]
    assert len(await store.sessions()) == 1


async def test_runs_and_sessions_are_listed_newest_first_and_in_pages(store: Store) -> None:
    for minute in range(5):
        await store.add_run(record(f"run_{minute}", f"sess_{minute}", minute=minute), new_session=True)
    await store.add_run(record("run_5", "sess_0", minute=5), new_session=False)
    assert [run.run_id for run in await store.runs(limit=2)] == ["run_5", "run_4"]
    assert [run.run_id for run in await store.runs(limit=2, after="run_4")] == ["run_3", "run_2"]
    assert [run.run_id for run in await store.runs(session_id="sess_0")] == ["run_5", "run_0"]
    assert [listed.session_id for listed in await store.sessions(limit=2, after="sess_3")] == ["sess_2", "sess_1"]
    session = await store.session("sess_0")
    assert session
    assert session.runs == 2
    assert session.last_at.minute == 5


async def test_events_of_a_run_are_numbered_in_order_even_if_added_concurrently(store: Store) -> None:
    for run_id in ("run_1", "run_2"):
        await store.add_run(record(run_id, f"sess_{run_id}"), new_session=True)
    await store.append("run_1", [event_of("run_started"), event_of("progress", "a")])
    await asyncio.gather(*(store.append("run_1", [event_of("progress", f"b{n}")]) for n in range(6)))
    await store.append("run_2", [event_of("run_started")])
    numbers = [number for number, _ in await store.events("run_1")]
    assert numbers == list(range(1, 9))
    assert [number for number, _ in await store.events("run_1", after=6)] == [7, 8]
    assert [event.message for _, event in (await store.events("run_1"))[:2]] == ["", "a"]
    assert await store.last_events("run_1", 2) == await store.events("run_1", after=6)


def generated(run_id: str = "run_1") -> Version:
    return first_version(run_id, sample_playbook(), sample_drafts())


def edited(base: Version, by: str = "Ann") -> Version:
    playbook = base.playbook.model_copy(update={"trial_plan": (f"Week {base.meta.number}: ask {by}.",)})
    return next_version(base, playbook, made="edited", by=by, run_id=None, section="trial_plan")


async def finished(store: Store) -> Version:
    """Store a finished run with a playbook, and return the first version of the playbook."""
    first = await store.add_run(record(), new_session=True)
    version = await store.put_version("run_1", generated())
    await store.update_run(ended(first))
    assert version
    return version


async def test_every_version_of_a_playbook_is_stored_in_full_with_its_drafts(store: Store) -> None:
    first = await finished(store)
    second = edited(first)
    assert await store.put_version("run_1", second) == second
    assert await store.get_version("run_1", 1) == first
    assert await store.get_version("run_1") == second
    assert await store.get_playbook("run_1") == second.playbook
    assert await store.get_playbook("run_1", 1) == first.playbook
    assert await store.versions("run_1") == [first.meta, second.meta]
    assert await store.get_version("run_1", 3) is await store.get_playbook("run_1", 3) is None
    assert await store.get_playbook("run_2") is None
    assert await store.versions("run_2") == []


async def test_a_run_is_read_with_the_versions_of_its_playbook_once_it_is_final(store: Store) -> None:
    await store.add_run(record(), new_session=True)
    first = await store.put_version("run_1", generated())
    assert first
    assert await store.run_and_versions("run_1") == (record(), [])
    await store.update_run(ended(record()))
    revision = record("run_2", "sess_1").model_copy(
        update={"revision": Revision(run_id="run_1", section="brief", instruction="", base_version=1)}
    )
    await store.add_run(revision, new_session=False)
    await store.update_run(ended(revision))
    second = edited(first)
    await store.put_version("run_1", second)

    assert await store.run_and_versions("run_1") == (ended(record()), [first.meta, second.meta])
    assert await store.run_and_versions("run_2") == (ended(revision), [first.meta, second.meta])
    assert await store.run_and_versions("run_3") is None


async def test_a_version_based_on_an_outdated_one_is_refused_with_the_changes_since(store: Store) -> None:
    first = await finished(store)
    second = edited(first)
    await store.put_version("run_1", second)
    await store.put_version("run_1", edited(second, "Bob"))
    with pytest.raises(Outdated) as refused:
        await store.put_version("run_1", edited(first, "Cleo"))
    message = str(refused.value)
    assert "version 1 of the playbook of run 'run_1' is not the newest" in message
    assert re.search(r"version 2 by Ann on \S+ \S+ UTC \(edited trial_plan\); version 3 by Bob on", message)
    assert [meta.by for meta in await store.versions("run_1")] == [first.meta.by, "Ann", "Bob"]


async def test_one_of_several_concurrent_versions_is_stored_and_the_others_are_refused(store: Store, url: str) -> None:
    first = await finished(store)
    other = SqlStore(url)  # this object acts as the store of another process
    await other.open()
    puts = [(store, other)[n % 2].put_version("run_1", edited(first, f"person {n}")) for n in range(8)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    stored = [result for result in results if isinstance(result, Version)]
    assert [result.meta for result in stored] == (await store.versions("run_1"))[1:]
    assert len(stored) == 1
    assert sum(isinstance(result, Outdated) for result in results) == 7
    await other.close()


async def test_a_run_makes_one_version_however_often_it_is_executed(store: Store) -> None:
    await store.add_run(record(), new_session=True)
    first, again = generated(), generated()
    assert await store.put_version("run_1", first) == first
    assert await store.put_version("run_1", again) == first
    await store.update_run(ended(record()))
    await store.add_run(record("run_2", "sess_1"), new_session=False)
    revised = next_version(first, first.playbook, made="revised", by="scripted", run_id="run_2", section="brief")
    assert await store.put_version("run_1", revised) == revised
    assert await store.put_version("run_1", edited(revised))
    assert await store.put_version("run_1", revised) == revised
    assert [meta.made for meta in await store.versions("run_1")] == ["generated", "revised", "edited"]


async def test_an_execution_that_has_lost_its_run_adds_no_version(store: Store) -> None:
    first = await finished(store)
    await store.add_run(record("run_2", "sess_1"), new_session=False)
    revised = next_version(first, first.playbook, made="revised", by="scripted", run_id="run_2", section="brief")
    for epoch in (1, 2):
        await store.begin_execution("run_2", epoch - 1)
    assert await store.of_execution(1).put_version("run_1", revised) is None
    assert await store.of_execution(2).put_version("run_1", revised) == revised


async def test_the_age_of_a_run_is_that_of_its_newest_version(store: Store) -> None:
    first = await finished(store)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert await store.ended_before(first.meta.at) == []
    assert [run.run_id for run in await store.ended_before(soon)] == ["run_1"]


async def test_the_text_of_a_page_is_stored_unchanged(store: Store) -> None:
    await store.add_run(record(), new_session=True)
    for number, text in enumerate(TEXTS):
        stored = page(f"https://lumenforge.example/{number}", text)
        (key,) = await store.put_pages("run_1", [stored])
        assert await store.page_text(stored.ref.sha256) == text
        assert await store.pages("run_1", [key]) == (stored,)


async def test_a_page_is_found_by_the_digest_of_its_text_whichever_run_read_it(store: Store) -> None:
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    shared, own = (
        page("https://lumenforge.example/", "Both read this."),
        page("https://lumenforge.example/a", "One did."),
    )
    await store.put_pages("run_1", [shared])
    await store.put_pages("run_2", [shared, own])
    wanted = {shared.ref.sha256, own.ref.sha256}

    assert await store.pages_with_texts({*wanted, "0" * 64}) == {read.ref.sha256: read for read in (shared, own)}
    assert await store.pages_with_texts(set()) == {}
    await store.delete_session("sess_2")
    assert await store.pages_with_texts(wanted) == {shared.ref.sha256: shared}


async def test_pages_are_returned_in_the_order_of_their_keys_after_concurrent_writes(store: Store) -> None:
    read = [page(f"https://lumenforge.example/{n}", "Said twice." if n % 2 else f"Said {n}.") for n in range(6)]
    for number in range(4):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    orders = [read, read[::-1], read[3:] + read[:3]] * 4
    many = await asyncio.gather(*(store.put_pages(f"run_{n % 4}", order) for n, order in enumerate(orders)))
    assert len({frozenset(keys) for keys in many}) == 1
    for number in range(4):
        assert await store.pages(f"run_{number}", many[0][::-1]) == tuple(read[::-1])


async def test_no_page_or_playbook_is_stored_for_a_final_or_unknown_run(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    await store.update_run(ended(first))
    late = page("https://lumenforge.example/", "Too late.")
    for run_id in ("run_1", "run_2"):
        await store.put_pages(run_id, [late])
        assert await store.put_version(run_id, generated(run_id)) is None
        assert await store.get_playbook(run_id) is None
    assert await store.page_text(late.ref.sha256) is None


async def test_a_text_survives_the_deletion_of_its_run_while_other_runs_store_it(store: Store) -> None:
    read = [page(f"https://lumenforge.example/{n}", f"Said {n}.") for n in range(6)]
    for number in range(10):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)

    async def store_and_delete(number: int) -> None:
        keys = await store.put_pages(f"run_{number}", read)
        assert await store.pages(f"run_{number}", keys) == tuple(read)
        await store.delete_session(f"sess_{number}")

    await asyncio.gather(*(store_and_delete(number) for number in range(10)))


async def test_an_invalid_digest_finds_no_text(store: Store) -> None:
    for digest in ("", "../../etc/passwd", "a/b", "..", "0" * 63 + "."):
        assert await store.page_text(digest) is None


async def test_deleting_a_run_keeps_the_texts_that_other_runs_use(store: Store) -> None:
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}", minute=number), new_session=True)
        await store.put_pages(f"run_{number}", [page("https://lumenforge.example/", "Both read this.")])
        await store.append(f"run_{number}", [event_of("run_started")])
        await store.put_version(f"run_{number}", generated(f"run_{number}"))
    own = page("https://lumenforge.example/a", "One read this.")
    await store.put_pages("run_1", [own])
    await store.delete_runs(["run_1"])
    assert [run.run_id for run in await store.runs()] == ["run_2"]
    assert [session.session_id for session in await store.sessions()] == ["sess_2"]
    assert await store.events("run_1") == []
    assert await store.get_playbook("run_1") is None
    assert await store.versions("run_1") == []
    assert await store.page_text(own.ref.sha256) is None
    assert await store.page_text(page("https://lumenforge.example/", "Both read this.").ref.sha256) is not None
    await store.delete_session("sess_2")
    assert await store.runs() == await store.sessions() == []


async def test_runs_that_ended_before_a_time_are_found(store: Store) -> None:
    for number, day in ((1, 3), (2, 9)):
        first = await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
        await store.update_run(ended(first, day))
    await store.add_run(record("run_3", "sess_3"), new_session=True)
    old = await store.ended_before(datetime(2026, 3, 5, tzinfo=UTC))
    assert [run.run_id for run in old] == ["run_1"]


async def test_a_value_is_found_only_while_it_is_fresh(store: Store) -> None:
    await store.put_value("https://a.example/robots.txt", "old")
    await store.put_value("https://a.example/robots.txt", "")
    assert await store.get_value("https://a.example/robots.txt", since=FETCHED_AT) == ""
    assert await store.get_value("https://a.example/robots.txt", since=datetime(2100, 1, 1, tzinfo=UTC)) is None


async def test_executions_that_have_lost_their_run_are_found(store: Store) -> None:
    runs = [f"run_{number}" for number in (1, 2, 3)]
    for run_id in runs:
        await store.add_run(record(run_id, f"sess_{run_id}"), new_session=True)
    epochs = {run_id: int(await store.begin_execution(run_id, 0)) for run_id in runs}
    assert not await store.begin_execution("run_1", 0)
    assert await store.lost(epochs) == []
    assert await store.lost(epochs | {"run_4": 1}) == ["run_4"]
    assert await store.begin_execution("run_2", 1)
    assert await store.epoch_of("run_2") == 2
    assert await store.lost(epochs) == ["run_2"]
    await store.update_run(ended(record("run_1")))
    assert await store.lost(epochs) == ["run_1", "run_2"]
    assert await store.lost({}) == []


async def test_answered_questions_are_found(store: Store) -> None:
    for run_id in ("run_1", "run_2"):
        await store.add_run(record(run_id, f"sess_{run_id}"), new_session=True)
        for question_id in ("q_a", "q_b"):
            await store.put_question(run_id, question_record(question_id))
    await store.put_answer("run_1", "q_a", "{}")
    await store.put_answer("run_2", "q_b", "{}")

    waited_for = [(run, question) for run in ("run_1", "run_2", "run_3") for question in ("q_a", "q_c")]
    found = await store.answered([*waited_for, ("run_2", "q_b")])
    assert sorted(found) == [("run_1", "q_a"), ("run_2", "q_b")]
    assert await store.answered([]) == []


def question_record(question_id: str) -> QuestionRecord:
    return QuestionRecord(
        question_id=question_id,
        prompt="research/urls",
        version=1,
        instructions="",
        material="",
        answer_schema={},
        tokens=1,
        asked_at=datetime.now(UTC),
    )


async def test_a_run_is_found_after_the_store_was_closed_and_reopened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    store = SqlStore(url)
    await store.open()
    stored = await store.add_run(record(), new_session=True)
    await store.close()
    store = SqlStore(url)
    await store.open()
    assert await store.get_run("run_1") == stored
    await store.close()


async def test_a_database_of_a_newer_release_is_refused_with_advice(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "octave.db")) as db:
        db.execute("create table octave_schema (version integer primary key)")
        db.execute("insert into octave_schema values (99)")
        db.commit()
    with pytest.raises(SetupError, match=r"newer octave-mcp .* upgrade"):
        await SqlStore(f"sqlite:///{tmp_path / 'octave.db'}").open()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read", b"\x00" * 4096])
async def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "octave.db").write_bytes(content)
    with pytest.raises(StoreFailed, match="cannot be used"):
        await SqlStore(f"sqlite:///{tmp_path / 'octave.db'}").open()


async def test_the_error_for_a_corrupt_record_names_its_type_and_hides_its_content(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    await store.add_run(record(), new_session=True)
    with closing(sqlite3.connect(tmp_path / "octave.db")) as db:
        db.execute("""update runs set record = '{"run_id": "a-secret"}'""")
        db.commit()
    with pytest.raises(StoreFailed, match="RunRecord cannot be read") as refused:
        await store.get_run("run_1")
    assert "a-secret" not in str(refused.value)
    await store.close()


async def test_no_value_cache_entry_or_question_is_stored_for_an_unknown_run(store: Store) -> None:
    question = QuestionRecord(
        question_id="q_1",
        prompt="p",
        version=1,
        instructions="i",
        material="m",
        answer_schema={},
        tokens=1,
        asked_at=FETCHED_AT,
    )
    await store.put_value("answer 1", "run_1\nsaid", run_id="run_1")
    await store.put_cached({"key": cache_entry()}, owner="me", leased=(), run_id="run_1")
    await store.use_cached(["key"], "run_1")
    await store.put_question("run_1", question)

    assert await store.get_value("answer 1", since=FETCHED_AT) is None
    assert await store.cached(["key"]) == {}
    assert await store.questions("run_1") == []


# Cache of sources


def cache_entry(path: str = "/a", *, kept_at: datetime | None = None) -> CacheEntry:
    return CacheEntry(
        found=page(f"https://acme.com{path}", f"# {path}\n\n中文 🎉"), kept_at=kept_at or datetime.now(UTC), etag='"1"'
    )


async def test_cache_entries_are_returned_as_they_were_stored(store: Store) -> None:
    entries = (
        cache_entry(),
        CacheEntry(found=PageFailure(url="https://acme.com/b", code="http_404", reason="The site responds with 404")),
        CacheEntry(
            found=Addresses(links=(Link(url="https://acme.com/c", text="C"),)), last_modified="Mon, 02 Mar 2026"
        ),
    )
    stored = {str(at): entry for at, entry in enumerate(entries)}
    await store.put_cached(stored, owner="me", leased=())

    assert await store.cached([*stored, "none"]) == stored


async def test_a_cache_entry_replaces_an_older_one(store: Store) -> None:
    newer = cache_entry("/newer")
    await store.put_cached({"key": cache_entry("/older")}, owner="me", leased=())
    await store.put_cached({"key": newer}, owner="me", leased=())

    assert await store.cached(["key"]) == {"key": newer}


async def test_cache_entries_are_deleted_after_a_month(store: Store) -> None:
    old = cache_entry(kept_at=datetime.now(UTC) - CACHE_MAX_AGE - timedelta(minutes=1))
    await store.put_cached({"old": old}, owner="me", leased=())
    await store.put_cached({"new": cache_entry()}, owner="me", leased=())

    assert set(await store.cached(["old", "new"])) == {"new"}


async def test_a_leased_key_cannot_be_leased_by_another_owner(store: Store) -> None:
    assert await store.lease(["a", "b"], "me", seconds=LONG) == {"a", "b"}
    assert await store.lease(["b", "c"], "you", seconds=LONG) == {"c"}
    assert await store.lease(["a", "b"], "me", seconds=LONG) == {"a", "b"}
    await store.put_cached({"a": cache_entry()}, owner="me", leased=["a", "b", "c"])
    assert await store.lease(["a", "b", "c"], "him", seconds=LONG) == {"a", "b"}


async def test_an_expired_lease_can_be_taken_by_another_owner(store: Store) -> None:
    await store.lease(["a"], "me", seconds=-1)
    assert await store.lease(["a"], "you", seconds=LONG) == {"a"}


async def test_concurrent_leases_give_each_key_to_one_owner(store: Store) -> None:
    keys = [str(at) for at in range(20)]
    leases = await asyncio.gather(*(store.lease(keys[at:], f"owner {at}", seconds=LONG) for at in range(20)))

    assert sorted(key for leased in leases for key in leased) == sorted(keys)


async def test_a_cache_entry_is_deleted_with_the_last_run_that_uses_it(store: Store) -> None:
    robots = {name: f"https://{name}.example/robots.txt" for name in ("a", "b")}
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    await store.use_cached(["one", "both", robots["a"], robots["b"]], "run_1")
    await store.use_cached(["both", robots["b"]], "run_2")
    for again in ([], ["both"]):
        await store.use_cached(again, "run_2")
    await store.put_cached(
        {key: cache_entry() for key in ("one", "both", "nobody")}, owner="me", leased=(), run_id="run_1"
    )
    for url in robots.values():
        await store.put_value(url, "", run_id="run_1")

    await store.delete_session("sess_1")
    assert (await store.cached(["one", "both", "nobody"])).keys() == {"both"}
    assert [await store.get_value(url, since=FETCHED_AT) for url in robots.values()] == [None, ""]
    await store.delete_runs(["run_2"])
    assert await store.cached(["both"]) == {}
    assert await store.get_value(robots["b"], since=FETCHED_AT) is None
