"""Tests of recordings: the answers from one run are replayed in other runs with the current pages."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Ended, Finished, LoopbackSite, Pair, allow, lift_question_timeouts, names_in, octave, read_json
from doubles import answer_to
from fastmcp import Client
from test_host import invented_figure, next_question, until_settled
from test_mcp import call, complaint, ended
from web import lift_server_timeouts, problem_in, serving

from octave_mcp.demo.sites import Document, load
from octave_mcp.domain.playbook import Playbook
from octave_mcp.recordings.recording import is_list, is_object, packed, unpacked
from octave_mcp.surfaces.mcp.server import make

Json = dict[str, Any]
MODEL = "a-careful-model-3"
# A replay with the same pages must reproduce these sections exactly.
SAME = ("executive_summary", "email_sequences", "talk_tracks", "battle_cards", "brief", "gaps")


@dataclass(frozen=True)
class Recorded:
    """A finished run whose questions a client has answered, and the recording of this run."""

    pair: Pair
    home: Path
    run_id: str
    playbook: Json
    file: Path

    @property
    def domains(self) -> tuple[str, str]:
        return self.pair.vendor.host, self.pair.prospect.host


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_question_timeouts(monkeypatch)
    lift_server_timeouts(monkeypatch)


async def answered_by_a_client(pair: Pair) -> tuple[str, Json]:
    """Start a run and answer all its questions.

    One answer contains an invented figure, so the run asks for a correction.

    Returns:
        The run ID and the playbook.
    """
    async with serving() as http:
        first = (await http.post("/runs", json={**pair.few, "model": "host", "refresh": True})).json()
        at = f"/runs/{first['run_id']}"
        while question := (await next_question(http, at))["question"]:
            answer = answer_to(question if question["material"] else await with_material(http, at, question))
            if question["prompt"] == "prospect/company_profile" and not question["corrects"]:
                invented_figure(answer)
            await http.post(f"{at}/questions/{question['question_id']}", json={"answer": answer})
        return first["run_id"], (await http.get(f"{at}/playbook.json")).json()


async def with_material(http: httpx2.AsyncClient, at: str, question: Json) -> Json:
    """Return the correction together with the material of the question that it corrects."""
    again = await http.get(f"{at}/questions/next", params={"question_id": question["corrects"]})
    return {**question, "material": again.json()["question"]["material"]}


@pytest.fixture(scope="module")
def recordings() -> Iterator[list[Recorded]]:
    recordings: list[Recorded] = []
    yield recordings
    for recorded in recordings:
        recorded.pair.close()


@pytest.fixture
async def recorded(
    recordings: list[Recorded], home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Recorded:
    """A recording that each pytest worker makes once.

    Each test gets a copy of the recording in its own OCTAVE_HOME.
    """
    if not recordings:
        pair = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
        folder = tmp_path_factory.mktemp("recorded")
        allow(pair, monkeypatch)
        monkeypatch.setenv("OCTAVE_HOME", str(folder))
        run_id, playbook = await answered_by_a_client(pair)
        assert (await octave("record", run_id, "--model", MODEL, cwd=folder)).code == 0
        (file,) = (folder / "recordings").iterdir()
        recordings.append(Recorded(pair, folder, run_id, playbook, file))
        monkeypatch.setenv("OCTAVE_HOME", str(home))
    (recorded,) = recordings
    allow(recorded.pair, monkeypatch)
    (home / "recordings").mkdir(parents=True)
    shutil.copy(recorded.file, home / "recordings")
    return recorded


async def replayed(recorded: Recorded, folder: Path, *options: str) -> Ended:
    asked = ("--model", "recorded", "--refresh", "--out", str(folder / "out"), *options)
    return await octave("generate", *recorded.domains, *asked, cwd=folder)


async def playbook_of(recorded: Recorded, folder: Path, *options: str) -> Json:
    done = await replayed(recorded, folder, *options)
    assert done.code in {0, 4}, done
    return read_json(folder / "out" / "playbook.json")


def quotes(playbook: Json) -> dict[str, str]:
    return {name: evidence["quote"] for name, evidence in playbook["evidence"].items()}


def flag(playbook: Json) -> str:
    (reason,) = (flag["reason"] for flag in playbook["flags"] if flag["code"] == "recorded")
    return reason


def rewrite(home: Path, change: Callable[[Json], object]) -> None:
    (file,) = (home / "recordings").iterdir()
    recording = unpacked(file.read_bytes(), "")
    content = recording.model_dump(mode="json")
    change(content)
    file.write_bytes(packed(type(recording).model_validate(content)))


def answer_in(recording: Json, prompt: str) -> Json:
    (value,) = (answer["value"] for answer in recording["answers"] if answer["prompt"] == prompt)
    return value


def content_of(file: Path) -> Json:
    return json.loads(gzip.decompress(file.read_bytes()))


def quotations(part: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    if is_object(part):
        if "quote" in part:
            yield part["company"], part["path"], part["quote"]
        for own in part.values():
            yield from quotations(own)
    elif is_list(part):
        for own in part:
            yield from quotations(own)


def change_page(recorded: Recorded, monkeypatch: pytest.MonkeyPatch, path: str, change: Callable[[str], str]) -> None:
    """Change the prospect's page at this path until the test ends."""
    documents = recorded.pair.prospect.documents
    text = documents[path].body.decode()
    assert change(text) != text
    monkeypatch.setitem(documents, path, Document(change(text).encode(), documents[path].media_type))


