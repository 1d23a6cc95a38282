"""All clients and protocols get the same playbook, apart from times and durations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Pair, lift_site_timeouts
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from test_mcp import ERAS, Era, over_stdio
from web import FORM, lift_server_timeouts, sent_in, serving

from octave_mcp.domain.run import FINAL

Arguments = dict[str, Any]
Way = Callable[[httpx2.AsyncClient, Arguments], Awaitable[str]]


async def by_mcp(client: Client[Any], arguments: Arguments) -> str:
    async with client:
        run = (await client.call_tool("generate_playbook", arguments)).data
        while run.status not in FINAL:
            run = (await client.call_tool("get_run", {"run_id": run.run_id})).data
        (content,) = await client.read_resource(f"run://{run.run_id}/playbook.json")
        return content.model_dump()["text"]


async def by_polling(web: httpx2.AsyncClient, arguments: Arguments) -> str:
    report = (await web.post("/runs", json=arguments)).json()
    while report["status"] not in FINAL:
        report = (await web.get(f"/runs/{report['run_id']}", params={"wait_seconds": 60})).json()
    return await file_of(web, report["run_id"])


async def by_events(web: httpx2.AsyncClient, arguments: Arguments) -> str:
    async with web.stream("POST", "/runs", json=arguments | {"stream": True}) as answer:
        events = [event async for event in sent_in(answer)]
    assert events[-1].event == "report"
    return await file_of(web, json.loads(events[-1].data)["run_id"])


async def by_the_original_api(web: httpx2.AsyncClient, arguments: Arguments) -> str:
    """Start a run with a form-encoded request to the earlier HTTP interface, and return the playbook."""
    runs = "/workflows/phase1_2_3_4_workflow/runs"
    body = "&".join(f"{name}={value}" for name, value in arguments.items())
    report = (await web.post(runs, content=body, headers={"Content-Type": FORM})).json()
    while report["status"] not in FINAL:
        report = (await web.get(f"{runs}/{report['run_id']}", params={"wait_seconds": 60})).json()
    return await file_of(web, report["run_id"])


async def file_of(web: httpx2.AsyncClient, run_id: str) -> str:
    return (await web.get(f"/runs/{run_id}/playbook.json")).raise_for_status().text


def over_http(mode: Era, web: httpx2.AsyncClient) -> Client[Any]:
    return Client(StreamableHttpTransport(str(web.base_url.join("/mcp"))), mode=mode, timeout=3600)


def without_times(text: str) -> dict[str, Any]:
    playbook = json.loads(text)
    del playbook["generated_at"], playbook["timings"]
    for evidence in playbook["evidence"].values():
        del evidence["fetched_at"]
    return playbook


@pytest.fixture(autouse=True)
def without_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


async def by_every_way(arguments: Arguments, folder: Path, stdio_modes: Sequence[Era]) -> list[dict[str, Any]]:
    """Return the playbook that each client gets.

    Start all clients at the same time, because the server must be able to serve them in parallel.
    """
    async with serving() as web:
        playbooks = await asyncio.gather(
            *(by_mcp(over_stdio(mode, folder / "stderr"), arguments) for mode in stdio_modes),
            *(by_mcp(over_http(mode, web), arguments) for mode in ERAS),
            by_polling(web, arguments),
            by_events(web, arguments),
            by_the_original_api(web, arguments),
        )
    return [without_times(playbook) for playbook in playbooks]


async def test_every_client_gets_the_same_playbook(pair: Pair, tmp_path: Path) -> None:
    first, *others = await by_every_way(pair.domains | {"max_pages": 2}, tmp_path, stdio_modes=["legacy"])

    touches = [touch for sequence in first["email_sequences"] for touch in sequence["touches"]]
    scored = [*touches, *first["talk_tracks"], *first["battle_cards"]]
    assert {touch["kind"] for touch in touches} == {track["kind"] for track in first["talk_tracks"]} == {"outline"}
    assert {part["score"] for part in scored} == {None}
    assert len(others) == 5
    assert all(other == first for other in others)


@pytest.mark.long
async def test_every_client_gets_the_same_playbook_of_real_pages(
    real_sites: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    lift_site_timeouts(monkeypatch)
    sites = {"vendor_domain": real_sites["posthog.com"], "prospect_domain": real_sites["supabase.com"]}
    first, *others = await by_every_way(sites | {"max_pages": 12}, tmp_path, stdio_modes=ERAS)

    assert first["email_sequences"]
    assert len(others) == 6
    assert all(other == first for other in others)
