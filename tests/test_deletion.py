"""Deleting a session removes all data about its deal from the disk, but keeps data that other sessions need."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
import pytest
from conftest import LoopbackSite, lift_site_timeouts, octave
from doubles import Double
from matrix import sampled
from psycopg import sql

from octave_mcp.app import App
from octave_mcp.demo.sites import Site, load
from octave_mcp.domain.parts import Given
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.settings import load as load_settings
from octave_mcp.tools.registry import ignore_event

LOGS = "logs"
LONG_SECONDS = 1_000_000


def branded(role: Literal["vendor", "prospect"], name: str) -> Site:
    """Return a demo site with an additional sentence on each page.

    The sentences occur on no other site, so data that contains one of them is from this site.
    """
    site = load(role)
    sentence = f"<p>The people of {name} keep {name}-{{path}} for those who ask for it in writing.</p>"
    fragments = (
        replace(fragment, body=f"{fragment.body}\n{sentence.format(path=fragment.path.strip('/') or 'home')}")
        for fragment in site.fragments
    )
    return replace(site, fragments=tuple(fragments))


@dataclass(frozen=True)
class Sites:
    """The sites of two vendors and three prospects, by name."""

    by_name: dict[str, LoopbackSite]

    def host(self, name: str) -> str:
        return self.by_name[name].host

    def traces(self, name: str) -> tuple[bytes, ...]:
        """Return byte strings that identify data about this site: its name, and its address in URLs and file names."""
        host = self.host(name)
        return name.encode(), host.encode(), host.replace(":", "_").encode()


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    roles: dict[str, Literal["vendor", "prospect"]] = {
        "zubrowka": "vendor",
        "yttrium": "vendor",
        "quokka": "prospect",
        "wombat": "prospect",
        "xylem": "prospect",
    }
    found = Sites({name: LoopbackSite(branded(role, name)) for name, role in roles.items()})
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", ",".join(site.host for site in found.by_name.values()))
    monkeypatch.setenv("OCTAVE_VERIFY_MODEL", "none")
    lift_site_timeouts(monkeypatch)
    yield found
    for site in found.by_name.values():
        site.close()


@pytest.fixture(params=sampled(["sqlite", "postgres"], lambda name: name == "sqlite"))
def database(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sqlite":
        return str(home / "octave.db")
    url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
    return url


@asynccontextmanager
async def serving(**settings: Any) -> AsyncGenerator[App]:  # noqa: ANN401 - fields of Settings
    """Open the application in the same way as a server, with the production engine."""
    app = App(load_settings(**settings))
    await app.runs.open()
    try:
        yield app
    finally:
        await app.runs.close(grace_seconds=LONG_SECONDS)


def request_for(sites: Sites, vendor: str, prospect: str, **request: Any) -> PlaybookRequest:  # noqa: ANN401 - fields
    addresses = {"vendor": f"http://{sites.host(vendor)}", "prospect": f"http://{sites.host(prospect)}"}
    return PlaybookRequest(**addresses, max_pages=6, **request)


async def finished_run(app: App, sites: Sites, vendor: str, prospect: str, **request: Any) -> RunRecord:  # noqa: ANN401 - fields
    started = await app.runs.start(request_for(sites, vendor, prospect, **request))
    while not (record := await app.runs.follow(started.run_id, 600, ignore_event)).is_final:
        pass
    assert record.files, record.error
    return record


def change(database: str, statement: LiteralString) -> None:
    if database.startswith("postgres"):
        with psycopg.connect(database) as db:
            db.execute(statement)
    else:
        with closing(sqlite3.connect(database)) as db, db:
            db.execute(statement)


def stored(database: str, home: Path) -> dict[str, bytes]:
    """Return all rows of all tables, and all files in OCTAVE_HOME except log files.

    The database file itself is left out, because SQLite can leave a copy of moved data in the file until the next
    vacuum.
    """
    rows = _of_postgres(database) if database.startswith("postgres") else _of_sqlite(database)
    files = (
        file
        for file in home.rglob("*")
        if file.is_file() and LOGS not in file.parts and not file.name.startswith("octave.db")
    )
    found = {
        f"row {number} of {table}": _plain(row) for table, entries in rows.items() for number, row in enumerate(entries)
    }
    return found | {str(file): str(file).encode() + file.read_bytes() for file in files}


def _of_sqlite(file: str) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(file)) as db:
        names = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        return {name: db.execute(f'select * from "{name}"').fetchall() for name in names}  # noqa: S608 - names from the database itself


def _of_postgres(url: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(url) as db:
        names = db.execute(
            "select schemaname, tablename from pg_tables where schemaname in ('public', 'dbos')"
        ).fetchall()
        return {
            f"{schema}.{name}": db.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, name))).fetchall()
            for schema, name in names
        }


def _plain(row: Iterable[object]) -> bytes:
    return b"\x00".join(_expanded(value) if isinstance(value, bytes) else str(value).encode() for value in row)


def _expanded(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def places(found: dict[str, bytes], traces: Iterable[bytes]) -> dict[str, bytes]:
    """Return the rows and files that contain at least one of the byte strings in `traces`."""
    return {place: trace for place, text in found.items() for trace in traces if trace in text}


async def is_whole(app: App, record: RunRecord) -> bool:
    """Return whether the run's playbook, its files and the pages that the playbook quotes all exist."""
    playbook = await app.runs.playbook(record.run_id)
    assert playbook
    texts = [await app.store.page_text(evidence.page_sha256) for evidence in playbook.evidence.values()]
    return bool(texts) and all(texts) and all(map(os.path.exists, record.files))


