"""Complete runs, started through the `Runs` object that every surface uses."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import matrix
import pytest
from scripted import (
    FETCHED_AT,
    PROSPECT,
    PROSPECT_TEXTS,
    VENDOR,
    VENDOR_TEXTS,
    Asked,
    ScriptedModel,
    ScriptedSource,
    Stage,
    Written,
    answered,
    asked_for,
    form,
    invented_sites,
    pages,
    parts_of,
    written,
)

from octave_mcp.copywriting.assembly import assets
from octave_mcp.copywriting.rubric import PLACEHOLDERS
from octave_mcp.demo.sites import load
from octave_mcp.domain.asks import Capacity
from octave_mcp.domain.company import ROLES, Company, Site
from octave_mcp.domain.events import Event
from octave_mcp.domain.evidence import Cite, Finding, Passage
from octave_mcp.domain.page import Link, Page, PageKind
from octave_mcp.domain.playbook import SECTIONS, SequenceDraft, SummaryDraft
from octave_mcp.domain.prospect import ProspectAnswer
from octave_mcp.domain.run import FINAL
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.errors import NotFound
from octave_mcp.evidence.passages import verified
from octave_mcp.pipeline.prioritise_urls import Ranking, naming
from octave_mcp.pipeline.verdicts import with_every_verdict
from octave_mcp.settings import Settings
from octave_mcp.sources.html.extraction import page_of

PACK_PAGES = Capacity().pack_pages
DEMO_VENDOR, DEMO_PROSPECT = "https://wrenhaul.example", "https://quoldane.example"


def demo_pages(role: str, origin: str) -> tuple[Page, ...]:
    company = Company.model_validate({"role": role, "domain": origin.removeprefix("https://"), "url": origin})
    documents = load("vendor" if role == "vendor" else "prospect").documents(origin)
    return tuple(
        page_of(document.body.decode(), f"{origin}{path}", company, FETCHED_AT, "home" if path == "/" else "page")
        for path, document in documents.items()
        if document.media_type == "text/html"
    )


def demo_stage(home: Path) -> Stage:
    sites = {
        "wrenhaul.example": demo_pages("vendor", DEMO_VENDOR),
        "quoldane.example": demo_pages("prospect", DEMO_PROSPECT),
    }
    return Stage(home, source=ScriptedSource(sites))


@pytest.fixture(scope="module")
def extractive_runs() -> list[Written]:
    return []


@pytest.fixture(params=["scripted", "extractive"])
async def finished(
    request: pytest.FixtureRequest, plain: Written, extractive_runs: list[Written], tmp_path: Path
) -> Written:
    """A completed run by the scripted model about invented sites, or by the extractive model about the demo's sites."""
    if request.param == "scripted":
        return plain
    if not extractive_runs:
        demo = {"vendor": DEMO_VENDOR, "prospect": DEMO_PROSPECT}
        extractive_runs.append(await written(demo_stage(tmp_path), **demo, model="extractive"))
    return extractive_runs[0]


def test_a_playbook_is_complete(finished: Written) -> None:
    playbook = finished.playbook
    assert {persona.id for persona in playbook.priority_personas} == {"persona-1", "persona-2", "persona-3"}
    assert [persona.rank for persona in playbook.priority_personas] == [1, 2, 3]
    assert playbook.executive_summary.whom_to_approach
    assert playbook.executive_summary.why_now
    assert playbook.executive_summary.how_to_engage
    assert [card.kind for card in playbook.battle_cards] == [
        "why_we_win",
        "objection_handling",
        "competitive_positioning",
    ]
    assert playbook.vendor_elements.case_studies
    assert playbook.vendor_elements.offerings
    assert playbook.vendor_elements.reference_customers
    assert playbook.prospect_intelligence.company_profile.facts
    assert playbook.prospect_intelligence.pain_points
    assert playbook.evidence


def test_a_model_that_writes_copy_adds_advice(plain: Written) -> None:
    assert len(plain.playbook.quick_wins) == 5
    assert plain.playbook.success_metrics


