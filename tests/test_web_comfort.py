"""What spares people work on the pages: kept entries, times where they are, names, and faults one by one."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from browsers import in_the_browser
from conftest import Finished, Pair
from pages import Shown, form_token
from playwright.async_api import Browser, Dialog
from test_rest import ended
from test_web_forms import sent_about
from web import lift_server_timeouts, serving
from web_pages import visiting

from octave_mcp.surfaces.web.paths import change_at
from octave_mcp.surfaces.web.rendering import as_sentence


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@in_the_browser
async def test_the_browser_keeps_the_sender_for_the_next_playbook(browser: Browser, pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/")
        await page.locator("summary", has_text="Sender").click()
        await page.get_by_label("Name", exact=True).fill("Ada Byron")
        sites = pair.domains
        await page.locator("#vendor_domain").fill(sites["vendor_domain"])
        await page.locator("#prospects").fill(sites["prospect_domain"])
        await page.get_by_role("button", name="Start").click()
        await page.wait_for_url("**/playbooks/*")

        await page.goto("/")

        assert await page.locator("#sender_name").input_value() == "Ada Byron"
        assert "Ada Byron" in await page.locator("summary", has_text="Sender").inner_text()


@in_the_browser
async def test_moments_are_shown_in_the_time_of_the_reader_and_in_utc_without_scripts(
    browser: Browser, finished: Finished
) -> None:
    shown: dict[bool, str] = {}
    for scripts in (True, False):
        async with (
            serving() as http,
            visiting(browser, http.base_url, scripts=scripts, timezone_id="Asia/Kolkata") as visit,
        ):
            await visit.page.goto(f"/playbooks/{finished.run_id}/versions")
            shown[scripts] = await visit.page.locator(".runs time").first.inner_text()

    assert shown[True].endswith("GMT+5:30")
    assert shown[False].endswith("UTC")


@in_the_browser
async def test_a_form_is_not_sent_if_the_person_wants_to_keep_the_text_in_another_form(
    browser: Browser, finished: Finished
) -> None:
    asked: list[str] = []

    async def keep(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        page.on("dialog", keep)
        await page.goto(change_at(finished.run_id, "email_sequences.persona-1.touches[0]"))
        await page.locator("#text").fill("My own words.")
        await page.locator("#instruction").fill("Shorter")

        for _ in range(2):
            await page.get_by_role("button", name="Revise").click()

        assert await page.locator("#text").input_value() == "My own words."
        assert len(asked) == 2


async def test_the_pages_call_a_persona_by_the_job_title(finished: Finished) -> None:
    async with serving() as client:
        playbook = (await client.get(f"/runs/{finished.run_id}/playbook.json")).json()
        page = await client.get(change_at(finished.run_id, "talk_tracks.persona-1"))

    [title] = [persona["title"] for persona in playbook["priority_personas"] if persona["id"] == "persona-1"]
    assert Shown(page).text.count(f"Call scripts, {title}") == 2


async def test_start_again_offers_everything_that_was_entered_for_the_run(held_pair: Pair) -> None:
    entered = {
        "context": "They met us at the fair.",
        "model": "host",
        "language": "de",
        "max_cost_usd": "1.5",
        "sender_name": "Ada Byron",
    }
    sent = sent_about(held_pair, **entered)
    async with serving() as client:
        proof = await form_token(client)
        started = await client.post("/new", data=sent | proof)
        at = started.headers["location"]
        await client.post(f"{at}/cancel", data=proof)
        (again,) = [url for url in Shown(await client.get(at)).urls if url.startswith("/?")]
        form = Shown(await client.get(again))

    given = dict(parse_qsl(urlsplit(again).query))
    assert given == sent
    assert ("input", "Ada Byron") in [(tag, attributes.get("value")) for tag, attributes in form.elements]


async def test_start_again_with_a_model_that_is_no_longer_set_up_asks_for_another_one() -> None:
    async with serving() as client:
        page = Shown(await client.get("/?vendor_domain=acme.com&prospects=quill.org&model=openai&source=firecrawl"))

    chosen = [attributes for tag, attributes in page.elements if tag == "input" and "checked" in attributes]
    assert [(one["name"], one["value"]) for one in chosen] == [("model", "auto"), ("source", "auto")]
    assert "'openai' is not set up: set OPENAI_API_KEY; choose another model" in page.text
    assert "'firecrawl' is not set up: set FIRECRAWL_API_KEY" in page.text


async def test_a_run_in_ones_own_chat_has_no_price_that_the_server_could_know(held_pair: Pair) -> None:
    async with serving() as client:
        proof = await form_token(client)
        sent = sent_about(held_pair, model="host") | proof
        estimate = await client.post("/new", data=sent | {"do": "estimate"})
        started = await client.post("/new", data=sent)
        run = Shown(await client.get(started.headers["location"]))
        await client.post(f"{started.headers['location']}/cancel", data=proof)

    assert Shown(estimate).text.count("paid in your own chat") == 2
    assert "paid in your own chat" in run.text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no answer; try again", "No answer; try again."),
        ("https://acme.com cannot be read", "https://acme.com cannot be read."),
        ("wrenhaul.example has no address.", "wrenhaul.example has no address."),
        ("http://[::1]:7777 cannot be read", "http://[::1]:7777 cannot be read."),
        ("müller.de has no address", "müller.de has no address."),
        ("base_version is old", "base_version is old."),
        ("e-mails are late!", "E-mails are late!"),
        ("done. more", "Done. more."),
    ],
)
def test_a_message_becomes_a_sentence_but_an_address_stays_as_it_is(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence


async def test_after_a_refresh_the_comparison_shows_no_digests_and_times(pair: Pair) -> None:
    async with serving() as client:
        run_id = (await client.post("/runs", json=pair.few)).json()["run_id"]
        await ended(client, f"/runs/{run_id}")
        for path, document in pair.prospect.documents.items():
            pair.prospect.documents[path] = replace(document, body=document.body.replace(b"</p>", b" Changed.</p>"))
        await ended(client, f"/runs/{(await client.post(f'/runs/{run_id}/refresh')).json()['run_id']}")
        compared = Shown(await client.get(f"/playbooks/{run_id}/diff?from=1&to=2"))

    assert "Version 1 → 2" in compared.text
    assert "are not shown" in compared.text
    assert [word for word in ("sha256", "Generated at", "Pages 1") if word in compared.text] == []


async def test_each_wrong_line_of_a_pasted_list_has_a_line_that_says_what_is_wrong() -> None:
    pasted = {"vendor_domain": "acme.com", "prospects": "nonsense\nquill.org\n169.254.169.254", "model": "extractive"}
    async with serving() as client:
        answer = await client.post("/new", data=pasted | await form_token(client))

    fault = answer.text.partition('id="prospects-fault"')[2].partition("</div>")[0]
    lines = [line for line in fault.splitlines() if line.startswith("<p>")]
    assert answer.status_code == 400
    assert ["nonsense" in lines[0], "169.254.169.254" in lines[1], len(lines)] == [True, True, 2]
