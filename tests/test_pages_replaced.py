"""Which pages a run reads instead of those that fail, and which pages the context brings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from clocks import stop_the_clock
from matrix import sampled
from scripted import VENDOR, Asked, ScriptedModel, ScriptedSource, Stage, answered, form, invented_sites, page, pages

from octave_mcp.domain.asks import AddressesAnswer
from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import Link, Page, PageFailure
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.prospect import Understanding
from octave_mcp.domain.value import Value
from octave_mcp.pipeline.prioritise_urls import Ranking, in_packs
from octave_mcp.settings import load

URL = f"https://{VENDOR}"
STORIES = [f"/customers/{name}" for name in ("ash", "birch", "cedar", "elm", "fir", "hazel", "ivy", "juniper", "larch")]


def vendor_pages(*paths: str) -> tuple[Page, ...]:
    return pages(VENDOR, {path: f"# Page {path}\n\nThis is what the page {path} says." for path in paths}, name="Lumen")


def source_with(*failing: str, code: str = "http_404", spoilt: Sequence[Page] = ()) -> ScriptedSource:
    """The vendor's site has a story for each name. Those that fail do so with the code; spoilt pages say little."""
    by_url = {one.ref.url: one for one in spoilt}
    found = tuple(by_url.get(one.ref.url, one) for one in vendor_pages("/", *STORIES))
    failures = {URL + path: PageFailure(url=URL + path, code=code, reason="It failed") for path in failing}
    return ScriptedSource({**invented_sites(), VENDOR: found}, failures=failures)


async def read(home: Path, source: ScriptedSource, **request: object) -> tuple[list[str], Playbook]:
    """The vendor's pages that were read, without the home page."""
    playbook = await Stage(home, source=source).playbook(**request)
    return [one.url.removeprefix(URL) for one in playbook.pages if one.role == "vendor"][1:], playbook


def failed(playbook: Playbook) -> dict[str, str]:
    return {failure.url.removeprefix(URL): failure.code for failure in playbook.failed_pages}


def on(day: date, source: ScriptedSource, *paths: str) -> ScriptedSource:
    """The source, where these pages say that they are of that day."""
    dated = tuple(
        page(one.ref.url, "# Ash\n\n> It saved us 40 hours a month.\n>\n> — Ann Ash, CEO, Ashwood", published_on=day)
        if one.ref.url.removeprefix(URL) in paths
        else one
        for one in source.sites[VENDOR]
    )
    return ScriptedSource({**source.sites, VENDOR: dated})


@pytest.mark.parametrize(("dated", "expected"), [(6, None), (2, date(2026, 3, 2))])
async def test_a_date_that_most_pages_share_is_that_of_a_build_and_none_of_theirs(
    dated: int, expected: date | None, tmp_path: Path
) -> None:
    source = on(date(2026, 3, 2), source_with(), *STORIES[:dated])

    playbook = await Stage(tmp_path, source=source).playbook(max_pages=7, model="extractive")

    said = {one.url: one.published_on for one in playbook.evidence.values()}
    assert {said[URL + path] for path in STORIES[:dated] if URL + path in said} == {expected}


# Pages that fail


async def test_a_page_that_fails_is_replaced_by_the_next_and_still_named(tmp_path: Path) -> None:
    found, playbook = await read(tmp_path, source_with("/customers/ash", "/customers/cedar"), max_pages=4)

    assert found == ["/customers/birch", "/customers/elm", "/customers/fir"]
    assert failed(playbook) == {"/customers/ash": "http_404", "/customers/cedar": "http_404"}
    assert next(gap for gap in playbook.gaps if gap.section == "pages").code == "pages_failed"


async def test_a_spare_that_fails_is_replaced_too(tmp_path: Path) -> None:
    found, playbook = await read(
        tmp_path, source_with("/customers/ash", "/customers/cedar", "/customers/elm"), max_pages=3
    )

    assert found == ["/customers/birch", "/customers/fir"]
    assert failed(playbook).keys() == {"/customers/ash", "/customers/cedar", "/customers/elm"}


async def test_a_page_with_next_to_nothing_on_it_is_replaced(tmp_path: Path) -> None:
    found, playbook = await read(tmp_path, source_with(spoilt=[page(f"{URL}/customers/ash", "# Ash")]), max_pages=3)

    assert found == ["/customers/birch", "/customers/cedar"]
    assert failed(playbook) == {"/customers/ash": "thin"}


