"""Errors about arguments say which argument each complaint is about, and suggest known arguments for unknown ones."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from conftest import Finished
from fastmcp import Client
from fastmcp.exceptions import ToolError
from web import COMPANIES, problem_in, serving

from octave_mcp.errors import InputError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import call_factory, open_app
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.surfaces.rest.arguments import Arguments, ToolFunction
from octave_mcp.tools import FUNCTIONS

FORM = {"vendor_domain": "acme.com", "prospect_domain": "quill.org"}
LINK_LOCAL = "169.254.169.254"

# Each case: the fields of a form that requests a playbook, and the complaints that are expected, by field.
REQUESTS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"vendor_domain": "", "prospect_domain": ""}, {"vendor_domain": "missing", "prospect_domain": "missing"}),
    (FORM | {"vendor_domain": "not a domain"}, {"vendor_domain": "'not a domain' is not a company's domain"}),
    (FORM | {"prospect_domain": "10.0.0.7"}, {"prospect_domain": "'10.0.0.7' is not on the public web"}),
    (FORM | {"prospect_domain": "www.acme.com"}, {"prospect_domain": "are the same company"}),
    (FORM | {"language": "Klingon"}, {"language": "'Klingon' is not a known language"}),
    (FORM | {"language": "German"}, {"language": "the extractive model writes en, not 'de'"}),
    (FORM | {"model": "gpt"}, {"model": "there is no model 'gpt'"}),
    (FORM | {"source": "rumour"}, {"source": "there is no source 'rumour'"}),
    (FORM | {"max_pages": "0", "wait_seconds": "-1"}, {"max_pages": "greater than", "wait_seconds": "greater than"}),
    (FORM | {"sender_name": "a\nb", "sender_title": "x" * 121}, {"sender_name": "one line", "sender_title": "at most"}),
    (FORM | {"context": "a\0b"}, {"context": "contains a NUL character"}),
    (FORM | {"sendername": "Ann"}, {"sendername": "did you mean sender_name?"}),
    (FORM | {"sk-live-4f9a8b7c6d5e": "1"}, {}),
    (FORM | {"session_id": "sess_0", "refresh": "true", "vendor_domain": "co.uk"}, {"vendor_domain": "a suffix"}),
]

# Each case: the tool, its arguments except run_id, and the complaint that is expected, by field.
CHANGES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("revise_playbook", {"section": "horoscope", "instruction": "Shorter"}, {"section": "no section 'horoscope'"}),
    ("revise_playbook", {"section": "gaps", "instruction": "Shorter"}, {"section": "not written by a model"}),
    ("revise_playbook", {"section": "", "instruction": "Shorter"}, {"section": "missing"}),
    ("revise_playbook", {"section": "battle_cards", "instruction": "x" * 1001}, {"instruction": "at most 1000"}),
    ("edit_section", {"section": "evidence", "text": "x", "base_version": "1"}, {"section": "choose one of"}),
    ("edit_section", {"section": "horoscope", "text": "x", "base_version": "1"}, {"section": "no section"}),
    ("edit_section", {"section": "battle_cards", "text": "x", "base_version": "1"}, {"text": "give JSON of the form"}),
    ("edit_section", {"section": "battle_cards", "base_version": "1"}, {"text": "give either text or content"}),
    ("check_copy", {"text": "x" * 10_001}, {"text": "at most 10,000 can be checked"}),
]

SIMILAR = {
    "vendor": "vendor_domain",
    "prospect": "prospect_domain",
    "vendordomain": "vendor_domain",
    "vendor_url": "vendor_domain",
    "domain": "vendor_domain or prospect_domain",
    "maxpages": "max_pages",
    "max_page": "max_pages",
    "lang": "language",
    "Language": "language",
    "wait": "wait_seconds",
    "session": "session_id",
}


async def refusal(name: str, form: dict[str, str]) -> InputError:
    async with open_app(load(), engine="inline", executing=False) as app:
        with pytest.raises(InputError) as refused:
            await ToolFunction(FUNCTIONS[name], call_factory(app))(Arguments(dict(form), is_text=True))
    return refused.value


def assert_faults(error: InputError, expected: dict[str, str]) -> None:
    assert error.faults.keys() == expected.keys(), error
    assert all(text in error.faults[field] for field, text in expected.items()), error.faults


async def test_a_form_that_requests_a_playbook_gets_each_complaint_with_its_field(
    home: object,  # noqa: ARG001 - it sets OCTAVE_HOME
) -> None:
    for form, expected in REQUESTS:
        assert_faults(await refusal("generate_playbook", {"model": "extractive"} | form), expected)


async def test_a_form_that_changes_a_playbook_gets_each_complaint_with_its_field(finished: Finished) -> None:
    for name, form, expected in CHANGES:
        assert_faults(await refusal(name, {"run_id": finished.run_id} | form), expected)


async def test_an_error_that_is_about_no_single_argument_names_none(finished: Finished) -> None:
    error = await refusal("get_run", {"run_id": finished.run_id, "section": "gaps", "cursor": "nonsense"})

    assert not error.faults


@pytest.fixture
async def client() -> Any:  # noqa: ANN401 - an async fixture
    async with serving() as http:
        yield http


async def test_a_similar_argument_is_suggested_over_http_and_mcp(client: httpx2.AsyncClient) -> None:
    async with Client(make()) as mcp:
        for name, suggested in SIMILAR.items():
            answer = await client.post("/runs", json=COMPANIES | {name: "x"})
            with pytest.raises(ToolError) as refused:
                await mcp.call_tool("generate_playbook", COMPANIES | {name: "x"})
            text = f"{name}: unknown argument (did you mean {suggested}?)"
            assert text in problem_in(answer)["detail"]
            assert text in str(refused.value)


@pytest.mark.parametrize("name", ["colour", "api_key", "id", "sk-live-4f9a8b7c6d5e"])
async def test_an_argument_like_no_other_gets_no_suggestion(name: str, client: httpx2.AsyncClient) -> None:
    detail = problem_in(await client.post("/runs", json=COMPANIES | {name: "x"}))["detail"]

    assert "unknown argument. The arguments are vendor_domain, prospect_domain" in detail
    assert "sk-live" not in detail


async def test_the_arguments_that_http_lists_are_those_that_it_takes(client: httpx2.AsyncClient) -> None:
    as_json = problem_in(await client.post("/runs", json={}))["detail"]
    as_form = problem_in(await client.post("/runs", data={"colour": "red"}))["detail"]
    workflow = problem_in(await client.post("/workflows/sales-playbook/runs", json={}))["detail"]
    async with Client(make()) as mcp:
        with pytest.raises(ToolError) as refused:
            await mcp.call_tool("generate_playbook", {})

    assert as_json.endswith(", sender, session_id, request_id, wait_seconds, stream")
    assert workflow == as_json
    assert ", sender_name, sender_company, sender_title, sender_sign_off, session_id" in as_form
    assert str(refused.value).endswith(", request_id, wait_seconds")
