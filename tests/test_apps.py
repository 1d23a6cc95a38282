"""The MCP App: the view that clients with MCP Apps support show for a run, in a sandboxed frame of a browser."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, cast

import pytest
from app_host import ARGUMENTS, RUN_ID, CallTool, Json, final, in_state, part, refusal, result_of, showing
from browsers import in_the_browser
from conftest import ROOT, Finished
from fastmcp import Client
from mcp_types import TextResourceContents
from playbooks import outlined_playbook, sample_playbook
from playwright.async_api import Browser

from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunError
from octave_mcp.surfaces.mcp import apps
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools.paging import pieces_of

MAX_BYTES = 40_000
HOSTILE = "<img src=x onerror=\"parent.postMessage('owned', '*')\"><script>document.title='owned'</script>"
ESTIMATE = {"asks": 31, "input_tokens": 90_000, "output_tokens": 20_000, "usd": 0.2134}
NO_DOMAINS: Json = {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []}
FOLLOWED: Json = {"run_id": RUN_ID, "wait_seconds": 0}

in_both_eras = pytest.mark.parametrize("era", ["auto", "legacy"])


@pytest.fixture
def playbook() -> Playbook:
    return sample_playbook()


def server_of(playbook: Playbook) -> CallTool:
    """Return a server whose get_run returns the sections of this playbook."""

    async def call_tool(name: str, arguments: Json) -> Json:
        assert name == "get_run"
        assert arguments["run_id"] == RUN_ID
        section = arguments.get("section")
        return result_of(part(playbook, section) if section else final(playbook))

    return call_tool


async def unreachable(name: str, arguments: Json) -> Json:
    raise AssertionError(f"{name} was called with {arguments}")


@in_both_eras
async def test_the_tools_that_report_on_a_run_name_the_view(era: Literal["auto", "legacy"]) -> None:
    async with Client(make(), mode=era) as client:
        listed = {tool.name: tool.meta for tool in await client.list_tools()}
        (resource,) = (found for found in await client.list_resources() if str(found.uri) == apps.URI)
        (content,) = await client.read_resource(apps.URI)

    assert {name for name, meta in listed.items() if meta} == {"generate_playbook", "get_run"}
    assert listed["get_run"] == {"ui": {"resourceUri": "ui://octave/run.html"}}
    assert isinstance(content, TextResourceContents)
    assert content.text == apps.page()
    for found in (resource, content):
        assert found.mime_type == "text/html;profile=mcp-app"
        assert found.meta
        assert found.meta["ui"]["csp"] == NO_DOMAINS
        assert found.meta["ui"]["prefersBorder"] is True


async def test_the_files_of_the_view_are_read_only_with_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(package: str) -> None:
        raise AssertionError(f"files of {package} were read")

    monkeypatch.setattr(apps, "files", unavailable)
    async with Client(make()) as client:
        assert await client.list_tools()
        assert await client.list_resources()


def test_the_view_is_one_small_file_that_loads_nothing_and_writes_no_markup() -> None:
    html = apps.page()

    assert len(html.encode()) < MAX_BYTES
    assert "/* run" not in html
    forbidden = (
        r"\bsrc=|\bhref=|url\(|@import|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\("
    )
    assert re.findall(forbidden + r"|\bfetch\(|XMLHttpRequest|localStorage|\.style\.cssText", html) == []


def test_the_view_has_the_colours_and_fonts_of_the_html_export() -> None:
    export = (ROOT / "octave_mcp" / "exports" / "templates" / "playbook.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"(--[\w-]+): (.+);", block)) for block in re.findall(r":root \{(.*?)\}", export, re.DOTALL)
    )
    expected = {name: f"light-dark({value}, {dark[name]})" if name in dark else value for name, value in light.items()}
    del expected["--shade"]  # the view has borders instead of shadows

    assert dict(re.findall(r"(--[\w-]+): (.+);", apps.page())) == expected


@in_the_browser
async def test_the_view_follows_a_run_and_then_shows_its_brief_and_emails(browser: Browser, playbook: Playbook) -> None:
    reading = in_state("running", step="read_pack", message="reading 6 pages", done=14, total=40, estimate=ESTIMATE)
    writing = in_state("running", step="write_playbook", message="writing e-mails", done=30, total=40)
    now, after = [reading], server_of(playbook)

    async def call_tool(name: str, arguments: Json) -> Json:
        return result_of(now[0]) if now else await after(name, arguments)

    async with showing(browser, call_tool) as view:
        await view.called(ARGUMENTS, result_of(in_state("queued", estimate=ESTIMATE)))
        await view.shows("lumenboard.example → kestrel-freight.example")
        await view.shows("Reading 6 pages")
        assert (
            "Step: reading pages · 14 of 40 done · estimate: 31 questions to the model, about $0.21"
            in await view.text()
        )
        bar = view.frame.get_by_role("progressbar")
        assert [await bar.get_attribute(f"aria-{name}") for name in ("valuenow", "valuemax")] == ["14", "40"]
        now[:] = [writing]
        await view.shows("Writing e-mails")
        now.clear()
        await view.shows_playbook()

        assert playbook.brief
        shown = await view.text()
        for text in (playbook.brief.person, playbook.brief.title, playbook.brief.first_line, playbook.brief.question):
            assert text
            assert text in shown
        assert playbook.email_sequences[0].touches[0].subject in shown
        *looks, brief, emails, evidence = [arguments for _, arguments in view.calls]
        assert looks == [FOLLOWED] * len(looks)
        assert [call["section"] for call in (brief, emails, evidence)] == ["brief", "email_sequences", "evidence"]
        assert view.opened.complaints == []
        assert view.opened.requests == []


@in_the_browser
async def test_until_the_call_returns_the_view_finds_the_run_that_it_started(
    browser: Browser, playbook: Playbook
) -> None:
    pair = {"vendor": ARGUMENTS["vendor_domain"], "prospect": ARGUMENTS["prospect_domain"]}
    other = {"latest": {**pair, "prospect": "other.example", "run_id": "run_other", "status": "running"}}
    earlier = {"latest": {**pair, "run_id": "run_earlier", "status": "completed"}}
    own = {"latest": {**pair, "run_id": RUN_ID, "status": "running"}}
    running = in_state("running", message="choosing pages", done=4, total=40)

    async def call_tool(name: str, arguments: Json) -> Json:
        if name == "list_sessions":
            return {"structuredContent": {"sessions": [other, earlier, own], "runs": []}}
        return result_of(running) if "section" not in arguments else await server_of(playbook)(name, arguments)

    async with showing(browser, call_tool) as view:
        await view.notify("tool-input", {"arguments": ARGUMENTS})
        await view.shows("Choosing pages")
        assert view.calls[:2] == [("list_sessions", {"limit": 5}), ("get_run", FOLLOWED)]

        await view.notify("tool-result", result_of(final(playbook)))
        await view.shows_playbook()


@in_the_browser
async def test_a_run_that_waits_says_that_the_assistant_answers(browser: Browser) -> None:
    waiting = result_of(in_state("waiting", message="waiting for 2 answers", done=3, total=40))

    async with showing(browser, unreachable, can={}) as view:
        await view.called(ARGUMENTS, waiting)
        await view.shows("The assistant is answering questions about the pages.")
        assert "Waiting for answers" in await view.text()


@in_the_browser
async def test_an_email_is_copied_with_its_subject(browser: Browser, playbook: Playbook) -> None:
    touch = playbook.email_sequences[1].touches[2]

    async with showing(browser, server_of(playbook)) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        await view.shows_playbook()
        first, second, third = await view.frame.get_by_role("tab").all()
        await first.focus()
        await view.page.keyboard.press("ArrowRight")
        assert [await tab.get_attribute("aria-selected") for tab in (first, second, third)] == [
            "false",
            "true",
            "false",
        ]
        await view.frame.get_by_role("tabpanel").locator("summary", has_text=touch.subject).click()
        await view.frame.get_by_role("button", name=f"Copy e-mail: {touch.subject}").click()
        await view.frame.get_by_role("button", name=f"Copy e-mail: {touch.subject}").get_by_text("Copied").wait_for()

        assert await view.pasted() == f"Subject: {touch.subject}\n\n{touch.body}"


@in_the_browser
async def test_a_sentence_opens_its_quotation_and_the_quotation_its_page(browser: Browser, playbook: Playbook) -> None:
    sentence = next(each for each in playbook.email_sequences[0].touches[0].sentences if each.evidence)
    cited = playbook.evidence[sentence.evidence[0]]

    async with showing(browser, server_of(playbook)) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        mail = view.frame.locator(".mail").first
        await mail.get_by_text(sentence.text).click()
        quotation = view.frame.get_by_role("complementary", name="Quotation")
        await quotation.get_by_text(cited.quote).wait_for()
        assert cited.page_title in await quotation.inner_text()
        assert cited.url in await quotation.inner_text()
        assert re.search(r"(published|undated).* · read 20 November 2026", await quotation.inner_text())
        await quotation.get_by_role("button", name="Open page").first.click()
        assert await view.received("ui/open-link") == [{"url": cited.url}]

        await view.page.keyboard.press("Escape")
        assert await quotation.count() == 0
        assert await view.frame.evaluate("document.activeElement.className") == "ref"


@in_the_browser
async def test_if_the_client_opens_no_page_its_address_can_be_copied(browser: Browser, playbook: Playbook) -> None:
    async with showing(browser, server_of(playbook), refuses_links=True) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        await view.frame.locator(".mail .ref").first.click()
        await view.frame.get_by_role("button", name="Open page").first.click()
        await view.frame.get_by_role("button", name="Copy the address").click()

        (asked,) = await view.received("ui/open-link")
        assert await view.pasted() == asked["url"]


def spoiled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Add markup to each sentence, in the same way in an e-mail and in its sentences."""
    if isinstance(value, dict):
        return {key: spoiled(item) for key, item in cast("Json", value).items()}
    if isinstance(value, list):
        return [spoiled(item) for item in cast("list[Any]", value)]
    is_prose = isinstance(value, str) and " " in value
    return value.replace(".", f"{HOSTILE}.") + HOSTILE if is_prose else value


