"""Pages that are crafted to take long to process.

In the worst case, a run cannot read such a page. This run, other runs and other requests still finish.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from conftest import LoopbackSite, Pair, allow
from matrix import sampled
from scripted import page
from web import lift_server_timeouts, serving

from octave_mcp.demo.sites import Document, load
from octave_mcp.domain.playbook import Playbook
from octave_mcp.evidence.passages import passages

LONG = {"wait_seconds": 600}
# Titles and headings are cut at this length, because every quotation and every passage repeats them.
MAX_HEADING_CHARACTERS = 500
BODY = "<h1>Pricing</h1><p>We build quiet ferries for harbours, and they cost $9 a month.</p>"
HOSTILE = {
    "a line of a megabyte": "<p>" + "we build for teams " * 55_000 + BODY,
    "a word of a megabyte": "<p>" + "A" * 1_000_000 + BODY,
    "a heading of a megabyte": "<h1>" + "Ab, " * 250_000 + "</h1><p>We build quiet ferries.",
    "quotation marks": "<p>" + "“" * 300_000 + BODY,
    "nested elements": "<div>" * 100_000 + BODY,
    "nearly a placeholder": "<p>" + "로딩 " * 60 + "!x",
    "nearly a background": f'{BODY}<p style="color:#fff;background:{"topx" * 90}q">We build quiet ferries.</p>',
}


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def other_pair(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    sites = Pair(LoopbackSite(load("vendor")), LoopbackSite(load("prospect")))
    allow(sites, monkeypatch)
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", f"{pair.hosts},{sites.hosts}")
    yield sites
    sites.close()


@pytest.mark.parametrize("kind", sampled(HOSTILE, lambda kind: kind.startswith(("a line", "nearly a b"))))
@pytest.mark.long
async def test_a_hostile_page_is_read_or_fails_while_other_runs_continue(
    kind: str, pair: Pair, other_pair: Pair
) -> None:
    html = f"<html><body><main>{HOSTILE[kind]}</main></body></html>"
    pair.vendor.documents["/pricing"] = Document(html.encode(), "text/html")
    async with serving() as client:
        runs = [client.post("/runs", json=sites.few | LONG) for sites in (pair, other_pair)]
        *answers, alive = await asyncio.gather(*runs, client.get("/livez"))
        reports = [answer.json() for answer in answers]
        found = (await client.get(f"/runs/{reports[0]['run_id']}/playbook.json")).json()

    assert alive.status_code == 200
    assert {report["status"] for report in reports} <= {"completed", "partial"}
    playbook = Playbook.model_validate(found)
    assert f"http://{pair.vendor.host}/pricing" in {page.url for page in (*playbook.pages, *playbook.failed_pages)}
    assert max(len(page.title) for page in playbook.pages) <= MAX_HEADING_CHARACTERS


def test_passages_have_only_the_beginning_of_a_long_heading() -> None:
    heading = "We build quiet ferries " * 1000
    found = passages(page("https://lumenforge.example/", f"# {heading}\n\nThey cost $9 a month."))

    assert [passage.heading for passage in found] == [heading[:MAX_HEADING_CHARACTERS]] * 2
