"""Tests of the benchmark: its latency model, its doubles and the figures that it derives from a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import start_page
import suite
from bounds import bounds
from invented import Invented
from latency import Latency
from lengths import recorded_tokens
from plans import Step, with_barriers
from report import markdown
from world import cases

from octave_mcp.domain.playbook import SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import SIGNAL_KINDS
from octave_mcp.domain.vendor import KINDS

ROOT = Path(__file__).parents[1]


def test_a_long_answer_takes_longer_than_a_long_question() -> None:
    latency = Latency()

    assert latency.call(20_000, 0, 100) < latency.call(100, 0, 1_000)


def test_cached_input_is_read_faster() -> None:
    latency = Latency()

    assert latency.call(20_000, 20_000, 100) < latency.call(20_000, 0, 100)


def test_the_scale_changes_all_times_alike() -> None:
    real, fast = Latency(), Latency(scale=0.1)

    assert fast.call(5_000, 0, 500) == pytest.approx(real.call(5_000, 0, 500) / 10)
    assert fast.page("/pricing") == pytest.approx(real.page("/pricing") / 10)


def test_the_lengths_of_all_findings_and_drafts_are_recorded() -> None:
    drafts = (SummaryDraft, SequenceDraft, TalkTrackDraft)
    fields = {*KINDS, *SIGNAL_KINDS, *(name for draft in drafts for name in draft.model_fields)}

    assert fields <= recorded_tokens().keys()


def test_an_invented_site_has_the_pages_that_its_sitemap_lists_first() -> None:
    documents = Invented("Crewlane", pages=25, addresses=60).documents("http://site")

    pages = [path for path, (media_type, _) in documents.items() if media_type == "text/html"]
    assert len(pages) == len(set(pages)) == 25
    _, sitemap = documents["/sitemap.xml"]
    assert sitemap.count("<loc>") == 60
    assert all(f"<loc>http://site{path}</loc>" in sitemap for path in pages)


def test_there_are_at_least_eight_pairs_of_companies() -> None:
    names = [case.name for case in cases()]

    assert len(names) == len(set(names)) >= 8


def test_with_barriers_each_stage_takes_as_long_as_its_slowest_chain() -> None:
    steps = [
        Step("vendor/analyse_homepage/ask", 0, 1),
        Step("prospect/analyse_homepage/ask", 0, 3),
        Step("vendor/pack-1/ask", 1, 6),
        Step("vendor/pack-1/ask/correction", 6, 8),
        Step("prospect/pack-1/ask", 3, 9),
        Step("write_playbook/summary/ask", 9, 13),
    ]

    assert with_barriers(steps) == 3 + 7 + 4


def test_a_figure_above_its_bound_is_missed_and_a_figure_that_was_not_measured_is_left_out() -> None:
    figures = {"one_run": {"usd": 0.3}, "concurrency": {"rows": [{"runs": 20, "slowest_ratio": 1.1}]}}

    held = {one.name: one.holds for one in bounds(figures, quick=False)}

    assert held == {"cost of one run": False, "slowest of 20 runs at once / single run": True}


def results_with(figures: dict[str, Any], skipped: dict[str, str]) -> dict[str, Any]:
    return {
        "version": "1.0",
        "measured_at": "2026-11-28T12:00+00:00",
        "machine": suite.machine(),
        "settings": {"quick": False, "latency": Latency().described},
        "skipped": skipped,
        "figures": figures,
    }


def test_the_report_shows_the_first_paint_and_the_size_of_the_start_page_with_their_targets() -> None:
    visits = {"visits": 9, "median_ms": 240, "least_ms": 200.4, "most_ms": 380, "bytes": 51_517, "requests": 5}
    text = markdown(results_with({"start_page": visits}, {}))

    assert "| first contentful paint of the start page | 240 ms | 300 ms | reached |" in text
    assert "| size of the start page with its files | 51.5 kB | 150 kB | reached |" in text
    assert "| range of 9 visits, each in a new browser profile | 200 to 380 ms |" in text


async def test_without_chromium_the_report_says_that_the_start_page_was_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start_page, "CHROMIUM", None)
    figures, skipped = await suite.measured(["start_page"], quick=True)

    assert figures == {}
    assert "| start_page | Chromium is not installed |" in markdown(results_with(figures, skipped))


RESULTS = ROOT / "bench" / "results.json"


@pytest.mark.skipif(not RESULTS.exists(), reason="the full benchmark has not been run yet")
def test_the_performance_page_shows_the_results_of_the_benchmark() -> None:
    results: Any = json.loads(RESULTS.read_text("utf-8"))

    assert (ROOT / "docs" / "performance.md").read_text("utf-8") == markdown(results)