async def test_a_spare_that_says_what_a_page_says_is_no_replacement(tmp_path: Path) -> None:
    (_, ash, *_) = vendor_pages("/", *STORIES)
    copy = page(f"{URL}/customers/cedar", ash.text, title="Cedar")
    found, playbook = await read(tmp_path, source_with("/customers/birch", spoilt=[copy]), max_pages=3)

    assert found == ["/customers/ash", "/customers/elm"]
    assert failed(playbook) == {"/customers/birch": "http_404", "/customers/cedar": "duplicate"}


async def test_without_failures_no_spare_is_fetched(tmp_path: Path) -> None:
    source = source_with()
    await read(tmp_path, source, max_pages=4)

    assert [url.removeprefix(URL) for url in source.scraped if url.startswith(URL)] == STORIES[:3]


@pytest.mark.parametrize(
    "code",
    sampled(
        ["declined", "crawl_delay", "http_402", "http_429", "http_403", "bot_wall", "timeout", "http_503"],
        short=lambda code: code in {"declined", "bot_wall"},
    ),
)
async def test_nothing_more_is_asked_of_a_source_or_a_site_that_refuses_everything(tmp_path: Path, code: str) -> None:
    source = source_with(*STORIES, code=code)
    found, _ = await read(tmp_path, source, max_pages=4)

    assert not found
    assert [url.removeprefix(URL) for url in source.scraped if url.startswith(URL)] == STORIES[:3]


async def test_a_source_without_credits_is_not_asked_for_spares(tmp_path: Path) -> None:
    source = source_with("/customers/birch", code="declined")
    found, _ = await read(tmp_path, source, max_pages=4)

    assert found == ["/customers/ash", "/customers/cedar"]


async def test_of_a_site_whose_pages_are_all_gone_few_spares_are_fetched(tmp_path: Path) -> None:
    source = source_with(*STORIES)
    found, playbook = await read(tmp_path, source, max_pages=4)

    assert not found
    assert len(playbook.failed_pages) == len([url for url in source.scraped if url.startswith(URL)]) == 7


async def test_spares_that_take_too_long_cost_nothing_that_was_read(tmp_path: Path) -> None:
    clock, held, understood = stop_the_clock(), asyncio.Event(), asyncio.Event()
    source, model = source_with("/customers/ash"), ScriptedModel()

    async def hold(_: Site, urls: Sequence[str]) -> None:
        if f"{URL}/customers/elm" in urls:
            held.set()
            await asyncio.Event().wait()

    async def understanding(ask: Asked) -> Value:
        understood.set()
        return answered(ask)

    source.hold = hold
    model.on(form(Understanding[Cite]), understanding)
    stage = Stage(tmp_path, model=model, source=source, settings=load(home=tmp_path, run_timeout_seconds=1000))
    running = asyncio.create_task(stage.playbook(max_pages=4))
    await held.wait()
    await understood.wait()
    clock.advance(400)  # a scrape may take 343 seconds, and reading 700
    playbook = await running

    assert failed(playbook) == {"/customers/ash": "http_404"}
    assert len([one for one in playbook.pages if one.role == "vendor"]) == 3


def test_spares_are_dealt_to_packs_in_turns_and_are_no_pages_of_another_pack() -> None:
    site = site_of(*(f"/customers/c{number}" for number in range(100)))
    packs = in_packs(Ranking.of(site, counterpart="", context="").pack(20), 6)

    urls = [url for pack in packs for url in pack.urls]
    spares = [url for pack in packs for url in pack.spares]
    assert [len(pack.urls) for pack in packs] == [6, 6, 6, 2]
    assert [len(pack.spares) for pack in packs] == [5, 5, 5, 5]
    assert len({*urls, *spares}) == 40


# Pages that the context names


def site_of(*paths: str, **texts: str) -> Site:
    (home,) = pages(VENDOR, {"/": "# Home"}, name="Lumen")
    links = [Link(url=URL + path) for path in paths] + [
        Link(url=f"{URL}/{key}", text=said) for key, said in texts.items()
    ]
    return Site.model_validate(
        {"company": {"role": "vendor", "domain": VENDOR, "url": URL}, "home": home, "links": links}
    )


MANY = [*STORIES, "/pricing", "/about", *(f"/product/part-{number}" for number in range(30))]


