"""A refresh fetches all pages of a playbook again and rewrites only the sales copy whose evidence has changed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import LoopbackSite, Pair, allow, octave
from doubles import Double, set_up
from fastmcp import Client
from scripted import (
    PROSPECT,
    PROSPECT_TEXTS,
    VENDOR,
    VENDOR_TEXTS,
    Asked,
    ScriptedModel,
    ScriptedSource,
    Stage,
    form,
    pages,
    touch,
)
from test_mcp import call, ended
from test_recovery import finished, server
from web import serving

from octave_mcp.demo.sites import Document, Fragment, Site, load
from octave_mcp.domain.diffs import applied, diff
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.page import Page, PageFailure
from octave_mcp.domain.parts import Given
from octave_mcp.domain.playbook import Playbook, TouchDraft
from octave_mcp.domain.run import RevisionRequest, RunRecord
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.domain.versions import next_version
from octave_mcp.errors import BadAnswer
from octave_mcp.runs.reruns import Named
from octave_mcp.settings import load as load_settings
from octave_mcp.surfaces.mcp.server import make

STORY = "/customers/brassmere"
NEW_STORY = """# Brassmere cut rework by 28% with Lumenforge

Brassmere had drilled twice for every third lamp. After 9 weeks rework was down by 28%."""
LOST = ("After 6 weeks rework was down by 31%.", "Brassmere cut rework by 31% with Lumenforge")


class Deal:
    """A playbook about two invented sites.

    A test can change the pages of the sites and refresh the playbook.
    """

    def __init__(self, home: Path) -> None:
        self.model, self.source = ScriptedModel(), ScriptedSource(_sites())
        self.stage = Stage(home, model=self.model, source=self.source)
        self.run_id = ""

    async def written(self, **request: Any) -> Playbook:  # noqa: ANN401 - fields of the request
        record, playbook = await self.stage.run(**request)
        assert playbook, record.error
        self.run_id = record.run_id
        return playbook

    async def refreshed(self, *, named: Named | None = None) -> tuple[RunRecord, list[Asked]]:
        before = len(self.model.asked)
        started = await (self.stage.runs.refresh(self.run_id, named) if named else self.stage.runs.refresh(self.run_id))
        record, _ = await self.stage.end_of(started.run_id)
        return record, self.model.asked[before:]

    async def revised(self, section: str, instruction: str = "say it in fewer words") -> None:
        wanted = RevisionRequest(run_id=self.run_id, section=section, instruction=instruction)
        record, _ = await self.stage.end_of((await self.stage.runs.revise(wanted)).run_id)
        assert record.status == "completed", record.error

    async def newest(self) -> Playbook:
        playbook = await self.stage.store.get_playbook(self.run_id)
        assert playbook
        return playbook

    async def versions(self) -> list[VersionMeta]:
        return await self.stage.store.versions(self.run_id)

    def change(self, vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None) -> None:
        self.source.sites = _sites(vendor, prospect)

    async def edit(self, section: str, text: str) -> OwnText:
        number = (await self.versions())[-1].number
        return (await self.stage.runs.versions.edit(self.run_id, section, Given(text), base=number, by="Ann"))[1]


def _sites(vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None) -> dict[str, tuple[Page, ...]]:
    return {
        VENDOR: pages(VENDOR, VENDOR_TEXTS | (vendor or {}), name="Lumenforge"),
        PROSPECT: pages(PROSPECT, PROSPECT_TEXTS | (prospect or {}), name="Quillport"),
    }


@pytest.fixture
def deal(tmp_path: Path) -> Deal:
    return Deal(tmp_path)


def changed_in(before: Playbook, after: Playbook) -> set[str]:
    """Return the paths at which two playbooks differ, except times and costs."""
    times = {"cost", "timings", "generated_at"}
    return {change.path for change in diff(before, after) if change.path.split(".")[0] not in times}


async def test_a_refresh_of_unchanged_pages_fetches_all_of_them_and_asks_and_changes_nothing(deal: Deal) -> None:
    await deal.written()
    fetched = [*deal.source.scraped]

    record, asked = await deal.refreshed()

    assert record.status == "completed", record.error
    assert sorted(deal.source.scraped) == sorted(2 * fetched)
    assert asked == []
    assert [meta.number for meta in await deal.versions()] == [1]


async def test_an_ask_has_the_same_input_if_only_fetch_times_and_offsets_differ(deal: Deal) -> None:
    await deal.written()
    ask = deal.model.asked[0]
    later = [
        passage.model_copy(
            update={
                "start": passage.start + 100,
                "page": passage.page.model_copy(update={"fetched_at": datetime.now(UTC), "sha256": "0" * 64}),
            }
        )
        for passage in ask.passages
    ]
    assert ask.model_copy(update={"passages": tuple(later)}).given == ask.given
    assert ask.model_copy(update={"passages": tuple(later[1:])}).given != ask.given


async def test_only_the_new_text_of_a_page_is_asked_about_and_it_enters_the_playbook(deal: Deal) -> None:
    before = await deal.written()
    deal.change(prospect={"/about": f"{PROSPECT_TEXTS['/about']}\n\n## Plans\n\nA third yard opens in June."})

    _, asked = await deal.refreshed()

    after = await deal.newest()
    assert [[passage.text for passage in ask.passages] for ask in asked] == [
        ["## Plans", "A third yard opens in June."]
    ]
    facts = [fact.text for fact in after.prospect_intelligence.company_profile.facts]
    assert "A third yard opens in June." in facts
    assert len(facts) == len(before.prospect_intelligence.company_profile.facts) + 1
    assert {path.split(".")[0].split("[")[0] for path in changed_in(before, after)} <= {
        "prospect_intelligence", "evidence", "pages", "flags",
    }  # fmt: skip
    assert after.evidence.keys() >= before.evidence.keys()
    assert applied(diff(before, after), before) == after


async def test_a_new_page_is_read_and_cited_in_the_playbook(deal: Deal) -> None:
    await deal.written()
    deal.change(prospect={"/news/third-yard": "# A third yard\n\nQuillport opened a third yard on 3 June 2026."})

    _, asked = await deal.refreshed()

    assert {passage.page.url for ask in asked for passage in ask.passages} == {f"https://{PROSPECT}/news/third-yard"}
    after = await deal.newest()
    assert "Quillport opened a third yard on 3 June 2026." in {evidence.quote for evidence in after.evidence.values()}


async def test_only_copy_whose_evidence_is_gone_is_rewritten(deal: Deal) -> None:
    before = await deal.written()
    deal.change(vendor={STORY: NEW_STORY})

    record, asked = await deal.refreshed()

    after = await deal.newest()
    assert record.status == "completed", record.error
    assert not any(text in after.model_dump_json() for text in LOST)
    assert "After 9 weeks rework was down by 28%." in after.model_dump_json()
    reading, *rewriting = asked
    assert reading.prompt == "vendor/offerings"
    assert sorted(ask.prompt for ask in rewriting) == ["playbook/email_sequence", "playbook/summary"]
    assert all(ask.patched for ask in rewriting)
    assert all(text in "\n".join(ask.complaint for ask in asked) for text in LOST[:1])
    old, new = before.email_sequences, after.email_sequences
    sentences = [
        (was, now)
        for sequence, new_sequence in zip(old, new, strict=True)
        for touch, new_touch in zip(sequence.touches, new_sequence.touches, strict=True)
        for was, now in zip(touch.sentences, new_touch.sentences, strict=True)
    ]
    assert {was.text for was, now in sentences if was != now} <= {*LOST}
    assert [touch.subject for sequence in old for touch in sequence.touches] == [
        touch.subject for sequence in new for touch in sequence.touches
    ]


async def test_copy_without_evidence_that_cannot_be_rewritten_is_dropped_with_a_gap(deal: Deal) -> None:
    await deal.written()
    deal.change(vendor={STORY: NEW_STORY})
    deal.model.fail(lambda ask: ask.patched is not None, BadAnswer("not today"))

    record, _ = await deal.refreshed()

    after = await deal.newest()
    assert record.status == "partial"
    assert not any(text in after.model_dump_json(exclude={"gaps"}) for text in LOST)
    assert "dropped_by_check" in {gap.code for gap in after.gaps}


async def test_the_findings_of_a_page_that_is_gone_are_removed(deal: Deal) -> None:
    await deal.written()
    gone = f"https://{VENDOR}{STORY}"
    deal.source.sites[VENDOR] = tuple(page for page in deal.source.sites[VENDOR] if page.ref.url != gone)

    await deal.refreshed()

    after = await deal.newest()
    assert gone not in {evidence.url for evidence in after.evidence.values()}
    assert [story.customer for story in after.vendor_elements.case_studies] == ["Tidewell"]


async def test_the_findings_of_a_page_that_times_out_are_kept(deal: Deal) -> None:
    before = await deal.written()
    slow = f"https://{VENDOR}{STORY}"
    deal.source.failures[slow] = PageFailure(url=slow, code="timeout", reason="it took too long")

    _, asked = await deal.refreshed()

    after = await deal.newest()
    assert asked == []
    assert after.email_sequences == before.email_sequences
    assert after.evidence == before.evidence
    assert "stale_copy" in {gap.code for gap in after.gaps}


@pytest.mark.long
async def test_a_second_refresh_builds_on_the_first(deal: Deal) -> None:
    await deal.written()
    deal.change(vendor={STORY: NEW_STORY})
    await deal.refreshed()
    first = await deal.newest()

    _, asked = await deal.refreshed()
    assert asked == []
    deal.change(
        vendor={STORY: NEW_STORY, "/product/audit": "# Audit\n\nThe audit measures 59 halls that are lit already."}
    )
    await deal.refreshed()

    after = await deal.newest()
    assert [meta.made for meta in await deal.versions()] == ["generated", "refreshed", "refreshed"]
    assert "The audit measures 59 halls that are lit already." in after.model_dump_json()
    assert "The audit measures a hall that is lit already." not in after.model_dump_json()
    assert "After 9 weeks rework was down by 28%." in first.model_dump_json()
    assert "After 9 weeks rework was down by 28%." in after.model_dump_json()


async def test_a_refresh_repeats_only_the_asks_that_failed(deal: Deal) -> None:
    failing = [True]
    deal.model.fail(
        lambda ask: failing[0] and ask.prompt == "playbook/talk_track" and ask.brief.rank == 1, BadAnswer("not today")
    )
    before = await deal.written()
    assert len(before.talk_tracks) == 2
    failing[0] = False

    _, asked = await deal.refreshed()

    assert [(ask.prompt, ask.brief.rank) for ask in asked] == [("playbook/talk_track", 1)]
    after = await deal.newest()
    assert len(after.talk_tracks) == 3
    assert "failed" not in {gap.code for gap in after.gaps}


async def test_a_users_text_is_kept_unchanged_with_a_warning_if_its_evidence_is_gone(deal: Deal) -> None:
    playbook = await deal.written()
    at = next(
        place
        for place, touch in enumerate(playbook.email_sequences[0].touches)
        if any(LOST[0] in s.text for s in touch.sentences)
    )
    mail = f"Subject: Rework\n\nHi,\n\nBrassmere drilled less.  {LOST[0]}\n\nShall I send it?"
    own = await deal.edit(f"email_sequences.persona-1.touches[{at}]", mail)
    edited = (await deal.newest()).email_sequences[0].touches[at]
    deal.change(vendor={STORY: NEW_STORY})

    await deal.refreshed()

    after = await deal.newest()
    assert after.email_sequences[0].touches[at] == edited
    (own_text,) = after.own_text
    assert (own_text.path, own_text.by, own_text.version) == (own.path, "Ann", 2)
    assert any(LOST[0] in warning and "no longer" in warning for warning in own_text.warnings)
    assert {i for sentence in edited.sentences for i in sentence.evidence} <= after.evidence.keys()


async def test_a_users_entry_in_a_list_is_kept_if_others_are_inserted_before_it(deal: Deal) -> None:
    await deal.written()
    await deal.edit("trial_plan", "Light one hall\nThen the others")
    await deal.edit("triggers[1].what", "They look for somebody who runs all operations")
    edited = (await deal.newest()).triggers[1]
    deal.change(
        prospect={
            "/careers": PROSPECT_TEXTS["/careers"].replace(
                "- Head of Facilities", "- Head of Finance.\n- Head of Facilities"
            )
        }
    )

    await deal.refreshed()

    after = await deal.newest()
    assert after.trial_plan == ("Light one hall", "Then the others")
    assert [trigger for trigger in after.triggers if trigger == edited] == [edited]
    assert len(after.triggers) == 4
    assert {own.path.split("[")[0] for own in after.own_text} == {"trial_plan", "triggers"}


async def test_an_edit_during_a_refresh_is_kept(deal: Deal) -> None:
    await deal.written()
    deal.change(vendor={STORY: NEW_STORY})

    async def hold(_: Any, __: Any) -> None:  # noqa: ANN401 - the site and the URLs
        deal.source.hold = None
        await deal.edit("trial_plan", "Light one hall")

    deal.source.hold = hold
    record, _ = await deal.refreshed()

    assert record.status == "completed", record.error
    assert [meta.made for meta in await deal.versions()] == ["generated", "edited", "refreshed"]
    after = await deal.newest()
    assert after.trial_plan == ("Light one hall",)
    assert not any(text in after.model_dump_json() for text in LOST)


async def test_a_revision_during_a_refresh_is_not_overwritten(deal: Deal) -> None:
    await deal.written()
    deal.change(vendor={STORY: NEW_STORY})

    async def hold(_: Any, __: Any) -> None:  # noqa: ANN401 - the site and the URLs
        deal.source.hold = None
        base = await deal.stage.store.get_version(deal.run_id)
        assert base
        other = base.playbook.model_copy(update={"trial_plan": ("another",)})
        new = next_version(base, other, made="revised", by="scripted", run_id=None, section="trial_plan")
        assert await deal.stage.store.put_version(deal.run_id, new)

    deal.source.hold = hold
    record, _ = await deal.refreshed()

    assert record.status == "failed"
    assert record.error
    assert record.error.code == "outdated_version"
    assert "trial_plan" in record.error.message
    assert (await deal.newest()).trial_plan == ("another",)


@pytest.mark.long
@pytest.mark.parametrize("part", ["email_sequences.persona-1.touches[0]", "executive_summary.why_now", "trial_plan[0]"])
async def test_a_refresh_of_unchanged_pages_makes_no_version_after_a_revision(part: str, deal: Deal) -> None:
    await deal.written()
    await deal.revised(part)
    before = await deal.newest()

    _, asked = await deal.refreshed()

    assert asked == []
    assert [meta.made for meta in await deal.versions()] == ["generated", "revised"]
    assert await deal.newest() == before


async def test_a_refresh_keeps_names_from_the_instruction_of_a_revision(deal: Deal) -> None:
    async def named(ask: Asked) -> TouchDraft[Cite]:
        at = next(number for number, passage in enumerate(ask.passages, 1) if passage.text.endswith("."))
        sentence = Sentence[Cite](text=ask.passages[at - 1].text, kind="fact", evidence=(Cite(passage=at),))
        return touch(sentence, subject="for Dolores Vantongeren")

    await deal.written()
    deal.model.on(form(TouchDraft[Cite]), named)
    await deal.revised("email_sequences.persona-1.touches[2]", "Name Dolores Vantongeren, whom we met")
    deal.change(prospect={"/about": f"{PROSPECT_TEXTS['/about']}\n\n## Plans\n\nA third yard opens in June."})

    record, _ = await deal.refreshed()

    assert record.status == "completed", record.error
    touches = (await deal.newest()).email_sequences[0].touches
    assert [email.subject for email in touches].count("for Dolores Vantongeren") == 1


async def test_the_cost_of_a_version_includes_that_of_all_earlier_ones(deal: Deal) -> None:
    first = (await deal.written()).cost
    deal.change(vendor={STORY: NEW_STORY})
    _, asked = await deal.refreshed()
    await deal.revised("email_sequences.persona-1.touches[2]")

    playbooks = [await deal.stage.runs.finished(deal.run_id, number) for number in (1, 2, 3)]
    costs = [playbook.cost for playbook in playbooks]
    assert [cost.asks for cost in costs] == [first.asks, first.asks + len(asked), first.asks + len(asked) + 1]
    assert [cost.usd for cost in costs] == pytest.approx([0.001 * cost.asks for cost in costs])
    assert all(sum(step.asks for step in cost.steps) == cost.asks for cost in costs)
    assert {cost.pages_fetched for cost in costs} == {first.pages_fetched}
    seconds = [playbook.timings.total_seconds for playbook in playbooks]
    assert seconds == sorted(seconds)
    assert [len(playbook.timings.steps) for playbook in playbooks] == sorted(
        {len(playbook.timings.steps) for playbook in playbooks}
    )


async def test_a_refresh_without_changes_shows_the_version_that_it_started_from(deal: Deal) -> None:
    await deal.written()
    unchanged, _ = await deal.refreshed()
    await deal.edit("trial_plan", "Light one hall")

    versions = deal.stage.runs.versions
    assert (await versions.one(unchanged.run_id)).number == 1
    assert (await versions.one(deal.run_id)).number == 2
    assert await versions.playbook(unchanged.run_id) == await versions.playbook(deal.run_id, 1)


async def test_a_refresh_by_another_model_asks_everything_again_and_says_so(deal: Deal) -> None:
    await deal.written()

    record, _ = await deal.refreshed(named=Named(model="extractive"))

    assert record.status in {"completed", "partial"}, record.error
    assert record.full_refresh_reason == "the playbook was written by scripted, but the refresh uses extractive"
    assert [(meta.made, meta.by) for meta in await deal.versions()][-1] == ("refreshed", "extractive")


async def test_the_reason_that_an_earlier_release_stored_with_a_refresh_is_kept(deal: Deal, tmp_path: Path) -> None:
    await deal.written()
    record, _ = await deal.refreshed(named=Named(model="extractive"))
    with closing(sqlite3.connect(tmp_path / "octave.db")) as database, database:
        names = ('"full_refresh_reason"', '"anew"')
        database.execute("UPDATE runs SET record = replace(record, ?, ?)", names)
        assert database.execute("SELECT count(*) FROM runs WHERE instr(record, ?)", names[1:]).fetchone() == (2,)

    assert await deal.stage.store.get_run(record.run_id) == record


@pytest.mark.long
async def test_a_refresh_of_a_playbook_without_drafts_asks_everything_again_and_says_so(deal: Deal) -> None:
    await deal.written()
    version = await deal.stage.store.get_version(deal.run_id)
    assert version
    bare = next_version(version, version.playbook, made="edited", by="Ann", run_id=None)
    assert await deal.stage.store.put_version(deal.run_id, bare.model_copy(update={"drafts": None}))

    record, asked = await deal.refreshed()

    assert record.full_refresh_reason == "the playbook was written by an earlier release, which stored no drafts"
    assert "playbook/summary" in {ask.prompt for ask in asked}


@pytest.fixture
async def client() -> AsyncGenerator[httpx2.AsyncClient]:
    async with serving() as client:
        yield client


def rewrite(site: LoopbackSite, path: str, old: str, new: str) -> None:
    body = site.documents[path].body.decode()
    assert old in body
    site.documents[path] = Document(body.replace(old, new).encode(), "text/html")


async def test_over_http_a_refresh_says_what_has_changed_and_where_to_see_it(
    pair: Pair, client: httpx2.AsyncClient
) -> None:
    first = (await client.post("/runs", json={**pair.few, "wait_seconds": 600})).json()
    at = f"/runs/{first['run_id']}"
    same = (await client.post(f"{at}/refresh", json={"wait_seconds": 600})).json()
    hits = pair.vendor.hits["/pricing"]
    rewrite(pair.vendor, "/pricing", "</h1>", "</h1><p>The price of a truck went down by 7% on 1 June 2026.</p>")

    answer = await client.post(f"{at}/refresh", json={"wait_seconds": 600}, headers={"Idempotency-Key": "once"})
    again = await client.post(f"{at}/refresh", json={"wait_seconds": 600}, headers={"Idempotency-Key": "once"})

    report = answer.json()
    assert (same["status"], same["version"]) == (first["status"], 1)
    assert same["message"].endswith("nothing has changed since version 1")
    assert (answer.status_code, report["version"], report["session_id"]) == (200, 2, first["session_id"])
    assert answer.headers["location"] == f"/runs/{report['run_id']}"
    assert again.json()["run_id"] == report["run_id"]
    assert "version 2 differs from version 1 " in report["message"]
    assert f"GET /runs/{report['run_id']}/diff" in report["next"]
    compared = (await client.get(f"/runs/{report['run_id']}/diff")).json()
    assert (compared["older"]["number"], compared["newer"]["made"]) == (1, "refreshed")
    assert all(f"{change['path'].split('.')[0].split('[')[0]}" for change in compared["changes"])
    assert "7%" in (await client.get(f"{at}/playbook.json")).text
    assert pair.vendor.hits["/pricing"] == hits + 1


async def test_unknown_and_cancelled_runs_cannot_be_refreshed(pair: Pair, client: httpx2.AsyncClient) -> None:
    unknown = await client.post("/runs/run_0/refresh", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    started = (await client.post("/runs", json=pair.few)).json()
    cancelled = await client.post(f"/runs/{started['run_id']}/cancel", json={})
    assert cancelled.json()["status"] == "cancelled"
    refused = await client.post(f"/runs/{started['run_id']}/refresh", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_finished")


@pytest.mark.long
async def test_over_mcp_a_deal_that_is_generated_again_in_its_session_is_refreshed(pair: Pair) -> None:
    async with Client(make()) as client:
        started = await call(client, "generate_playbook", **pair.few)
        first = await ended(client, started["run_id"])
        rewrite(pair.vendor, "/pricing", "</h1>", "</h1><p>The price of a truck went down by 7% on 1 June 2026.</p>")
        asked = {**pair.domains, "refresh": True, "session_id": first["session_id"]}
        again = await ended(client, (await call(client, "generate_playbook", **asked))["run_id"])
        another_context = await ended(
            client,
            (
                await call(
                    client, "generate_playbook", **{**asked, "context": "Sell to the head of data", "max_pages": 4}
                )
            )["run_id"],
        )
        report = await call(client, "get_run", run_id=again["run_id"])

    assert again["run_id"] != first["run_id"]
    assert (report["version"], report["versions"]) == (2, 2)
    assert "version=1" in report["next"]
    assert (another_context["version"], another_context["versions"]) == (1, 1)


@pytest.mark.long
async def test_the_command_refreshes_a_run_and_prints_what_has_changed(pair: Pair, tmp_path: Path) -> None:
    generated = await octave("generate", *pair.domains.values(), "--max-pages", "4", "--json", cwd=tmp_path)
    run_id = json.loads(generated.out)["run_id"]
    rewrite(pair.vendor, "/pricing", "</h1>", "</h1><p>The price of a truck went down by 7% on 1 June 2026.</p>")

    done = await octave("refresh", run_id, cwd=tmp_path)
    diff = await octave("diff", run_id, cwd=tmp_path)
    listed = await octave("runs", cwd=tmp_path)
    unchanged = await octave("refresh", run_id, cwd=tmp_path)

    counts = [int(count) for count in re.findall(r"\((\d+) changes?\)", done.out)]
    assert diff.err.startswith(f"{sum(counts)} change")
    refreshed, first = listed.out.splitlines()
    assert refreshed.endswith(f"  refresh of {run_id}")
    assert "refresh of" not in first
    assert (done.code, unchanged.code) == (0, 0), done.err
    assert "version 2 differs from version 1 " in done.out
    assert "octave-mcp diff" in done.err
    assert "nothing has changed since version 2" in unchanged.out


@pytest.mark.long
@pytest.mark.parametrize("step", ["read_again", "understand", "write_playbook"])
async def test_a_refresh_that_is_killed_resumes_where_it_stopped(step: str, pair: Pair, tmp_path: Path) -> None:
    env = {"OCTAVE_ALLOW_HOSTS": pair.hosts, "OCTAVE_MODEL": "extractive"}
    async with server(tmp_path, env) as first:
        generated = await finished(first, (await first.call("generate_playbook", **pair.few, wait_seconds=0))["run_id"])
    rewrite(pair.vendor, "/pricing", "</h1>", "</h1><p>The price of a truck went down by 7% on 1 June 2026.</p>")
    asked = {**pair.domains, "refresh": True, "session_id": generated["session_id"], "request_id": "again"}
    role = None if step == "write_playbook" else "prospect"
    async with server(tmp_path, env, dies_at=("step_finished", step, role)) as second:
        run_id = (await second.call("generate_playbook", **asked, wait_seconds=0))["run_id"]
        await second.ended()
    hits = pair.prospect.hits.copy()
    async with server(tmp_path, env) as third:
        report = await finished(third, run_id)
        repeated = (await third.call("generate_playbook", **asked, wait_seconds=0))["run_id"]

    assert report["status"] == generated["status"]
    assert (report["version"], report["versions"], repeated) == (2, 2, run_id)
    assert step == "read_again" or pair.prospect.hits == hits


def fifty_pages() -> tuple[Site, Site]:
    """Return the demo's two sites with additional pages, so that a run reads 25 pages of each site."""
    return _with_more(load("vendor")), _with_more(load("prospect"))


