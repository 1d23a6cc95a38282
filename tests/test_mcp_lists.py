"""What MCP clients show to people: the server's name and icon, and lists of playbooks, tools and prompts."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from conftest import Finished
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types import INTERNAL_ERROR
from test_prompt_arguments import ERAS, Era, asking
from web import serving

from octave_mcp.domain.run import FINAL
from octave_mcp.surfaces.mcp.server import make

LISTS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}
UNKNOWN = "run://run_00000000000000000000000000000000/playbook.md"
SERVER_INFO = "io.modelcontextprotocol/serverInfo"

in_both_eras = pytest.mark.parametrize("era", ERAS)


def metas(value: object) -> list[object]:
    """Return all values of `_meta` at any depth."""
    if isinstance(value, list):
        return [meta for entry in cast("list[object]", value) for meta in metas(entry)]
    if not isinstance(value, dict):
        return []
    members = cast("dict[str, object]", value)
    return [found for name, entry in members.items() for found in ([entry] if name == "_meta" else metas(entry))]


@in_both_eras
async def test_the_newest_playbooks_are_listed_as_markdown_and_can_be_read(era: Era, finished: Finished) -> None:
    uri = f"run://{finished.run_id}/playbook.md"
    async with asking(era) as client:
        listed = (await client.ask("resources/list", {}))["result"]["resources"]
        read = (await client.ask("resources/read", {"uri": uri}))["result"]["contents"][0]

    playbooks = [resource for resource in listed if resource["uri"].startswith("run://")]
    (playbook,) = (resource for resource in playbooks if resource["uri"] == uri)
    hosts = f"{finished.pair.vendor.host} to {finished.pair.prospect.host}, "
    assert playbook["title"].startswith(hosts)
    assert playbook["title"].removeprefix(hosts).count(" ") == 2
    assert playbook["mimeType"] == read["mimeType"] == "text/markdown"
    assert read["text"].startswith("# ")
    assert {resource["uri"] for resource in listed} >= {"octave://schema/playbook", "octave://schema/report"}


@in_both_eras
async def test_without_a_database_the_other_resources_are_listed(
    era: Era, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"sqlite:///{tmp_path}")
    async with asking(era) as client:
        listed = (await client.ask("resources/list", {}))["result"]["resources"]

    always = {"octave://schema/playbook", "octave://schema/report", "ui://octave/run.html"}
    assert {resource["uri"] for resource in listed} == always


async def test_a_list_of_resources_waits_for_the_database_without_opening_it_early(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octave_mcp.surfaces.serving.SETTLING_SECONDS", 3600)
    monkeypatch.setattr("octave_mcp.surfaces.mcp.resources.LISTING_SECONDS", 3600)
    async with Client(make()) as client:
        listing = asyncio.create_task(client.list_resources())
        await client.list_tools()
        assert not listing.done()
        assert (await client.call_tool("get_run", {"run_id": finished.run_id})).data.status in FINAL
        assert any(str(resource.uri).startswith("run://") for resource in await listing)


async def test_the_server_has_a_title_and_an_icon_in_both_eras() -> None:
    async with Client(make(), mode="legacy") as old, asking("modern") as new:
        assert old.initialize_result
        info = old.initialize_result.server_info.model_dump(by_alias=True, exclude_none=True)
        discovered = (await new.ask("server/discover", {}))["result"]["_meta"][SERVER_INFO]

    # Only a server with pages has a website.
    assert info == {name: value for name, value in discovered.items() if name != "websiteUrl"}
    assert (info["name"], info["title"]) == ("octave", "Octave sales playbooks")
    (icon,) = info["icons"]
    assert icon["mimeType"] == "image/svg+xml"
    assert len(icon["src"]) < 1000
    head, _, body = icon["src"].partition(",")
    assert head == "data:image/svg+xml;base64"
    assert ET.fromstring(base64.b64decode(body)).tag.endswith("svg")  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("settings", "website"),
    [
        ({"port": 7777}, "http://127.0.0.1:7777/"),
        ({"host": "::1", "port": 7777}, "http://[::1]:7777/"),
        ({"public_hosts": ("*.acme.com", "octave.acme.com"), "port": 7777}, None),
        ({"host": "0.0.0.0", "port": 7777, "tokens": ("a-token-of-this-server",)}, None),  # noqa: S104 - not bound
    ],
    ids=str,
)
async def test_a_server_with_pages_names_their_address_as_its_website(settings: Any, website: str | None) -> None:  # noqa: ANN401 - fields of Settings
    async with serving(**settings) as http:
        headers = {"Authorization": "Bearer a-token-of-this-server"}
        transport = StreamableHttpTransport(f"{http.base_url.join('/mcp')}", headers=headers)
        async with Client(transport, mode="legacy") as client:
            info = client.initialize_result

    assert info
    assert info.server_info.website_url == website


@in_both_eras
async def test_no_response_has_empty_metadata_and_only_the_first_one_has_the_icon(era: Era, finished: Finished) -> None:
    run = {"run_id": finished.run_id}
    async with asking(era) as client:
        answers = [(await client.ask(method, {}))["result"] for method in LISTS]
        answers += [
            (await client.ask("tools/call", {"name": "get_run", "arguments": run}))["result"],
            (await client.ask("tools/call", {"name": "get_run", "arguments": {}}))["result"],
            (await client.ask("resources/read", {"uri": "octave://schema/report"}))["result"],
            (await client.ask("prompts/get", {"name": "emails", "arguments": run}))["result"],
        ]

    assert all(answer[name] for answer, name in zip(answers, LISTS.values(), strict=False))
    for answer in answers:
        found = [cast("dict[str, object]", meta) for meta in metas(answer)]
        assert all(
            isinstance(meta, dict) and len(meta.keys() & {SERVER_INFO, "ui"}) == len(meta) == 1 for meta in found
        )
        assert sum(SERVER_INFO in meta for meta in found) == (era == "modern")
        assert "icons" not in str(found)


@in_both_eras
async def test_prompts_describe_their_arguments_in_words_and_name_them_like_the_tools(era: Era) -> None:
    async with asking(era) as client:
        listed = (await client.ask("prompts/list", {}))["result"]["prompts"]
        tools = (await client.ask("tools/list", {}))["result"]["tools"]

    arguments = {prompt["name"]: prompt["arguments"] for prompt in listed}
    tool = next(tool for tool in tools if tool["name"] == "generate_playbook")
    assert {argument["name"] for argument in arguments["playbook"]} <= tool["inputSchema"]["properties"].keys()
    assert [argument["name"] for argument in arguments["playbook"] if argument["required"]] == [
        "vendor_domain",
        "prospect_domain",
    ]
    texts = [argument["description"] for prompt in arguments.values() for argument in prompt]
    assert all(text and len(text) < 100 and "JSON" not in text and "schema" not in text for text in texts)


@in_both_eras
@pytest.mark.parametrize("version", ["abc", "0", "-1", "1.5", "null", "true", "9" * 30, "9" * 5000])
async def test_an_invalid_version_of_a_resource_is_an_invalid_argument(
    version: str, era: Era, finished: Finished
) -> None:
    uri = f"run://{finished.run_id}/playbook.md?version={version}"
    async with asking(era) as client:
        text = await client.refusal("resources/read", {"uri": uri})

    assert text.startswith("[unknown_name] the playbook" if version == "9" * 30 else "[invalid_input] version: give")


@in_both_eras
async def test_an_unknown_resource_is_an_invalid_argument(era: Era) -> None:
    uris = (UNKNOWN, f"{UNKNOWN}?version=", f"{UNKNOWN}?x=1", "run://%ff/playbook.md", "run://%00/playbook.md")
    async with asking(era) as client:
        for uri in (*uris, "run://a/playbook.docx", "octave://schema/nothing", "nothing", "http://[::1"):
            assert await client.refusal("resources/read", {"uri": uri})


@in_both_eras
async def test_a_resource_that_the_server_fails_to_read_is_an_internal_error(
    era: Era, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"sqlite:///{tmp_path}")
    async with asking(era) as client:
        error = (await client.ask("resources/read", {"uri": UNKNOWN}))["error"]

    assert error["code"] == INTERNAL_ERROR
    assert error["message"].startswith("[setup] ")


# Requests with wrong arguments. The SDK rejects most of them before they reach the product.
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("tools/call", {}),
    ("tools/call", {"name": None}),
    ("tools/call", {"name": "get_run", "arguments": []}),
    ("tools/call", {"name": "get_run", "arguments": {"run_id": "x"}, "requestState": "forged"}),
    *(("resources/read", params) for params in ({}, {"uri": None}, {"uri": ""})),
    *(("completion/complete", {"ref": ref, "argument": {"name": "run_id"}}) for ref in ({}, {"type": "x"}, 5)),
    *((method, {"cursor": 5}) for method in LISTS),
    *(("logging/setLevel", params) for params in ({}, {"level": "loud"}, {"level": 5})),
    *(("resources/subscribe", params) for params in ({}, {"uri": 5}, {"uri": UNKNOWN})),
    *(("resources/unsubscribe", params) for params in ({}, {"uri": UNKNOWN})),
    ("initialize", {"protocolVersion": 5}),
    ("tasks/get", {"taskId": 5}),
    ("subscriptions/listen", {"notifications": 5}),
    ("nothing", {}),
]


@in_both_eras
async def test_no_wrong_argument_is_an_internal_error(era: Era) -> None:
    async with asking(era) as client:
        answers = [(method, params, await client.ask(method, params)) for method, params in WRONG]

    assert [row for row in answers if row[2]["error"]["code"] == INTERNAL_ERROR] == []
