"""Nothing is set up: whoever asks gets a playbook all the same, and is told who wrote it and what would give more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Ended, Pair, command, octave
from fastmcp import Client
from test_host import Writer, at_rest
from test_mcp import ERAS, Era, call, complaint
from web import COMPANIES, lift_server_timeouts, serving

from octave_mcp.surfaces.mcp.server import make
from octave_mcp.surfaces.rest.handlers import WORKFLOWS

CLIENT_ANSWERS = (
    "no model is configured, and none is needed: your own model answers the questions (call next_question); "
    "for quotations and outlines without questions, call generate_playbook with model='extractive'"
)
SET_UP = "set OPENAI_API_KEY, ANTHROPIC_API_KEY or OCTAVE_COMPAT_MODEL with OCTAVE_COMPAT_BASE_URL, or ask"
RULES_COLLECT = f"no model is configured, so rules collect quotations and outlines; for finished copy, {SET_UP}"
RULES_COLLECTED = f"no model is configured, so rules collected quotations and outlines; for finished copy, {SET_UP}"
UNUSABLE = [
    ("OPENAI_API_KEY", "my key", "OPENAI_API_KEY cannot be used"),
    ("OCTAVE_COMPAT_BASE_URL", "http://127.0.0.1:9/v1", "OCTAVE_COMPAT_MODEL"),
    ("OCTAVE_VERIFY_MODEL", "openai", "OCTAVE_VERIFY_MODEL: OPENAI_API_KEY not found"),
    ("OCTAVE_FALLBACK", "anthropic", "OCTAVE_FALLBACK: ANTHROPIC_API_KEY not found"),
]
"""What somebody has set and cannot be used: each is an error, and no reason to go on without."""


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def keyless(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Two sites, and no setting that names a model."""
    monkeypatch.delenv("OCTAVE_MODEL")
    return pair