@in_the_browser
async def test_markup_in_names_titles_quotations_and_emails_is_shown_as_text(
    browser: Browser, playbook: Playbook
) -> None:
    plain = server_of(playbook)

    async def call_tool(name: str, arguments: Json) -> Json:
        return {"structuredContent": spoiled((await plain(name, arguments))["structuredContent"])}

    async with showing(browser, call_tool) as view:
        arguments = {"vendor_domain": HOSTILE, "prospect_domain": HOSTILE}
        hostile = in_state("running", message=HOSTILE, step=HOSTILE, done=1, total=2)
        await view.called(arguments, {"structuredContent": spoiled(result_of(hostile)["structuredContent"])})
        await view.shows_playbook()
        for ref in await view.frame.locator(".ref:visible").all():
            await ref.click()
            await view.frame.locator(".quotation blockquote").first.wait_for()
        await view.frame.locator(".about summary").click()

        assert (await view.text()).count("<img src=x onerror=") > 20
        assert await view.frame.locator("img, svg, iframe, script:not(body > script)").count() == 0
        assert await view.frame.title() == "Sales playbook"
        assert "owned" not in await view.page.evaluate("received")
        assert view.opened.complaints == []
        assert view.opened.requests == []


@in_the_browser
async def test_a_failed_run_and_a_refused_call_say_what_to_do(browser: Browser) -> None:
    error = RunError(code="site_unreachable", message="kestrel-freight.example did not answer; check the domain")
    refused = refusal("[invalid_domain] 'not a domain' is not a domain; give one such as acme.com")
    shown: dict[str, str] = {}
    for name, result in {"failed": result_of(in_state("failed", error=error)), "refused": refused}.items():
        async with showing(browser, unreachable) as view:
            await view.called(ARGUMENTS, result)
            await view.frame.locator(".notice").wait_for()
            shown[name] = await view.text()

    assert "The run failed\n\nkestrel-freight.example did not answer; check the domain" in shown["failed"]
    assert "ask the assistant to start the run again. Error code: site_unreachable." in shown["failed"]
    assert "The run was not started\n\n'not a domain' is not a domain; give one such as acme.com" in shown["refused"]


