"""HTML playbooks with embedded pages: a reader can open each source inside the file, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsers import in_the_browser, opened, opened_file, quotations_marked
from conftest import Finished, octave, read_json
from playbooks import PAGES, sample_playbook
from playwright.async_api import Browser
from web import serving

from octave_mcp.domain.playbook import Playbook

HOSTILE = (
    "<script>document.title='owned'</script>\n</article></p><img src=x onerror=\"document.title='owned'\">\n"
    "# </mark><iframe src='https://evil.example'></iframe>\n| a | <!-- |\n|---|---|\n- {{ 7 * 7 }} \x00\n"
    "> &lt;b&gt;\n\n"
)
TEXTS = {page.sha256: HOSTILE + page.text for page in PAGES}


def playbook(url: str = "") -> Playbook:
    """Return the sample playbook with quotations from the hostile texts.

    One quotation covers another quotation and the line before it.
    """
    sample = sample_playbook()
    evidence = {
        id_: quotation.model_copy(
            update={
                "start": quotation.start + len(HOSTILE),
                "end": quotation.end + len(HOSTILE),
                "url": url or quotation.url,
            }
        )
        for id_, quotation in sample.evidence.items()
    }
    today = evidence["p_today"]
    text = TEXTS[today.page_sha256]
    start = text.rindex("\n", 0, today.start - 1) + 1
    evidence["p_today"] = today.model_copy(update={"start": start, "quote": text[start : today.end]})
    return sample.model_copy(update={"evidence": evidence})


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@in_the_browser
async def test_every_quotation_of_an_exported_playbook_opens_on_its_page_offline(
    finished: Finished, browser: Browser, tmp_path: Path
) -> None:
    await octave("export", finished.run_id, "--out", "there", "--pages", cwd=tmp_path)
    made = Playbook.model_validate(read_json(tmp_path / "there" / "playbook.json"))
    html = await opened_file(browser, tmp_path / "there" / "playbook.html")

    marked = await quotations_marked(html.page)

    shown = await html.page.locator("#sources blockquote").all_text_contents()
    assert marked == {f"{number}": {in_one_line(quote)} for number, quote in enumerate(shown, start=1)}
    assert set(shown) <= {quotation.quote for quotation in made.evidence.values()}
    assert len(shown) > 100
    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []
    assert html.complaints == []


@in_the_browser
@pytest.mark.parametrize("scripts", [True, False])
async def test_a_click_on_a_source_opens_its_page_and_closing_it_returns_to_the_quotation(
    scripts: bool, browser: Browser, tmp_path: Path
) -> None:
    page = (await opened(browser, tmp_path, playbook(), scripts=scripts, texts=TEXTS)).page
    await page.locator("#summary .claim").filter(has_text="Today roughly half").locator(".ref").click()

    await page.locator(".evidence:popover-open [data-source]").click()

    source = page.locator(".source-page:popover-open")
    assert await source.locator("mark").filter(has_text="Today, roughly half of our bookings").is_visible()
    await page.keyboard.press("Escape")
    assert await source.count() == 0
    assert await page.locator(".evidence:popover-open").is_visible()


@in_the_browser
async def test_the_text_of_a_page_is_inert_and_its_quotations_are_marked_exactly(
    browser: Browser, tmp_path: Path
) -> None:
    """Some of the quotations overlap, and some span several lines."""
    html = await opened(browser, tmp_path, playbook(), texts=TEXTS)

    marked = await quotations_marked(html.page)

    shown = await html.page.locator("#sources blockquote").all_text_contents()
    assert marked == {f"{number}": {in_one_line(quote)} for number, quote in enumerate(shown, start=1)}
    assert await html.page.title() != "owned"
    assert await html.page.locator(".source-page :is(script, img, iframe)").count() == 0
    assert await html.page.locator(".source-page").count() == len(TEXTS)
    assert html.complaints == []
    assert [url for url in html.requests if not url.startswith(("file:", "data:"))] == []


@pytest.mark.long
@in_the_browser
async def test_a_source_on_the_web_also_has_a_link_and_without_an_embedded_page_only_the_link(
    browser: Browser, tmp_path: Path
) -> None:
    url = "https://kestrel-freight.com/now"
    invented = (await opened(browser, tmp_path, playbook(), texts=TEXTS)).page.locator("#sources")
    assert await invented.locator("a").count() == 0
    real = (await opened(browser, tmp_path, playbook(url), texts=TEXTS)).page.locator("#sources")
    assert {await link.get_attribute("href") for link in await real.locator("a").all()} == {url}
    assert await real.locator("a").count() == await real.locator("[data-source]").count() > 0
    lost = (await opened(browser, tmp_path, playbook(url), texts={})).page.locator("#sources")
    assert await lost.locator("[data-source]").count() == 0
    assert await lost.locator("a").count() == await real.locator("a").count()


@pytest.mark.long
async def test_over_http_html_has_embedded_pages_on_request(finished: Finished) -> None:
    async with serving() as client:
        asked = [
            (await client.get(f"/runs/{finished.run_id}/playbook.{form}", params={"pages": pages})).text
            for form, pages in (("html", "true"), ("html", "false"), ("md", "true"), ("md", ""))
        ]
        wrong = await client.get(f"/runs/{finished.run_id}/playbook.html", params={"pages": "some"})

    assert [text.count('<article class="source-page"') > 0 for text in asked] == [True, False, False, False]
    assert asked[2] == asked[3]
    assert (wrong.status_code, wrong.json()["detail"]) == (400, "pages: must be true or false")