def _with_more(site: Site) -> Site:
    folders = ("blog", "news", "customers", "product")
    more = tuple(
        Fragment(f"/{folders[at % 4]}/note-{at}", {"title": f"Note {at}", "description": ""}, _note(at))
        for at in range(24)
    )
    return replace(site, fragments=(*site.fragments, *more))


def _note(at: int) -> str:
    sentences = " ".join(
        f"In note {at} the {thing} of day {at} came before the {thing} of the day before."
        for thing in ("van", "shift", "order")
    )
    return f"<article><h1>Note {at}</h1><p>{sentences}</p></article>"


@pytest.fixture
def wide_pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    vendor, prospect = fifty_pages()
    sites = Pair(LoopbackSite(vendor), LoopbackSite(prospect))
    allow(sites, monkeypatch)
    yield sites
    sites.close()


async def test_with_2_of_50_pages_changed_a_refresh_asks_for_at_most_15_percent_of_the_tokens(
    wide_pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = Double()
    set_up(monkeypatch, double)
    stage = Stage(tmp_path, settings=load_settings(home=tmp_path))
    vendor, prospect = wide_pair.domains.values()
    record, first = await stage.run(vendor=vendor, prospect=prospect, model="openai", source="crawler", max_pages=25)
    assert first, record.error
    assert len(first.pages) == 50
    asked, hits = len(double.asked), wide_pair.vendor.hits + wide_pair.prospect.hits
    cited = [evidence.url.removeprefix(f"http://{wide_pair.vendor.host}") for evidence in first.evidence.values()]
    story = next(path for path in cited if path.startswith("/customers/"))
    rewrite(wide_pair.vendor, story, "</h1>", "</h1><p>The fleet has grown by 12 vans since.</p>")
    rewrite(wide_pair.prospect, "/about", "</h1>", "</h1><p>A new depot opened in June.</p>")

    again, _ = await stage.end_of((await stage.runs.refresh(record.run_id)).run_id)

    after = await stage.store.get_playbook(record.run_id)
    assert after
    assert again.status == record.status, again.error
    both = wide_pair.vendor.hits + wide_pair.prospect.hits
    read = {page.url.partition("127.0.0.1:")[2].partition("/")[2] for page in first.pages}
    assert all(both[f"/{path}"] == 2 * hits[f"/{path}"] for path in read)
    assert not {str(request.body) for request in double.asked[:asked]} & {str(r.body) for r in double.asked[asked:]}
    before, total = (playbook.cost.input_tokens + playbook.cost.output_tokens for playbook in (first, after))
    assert 0 < total - before <= 0.15 * before
    double.close()
