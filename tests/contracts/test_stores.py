"""What every store promises."""

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
from octave_mcp.domain.run import RunError, RunRecord
from octave_mcp.domain.versions import Version, first_version, next_version
from octave_mcp.errors import NotFound, Outdated, SetupError, StoreFailed
from octave_mcp.ports import CACHE_MAX_AGE, Store
from octave_mcp.store.sql import SqlStore
from octave_mcp.store.tables import migrations, schema

LONG = 86_400
TEXTS = ("# One\n\nPlain text.", "CRLF\r\nstays\r\n", "中文 é é 🎉\u2028\u00a0", "  spaces  \n\n", "x" * 1_000_000, "")


@pytest.fixture(scope="module")
def database(postgres_server: str) -> str:
    """One database for all these tests: creating it takes longer than any of them."""
    name = f"contracts_{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{postgres_server}/{name}"


@pytest.fixture
def emptied(database: str) -> str:
    """The database, without the tables of the previous test."""
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


def test_every_store_is_under_contract() -> None:
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


def ended(kept: RunRecord, day: int = 3) -> RunRecord:
    return kept.model_copy(
        update={
            "status": "failed",
            "finished_at": datetime(2026, 3, day, tzinfo=UTC),
            "error": RunError(code="internal", message="m"),
            "files": ("a", "b"),
        }
    )


def happened(name: EventName, message: str = "") -> Event:
    return Event(event=name, run_id="run_1", session_id="sess_1", message=message)


async def test_what_is_not_there_is_none_or_nothing(store: Store) -> None:
    assert await store.get_run("run_1") is None
    assert await store.run_of_request("mine") is None
    assert await store.get_playbook("run_1") is None
    assert await store.page_text("0" * 64) is None
    assert await store.session("sess_1") is None
    assert await store.get_value("a", since=FETCHED_AT) is None
    assert await store.runs() == await store.sessions() == await store.unfinished() == []
    assert await store.events("run_1") == []
    assert not await store.update_run(record())


