"""Sign-ins of browsers end after 12 hours, on request, or when their token is removed from the settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from clocks import set_time
from conftest import command
from matrix import sampled
from test_migrations import execute

from octave_mcp.app import App
from octave_mcp.runs import sign_ins
from octave_mcp.runs.service import Runs
from octave_mcp.runs.sign_ins import SIGN_IN_HOURS, SignIns
from octave_mcp.settings import load

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN, OTHER = "first-token-5c1e90", "second-token-7d2f81"
PROCESSES = 4
PRINT_KEY = """
import asyncio
from octave_mcp.app import App
from octave_mcp.settings import load

async def main():
    runs = App(load(), engine="inline").runs
    await runs.open(executing=False)
    print((await runs.sign_ins.form_key()).hex())
    await runs.close()

asyncio.run(main())
"""


@pytest.fixture(params=sampled(["sqlite", "postgres"], lambda name: name == "sqlite"), autouse=True)
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgres":
        monkeypatch.setenv("OCTAVE_DATABASE_URL", request.getfixturevalue("postgres_url"))
    return request.param


@asynccontextmanager
async def opened() -> AsyncGenerator[Runs]:
    runs = App(load(), engine="inline").runs
    await runs.open(executing=False)
    yield runs
    await runs.close()


@pytest.fixture
async def signed() -> AsyncGenerator[SignIns]:
    async with opened() as runs:
        yield runs.sign_ins


async def test_a_sign_in_is_valid_for_twelve_hours(signed: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, sign_ins, NOON)
    secret = await signed.begin(TOKEN)
    validity: list[bool] = []
    for age in (timedelta(), timedelta(hours=SIGN_IN_HOURS, seconds=-1), timedelta(hours=SIGN_IN_HOURS)):
        set_time(monkeypatch, sign_ins, NOON + age)
        validity.append(await signed.is_valid(secret, [TOKEN]))

    assert SIGN_IN_HOURS == 12
    assert validity == [True, True, False]


async def test_a_sign_in_is_valid_only_while_its_token_is_in_the_settings(signed: SignIns) -> None:
    secret = await signed.begin(TOKEN)

    assert await signed.is_valid(secret, [OTHER, TOKEN])
    assert not await signed.is_valid(secret, [OTHER])
    assert not await signed.is_valid(secret, [])
    assert await signed.is_valid(secret, [TOKEN])


async def test_a_secret_that_began_no_sign_in_is_not_valid(signed: SignIns) -> None:
    secret = await signed.begin(TOKEN)
    for other in ("", "x", secret[:-1], f"{secret}x", TOKEN):
        assert not await signed.is_valid(other, [TOKEN])


async def test_a_sign_in_ends_alone_or_with_all_sign_ins_of_its_token(signed: SignIns) -> None:
    first, second, third = [await signed.begin(TOKEN) for _ in range(3)]
    others = await signed.begin(OTHER)
    await signed.end(first)
    after_one = [await signed.is_valid(secret, [TOKEN, OTHER]) for secret in (first, second, third, others)]
    await signed.end_all(first)  # This sign-in has ended, so it ends no others.
    unchanged = [await signed.is_valid(secret, [TOKEN, OTHER]) for secret in (first, second, third, others)]
    await signed.end_all(second)
    after_all = [await signed.is_valid(secret, [TOKEN, OTHER]) for secret in (first, second, third, others)]

    assert after_one == unchanged == [False, True, True, True]
    assert after_all == [False, False, False, True]


async def test_a_sign_in_is_valid_on_another_server_of_the_same_database() -> None:
    async with opened() as one, opened() as other:
        secret = await one.sign_ins.begin(TOKEN)
        assert await other.sign_ins.is_valid(secret, [TOKEN])
        await other.sign_ins.end(secret)
        assert not await one.sign_ins.is_valid(secret, [TOKEN])


async def test_neither_the_secret_nor_the_token_is_stored(database: str, home: Path) -> None:
    async with opened() as runs:
        secret = await runs.sign_ins.begin(TOKEN)
    stored = contents(home) if database == "sqlite" else rows()

    assert b"sign_ins" in stored
    assert secret.encode() not in stored
    assert TOKEN.encode() not in stored


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def rows() -> bytes:
    """Return the rows of the table in Postgres."""
    with psycopg.connect(os.environ["OCTAVE_DATABASE_URL"]) as db:
        return str(db.execute("select 'sign_ins', sign_ins::text from sign_ins").fetchall()).encode()


async def test_expired_sign_ins_are_deleted_when_somebody_signs_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as runs:
        set_time(monkeypatch, sign_ins, NOON)
        await runs.sign_ins.begin(TOKEN)
        set_time(monkeypatch, sign_ins, NOON + timedelta(hours=SIGN_IN_HOURS))
        await runs.sign_ins.begin(TOKEN)

    assert execute(load().url, "select count(*) from sign_ins") == 1


async def test_processes_that_start_at_the_same_time_agree_on_the_key_for_forms(tmp_path: Path) -> None:
    ended = await asyncio.gather(*(command("-c", PRINT_KEY, cwd=tmp_path) for _ in range(PROCESSES)))
    async with opened() as runs:
        own = (await runs.sign_ins.form_key()).hex()

    assert [one.out.strip() for one in ended] == [own] * PROCESSES, [one.err for one in ended]
    assert len(own) == 64


async def test_the_key_for_forms_survives_the_deletion_of_old_values() -> None:
    async with opened() as runs:
        key = await runs.sign_ins.form_key()
    app = App(load(), engine="inline")
    await app.runs.open(executing=False)
    await app.store.delete_values(datetime.now(UTC) + timedelta(days=1))

    assert await app.runs.sign_ins.form_key() == key
    await app.runs.close()
