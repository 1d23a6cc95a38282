"""The tools as an MCP client meets them: in both protocol eras, in process and over stdio."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from conftest import ROOT, Pair, command, names_in, read_json
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import McpError, ToolError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from octave_mcp.domain.playbook import SECTIONS
from octave_mcp.surfaces.mcp import LONGEST_PROGRESS_CHARACTERS, make
from octave_mcp.tools import TOOLS

Era = Literal["auto", "legacy"]
Connect = Callable[[], Client[Any]]

SNAPSHOTS = Path(__file__).parent / "snapshots" / "tools"
ERAS: tuple[Era, ...] = ("auto", "legacy")


def over_stdio(era: Era, log: Path) -> Client[Any]:
    transport = StdioTransport(
        sys.executable, [str(ROOT / "server.py")], env=dict(os.environ), keep_alive=False, log_file=log
    )
    return Client(transport, mode=era)


@pytest.fixture(params=[("memory", "auto"), ("memory", "legacy"), ("stdio", "auto")], ids="-".join)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """A client of a server of its own, by each wire and in each era; tests of recovery speak the older over stdio."""
    wire, era = request.param
    return lambda: Client(make(), mode=era) if wire == "memory" else over_stdio(era, tmp_path / "stderr")


@pytest.fixture(params=ERAS)
def client(request: pytest.FixtureRequest) -> Client[Any]:
    return Client(make(), mode=request.param)


async def call(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - the tool's own
    content = (await client.call_tool(tool, arguments)).structured_content
    assert content is not None
    return content


async def complaint(client: Client[Any], tool: str, **arguments: Any) -> str:  # noqa: ANN401 - the tool's own
    with pytest.raises(ToolError) as refused:
        await client.call_tool(tool, arguments)
    return str(refused.value)


class Told:
    """The progress that a client was told; `first` is set with the first of it that is about the run."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.texts: list[str] = []
        self.first = asyncio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        assert total is None or progress <= total
        self.values.append(progress)
        self.texts.append(message or "")
        if message != "getting ready":
            self.first.set()


