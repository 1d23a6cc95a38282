"""Forms of the web pages: other websites cannot send them, and no page changes anything when it is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Finished, Pair
from pages import TOKEN, Names, Shown, Stored, copied, execute, form_token, page_routes, rows, signed_in
from web import lift_server_timeouts, serving

from octave_mcp.surfaces.web.changes import GONE
from octave_mcp.surfaces.web.paths import change_at
from octave_mcp.surfaces.web.site import ALREADY_SENT

HOSTILE = "'\"><b>we met</b>"
# What a person has entered in each form. The forms that are not listed have only buttons.
TYPED = {
    "/new": {"vendor_domain": "acme.com", "prospects": "quill.org", "context": HOSTILE, "sender_name": HOSTILE},
    "/playbooks/{run_id}/revise": {"instruction": HOSTILE},
    "/playbooks/{run_id}/edit": {"text": HOSTILE, "by": HOSTILE},
    "/playbooks/{run_id}/share": {"version": "1", "days": "7"},
}
HIDDEN = {
    "/playbooks/{run_id}/revise": {"section": "brief.first_line", "base_version": "1"},
    "/playbooks/{run_id}/edit": {"section": "brief.first_line", "base_version": "1"},
}
CHECKED = 'class="runs findings"'
# The token in the form of the sign-in is the person's own.
FORMS = [template for template in page_routes("POST") if template not in {"/sign-in", "/playbooks/{run_id}/questions"}]
# A field of each form, and an entry in it that no database can store.
UNSTORABLE = [
    ("/new", "context", "we\0met"),
    ("/new", "prospects", "quill.org\0"),
    ("/new", "sender_name", "Ada\0"),
    ("/playbooks/{run_id}/revise", "instruction", "be\0brief"),
    ("/playbooks/{run_id}/edit", "text", "They\0met us."),
    ("/playbooks/{run_id}/edit", "by", "Ada\0"),
    ("/playbooks/{run_id}/share", "days", "7\0"),
]
with_and_without_tokens = pytest.mark.parametrize("tokens", [(), (TOKEN,)], ids=["open", "with tokens"])


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


def shown_values(page: Shown) -> str:
    chosen = [attributes.get("value", "") for tag, attributes in page.elements if tag in {"input", "option"}]
    return "\n".join([*chosen, *page.texts])


async def prepared(client: httpx2.AsyncClient, tokens: tuple[str, ...]) -> dict[str, str]:
    """Sign in if the server has tokens, and create the key for forms, which is created on first use."""
    headers = await signed_in(client) if tokens else {}
    await form_token(client, headers)
    return headers


@with_and_without_tokens
async def test_a_form_that_comes_from_no_page_of_this_sign_in_changes_nothing_and_keeps_what_was_typed(
    tokens: tuple[str, ...], stored: Stored
) -> None:
    async with serving(tokens=tokens) as client:
        headers = await prepared(client, tokens)
        share = await client.post(f"{stored.at}/share", data=await form_token(client, headers), headers=headers)
        share_id = rows(stored.home)["shares"][0][0]
        names = Names(stored.run_id, stored.session_id, share_id)
        wrong = [{}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": "\u00e9" * 64}]
        if tokens:
            wrong.append(await form_token(client, await signed_in(client)))
        before = rows(stored.home)
        for template in FORMS:
            typed = TYPED.get(template, {})
            for proof in wrong:
                fields = HIDDEN.get(template, {}) | typed | proof
                answer = await client.post(names.path(template), data=fields, headers=headers)
                page = Shown(answer)
                assert (template, proof, answer.status_code) == (template, proof, 400)
                assert "earlier sign-in" in page.text
                assert [value for value in typed.values() if value not in shown_values(page)] == []
        after = rows(stored.home)

    assert share.status_code == 200
    assert after == before


async def asked(client: httpx2.AsyncClient, pair: Pair, proof: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Start a run with the model host, and return its page and the hidden fields of the form for its question."""
    started = await client.post("/new", data=proof | sent_about(pair, model="host"))
    at = started.headers["location"]
    api = f"/runs{at.removeprefix('/playbooks')}/questions/next"
    while not (question := (await client.get(api, params={"wait_seconds": "600"})).json()["question"]):
        pass
    return at, {"question_id": question["question_id"]}


