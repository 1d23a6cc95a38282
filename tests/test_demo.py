"""The demo directly after the installation, without settings and without a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from browsers import in_the_browser, opened_file, quotations_marked
from conftest import ROOT, Ended, command, names_in, octave, read_json
from excerpts import excerpts
from playwright.async_api import Browser

from octave_mcp.domain.playbook import Playbook

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Shown:
    """The result of `octave-mcp demo --open`: the output, the HTML file, and the URLs opened in the browser."""

    ended: Ended
    page: Path
    opened: list[str]

    @property
    def playbook(self) -> Any:  # noqa: ANN401 - JSON
        return read_json(self.page.with_name("playbook.json"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Run the demo in an environment that selects another source and model.

    The demo must ignore these settings.
    """
    folder = tmp_path_factory.mktemp("demo")
    noted, program = folder / "opened", folder / "browser"
    program.write_text(f"#!/bin/sh\necho \"$1\" >> '{noted}'\n")
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OCTAVE_HOME", str(folder / "home"))
        patched.setenv("BROWSER", str(program))
        patched.setenv("OCTAVE_SOURCE", "firecrawl")
        for name in ("OCTAVE_MODEL", "OCTAVE_VERIFY_MODEL"):
            patched.setenv(name, "openai")
        patched.setenv("OCTAVE_FALLBACK", "anthropic")
        ended = await command("-m", "octave_mcp", "demo", "--open", cwd=folder)
    assert ended.code == 0, ended.err
    return Shown(ended, folder / "demo-playbook" / "playbook.html", noted.read_text().splitlines())


@in_the_browser
async def test_the_demo_opens_its_page_and_every_source_opens_there_after_the_demo_has_ended(
    browser: Browser, shown: Shown
) -> None:
    assert shown.opened == [shown.page.as_uri()]
    assert shown.ended.err.endswith(f"opened in the web browser: {shown.page.as_uri()}\n")
    html = await opened_file(browser, shown.page)
    quotations = await html.page.locator("#sources blockquote").all_text_contents()
    marked = await quotations_marked(html.page)
    assert marked == {f"{number}": {" ".join(quote.split())} for number, quote in enumerate(quotations, start=1)}
    assert await html.page.locator("a[href^=http]").count() == 0
    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []


@in_one_loop
async def test_the_companies_have_their_own_domains(shown: Shown) -> None:
    domains = ["wrenhaul.example", "hearthwain.example"]
    assert [shown.playbook[role]["domain"] for role in ("vendor", "prospect")] == domains
    assert {urlsplit(quotation["url"])[:2] for quotation in shown.playbook["evidence"].values()} == {
        ("http", domain) for domain in domains
    }


@in_one_loop
async def test_the_readme_shows_what_the_demo_writes(shown: Shown) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for name, text in excerpts(Playbook.model_validate(shown.playbook)).items():
        assert f"<!-- generated: demo {name} -->\n{text}\n<!-- end -->" in readme


async def test_a_damaged_recording_is_reported_and_rules_write_the_playbook(tmp_path: Path, home: Path) -> None:
    (home / "recordings").mkdir(parents=True)
    (home / "recordings" / "wrenhaul.example+hearthwain.example.json.gz").write_bytes(b"damaged")

    ended = await octave("demo", "--out", "there", cwd=tmp_path)

    assert ended.code == 0
    assert ended.err.startswith("the demo's recording cannot be replayed: ")
    assert ended.err.endswith("; using the extractive model instead\n")
    assert names_in(tmp_path / "there") == {"playbook.json", "playbook.md", "playbook.html"}
    assert read_json(tmp_path / "there" / "playbook.json")["model"] == "extractive"


@pytest.mark.long
async def test_without_a_web_browser_the_demo_prints_the_address_of_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)

    ended = await command("-m", "octave_mcp", "demo", "--open", "--out", "a b", cwd=tmp_path)

    assert ended.out.endswith(f"\n  {(tmp_path / 'a b' / 'playbook.html').as_uri()}\n")
    assert "opened" not in ended.err


@in_one_loop
async def test_problems_that_the_buyer_has_measured_are_known_metrics(shown: Shown) -> None:
    known = shown.playbook["qualification"]["metrics"]["known"]
    pains = {pain["text"] for pain in shown.playbook["prospect_intelligence"]["pain_points"] if pain["stated"]}

    assert known
    assert {metric["text"] for metric in known} < pains
    assert all(any(mark.isdigit() for mark in metric["text"]) for metric in known)
