"""Tests of spare pages, which replace failed pages, and of pages that are read because of the user's context."""

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
    """Return a source in which the vendor's site has all `STORIES`.

    `failing`: the paths of the pages that fail. `code`: the error code with which these pages fail.
    `spoilt`: pages that are served instead of the stories at the same URLs.
    """
    by_url = {page.ref.url: page for page in spoilt}
    stories = tuple(by_url.get(page.ref.url, page) for page in vendor_pages("/", *STORIES))
    failures = {URL + path: PageFailure(url=URL + path, code=code, reason="It failed") for path in failing}
    return ScriptedSource({**invented_sites(), VENDOR: stories}, failures=failures)


async def read(home: Path, source: ScriptedSource, **request: object) -> tuple[list[str], Playbook]:
    """Return the playbook, and the paths of the vendor's pages that were read, except the home page."""
    playbook = await Stage(home, source=source).playbook(**request)
    return [page.url.removeprefix(URL) for page in playbook.pages if page.role == "vendor"][1:], playbook


def failed(playbook: Playbook) -> dict[str, str]:
    return {failure.url.removeprefix(URL): failure.code for failure in playbook.failed_pages}


def on(published_on: date, source: ScriptedSource, *paths: str) -> ScriptedSource:
    """Return a copy of the source in which the pages at these paths were published on this date."""
    dated = tuple(
        page(
            found.ref.url,
            "# Ash\n\n> It saved us 40 hours a month.\n>\n> — Ann Ash, CEO, Ashwood",
            published_on=published_on,
        )
        if found.ref.url.removeprefix(URL) in paths
        else found
        for found in source.sites[VENDOR]
    )
    return ScriptedSource({**source.sites, VENDOR: dated})


@pytest.mark.parametrize(("dated", "expected"), [(6, None), (2, date(2026, 3, 2))])
async def test_a_date_that_most_pages_share_is_ignored_as_a_build_date(
    dated: int, expected: date | None, tmp_path: Path
) -> None:
    source = on(date(2026, 3, 2), source_with(), *STORIES[:dated])

    playbook = await Stage(tmp_path, source=source).playbook(max_pages=7, model="extractive")

    dates = {evidence.url: evidence.published_on for evidence in playbook.evidence.values()}
    assert {dates[URL + path] for path in STORIES[:dated] if URL + path in dates} == {expected}


async def test_a_page_that_fails_is_replaced_by_a_spare_and_still_reported(tmp_path: Path) -> None:
    pages_read, playbook = await read(tmp_path, source_with("/customers/ash", "/customers/cedar"), max_pages=4)

    assert pages_read == ["/customers/birch", "/customers/elm", "/customers/fir"]
    assert failed(playbook) == {"/customers/ash": "http_404", "/customers/cedar": "http_404"}
    assert next(gap for gap in playbook.gaps if gap.section == "pages").code == "pages_failed"


async def test_a_spare_that_fails_is_replaced_too(tmp_path: Path) -> None:
    pages_read, playbook = await read(
        tmp_path, source_with("/customers/ash", "/customers/cedar", "/customers/elm"), max_pages=3
    )

    assert pages_read == ["/customers/birch", "/customers/fir"]
    assert failed(playbook).keys() == {"/customers/ash", "/customers/cedar", "/customers/elm"}


async def test_a_page_with_too_little_text_is_replaced(tmp_path: Path) -> None:
    pages_read, playbook = await read(
        tmp_path, source_with(spoilt=[page(f"{URL}/customers/ash", "# Ash")]), max_pages=3
    )

    assert pages_read == ["/customers/birch", "/customers/cedar"]
    assert failed(playbook) == {"/customers/ash": "thin"}


async def test_a_spare_that_duplicates_a_page_is_not_used(tmp_path: Path) -> None:
    (_, ash, *_) = vendor_pages("/", *STORIES)
    copy = page(f"{URL}/customers/cedar", ash.text, title="Cedar")
    pages_read, playbook = await read(tmp_path, source_with("/customers/birch", spoilt=[copy]), max_pages=3)

    assert pages_read == ["/customers/ash", "/customers/elm"]
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
async def test_no_spares_are_fetched_from_a_source_or_site_that_refuses_every_page(tmp_path: Path, code: str) -> None:
    source = source_with(*STORIES, code=code)
    pages_read, _ = await read(tmp_path, source, max_pages=4)

    assert not pages_read
    assert [url.removeprefix(URL) for url in source.scraped if url.startswith(URL)] == STORIES[:3]


async def test_a_source_without_credits_is_not_asked_for_spares(tmp_path: Path) -> None:
    source = source_with("/customers/birch", code="declined")
    pages_read, _ = await read(tmp_path, source, max_pages=4)

    assert pages_read == ["/customers/ash", "/customers/cedar"]