@pytest.mark.parametrize("text", ["{\0}", "\u0436" * 200_001], ids=["NUL", "too long"])
async def test_an_answer_that_cannot_be_stored_is_shown_again_with_the_reason_beside_it(text: str, pair: Pair) -> None:
    async with serving() as client:
        proof = await form_token(client)
        at, hidden = await asked(client, pair, proof)
        answer = await client.post(f"{at}/questions", data=proof | hidden | {"answer": text})
        await client.post(f"{at}/cancel", data=proof)

    page = Shown(answer)
    assert answer.status_code == 400
    assert fault_of(page, "answer")
    assert text in "".join(page.texts)
    assert hidden.items() <= page.fields(f"{at}/questions").items()


async def test_an_answer_that_comes_from_no_page_is_not_stored_and_is_kept_in_the_form(pair: Pair, home: Path) -> None:
    async with serving() as client:
        proof = await form_token(client)
        at, hidden = await asked(client, pair, proof)
        fields = hidden | {"answer": HOSTILE}
        answer = await client.post(f"{at}/questions", data=fields)
        stored = [row for row in rows(home)["questions"] if row[5] is not None]
        proven = await client.post(f"{at}/questions", data=fields | proof)
        await client.post(f"{at}/cancel", data=proof)

    assert answer.status_code == 400
    assert HOSTILE in "".join(Shown(answer).texts)
    assert stored == []
    assert (proven.status_code, "Part of the answer was rejected" in Shown(proven).text) == (200, True)


def fault_of(page: Shown, name: str) -> bool:
    """Whether the page says that something is wrong with the field of this name."""
    return any(attributes.get("id") == f"{name}-fault" for _, attributes in page.elements)


@pytest.mark.parametrize(("template", "name", "entry"), UNSTORABLE)
async def test_an_entry_that_cannot_be_stored_is_shown_again_with_the_reason_beside_it(
    template: str, name: str, entry: str, stored: Stored
) -> None:
    async with serving() as client:
        proof = await form_token(client)
        before = rows(stored.home)
        sent = HIDDEN.get(template, {}) | TYPED[template] | {name: entry}
        answer = await client.post(stored.names.path(template), data=sent | proof)
        after = rows(stored.home)

    page = Shown(answer)
    assert answer.status_code == 400
    assert fault_of(page, name)
    # What is chosen from a list cannot be shown if it is not in the list.
    typed = {
        field: value for field, value in sent.items() if field in TYPED[template] and field not in {"version", "days"}
    }
    assert [value for value in typed.values() if value not in shown_values(page)] == []
    assert after == before


async def test_an_edit_that_is_too_long_is_shown_again_with_the_limit(stored: Stored) -> None:
    text = "\u6f22" * 200_000
    async with serving() as client:
        sent = HIDDEN["/playbooks/{run_id}/edit"] | {"text": text, "by": "Ada"} | await form_token(client)
        answer = await client.post(f"{stored.at}/edit", data=sent)

    page = Shown(answer)
    assert answer.status_code == 400
    assert fault_of(page, "text")
    assert [value for value in (text, "Ada") if value not in shown_values(page)] == []


def sent_about(pair: Pair, **options: str) -> dict[str, str]:
    companies = {"vendor_domain": f"http://{pair.vendor.host}", "prospects": f"http://{pair.prospect.host}"}
    return companies | {"max_pages": "4"} | options


