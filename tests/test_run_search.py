"""Runs are found by company, status, day and session, and a run's cost is estimated before it is started."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Finished, Pair, octave
from matrix import sampled
from web import FORM, lift_server_timeouts, problem_in, serving

from octave_mcp.app import App
from octave_mcp.domain.run import PlaybookRequest, Revision, RunRecord
from octave_mcp.settings import load
from octave_mcp.tools.calls import HTTP

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SESSIONS = ("sess_1", "sess_2")


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture(params=sampled(["sqlite", "postgres"], lambda name: name == "sqlite"), autouse=True)
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "postgres":
        monkeypatch.setenv("OCTAVE_DATABASE_URL", request.getfixturevalue("postgres_url"))


def run(number: int, vendor: str = "acme.com", prospect: str = "quill.org", **fields: Any) -> RunRecord:  # noqa: ANN401 - fields
    return RunRecord.model_validate(
        {
            "run_id": f"run_{number:032x}",
            "session_id": SESSIONS[0],
            "request": PlaybookRequest(vendor=vendor, prospect=prospect),
            "status": "failed",
            "model": "extractive",
            "source": "crawler",
            "created_at": NOON + timedelta(minutes=number),
            **fields,
        }
    )


async def store_runs(*records: RunRecord) -> None:
    store = App(load(), engine="inline").store
    await store.open()
    known = {session.session_id for session in await store.sessions()}
    for record in records:
        await store.add_run(record, new_session=record.session_id not in known)
        known.add(record.session_id)
    await store.close()


async def found(client: httpx2.AsyncClient, **filters: Any) -> list[int]:  # noqa: ANN401 - arguments of list_runs
    """Return the numbers of the listed runs."""
    answer = (await client.get("/runs", params=filters)).raise_for_status().json()
    return [int(line["run_id"][4:], 16) for line in answer["runs"]]


async def test_a_part_of_either_companys_address_finds_a_run_in_upper_or_lower_case() -> None:
    await store_runs(
        run(1, "https://PostHog.com", "supabase.com"), run(2, "supabase.com", "linear.app"), run(3, "acme.com")
    )
    async with serving() as client:
        assert await found(client, company="supabase") == [2, 1]
        assert await found(client, company="posthog.COM") == [1]
        assert await found(client, company="  linear ") == [2]
        assert await found(client, company="") == [3, 2, 1]
        assert await found(client, company="stripe") == []
        for pasted in ("https://supabase.com/", "www.supabase.com", "HTTP://WWW.Supabase.com", "supabase.com/"):
            assert await found(client, company=pasted) == [2, 1]


async def test_wildcards_in_a_company_match_only_themselves() -> None:
    await store_runs(run(1, "a_b.com"), run(2, "axb.com"), run(3, "a%b.com"), run(4, "a\\b.com"), run(5, "a/b.com"))
    async with serving() as client:
        for number, part in {1: "a_b", 3: "a%b", 4: "a\\b", 5: "a/b"}.items():
            assert await found(client, company=part) == [number]
        assert await found(client, company="%") == [3]


async def test_pages_of_a_filtered_list_contain_each_run_once() -> None:
    await store_runs(*(run(number, "acme.com" if number % 2 else "other.com") for number in range(1, 12)))
    seen: list[int] = []
    filters: dict[str, Any] = {"company": "acme", "limit": 4}
    async with serving() as client:
        while True:
            seen += await found(client, **filters)
            cursor = (await client.get("/runs", params=filters)).json()["cursor"]
            if cursor is None:
                break
            # A run that starts between two pages changes none of the later pages.
            await store_runs(run(100 + len(seen), "acme.com"))
            filters["cursor"] = cursor

    assert seen == [11, 9, 7, 5, 3, 1]


async def test_both_days_of_a_period_are_included() -> None:
    times = ("2026-03-01T23:59:59.999999", "2026-03-02T00:00:00", "2026-03-03T23:59:59.999999", "2026-03-04T00:00:00")
    await store_runs(*(run(number, created_at=f"{time}Z") for number, time in enumerate(times, 1)))
    async with serving() as client:
        assert await found(client, since="2026-03-02", until="2026-03-03") == [3, 2]
        assert await found(client, since="2026-03-04") == [4]
        assert await found(client, until="2026-03-01") == [1]
        assert await found(client, since="0001-01-01", until="9999-12-31") == [4, 3, 2, 1]


async def test_filters_are_combined() -> None:
    first, second = SESSIONS
    await store_runs(
        run(1, status="completed"),
        run(2, session_id=second, status="completed"),
        run(3, session_id=second),
        run(4, "other.com", session_id=second, status="completed"),
    )
    async with serving() as client:
        assert await found(client, status="completed", session_id=second) == [4, 2]
        assert await found(client, status="completed", session_id=second, company="acme", since="2026-03-02") == [2]
        assert await found(client, session_id=first) == [1]


async def test_a_session_that_does_not_exist_is_reported_not_taken_for_one_without_runs() -> None:
    async with serving() as client:
        problem = problem_in(await client.get("/runs", params={"session_id": "sess_none"}))

    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert "there is no session 'sess_none', or it was deleted" in problem["detail"]


async def test_a_listed_revision_names_its_session_and_the_run_that_owns_the_playbook() -> None:
    revision = Revision(run_id=run(1).run_id, section="brief", instruction="shorter", base_version=1)
    await store_runs(run(1, status="completed"), run(2, revision=revision))
    async with serving() as client:
        newest, oldest = (await client.get("/runs")).json()["runs"]

    assert (newest["playbook_of"], newest["session_id"]) == (oldest["run_id"], SESSIONS[0])
    assert oldest["playbook_of"] == oldest["run_id"]
    assert newest["created_at"] == "2026-03-02T12:02:00Z"


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        (
            {"since": "2026-03-03", "until": "2026-03-02"},
            "the first day, 2026-03-03, is after the last day, 2026-03-02; swap them",
        ),
        ({"since": "yesterday"}, "since: give a day such as 2026-01-31"),
        ({"until": "0"}, "until: give a day such as 2026-01-31"),
        ({"until": "2026-03-02T00:00:00"}, "until: give a day such as 2026-01-31"),
        ({"until": "2026-02-30"}, "until: Input should be a valid date"),
        ({"cursor": "run_none"}, "'run_none' is not a valid cursor"),
        ({"status": "done"}, "status: Input should be 'queued'"),
        ({"limit": "0"}, "limit: "),
        ({"limit": "101"}, "limit: "),
        (
            {"companies": "acme"},
            "unknown argument (did you mean company?). The arguments are company, status, since, until, session_id",
        ),
        ({"company": "a" * 254}, "company: "),
        ({"company": "a\0"}, "company: contains a NUL character"),
    ],
    ids=str,
)
async def test_an_invalid_filter_is_refused(arguments: dict[str, str], detail: str) -> None:
    async with serving() as client:
        problem = problem_in(await client.get("/runs", params=arguments))

    assert (problem["status"], problem["code"]) == (400, "invalid_input")
    assert detail in problem["detail"]


async def test_the_command_runs_has_the_same_filters(tmp_path: Path) -> None:
    await store_runs(run(1), run(2, status="completed"), run(3, "other.com", status="completed"))
    filters = ("--company", "ACME", "--status", "completed", "--since", "2026-03-02", "--until", "2026-03-02")
    listed = await octave("runs", *filters, "--json", cwd=tmp_path)
    table = await octave("runs", *filters, cwd=tmp_path)
    none = await octave("runs", "--company", "stripe", cwd=tmp_path)
    swapped = await octave("runs", "--since", "2026-03-03", "--until", "2026-03-02", cwd=tmp_path)

    (line,) = json.loads(listed.out)["runs"]
    assert (line["run_id"], line["status"]) == (run(2).run_id, "completed")
    assert table.out.split()[:2] == [run(2).run_id, "completed"]
    assert (none.code, none.out, none.err) == (0, "", "no run matches; leave out a filter to see more\n")
    assert (swapped.code, swapped.err) == (
        2,
        "error: the first day, 2026-03-03, is after the last day, 2026-03-02; swap them\n",
    )


# Estimates


@pytest.mark.usefixtures("double")
async def test_an_estimate_is_the_one_that_a_started_run_reports_and_starts_nothing(held_pair: Pair) -> None:
    asked = {**held_pair.few, "model": "openai"}
    async with serving() as client:
        as_form = (await client.post("/estimate", data={**asked, "sender_name": "Ann"})).json()
        as_json = (await client.post("/estimate", json={**asked, "sender": {"name": "Ann"}})).json()
        runs, fetched = await found(client), held_pair.vendor.hits.total()
        started = (await client.post("/runs", json=asked)).json()

    assert (runs, fetched) == ([], 0)
    assert as_form == as_json
    assert as_json["estimate"]["asks"] > 0
    assert as_json["estimate"] == started["estimate"]
    assert (as_json["model"], as_json["source"], as_json["by_default"]) == ("openai", "crawler", False)


async def test_an_estimate_says_whether_the_model_was_chosen_by_default() -> None:
    async with serving() as client:
        report = (await client.post("/estimate", json={"vendor_domain": "acme.com", "prospect_domain": "b.org"})).json()

    assert (report["model"], report["by_default"]) == (HTTP.keyless_model, True)


REFUSED: tuple[dict[str, Any], ...] = (
    {},
    {"vendor_domain": "acme.com", "prospect_domain": "www.acme.com"},
    {"vendor_domain": "acme", "prospect_domain": "quill.org"},
    {"vendor_domain": "10.0.0.1", "prospect_domain": "quill.org"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "model": "nobody"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "model": "openai"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "source": "firecrawl"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "source": "nowhere"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "language": "de"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "language": "not a language"},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "max_pages": 0},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "max_cost_usd": -1},
    {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "context": "x" * 1001},
)


async def test_an_estimate_is_refused_for_the_same_reasons_as_a_run() -> None:
    async with serving() as client:
        for arguments in REFUSED:
            estimated, started = [await client.post(path, json=arguments) for path in ("/estimate", "/runs")]
            problem, expected = problem_in(estimated), problem_in(started)
            # A run has more arguments, which an error about a missing argument lists.
            for answer in (problem, expected):
                answer["detail"] = answer["detail"].partition(" The arguments are ")[0]
            assert problem == expected, arguments


async def test_arguments_that_only_a_run_has_are_unknown_to_an_estimate(finished: Finished) -> None:
    async with serving() as client:
        for name in ("session_id", "request_id", "refresh", "wait_seconds"):
            answer = await client.post("/estimate", data={**finished.pair.domains, name: "1"})
            assert f"{name}: unknown argument" in problem_in(answer)["detail"]
        wrong_type = await client.post("/estimate", content="x", headers={"content-type": "text/plain"})
        assert problem_in(wrong_type)["status"] == 415
        assert FORM in wrong_type.json()["detail"]
