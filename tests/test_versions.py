"""Tests of editing a playbook, and of listing, comparing and exporting the resulting versions."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Pair, names_in, octave
from deal_playbook import deal_playbook, stored
from fastmcp import Client
from fastmcp.exceptions import McpError
from matrix import sampled
from test_mcp import call
from web import serving

from octave_mcp.app import App
from octave_mcp.domain.playbook import Playbook
from octave_mcp.settings import load
from octave_mcp.surfaces.mcp.server import make

TOUCH = "email_sequences.persona-1.touches[2]"
EMAIL = """\
Subject: Your booking form

Hi Marit,

Your teams will ship every week instead of every quarter. Globex cut its calls by 90% last year.

  Thanks   for reading,\tMarit.

Shall I map your public booking form?

Ann"""
BODY = EMAIL.partition("\n\n")[2]


@pytest.fixture
async def run_id() -> str:
    return await stored(deal_playbook())


@pytest.fixture
async def client(run_id: str) -> AsyncGenerator[httpx2.AsyncClient]:  # noqa: ARG001 - stored before the server starts
    """A client for a server that starts after the run has been stored.

    The tests store a run that is a week old, first as unfinished and then as completed. If the server were already
    running, it could end the unfinished run as abandoned.
    """
    async with serving() as client:
        yield client


async def put(client: httpx2.AsyncClient, run_id: str, section: str, base: int, **given: Any) -> httpx2.Response:  # noqa: ANN401 - JSON
    return await client.put(f"/runs/{run_id}/sections/{section}", json={"base_version": base, **given})


async def edited(client: httpx2.AsyncClient, run_id: str, section: str, base: int, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    answer = await put(client, run_id, section, base, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def got(client: httpx2.AsyncClient, path: str) -> Any:  # noqa: ANN401 - JSON
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def playbook_of(client: httpx2.AsyncClient, run_id: str, version: int | None = None) -> Playbook:
    at = f"/runs/{run_id}/playbook.json{f'?version={version}' if version else ''}"
    return Playbook.model_validate(await got(client, at))


# Edits


async def test_an_email_by_a_person_is_stored_unchanged_scored_and_marked_as_theirs(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    answer = await edited(client, run_id, TOUCH, 1, text=EMAIL, by="Ann")
    playbook = await playbook_of(client, run_id)
    touch = playbook.email_sequences[0].touches[2]
    (own,) = playbook.own_text

    assert (touch.kind, touch.day, touch.subject, touch.body) == ("email", 7, "Your booking form", BODY)
    assert touch.call_to_action.text == "Shall I map your public booking form?"
    assert touch.score
    assert (own.path, own.by, own.version) == (TOUCH, "Ann", 2)
    assert answer == {"run_id": run_id, "version": 2, "section": TOUCH, "warnings": [*own.warnings]}


async def test_each_sentence_of_an_edited_email_is_checked_against_the_evidence(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    answer = await edited(client, run_id, TOUCH, 1, text=EMAIL)
    sentences = (await playbook_of(client, run_id)).email_sequences[0].touches[2].sentences

    assert [(sentence.text[:11], sentence.kind, sentence.evidence) for sentence in sentences] == [
        ("Your teams ", "fact", ("p_release",)),
        ("Globex cut ", "fact", ()),
        ("Thanks   fo", "courtesy", ()),
    ]
    assert sentences[1].support
    assert sentences[1].support.verdict == "not"
    assert any("Globex cut its calls by 90%" in warning for warning in answer["warnings"])
    assert not any("ship every week" in warning for warning in answer["warnings"])


async def test_the_reason_of_a_verdict_is_not_checked_as_text_of_the_person(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    text = "Subject: your releases\n\nYour teams ship $2 million every week instead of every quarter."
    answer = await edited(client, run_id, TOUCH, 1, text=text)
    (sentence,) = (await playbook_of(client, run_id)).email_sequences[0].touches[2].sentences

    assert sentence.support
    assert "$2 million" in sentence.support.reason
    assert [warning for warning in answer["warnings"] if "$2 million" in warning] == [
        f"“{sentence.text}”: {sentence.support.reason}."
    ]


@pytest.mark.long
async def test_an_edited_sentence_may_be_supported_by_any_page_of_the_run(pair: Pair) -> None:
    async with serving() as client:
        run_id = (await client.post("/runs", data=pair.few | {"wait_seconds": "600"})).json()["run_id"]
        before = await playbook_of(client, run_id)
        sentence = await unquoted_sentence(before)
        await edited(client, run_id, "executive_summary.how_to_engage", 1, text=sentence)
        after = await playbook_of(client, run_id)
        (written,) = after.executive_summary.how_to_engage
        (id_,) = after.evidence.keys() - before.evidence.keys()

    assert (written.text, written.evidence) == (sentence, (id_,))
    assert written.support
    assert written.support.verdict == "supported"
    assert after.evidence[id_].quote == sentence


async def unquoted_sentence(playbook: Playbook) -> str:
    store = App(load(), engine="inline").store
    await store.open()
    texts = [await store.page_text(page.sha256) or "" for page in playbook.pages if page.role == "vendor"]
    await store.close()
    quotes = "\n".join(evidence.quote for evidence in playbook.evidence.values())
    lines = (line for text in texts for line in text.splitlines() if line.endswith(".") and line[0].isupper())
    return next(line for line in lines if line.count(". ") == 0 and line not in quotes and line.count(" ") > 8)


@pytest.mark.long
@pytest.mark.parametrize(
    ("section", "given"),
    [
        ("trial_plan", {"text": "Week 1: install.\n  Week 2: watch."}),
        ("fit.when_not_to_sell", {"text": " Never,\r\nto  nobody\t"}),
        ("executive_summary.why_now", {"text": "Half of the bookings end on the telephone. They want 80%.\n\nNow."}),
        ("talk_tracks.persona-2.pitch[0]", {"text": "We are good at this; you're not."}),
        (f"{TOUCH}.body", {"text": BODY}),
        (f"{TOUCH}.subject", {"text": "REPLY NOW!!!"}),
        ("battle_cards.objection_handling.objections[0].ask", {"text": "Who told you that?"}),
        ("success_metrics", {"content": [{"name": "Bookings", "how_to_measure": "Count them"}]}),
        ("talk_tracks.persona-1", {"content": {"close": "Deal?", "brush_offs": []}}),
        ("priority_personas.persona-1.will_ask", {"content": ["Where is our data?", "Who reads it?"]}),
        ("quick_wins", {"content": []}),
    ],
)
async def test_an_edit_changes_its_part_and_nothing_else(
    client: httpx2.AsyncClient, run_id: str, section: str, given: dict[str, Any]
) -> None:
    await edited(client, run_id, section, 1, **given, by="Ann")
    changes = (await got(client, f"/runs/{run_id}/diff"))["changes"]
    others = [change["path"] for change in changes if not change["path"].startswith(section)]
    derived = ("own_text", ".score", ".sentences", ".call_to_action.text")

    assert [path for path in others if not any(part in path for part in derived)] == []
    if "text" in given:
        playbook_json = json.dumps((await playbook_of(client, run_id)).model_dump(mode="json"), ensure_ascii=False)
        assert all(
            json.dumps(line, ensure_ascii=False)[1:-1] in playbook_json for line in given["text"].split("\n") if line
        )


@pytest.mark.long
async def test_the_sentences_of_an_edited_paragraph_join_to_the_same_text(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    texts = ("They want 80%. Half of it is on the telephone. Why?", "One line.\n\nAnother  one. And more.")
    for base, text in enumerate(texts, 1):
        await edited(client, run_id, "executive_summary.why_now", base, text=text)
        sentences = (await playbook_of(client, run_id)).executive_summary.why_now
        assert " ".join(one.text for one in sentences) == text


async def test_text_by_a_person_is_unchanged_by_edits_of_other_parts(client: httpx2.AsyncClient, run_id: str) -> None:
    await edited(client, run_id, TOUCH, 1, text=EMAIL, by="Ann")
    before = (await playbook_of(client, run_id)).email_sequences[0].touches[2]
    await edited(client, run_id, "email_sequences.persona-1.touches[0].subject", 2, text="Hello", by="Bob")
    await edited(client, run_id, "trial_plan", 3, text="Rest.", by="Bob")
    playbook = await playbook_of(client, run_id)

    assert playbook.email_sequences[0].touches[2] == before
    assert [(own.path, own.by) for own in playbook.own_text] == [
        (TOUCH, "Ann"),
        ("email_sequences.persona-1.touches[0].subject", "Bob"),
        ("trial_plan", "Bob"),
    ]


async def test_an_edit_of_a_part_replaces_the_authors_of_parts_within_it(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    await edited(client, run_id, f"{TOUCH}.subject", 1, text="Hello", by="Ann")
    await edited(client, run_id, TOUCH, 2, text=EMAIL, by="Bob")
    assert [(own.path, own.by) for own in (await playbook_of(client, run_id)).own_text] == [(TOUCH, "Bob")]


INVALID_EDITS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("emails", {"text": "x"}, "there is no section 'emails'; choose one of brief, executive_summary"),
    (
        "email_sequences.persona-9",
        {"text": "x"},
        "choose one of persona-1, persona-2, persona-3, or an index from 0 to 2",
    ),
    ("email_sequences.persona-1.touches[4]", {"text": EMAIL}, "an index from 0 to 3"),
    ("cost", {"text": "x"}, "'cost' records what the run found and did, and cannot be edited; choose one of brief"),
    ("evidence.v_free.quote", {"text": "x"}, "cannot be edited; choose one of brief"),
    (f"{TOUCH}.score", {"text": "x"}, "is set by the checks"),
    (f"{TOUCH}.sentences[0].text", {"text": "x"}, "edit the body or the e-mail"),
    ("email_sequences.persona-1.persona_id", {"text": "x"}, "cannot be edited"),
    (TOUCH, {"text": "Hi Marit"}, "is an e-mail: give it as 'Subject: ...', an empty line, and the body"),
    (TOUCH, {"content": {"subject": 3}}, 'form {"kind": "email" | "outline", "day": number, "subject": text'),
    ("talk_tracks.persona-1", {"text": "Hello"}, 'is not plain text: give JSON of the form {"pitch": [SENTENCE, ...]'),
    ("quick_wins", {"content": [{"action": "x"}]}, "where SENTENCE is {"),
    ("quick_wins", {"content": [{"action": "x"}]}, "[0].because: Field required"),
    ("talk_tracks.persona-1.brush_offs[0].they_say", {"text": "no"}, '"send_something" | "no_budget"'),
    (
        "executive_summary.why_now",
        {"content": [{"text": "x", "kind": "fact", "evidence": ["v_none"]}]},
        "cites evidence that this playbook does not have: v_none",
    ),
    ("priority_personas", {"content": []}, "each sequence and call script must be for a different persona"),
    ("trial_plan", {"text": "x", "content": ["x"]}, "give either text or content"),
    ("trial_plan", {}, "give either text or content"),
    ("trial_plan", {"content": ["a\0b"]}, "content: contains a NUL character or a lone surrogate"),
)


async def test_an_invalid_edit_is_refused_with_what_is_valid(client: httpx2.AsyncClient, run_id: str) -> None:
    for section, given, detail in INVALID_EDITS:
        answer = await put(client, run_id, section, 1, **given)
        assert (answer.status_code, detail in answer.json()["detail"]) == (400, True), (section, answer.text)
    assert len((await got(client, f"/runs/{run_id}/versions"))["versions"]) == 1


async def test_an_unfinished_or_unknown_run_has_no_versions(held_pair: Pair, client: httpx2.AsyncClient) -> None:
    unfinished = (await client.post("/runs", data=held_pair.few)).json()["run_id"]
    for path in ("versions", "diff"):
        assert (await client.get(f"/runs/{unfinished}/{path}")).json()["code"] == "not_finished"
        assert (await client.get(f"/runs/run_{'0' * 32}/{path}")).status_code == 404
    assert (await put(client, unfinished, "brief", 1, text="x")).status_code == 409


# Concurrent edits


async def test_an_edit_of_an_outdated_version_is_refused_with_the_changes_since(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    await edited(client, run_id, "trial_plan", 1, text="Ann's plan", by="Ann")
    await edited(client, run_id, TOUCH, 2, text=EMAIL)
    answer = await put(client, run_id, "quick_wins", 1, content=[], by="Bob")
    detail = answer.json()["detail"]

    assert (answer.status_code, answer.json()["code"]) == (409, "outdated_version")
    assert "version 2 by Ann on " in detail
    assert "(edited trial_plan); version 3 by a person on " in detail
    assert f"(edited {TOUCH}). Nothing was changed: read version 3" in detail
    assert len((await playbook_of(client, run_id)).quick_wins) > 0


@pytest.mark.parametrize("database", sampled(("sqlite", "postgres"), bool))
async def test_one_of_two_concurrent_edits_gets_409_and_can_be_repeated(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    if database == "postgres":
        monkeypatch.setenv("OCTAVE_DATABASE_URL", request.getfixturevalue("postgres_url"))
    run_id = await stored(deal_playbook())
    async with serving() as client:
        texts = ("Ann's plan", "Bob's plan")
        answers = await asyncio.gather(*(put(client, run_id, "trial_plan", 1, text=text) for text in texts))
        codes = [answer.status_code for answer in answers]
        won, lost = (texts[codes.index(code)] for code in (200, 409))

        assert (await playbook_of(client, run_id)).trial_plan == (won,)
        await edited(client, run_id, "trial_plan", 2, text=lost)
        plans = [(await playbook_of(client, run_id, number)).trial_plan for number in (1, 2, 3)]
        assert plans == [deal_playbook().trial_plan, (won,), (lost,)]


# Versions and diffs


async def test_versions_are_listed_newest_first_with_their_authors_and_changes(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    await edited(client, run_id, "trial_plan", 1, text="Rest.", by="Ann")
    newest, first = (await got(client, f"/runs/{run_id}/versions"))["versions"]

    assert {name: newest[name] for name in ("number", "made", "based_on", "by", "section", "run_id", "changed")} == {
        "number": 2,
        "made": "edited",
        "based_on": 1,
        "by": "Ann",
        "section": "trial_plan",
        "run_id": None,
        "changed": ["trial_plan"],
    }
    assert (first["number"], first["made"], first["by"], first["run_id"]) == (
        1,
        "generated",
        deal_playbook().model,
        run_id,
    )


async def test_a_diff_compares_the_last_two_versions_or_any_two(client: httpx2.AsyncClient, run_id: str) -> None:
    await edited(client, run_id, "trial_plan[0]", 1, text="Rest.")
    await edited(client, run_id, "fit.when_not_to_sell", 2, text="Never.")
    newest = await got(client, f"/runs/{run_id}/diff")
    both = await got(client, f"/runs/{run_id}/diff?from=1&to=3")
    back = await got(client, f"/runs/{run_id}/diff?from=2&to=1")

    assert (newest["older"]["number"], newest["newer"]["number"]) == (2, 3)
    assert newest["changes"][0] == {
        "path": "fit.when_not_to_sell",
        "before": "If no one owns the portal.",
        "after": "Never.",
    }
    assert [change["path"] for change in both["changes"]] == ["fit.when_not_to_sell", "trial_plan[0]", "own_text"]
    assert back["changes"][0]["after"] == deal_playbook().trial_plan[0]


async def test_the_error_for_an_unknown_version_lists_the_existing_ones(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    await edited(client, run_id, "trial_plan", 1, text="Rest.")
    paths = ("?version=3", "?version=3&section=brief", "/playbook.md?version=3", "/diff?from=3", "/diff?to=3&from=1")
    for path in paths:
        answer = await client.get(f"/runs/{run_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_name"), path
        assert answer.json()["detail"].endswith("has no version 3; choose one of 1, 2"), path
    assert (await got(client, f"/runs/{run_id}/diff?to=1"))["changes"] == []


async def test_reports_sections_files_and_links_are_those_of_the_requested_version(
    client: httpx2.AsyncClient, run_id: str
) -> None:
    await edited(client, run_id, "trial_plan", 1, text="Rest.")
    newest, older = await got(client, f"/runs/{run_id}"), await got(client, f"/runs/{run_id}?version=1")
    section = await got(client, f"/runs/{run_id}?version=1&section=trial_plan")

    assert (newest["version"], newest["versions"], newest["links"][0]) == (2, 2, f"/runs/{run_id}/playbook.json")
    assert (older["version"], older["versions"]) == (1, 2)
    assert section["section"]["trial_plan"] == [*deal_playbook().trial_plan]
    for link in older["links"]:
        assert "Rest." not in (await client.get(link)).text
    for link in newest["links"]:
        assert "Rest." in (await client.get(link)).text


async def test_mcp_clients_read_any_version(run_id: str, tmp_path: Path) -> None:
    edit = ("edit", run_id, "trial_plan", "--text", "Rest.", "--base-version", "1", "--by", "Ann")
    assert (await octave(*edit, cwd=tmp_path)).code == 0
    async with Client(make()) as client:
        report = await call(client, "get_run", run_id=run_id)
        older = await call(client, "get_run", run_id=run_id, version=1, section="trial_plan")
        text = await call(client, "get_run", run_id=run_id, section="trial_plan", format="markdown")

        assert (report["version"], report["versions"]) == (text["version"], text["versions"]) == (2, 2)
        assert older["section"]["trial_plan"] == [*deal_playbook().trial_plan]
        assert "*Written by Ann: trial_plan.*" in text["markdown"]
        assert "Rest." in str(await client.read_resource(report["links"][1]))
        assert "Rest." not in str(await client.read_resource(older["links"][1]))
        with pytest.raises(McpError, match="has no version 9; choose one of 1, 2"):
            await client.read_resource(f"run://{run_id}/playbook.md?version=9")


async def test_exports_show_who_wrote_a_part_and_what_the_checks_found(client: httpx2.AsyncClient, run_id: str) -> None:
    sections = {
        TOUCH: EMAIL,
        "trial_plan": "Call Globex.",
        "talk_tracks.persona-1.close": "Deal?",
        "talk_tracks.persona-1.next_step": "Send the plan.",
    }
    for base, (section, text) in enumerate(sections.items(), 1):
        await edited(client, run_id, section, base, text=text, by="Ann <b>")
    page = (await client.get(f"/runs/{run_id}/playbook.html")).text
    markdown = (await client.get(f"/runs/{run_id}/playbook.md")).text

    assert page.count('Written by <span dir="auto">Ann &lt;b&gt;</span>') == 4
    assert "Globex cut its calls by 90% last year.”: rules find it on no page that was read" in page
    assert markdown.count("**Written by Ann") == 4
    assert "(close), version 4" in markdown
    assert "(next step), version 5" in markdown


# CLI and files


async def test_the_commands_edit_list_compare_and_export_versions(run_id: str, tmp_path: Path) -> None:
    # The encoding `utf-8-sig` adds a byte order mark, as Notepad does.
    (tmp_path / "mail.txt").write_text(f"{EMAIL}\n", "utf-8-sig")
    edit = await octave("edit", run_id, TOUCH, "--file", "mail.txt", "--base-version", "1", "--by", "Ann", cwd=tmp_path)
    late = await octave("edit", run_id, "trial_plan", "--text", "x", "--base-version", "1", cwd=tmp_path)
    both = await octave("edit", run_id, "trial_plan", "--base-version", "2", cwd=tmp_path)
    listed = await octave("versions", run_id, cwd=tmp_path)
    diff = await octave("diff", run_id, cwd=tmp_path)
    every = await octave("diff", run_id, "--from", "1", "--to", "2", "--all", cwd=tmp_path)
    await octave("export", run_id, "--version", "1", "--format", "json", "--out", "old", cwd=tmp_path)
    old = Playbook.model_validate_json((tmp_path / "old" / "playbook.json").read_text("utf-8"))

    assert (edit.code, edit.out) == (0, f"version 2 contains your text in {TOUCH}\n")
    assert "warning: “Globex cut its calls by 90% last year.”" in edit.err
    assert (late.code, "version 2 by Ann on" in late.err) == (1, True)
    assert (both.code, both.err) == (2, "error: give either --text or --file\n")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["2", "1"]
    assert f"edited     Ann                {TOUCH}" in listed.out
    assert diff.out.startswith(f"{TOUCH}.subject\n  - Your booking funnel\n  + Your booking form\n\n{TOUCH}.body\n")
    assert "own_text" not in diff.out
    assert "own_text" in every.out
    assert old == deal_playbook()


async def test_the_diff_command_says_why_there_is_nothing_to_compare_and_what_it_hides(
    run_id: str, tmp_path: Path
) -> None:
    alone = await octave("diff", run_id, cwd=tmp_path)
    await octave("edit", run_id, "trial_plan", "--text", "Start in May.", "--base-version", "1", cwd=tmp_path)
    first = await octave("diff", run_id, "--to", "1", cwd=tmp_path)
    same = await octave("diff", run_id, "--from", "2", "--to", "2", cwd=tmp_path)
    edited = await octave("diff", run_id, cwd=tmp_path)

    nothing = "nothing to compare with version 1, because it is the first version\n"
    assert (alone.code, alone.out, alone.err) == (0, "", nothing)
    assert first.err == nothing
    assert same.err == "nothing to compare with version 2, because --from and --to name the same version\n"
    assert edited.err.startswith("1 change from version 1 to version 2; --all shows ")
    assert edited.err.endswith(" to evidence, verdicts, scores, cost or times\n")


async def test_the_error_for_an_unknown_section_lists_only_editable_ones(run_id: str, tmp_path: Path) -> None:
    result = await octave("edit", run_id, "emails", "--text", "x", "--base-version", "1", cwd=tmp_path)

    assert result.code == 2
    assert "there is no section 'emails'; choose one of brief, executive_summary" in result.err
    assert not {"evidence", "pages", "cost", "timings", "own_text"} & {*re.findall(r"\w+", result.err)}


async def test_the_error_for_an_unknown_part_lists_only_valid_choices(run_id: str, tmp_path: Path) -> None:
    section = "email_sequences.persona-1.touches[9]"
    result = await octave("edit", run_id, section, "--text", "x", "--base-version", "1", cwd=tmp_path)

    assert result.err == f"error: {section!r} has no part '9'; choose an index from 0 to 3\n"


async def test_the_files_of_a_run_are_those_of_its_newest_version(run_id: str) -> None:
    app = App(load(), engine="inline")
    await app.store.open()
    files = await app.files.publish(run_id, deal_playbook())
    await app.store.close()
    async with serving() as client:
        await edited(client, run_id, "trial_plan", 1, text="Rest.")

    paths = [*map(Path, files)]
    assert all("Rest." in path.read_text("utf-8") for path in paths)
    assert names_in(paths[0].parent) == {path.name for path in paths}