@with_and_without_tokens
async def test_no_page_of_another_origin_can_send_a_form(tokens: tuple[str, ...], stored: Stored) -> None:
    names = stored.names
    async with serving(tokens=tokens) as client:
        headers = await prepared(client, tokens)
        proof = await form_token(client, headers)
        port = client.base_url.port or 0
        origins = (
            f"http://127.0.0.1:{port - 1}",
            f"http://localhost:{port}",
            f"http://127.0.0.1:{port}.evil.example",
            "http://127.0.0.1",
            "https://evil.example",
            "null",
            "file://",
        )
        before = rows(stored.home)
        for template in page_routes("POST"):
            for origin in origins:
                sent = TYPED.get(template, {}) | HIDDEN.get(template, {}) | proof | {"token": TOKEN}
                answer = await client.post(names.path(template), headers=headers | {"Origin": origin}, data=sent)
                assert (template, origin, answer.status_code) == (template, origin, 403)
                assert "another website" in Shown(answer).text
        after = rows(stored.home)
        own = await client.get("/history", headers=headers | {"Origin": str(client.base_url).rstrip("/")})

    assert after == before
    assert own.status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_page_changes_nothing(method: str, stored: Stored) -> None:
    query = "?done=run_x&deleted=3&section=brief&version=1&from=1&to=1&cursor=x&delete=1&everywhere=yes&do=start&days=7"
    async with serving() as client:
        await prepared(client, ())
        before = rows(stored.home)
        for path in [*map(stored.names.path, page_routes("GET")), *map(stored.names.path, FORMS)]:
            for suffix in ("", query):
                answer = await client.request(method, f"{path}{suffix}")
                assert answer.status_code < 500, (path, answer.text)
        after = rows(stored.home)

    assert after == before