def test_every_persona_has_a_sequence_and_a_talk_track(finished: Written) -> None:
    playbook = finished.playbook
    ids = [persona.id for persona in playbook.priority_personas]
    assert [sequence.persona_id for sequence in playbook.email_sequences] == ids
    assert [talk_track.persona_id for talk_track in playbook.talk_tracks] == ids
    assert all(sequence.touches for sequence in playbook.email_sequences)


def test_an_email_has_a_greeting_and_a_signature_and_there_are_four_for_each_persona(plain: Written) -> None:
    for sequence in plain.playbook.email_sequences:
        assert [touch.day for touch in sequence.touches] == [1, 3, 7, 14]
        assert all(touch.body.startswith("Hi {{first_name}},\n\n") for touch in sequence.touches)
        assert all(touch.body.endswith("\n\n{{sender_first_name}}, {{sender_company}}") for touch in sequence.touches)


def test_a_playbook_has_all_sections_that_can_be_requested(finished: Written) -> None:
    playbook = finished.playbook
    assert set(SECTIONS) <= set(playbook.model_dump())


def test_every_evidence_id_is_known_and_every_piece_of_evidence_is_used(finished: Written) -> None:
    playbook = finished.playbook
    used = {i for part in parts_of(playbook) for i in ids_of(part)}
    assert used == set(playbook.evidence)
    assert all(i == evidence.id for i, evidence in playbook.evidence.items())


def ids_of(part: Value) -> tuple[str, ...]:
    evidence: object = getattr(part, "evidence", ())
    return cast("tuple[str, ...]", evidence) if isinstance(evidence, tuple) else ()


def test_every_quotation_matches_the_stored_page_at_its_offsets(finished: Written) -> None:
    playbook = finished.playbook
    read = {page.sha256: page.url for page in playbook.pages}
    for evidence in playbook.evidence.values():
        text = finished.texts[evidence.page_sha256]
        assert text is not None
        assert verified(evidence, text)
        assert read[evidence.page_sha256] == evidence.url


def test_every_claim_has_evidence(finished: Written) -> None:
    playbook = finished.playbook
    claims: list[Value] = [part for part in parts_of(playbook) if isinstance(part, Finding)]
    without_evidence = {"question", "ask", "courtesy"}
    assert len(claims) > 50
    stated = [claim for claim in claims if getattr(claim, "how_known", "named") != "missing"]
    assert all(ids_of(claim) for claim in stated if getattr(claim, "kind", "fact") not in without_evidence)


def test_the_copy_can_be_assembled_again_from_the_stored_drafts(finished: Written) -> None:
    version = finished.version
    assert version.drafts
    again = assets(version.drafts)
    copy = {name: getattr(again, name) for name in SECTIONS if hasattr(again, name) and name != "gaps"}
    remade = with_every_verdict(version.playbook.model_copy(update=copy), by_model=False)
    assert {"email_sequences", "talk_tracks", "battle_cards", "priority_personas", "fit"} <= copy.keys()
    assert {name for name in SECTIONS if getattr(remade, name) != getattr(version.playbook, name)} == set()
    assert (version.meta.number, version.meta.made, version.meta.run_id) == (1, "generated", finished.record.run_id)


def test_evidence_has_the_role_of_the_company_whose_page_it_is_on(finished: Written) -> None:
    playbook = finished.playbook
    roles = {page.url: page.role for page in playbook.pages}
    assert {e.role for e in playbook.evidence.values()} == {"vendor", "prospect"}
    assert all(roles[e.url] == e.role for e in playbook.evidence.values())


def sizes(files: Sequence[str]) -> dict[str, int]:
    return {path.suffix: path.stat().st_size for path in map(Path, files)}


def test_a_completed_run_has_its_files(finished: Written) -> None:
    record = finished.record
    assert record.status == "completed"
    assert record.error is None
    assert [suffix for suffix, size in sizes(record.files).items() if size] == [".json", ".md", ".html"]
    assert record.finished_at
    assert record.finished_at >= record.created_at


def test_a_playbook_lists_its_pages_and_costs(plain: Written) -> None:
    playbook = plain.playbook
    assert len(playbook.pages) == len(VENDOR_TEXTS) + len(PROSPECT_TEXTS) == playbook.cost.pages_fetched
    assert playbook.cost.asks == len(plain.asked)
    assert playbook.cost.usd == pytest.approx(0.001 * len(plain.asked))
    assert playbook.model == "scripted"
    assert playbook.failed_pages == ()
    assert {timing.step for timing in playbook.timings.steps} >= {"validate_and_map", "write_playbook", "understand"}