async def test_few_spares_are_fetched_from_a_site_whose_pages_are_all_gone(tmp_path: Path) -> None:
    source = source_with(*STORIES)
    pages_read, playbook = await read(tmp_path, source, max_pages=4)

    assert not pages_read
    assert len(playbook.failed_pages) == len([url for url in source.scraped if url.startswith(URL)]) == 7


async def test_a_timeout_while_fetching_spares_loses_no_pages_already_read(tmp_path: Path) -> None:
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
    clock.advance(400)  # 400 s is over the limit for a scrape (343 s), but under the limit for a pack of pages (490 s)
    playbook = await running

    assert failed(playbook) == {"/customers/ash": "http_404"}
    assert len([ref for ref in playbook.pages if ref.role == "vendor"]) == 3


def test_spares_are_dealt_to_packs_in_turns_and_are_in_no_other_pack() -> None:
    site = site_of(*(f"/customers/c{number}" for number in range(100)))
    packs = in_packs(Ranking.of(site, counterpart="", context="").pack(20), 6)

    urls = [url for pack in packs for url in pack.urls]
    spares = [url for pack in packs for url in pack.spares]
    assert [len(pack.urls) for pack in packs] == [6, 6, 6, 2]
    assert [len(pack.spares) for pack in packs] == [5, 5, 5, 5]
    assert len({*urls, *spares}) == 40


def site_of(*paths: str, **texts: str) -> Site:
    (home,) = pages(VENDOR, {"/": "# Home"}, name="Lumen")
    links = [Link(url=URL + path) for path in paths] + [
        Link(url=f"{URL}/{key}", text=text) for key, text in texts.items()
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
def test_a_page_that_the_context_names_is_read_regardless_of_its_kind(context: str, path: str, text: str) -> None:
    site = site_of(*MANY)
    site = site.model_copy(update={"links": (*site.links, Link(url=URL + path, text=text, origin="sitemap"))})

    assert URL + path not in Ranking.of(site, counterpart="", context="").pack(9).urls
    assert URL + path in Ranking.of(site, counterpart="", context=context).pack(9).urls


def test_among_pages_that_match_the_context_equally_the_preferred_kind_comes_first() -> None:
    site = site_of(*MANY, "/docs/webhooks", "/customers/webhooks", "/blog/all/about/webhooks")

    assert Ranking.of(site, counterpart="", context="Webhooks").pack(1).urls == (f"{URL}/customers/webhooks",)


def test_a_name_in_the_context_comes_before_other_words() -> None:
    site = site_of(*MANY, "/docs/slow", "/docs/stack", "/docs/osaka", "/docs/kyoto", "/blog/osaka")
    urls = Ranking.of(site, counterpart="", context="a slow stack in Kyoto and Osaka").pack(6).urls

    assert urls[:2] == (f"{URL}/docs/kyoto", f"{URL}/docs/osaka")


@pytest.mark.parametrize(
    "context", ["Reach the first part of the team, please", "Lumenforge sells it", "Hallo, wir möchten reden"]
)
def test_stop_words_and_names_of_the_site_in_the_context_have_no_effect(context: str) -> None:
    site = site_of(*MANY, "/reach", "/first", "/hallo", "/lumenforge", "/reden")

    assert Ranking.of(site, counterpart="", context=context).pack(9) == Ranking.of(
        site, counterpart="", context=""
    ).pack(9)


def test_pages_that_a_long_context_names_are_limited_to_their_share() -> None:
    words = [f"{first}{second}ra" for first in "bcdfghklmnprst" for second in ("an", "el", "ou")]
    site = site_of(*MANY, *(f"/docs/{word}" for word in words))
    urls = Ranking.of(site, counterpart="", context=" ".join(words)).pack(20).urls

    assert sum(url.startswith(f"{URL}/docs/") for url in urls) == 6


async def test_a_page_that_the_context_names_is_read_regardless_of_the_models_ranking(tmp_path: Path) -> None:
    model = ScriptedModel()
    source = ScriptedSource({**invented_sites(), VENDOR: vendor_pages("/", *STORIES, "/locations/lisbon")})
    await Stage(tmp_path, model=model, source=source).playbook(max_pages=4, context="They move to Lisbon")

    assert f"{URL}/locations/lisbon" in source.scraped
    assert {ask.brief.offer for ask in model.asked if ask.answer is AddressesAnswer} == {
        "Page /. This is what the page / says."
    }


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
async def test_questions_describe_the_offer_with_headings_and_sentences_of_the_vendors_home_page(
    tmp_path: Path, text: str, sold: str
) -> None:
    model, sites = ScriptedModel(), {**invented_sites(), VENDOR: pages(VENDOR, {"/": text}, name="Lumen")}
    await Stage(tmp_path, model=model, source=ScriptedSource(sites)).playbook()

    assert {ask.brief.offer for ask in model.asked if form(Understanding[Cite])(ask)} == {sold}