async def test_a_run_is_kept_as_it_was_last_put_until_it_is_final(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    assert await store.get_run("run_1") == first
    assert await store.update_run(ended(first))
    assert not await store.update_run(first)
    assert await store.get_run("run_1") == ended(first)
    assert await store.unfinished() == []


async def test_a_final_record_comes_with_its_event_or_not_at_all(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    assert await store.update_run(ended(first), events=(happened("run_finished", "failed"),))
    assert not await store.update_run(ended(first, day=4), events=(happened("run_finished", "again"),))
    assert [event.message for _, event in await store.events("run_1")] == ["failed"]


async def test_nothing_is_told_of_a_run_that_is_final(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    await store.update_run(ended(first), events=(happened("run_finished", "failed"),))
    await store.append("run_1", [happened("progress", "late")])
    assert [event.message for _, event in await store.events("run_1")] == ["failed"]


async def test_a_run_of_a_session_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="sess_1"):
        await store.add_run(record(), new_session=False)
    assert await store.runs() == []


async def test_the_same_request_id_gives_the_run_that_has_it_even_at_the_same_time(store: Store) -> None:
    asked = [record(f"run_{n}", f"sess_{n}", request_id="mine") for n in range(8)]
    kept = await asyncio.gather(*(store.add_run(one, new_session=True) for one in asked))
    assert len({one.run_id for one in kept}) == 1
    assert await store.runs() == kept[:1]
    assert await store.run_of_request("mine") == kept[0]
    assert len(await store.sessions()) == 1


async def test_runs_and_sessions_come_the_newest_first_and_on_by_the_last_seen(store: Store) -> None:
    for minute in range(5):
        await store.add_run(record(f"run_{minute}", f"sess_{minute}", minute=minute), new_session=True)
    await store.add_run(record("run_5", "sess_0", minute=5), new_session=False)
    assert [run.run_id for run in await store.runs(limit=2)] == ["run_5", "run_4"]
    assert [run.run_id for run in await store.runs(limit=2, after="run_4")] == ["run_3", "run_2"]
    assert [run.run_id for run in await store.runs(session_id="sess_0")] == ["run_5", "run_0"]
    assert [one.session_id for one in await store.sessions(limit=2, after="sess_3")] == ["sess_2", "sess_1"]
    session = await store.session("sess_0")
    assert session
    assert session.runs == 2
    assert session.last_at.minute == 5


async def test_events_are_numbered_in_order_whoever_adds_them(store: Store) -> None:
    for run_id in ("run_1", "run_2"):
        await store.add_run(record(run_id, f"sess_{run_id}"), new_session=True)
    await store.append("run_1", [happened("run_started"), happened("progress", "a")])
    await asyncio.gather(*(store.append("run_1", [happened("progress", f"b{n}")]) for n in range(6)))
    await store.append("run_2", [happened("run_started")])
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
    """The first version of run_1, which is final."""
    first = await store.add_run(record(), new_session=True)
    version = await store.put_version("run_1", generated())
    await store.update_run(ended(first))
    assert version
    return version


async def test_every_version_of_a_playbook_is_kept_whole_with_its_drafts(store: Store) -> None:
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


async def test_a_version_of_an_older_one_is_refused_with_what_has_changed_since(store: Store) -> None:
    first = await finished(store)
    second = edited(first)
    await store.put_version("run_1", second)
    await store.put_version("run_1", edited(second, "Bob"))
    with pytest.raises(Outdated) as refused:
        await store.put_version("run_1", edited(first, "Cleo"))
    told = str(refused.value)
    assert "version 1 of the playbook of run 'run_1' is not the newest" in told
    assert re.search(r"version 2 by Ann on \S+ \S+ UTC \(edited trial_plan\); version 3 by Bob on", told)
    assert [meta.by for meta in await store.versions("run_1")] == [first.meta.by, "Ann", "Bob"]


async def test_of_versions_put_at_the_same_time_one_is_stored_and_the_others_are_refused(
    store: Store, url: str
) -> None:
    first = await finished(store)
    other = SqlStore(url)  # as that of another process
    await other.open()
    puts = [(store, other)[n % 2].put_version("run_1", edited(first, f"person {n}")) for n in range(8)]
    done = await asyncio.gather(*puts, return_exceptions=True)
    stored = [one for one in done if isinstance(one, Version)]
    assert [one.meta for one in stored] == (await store.versions("run_1"))[1:]
    assert len(stored) == 1
    assert sum(isinstance(one, Outdated) for one in done) == 7
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


async def test_an_execution_that_has_lost_its_run_makes_no_version_of_another_playbook(store: Store) -> None:
    first = await finished(store)
    await store.add_run(record("run_2", "sess_1"), new_session=False)
    revised = next_version(first, first.playbook, made="revised", by="scripted", run_id="run_2", section="brief")
    for epoch in (1, 2):
        await store.begin_execution("run_2", epoch - 1)
    assert await store.of_execution(1).put_version("run_1", revised) is None
    assert await store.of_execution(2).put_version("run_1", revised) == revised


async def test_a_run_whose_playbook_was_changed_is_as_old_as_its_newest_version(store: Store) -> None:
    first = await finished(store)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert await store.ended_before(first.meta.at) == []
    assert [run.run_id for run in await store.ended_before(soon)] == ["run_1"]


async def test_the_text_of_a_page_is_stored_unchanged(store: Store) -> None:
    await store.add_run(record(), new_session=True)
    for number, text in enumerate(TEXTS):
        kept = page(f"https://lumenforge.example/{number}", text)
        (key,) = await store.put_pages("run_1", [kept])
        assert await store.page_text(kept.ref.sha256) == text
        assert await store.pages("run_1", [key]) == (kept,)


async def test_a_page_is_found_by_its_text_whichever_run_read_it(store: Store) -> None:
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    both, own = page("https://lumenforge.example/", "Both read this."), page("https://lumenforge.example/a", "One did.")
    await store.put_pages("run_1", [both])
    await store.put_pages("run_2", [both, own])
    wanted = {both.ref.sha256, own.ref.sha256}

    assert await store.pages_with_texts({*wanted, "0" * 64}) == {one.ref.sha256: one for one in (both, own)}
    assert await store.pages_with_texts(set()) == {}
    await store.delete_session("sess_2")
    assert await store.pages_with_texts(wanted) == {both.ref.sha256: both}


async def test_pages_come_in_the_order_of_their_keys_and_may_be_put_at_the_same_time(store: Store) -> None:
    read = [page(f"https://lumenforge.example/{n}", "Said twice." if n % 2 else f"Said {n}.") for n in range(6)]
    for number in range(4):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    orders = [read, read[::-1], read[3:] + read[:3]] * 4
    many = await asyncio.gather(*(store.put_pages(f"run_{n % 4}", order) for n, order in enumerate(orders)))
    assert len({frozenset(keys) for keys in many}) == 1
    for number in range(4):
        assert await store.pages(f"run_{number}", many[0][::-1]) == tuple(read[::-1])


async def test_nothing_is_kept_for_a_run_that_is_final_or_gone(store: Store) -> None:
    first = await store.add_run(record(), new_session=True)
    await store.update_run(ended(first))
    kept = page("https://lumenforge.example/", "Too late.")
    for run_id in ("run_1", "run_2"):
        await store.put_pages(run_id, [kept])
        assert await store.put_version(run_id, generated(run_id)) is None
        assert await store.get_playbook(run_id) is None
    assert await store.page_text(kept.ref.sha256) is None


async def test_a_text_that_another_run_is_about_to_need_outlives_the_one_that_brought_it(store: Store) -> None:
    read = [page(f"https://lumenforge.example/{n}", f"Said {n}.") for n in range(6)]
    for number in range(10):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)

    async def come_and_go(number: int) -> None:
        keys = await store.put_pages(f"run_{number}", read)
        assert await store.pages(f"run_{number}", keys) == tuple(read)
        await store.delete_session(f"sess_{number}")

    await asyncio.gather(*(come_and_go(number) for number in range(10)))


async def test_an_invalid_digest_finds_no_text(store: Store) -> None:
    for digest in ("", "../../etc/passwd", "a/b", "..", "0" * 63 + "."):
        assert await store.page_text(digest) is None


async def test_what_is_deleted_is_gone_and_what_others_need_stays(store: Store) -> None:
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}", minute=number), new_session=True)
        await store.put_pages(f"run_{number}", [page("https://lumenforge.example/", "Both read this.")])
        await store.append(f"run_{number}", [happened("run_started")])
        await store.put_version(f"run_{number}", generated(f"run_{number}"))
    only = page("https://lumenforge.example/a", "One read this.")
    await store.put_pages("run_1", [only])
    await store.delete_runs(["run_1"])
    assert [run.run_id for run in await store.runs()] == ["run_2"]
    assert [one.session_id for one in await store.sessions()] == ["sess_2"]
    assert await store.events("run_1") == []
    assert await store.get_playbook("run_1") is None
    assert await store.versions("run_1") == []
    assert await store.page_text(only.ref.sha256) is None
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