def test_the_name_of_each_company_is_quoted_from_its_pages(finished: Written) -> None:
    playbook = finished.playbook
    for company in (playbook.vendor, playbook.prospect):
        assert company.evidence
        assert all(company.name in playbook.evidence[i].quote for i in company.evidence)


def test_the_copy_uses_only_placeholders_that_can_be_filled(finished: Written) -> None:
    playbook = finished.playbook
    for sequence in playbook.email_sequences:
        for touch in sequence.touches:
            opened = touch.body.split("{{")[1:]
            assert {part.split("}}")[0].strip() for part in opened} <= PLACEHOLDERS


async def test_the_same_input_gives_the_same_playbook(finished: Written, tmp_path: Path) -> None:
    assert isinstance(finished.stage.site_source, ScriptedSource)
    again = Stage(tmp_path, source=ScriptedSource(finished.stage.site_source.sites))
    second = await again.playbook(**finished.record.request.model_dump())
    own = {"generated_at", "timings"}
    assert finished.playbook.model_dump(exclude=own) == second.model_dump(exclude=own)


@pytest.mark.long
@pytest.mark.parametrize("count", matrix.sampled([3, 16], short=lambda count: count == 3))
async def test_concurrent_runs_do_not_share_evidence_or_context(count: int, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.opened()
    playbooks = await asyncio.gather(
        *(stage.playbook(context=f"run {number}", max_pages=3 + number % 2) for number in range(count))
    )
    assert [p.context.text for p in playbooks if p.context] == [f"run {number}" for number in range(count)]
    alone = [await Stage(tmp_path / str(number)).playbook(max_pages=3 + number) for number in range(2)]
    assert alone[0].evidence != alone[1].evidence
    assert all(playbook.evidence == alone[number % 2].evidence for number, playbook in enumerate(playbooks))


class Meeting:
    """A barrier at which calls wait until all expected calls have arrived.

    If the calls are not concurrent, they wait forever.
    """

    def __init__(self, *expected: str) -> None:
        self._missing = set(expected)
        self._complete = asyncio.Event()

    async def arrive(self, who: str) -> None:
        self._missing.discard(who)
        if not self._missing:
            self._complete.set()
        await self._complete.wait()


async def test_companies_are_researched_and_copy_is_written_concurrently(tmp_path: Path) -> None:
    companies, writers = Meeting("vendor", "prospect"), Meeting(*map(str, range(10)))
    model, count = ScriptedModel(), 0

    async def reading(ask: Asked) -> Value:
        await companies.arrive(ask.brief.role)
        return answered(ask)

    async def writing(ask: Asked) -> Value:
        nonlocal count
        count += 1
        await writers.arrive(str(count - 1))
        return answered(ask)

    model.on(lambda ask: ask.answer in {VendorAnswer[Cite], ProspectAnswer[Cite]}, reading)
    model.on(lambda ask: ask.prompt.startswith("playbook/"), writing)
    record, _ = await Stage(tmp_path, model=model).run()
    assert record.status == "completed"
    assert count == 4 + 2 * 3


def holding(model: ScriptedModel, matches: Callable[[Asked], bool], until: asyncio.Event) -> None:
    async def held(ask: Asked) -> Value:
        await until.wait()
        return answered(ask)

    model.on(matches, held)


async def test_research_of_the_prospect_never_waits_for_the_vendor(tmp_path: Path) -> None:
    model, understood = ScriptedModel(), asyncio.Event()

    async def understanding(ask: Asked) -> Value:
        understood.set()
        return answered(ask)

    model.on(lambda ask: ask.prompt == "prospect/pain_points", understanding)
    holding(model, form(VendorAnswer[Cite]), understood)
    record, _ = await Stage(tmp_path, model=model).run()
    assert record.status == "completed"


def large_site(count: int) -> dict[str, tuple[Page, ...]]:
    texts = VENDOR_TEXTS | {f"/product/lamp-{n}": f"# Lamp {n}\n\nLamp number {n} is bright." for n in range(count)}
    return {**invented_sites(), VENDOR: pages(VENDOR, texts, name="Lumenforge")}


async def test_packs_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each scrape waits until all scrapes have started, and each ask waits until all asks have started."""
    asking, scraping = Meeting("0", "1", "2"), Meeting("0", "1", "2")
    packs: list[tuple[str, ...]] = []

    async def hold(site: Site, urls: Sequence[str]) -> None:
        if site.company.role == "vendor":
            packs.append(tuple(urls))
            await scraping.arrive(str(len(packs) - 1))

    model = ScriptedModel()
    asks: list[Asked] = []

    async def together(ask: Asked) -> Value:
        asks.append(ask)
        await asking.arrive(str(len(asks) - 1))
        return answered(ask)

    model.on(form(VendorAnswer[Cite]), together)
    source = ScriptedSource(large_site(20), hold=hold)
    record, _ = await Stage(tmp_path, model=model, source=source).run(max_pages=1 + 3 * PACK_PAGES)
    assert record.status == "completed"
    assert [len(pack) for pack in packs] == [PACK_PAGES] * 3


async def test_a_pack_is_asked_while_another_is_still_being_scraped(tmp_path: Path) -> None:
    model, asked = ScriptedModel(), asyncio.Event()

    async def first(ask: Asked) -> Value:
        asked.set()
        return answered(ask)

    async def hold(site: Site, urls: Sequence[str]) -> None:
        if site.company.role == "vendor" and f"https://{VENDOR}/customers" not in urls:
            await asked.wait()

    model.on(form(VendorAnswer[Cite]), first)
    stage = Stage(tmp_path, model=model, source=ScriptedSource(large_site(20), hold=hold))
    record, _ = await stage.run(max_pages=1 + 3 * PACK_PAGES)
    assert record.status == "completed"


async def test_no_pages_are_read_before_both_sites_have_answered(tmp_path: Path) -> None:
    source = ScriptedSource(invented_sites(), refused=frozenset({PROSPECT}))
    model = ScriptedModel()
    record, _ = await Stage(tmp_path, model=model, source=source).run()
    assert record.error
    assert (record.status, record.error.code) == ("failed", "site_refuses")
    assert source.scraped == model.asked == []


def test_no_page_is_fetched_twice(plain: Written) -> None:
    assert len(plain.scraped) == len(set(plain.scraped)) == len(VENDOR_TEXTS) + len(PROSPECT_TEXTS) - 2


def test_progress_never_decreases_and_every_started_step_ends(plain: Written) -> None:
    events = plain.stage.events
    done = [event.done for event in events]
    assert done == sorted(done)
    assert all(event.done <= event.total for event in events)
    started = [(e.step, e.company) for e in events if e.event == "step_started"]
    ended = [(e.step, e.company) for e in events if e.event == "step_finished"]
    assert sorted(map(str, started)) == sorted(map(str, ended))
    assert events[0].event == "run_started"
    assert events[-1].event == "run_finished"
    assert len({event.run_id for event in events}) == 1


async def test_a_follower_receives_progress_and_can_leave_without_stopping_the_run(tmp_path: Path) -> None:
    model, received, gate = ScriptedModel(), asyncio.Event(), asyncio.Event()
    holding(model, form(SummaryDraft[Cite]), gate)

    async def receive(event: Event) -> None:
        if event.message not in {"", "queued"}:
            received.set()

    stage = Stage(tmp_path, model=model)
    runs = await stage.opened()
    record = await runs.start(asked_for())
    assert (await runs.follow(record.run_id, 0, receive)).status not in FINAL
    following = asyncio.create_task(runs.follow(record.run_id, math.inf, receive))
    await received.wait()
    following.cancel()
    await asyncio.wait((following,))
    assert (await runs.get(record.run_id)).status not in FINAL
    gate.set()
    ended, playbook = await stage.end_of(record.run_id)
    assert ended.status == "completed"
    assert playbook


async def test_a_follower_gets_heartbeats_while_nothing_new_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octave_mcp.runs.following.HEARTBEAT_SECONDS", 0.01)
    model, gate, events, repeated = ScriptedModel(), asyncio.Event(), list[Event](), asyncio.Event()
    holding(model, form(SummaryDraft[Cite]), gate)

    async def receive(event: Event) -> None:
        if event in events:
            repeated.set()
        events.append(event)

    stage = Stage(tmp_path, model=model)
    runs = await stage.opened()
    record = await runs.start(asked_for())
    following = asyncio.create_task(runs.follow(record.run_id, math.inf, receive))
    await repeated.wait()
    gate.set()

    assert (await following).status == "completed"


async def test_a_run_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="run_nowhere"):
        await (await Stage(tmp_path).opened()).get("run_nowhere")


@pytest.mark.long
async def test_runs_beyond_the_limit_are_queued(tmp_path: Path) -> None:
    model, writing, gate = ScriptedModel(), asyncio.Event(), asyncio.Event()

    async def held(ask: Asked) -> Value:
        writing.set()
        await gate.wait()
        return answered(ask)

    model.on(form(SummaryDraft[Cite]), held)
    stage = Stage(tmp_path, model=model, settings=Settings.model_validate({"home": tmp_path, "max_runs": 1}))
    runs = await stage.opened()
    started = [await runs.start(asked_for()) for _ in range(2)]
    await writing.wait()
    assert sorted([(await runs.get(record.run_id)).status for record in started]) == ["queued", "running"]
    gate.set()
    assert [(await stage.end_of(record.run_id))[0].status for record in started] == ["completed", "completed"]


def site_of(role: str, *paths: str, domain: str = VENDOR) -> Site:
    company = Company.model_validate({"role": role, "domain": domain, "url": f"https://{domain}"})
    (home,) = pages(domain, {"/": "# Home"}, name="Home")
    return Site(company=company, home=home, links=tuple(Link(url=f"https://{domain}{path}") for path in paths))


def chosen(site: Site, max_pages: int, counterpart: str = "", context: str = "") -> list[str]:
    pack = Ranking.of(site, counterpart=counterpart, context=context).pack(max_pages - 1)
    return [url.removeprefix(site.company.url) for url in pack.urls]


PATHS: dict[PageKind, Callable[[int], str]] = {
    "customers": lambda n: ("/customers", "/clients")[n % 2],
    "pricing": lambda n: ("/pricing", "/plans")[n % 2],
    "case_study": lambda n: f"/customers/story-{n}",
    "product": lambda n: f"/product/thing-{n}",
    "comparison": lambda n: f"/vs/rival-{n}",
    "persona": lambda n: f"/use-cases/role-{n}",
    "about": lambda n: ("/about", "/team")[n % 2],
    "faq": lambda n: ("/faq", "/faqs")[n % 2],
    "security": lambda n: ("/security", "/trust")[n % 2],
    "news": lambda n: f"/press/item-{n}",
    "careers": lambda n: ("/careers", "/jobs")[n % 2],
    "blog": lambda n: f"/blog/post-{n}",
    "integrations": lambda n: f"/integrations/app-{n}",
    "docs": lambda n: f"/docs/page-{n}",
}


@pytest.mark.parametrize("role", ["vendor", "prospect"])
def test_each_kind_of_page_gets_its_share(role: str) -> None:
    many = [path(number) for path in PATHS.values() for number in range(40)]
    selection = chosen(site_of(role, *dict.fromkeys(many)), 26)
    assert len(selection) == 25
    shares = ROLES["vendor" if role == "vendor" else "prospect"].shares
    for kind, path in PATHS.items():
        available = {path(number) for number in range(40)}
        assert len(available & set(selection)) == shares[kind], kind


@pytest.mark.parametrize("role", ["vendor", "prospect"])
@pytest.mark.parametrize("max_pages", [1, 2, 3, 7, 26, 60, 200])
def test_no_more_pages_are_chosen_than_requested_and_none_twice(role: str, max_pages: int) -> None:
    many = dict.fromkeys(path(number) for path in PATHS.values() for number in range(40))
    selection = chosen(site_of(role, *many), max_pages)
    assert len(selection) == len(set(selection)) == min(max_pages - 1, len(many))


def test_a_small_site_is_read_completely_except_for_legal_and_login_pages() -> None:
    small = site_of("vendor", "/about", "/privacy", "/login", "/docs/a", "/legal/terms", "/blog/b")
    assert set(chosen(small, 25)) == {"/about", "/docs/a", "/blog/b"}


def test_a_small_selection_has_pages_of_different_kinds() -> None:
    many = dict.fromkeys(path(number) for path in PATHS.values() for number in range(40))
    selection = chosen(site_of("vendor", *many), 6)
    assert selection == ["/customers", "/pricing", "/customers/story-0", "/product/thing-0", "/vs/rival-0"]


def test_a_page_about_the_counterpart_is_the_first_choice_of_its_kind() -> None:
    stories = [f"/customers/story-{number}" for number in range(30)]
    site = site_of("vendor", *stories, "/customers/quillport")
    assert chosen(site, 2, counterpart="Quillport") == ["/customers/quillport"]
    assert chosen(site, 2, counterpart="quillport.example") == ["/customers/quillport"]
    assert chosen(site, 2) == ["/customers/story-0"]


@pytest.mark.parametrize(
    ("counterpart", "path"),
    [
        ("Box", "/customers/box"),
        ("Box, Inc.", "/customers/box-story.html"),
        ("box.com", "/customers/how-box-halved-its-backlog"),
        ("Box", "/customers/boxvsdropbox"),
        ("Wells Fargo", "/customers/wells-fargo"),
        ("Wells Fargo", "/customers/WellsFargo"),
        ("wellsfargo.com", "/customers/wells_fargo"),
        ("PostHog", "/customers/post-hog"),
        ("Gap", "/customers/the-gap"),
        ("Müller", "/customers/m%C3%BCller"),
        ("Müller", "/customers/mueller"),
        ("华为", "/customers/%E5%8D%8E%E4%B8%BA%E4%BA%91"),
    ],
)
def test_a_url_names_the_counterpart_in_whole_words_however_they_are_joined(counterpart: str, path: str) -> None:
    site = site_of("vendor", "/customers/dropbox", "/customers/mailbox-1", path)
    assert chosen(site, 2, counterpart=counterpart) == [path]
    assert list(naming(site, counterpart)) == [f"https://{VENDOR}{path}"]


@pytest.mark.parametrize(
    ("counterpart", "path"),
    [
        ("Box", "/customers/dropbox"),
        ("box.com", "/customers/mailbox-app"),
        ("Box", "/customers/boxes"),
        ("Box", "/customers/DropBox"),
        ("Box", "/customers/out-of-the-box"),
        ("box.com", "/customers/a-bank-in-a-box"),
        ("Ant", "/customers/a-giant-that-wants-more"),
        ("Workday", "/customers/a-four-day-work-day"),
        ("127.0.0.1:8000", "/customers/127"),
        ("Бокс", "/customers/дропбокс"),
    ],
)
def test_a_part_of_a_word_in_a_url_does_not_name_the_counterpart(counterpart: str, path: str) -> None:
    site = site_of("vendor", "/customers/first", path)
    assert chosen(site, 2, counterpart=counterpart) == ["/customers/first"]
    assert list(naming(site, counterpart)) == []


def test_the_context_influences_which_pages_are_read() -> None:
    site = site_of("vendor", *(f"/product/thing-{number}" for number in range(30)), "/product/night-shift")
    assert chosen(site, 2) == ["/product/thing-0"]
    assert chosen(site, 2, context="They care about NIGHT work") == ["/product/night-shift"]


def test_links_on_the_home_page_are_preferred_to_those_of_the_sitemap() -> None:
    company = Company(role="vendor", domain=VENDOR, url=f"https://{VENDOR}")
    (home,) = pages(VENDOR, {"/": "# Home"}, name="Home")
    links = (
        Link(url=f"https://{VENDOR}/product/a", origin="sitemap"),
        Link(url=f"https://{VENDOR}/product/b", origin="home"),
    )
    assert chosen(Site(company=company, home=home, links=links), 2) == ["/product/b"]


@pytest.mark.parametrize("max_pages", matrix.sampled([1, 2, 4, 9], short=lambda pages: pages == 2))
async def test_a_run_reads_no_more_pages_of_a_company_than_requested(tmp_path: Path, max_pages: int) -> None:
    source = ScriptedSource(invented_sites())
    await Stage(tmp_path, source=source).run(max_pages=max_pages)
    for domain in (VENDOR, PROSPECT):
        read = [url for url in source.scraped if domain in url]
        assert len(read) == min(max_pages, len(invented_sites()[domain])) - 1


def test_asks_about_vendor_packs_contain_only_vendor_pages_and_no_prospect(plain: Written) -> None:
    asks = [ask for ask in plain.asked if ask.answer is VendorAnswer[Cite]]
    assert asks
    for ask in asks:
        assert {VENDOR in passage.page.url for passage in ask.passages} == {True}
        assert (ask.brief.company, ask.brief.counterpart) == ("Lumenforge", "")


def test_a_writer_is_shown_each_piece_of_evidence_once(plain: Written) -> None:
    shown = [ask.passages for ask in plain.asked if ask.prompt.startswith("playbook/")]
    assert len(shown) == 10
    assert len(set(shown)) == 1
    places = [(passage.page.url, passage.start, passage.text) for passage in shown[0]]
    assert len(places) == len(set(places))


async def passages_shown(home: Path, texts: dict[str, str], **request: Any) -> list[tuple[Passage, ...]]:  # noqa: ANN401
    """Execute a run in which the vendor's site has these pages. Return the passages of each ask about the vendor."""
    model, sites = ScriptedModel(), {**invented_sites(), VENDOR: pages(VENDOR, texts, name="Lumenforge")}
    record, _ = await Stage(home, model=model, source=ScriptedSource(sites)).run(**request)
    assert record.status == "completed"
    return [ask.passages for ask in model.asked if ask.answer is VendorAnswer[Cite]]


BANNERS = {
    "Meet us at the light fair in spring.": ("/pricing", "/product/planner", "/about", "/customers"),
    "Meet us at the lamp fair in autumn.": ("/pricing", "/about"),
}


async def test_text_repeated_on_many_pages_of_a_pack_is_left_out_but_text_on_two_is_shown(tmp_path: Path) -> None:
    texts = dict(VENDOR_TEXTS)
    for banner, paths in BANNERS.items():
        texts |= {path: f"{texts[path]}\n\n## Fair\n\n{banner}" for path in paths}
    asks = await passages_shown(tmp_path, texts, max_pages=1 + PACK_PAGES)
    shown = {passage.text for passages in asks for passage in passages}
    often, twice = (any(banner in text for text in shown) for banner in BANNERS)
    assert (often, twice) == (False, True)
    assert any("A plan costs $49 per hall." in text for text in shown)


@pytest.mark.long
async def test_a_very_long_page_is_cut_at_its_limit_and_an_overfull_pack_takes_several_asks(tmp_path: Path) -> None:
    def long(path: str, lines: int) -> str:
        names = ("".join("abcdefghij"[int(digit)] for digit in str(n)) for n in range(lines))
        return "# Page\n\n" + "\n\n".join(f"Line {name} of {path[1:]} is here." for name in names)

    lines = dict.fromkeys(("/customers", "/pricing", "/product/planner", "/security"), 600) | {"/about": 3000}
    asks = await passages_shown(tmp_path, VENDOR_TEXTS | {path: long(path, count) for path, count in lines.items()})
    sizes = Counter(passage.page.url for passages in asks for passage in passages for _ in passage.text)
    assert 15_500 < sizes[f"https://{VENDOR}/about"] <= 16_000
    assert len(asks) > 1
    assert all(sum(len(passage.text) for passage in passages) <= 60_000 for passages in asks)


def test_each_ask_for_copy_is_about_one_persona(plain: Written) -> None:
    asks = [ask for ask in plain.asked if ask.answer is SequenceDraft[Cite]]
    assert sorted((ask.brief.rank, ask.brief.persona.id) for ask in asks) == [
        (0, "persona-1"),
        (1, "persona-2"),
        (2, "persona-3"),
    ]
    titles = {"Head of Facilities", "Head of Operations", "Head of Safety"}
    assert {ask.brief.persona.title for ask in asks} == titles