async def test_a_run_is_replayed_word_for_word_and_costs_nothing(recorded: Recorded, tmp_path: Path) -> None:
    done = await replayed(recorded, tmp_path)
    again = read_json(tmp_path / "out" / "playbook.json")

    assert done.code == 0, done
    assert {name: again[name] for name in SAME} == {name: recorded.playbook[name] for name in SAME}
    assert quotes(again) == quotes(recorded.playbook)
    assert (again["model"], again["recording"]["model"], again["recording"]["unmapped"]) == ("recorded", MODEL, 0)
    assert again["recording"]["of"] == sum(1 for _ in quotations(content_of(recorded.file)))
    assert again["cost"]["usd"] == again["cost"]["input_tokens"] == again["cost"]["output_tokens"] == 0
    recorded_on = again["recording"]["recorded_on"]
    assert flag(again) == (
        f"written by {MODEL} on {recorded_on}; this run replayed the recorded answers and checked them again"
    )
    assert f"recorded: {flag(again)}" in done.out


async def test_a_replayed_playbook_of_an_earlier_release_can_be_read(recorded: Recorded, tmp_path: Path) -> None:
    again = await playbook_of(recorded, tmp_path)
    stored = {**again["recording"], "notes": again["recording"]["notices"]}
    del stored["notices"]

    assert Playbook.model_validate({**again, "recording": stored}) == Playbook.model_validate(again)


@pytest.mark.long
async def test_a_connected_client_gets_a_replay_without_questions(recorded: Recorded) -> None:
    async with Client(make()) as client:
        asked = {**recorded.pair.domains, "model": "recorded"}
        run_id = (await call(client, "generate_playbook", **asked))["run_id"]
        report = await ended(client, run_id)
        question = await call(client, "next_question", run_id=run_id)

    assert report["status"] == "completed"
    assert question["question"] is None
    assert any(flag.startswith(f"recorded: written by {MODEL}") for flag in report["overview"]["flags"])