async def test_a_note_is_found_for_as_long_as_it_is_fresh(store: Store) -> None:
    await store.put_value("https://a.example/robots.txt", "old")
    await store.put_value("https://a.example/robots.txt", "")
    assert await store.get_value("https://a.example/robots.txt", since=FETCHED_AT) == ""
    assert await store.get_value("https://a.example/robots.txt", since=datetime(2100, 1, 1, tzinfo=UTC)) is None


async def test_of_many_executions_those_that_have_lost_their_run_are_found(store: Store) -> None:
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


async def test_of_many_questions_those_with_an_answer_are_found(store: Store) -> None:
    for run_id in ("run_1", "run_2"):
        await store.add_run(record(run_id, f"sess_{run_id}"), new_session=True)
        for question_id in ("q_a", "q_b"):
            await store.put_question(run_id, asked(question_id))
    await store.put_answer("run_1", "q_a", "{}")
    await store.put_answer("run_2", "q_b", "{}")

    waited_for = [(run, question) for run in ("run_1", "run_2", "run_3") for question in ("q_a", "q_c")]
    found = await store.answered([*waited_for, ("run_2", "q_b")])
    assert sorted(found) == [("run_1", "q_a"), ("run_2", "q_b")]
    assert await store.answered([]) == []


def asked(question_id: str) -> QuestionRecord:
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


async def test_what_is_kept_outlives_the_store_that_kept_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    store = SqlStore(url)
    await store.open()
    kept = await store.add_run(record(), new_session=True)
    await store.close()
    store = SqlStore(url)
    await store.open()
    assert await store.get_run("run_1") == kept
    await store.close()


async def test_a_database_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "octave.db")) as db:
        db.execute("create table octave_schema (version integer primary key)")
        db.execute("insert into octave_schema values (99)")
        db.commit()
    with pytest.raises(SetupError, match=r"newer octave-mcp .* upgrade"):
        await SqlStore(f"sqlite:///{tmp_path / 'octave.db'}").open()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read", b"\x00" * 4096])
async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "octave.db").write_bytes(content)
    with pytest.raises(StoreFailed, match="cannot be used"):
        await SqlStore(f"sqlite:///{tmp_path / 'octave.db'}").open()


