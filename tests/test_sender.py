"""Tests that e-mails have the right sender on every surface.

The details of the sender, such as the name, come from the request or from the settings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Pair, octave
from fastmcp import Client
from matrix import sampled
from scripted import Stage, asked_for
from test_mcp import call, complaint
from web import FORM, serving

from octave_mcp.app import App
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.errors import ReusedRequest, SetupError
from octave_mcp.settings import load
from octave_mcp.surfaces.mcp.server import make

ANN = Sender(name="Ann Lee", company="Lumenboard", title="Account Executive", sign_off="Best,")
LINE = "give one line, without line breaks or control characters"

# Invalid senders, each with the error message that it causes.
INVALID_SENDERS: tuple[tuple[Any, str], ...] = (
    ({"name": "x" * 121}, "sender.name: String should have at most 120 characters"),
    ({"name": "Ann\nLee"}, f"sender.name: {LINE}"),
    ({"sign_off": "Best,\x07"}, f"sender.sign_off: {LINE}"),
    ({"company": "Lumen\u2028board"}, f"sender.company: {LINE}"),
    ({"title": 7}, "sender.title: Input should be a valid string"),
    ({"phone": "0049 40 123"}, "sender: unknown field; the fields are name, company, title, sign_off"),
    ("Ann Lee", "sender: must be an object with any of name, company, title, sign_off"),
    ([ANN.name], "sender: must be an object with any of name, company, title, sign_off"),
)


@pytest.fixture
def configured_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_SENDER_NAME", "Bo Rey")
    monkeypatch.setenv("OCTAVE_SENDER_COMPANY", "Lumenboard")
    monkeypatch.setenv("OCTAVE_SENDER_SIGN_OFF", " Cheers, ")


async def stored_record(run_id: str) -> RunRecord:
    store = App(load(), engine="inline").store
    await store.open()
    record = await store.get_run(run_id)
    await store.close()
    assert record
    return record


# Settings


def test_each_field_of_the_sender_is_a_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "config.toml").write_text("sender_company = 'Lumenboard'\nsender_name = 'Bo Rey'\n")
    monkeypatch.setenv("OCTAVE_SENDER_NAME", "Ann Lee")

    assert load(sender_title="AE").sender == Sender(name="Ann Lee", company="Lumenboard", title="AE")


@pytest.mark.usefixtures("configured_sender")
async def test_the_config_command_lists_the_origin_of_each_field_of_the_sender(tmp_path: Path) -> None:
    result = await octave("config", "--json", cwd=tmp_path)
    found = {setting["name"]: (setting["value"], setting["origin"]) for setting in json.loads(result.out)["settings"]}

    assert found["OCTAVE_SENDER_NAME"] == ("Bo Rey", "environment")
    assert found["OCTAVE_SENDER_SIGN_OFF"] == ("Cheers,", "environment")
    assert found["OCTAVE_SENDER_TITLE"] == ("", "default")


@pytest.mark.parametrize("given", ["x" * 121, "Ann\tLee", "Ann\nLee"])
def test_the_error_for_an_invalid_sender_setting_names_it(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_SENDER_TITLE", given)
    with pytest.raises(SetupError, match=r"OCTAVE_SENDER_TITLE: (give one line|String should have at most 120)"):
        load()


# Requests


@pytest.mark.usefixtures("configured_sender")
async def test_fields_that_a_request_omits_come_from_the_settings(held_pair: Pair) -> None:
    asked = held_pair.few | {"wait_seconds": 0}
    async with Client(make()) as client:
        named = await call(client, "generate_playbook", **asked, sender={"name": "Ann Lee", "title": None})
        without = await call(client, "generate_playbook", **asked)
        as_text = await call(client, "generate_playbook", **asked, sender='{"title": "AE"}')
        for run in (as_text, without, named):
            await call(client, "cancel_run", run_id=run["run_id"])
    records = [await stored_record(run["run_id"]) for run in (named, without, as_text)]

    configured = Sender(name="Bo Rey", company="Lumenboard", sign_off="Cheers,")
    assert [(record.request.sender, record.sender) for record in records] == [
        (Sender(name="Ann Lee"), configured.model_copy(update={"name": "Ann Lee"})),
        (None, configured),
        (Sender(title="AE"), configured.model_copy(update={"title": "AE"})),
    ]


@pytest.mark.parametrize(("sender", "message"), sampled(INVALID_SENDERS, lambda case: "phone" in case[0]))
async def test_an_invalid_sender_causes_the_same_error_over_mcp_and_http(sender: Any, message: str) -> None:  # noqa: ANN401 - JSON
    companies = {"vendor_domain": "acme.com", "prospect_domain": "quill.org", "model": "extractive"}
    async with Client(make()) as client:
        text = await complaint(client, "generate_playbook", **companies, sender=sender)
    async with serving() as http:
        answer = await http.post("/runs", json=companies | {"sender": sender})

    assert text == f"[invalid_input] {message}"
    assert (answer.status_code, answer.json()["detail"]) == (400, message)


async def test_http_accepts_the_sender_as_a_json_object_or_as_separate_form_fields(held_pair: Pair) -> None:
    lines = {f"sender_{name}": value for name, value in ANN}
    async with serving() as http:
        as_json = await http.post("/runs", json=held_pair.few | {"sender": ANN.model_dump()})
        as_form = await http.post("/runs", data=held_pair.few | lines)
        old = await http.post("/workflows/sales-playbook/runs", data=held_pair.few | {"sender_name": "", **lines})
        empty = await http.post("/runs", json=held_pair.few | {"sender": ""})
        wrong = await http.post("/runs", data=held_pair.few | {"sender_name": "a\nb"})
        twice = await http.post("/runs", data=held_pair.few | {"sender_name": "a", "sender": "{}"})
        run_ids = [answer.json()["run_id"] for answer in (as_json, as_form, old, empty)]
        for run_id in reversed(run_ids):
            await http.post(f"/runs/{run_id}/cancel")

    assert [(await stored_record(run_id)).sender for run_id in run_ids] == [ANN, ANN, ANN, None]
    assert (wrong.status_code, wrong.json()["detail"]) == (400, f"sender.name: {LINE}")
    assert (twice.status_code, twice.json()["detail"].partition(":")[0]) == (400, "sender")


async def test_openapi_describes_the_sender_for_json_and_for_forms() -> None:
    async with serving() as http:
        body = (await http.get("/openapi.json")).json()["paths"]["/runs"]["post"]["requestBody"]["content"]
    in_json, in_form = (body[media]["schema"]["properties"] for media in ("application/json", FORM))

    assert in_json["sender"]["anyOf"][0]["properties"].keys() == Sender.model_fields.keys()
    assert {name for name in in_form if name.startswith("sender")} == {f"sender_{name}" for name in Sender.model_fields}
    assert "$ref" not in json.dumps(body)


async def test_the_command_line_rejects_invalid_fields_of_the_sender(tmp_path: Path) -> None:
    companies = ("generate", "acme.com", "quill.org", "--model", "extractive")
    long = await octave(*companies, "--sender-title", "x" * 121, cwd=tmp_path)
    broken = await octave(*companies, "--sender-name", "Ann\nLee", "--sender-company=", cwd=tmp_path)

    assert (long.code, long.err) == (2, "error: sender.title: String should have at most 120 characters\n")
    assert (broken.code, broken.err) == (2, f"error: sender.name: {LINE}\n")


# Runs


@pytest.mark.usefixtures("configured_sender")
async def test_the_executed_request_contains_the_complete_sender(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings=load(home=tmp_path))
    runs = [(await stage.run(sender=sender))[0] for sender in (Sender(title="AE"), None)]

    configured = Sender(name="Bo Rey", company="Lumenboard", sign_off="Cheers,")
    assert [run.signed_request.sender for run in runs] == [configured.model_copy(update={"title": "AE"}), configured]


async def test_a_repeated_request_returns_its_run_even_if_the_configured_sender_changed(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"request_id": "deal-7", "sender": Sender(name="Ann Lee")}
    first, _ = await Stage(tmp_path).run(**asked)
    stage = Stage(tmp_path, settings=load(home=tmp_path, sender_company="Lumenboard"))
    runs = await stage.opened()
    again = await runs.start(asked_for(**asked))

    assert again.run_id == first.run_id
    with pytest.raises(ReusedRequest):
        await runs.start(asked_for(**asked | {"sender": Sender(name="Bo Rey")}))


def test_a_stored_run_of_an_earlier_release_has_no_sender() -> None:
    request = PlaybookRequest(vendor="acme.com", prospect="quill.org")
    stored = {"run_id": "run_0", "session_id": "sess_0", "status": "completed", "model": "host", "source": "crawler"}
    stored |= {"created_at": "2026-01-31T09:00:00Z", "request": request.model_dump(exclude={"sender"})}
    record = RunRecord.model_validate_json(json.dumps(stored))

    assert record.sender is None
    assert record.request.sender is None
