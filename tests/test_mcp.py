"""The MCP server as clients see it, with the old and the new MCP protocol, in process and over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import pytest_asyncio
from conftest import CLIENT, ROOT, Finished, Pair, names_in, read_json
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import McpError, ToolError
from matrix import sampled
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from octave_mcp.domain.playbook import SECTIONS
from octave_mcp.domain.run import FINAL
from octave_mcp.surfaces.mcp.server import MAX_PROGRESS_CHARACTERS, make
from octave_mcp.tools import TOOLS

Era = Literal["auto", "legacy"]

SNAPSHOTS = Path(__file__).parent / "snapshots" / "tools"
ERAS: tuple[Era, ...] = ("auto", "legacy")
# These arguments make a run cheap.
SMALL: dict[str, Any] = {"model": "extractive", "max_pages": 1}

# Invalid arguments, the error code that they cause, and parts of the error message.
INVALID_ARGUMENTS: tuple[tuple[dict[str, str], str, tuple[str, ...]], ...] = (
    ({"vendor_domain": "acme"}, "host_not_allowed", ("'acme'", "OCTAVE_ALLOW_HOSTS")),
    ({"vendor_domain": "not a domain"}, "invalid_domain", ("'not a domain'", "acme.com")),
    ({"prospect_domain": "http://192.168.0.7"}, "host_not_allowed", ("192.168.0.7", "OCTAVE_ALLOW_HOSTS")),
    ({"prospect_domain": "https://www.acme.com/x"}, "same_company", ("acme.com", "different")),
    ({"language": "de"}, "unsupported_language", ("'de'", "omit 'language'")),
    ({"model": "gpt"}, "unknown_name", ("'gpt'", "extractive")),
    ({"source": "wayback"}, "unknown_name", ("'wayback'", "crawler")),
    ({"context": "a\0b"}, "invalid_input", ("context", "NUL")),
    ({"session_id": "sess_0"}, "not_found", ("'sess_0'", "omit session_id")),
)
# A stdio server that gives its runs an hour to finish, because the machine can be slow.
STDIO = """
from octave_mcp.surfaces.mcp import server as mcp
mcp.GRACE_SECONDS = 3600
raise SystemExit(mcp.serve())
"""

in_both_eras = pytest.mark.parametrize("client", ERAS, indirect=True)
by_every_wire = pytest.mark.parametrize("client", [*ERAS, "stdio"], indirect=True)
in_this_loop = pytest.mark.asyncio(loop_scope="module")


def over_stdio(era: Era, log: Path) -> Client[Any]:
    transport = StdioTransport(
        sys.executable, [str(ROOT / "server.py")], env=dict(os.environ), keep_alive=False, log_file=log
    )
    return Client(transport, mode=era)


@pytest.fixture(params=sampled(ERAS, short=lambda era: era == "auto"))
def client(request: pytest.FixtureRequest) -> Client[Any]:
    """A client of an in-process server with the old or the new MCP protocol, or the shared client over stdio."""
    if request.param == "stdio":
        return request.getfixturevalue("example_client")
    return Client(make(), mode=request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def example_client(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client[Any]]:
    """A client over stdio that all tests of this module share.

    The client starts its server with the command in the example configuration.
    """
    text = (ROOT / "claude_desktop_config.example.json").read_text("utf-8")
    text = text.replace("/ABSOLUTE/PATH/TO/octave-mcp/.venv/bin/python", sys.executable)
    entry = json.loads(text.replace("/ABSOLUTE/PATH/TO/octave-mcp", str(ROOT)))["mcpServers"]["octave"]
    folder = tmp_path_factory.mktemp("example")
    own = {
        "OCTAVE_HOME": str(folder / "home"),
        "OCTAVE_ALLOW_HOSTS": "127.0.0.1",
        "OCTAVE_FETCH_TIMEOUT_SECONDS": "3600",
        "OCTAVE_SITE_TIMEOUT_SECONDS": "3600",
    }
    transport = StdioTransport(
        entry["command"],
        entry["args"],
        env=entry["env"] | own,
        cwd=str(folder),
        keep_alive=False,
        log_file=folder / "stderr",
    )
    async with Client(transport) as client:
        yield client


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - the tool's own
    content = (await client.call_tool(tool, arguments)).structured_content
    assert content is not None
    return content


async def complaint(client: Client[Any], tool: str, **arguments: Any) -> str:  # noqa: ANN401 - the tool's own
    with pytest.raises(ToolError) as refused:
        await client.call_tool(tool, arguments)
    return str(refused.value)


async def ended(client: Client[Any], run_id: str) -> dict[str, Any]:
    while (report := await call(client, "get_run", run_id=run_id))["status"] not in FINAL:
        pass
    return report


async def written(client: Client[Any], **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - the tool's own
    return await ended(client, (await call(client, "generate_playbook", **arguments))["run_id"])


class Progress:
    """The progress reports that a client receives during one call.

    `first` is set at the first report about the run.
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self.totals: list[float | None] = []
        self.texts: list[str] = []
        self.first = asyncio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.values.append(progress)
        self.totals.append(total)
        self.texts.append(message or "")
        if message != "opening the database":
            self.first.set()