@pytest.mark.parametrize(
    ("context", "path", "text"),
    [
        ("They open an office in Lisbon next year", "/locations/lisbon", ""),
        ("Wir möchten dem Büro in Zürich etwas verkaufen", "/standorte/zuerich", ""),
        ("Nous voulons parler des paiements", "/solutions/paiement-en-ligne", ""),
        ("They asked about migrations", "/docs/migrating", ""),
        ("They care about SSO", "/docs/sso", ""),
        ("Pitch the data lake", "/x7", "The data lake, explained"),
        ("我们想推销日志监控", "/%E6%97%A5%E5%BF%97", ""),
        ("東京のチームに売りたい", "/x8", "東京オフィス"),
    ],
)
def test_a_page_that_the_context_names_is_read_whatever_its_kind(context: str, path: str, text: str) -> None:
    site = site_of(*MANY)
    site = site.model_copy(update={"links": (*site.links, Link(url=URL + path, text=text, origin="sitemap"))})

    assert URL + path not in Ranking.of(site, counterpart="", context="").pack(9).urls
    assert URL + path in Ranking.of(site, counterpart="", context=context).pack(9).urls


def test_of_pages_that_the_context_names_alike_the_kind_that_is_read_anyway_comes_first() -> None:
    site = site_of(*MANY, "/docs/webhooks", "/customers/webhooks", "/blog/all/about/webhooks")

    assert Ranking.of(site, counterpart="", context="Webhooks").pack(1).urls == (f"{URL}/customers/webhooks",)


def test_a_name_in_the_context_comes_before_other_words() -> None:
    site = site_of(*MANY, "/docs/slow", "/docs/stack", "/docs/osaka", "/docs/kyoto", "/blog/osaka")
    found = Ranking.of(site, counterpart="", context="a slow stack in Kyoto and Osaka").pack(6).urls

    assert found[:2] == (f"{URL}/docs/kyoto", f"{URL}/docs/osaka")


@pytest.mark.parametrize(
    "context", ["Reach the first part of the team, please", "Lumenforge sells it", "Hallo, wir möchten reden"]
)
def test_words_without_meaning_and_words_of_the_whole_site_change_nothing(context: str) -> None:
    site = site_of(*MANY, "/reach", "/first", "/hallo", "/lumenforge", "/reden")

    assert Ranking.of(site, counterpart="", context=context).pack(9) == Ranking.of(
        site, counterpart="", context=""
    ).pack(9)


def test_a_context_of_many_words_takes_no_more_than_its_share_of_the_pages() -> None:
    words = [f"{first}{second}ra" for first in "bcdfghklmnprst" for second in ("an", "el", "ou")]
    site = site_of(*MANY, *(f"/docs/{word}" for word in words))
    found = Ranking.of(site, counterpart="", context=" ".join(words)).pack(20).urls

    assert sum(url.startswith(f"{URL}/docs/") for url in found) == 6


async def test_a_page_that_the_context_names_is_read_however_a_model_ranks_it(tmp_path: Path) -> None:
    model = ScriptedModel()
    source = ScriptedSource({**invented_sites(), VENDOR: vendor_pages("/", *STORIES, "/locations/lisbon")})
    await Stage(tmp_path, model=model, source=source).playbook(max_pages=4, context="They move to Lisbon")

    assert f"{URL}/locations/lisbon" in source.scraped
    assert {ask.brief.offer for ask in model.asked if ask.answer is AddressesAnswer} == {
        "Page /. This is what the page / says."
    }


# What the vendor sells


@pytest.mark.parametrize(
    ("text", "sold"),
    [
        (
            "# Payroll for yards\n\nWe pay on time.\n\n## Features\n\n## Time clock\n\nIt ticks.\n\n## How we won",
            "Payroll for yards. Time clock. We pay on time. It ticks.",
        ),
        ("# 造船厂工资\n\n准时发薪。", "造船厂工资. 准时发薪。"),
    ],
)
async def test_questions_say_what_the_vendor_sells_by_its_headings_and_sentences(
    tmp_path: Path, text: str, sold: str
) -> None:
    model, sites = ScriptedModel(), {**invented_sites(), VENDOR: pages(VENDOR, {"/": text}, name="Lumen")}
    await Stage(tmp_path, model=model, source=ScriptedSource(sites)).playbook()

    assert {ask.brief.offer for ask in model.asked if form(Understanding[Cite])(ask)} == {sold}
