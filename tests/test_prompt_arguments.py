"""Missing, empty and unknown arguments of MCP prompts and completions, over HTTP with the old and the new protocol."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from conftest import CLIENT, log_lines
from matrix import sampled
from web import serving

Era = Literal["handshake", "modern"]
Json = dict[str, Any]

ERAS: tuple[Era, ...] = ("handshake", "modern")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT_HEADERS = {"Accept": "application/json, text/event-stream"}
INVALID_PARAMS = -32602
PROMPT = {"type": "ref/prompt", "name": "emails"}
TEMPLATE = {"type": "ref/resource", "uri": "run://{run_id}/playbook.md"}
BOTH = {"vendor_domain": "acme.com", "prospect_domain": "globex.com"}

# Each case consists of parameters for a `prompts/get` request, and parts of the expected error message.
REFUSED: list[tuple[Json, tuple[str, ...]]] = [
    (
        {"name": "playbook"},
        ("vendor_domain: missing; prospect_domain: missing", "playbook takes vendor_domain"),
    ),
    ({"name": "playbook", "arguments": None}, ("vendor_domain: missing", "prospect_domain: missing")),
    ({"name": "playbook", "arguments": {"vendor_domain": "acme.com"}}, ("prospect_domain: missing",)),
    ({"name": "playbook", "arguments": BOTH | {"vendor_domain": None}}, ("vendor_domain: missing",)),
    ({"name": "playbook", "arguments": BOTH | {"prospect_domain": ""}}, ("prospect_domain: missing",)),
    ({"name": "playbook", "arguments": BOTH | {"context": 5}}, ("context: must be a string",)),
    ({"name": "playbook", "arguments": BOTH | {"colour": "red"}}, ("colour: unknown argument",)),
    ({"name": "playbook", "arguments": BOTH | {"colour": None}}, ("colour: unknown argument",)),
    (
        {"name": "playbook", "arguments": {"vendor": "acme.com"}},
        ("vendor: unknown argument (did you mean vendor_domain?)",),
    ),
    (
        {"name": "call_prep", "arguments": {"persona": "VP Sales"}},
        ("run_id: missing", "call_prep takes run_id, persona"),
    ),
    ({"name": "call_prep", "arguments": {"run_id": ["a"]}}, ("run_id: must be a string",)),
    ({"name": "emails", "arguments": {"run_id": "a\0b"}}, ("run_id", "NUL")),
    ({"name": "emails", "arguments": ["run_1"]}, ("arguments: must be an object",)),
    ({"name": "emails", "arguments": "run_1"}, ("arguments: must be an object",)),
    ({"name": "nothing"}, ("'nothing'", "choose one of playbook, call_prep, emails")),
    ({"name": ""}, ("name: missing", "playbook")),
    ({"name": None}, ("name: missing", "playbook")),
    ({}, ("name: missing", "playbook")),
]

# Each case consists of parameters for a `prompts/get` request, and a part of the expected prompt.
ACCEPTED: list[tuple[Json, str]] = [
    ({"name": "playbook", "arguments": BOTH}, "acme.com"),
    ({"name": "playbook", "arguments": BOTH | {"context": ""}}, "should buy.\n"),
    ({"name": "playbook", "arguments": BOTH | {"context": None}}, "should buy.\n"),
    ({"name": "call_prep", "arguments": {"run_id": "run_1", "persona": None}}, "persona of the highest priority"),
    ({"name": "emails", "arguments": {"run_id": "run_1", "persona": "", "voice": None}}, "shorter where you can"),
    ({"name": "emails", "arguments": {"run_id": "run_1", "voice": "null"}}, "in this voice: null"),
]

# Each case consists of parameters for a `completion/complete` request, and parts of the expected error message.
UNCOMPLETED: list[tuple[Json, tuple[str, ...]]] = [
    ({"ref": PROMPT}, ("argument.name",)),
    ({"ref": PROMPT, "argument": None}, ("argument.name",)),
    ({"ref": PROMPT, "argument": "run_id"}, ("argument: must be an object",)),
    ({"ref": PROMPT, "argument": {"value": "run_"}}, ("argument.name",)),
    ({"ref": PROMPT, "argument": {"name": "", "value": "run_"}}, ("argument.name",)),
    ({"ref": PROMPT, "argument": {"name": "colour", "value": ""}}, ("unknown argument", "run_id, persona, voice")),
    ({"ref": PROMPT, "argument": {"name": "run_id", "value": 5}}, ("argument.value",)),
    ({"ref": PROMPT | {"name": "nothing"}, "argument": {"name": "run_id", "value": ""}}, ("'nothing'", "emails")),
    ({"ref": {"type": "ref/prompt"}, "argument": {"name": "run_id", "value": ""}}, ("name: missing", "emails")),
]

COMPLETED: list[Json] = [
    {"ref": PROMPT, "argument": {"name": "run_id", "value": "run_"}},
    {"ref": PROMPT, "argument": {"name": "run_id", "value": None}},
    {"ref": PROMPT, "argument": {"name": "run_id"}, "context": None},
    {"ref": PROMPT, "argument": {"name": "persona", "value": ""}, "context": {"arguments": {"run_id": None}}},
    {"ref": TEMPLATE, "argument": {"name": "run_id", "value": ""}, "context": {"arguments": None}},
]


class Asking:
    """An MCP client that can send requests with any parameters."""

    def __init__(self, client: httpx2.AsyncClient, era: Era) -> None:
        self._client = client
        self._meta: Json = {"_meta": ENVELOPE} if era == "modern" else {}
        self._headers = ACCEPT_HEADERS | ({"MCP-Protocol-Version": "2026-07-28"} if era == "modern" else {})

    async def initialize(self) -> None:
        answer = await self._post({"id": 0, "method": "initialize", "params": CLIENT})
        self._headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        await self._post({"method": "notifications/initialized"})

    async def ask(self, method: str, params: Json) -> Json:
        named = (
            {"Mcp-Method": method, "Mcp-Name": str(params.get("name") or params.get("uri") or "")} if self._meta else {}
        )
        answer = await self._post({"id": 1, "method": method, "params": params | self._meta}, named)
        text = answer.text.partition("data: ")[2].splitlines()[0] if "data: " in answer.text else answer.text
        return json.loads(text)

    async def refusal(self, method: str, params: Json) -> str:
        error = (await self.ask(method, params))["error"]
        assert error["code"] == INVALID_PARAMS
        return error["message"]

    async def _post(self, message: Json, headers: dict[str, str] | None = None) -> httpx2.Response:
        return await self._client.post(
            "/mcp", json={"jsonrpc": "2.0"} | message, headers=self._headers | (headers or {})
        )


@asynccontextmanager
async def asking(era: Era) -> AsyncGenerator[Asking]:
    async with serving() as client:
        mcp_client = Asking(client, era)
        if era == "handshake":
            await mcp_client.initialize()
        yield mcp_client


@pytest.mark.parametrize("era", ERAS)
async def test_errors_of_prompts_name_the_wrong_argument_and_empty_optional_arguments_are_accepted(
    era: Era, home: Path
) -> None:
    async with asking(era) as client:
        for params, parts in REFUSED:
            message = await client.refusal("prompts/get", params)
            assert [part for part in parts if part not in message] == [], message
        for params, part in ACCEPTED:
            answer = await client.ask("prompts/get", params)
            assert part in answer["result"]["messages"][0]["content"]["text"]

    assert [line for line in log_lines(home) if line["exception"]] == []


@pytest.mark.parametrize("era", sampled(ERAS, short=lambda era: era == "handshake"))
async def test_errors_of_completions_name_the_wrong_argument_and_empty_values_are_accepted(
    era: Era, home: Path
) -> None:
    async with asking(era) as client:
        for params, parts in UNCOMPLETED:
            message = await client.refusal("completion/complete", params)
            assert [part for part in parts if part not in message] == [], message
        for params in COMPLETED:
            assert (await client.ask("completion/complete", params))["result"]["completion"]["values"] == []

    assert [line for line in log_lines(home) if line["exception"]] == []


async def test_a_completion_without_a_database_returns_no_values(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"sqlite:///{tmp_path}")
    async with asking("modern") as client:
        answer = await client.ask("completion/complete", COMPLETED[0])

    assert answer["result"]["completion"]["values"] == []
    assert [line for line in log_lines(home) if line["exception"]] == []