async def followed(client: Client[Any], run_id: str) -> tuple[dict[str, Any], list[Progress]]:
    """Call get_run until the run has ended.

    Return the report of the run, and the progress reports for each call.
    """
    calls: list[Progress] = []
    while True:
        calls.append(Progress())
        result = await client.call_tool("get_run", {"run_id": run_id}, progress_handler=calls[-1])
        if result.data.status in FINAL:
            return cast("dict[str, Any]", result.structured_content), calls


@in_this_loop
@by_every_wire
async def test_the_listed_tools_match_their_snapshots(client: Client[Any]) -> None:
    async with client:
        listed = {tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in await client.list_tools()}

    for tool in listed.values():
        tool.pop("_meta", None)
    if os.environ.get("OCTAVE_WRITE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        for name, tool in listed.items():
            (SNAPSHOTS / f"{name}.json").write_text(json.dumps(tool, indent=2) + "\n", encoding="utf-8")
    snapshots = {file.stem: json.loads(file.read_text("utf-8")) for file in SNAPSHOTS.glob("*.json")}
    assert listed == snapshots


@in_this_loop
async def test_the_example_configuration_starts_a_server_that_lists_the_tools(example_client: Client[Any]) -> None:
    assert {tool.name for tool in await example_client.list_tools()} == TOOLS.keys()


async def test_every_tool_has_a_title_a_description_a_typed_result_and_says_whether_it_changes_anything(
    client: Client[Any],
) -> None:
    async with client:
        for tool in await client.list_tools():
            assert tool.annotations
            hints = tool.annotations.model_dump(by_alias=True, exclude_none=True)
            assert ("readOnlyHint" in hints) != ("destructiveHint" in hints)
            assert tool.title
            assert tool.description
            assert tool.output_schema
            assert tool.output_schema["properties"]
            assert tool.output_schema["required"]


@in_this_loop
@by_every_wire
async def test_a_playbook_is_written_with_increasing_progress_and_varying_messages(
    client: Client[Any], held_pair: Pair
) -> None:
    progress = Progress()
    asked = held_pair.domains | SMALL
    async with client:
        calling = asyncio.create_task(client.call_tool("generate_playbook", asked, progress_handler=progress))
        await progress.first.wait()
        held_pair.release()
        started = (await calling).data
        report, later = await followed(client, started.run_id)

    assert report["run_id"] == started.run_id
    assert report["status"] == "completed"
    assert report["overview"]["personas"]
    assert report["overview"]["counts"]["evidence"] > 0
    assert names_in(Path(report["files"][0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}
    assert len(report["files"]) == 3
    for reported in (progress, *later):
        assert reported.values == sorted(set(reported.values))
        assert all(
            total is None or value <= total for value, total in zip(reported.values, reported.totals, strict=True)
        )
        assert all(0 < len(text) <= MAX_PROGRESS_CHARACTERS for text in reported.texts)
    assert len({text for reported in (progress, *later) for text in reported.texts}) > 2


@pytest.mark.long
@in_both_eras
async def test_the_pages_of_real_companies_yield_a_playbook(
    client: Client[Any], real_sites: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    vendor, prospect = real_sites["posthog.com"], real_sites["supabase.com"]
    async with client:
        report = await written(client, vendor_domain=vendor, prospect_domain=prospect, model="extractive")

    assert report["status"] == "completed"
    assert report["overview"]["counts"]["case_studies"] > 0
    assert report["overview"]["counts"]["pain_points"] > 0


async def test_the_report_of_a_finished_run_is_short(client: Client[Any], finished: Finished) -> None:
    async with client:
        report = await call(client, "get_run", run_id=finished.run_id)

    assert report["overview"]
    assert len(json.dumps(report, ensure_ascii=False)) / 4 < 2000


async def test_a_call_that_does_not_wait_returns_a_run_to_poll(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0)
        under_way = await call(client, "get_run", run_id=started["run_id"], wait_seconds=0)
        held_pair.release()
        report = await ended(client, started["run_id"])

    assert started["status"] in {"queued", "running"}
    assert started["run_id"] in started["next"]
    assert under_way["status"] in {"queued", "running"}
    assert under_way["message"]
    assert report["status"] == "completed"
    assert report["session_id"] == started["session_id"]


@in_this_loop
@pytest.mark.parametrize("client", sampled((*ERAS, "stdio"), short=lambda wire: wire == "auto"), indirect=True)
async def test_a_client_whose_calls_time_out_later_finds_its_run_finished(client: Client[Any], held_pair: Pair) -> None:
    asked = held_pair.domains | SMALL | {"request_id": "timed-out"}
    async with client:
        started = await call(client, "generate_playbook", **asked, wait_seconds=0)
        for tool, arguments in (("generate_playbook", asked), ("get_run", {"run_id": started["run_id"]})):
            with pytest.raises((McpError, TimeoutError)):  # the run cannot end before the timeout
                await client.call_tool(tool, arguments, timeout=0.2)
        held_pair.release()
        report = await written(client, **asked)

    assert report["run_id"] == started["run_id"]
    assert report["status"] == "completed"


@in_this_loop
@pytest.mark.parametrize("client", sampled((*ERAS, "stdio"), short=lambda wire: wire != "stdio"), indirect=True)
async def test_cancelling_the_call_that_started_a_run_does_not_end_the_run(
    client: Client[Any], held_pair: Pair
) -> None:
    progress = Progress()
    asked = held_pair.domains | SMALL | {"request_id": "cancelled"}
    async with client:
        waiting = asyncio.create_task(client.call_tool("generate_playbook", asked, progress_handler=progress))
        await progress.first.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        held_pair.release()
        latest = (await call(client, "list_sessions", limit=1))["sessions"][0]["latest"]
        report = await written(client, **asked)

    assert report["run_id"] == latest["run_id"]
    assert report["status"] == "completed"


async def test_each_section_is_returned_by_name_and_a_long_one_in_parts_by_cursor(
    client: Client[Any], finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octave_mcp.tools.playbooks.SECTION_CHARACTERS", 20_000)
    async with client:
        report = await call(client, "get_run", run_id=finished.run_id)
        playbook = read_json(report["files"][0])
        for name in SECTIONS:
            assert await _section(client, finished.run_id, name) == playbook[name]
        stories = await call(client, "get_run", run_id=finished.run_id, section="vendor_elements.case_studies")

    assert stories["section"] == {"vendor_elements.case_studies": playbook["vendor_elements"]["case_studies"]}
    assert stories["overview"] is None


async def _section(client: Client[Any], run_id: str, name: str) -> Any:  # noqa: ANN401 - JSON
    page = await call(client, "get_run", run_id=run_id, section=name)
    whole = page["section"][name]
    while page["cursor"]:
        page = await call(client, "get_run", run_id=run_id, section=name, cursor=page["cursor"])
        assert len(json.dumps(page["section"], ensure_ascii=False)) < 21_000
        whole = _joined(whole, page["section"][name])
    return whole


def _joined(first: Any, more: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(first, list):
        return [*first, *more]
    return first | {key: _joined(first[key], part) if key in first else part for key, part in more.items()}


async def test_an_unknown_section_or_cursor_is_refused_with_what_to_use_instead(
    client: Client[Any], finished: Finished
) -> None:
    run_id = finished.run_id
    async with client:
        section = await complaint(client, "get_run", run_id=run_id, section="emails")
        part = await complaint(client, "get_run", run_id=run_id, section="vendor_elements.prices")
        cursor = await complaint(client, "get_run", run_id=run_id, section="gaps", cursor="99")

    assert section.startswith("[unknown_name] there is no section 'emails'; choose one of brief, executive_summary")
    assert "'prices'" in part
    assert "case_studies" in part
    assert cursor == "[invalid_input] invalid cursor '99' for 'gaps'; leave it out to start at the beginning"


async def test_an_error_names_the_invalid_argument_and_says_what_to_do(client: Client[Any]) -> None:
    given = {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "model": "extractive"}
    async with client:
        texts = [
            await complaint(client, "generate_playbook", **(given | arguments)) for arguments, _, _ in INVALID_ARGUMENTS
        ]

    for text, (_, code, parts) in zip(texts, INVALID_ARGUMENTS, strict=True):
        assert text.startswith(f"[{code}] ")
        assert all(part in text for part in parts)


@in_both_eras
async def test_wrong_arguments_are_named_with_the_valid_ones_and_without_their_values(
    client: Client[Any],
) -> None:
    secret = "sk-live-4f9a8b7c6d5e"  # noqa: S105 - planted
    async with client:
        text = await complaint(client, "generate_playbook", vendor_domain="acme.com", api_key=secret, max_pages=secret)

    assert text.startswith("[invalid_input] ")
    assert "prospect_domain: missing" in text
    assert "api_key: unknown argument" in text
    assert "max_pages: Input should be a valid integer" in text
    assert f"The arguments are {', '.join(TOOLS['generate_playbook'].arguments)}" in text
    assert secret not in text


async def test_an_unknown_run_is_refused_with_the_tool_that_lists_runs(client: Client[Any]) -> None:
    async with client:
        text = await complaint(client, "get_run", run_id="run_0")

    assert text.startswith("[not_found] there is no run 'run_0', or it was deleted; list_sessions shows")


async def test_the_runs_of_a_session_are_listed_and_deleted_together(client: Client[Any], pair: Pair) -> None:
    asked = pair.domains | SMALL
    async with client:
        first = await written(client, **asked)
        second = await written(client, **asked, session_id=first["session_id"])
        other = await written(client, **asked)
        listed = await call(client, "list_sessions")
        runs = await call(client, "list_sessions", session_id=first["session_id"])
        deleted = await call(client, "delete_session", session_id=first["session_id"])
        left = await call(client, "list_sessions")
        gone = await complaint(client, "get_run", run_id=second["run_id"])

    assert [(s["session_id"], s["runs"]) for s in listed["sessions"]] == [
        (other["session_id"], 1),
        (first["session_id"], 2),
    ]
    assert listed["sessions"][1]["latest"]["run_id"] == second["run_id"]
    assert [run["run_id"] for run in runs["runs"]] == [second["run_id"], first["run_id"]]
    assert deleted == {"session_id": first["session_id"], "runs": 2}
    assert [s["session_id"] for s in left["sessions"]] == [other["session_id"]]
    assert gone.startswith("[not_found] ")
    assert not files_exist(first)
    assert files_exist(other)


def files_exist(report: dict[str, Any]) -> bool:
    return Path(report["files"][0]).exists()


async def test_the_progress_of_a_queued_run_is_reported_from_the_start(
    client: Client[Any], held_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MAX_RUNS", "1")
    progress = Progress()
    async with client:
        first = await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0)
        await asyncio.to_thread(held_pair.vendor.asked.wait)
        second = await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0)
        waiting = asyncio.create_task(
            client.call_tool("get_run", {"run_id": second["run_id"]}, progress_handler=progress)
        )
        await progress.first.wait()
        await call(client, "cancel_run", run_id=first["run_id"])
        held_pair.release()
        await waiting
        report = await ended(client, second["run_id"])

    assert progress.texts[0] == "queued"
    assert report["status"] == "completed"


async def test_a_long_list_continues_at_its_cursor(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = [
            await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0) for _ in range(3)
        ]
        first = await call(client, "list_sessions", limit=2)
        rest = await call(client, "list_sessions", limit=2, cursor=first["cursor"])
        await cancel(client, started)

    listed = [session["session_id"] for session in (*first["sessions"], *rest["sessions"])]
    assert listed == [run["session_id"] for run in reversed(started)]
    assert rest["cursor"] is None


async def cancel(client: Client[Any], runs: list[dict[str, Any]]) -> None:
    """Cancel the runs, so that the server can stop without waiting for sites that do not respond.

    The first run is cancelled last, because it fetches pages for all other runs.
    """
    for run in reversed(runs):
        await call(client, "cancel_run", run_id=run["run_id"])


async def test_the_same_request_id_gives_the_same_run_and_another_request_with_it_is_refused(
    client: Client[Any], held_pair: Pair
) -> None:
    asked = held_pair.domains | {"request_id": "deal-7", "wait_seconds": 0}
    async with client:
        first = await call(client, "generate_playbook", **asked)
        again = await call(client, "generate_playbook", **asked)
        text = await complaint(client, "generate_playbook", **(asked | {"max_pages": 3}))
        await cancel(client, [first])

    assert again["run_id"] == first["run_id"]
    assert text.startswith("[request_id_reused] request_id 'deal-7' was already used for another request")


async def test_a_run_can_be_cancelled_by_its_id_and_stays_cancelled(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0)
        cancelled = await call(client, "cancel_run", run_id=started["run_id"])
        held_pair.release()
        later = await call(client, "get_run", run_id=started["run_id"])

    assert cancelled["status"] == later["status"] == "cancelled"
    assert later["overview"] is None


@in_both_eras
async def test_a_finished_playbook_is_a_resource_in_each_format(client: Client[Any], finished: Finished) -> None:
    async with client:
        report = await call(client, "get_run", run_id=finished.run_id)
        templates = {template.uri_template for template in await client.list_resource_templates()}
        read = {link: await text_of(client, link) for link in report["links"]}
        types = {(await client.read_resource(link))[0].mime_type for link in report["links"]}

    assert templates == {f"run://{{run_id}}/playbook.{suffix}{{?version}}" for suffix in ("md", "html", "json")}
    assert [link.rpartition("/")[2] for link in report["links"]] == ["playbook.json", "playbook.md", "playbook.html"]
    for file in map(Path, report["files"]):
        assert read[f"run://{report['run_id']}/{file.name}"] == file.read_text("utf-8")
    assert types == {"text/markdown", "text/html", "application/json"}


async def text_of(client: Client[Any], uri: str) -> str:
    (content,) = await client.read_resource(uri)
    assert isinstance(content, TextResourceContents)
    return content.text


@in_both_eras
async def test_reading_a_missing_playbook_fails_with_the_reason(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, **SMALL, wait_seconds=0)
        with pytest.raises(McpError, match=r"\[not_finished\] run .* is (queued|running)"):
            await client.read_resource(f"run://{started['run_id']}/playbook.md")
        with pytest.raises(McpError, match=r"\[not_found\] there is no run 'run_0'"):
            await client.read_resource("run://run_0/playbook.md")
        await call(client, "cancel_run", run_id=started["run_id"])


async def test_the_schemas_of_results_are_resources(client: Client[Any], finished: Finished) -> None:
    async with client:
        report = await call(client, "get_run", run_id=finished.run_id)
        schemas = {
            name: json.loads(await text_of(client, f"octave://schema/{name}")) for name in ("playbook", "report")
        }

    assert schemas["report"]["properties"].keys() == report.keys() - {"section", "markdown", "cursor"}
    assert schemas["playbook"]["properties"].keys() >= set(SECTIONS)


@in_both_eras
async def test_run_ids_are_completed_for_resources_and_prompts(client: Client[Any], finished: Finished) -> None:
    run_id = finished.run_id
    async with client:
        template = ResourceTemplateReference(type="ref/resource", uri="run://{run_id}/playbook.md")
        prompt = PromptReference(type="ref/prompt", name="call_prep")
        found = [await client.complete(ref, {"name": "run_id", "value": run_id[:8]}) for ref in (template, prompt)]
        none = await client.complete(prompt, {"name": "run_id", "value": "nothing"})

    assert [completion.values for completion in found] == [[run_id], [run_id]]
    assert none.values == []


@in_both_eras
async def test_prompts_name_the_tools_to_call_and_contain_the_users_arguments(client: Client[Any]) -> None:
    async with client:
        prompts = {prompt.name: prompt for prompt in await client.list_prompts()}
        prompt = await client.get_prompt("playbook", {"vendor_domain": "acme.com", "prospect_domain": "globex.com"})

    assert prompts.keys() == {"playbook", "call_prep", "emails"}
    assert all(prompt.description and prompt.title for prompt in prompts.values())
    content = prompt.messages[0].content
    assert isinstance(content, TextContent)
    text = content.text
    assert "acme.com" in text
    assert "globex.com" in text
    assert "generate_playbook" in text


@in_both_eras
async def test_prompts_say_what_to_do_with_an_outline(client: Client[Any]) -> None:
    companies, run = {"vendor_domain": "acme.com", "prospect_domain": "globex.com"}, {"run_id": "a-run"}
    async with client:
        for name, given in (("playbook", companies), ("call_prep", run), ("emails", run)):
            content = (await client.get_prompt(name, given)).messages[0].content
            assert isinstance(content, TextContent)
            assert "say that it was an outline" in content.text


@asynccontextmanager
async def raw_server(folder: Path, *calls: dict[str, Any]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a server on stdio, and send a client's handshake and these calls to the server."""
    handshake = [{"id": 1, "method": "initialize", "params": CLIENT}, {"method": "notifications/initialized"}]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        STDIO,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin
    for message in (*handshake, *calls):
        process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
    yield process


async def answers_to(process: asyncio.subprocess.Process, *ids: int | str) -> None:
    assert process.stdout
    answered: set[int | str] = set()
    while not answered >= set(ids):
        answer = json.loads(await process.stdout.readline())
        assert answer["jsonrpc"] == "2.0"
        answered.add(answer.get("id"))


async def test_a_server_writes_only_protocol_to_stdout_and_finishes_its_run_after_the_client_disconnects(
    held_pair: Pair, tmp_path: Path, home: Path
) -> None:
    arguments = {**held_pair.few, "wait_seconds": 0}
    asked = {"id": 2, "method": "tools/call", "params": {"name": "generate_playbook", "arguments": arguments}}
    wrong = {"id": 3, "method": "tools/call", "params": {"name": "get_run", "arguments": {"run_id": "run_0"}}}
    async with raw_server(tmp_path, asked, wrong) as process:
        await answers_to(process, 1, 2, 3)
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        held_pair.release()
        rest = await process.stdout.read()

    assert rest == b""
    assert await process.wait() == 0
    (folder,) = (home / "playbooks").iterdir()
    assert names_in(folder) == {"playbook.json", "playbook.md", "playbook.html"}


@pytest.mark.long
async def test_four_servers_started_at_once_on_a_fresh_home_all_answer(tmp_path: Path) -> None:
    listed: dict[str, Any] = {"id": 2, "method": "tools/call", "params": {"name": "list_sessions", "arguments": {}}}

    async def answered() -> int | None:
        async with raw_server(tmp_path, listed) as process:
            await answers_to(process, 1, 2)
            assert process.stdin
            process.stdin.close()
            return await process.wait()

    assert await asyncio.gather(*(answered() for _ in range(4))) == [0, 0, 0, 0]


ODD_IDS = ("", "a b/\u00e4\u20ac\U0001f600", "0", 0, -1, 2**53 + 1, "x" * 5000)


@pytest.mark.long
async def test_a_response_has_the_id_of_its_request_even_if_the_id_is_unusual(tmp_path: Path) -> None:
    async with raw_server(tmp_path, *({"id": odd_id, "method": "tools/list"} for odd_id in ODD_IDS)) as process:
        await answers_to(process, 1, *ODD_IDS)
        assert process.stdin
        process.stdin.close()
        await process.wait()


def test_an_invalid_setting_is_named_before_the_server_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCTAVE_MAX_RUNS", "many")
    monkeypatch.setattr(sys, "argv", ["server.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "server.py"), run_name="__main__")

    written = capsys.readouterr()
    assert ended.value.code == 3
    assert written.out == ""
    assert written.err.startswith("error: invalid setting: OCTAVE_MAX_RUNS: ")
    assert written.err.count("\n") == 1
