"""Empty strings and null: optional arguments count as absent, and required arguments cause an error."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Iterator
from typing import Any, Literal

import httpx2
import pytest
from conftest import Pair
from fastmcp import Client
from matrix import sampled
from web import UNKNOWN_RUN, problem_in, serving

from octave_mcp.surfaces.cli.main import main
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools import FUNCTIONS, TOOLS
from octave_mcp.tools.registry import Tool

Json = dict[str, Any]

PRIVATE: Json = {"vendor_domain": "10.0.0.1", "prospect_domain": "10.0.0.2"}
# With these values, each call that has required arguments fails immediately, before it reads a page.
GIVEN: Json = PRIVATE | {
    "run_id": UNKNOWN_RUN,
    "question_id": "none",
    "answer": "{}",
    "session_id": "sess_00000000000000000000000000000000",
    "text": "We promise two-hour windows.",
    "urls": ["10.0.0.1"],
    "site": "10.0.0.1",
    "section": "brief",
    "instruction": "Say it plainly.",
    "base_version": 1,
    "share_id": "none",
}

EMPTY = ("", None)


@pytest.fixture(autouse=True)
def a_model_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")


def arguments_of(tool: Tool) -> Iterator[tuple[str, bool]]:
    """Yield the name of each argument, and whether it is required."""
    parameters = inspect.signature(tool.function).parameters.values()
    own = (parameter for parameter in parameters if parameter.name != "call")
    return ((name, parameter.default is parameter.empty) for name, parameter in zip(tool.arguments, own, strict=True))


def shortest(tool: Tool) -> Json:
    return {name: GIVEN[name] for name, is_required in arguments_of(tool) if is_required}


@pytest.mark.parametrize("era", sampled(("auto", "legacy"), short=lambda era: era == "auto"))
async def test_over_mcp_every_optional_argument_may_be_empty_and_every_required_one_is_named(
    era: Literal["auto", "legacy"],
) -> None:
    async def answer(tool: Tool, given: Json) -> str:
        return str((await client.call_tool(tool.name, given, raise_on_error=False)).content)

    async with Client(make(), mode=era) as client:
        for tool in TOOLS.values():
            without = await answer(tool, shortest(tool))
            for name, is_required in arguments_of(tool):
                for value in EMPTY:
                    found = await answer(tool, shortest(tool) | {name: value})
                    if is_required:
                        assert f"[invalid_input] {name}: missing. The arguments are " in found
                    else:
                        assert found == without, (tool.name, name, value)


async def test_over_http_every_optional_argument_may_be_empty_and_every_required_one_is_named() -> None:
    async with serving() as client:
        for tool in FUNCTIONS.values():
            without = status_and_text(await send(client, tool, shortest(tool)))
            for name, is_required in arguments_of(tool):
                for way, value in (("json", ""), ("json", None), ("form", "")):
                    if f"{{{name}}}" in tool.path or (way == "form" and "urls" in tool.arguments):
                        continue  # a path cannot contain an empty argument, and a form cannot contain a list
                    answer = await send(client, tool, shortest(tool) | {name: value}, way)
                    if is_required:
                        assert problem_in(answer)["code"] == "invalid_input"
                        assert problem_in(answer)["detail"].startswith(f"{name}: missing. The arguments are ")
                    else:
                        assert status_and_text(answer) == without, (tool.name, name, value)


async def send(client: httpx2.AsyncClient, tool: Tool, given: Json, way: str = "json") -> httpx2.Response:
    """Call the tool's HTTP route.

    Arguments that are not part of the path are sent in the query or in the body. If `way` is 'json', the body is JSON;
    otherwise it is a form.
    """
    rest = {name: value for name, value in given.items() if f"{{{name}}}" not in tool.path}
    path = tool.path.format_map(given)
    if not tool.has_body:
        return await client.request(tool.method, path, params={name: value or "" for name, value in rest.items()})
    if way == "json":
        return await client.request(tool.method, path, json=rest)
    return await client.request(tool.method, path, data=rest)


def status_and_text(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


async def test_over_http_an_empty_flag_header_or_event_id_counts_as_absent() -> None:
    empty = ({"stream": ""}, {"stream": None})
    async with serving() as client:
        without = status_and_text(await client.post("/runs", json=PRIVATE))
        for more in empty:
            assert status_and_text(await client.post("/runs", json=PRIVATE | more)) == without
        assert status_and_text(await client.post("/runs", data=PRIVATE | {"stream": ""})) == without
        keyed = await client.post("/runs", json=PRIVATE | {"request_id": None}, headers={"Idempotency-Key": ""})
        assert status_and_text(keyed) == without
        events = await client.get(f"/runs/{UNKNOWN_RUN}/events?last_event_id=", headers={"Last-Event-ID": ""})
        assert problem_in(events)["code"] == "not_found"


async def test_a_run_whose_optional_arguments_are_all_empty_gets_its_own_session(held_pair: Pair) -> None:
    optional = [name for name, is_required in arguments_of(TOOLS["generate_playbook"]) if not is_required]
    async with serving() as client:
        bodies = [held_pair.domains | dict.fromkeys(optional, value) for value in EMPTY]
        starts = [await client.post("/runs", json=body) for body in bodies]
        reports = [start.raise_for_status().json() for start in starts]
        for report in reversed(reports):  # cancel the first run last, because it fetches pages for the other runs
            await client.post(f"/runs/{report['run_id']}/cancel")

    assert all(report["session_id"].startswith("sess_") for report in reports)
    assert len({report["session_id"] for report in reports}) == len(EMPTY)


NEARLY: tuple[tuple[Json, str], ...] = (
    ({"colour": None}, "invalid_input"),
    ({"colour": ""}, "invalid_input"),
    ({"max_pages": 0}, "invalid_input"),
    ({"max_pages": []}, "invalid_input"),
    ({"context": {}}, "invalid_input"),
    ({"refresh": 0}, "invalid_input"),
    ({"model": "null"}, "unknown_name"),
    ({"source": " "}, "unknown_name"),
    ({"refresh": False, "context": " ", "request_id": "0"}, "host_not_allowed"),
)


async def test_values_that_are_nearly_empty_do_not_count_as_absent() -> None:
    async with serving() as client:
        for given, code in NEARLY:
            assert problem_in(await client.post("/runs", json=PRIVATE | given))["code"] == code, given
        for urls, place in (([""], "urls.0"), (["10.0.0.1", None], "urls.1"), ([], "urls")):
            assert problem_in(await client.post("/scrape", json={"urls": urls}))["detail"].startswith(f"{place}: ")


REQUIRED = (
    ("generate '' acme.com", "VENDOR"),
    ("generate acme.com ''", "PROSPECT"),
    ("cancel ''", "RUN"),
    ("export ''", "RUN"),
    ("scrape ''", "URL"),
    ("map ''", "SITE"),
    ("install ''", "CLIENT"),
)


@pytest.mark.parametrize(("line", "name"), REQUIRED)
def test_on_the_command_line_a_required_argument_that_is_empty_is_named(
    line: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = f"error: Missing argument {name}. See octave-mcp {line.split(maxsplit=1)[0]} --help.\n"

    assert run_command(line, monkeypatch, capsys) == (2, message)


OPTIONAL = (
    ("generate 10.0.0.1 10.0.0.2", "context model source language max-pages max-cost-usd out"),
    ("runs", "session limit cursor"),
    ("sessions", "limit cursor"),
    ("export run_0", "format out"),
    ("map 10.0.0.1", "source"),
    ("install cursor", "name"),
)


@pytest.mark.parametrize(("line", "options"), sampled(OPTIONAL, lambda case: case[0] == "sessions"))
def test_on_the_command_line_an_option_that_is_empty_counts_as_absent(
    line: str, options: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without = run_command(line, monkeypatch, capsys)

    for option in options.split():
        assert run_command(f"{line} --{option} ''", monkeypatch, capsys) == without
        assert run_command(f"{line} --{option}=", monkeypatch, capsys) == without


@pytest.mark.parametrize(
    "line",
    sampled(
        ("sessions --delete ''", "sessions --delete=", "sessions --json --delete ''", "sessions sess_0 --delete ''"),
        lambda line: line.endswith("--delete="),
    ),
)
def test_on_the_command_line_an_empty_session_to_delete_is_refused_instead_of_listing_sessions(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = "error: --delete is empty; give it a value. See octave-mcp sessions --help.\n"

    assert run_command(line, monkeypatch, capsys) == (2, message)


def test_on_the_command_line_an_optional_positional_argument_may_be_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("sessions '' --json", monkeypatch, capsys) == run_command("sessions --json", monkeypatch, capsys)


def run_command(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["octave-mcp", *shlex.split(line)])
    code = main()
    written = capsys.readouterr()
    return code, written.out + written.err
