"""One playbook, whichever way it was asked for: what differs is its ids and times alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import ROOT
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from web import FORM, sent_in, serving

PAGES = 12
MODES = ("auto", "legacy")

Asked = dict[str, str]
Way = Callable[[httpx2.AsyncClient, Asked], Awaitable[str]]


async def by_mcp(client: Client[Any], asked: Asked) -> str:
    async with client:
        report = (await client.call_tool("generate_playbook", asked | {"max_pages": PAGES})).structured_content
        assert report
        (content,) = await client.read_resource(f"run://{report['run_id']}/playbook.json")
        return content.model_dump()["text"]


async def by_polling(http: httpx2.AsyncClient, asked: Asked) -> str:
    report = (await http.post("/runs", json=asked | {"max_pages": PAGES})).json()
    while report["status"] in {"queued", "running"}:
        report = (await http.get(f"/runs/{report['run_id']}", params={"wait_seconds": 5})).json()
    return await file_of(http, report["run_id"])


async def by_events(http: httpx2.AsyncClient, asked: Asked) -> str:
    body = asked | {"max_pages": PAGES, "stream": True}
    async with http.stream("POST", "/runs", json=body) as answer:
        events = [event async for event in sent_in(answer)]
    assert events[-1].event == "report"
    return await file_of(http, json.loads(events[-1].data)["run_id"])


async def as_it_was_first_done(http: httpx2.AsyncClient, asked: Asked) -> str:
    """The original call: form-encoded, at the address of a workflow."""
    runs = "/workflows/phase1_2_3_4_workflow/runs"
    body = "&".join(f"{name}={value}" for name, value in (asked | {"max_pages": str(PAGES)}).items())
    report = (await http.post(runs, content=body, headers={"Content-Type": FORM})).json()
    while report["status"] in {"queued", "running"}:
        report = (await http.get(f"{runs}/{report['run_id']}", params={"wait_seconds": 5})).json()
    return await file_of(http, report["run_id"])


async def file_of(http: httpx2.AsyncClient, run_id: str) -> str:
    return (await http.get(f"/runs/{run_id}/playbook.json")).raise_for_status().text


def over_stdio(mode: Any, log: Path) -> Client[Any]:  # noqa: ANN401 - a Literal of fastmcp's
    transport = StdioTransport(
        sys.executable, [str(ROOT / "server.py")], env=dict(os.environ), keep_alive=False, log_file=log
    )
    return Client(transport, mode=mode)


def said(text: str) -> dict[str, Any]:
    """All that a playbook says: not when, nor how long it took."""
    playbook = json.loads(text)
    del playbook["generated_at"], playbook["timings"]
    for evidence in playbook["evidence"].values():
        del evidence["fetched_at"]
    return playbook


async def test_the_same_playbook_comes_by_every_way(
    real_sites: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    asked = {"vendor_domain": real_sites["posthog.com"], "prospect_domain": real_sites["supabase.com"]}
    async with serving() as http:
        at = StreamableHttpTransport(str(http.base_url.join("/mcp")))
        playbooks = await asyncio.gather(
            *(by_mcp(over_stdio(mode, tmp_path / "stderr"), asked) for mode in MODES),
            *(by_mcp(Client(at, mode=mode), asked) for mode in MODES),
            by_polling(http, asked),
            by_events(http, asked),
            as_it_was_first_done(http, asked),
        )

    first, *others = map(said, playbooks)
    assert first["email_sequences"]
    assert len(others) == 6
    assert all(other == first for other in others)
