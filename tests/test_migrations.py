"""A database of an earlier release is upgraded without loss, and a database of a newer release is refused."""

from __future__ import annotations

import gzip
import math
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import LoopbackSite, Pair, allow
from matrix import sampled
from postgres import program

from octave_mcp.app import App
from octave_mcp.demo.sites import load
from octave_mcp.domain.run import RunFilter
from octave_mcp.errors import SetupError
from octave_mcp.settings import load as load_settings
from octave_mcp.store import migrations
from octave_mcp.store.sql import SqlStore
from octave_mcp.store.tables import metadata
from octave_mcp.tools.registry import ignore_event

# SQL dumps of databases from the release without migrations. Each dump contains a finished run, a run that waits for
# answers, and a run in progress. In each dump, placeholders stand for OCTAVE_HOME and for the sites of the run in
# progress. A test that executes this run replaces the placeholders with the addresses of its own sites.
RELEASE = Path(__file__).parent / "fixtures" / "release-1"
FINISHED, WAITING, RUNNING = (f"run_{letter * 32}" for letter in "fed")

DATABASES = sampled(("sqlite", "postgres"), lambda name: name == "sqlite")


@pytest.fixture(params=DATABASES)
def restored(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that restores the database of the earlier release and returns the database's URL."""

    def restore(**sites: str) -> str:
        text = gzip.decompress((RELEASE / f"{request.param}.sql.gz").read_bytes()).decode()
        for name, site in {"OCTAVE_HOME": str(home), **sites}.items():
            text = text.replace(name, site)
        if request.param == "sqlite":
            home.mkdir()
            with closing(sqlite3.connect(home / "octave.db")) as db:
                db.executescript(text)
            return f"sqlite:///{home / 'octave.db'}"
        url: str = request.getfixturevalue("postgres_url")
        monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
        psql = program("psql")
        assert psql
        subprocess.run([psql, "--quiet", url], input=text.encode(), check=True, stdout=subprocess.DEVNULL)
        return url

    return restore


async def test_an_upgraded_database_keeps_its_runs_sessions_playbooks_and_pages(
    restored: Callable[..., str],
) -> None:
    store = SqlStore(restored())
    await store.open()

    runs = await store.runs(limit=10)
    version = await store.get_version(FINISHED)
    assert version
    playbook = version.playbook
    texts = [await store.page_text(evidence.page_sha256) for evidence in playbook.evidence.values()]

    assert {run.run_id: run.status for run in runs} == {FINISHED: "completed", WAITING: "waiting", RUNNING: "running"}
    assert [session.runs for session in await store.sessions()] == [1, 2]
    assert all(
        text and text[evidence.start : evidence.end] == evidence.quote
        for text, evidence in zip(texts, playbook.evidence.values(), strict=True)
    )
    assert await store.versions(FINISHED) == [version.meta]
    assert (version.meta.number, version.meta.made, version.meta.run_id) == (1, "generated", FINISHED)
    assert (version.meta.by, version.drafts) == (playbook.model, None)
    assert len(await store.events(FINISHED)) > 10
    assert len(await store.questions(WAITING)) == 2
    assert await store.shares(FINISHED) == []
    await store.close()


async def test_runs_in_an_upgraded_database_are_found_by_their_companies(restored: Callable[..., str]) -> None:
    store = SqlStore(restored(VENDOR_SITE="Wrenhaul.Example", PROSPECT_SITE="100%.example"))
    await store.open()
    found = {
        part: [run.run_id for run in await store.runs(only=RunFilter(company=part))]
        for part in ("wrenhaul.EXAMPLE", "100%", "127.0.0.1:", "0_.example")
    }

    assert found == {
        "wrenhaul.EXAMPLE": [RUNNING],
        "100%": [RUNNING],
        "127.0.0.1:": [WAITING, FINISHED],
        "0_.example": [],
    }
    await store.close()


async def test_a_run_in_progress_restarts_from_its_first_step_and_reports_it(
    restored: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    allow(pair, monkeypatch)
    restored(VENDOR_SITE=pair.vendor.host, PROSPECT_SITE=pair.prospect.host)
    app = App(load_settings())
    await app.runs.open()
    record = await app.runs.follow(RUNNING, math.inf, ignore_event)
    events = [event async for _, event in app.runs.events(RUNNING)]
    await app.runs.close()
    pair.close()

    assert record.status == "completed"
    assert pair.vendor.hits["/"] == 1
    (resumed,) = [event.message for event in events if event.event == "run_resumed"]
    assert resumed.startswith("restarted from the first step")


def url_of(request: pytest.FixtureRequest, database: str, folder: Path) -> str:
    if database == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{folder / 'octave.db'}"


@pytest.mark.parametrize("database", DATABASES)
async def test_the_migrations_create_the_tables_of_the_current_schema(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    engine = sqlalchemy.create_engine(url_of(request, database, tmp_path))
    with engine.begin() as db:
        migrations.upgrade(db)
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("database", DATABASES)
async def test_the_error_about_a_database_of_a_newer_release_says_what_to_do(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = url_of(request, database, tmp_path)
    store = SqlStore(url)
    await store.open()
    await store.close()
    execute(url, "update octave_migrations set version_num = '9999'")

    with pytest.raises(SetupError, match=r"newer octave-mcp .*9999.*; upgrade octave-mcp, or set OCTAVE_HOME"):
        await SqlStore(url).open()


async def test_an_upgraded_database_is_refused_by_the_release_without_migrations(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'octave.db'}"
    store = SqlStore(url)
    await store.open()
    await store.close()

    # The release that had no migrations refuses a database whose version is not 1.
    assert execute(url, "select max(version) from octave_schema") == 2


def execute(url: str, statement: str) -> Any:  # noqa: ANN401 - the selected value
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as db:
        result = db.execute(sqlalchemy.text(statement))
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value