@pytest.mark.long
async def test_a_changed_page_loses_only_the_citations_of_its_changed_text(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unchanged sentences of the changed page are still cited, although their numbers and passages have changed."""
    count = Counter(quotations(content_of(recorded.file)))
    documents = recorded.pair.prospect.documents
    company, path, lost = min(
        (
            citation
            for citation in count
            if citation[0] == "prospect" and citation[2] in documents[citation[1]].body.decode()
        ),
        key=lambda citation: (count[citation], citation),
    )

    def change(html: str) -> str:
        return html.replace(lost, "Now it says something else.").replace("<p>", "<p>Well. ").replace("<h1>", "<h1>So: ")

    change_page(recorded, monkeypatch, path, change)
    playbook = await playbook_of(recorded, tmp_path)

    assert playbook["recording"]["unmapped"] == count[company, path, lost]
    assert lost not in quotes(playbook).values()
    others = {quote for quote in quotes(recorded.playbook).values() if quote != lost}
    assert others - {*quotes(playbook).values()} == set()
    assert "of its " in flag(playbook)


async def test_a_recording_that_no_longer_fits_the_pages_fails_the_run_as_stale(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, document in recorded.pair.prospect.documents.items():
        if document.media_type == "text/html":
            change_page(recorded, monkeypatch, path, lambda html: html.replace(".<", " now.<").replace(". ", " now. "))
    async with Client(make()) as client:
        asked = {**recorded.pair.domains, "model": "recorded", "refresh": True}
        report = await ended(client, (await call(client, "generate_playbook", **asked))["run_id"])

    assert (report["status"], report["error"]["code"]) == ("failed", "stale_recording")
    assert "no longer matches the sites: " in report["error"]["message"]
    assert "make a new recording with octave-mcp record" in report["error"]["message"]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def of_another_format(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(b'"format": 1,', b'"format": 0,'))


def edited(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data).replace(MODEL.encode(), b"another-model"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [(cut, "is damaged"), (of_another_format, "has a format that this release cannot read"), (edited, "is damaged")],
)
async def test_a_recording_that_cannot_be_read_is_refused_before_the_run(
    damage: Callable[[bytes], bytes], message: str, recorded: Recorded, home: Path, tmp_path: Path
) -> None:
    (file,) = (home / "recordings").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    async with serving() as http:
        problem = problem_in(await http.post("/runs", json={**recorded.pair.domains, "model": "recorded"}))
    done = await replayed(recorded, tmp_path)

    assert (problem["status"], problem["code"]) == (503, "stale_recording")
    assert message in problem["detail"]
    assert str(file) in problem["detail"]
    assert (done.code, done.out) == (1, "")
    assert message in done.err


async def test_a_recorded_answer_that_no_longer_matches_the_schema_is_stale(
    recorded: Recorded, home: Path, tmp_path: Path
) -> None:
    rewrite(home, lambda recording: answer_in(recording, "playbook/summary").update(slogan="Light!"))
    done = await replayed(recorded, tmp_path)

    assert done.code == 1
    assert "the recorded answer to 'playbook/summary' does not match the schema" in done.err


async def test_the_error_about_a_pair_without_a_recording_lists_the_recorded_pairs(
    recorded: Recorded, tmp_path: Path
) -> None:
    vendor, prospect = recorded.domains
    done = await octave("generate", prospect, vendor, "--model", "recorded", cwd=tmp_path)
    async with Client(make()) as client:
        asked = {"vendor_domain": prospect, "prospect_domain": vendor, "model": "recorded"}
        refused = await complaint(client, "generate_playbook", **asked)

    assert done.code == 2
    assert f"there is no recording of {prospect} selling to {vendor}" in done.err
    assert f"recorded pairs: {vendor} to {prospect}" in done.err
    assert refused.startswith("[invalid_input]")


async def test_a_replay_reports_changed_prompts_and_another_context(
    recorded: Recorded, home: Path, tmp_path: Path
) -> None:
    rewrite(home, lambda recording: recording["prompts"].update({"playbook/talk_track": 1}))
    reason = flag(await playbook_of(recorded, tmp_path, "--context", "They asked about overtime."))

    assert "; the prompt playbook/talk_track has changed since the recording, from version 1 to " in reason
    assert "; the recording was made with another context and does not reflect the context of this run" in reason


async def test_a_replay_in_another_language_is_refused(recorded: Recorded, tmp_path: Path) -> None:
    done = await replayed(recorded, tmp_path, "--language", "de")

    assert done.code == 1
    assert "the recording is in 'en', not in 'de'" in done.err


@pytest.mark.long
async def test_if_a_persona_is_dropped_the_others_keep_their_copy(
    recorded: Recorded, home: Path, tmp_path: Path
) -> None:
    titles = [persona["title"] for persona in recorded.playbook["priority_personas"]]
    by_title = copy_by_title(recorded.playbook)
    rewrite(home, lambda recording: answer_in(recording, "prospect/pain_points")["buyers"].pop(0))
    playbook = await playbook_of(recorded, tmp_path)

    left = copy_by_title(playbook)
    assert len(titles) == 3
    assert [title for title in titles if title in left] == [*left]
    assert len(left) == 2
    assert left == {title: by_title[title] for title in left}


def copy_by_title(playbook: Json) -> dict[str, list[str]]:
    """Map each persona's title to the bodies of the persona's e-mails, followed by the texts of the persona's goals."""
    bodies = {
        sequence["persona_id"]: [touch["body"] for touch in sequence["touches"]]
        for sequence in playbook["email_sequences"]
    }
    return {
        persona["title"]: [*bodies[persona["id"]], *(goal["text"] for goal in persona["goals"])]
        for persona in playbook["priority_personas"]
    }


async def test_recording_a_run_again_gives_the_same_file(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_HOME", str(recorded.home))
    done = await octave("record", recorded.run_id, "--model", MODEL, "--out", "again", "--json", cwd=tmp_path)

    printed = json.loads(done.out)
    assert (tmp_path / printed["file"]).read_bytes() == recorded.file.read_bytes()
    assert printed["bytes"] == recorded.file.stat().st_size < 20_000
    assert printed["citations"] == sum(1 for _ in quotations(content_of(recorded.file)))
    assert gzip.decompress(recorded.file.read_bytes()).startswith(b'{\n "format": 1,\n "vendor": ')


async def test_a_recording_contains_no_rejected_answers(recorded: Recorded) -> None:
    assert "7431.5" not in gzip.decompress(recorded.file.read_bytes()).decode()


async def test_only_runs_that_a_client_answered_can_be_recorded(finished: Finished, tmp_path: Path) -> None:
    by_rules = await octave("record", finished.run_id, "--model", MODEL, cwd=tmp_path)
    unknown = await octave("record", "run_0", "--model", MODEL, cwd=tmp_path)

    assert by_rules.code == 2
    assert "only answers from a connected client can be recorded, but extractive answered in this run" in by_rules.err
    assert (unknown.code, "there is no run 'run_0'" in unknown.err) == (1, True)


async def test_a_run_that_waits_for_answers_cannot_be_recorded(pair: Pair, tmp_path: Path) -> None:
    async with Client(make()) as client:
        run_id = (await call(client, "generate_playbook", **pair.few, model="host", wait_seconds=0))["run_id"]
        await until_settled(client, run_id)
    done = await octave("record", run_id, "--model", MODEL, cwd=tmp_path)

    assert done.code == 1
    assert "is waiting, and has no playbook to record" in done.err
    assert names_in(tmp_path) == {"home"}