def fetch_counts(site: LoopbackSite) -> tuple[int, int]:
    """Return the numbers of requests for robots.txt and for the home page. Every run about the site needs both."""
    return site.hits["/robots.txt"], site.hits["/"]


async def test_deleting_a_session_removes_all_data_of_its_deal_and_none_of_other_deals(
    sites: Sites, database: str, home: Path, double: Double
) -> None:
    async with serving() as app:
        deal = await finished_run(app, sites, "zubrowka", "quokka", model="openai")
        shares_vendor = await finished_run(app, sites, "zubrowka", "wombat", model="openai")
        another = await finished_run(app, sites, "yttrium", "xylem", model="extractive")
        before = stored(database, home)
        await app.runs.delete_session(deal.session_id)
        after = stored(database, home)
        others_are_whole = [await is_whole(app, record) for record in (shares_vendor, another)]
        await finished_run(app, sites, "zubrowka", "xylem", model="extractive")

    assert double.asked
    assert places(before, sites.traces("quokka"))
    assert places(after, (*sites.traces("quokka"), deal.session_id.encode())) == {}
    assert all(places(after, sites.traces(name)) for name in ("zubrowka", "wombat", "yttrium", "xylem"))
    assert others_are_whole == [True, True]
    assert fetch_counts(sites.by_name["zubrowka"]) == fetch_counts(sites.by_name["xylem"]) == (1, 1)


@pytest.mark.long
async def test_deleting_every_session_removes_all_traces_of_every_company(
    sites: Sites, database: str, home: Path, double: Double
) -> None:
    async with serving() as app:
        deals = [
            await finished_run(app, sites, "zubrowka", "quokka", model="openai"),
            await finished_run(app, sites, "zubrowka", "wombat", model="openai"),
            await finished_run(app, sites, "zubrowka", "wombat", model="extractive", refresh=True),
        ]
        await app.runs.websites.scrape([f"http://{sites.host('zubrowka')}/about"], "auto", refresh=False)
        for deal in deals:
            await app.runs.delete_session(deal.session_id)
        after = stored(database, home)

    traces = [trace for name in ("zubrowka", "quokka", "wombat") for trace in sites.traces(name)]
    assert double.asked
    assert places(after, traces) == {}


@pytest.mark.long
async def test_an_expired_run_is_removed_as_completely_as_a_deleted_one(
    sites: Sites, database: str, home: Path, double: Double
) -> None:
    async with serving() as app:
        old = await finished_run(app, sites, "zubrowka", "quokka", model="openai")
        recent = await finished_run(app, sites, "zubrowka", "wombat", model="openai")
    change(database, "update runs set finished_at = '2020-01-01' where created_at = (select min(created_at) from runs)")
    change(database, "update versions set made_at = '2020-01-01' where made_at = (select min(made_at) from versions)")
    async with serving(keep_days=7) as app:
        while [run.run_id for run in await app.runs.list_runs(None, 10, None)] != [recent.run_id]:
            pass
        recent_is_whole = await is_whole(app, recent)
    after = stored(database, home)

    assert double.asked
    assert places(after, (*sites.traces("quokka"), old.session_id.encode())) == {}
    assert recent_is_whole


@pytest.mark.long
async def test_an_expired_refresh_is_kept_with_a_playbook_that_is_still_edited(sites: Sites, database: str) -> None:
    async with serving() as app:
        old, deal = [await finished_run(app, sites, "zubrowka", name) for name in ("quokka", "wombat")]
        refresh = await app.runs.follow((await app.runs.refresh(deal.run_id)).run_id, math.inf, ignore_event)
        part = "executive_summary.why_now"
        await app.runs.versions.edit(deal.run_id, part, Given("Ask them."), base=1, by="Ann")
    change(database, "update runs set finished_at = '2020-01-01'")
    change(database, "update versions set made_at = '2020-01-01' where number = 1")
    async with serving(keep_days=7) as app:
        while old.run_id in (left := [run.run_id for run in await app.runs.list_runs(None, 10, None)]):
            pass

    assert left == [refresh.run_id, deal.run_id]


async def test_cache_entries_of_an_earlier_version_are_removed_with_the_first_deleted_session(
    sites: Sites, database: str, home: Path
) -> None:
    """Earlier releases did not record which runs used a cache entry.

    The first deletion of a session therefore removes every cache entry without a recorded run.
    """
    async with serving() as app:
        deal = await finished_run(app, sites, "zubrowka", "quokka", model="extractive")
        change(database, "delete from cache_uses")
        await app.runs.delete_session(deal.session_id)
        after = stored(database, home)

    assert places(after, (*sites.traces("quokka"), *sites.traces("zubrowka"))) == {}


async def test_a_run_that_another_process_deletes_while_it_reads_stores_nothing_afterwards(
    sites: Sites, database: str, home: Path, tmp_path: Path
) -> None:
    prospect = sites.by_name["quokka"]
    prospect.held_at = 6
    async with serving() as app:
        run = await app.runs.start(request_for(sites, "zubrowka", "quokka", model="extractive"))
        await asyncio.to_thread(prospect.reached.wait)
        deleted = await octave("sessions", "--delete", run.session_id, cwd=tmp_path)
        prospect.gate.set()
    after = stored(database, home)

    assert deleted.code == 0, deleted.err
    assert places(after, (*sites.traces("quokka"), *sites.traces("zubrowka"), run.session_id.encode())) == {}
