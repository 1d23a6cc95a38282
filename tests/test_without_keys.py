"""Tests that users without any configuration get a playbook.

The output says which model wrote the playbook, and how users can get a better one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Ended, Pair, command, octave
from fastmcp import Client
from test_host import Writer, until_settled
from test_mcp import ERAS, Era, call, complaint
from web import COMPANIES, lift_server_timeouts, serving

from octave_mcp.domain.run import FINAL
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.surfaces.rest.handlers import WORKFLOWS

CLIENT_ANSWERS = (
    "no model is configured; your own model answers the questions instead (call next_question); "
    "to get quotations and outlines without answering questions, call generate_playbook with model='extractive'"
)
SET_UP = "set OPENAI_API_KEY, ANTHROPIC_API_KEY or OCTAVE_COMPAT_MODEL with OCTAVE_COMPAT_BASE_URL, or ask"
RULES_COLLECT = f"no model is configured, so rules collect quotations and outlines; for finished copy, {SET_UP}"
RULES_COLLECTED = f"no model is configured, so rules collected quotations and outlines; for finished copy, {SET_UP}"
# Invalid settings, each with a text that the resulting error must contain.
UNUSABLE = [
    ("OPENAI_API_KEY", "my key", "OPENAI_API_KEY cannot be used"),
    ("OCTAVE_COMPAT_BASE_URL", "http://127.0.0.1:9/v1", "OCTAVE_COMPAT_MODEL"),
    ("OCTAVE_VERIFY_MODEL", "openai", "OCTAVE_VERIFY_MODEL: OPENAI_API_KEY not found"),
    ("OCTAVE_FALLBACK", "anthropic", "OCTAVE_FALLBACK: ANTHROPIC_API_KEY not found"),
]


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def keyless(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The sites of two companies, in an environment without a configured model."""
    monkeypatch.delenv("OCTAVE_MODEL")
    return pair


