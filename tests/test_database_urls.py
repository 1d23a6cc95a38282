"""Values of OCTAVE_DATABASE_URL that users are likely to write: each works, or the error suggests a valid value."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from conftest import log_lines, octave
from fastmcp import Client
from fastmcp.exceptions import ToolError
from matrix import sampled
from psycopg import sql
from web import problem_in, serving

from octave_mcp.settings import load
from octave_mcp.surfaces.mcp.server import make

PASSWORD = "hunter22"  # noqa: S105 - invented
LOGIN = f"me:{PASSWORD}@127.0.0.1:1/octave"
POSTGRES, SQLITE = "write postgresql://HOST/DATABASE with", "sqlite:////absolute/path/octave.db"

# Each of these URLs is refused with an error message that contains the given text.
REFUSED = (
    (f"postgresql+psycopg2://{LOGIN}", POSTGRES),
    (f"postgresql+asyncpg://{LOGIN}", POSTGRES),
    (f"postgresql+psycopg_async://{LOGIN}", POSTGRES),
    (f"postgres+pg8000://{LOGIN}", POSTGRES),
    (f"mysql://{LOGIN}", POSTGRES),
    (f"mysql+pymysql://{LOGIN}", POSTGRES),
    (f"mariadb+mariadbconnector://{LOGIN}", POSTGRES),
    (f"jdbc:postgresql://{LOGIN}", POSTGRES),
    (f"redis://{LOGIN}", SQLITE),
    (LOGIN, POSTGRES),
    (f"host=localhost dbname=octave password={PASSWORD}", POSTGRES),
    ("localhost:5432/octave", POSTGRES),
    (f"'postgresql://{LOGIN}'", "quotation mark"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1", "does not name a database"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1:1/", "does not name a database"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1:abc/octave", "port"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1:99999/octave", "port"),
    (f"postgresql://me:{PASSWORD}/octave", "port"),
    (f"postgresql://me:{PASSWORD}@127.0.0.1/octave/more", "in a password, write @ as %40"),
    ("sqlite+aiosqlite:///octave.db", SQLITE),
    ("sqlite+pysqlcipher:///octave.db", SQLITE),
    ("sqlite:octave.db", SQLITE),
    ("sqlite://octave.db", SQLITE),
    ("sqlite://", SQLITE),
    ("sqlite:///:memory:", "in-memory databases"),
    ("sqlite:///file:octave?mode=memory&uri=true", "in-memory databases"),
    ("/var/lib/octave.db", SQLITE),
    ("octave.db", SQLITE),
)
SHORT = {REFUSED[0][0], REFUSED[3][0], REFUSED[9][0], REFUSED[19][0]}
refused = pytest.mark.parametrize(
    ("url", "message"), sampled(REFUSED, lambda row: row[0] in SHORT), ids=lambda row: row[:40]
)

SURFACES = ("postgresql+psycopg2", "postgresql+asyncpg", "mysql", "sqlite+aiosqlite")
on_each_surface = pytest.mark.parametrize("scheme", sampled(SURFACES, lambda scheme: scheme == "postgresql+asyncpg"))


@refused
async def test_a_url_that_cannot_be_used_is_refused_with_the_form_to_write(
    url: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
    ended = await octave("sessions", cwd=tmp_path)

    assert (ended.code, ended.out) == (3, "")
    assert re.fullmatch(r"error: OCTAVE_DATABASE_URL: .*\n", ended.err)
    assert message in ended.err
    assert PASSWORD not in ended.err


@on_each_surface
async def test_over_http_an_unusable_url_is_a_setup_problem_and_the_server_stays_up(scheme: str, home: Path) -> None:
    async with serving(database_url=f"{scheme}://{LOGIN}") as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")
        async with Client(f"{client.base_url}/mcp") as mcp:
            with pytest.raises(ToolError) as failed:
                await mcp.call_tool("list_sessions")

    assert alive.status_code == 200
    assert (ready.status_code, problem_in(ready)["code"]) == (503, "setup")
    logged = next(line["message"] for line in log_lines(home) if line["level"] == "ERROR")
    for text in (problem_in(ready)["detail"], str(failed.value), logged):
        assert "OCTAVE_DATABASE_URL" in text
        assert "; write " in text
        assert PASSWORD not in text


@on_each_surface
async def test_over_mcp_each_call_fails_with_the_form_to_write(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"{scheme}://{LOGIN}")
    async with Client(make()) as client:
        with pytest.raises(ToolError, match=r"^\[setup\] OCTAVE_DATABASE_URL: .*; write ") as failed:
            await client.call_tool("list_sessions")

    assert PASSWORD not in str(failed.value)


@on_each_surface
async def test_the_doctor_reports_the_url_and_still_checks_the_models(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"{scheme}://{LOGIN}")
    ended = await octave("doctor", cwd=tmp_path)
    rows = {re.split("  +", line)[1]: line for line in ended.out.splitlines() if line[:1].isalpha() and "  " in line}

    assert ended.code == 1
    assert rows["store"].startswith("failed")
    assert f"OCTAVE_DATABASE_URL: '{scheme}://'" in rows["store"]
    assert rows["model"].startswith("ok")
    assert "-> write " in ended.out
    assert PASSWORD not in ended.out


@pytest.mark.parametrize(
    "command",
    sampled(("runs", "demo", "export RUN", "cancel RUN", "scrape http://acme.com"), lambda name: name == "runs"),
)
async def test_every_command_that_opens_the_database_refuses_an_unusable_url(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"postgresql+psycopg2://{LOGIN}")
    ended = await octave(*command.replace("RUN", f"run_{'0' * 32}").split(), cwd=tmp_path)

    assert ended.code == 3
    assert "OCTAVE_DATABASE_URL" in ended.err


@pytest.mark.parametrize(
    ("url", "file"),
    sampled(
        [
            ("sqlite:///{home}/a.db", "a.db"),
            ("sqlite+pysqlite:///{home}/a.db", "a.db"),
            ("SQLite:///{home}/a.db", "a.db"),
            ("  sqlite:///{home}/a.db\n", "a.db"),
            ("sqlite:///~/a.db?timeout=7", "a.db"),
            ("sqlite:///a.db", "a.db"),
            ("sqlite:///{home}/a%20%23b.db", "a #b.db"),
            ("  ", "home/octave.db"),
        ],
        lambda row: "~" in row[0],
    ),
)
async def test_the_database_file_is_where_the_url_says(
    url: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url.format(home=tmp_path))
    ended = await octave("sessions", cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert (tmp_path / file).is_file()


@pytest.mark.parametrize("name", ["a?b", "50%25#1"])
def test_a_home_folder_whose_path_has_reserved_characters_contains_the_database(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import make_url

    monkeypatch.setenv("OCTAVE_HOME", str(tmp_path / name))

    assert make_url(load().url).database == str(tmp_path / name / "octave.db")


async def test_a_folder_is_refused_as_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"sqlite:///{tmp_path}")
    ended = await octave("sessions", cwd=tmp_path)

    assert ended.code == 3
    assert f"'{tmp_path}' is a folder" in ended.err


ODD = "p@s/s?#%rd"
WORKING = (
    "postgres://{user}:{written}@{place}/{name}",
    "POSTGRESQL://{user}:{written}@{place}/{name}",
    "postgresql+psycopg://{user}:{encoded}@{place}/{name}?sslmode=disable&application_name=a@b",
    "postgresql://{user}:{written}@{place},127.0.0.1:1/{name}",
    "postgresql:///{name}?user={user}&password={encoded}&host={place}",
    "postgresql://{user}:{encoded}@{place}/?dbname={name}",
)


@pytest.mark.parametrize("form", sampled(WORKING, lambda form: "POSTGRESQL" in form))
async def test_a_postgres_url_works_in_each_of_its_forms_and_with_any_password(
    form: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _, name = postgres_url.rpartition("/")
    place, user = server.rpartition("@")[2], f"me_{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} superuser login").format(sql.Identifier(user)))
    url = form.format(user=user, written=ODD, encoded="p%40s%2Fs%3F%23%25rd", place=place, name=name)
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    listed = await octave("sessions", cwd=tmp_path)
    async with serving() as client:  # unlike `sessions`, a server uses the database for its engine and locks
        ready = await client.get("/readyz")
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("select count(*) from pg_tables where tablename like 'octave%'").fetchone()

    assert listed.code == 0, listed.err
    assert ready.status_code == 200, ready.text
    assert tables
    assert tables[0]


OPTIONS = (
    ("schema=public", 'invalid connection option "schema"'),
    ("sslmode=on", 'invalid sslmode value: "on"'),
    ("channel_binding=yes", 'invalid channel_binding value: "yes"'),
    ("target_session_attrs=rw", 'invalid target_session_attrs value: "rw"'),
    ("connect_timeout=soon", "bad value for connect_timeout: 'soon'"),
    ("keepalives_idle=long", 'invalid integer value "long" for connection option "keepalives_idle"'),
)


@pytest.mark.parametrize(("option", "message"), sampled(OPTIONS, lambda row: row[0] == "sslmode=on"))
async def test_an_option_that_postgres_rejects_is_named(
    option: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"postgresql://{LOGIN}?{option}")
    ended = await octave("sessions", cwd=tmp_path)

    assert ended.code == 3, ended.err
    assert f"OCTAVE_DATABASE_URL: {message}; correct or remove this option in the URL" in ended.err


@pytest.mark.parametrize(
    "url", sampled(("sqlite://", "sqlite:///", "postgresql://", "postgres://"), lambda url: url == "sqlite://")
)
async def test_the_doctor_shows_the_form_to_write_for_a_url_that_is_only_a_scheme(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", url)
    ended = await octave("doctor", cwd=tmp_path)

    assert SQLITE in ended.out or POSTGRES in ended.out
    assert "***" not in ended.out
