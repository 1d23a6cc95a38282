"""The OpenAPI document matches the server's responses, and the documentation page works offline."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browsers import Opened, chromium, needs_browser
from conftest import ROOT, Finished
from jsonschema import Draft202012Validator
from openapi_pydantic import OpenAPI
from web import UNKNOWN_RUN, serving

from octave_mcp.domain.events import STORED_EVENTS
from octave_mcp.errors import tree
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.rest import handlers as rest
from octave_mcp.tools import TOOLS

BODIES = {"post": {"answer": "none"}}
SCHEMATHESIS = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
UNKNOWN_SESSION = "sess_00000000000000000000000000000000"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return asyncio.run(described(home=tmp_path_factory.mktemp("home"), tokens=()))


async def described(**settings: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of Settings
    transport = httpx2.ASGITransport(http.make(load(**settings)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/openapi.json", headers={"Authorization": "Bearer some-long-token"})
    return answer.json()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert OpenAPI.model_validate(document).openapi == "3.1.0"


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", str(document))):
        target: Any = document
        for part in reference.split("/"):
            target = target[part]
        assert target


def test_each_operation_has_the_docstring_and_all_arguments_of_its_tool(document: dict[str, Any]) -> None:
    by_name = {operation["operationId"]: operation for operation in operations(document)}

    for tool in TOOLS.values():
        operation = by_name[tool.name]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        described = {parameter["name"] for parameter in operation["parameters"]} | body.get("properties", {}).keys()
        header = {"request_id"} if "Idempotency-Key" in described else set[str]()
        assert set(tool.arguments) <= described | header
        assert operation["description"].startswith((tool.function.__doc__ or "-").split("\n")[0])


def test_the_document_and_the_docs_list_the_events_of_a_run(document: dict[str, Any]) -> None:
    names = {operation["operationId"]: operation for operation in operations(document)}
    follow, start = names["follow_run"], names["generate_playbook"]
    sent = {
        name: operation["responses"]["200"]["content"]["text/event-stream"]["schema"]["properties"]["event"]["enum"]
        for name, operation in (("follow", follow), ("start", start))
    }
    text = (ROOT / "docs" / "api-reference.md").read_text("utf-8")
    listed = text.partition("The events of a run are ")[2].partition("\n\n")[0]

    assert set(sent["follow"]) == {*STORED_EVENTS, "problem"} >= {"answered", "run_finished", "fetched"}
    assert set(sent["start"]) == {*sent["follow"], "run", "report"}
    assert all(f"`{name}`" in listed for name in sent["follow"])
    assert all(name in follow["description"] for name in sent["follow"])


def test_each_operation_describes_its_responses_and_errors(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    statuses = {str(error.status) for error in tree()} - {"401", "405", "502"}

    assert len(names) == len(set(names))
    for operation in operations(document):
        assert operation["summary"]
        assert {"403", "421", "500", "503"} <= operation["responses"].keys()
        assert operation["responses"].keys() - {"200", "202", "204"} <= statuses


async def test_operations_require_a_token_if_tokens_are_set() -> None:
    paths = (await described(tokens=("some-long-token",)))["paths"]

    assert paths["/runs"]["post"]["security"] == [{"token": []}]
    assert "401" in paths["/runs"]["post"]["responses"]
    assert "security" not in paths["/livez"]["get"]


async def test_responses_and_errors_match_the_document(
    document: dict[str, Any], finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "READY_SECONDS", 3600)
    known = {
        "run_id": finished.run_id,
        "session_id": finished.session_id,
        "question_id": "none",
        "suffix": "json",
        "workflow_id": "sales-playbook",
        "section": "brief",
        "share_id": "none",
    }
    unknown = known | {"run_id": UNKNOWN_RUN, "session_id": UNKNOWN_SESSION}
    statuses: Counter[int] = Counter()
    async with serving() as client:
        for path, described in document["paths"].items():
            for method, operation in described.items():
                for names in (known, unknown) if method != "delete" else (unknown,):
                    answer = await client.request(method, path.format_map(names), json=BODIES.get(method))
                    assert faults(answer, operation, document) == []
                    statuses[answer.status_code] += 1

    assert statuses.keys() == {200, 400, 404}


async def test_the_examples_are_accepted(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    content = document["paths"]["/runs"]["post"]["requestBody"]["content"]
    async with serving() as client:
        for media_type, described in content.items():
            for example in described["examples"].values():
                given = {"json" if media_type.endswith("json") else "data": example["value"]}
                answer = await client.post("/runs", **given)
                assert answer.status_code in {200, 202}
                assert faults(answer, document["paths"]["/runs"]["post"], document) == []


@pytest.mark.long
@pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed")
async def test_schemathesis_finds_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "READY_SECONDS", 3600)
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "FIRECRAWL_API_KEY")
    for name in (*keys, "OCTAVE_COMPAT_MODEL"):
        monkeypatch.setenv(name, "one-that-is-not-asked")  # requests can name any model or source, which needs its key
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", "http://localhost:9/v1")
    async with serving() as client:
        process = await asyncio.create_subprocess_exec(
            str(SCHEMATHESIS),
            "--config-file",
            str(ROOT / "schemathesis.toml"),
            "run",
            f"{client.base_url}/openapi.json",
            "--checks=all",
            "--max-examples=5",
            "--continue-on-failure",
            "--seed=7",
            "--request-timeout=3600",
            "--suppress-health-check=too_slow",
            "--no-color",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()

    assert process.returncode == 0, out.decode()


def faults(answer: httpx2.Response, operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        return [f"the status {answer.status_code} is not described"]
    if reference := described.get("$ref"):
        described = document["components"]["responses"][reference.rpartition("/")[2]]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type not in described.get("content", {}) and (media_type or answer.content):
        return [f"the media type {media_type} is not described"]
    if not media_type.endswith("json"):
        return []
    schema = described["content"][media_type]["schema"] | {"components": document["components"]}
    validator: Any = Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(answer.json())]


@pytest.mark.long
@needs_browser
async def test_the_documentation_shows_every_operation_without_requests_to_other_hosts(
    document: dict[str, Any],
) -> None:
    async with serving() as client, chromium() as browser:
        origin = str(client.base_url).rstrip("/")
        docs = Opened(await browser.new_page())
        await docs.page.goto(f"{origin}/docs")
        shown = docs.page.locator(".opblock")
        await shown.nth(len(operations(document)) - 1).wait_for()
        await docs.page.locator("#operations-runs-generate_playbook button").first.click()
        await docs.page.get_by_text("Idempotency-Key").first.wait_for()
        count = await shown.count()

    assert count == len(operations(document))
    assert {str(httpx2.URL(url).host) for url in docs.requests if not url.startswith("data:")} == {"127.0.0.1"}
    assert docs.complaints == []