async def posted(http: httpx2.AsyncClient, pair: Pair, path: str = "/runs", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return (await http.post(path, json=pair.few | {"wait_seconds": 600} | more)).raise_for_status().json()


def flags_in(playbook: dict[str, Any]) -> dict[str, str]:
    return {flag["code"]: flag["reason"] for flag in playbook["flags"]}


async def test_the_message_of_a_run_that_has_failed_says_only_why(keyless: Pair) -> None:
    keyless.prospect.failing = dict.fromkeys(keyless.prospect.documents, 500)
    async with serving() as http:
        report = await posted(http, keyless)
        while report["status"] not in FINAL:
            report = (await http.get(f"/runs/{report['run_id']}", params={"wait_seconds": 600})).json()

    assert report["status"] == "failed"
    assert report["message"] == report["error"]["message"]


# Over MCP


@pytest.mark.parametrize("era", ERAS)
async def test_over_mcp_the_clients_own_model_answers_and_the_first_response_says_so(era: Era, keyless: Pair) -> None:
    async with Client(make(), mode=era) as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        waiting = await until_settled(client, first["run_id"])
        await call(client, "cancel_run", run_id=first["run_id"])

    assert first["message"].endswith(f"; {CLIENT_ANSWERS}")
    assert waiting["status"] == "waiting"
    assert waiting["next"].startswith("call next_question")
    assert CLIENT_ANSWERS not in waiting["message"]


@pytest.mark.long
async def test_a_playbook_written_by_the_clients_model_by_default_has_a_flag(keyless: Pair) -> None:
    async with Client(make()) as client:
        run_id = (await call(client, "generate_playbook", **keyless.few, wait_seconds=0))["run_id"]
        await Writer(client, run_id).work()
        report = await until_settled(client, run_id)
        flags = (await call(client, "get_run", run_id=run_id, section="flags"))["section"]["flags"]

    assert report["status"] == "completed"
    reason = "no model is configured; the connected client's model wrote the playbook instead"
    assert f"default_model: {reason}" in report["overview"]["flags"]
    assert {"code": "default_model", "reason": reason} in [{k: flag[k] for k in ("code", "reason")} for flag in flags]


@pytest.mark.long
async def test_the_extractive_model_can_be_requested_over_mcp(keyless: Pair) -> None:
    async with Client(make()) as client:
        report = await call(client, "generate_playbook", **keyless.few, model="extractive", wait_seconds=0)
        report = await until_settled(client, report["run_id"])

    assert report["status"] == "completed"
    assert not [flag for flag in report["overview"]["flags"] if flag.startswith("default_model")]


async def test_a_configured_model_is_used_without_a_flag(keyless: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    async with Client(make()) as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        report = await until_settled(client, first["run_id"])

    assert "configured" not in first["message"]
    assert report["status"] == "completed"
    assert not [flag for flag in report["overview"]["flags"] if flag.startswith("default_model")]


# Over HTTP


@pytest.mark.long
@pytest.mark.parametrize("path", ["/runs", f"/workflows/{WORKFLOWS[0]}/runs"])
async def test_over_http_the_extractive_model_answers_and_the_response_and_the_playbook_say_so(
    path: str, keyless: Pair
) -> None:
    async with serving() as http:
        report = await posted(http, keyless, path)
        json_link, text_link, _ = report["links"]
        playbook, text = (await http.get(json_link)).json(), (await http.get(text_link)).text

    assert report["status"] == "completed"
    assert report["message"].startswith(f"completed; {RULES_COLLECT}")
    assert playbook["model"] == "extractive"
    assert flags_in(playbook)["default_model"].startswith(RULES_COLLECTED)
    assert RULES_COLLECTED.removeprefix("no ") in text


async def test_over_mcp_on_an_http_server_the_clients_own_model_answers(keyless: Pair) -> None:
    async with serving() as http, Client(f"{http.base_url}/mcp") as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        await call(client, "cancel_run", run_id=first["run_id"])

    assert first["message"].endswith(CLIENT_ANSWERS)


async def test_a_repeated_request_returns_its_run_even_if_the_settings_changed(
    keyless: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**keyless.few, "request_id": "deal-7"}
    async with Client(make()) as client:
        first = await call(client, "generate_playbook", **asked, wait_seconds=0)
        await until_settled(client, first["run_id"])
    for name, value in (("OPENAI_API_KEY", "my key"), ("FIRECRAWL_API_URL", "no address"), ("OCTAVE_ALLOW_HOSTS", "")):
        monkeypatch.setenv(name, value)
    async with serving() as http:
        again = await posted(http, keyless, request_id="deal-7", wait_seconds=0)
        other = await http.post("/runs", json=asked | {"max_pages": 3})

    assert again["run_id"] == first["run_id"]
    assert "your own model answers the questions instead (POST /runs/{run_id}/questions/next); to" in again["message"]
    assert (other.status_code, other.json()["code"]) == (422, "request_id_reused")


async def test_a_language_that_the_extractive_model_does_not_write_is_refused_with_advice() -> None:
    async with serving() as http:
        answer = await http.post("/runs", json=COMPANIES | {"language": "de"})

    assert answer.json()["code"] == "unsupported_language"
    assert "the extractive model writes" in answer.json()["detail"]
    assert SET_UP in answer.json()["detail"]


# On the CLI


async def generated(pair: Pair, folder: Path, *options: str) -> Ended:
    companies = pair.domains.values()
    return await command("-m", "octave_mcp", "generate", *companies, "--max-pages=4", *options, cwd=folder)


async def test_generate_on_a_terminal_explains_the_default_model_and_prints_the_path_of_the_page(
    keyless: Pair, tmp_path: Path
) -> None:
    result = await generated(keyless, tmp_path)

    assert result.code == 0, result.err
    assert result.err.startswith(RULES_COLLECT)
    assert f"default_model: {RULES_COLLECTED}" in result.out
    page = next(line.strip() for line in result.out.splitlines() if line.endswith("playbook.html"))
    assert RULES_COLLECTED.removeprefix("no ") in (tmp_path / page).read_text("utf-8")


async def test_the_json_output_of_generate_contains_the_flag(keyless: Pair, tmp_path: Path) -> None:
    result = await octave("generate", *keyless.domains.values(), "--max-pages=4", "--json", cwd=tmp_path)

    assert result.err == ""
    assert any(flag.startswith("default_model: ") for flag in json.loads(result.out)["overview"]["flags"])


async def test_generate_with_a_named_model_does_not_mention_the_default(keyless: Pair, tmp_path: Path) -> None:
    named = ("--max-pages=4", "--model=extractive")
    result = await octave("generate", *keyless.domains.values(), *named, cwd=tmp_path)

    assert result.code == 0
    assert "no model is configured" not in result.out + result.err


@pytest.mark.long
@pytest.mark.parametrize(("variable", "value", "message"), UNUSABLE)
async def test_an_unusable_setting_is_an_error_on_every_surface(
    variable: str, value: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    async with Client(make()) as client:
        over_mcp = await complaint(client, "generate_playbook", **COMPANIES)
    async with serving() as http:
        over_http = (await http.post("/runs", json=COMPANIES)).json()
    on_terminal = await octave("generate", "acme.com", "quill.org", cwd=tmp_path)

    assert over_mcp.startswith("[setup] ")
    assert (over_http["code"], on_terminal.code) == ("setup", 3)
    assert message in over_mcp
    assert message in over_http["detail"]
    assert message in on_terminal.err


@pytest.mark.long
async def test_the_settings_the_doctor_and_the_tools_say_which_model_is_the_default(tmp_path: Path) -> None:
    default = "if no model is configured, auto means host over MCP, extractive elsewhere"
    async with serving() as http:
        settings = {setting["name"]: setting for setting in (await http.get("/config")).json()["settings"]}
    shown = json.loads((await octave("config", "--json", cwd=tmp_path)).out)["settings"]
    doctor = json.loads((await octave("doctor", "--json", cwd=tmp_path)).out)["findings"]
    async with Client(make()) as client:
        tools = {tool.name: tool for tool in await client.list_tools()}

    model = next(finding for finding in doctor if finding["name"] == "model")
    assert settings["OCTAVE_MODEL"]["value"] == "auto"
    assert default in settings["OCTAVE_MODEL"]["description"]
    assert default in next(setting["description"] for setting in shown if setting["name"] == "OCTAVE_MODEL")
    assert default in tools["generate_playbook"].input_schema["properties"]["model"]["description"]
    assert model["status"] == "not set up"
    assert "host writes over MCP, extractive elsewhere" in model["found"]
    assert "OPENAI_API_KEY" in model["fix"]


# Unknown names


async def test_an_unknown_setting_is_reported_once_when_a_command_or_a_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCTAVE_MODLE", "host")
    result = await octave("runs", cwd=tmp_path)
    capsys.readouterr()
    async with serving() as http:
        await http.get("/livez")
    served = capsys.readouterr().err

    for stderr in (result.err, served):
        assert stderr.count("unknown settings have no effect: OCTAVE_MODLE; check the spelling") == 1


@pytest.mark.parametrize("name", ["localhost", "localhost:8080", "redis:6379", "[::1]:8080"])
async def test_a_local_host_is_refused_as_the_domain_of_a_company(name: str) -> None:
    async with serving() as http:
        answer = await http.post("/runs", json=COMPANIES | {"vendor_domain": name})

    assert answer.json()["code"] == "host_not_allowed"
    assert "give a domain like 'acme.com'" in answer.json()["detail"]
