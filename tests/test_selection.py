"""Tests of the passages that a model receives: the most relevant ones, some from every page, and no duplicates."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix import sampled
from scripted import page

from octave_mcp.asks.passage_list import to_show
from octave_mcp.asks.rendering import rendered
from octave_mcp.domain.asks import Ask, ReadingBrief
from octave_mcp.domain.evidence import Cite, Passage
from octave_mcp.domain.page import Page
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.evidence.interest import Interest
from octave_mcp.evidence.passages import passages
from octave_mcp.evidence.repeats import without_repeats
from octave_mcp.evidence.selection import selected

HERE = "https://lumenforge.example"
FENCED = re.compile(r"<passages-\w+>\n(?P<inside>.*)\n</passages-\w+>", re.DOTALL)

SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo zu".split()


def prose(seed: int, sentences: int) -> str:
    """Return sentences of random words. No sentence is informative, and no sentence repeats another."""
    chance = random.Random(seed)  # noqa: S311 - reproducible words, no secrets

    def word() -> str:
        return "".join(chance.choices(SYLLABLES, k=3))

    return "\n\n".join(f"The {' '.join(word() for _ in range(12))}." for _ in range(sentences))


def name(seed: int) -> str:
    return prose(seed, 1)[4:10].title()


def shown_of(pages: Iterable[Page], limit: int, context: str = "", counterpart: str = "", offer: str = "") -> list[str]:
    found = [passage for read in pages for passage in passages(read)]
    chosen = selected(found, Interest(context, counterpart, offer), limit)
    return [found[at].text for at in sorted(chosen)]


def is_shown(text: str, shown: Sequence[str]) -> bool:
    return any(text in passage for passage in shown)


def places(found: Sequence[Passage], chosen: Iterable[int]) -> set[tuple[str, int]]:
    return {(found[at].page.url, found[at].start) for at in chosen}


@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_selection_does_not_depend_on_the_order_of_the_pages(data: st.DataObject) -> None:
    kinds = st.sampled_from(["/pricing", "/about", "/customers", "/blog", "/docs"])
    lines = st.sampled_from([
        "We acquired Dimmer in March 2024.", "Lamps cost $49 a month.", "Menu", "Trusted by 300 halls in Oslo.",
        '"It saved us 30 hours," says Ada Lind, CTO at Brightbarn.', "## Plans", "Das Licht spart 40 % Strom.",
        prose(1, 3), prose(2, 3),
    ])  # fmt: skip
    texts = data.draw(st.lists(st.tuples(kinds, st.lists(lines, min_size=1, max_size=9)), min_size=2, max_size=5))
    pages = [page(f"{HERE}{path}/{at}", "# Lamps\n\n" + "\n\n".join(own)) for at, (path, own) in enumerate(texts)]
    limit = data.draw(st.integers(50, 1500))
    other_order = data.draw(st.permutations(pages))

    def chosen(read: Sequence[Page]) -> set[tuple[str, int]]:
        found = [passage for read_page in read for passage in passages(read_page)]
        return places(found, selected(found, Interest("Lamps in Oslo", "Dimmer", "Light for halls"), limit))

    assert chosen(pages) == chosen(other_order)


FACTS = (
    "We built our own scheduler in 2023.",
    "Lumenforge acquires Dimmer.",
    "Introducing Planner 2, available today.",
    "We are hiring two electricians in Oslo.",
    "Crews are on site 24 hours after the call on average.",
    "We drove $1M+ in pipeline with Lumenforge.",
    "The Pro plan costs $49 per hall.",
    "Planner integrates with Salesforce and Slack.",
    "Lumenforge is SOC 2 Type II certified.",
    "Ada Lind is our Chief Revenue Officer.",
    "Halls such as Brightbarn and Oslo Spektrum are our customers.",
)


ALL_FACTS = "\n\n".join(FACTS)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_after_the_first_16_000_characters_of_a_page_is_shown(fact: str) -> None:
    text = f"# Light\n\n{prose(1, 250)}\n\n## More\n\n{fact}\n\n## Last\n\n{prose(2, 50)}"
    assert text.index(fact) > 16_000
    assert is_shown(fact, shown_of([page(f"{HERE}/blog/light", text)], 2000))


def test_a_quotation_is_shown_with_its_speaker() -> None:
    quote, speaker = (
        "> “It took us " + "a " * 100 + "week instead of a month to light the hall.”",
        "— Ada Lind, CTO at Brightbarn",
    )
    text = f"# Halls\n\n{prose(1, 40)}\n\n## Voices\n\n{quote}\n\n{speaker}\n\n## End\n\n{prose(2, 40)}"
    shown = shown_of([page(f"{HERE}/customers", text)], 600)

    assert is_shown("week instead of a month", shown)
    assert is_shown("Ada Lind, CTO at Brightbarn", shown)


def test_no_page_crowds_out_the_others() -> None:
    def cards(seed: int, count: int) -> str:
        names = (name(n) for n in range(seed, seed + count))
        return "# Light\n\n" + "\n\n".join(f"## {hall}\n\nWe lit the hall of {hall} in 9 days." for hall in names)

    carousel = page(f"{HERE}/", cards(0, 90))
    found = [*passages(carousel)]
    for n in range(100, 1000, 100):
        found += passages(page(f"{HERE}/blog/{n}", cards(n, 8)))
    sizes = Counter[str]()
    for at in selected(found, Interest(), 3000):
        sizes[found[at].page.url] += len(found[at].text)

    assert len(sizes) == 10
    assert sizes[carousel.ref.url] < 3000 / 3


def test_relevant_pages_get_more_space_than_pages_of_labels() -> None:
    text = f"# Lamps\n\n{prose(1, 30)}"
    matters = page(f"{HERE}/customers/brightbarn", text)
    label = page(f"{HERE}/tags", "# Tags\n\n" + "\n\n".join(f"## {prose(n, 1)[4:10]}" for n in range(60)), kind="other")
    found = [*passages(matters), *passages(label)]
    sizes = Counter[str]()
    for at in selected(found, Interest(), 1500):
        sizes[found[at].page.url] += len(found[at].text)

    assert sizes[matters.ref.url] > 2 * sizes[label.ref.url]


@pytest.mark.parametrize(
    ("context", "statement"),
    [
        ("They migrate their hangars to daylight", "The migration took place in all hangars."),
        ("Sie planen den Umzug nach Regensburg", "A second hall stands in Regensburg."),
        ("他们想把仓库的照明系统换成节能灯", "我们的仓库需要新的照明系统。"),
    ],
)
def test_passages_that_match_the_context_are_shown(context: str, statement: str) -> None:
    others = "\n\n".join(f"## {n}\n\nThe lamps of {name(n)} stand in {name(n + 500)}." for n in range(60))
    pages = [page(f"{HERE}/docs/light", f"# Light\n\n{others}\n\n## Here\n\n{statement}\n\n## Last\n\n{prose(2, 9)}")]

    assert is_shown(statement, shown_of(pages, 100, context))


def test_a_page_that_the_context_mentions_gets_more_space() -> None:
    pages = [
        page(f"{HERE}/blog/{name}", f"# {name.title()}\n\n{prose(n, 40)}") for n, name in enumerate(("barn", "dome"))
    ]

    def size(context: str) -> int:
        found = [passage for read in pages for passage in passages(read)]
        return sum(
            len(found[at].text) for at in selected(found, Interest(context), 2000) if "/dome" in found[at].page.url
        )

    assert size("They have a dome in Oslo") > 1.2 * size("They have a ship in Oslo")


def test_recent_news_is_preferred_to_old_news() -> None:
    news = [
        page(
            f"{HERE}/news/{year}",
            f"# News\n\nWe launched the {prose(year, 1)[4:40]} lamp.",
            published_on=date(year, 3, 1),
        )
        for year in range(2015, 2025)
    ]
    shown = shown_of(news, 120)
    assert is_shown(prose(2024, 1)[4:40], shown)
    assert not is_shown(prose(2015, 1)[4:40], shown)


def test_pages_in_other_languages_get_a_share_of_the_space() -> None:
    english = [page(f"{HERE}/product/{n}", f"# Lamp\n\n{ALL_FACTS}\n\n{prose(n, 20)}") for n in range(6)]
    czech = [
        page(f"{HERE}/produkt/{n}", f"# Lampa\n\n{prose(n + 100, 40)}", language="cs", kind="product") for n in range(6)
    ]
    found = [passage for read in (*english, *czech) for passage in passages(read)]
    sizes = Counter[str]()
    for at in selected(found, Interest(), 6000):
        sizes[found[at].page.language] += len(found[at].text)

    assert sizes["cs"] > 6000 / 4


@pytest.mark.parametrize("many", sampled((100, 2500), lambda many: many == 100))
@pytest.mark.long
def test_near_identical_passages_are_shown_once(many: int) -> None:
    catalogue = "\n\n".join(
        f"## Lamp {n}\n\nLamp number {n} of our catalogue lights a hall for {n + 7} hours and leaves within {n} days."
        for n in range(2, many)
    )
    ending = "use our lamps to light every hall of the town within a single night and with half of the people."
    named = "\n\n".join(f"## {name(n)}\n\nRead how the crews of {name(n)} {ending}" for n in range(many))
    pages = [
        page(f"{HERE}/catalogue", catalogue),
        page(f"{HERE}/customers", named),
        page(f"{HERE}/news", f"# News\n\n{FACTS[1]}"),
    ]
    shown = shown_of(pages, 30_000)

    assert sum("of our catalogue lights" in text for text in shown) == 1
    assert sum("Read how the crews" in text for text in shown) == 1
    assert is_shown(FACTS[1], shown)


def test_passages_that_differ_only_in_their_price_are_both_shown() -> None:
    billed = "a month for each hall, and is billed once a year."
    plans = f"## Solo\n\nThe plan costs $9 {billed}\n\n## Crew\n\nThe plan costs $49 {billed}"
    shown = shown_of([page(f"{HERE}/pricing", f"# Plans\n\n{plans}")], 5000)
    assert is_shown("$9 a month", shown)
    assert is_shown("$49 a month", shown)


def test_a_menu_on_every_page_is_dropped_and_a_quotation_on_every_page_is_kept_once() -> None:
    menu, banner = (
        "Lamps, planners and services for every hall",
        "> “They saved us 30 nights.”\n\n— Ada Lind, CTO, Brightbarn",
    )
    paths = ("/", "/blog/one", "/customers/brightbarn", "/about")
    pages = [passages(page(f"{HERE}{path}", f"# Page of {path}\n\n{menu}\n\n## Voices\n\n{banner}")) for path in paths]
    left = without_repeats(pages)

    assert not any(menu in passage.text for own in left for passage in own)
    assert [sum("saved us 30 nights" in passage.text for passage in own) for own in left] == [0, 0, 1, 0]
    assert any("Ada Lind" in passage.text for passage in left[2])


def test_a_text_repeated_within_a_page_is_kept_once() -> None:
    twice = "## Slide\n\nHalls of any size are lit in one night."
    (left,) = without_repeats([passages(page(f"{HERE}/", f"# Light\n\n{twice}\n\n{twice}"))])
    assert sum("lit in one night" in passage.text for passage in left) == 1


def ask_about(found: Sequence[Passage], context: str = "") -> Ask[Any, ReadingBrief]:
    brief = ReadingBrief(
        role="vendor", company="Lumenforge", domain="lumenforge.example", counterpart="", context=context
    )
    return Ask(
        prompt="vendor/offerings", version=1, tier="fast", language="en", brief=brief, passages=tuple(found),
        answer=VendorElements[Cite],
    )  # fmt: skip


@pytest.mark.parametrize("limit", [1000, 4000, 30_000])
def test_rendered_passages_fill_most_of_the_limit_and_do_not_exceed_it(limit: int) -> None:
    def text(at: int) -> str:
        parts = (f"## Hall {n} {'of many words ' * 5}\n\n{prose(n, 2)}\n\n- {name(n)}" for n in range(at, at + 40))
        return f"# {'A long title ' * 9}{at}\n\n" + "\n\n".join(parts)

    pages = [page(f"{HERE}/blog/{at}", text(at)) for at in range(0, 240, 40)]
    every = [passage for read in pages for passage in passages(read)]
    inside = FENCED.search(rendered(ask_about(to_show(every, Interest(), limit))).prefix)

    assert inside
    assert 0.7 * limit < len(inside["inside"]) <= limit


def test_a_page_of_500_000_characters_does_not_crowd_out_a_short_one() -> None:
    long = page(f"{HERE}/docs/all", f"# All\n\n{prose(1, 5700)}\n\n## Note\n\n{FACTS[4]}\n\n{prose(2, 20)}")
    short = page(f"{HERE}/about", f"# About\n\n{FACTS[1]}\n\n{prose(3, 5)}")
    shown = shown_of([long, short], 3000, context="Ein langer Zusammenhang in einer anderen Sprache. " * 20)

    assert len(long.text) > 500_000
    assert is_shown(FACTS[4], shown)
    assert is_shown(FACTS[1], shown)