async def posted(http: httpx2.AsyncClient, pair: Pair, path: str = "/runs", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return (await http.post(path, json=pair.few | {"wait_seconds": 600} | more)).raise_for_status().json()


def flags_in(playbook: dict[str, Any]) -> dict[str, str]:
    return {flag["code"]: flag["reason"] for flag in playbook["flags"]}


# Over MCP


@pytest.mark.parametrize("era", ERAS)
async def test_over_mcp_the_clients_own_model_answers_and_the_first_answer_says_so(era: Era, keyless: Pair) -> None:
    async with Client(make(), mode=era) as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        waiting = await at_rest(client, first["run_id"])
        await call(client, "cancel_run", run_id=first["run_id"])

    assert first["message"].endswith(f"; {CLIENT_ANSWERS}")
    assert waiting["status"] == "waiting"
    assert waiting["next"].startswith("call next_question")
    assert CLIENT_ANSWERS not in waiting["message"]


@pytest.mark.long
async def test_a_playbook_that_the_clients_model_wrote_by_default_says_so(keyless: Pair) -> None:
    async with Client(make()) as client:
        run_id = (await call(client, "generate_playbook", **keyless.few, wait_seconds=0))["run_id"]
        await Writer(client, run_id).work()
        report = await at_rest(client, run_id)
        text = (await call(client, "get_run", run_id=run_id, section="flags"))["section"]["flags"]

    assert report["status"] == "completed"
    said = "no model is configured, and none is needed: the connected client's model wrote it"
    assert f"default_model: {said}" in report["overview"]["flags"]
    assert {"code": "default_model", "reason": said} in [{k: one[k] for k in ("code", "reason")} for one in text]


@pytest.mark.long
async def test_a_draft_without_questions_is_one_call_away_over_mcp_too(keyless: Pair) -> None:
    async with Client(make()) as client:
        report = await call(client, "generate_playbook", **keyless.few, model="extractive", wait_seconds=0)
        report = await at_rest(client, report["run_id"])

    assert report["status"] == "completed"
    assert not [flag for flag in report["overview"]["flags"] if flag.startswith("default_model")]


async def test_a_model_that_the_settings_name_is_taken_and_is_no_default(
    keyless: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    async with Client(make()) as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        report = await at_rest(client, first["run_id"])

    assert "configured" not in first["message"]
    assert report["status"] == "completed"
    assert not [flag for flag in report["overview"]["flags"] if flag.startswith("default_model")]


# Over HTTP


@pytest.mark.long
@pytest.mark.parametrize("path", ["/runs", f"/workflows/{WORKFLOWS[0]}/runs"])
async def test_over_http_rules_collect_and_the_first_answer_and_the_playbook_say_so(path: str, keyless: Pair) -> None:
    async with serving() as http:
        report = await posted(http, keyless, path)
        json_link, text_link, _ = report["links"]
        playbook, text = (await http.get(json_link)).json(), (await http.get(text_link)).text

    assert report["status"] == "completed"
    assert report["message"].startswith(f"completed; {RULES_COLLECT}")
    assert playbook["model"] == "extractive"
    assert flags_in(playbook)["default_model"].startswith(RULES_COLLECTED)
    assert RULES_COLLECTED in text


async def test_mcp_beside_http_is_mcp(keyless: Pair) -> None:
    async with serving() as http, Client(f"{http.base_url}/mcp") as client:
        first = await call(client, "generate_playbook", **keyless.few, wait_seconds=0)
        await call(client, "cancel_run", run_id=first["run_id"])

    assert first["message"].endswith(CLIENT_ANSWERS)


async def test_a_repeated_request_gives_its_run_whatever_is_configured_meanwhile(
    keyless: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**keyless.few, "request_id": "deal-7"}
    async with Client(make()) as client:
        first = await call(client, "generate_playbook", **asked, wait_seconds=0)
        await at_rest(client, first["run_id"])
    for name, value in (("OPENAI_API_KEY", "my key"), ("FIRECRAWL_API_URL", "no address"), ("OCTAVE_ALLOW_HOSTS", "")):
        monkeypatch.setenv(name, value)
    async with serving() as http:
        again = await posted(http, keyless, request_id="deal-7", wait_seconds=0)
        other = await http.post("/runs", json=asked | {"max_pages": 3})

    assert again["run_id"] == first["run_id"]
    assert "your own model answers the questions (POST /runs/{run_id}/questions/next); for" in again["message"]
    assert (other.status_code, other.json()["code"]) == (422, "request_id_reused")


async def test_a_language_that_rules_do_not_write_is_refused_with_what_would() -> None:
    async with serving() as http:
        answer = await http.post("/runs", json=COMPANIES | {"language": "de"})

    assert answer.json()["code"] == "unsupported_language"
    assert "the extractive model writes" in answer.json()["detail"]
    assert SET_UP in answer.json()["detail"]


# On the command line


async def generated(pair: Pair, folder: Path, *options: str) -> Ended:
    companies = pair.domains.values()
    return await command("-m", "octave_mcp", "generate", *companies, "--max-pages=4", *options, cwd=folder)


async def test_generate_on_a_terminal_says_what_it_did_and_what_would_give_more_and_where_the_page_is(
    keyless: Pair, tmp_path: Path
) -> None:
    ended = await generated(keyless, tmp_path)

    assert ended.code == 0, ended.err
    assert ended.err.startswith(RULES_COLLECT)
    assert f"default_model: {RULES_COLLECTED}" in ended.out
    page = next(line.strip() for line in ended.out.splitlines() if line.endswith("playbook.html"))
    assert RULES_COLLECTED.removeprefix("no ") in (tmp_path / page).read_text("utf-8")


async def test_a_program_reads_the_same_in_the_result(keyless: Pair, tmp_path: Path) -> None:
    ended = await octave("generate", *keyless.domains.values(), "--max-pages=4", "--json", cwd=tmp_path)

    assert ended.err == ""
    assert any(flag.startswith("default_model: ") for flag in json.loads(ended.out)["overview"]["flags"])


async def test_a_named_model_is_no_default_on_the_command_line(keyless: Pair, tmp_path: Path) -> None:
    named = ("--max-pages=4", "--model=extractive")
    ended = await octave("generate", *keyless.domains.values(), *named, cwd=tmp_path)

    assert ended.code == 0
    assert "no model is configured" not in ended.out + ended.err


# What is configured and cannot be used


@pytest.mark.long
@pytest.mark.parametrize(("variable", "value", "said"), UNUSABLE)
async def test_what_is_configured_and_cannot_be_used_is_an_error_on_every_surface(
    variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    async with Client(make()) as client:
        over_mcp = await complaint(client, "generate_playbook", **COMPANIES)
    async with serving() as http:
        over_http = (await http.post("/runs", json=COMPANIES)).json()
    on_terminal = await octave("generate", "acme.com", "quill.org", cwd=tmp_path)

    assert over_mcp.startswith("[setup] ")
    assert (over_http["code"], on_terminal.code) == ("setup", 3)
    assert said in over_mcp
    assert said in over_http["detail"]
    assert said in on_terminal.err


# What describes the settings


@pytest.mark.long
async def test_the_settings_the_doctor_and_the_help_say_who_writes_where_nothing_is_configured(tmp_path: Path) -> None:
    said = "auto with none configured: host over MCP, else extractive"
    async with serving() as http:
        settings = {one["name"]: one for one in (await http.get("/config")).json()["settings"]}
    shown = json.loads((await octave("config", "--json", cwd=tmp_path)).out)["settings"]
    doctor = json.loads((await octave("doctor", "--json", cwd=tmp_path)).out)["findings"]
    async with Client(make()) as client:
        tools = {tool.name: tool for tool in await client.list_tools()}

    model = next(finding for finding in doctor if finding["name"] == "model")
    assert settings["OCTAVE_MODEL"]["value"] == "auto"
    assert said in settings["OCTAVE_MODEL"]["description"]
    assert said in next(one["description"] for one in shown if one["name"] == "OCTAVE_MODEL")
    assert said in tools["generate_playbook"].input_schema["properties"]["model"]["description"]
    assert model["status"] == "warning"
    assert "host writes over MCP, extractive elsewhere" in model["found"]
    assert "OPENAI_API_KEY" in model["fix"]


# A setting that there is not


async def test_a_setting_that_there_is_not_is_named_once_where_a_command_or_a_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCTAVE_MODLE", "host")
    ended = await octave("runs", cwd=tmp_path)
    capsys.readouterr()
    async with serving() as http:
        await http.get("/livez")
    served = capsys.readouterr().err

    for said in (ended.err, served):
        assert said.count("unknown settings have no effect: OCTAVE_MODLE; check the spelling") == 1


@pytest.mark.parametrize("name", ["localhost", "localhost:8080", "redis:6379", "[::1]:8080"])
async def test_no_website_is_made_up_for_a_machine_of_ones_own(name: str) -> None:
    async with serving() as http:
        answer = await http.post("/runs", json=COMPANIES | {"vendor_domain": name})

    assert answer.json()["code"] == "host_not_allowed"
    assert "give a domain like 'acme.com'" in answer.json()["detail"]