async def test_a_record_that_something_else_has_changed_is_named_and_not_shown(tmp_path: Path) -> None:
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


async def test_nothing_new_is_put_for_a_run_that_is_gone(store: Store) -> None:
    asked = QuestionRecord(
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
    await store.put_cached({"key": a_copy()}, owner="me", leased=(), run_id="run_1")
    await store.use_cached(["key"], "run_1")
    await store.put_question("run_1", asked)

    assert await store.get_value("answer 1", since=FETCHED_AT) is None
    assert await store.cached(["key"]) == {}
    assert await store.questions("run_1") == []


# Copies of what sources found


def a_copy(path: str = "/a", *, kept_at: datetime | None = None) -> CacheEntry:
    return CacheEntry(
        found=page(f"https://acme.com{path}", f"# {path}\n\n中文 🎉"), kept_at=kept_at or datetime.now(UTC), etag='"1"'
    )


async def test_copies_are_as_they_were_kept_whatever_was_found(store: Store) -> None:
    found = (
        a_copy(),
        CacheEntry(found=PageFailure(url="https://acme.com/b", code="http_404", reason="The site answers 404")),
        CacheEntry(
            found=Addresses(links=(Link(url="https://acme.com/c", text="C"),)), last_modified="Mon, 02 Mar 2026"
        ),
    )
    kept = {str(at): copy for at, copy in enumerate(found)}
    await store.put_cached(kept, owner="me", leased=())

    assert await store.cached([*kept, "none"]) == kept


async def test_a_copy_takes_the_place_of_an_older_one(store: Store) -> None:
    newer = a_copy("/newer")
    await store.put_cached({"key": a_copy("/older")}, owner="me", leased=())
    await store.put_cached({"key": newer}, owner="me", leased=())

    assert await store.cached(["key"]) == {"key": newer}


async def test_copies_go_after_a_month(store: Store) -> None:
    old = a_copy(kept_at=datetime.now(UTC) - CACHE_MAX_AGE - timedelta(minutes=1))
    await store.put_cached({"old": old}, owner="me", leased=())
    await store.put_cached({"new": a_copy()}, owner="me", leased=())

    assert set(await store.cached(["old", "new"])) == {"new"}


async def test_what_one_may_fetch_nobody_else_may(store: Store) -> None:
    assert await store.lease(["a", "b"], "me", seconds=LONG) == {"a", "b"}
    assert await store.lease(["b", "c"], "you", seconds=LONG) == {"c"}
    assert await store.lease(["a", "b"], "me", seconds=LONG) == {"a", "b"}
    await store.put_cached({"a": a_copy()}, owner="me", leased=["a", "b", "c"])
    assert await store.lease(["a", "b", "c"], "him", seconds=LONG) == {"a", "b"}


async def test_a_lease_that_has_run_out_is_anybodys(store: Store) -> None:
    await store.lease(["a"], "me", seconds=-1)
    assert await store.lease(["a"], "you", seconds=LONG) == {"a"}


async def test_of_many_who_want_the_same_at_once_each_gets_something_else(store: Store) -> None:
    keys = [str(at) for at in range(20)]
    taken = await asyncio.gather(*(store.lease(keys[at:], f"owner {at}", seconds=LONG) for at in range(20)))

    assert sorted(key for some in taken for key in some) == sorted(keys)


async def test_what_is_cached_goes_with_the_last_run_that_uses_it(store: Store) -> None:
    robots = {name: f"https://{name}.example/robots.txt" for name in ("a", "b")}
    for number in (1, 2):
        await store.add_run(record(f"run_{number}", f"sess_{number}"), new_session=True)
    await store.use_cached(["one", "both", robots["a"], robots["b"]], "run_1")
    await store.use_cached(["both", robots["b"]], "run_2")
    for again in ([], ["both"]):
        await store.use_cached(again, "run_2")
    await store.put_cached({key: a_copy() for key in ("one", "both", "nobody")}, owner="me", leased=(), run_id="run_1")
    for url in robots.values():
        await store.put_value(url, "", run_id="run_1")

    await store.delete_session("sess_1")
    assert (await store.cached(["one", "both", "nobody"])).keys() == {"both"}
    assert [await store.get_value(url, since=FETCHED_AT) for url in robots.values()] == [None, ""]
    await store.delete_runs(["run_2"])
    assert await store.cached(["both"]) == {}
    assert await store.get_value(robots["b"], since=FETCHED_AT) is None
