"""The demo as someone meets it who has just got the package, with nothing set up and no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from browsers import chromium, in_the_browser, opened_file, quotations_marked
from conftest import command, names_in, octave, read_json
from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest.fixture
def opened_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the web browser of this machine notes what it is asked to open."""
    noted, program = tmp_path / "opened", tmp_path / "browser"
    program.write_text(f"#!/bin/sh\necho \"$1\" >> '{noted}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    return noted


@in_the_browser
async def test_the_demo_opens_its_page_and_there_every_source_opens_after_the_demo_has_ended(
    browser: Browser, tmp_path: Path, opened_addresses: Path
) -> None:
    ended = await command("-m", "octave_mcp", "demo", "--open", cwd=tmp_path)
    page = tmp_path / "demo-playbook" / "playbook.html"

    assert ended.code == 0, ended.err
    assert (await asyncio.to_thread(opened_addresses.read_text)).splitlines() == [page.as_uri()]
    assert ended.err.endswith(f"opened in the web browser: {page.as_uri()}\n")
    html = await opened_file(browser, page)
    quotations = await html.page.locator("#sources blockquote").all_text_contents()
    marked = await quotations_marked(html.page)
    assert marked == {f"{number}": {" ".join(quote.split())} for number, quote in enumerate(quotations, start=1)}
    assert await html.page.locator("a[href^=http]").count() == 0
    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []


async def test_the_companies_have_addresses_of_their_own_and_no_setting_adds_another_source_or_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OCTAVE_MODEL", "OCTAVE_VERIFY_MODEL"):
        monkeypatch.setenv(name, "openai")
    monkeypatch.setenv("OCTAVE_SOURCE", "firecrawl")

    ended = await octave("demo", "--quiet", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    playbook = read_json(tmp_path / "demo-playbook" / "playbook.json")
    assert [playbook[role]["domain"] for role in ("vendor", "prospect")] == ["wrenhaul.example", "hearthwain.example"]
    cited = {urlsplit(str(evidence["url"]))[:2] for evidence in playbook["evidence"].values()}
    assert cited == {("http", "wrenhaul.example"), ("http", "hearthwain.example")}


async def test_a_recording_that_cannot_be_replayed_is_named_and_rules_write_the_playbook(tmp_path: Path) -> None:
    ended = await octave("demo", "--out", "there", cwd=tmp_path)

    assert ended.code == 0
    assert ended.err.startswith("the recording of the demo cannot be replayed: ")
    assert ended.err.endswith("; running extractive instead\n")
    assert names_in(tmp_path / "there") == {"playbook.json", "playbook.md", "playbook.html"}
    assert read_json(tmp_path / "there" / "playbook.json")["model"] == "extractive"


async def test_where_there_is_no_web_browser_the_demo_says_how_to_open_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)

    ended = await command("-m", "octave_mcp", "demo", "--open", "--out", "a b", cwd=tmp_path)

    assert ended.out.endswith(f"\n  {(tmp_path / 'a b' / 'playbook.html').as_uri()}\n")
    assert "opened" not in ended.err