@in_the_browser
async def test_a_server_that_stops_answering_can_be_asked_again(browser: Browser, playbook: Playbook) -> None:
    failures = iter(range(4))

    async def call_tool(name: str, arguments: Json) -> Json:
        if next(failures, None) is not None:
            raise ConnectionError("the server is gone")
        return await server_of(playbook)(name, arguments)

    async with showing(browser, call_tool) as view:
        await view.called(ARGUMENTS, result_of(in_state("running", done=1, total=9)))
        await view.shows("Progress cannot be shown")
        await view.frame.get_by_role("button", name="Try again").click()
        await view.shows_playbook()


@in_the_browser
async def test_a_client_without_access_to_tools_shows_the_summary(browser: Browser, playbook: Playbook) -> None:
    async with showing(browser, unreachable, can={}) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        assert playbook.brief
        await view.shows(playbook.brief.first_line)
        assert "Ask the assistant for the e-mails" in await view.text()


@in_the_browser
async def test_a_call_that_reads_a_part_shows_one_line_that_opens_the_playbook(
    browser: Browser, playbook: Playbook
) -> None:
    async with showing(browser, server_of(playbook)) as view:
        await view.called({"run_id": RUN_ID, "section": "talk_tracks"}, result_of(part(playbook, "talk_tracks")))
        show = view.frame.get_by_role("button", name="Show the playbook")
        await show.wait_for()
        assert view.calls == []
        await show.click()
        await view.shows_playbook()