async def test_opening_the_settings_asks_no_model_and_runs_no_checks(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{stored.home}")
    async with serving() as client:
        opened = [await client.request(*sent) for sent in (("GET", "/settings"), ("GET", "/settings?check=all"))]
        proof = await form_token(client)
        refused = await client.post("/settings", headers={"Origin": "https://evil.example"}, data=proof)
        unproven = await client.post("/settings")
        checked = await client.post("/settings", data=proof)

    assert {answer.status_code for answer in opened} == {200}
    assert not [answer for answer in (*opened, unproven) if CHECKED in answer.text]
    assert (refused.status_code, unproven.status_code) == (403, 400)
    assert CHECKED in checked.text


@pytest.mark.parametrize("host", ["[::1]:7777", "[::1]"])
async def test_a_page_at_an_ipv6_address_can_send_its_forms(host: str) -> None:
    async with serving() as client:
        at = {"Host": host}
        sent = {"vendor_domain": "acme.com", "prospects": "quill.org", "do": "estimate"}
        proof = await form_token(client, at)
        answer = await client.post("/new", data=sent | proof, headers=at | {"Origin": f"http://{host}"})
        foreign = await client.post("/new", data=sent | proof, headers=at | {"Origin": "http://[::2]:7777"})

    assert (answer.status_code, foreign.status_code) == (200, 403)


async def test_a_refresh_that_is_sent_twice_starts_one_run(stored: Stored) -> None:
    async with serving() as client:
        fields = Shown(await client.get(stored.at)).fields(f"{stored.at}/refresh")
        answers = [await client.post(f"{stored.at}/refresh", data=fields) for _ in range(2)]
        started = {answer.headers["location"] for answer in answers}
        for page in started:
            await client.post(f"{page}/cancel", data=await form_token(client))

    assert len(started) == 1
    assert started != {stored.at}


async def test_a_company_in_three_spellings_is_one_prospect_in_a_pasted_list() -> None:
    pasted = "supabase.com www.supabase.com\nhttps://SUPABASE.com/ quill.org"
    async with serving() as client:
        sent = {"vendor_domain": "acme.com", "prospects": pasted, "do": "estimate"} | await form_token(client)
        estimates = (await client.post("/new", data=sent)).text.partition('id="estimate"')[2].partition("</ul>")[0]

    assert re.findall(r'<li><span dir="auto">(.*?)</span>', estimates) == ["supabase.com", "quill.org"]


async def test_a_limit_that_is_no_number_is_refused_beside_the_field() -> None:
    async with serving() as client:
        sent = {"vendor_domain": "acme.com", "prospects": "quill.org", "max_cost_usd": "inf"}
        answer = await client.post("/new", data=sent | await form_token(client))

    assert answer.status_code == 400
    assert fault_of(Shown(answer), "max_cost_usd")


async def test_the_parts_to_choose_from_are_listed_with_their_texts(stored: Stored) -> None:
    async with serving() as client:
        api = f"/runs/{stored.run_id}/sections"
        sections = ("triggers", "people", "buying_committee", "battle_cards", "brief")
        listed = [(await client.get(f"{api}/{name}")).json()["parts"] for name in sections]

    codes = {"vendor", "prospect", "champion", "economic_buyer", "user", "technical_evaluator", "card", "outline"}
    previews = [part["preview"] for parts in listed for part in parts]
    assert all(listed)
    assert [text for text in previews if text in codes or text.startswith("email_sequences")] == []


async def test_only_a_part_that_a_model_can_rewrite_has_a_form_for_an_instruction(stored: Stored) -> None:
    async with serving() as client:
        edit = {"base_version": 1, "text": "Deal?", "by": "Ada"}
        (await client.put(f"/runs/{stored.run_id}/sections/talk_tracks.persona-1.close", json=edit)).raise_for_status()
        parts = ("brief", "fit.value_map", "talk_tracks.persona-1.close", "talk_tracks.persona-1.pitch", "talk_tracks")
        pages = [Shown(await client.get(change_at(stored.run_id, part))) for part in parts]

    assert ["Revise it with a model" in page.text for page in pages] == [False, False, False, True, True]
    assert all("Edit it by hand" in page.text for page in pages)


async def test_the_page_says_what_a_rejected_answer_costs_the_playbook_until_the_person_goes_on(pair: Pair) -> None:
    async with serving() as client:
        proof = await form_token(client)
        at, hidden = await asked(client, pair, proof)
        while True:
            answer = await client.post(f"{at}/questions", data=proof | hidden | {"answer": '{"offerings": []}'})
            if "The playbook will not contain" in Shown(answer).text:
                break
            api = f"/runs{at.removeprefix('/playbooks')}/questions/next"
            question = (await client.get(api, params={"wait_seconds": "600"})).json()["question"]
            hidden = {"question_id": question["question_id"]}
        await client.post(f"{at}/cancel", data=proof)

    assert "data-reload" not in answer.text
    assert "http-equiv" not in answer.text
    assert "&lt;complaint-" not in answer.text.partition("</pre>")[0]


async def test_a_form_that_is_sent_twice_starts_one_run(pair: Pair, home: Path) -> None:
    async with serving() as client:
        fields = Shown(await client.get("/")).fields("/new") | sent_about(pair)
        answers = [await client.post("/new", data=fields) for _ in range(2)]

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(rows(home)["runs"]) == 1


async def test_the_form_tokens_of_two_servers_differ(tmp_path: Path) -> None:
    found: list[dict[str, str]] = []
    for name in ("one", "two"):
        async with serving(home=tmp_path / name) as client:
            found.append(await form_token(client))

    assert found[0] != found[1]


async def test_a_form_of_an_ended_sign_in_is_refused_even_with_a_new_sign_in(home: Path) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        old = await form_token(client, await signed_in(client))
        execute(home, "delete from sign_ins")
        answer = await client.post("/new", data=TYPED["/new"] | old, headers=await signed_in(client))

    assert answer.status_code == 400
    assert rows(home)["runs"] == []


@pytest.mark.parametrize(("form", "entry"), [("edit", "text"), ("revise", "instruction")])
async def test_a_text_for_a_part_that_is_gone_is_kept_beside_the_section(form: str, entry: str, stored: Stored) -> None:
    section = "email_sequences.persona-1.touches[0].subject"
    async with serving() as client:
        proof = await form_token(client)
        opened = await client.get(f"{stored.at}/change", params={"section": section})
        emptied: dict[str, Any] = {"base_version": 1, "content": []}
        (await client.put(f"/runs/{stored.run_id}/sections/email_sequences", json=emptied)).raise_for_status()
        fields = Shown(opened).fields(f"{stored.at}/{form}") | proof | {entry: HOSTILE}
        late = Shown(await client.post(f"{stored.at}/{form}", data=fields))
        again = await client.post(f"{stored.at}/{form}", data=fields | {"base_version": "2"})
        versions = (await client.get(f"/runs/{stored.run_id}/versions")).json()["versions"]

    for page in (late, Shown(again)):
        assert HOSTILE in "".join(page.texts)
        assert page.fields(f"{stored.at}/edit").items() >= {"section": "email_sequences", "base_version": "2"}.items()
        assert GONE in page.text
    assert [version["number"] for version in versions] == [2, 1]


async def test_a_form_that_is_sent_again_with_other_entries_says_so_and_can_be_sent_once_more(pair: Pair) -> None:
    async with serving() as client:
        first = Shown(await client.get("/")).fields("/new") | sent_about(pair)
        other = first | {"context": HOSTILE}
        started = await client.post("/new", data=first)
        refused = await client.post("/new", data=other)
        page = Shown(refused)
        again = await client.post("/new", data=other | page.fields("/new"))

    assert refused.status_code == 400
    assert ALREADY_SENT in page.text
    assert [value for value in (HOSTILE, *sent_about(pair).values()) if value not in shown_values(page)] == []
    assert (started.status_code, again.status_code) == (303, 303)
    assert started.headers["location"] != again.headers["location"]


async def test_an_instruction_that_is_sent_again_with_other_words_says_so_and_can_be_sent_once_more(
    stored: Stored,
) -> None:
    async with serving() as client:
        opened = Shown(
            await client.get(f"{stored.at}/change", params={"section": "email_sequences.persona-1.touches[0]"})
        )
        first = opened.fields(f"{stored.at}/revise") | {"instruction": "Shorter", "model": "host"}
        other = first | {"instruction": HOSTILE}
        started = await client.post(f"{stored.at}/revise", data=first)
        refused = await client.post(f"{stored.at}/revise", data=other)
        page = Shown(refused)
        again = await client.post(f"{stored.at}/revise", data=other | page.fields(f"{stored.at}/revise"))
        for answer in (started, again):
            await client.post(f"{answer.headers['location']}/cancel", data=await form_token(client))

    assert refused.status_code == 400
    assert ALREADY_SENT in page.text
    assert HOSTILE in "".join(page.texts)
    assert (started.status_code, again.status_code) == (303, 303)
    assert started.headers["location"] != again.headers["location"]


async def test_a_form_for_a_session_that_was_deleted_is_kept_and_starts_a_new_session(
    stored: Stored, finished: Finished
) -> None:
    async with serving() as client:
        opened = Shown(await client.get("/", params={"session_id": stored.session_id}))
        await client.post(f"/history/{stored.session_id}/delete", data=await form_token(client))
        typed = sent_about(finished.pair, context=HOSTILE)
        refused = await client.post("/new", data=opened.fields("/new") | typed)
        page = Shown(refused)
        again = await client.post("/new", data=page.fields("/new") | typed)
        run = (await client.get(again.headers["location"].replace("/playbooks/", "/runs/"))).json()

    assert opened.fields("/new")["session_id"] == stored.session_id
    assert refused.status_code == 404
    assert [value for value in typed.values() if value not in shown_values(page)] == []
    assert run["session_id"] != stored.session_id


async def test_after_an_edit_the_page_links_to_what_it_changed(stored: Stored) -> None:
    async with serving() as client:
        sent = {"section": "brief.first_line", "by": "Ada"} | await form_token(client)
        pages: list[Shown] = []
        for version in ("1", "2"):
            edit = sent | {"base_version": version, "text": f"You have read version {version}."}
            answer = await client.post(f"{stored.at}/edit", data=edit)
            pages.append(Shown(await client.get(answer.headers["location"])))
        links = [[url for url in page.urls if "/diff?" in url] for page in pages]
        compared = Shown(await client.get(links[1][0]))

    assert links == [[f"{stored.at}/diff?from=1&to=2"], [f"{stored.at}/diff?from=2&to=3"]]
    assert "You have read version" in compared.text