async def test_a_client_finds_the_tools_as_their_snapshots_say(connect: Connect) -> None:
    async with connect() as client:
        listed = {tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in await client.list_tools()}

    for tool in listed.values():
        tool.pop("_meta", None)
    if os.environ.get("OCTAVE_WRITE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        for name, tool in listed.items():
            (SNAPSHOTS / f"{name}.json").write_text(json.dumps(tool, indent=2) + "\n", encoding="utf-8")
    snapshots = {file.stem: json.loads(file.read_text("utf-8")) for file in SNAPSHOTS.glob("*.json")}
    assert listed == snapshots


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


async def test_a_playbook_is_written_with_progress_that_grows_and_says_what_is_being_done(
    connect: Connect, pair: Pair
) -> None:
    told = Told()
    async with connect() as client:
        result = await client.call_tool("generate_playbook", pair.domains, progress_handler=told)

    report = result.structured_content
    assert report is not None
    assert report["status"] == "completed"
    assert report["overview"]["personas"]
    assert report["overview"]["counts"]["evidence"] > 0
    assert names_in(Path(report["files"][0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}
    assert len(report["files"]) == 3
    assert told.values == sorted(set(told.values))
    assert all(0 < len(text) <= LONGEST_PROGRESS_CHARACTERS for text in told.texts)
    assert result.data.run_id == report["run_id"]


async def test_real_companies_pages_make_a_playbook(
    client: Client[Any], real_sites: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    vendor, prospect = real_sites["posthog.com"], real_sites["supabase.com"]
    async with client:
        report = await call(
            client, "generate_playbook", vendor_domain=vendor, prospect_domain=prospect, model="extractive"
        )

    assert report["status"] == "completed"
    assert report["overview"]["counts"]["case_studies"] > 0
    assert report["overview"]["counts"]["pain_points"] > 0


async def test_the_report_of_a_finished_run_is_short(client: Client[Any], pair: Pair) -> None:
    async with client:
        report = await call(client, "generate_playbook", **pair.domains)

    assert len(json.dumps(report, ensure_ascii=False)) / 4 < 2000


async def test_a_call_that_may_not_wait_returns_a_run_to_poll(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        under_way = await call(client, "get_run", run_id=started["run_id"], wait_seconds=0)
        held_pair.release()
        finished = await call(client, "get_run", run_id=started["run_id"])

    assert started["status"] in {"queued", "running"}
    assert started["run_id"] in started["next"]
    assert under_way["status"] in {"queued", "running"}
    assert under_way["message"]
    assert finished["status"] == "completed"
    assert finished["session_id"] == started["session_id"]


async def test_a_client_whose_call_times_out_finds_its_run_finished_later(connect: Connect, held_pair: Pair) -> None:
    async with connect() as client:
        started = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        with pytest.raises((McpError, TimeoutError)):
            await client.call_tool("get_run", {"run_id": started["run_id"]}, timeout=0.2)
        held_pair.release()
        finished = await call(client, "get_run", run_id=started["run_id"])

    assert finished["status"] == "completed"


async def test_a_client_that_cancels_the_call_which_started_a_run_does_not_end_the_run(
    connect: Connect, held_pair: Pair
) -> None:
    told = Told()
    async with connect() as client:
        waiting = asyncio.create_task(client.call_tool("generate_playbook", held_pair.domains, progress_handler=told))
        await told.first.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        held_pair.release()
        (session,) = (await call(client, "list_sessions"))["sessions"]
        finished = await call(client, "get_run", run_id=session["latest"]["run_id"])

    assert finished["status"] == "completed"


async def test_each_section_comes_whole_by_its_name_and_a_long_one_in_parts_by_cursor(
    client: Client[Any], pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octave_mcp.tools.SECTION_CHARACTERS", 20_000)
    async with client:
        report = await call(client, "generate_playbook", **pair.domains)
        playbook = read_json(report["files"][0])
        for name in SECTIONS:
            assert await _section(client, report["run_id"], name) == playbook[name]
        stories = await call(client, "get_run", run_id=report["run_id"], section="vendor_elements.case_studies")

    assert stories["section"] == {"vendor_elements.case_studies": playbook["vendor_elements"]["case_studies"]}
    assert stories["overview"] is None


async def _section(client: Client[Any], run_id: str, name: str) -> Any:  # noqa: ANN401 - JSON
    """The section, its parts put together again."""
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


async def test_a_section_or_cursor_that_does_not_exist_is_refused_with_those_that_do(
    client: Client[Any], pair: Pair
) -> None:
    async with client:
        run_id = (await call(client, "generate_playbook", **pair.few))["run_id"]
        section = await complaint(client, "get_run", run_id=run_id, section="emails")
        part = await complaint(client, "get_run", run_id=run_id, section="vendor_elements.prices")
        cursor = await complaint(client, "get_run", run_id=run_id, section="gaps", cursor="99")

    assert section.startswith("[unknown_name] there is no section 'emails'; choose one of executive_summary")
    assert "'prices'" in part
    assert "case_studies" in part
    assert cursor == "[invalid_input] '99' is no cursor of 'gaps'; leave it out to begin at the start"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ({"vendor_domain": "acme"}, "host_not_allowed", ("'acme'", "OCTAVE_ALLOW_HOSTS")),
        ({"vendor_domain": "not a domain"}, "invalid_domain", ("'not a domain'", "acme.com")),
        ({"prospect_domain": "http://192.168.0.7"}, "host_not_allowed", ("192.168.0.7", "OCTAVE_ALLOW_HOSTS")),
        ({"prospect_domain": "https://www.acme.com/x"}, "same_company", ("acme.com", "name two")),
        ({"language": "de"}, "unsupported_language", ("'de'", "leave language out")),
        ({"model": "gpt"}, "unknown_name", ("'gpt'", "extractive")),
        ({"source": "wayback"}, "unknown_name", ("'wayback'", "crawler")),
        ({"context": "a\0b"}, "invalid_input", ("context", "NUL")),
        ({"session_id": "sess_0"}, "not_found", ("'sess_0'", "leave session_id out")),
    ],
    ids=str,
)
async def test_what_cannot_be_used_is_refused_by_its_name_and_with_what_to_do(
    client: Client[Any], arguments: dict[str, str], code: str, said: tuple[str, ...]
) -> None:
    given = {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "model": "extractive"} | arguments
    async with client:
        text = await complaint(client, "generate_playbook", **given)

    assert text.startswith(f"[{code}] ")
    assert all(part in text for part in said)


async def test_wrong_arguments_are_named_with_those_there_are_and_their_values_are_not_repeated(
    client: Client[Any],
) -> None:
    secret = "sk-live-4f9a8b7c6d5e"  # noqa: S105 - planted
    async with client:
        text = await complaint(client, "generate_playbook", vendor_domain="acme.com", api_key=secret, max_pages=secret)

    assert text.startswith("[invalid_input] ")
    assert "prospect_domain: missing" in text
    assert "api_key: there is no such argument" in text
    assert "max_pages: Input should be a valid integer" in text
    assert f"generate_playbook takes {', '.join(TOOLS['generate_playbook'].arguments)}" in text
    assert secret not in text


async def test_an_unknown_run_is_refused_with_what_starts_one(client: Client[Any]) -> None:
    async with client:
        text = await complaint(client, "get_run", run_id="run_0")

    assert text == "[not_found] there is no run 'run_0', or it was deleted; list the sessions to see what is kept"


async def test_without_a_model_a_run_is_refused_with_the_way_that_needs_no_key(client: Client[Any]) -> None:
    async with client:
        text = await complaint(client, "generate_playbook", vendor_domain="acme.com", prospect_domain="quill.org")

    assert text.startswith("[setup] ")
    assert "OCTAVE_MODEL=extractive" in text


async def test_runs_that_belong_together_are_listed_and_deleted_together(client: Client[Any], pair: Pair) -> None:
    async with client:
        first = await call(client, "generate_playbook", **pair.few)
        second = await call(client, "generate_playbook", **pair.few, session_id=first["session_id"])
        other = await call(client, "generate_playbook", **pair.few)
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
    assert not is_there(first["files"][0])
    assert is_there(other["files"][0])


async def test_a_run_that_waits_for_its_place_is_followed_from_the_start(
    client: Client[Any], held_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MAX_RUNS", "1")
    told = Told()
    async with client:
        first = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        second = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        waiting = asyncio.create_task(client.call_tool("get_run", {"run_id": second["run_id"]}, progress_handler=told))
        await told.first.wait()
        held_pair.release()
        report = (await waiting).structured_content
        await call(client, "get_run", run_id=first["run_id"])

    assert told.texts[0] == "queued"
    assert report
    assert report["status"] == "completed"


async def test_a_long_list_goes_on_by_its_cursor(client: Client[Any], pair: Pair) -> None:
    async with client:
        ids = [
            (await call(client, "generate_playbook", **pair.domains, max_pages=1, wait_seconds=0))["session_id"]
            for _ in range(3)
        ]
        first = await call(client, "list_sessions", limit=2)
        rest = await call(client, "list_sessions", limit=2, cursor=first["cursor"])

    assert [s["session_id"] for s in (*first["sessions"], *rest["sessions"])] == ids[::-1]
    assert rest["cursor"] is None


async def test_the_same_request_id_gives_the_same_run_and_another_request_with_it_is_refused(
    client: Client[Any], pair: Pair
) -> None:
    async with client:
        first = await call(client, "generate_playbook", **pair.few, request_id="deal-7", wait_seconds=0)
        again = await call(client, "generate_playbook", **pair.few, request_id="deal-7")
        text = await complaint(client, "generate_playbook", **(pair.few | {"max_pages": 3}), request_id="deal-7")

    assert again["run_id"] == first["run_id"]
    assert text.startswith("[request_id_reused] request_id 'deal-7' stands for another request already")


async def test_a_run_may_be_cancelled_by_its_id_and_stays_so(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        cancelled = await call(client, "cancel_run", run_id=started["run_id"])
        held_pair.release()
        later = await call(client, "get_run", run_id=started["run_id"])

    assert cancelled["status"] == later["status"] == "cancelled"
    assert later["overview"] is None


async def test_a_client_that_ends_every_call_after_a_moment_gets_its_playbook_by_polling(
    connect: Connect, held_pair: Pair
) -> None:
    async with connect() as client:
        with contextlib.suppress(McpError, ToolError):
            await client.call_tool("generate_playbook", held_pair.domains | {"request_id": "one"}, timeout=2)
        held_pair.release()
        report: dict[str, Any] = {"status": "running"}
        while report["status"] in {"queued", "running"}:
            with contextlib.suppress(McpError, ToolError):
                asked = held_pair.domains | {"request_id": "one"}
                report = await call_in(client, 5, "generate_playbook", **asked)

    assert report["status"] == "completed"


async def call_in(client: Client[Any], seconds: float, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    content = (await client.call_tool(tool, arguments, timeout=seconds)).structured_content
    assert content is not None
    return content


async def test_a_finished_playbook_is_a_resource_in_each_format(client: Client[Any], pair: Pair) -> None:
    async with client:
        report = await call(client, "generate_playbook", **pair.few)
        templates = {one.uri_template for one in await client.list_resource_templates()}
        read = {link: await text_of(client, link) for link in report["links"]}
        types = {(await client.read_resource(link))[0].mime_type for link in report["links"]}

    assert templates == {f"run://{{run_id}}/playbook.{suffix}" for suffix in ("md", "html", "json")}
    assert [link.rpartition("/")[2] for link in report["links"]] == ["playbook.md", "playbook.html", "playbook.json"]
    for file in report["files"]:
        assert read[f"run://{report['run_id']}/{Path(file).name}"] == written(file)
    assert types == {"text/markdown", "text/html", "application/json"}


def written(file: str) -> str:
    return Path(file).read_text("utf-8")


def is_there(file: str) -> bool:
    return Path(file).exists()


async def text_of(client: Client[Any], uri: str) -> str:
    (content,) = await client.read_resource(uri)
    assert isinstance(content, TextResourceContents)
    return content.text


async def test_a_playbook_that_is_not_there_says_what_to_do(client: Client[Any], held_pair: Pair) -> None:
    async with client:
        started = await call(client, "generate_playbook", **held_pair.domains, wait_seconds=0)
        with pytest.raises(McpError, match=r"\[not_finished\] run .* is (queued|running)"):
            await client.read_resource(f"run://{started['run_id']}/playbook.md")
        with pytest.raises(McpError, match=r"\[not_found\] there is no run 'run_0'"):
            await client.read_resource("run://run_0/playbook.md")
        await call(client, "cancel_run", run_id=started["run_id"])


async def test_the_schemas_of_answers_are_resources(client: Client[Any], pair: Pair) -> None:
    async with client:
        report = await call(client, "generate_playbook", **pair.few)
        schemas = {
            name: json.loads(await text_of(client, f"octave://schema/{name}")) for name in ("playbook", "report")
        }

    assert schemas["report"]["properties"].keys() == report.keys()
    assert schemas["playbook"]["properties"].keys() >= set(SECTIONS)


async def test_run_ids_are_completed_for_resources_and_prompts(client: Client[Any], pair: Pair) -> None:
    async with client:
        run_id = (await call(client, "generate_playbook", **pair.domains, max_pages=1))["run_id"]
        template = ResourceTemplateReference(type="ref/resource", uri="run://{run_id}/playbook.md")
        prompt = PromptReference(type="ref/prompt", name="call_prep")
        found = [await client.complete(ref, {"name": "run_id", "value": run_id[:8]}) for ref in (template, prompt)]
        none = await client.complete(prompt, {"name": "run_id", "value": "nothing"})

    assert [one.values for one in found] == [[run_id], [run_id]]
    assert none.values == []


async def test_prompts_say_which_tools_to_call_with_what_the_user_gave(client: Client[Any]) -> None:
    async with client:
        prompts = {prompt.name: prompt for prompt in await client.list_prompts()}
        prompt = await client.get_prompt("playbook", {"vendor": "acme.com", "prospect": "globex.com"})

    assert prompts.keys() == {"playbook", "call_prep", "emails"}
    assert all(prompt.description and prompt.title for prompt in prompts.values())
    content = prompt.messages[0].content
    assert isinstance(content, TextContent)
    text = content.text
    assert "acme.com" in text
    assert "globex.com" in text
    assert "generate_playbook" in text


@asynccontextmanager
async def raw_server(folder: Path, *calls: dict[str, Any]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A server on stdio that was sent these calls, after a client has introduced itself."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    introduced = [{"id": 1, "method": "initialize", "params": client}, {"method": "notifications/initialized"}]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "server.py"),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin
    for message in (*introduced, *calls):
        process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
    yield process


async def answers_to(process: asyncio.subprocess.Process, *ids: int) -> None:
    assert process.stdout
    answered: set[int] = set()
    while not answered >= set(ids):
        answer = json.loads(await process.stdout.readline())
        assert answer["jsonrpc"] == "2.0"
        answered.add(answer.get("id"))


async def test_nothing_but_protocol_is_written_to_stdout(pair: Pair, tmp_path: Path) -> None:
    asked = {"id": 2, "method": "tools/call", "params": {"name": "generate_playbook", "arguments": pair.domains}}
    wrong = {"id": 3, "method": "tools/call", "params": {"name": "get_run", "arguments": {"run_id": "run_0"}}}
    async with raw_server(tmp_path, asked, wrong) as process:
        await answers_to(process, 1, 2, 3)
        rest, _ = await process.communicate(b"")

    assert rest == b""
    assert process.returncode == 0


async def test_a_server_whose_client_has_left_finishes_the_run_it_began(
    held_pair: Pair, tmp_path: Path, home: Path
) -> None:
    arguments = {**held_pair.domains, "wait_seconds": 0}
    asked = {"id": 2, "method": "tools/call", "params": {"name": "generate_playbook", "arguments": arguments}}
    async with raw_server(tmp_path, asked) as process:
        await answers_to(process, 1, 2)
        assert process.stdin
        process.stdin.close()
        held_pair.release()
        await process.wait()

    (folder,) = (home / "playbooks").iterdir()
    assert names_in(folder) == {"playbook.json", "playbook.md", "playbook.html"}


async def test_the_example_configuration_starts_a_server_that_lists_the_tools(tmp_path: Path) -> None:
    text = (ROOT / "claude_desktop_config.example.json").read_text("utf-8")
    text = text.replace("/ABSOLUTE/PATH/TO/octave-mcp/.venv/bin/python", sys.executable)
    entry = json.loads(text.replace("/ABSOLUTE/PATH/TO/octave-mcp", str(ROOT)))["mcpServers"]["octave"]
    environment = entry["env"] | {"OCTAVE_HOME": os.environ["OCTAVE_HOME"]}
    transport = StdioTransport(
        entry["command"],
        entry["args"],
        env=environment,
        cwd=str(tmp_path),
        keep_alive=False,
        log_file=tmp_path / "stderr",
    )
    async with Client(transport) as client:
        assert {tool.name for tool in await client.list_tools()} == TOOLS.keys()


async def test_a_setting_that_cannot_be_used_is_named_before_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MAX_RUNS", "many")
    ended = await command(str(ROOT / "server.py"), cwd=tmp_path)

    assert ended.code == 3
    assert ended.out == ""
    assert ended.err.startswith("error: a setting cannot be used: OCTAVE_MAX_RUNS: ")
    assert ended.err.count("\n") == 1