@in_the_browser
async def test_a_long_section_is_read_piece_by_piece(browser: Browser, playbook: Playbook) -> None:
    plain = server_of(playbook)

    async def call_tool(name: str, arguments: Json) -> Json:
        report = (await plain(name, arguments))["structuredContent"]
        if arguments.get("section") != "evidence":
            return {"structuredContent": report}
        pieces, at = pieces_of(report["section"], 3000), int(arguments.get("cursor", 0))
        assert len(pieces) > 3
        rest = str(at + 1) if at + 1 < len(pieces) else None
        return {"structuredContent": {**report, "section": pieces[at], "cursor": rest}}

    async with showing(browser, call_tool) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        await view.shows_playbook()
        for ref in await view.frame.locator(".ref:visible").all():
            await ref.click()
            await view.frame.locator(".quotation figure").first.wait_for()
            assert "could not be loaded" not in await view.text()


@in_the_browser
async def test_an_outline_says_that_it_is_one_and_copies_as_one(browser: Browser) -> None:
    playbook = outlined_playbook()
    async with showing(browser, server_of(playbook)) as view:
        await view.called(ARGUMENTS, result_of(final(playbook)))
        await view.frame.get_by_role("button", name="Copy outline").first.click()
        assert (await view.pasted()).startswith("Outline: you or a model must write the final text\n\n")
        assert "The quotations are in place" in await view.text()


@in_the_browser
async def test_the_clients_theme_wins_and_nothing_overflows_on_a_narrow_screen(
    browser: Browser, playbook: Playbook
) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    size = {"width": 320, "height": 700}
    async with showing(browser, server_of(playbook), context={"theme": "dark"}, size=size) as view:  # pyright: ignore[reportArgumentType] - a ViewportSize
        await view.called(ARGUMENTS, result_of(final(playbook)))
        await view.frame.locator(".mail .ref").first.click()
        await view.frame.locator(".quotation figure").first.wait_for()
        assert await view.frame.evaluate("document.documentElement.scrollWidth") == 320
        assert await view.frame.evaluate(background) == "rgb(23, 23, 20)"
        await view.notify("host-context-changed", {"theme": "light"})
        await view.frame.wait_for_function(f"{background} === 'rgb(251, 250, 247)'")
        height = await view.frame.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
        await view.page.wait_for_function(f"frame.style.height === '{height}px'")


@in_the_browser
async def test_the_view_shows_the_playbook_of_our_server(browser: Browser, finished: Finished) -> None:
    async with Client(make()) as client:

        async def call_tool(name: str, arguments: Json) -> Json:
            result = await client.call_tool(name, arguments)
            return {"structuredContent": result.structured_content}

        async with showing(browser, call_tool) as view:
            report = await call_tool("get_run", {"run_id": finished.run_id})
            await view.called({"run_id": finished.run_id}, report)
            await view.shows_playbook()
            await view.frame.locator(".mail .ref").first.click()
            await view.frame.locator(".quotation blockquote").first.wait_for()
            assert json.dumps(await view.text()).count("undefined") == 0
            assert view.opened.complaints == []
