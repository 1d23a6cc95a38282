"""Texts that people, websites and models write never become markup, links or scripts of a page."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import cast
from urllib.parse import quote

import httpx2
import pytest
from browsers import Opened, chromium, needs_browser
from conftest import Finished, Pair
from matrix import sampled
from pages import HTML, Shown, Stored, copied, execute, form_token, page_routes
from web import lift_server_timeouts, serving

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "' onfocus='document.title=1' autofocus xss='",
    "</title></textarea></option></select></pre></style></script><xss onxss=1>",
    "javascript:document.title='owned'",
    "data:text/html,<script>alert(1)</script>",
    "{{7777*7777}} {% raw %} ${7777*7777} #{7777*7777}",
    "]]> --> <!-- <![CDATA[ <?xss ?>",
    "\u202eright to left\u202c \u2066 \u2028 \ufeff",
    "line\r\nline\n\nline\ttab",
    "📎👩🏽‍🚀 ﷽ Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
    "<a href='javascript:alert(1)'>x</a> <base href='//evil.example'> <meta http-equiv=refresh content=0>",
    "&lt;xss&gt; &#60;xss&#62; &amp;amp; %3Cxss%3E \\u003cxss\\u003e",
    "x" * 2000,
)
ALL = "".join(text for text in HOSTILE if len(text) < 200)
# No page has these elements. The icon in the navigation is the only svg.
FORBIDDEN = {"img", "iframe", "xss", "base", "object", "embed", "math", "template", "frame", "applet", "video"}
# The stored playbook keeps the values of these fields, which are names, dates and digests of fixed forms.
KEPT = {
    *("id", "persona_id", "kind", "form", "category", "label", "function", "topic", "need", "confidence", "role"),
    *("relation", "company", "code", "audience", "given_by", "page_kind", "shown_as", "favours", "companies"),
    *("evidence", "page_sha256", "sha256", "seat", "how_known", "they_say", "email", "generated_at", "fetched_at"),
    *("published_on", "dated_on", "verdict", "judge", "language", "needs", "schema_version", "section", "where"),
}
SETTINGS = ("SENDER_NAME", "SENDER_COMPANY", "SENDER_TITLE", "SENDER_SIGN_OFF")


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    """A run in which every text that people, websites and models wrote is hostile."""
    for run in copied(finished, tmp_path / "copy", monkeypatch):
        with closing(sqlite3.connect(run.home / "octave.db")) as database, database:
            spoil(database)
        yield run


def spoil(database: sqlite3.Connection) -> None:
    texts = cycle(HOSTILE)
    for run_id, number, meta, playbook in database.execute("select run_id, number, meta, playbook from versions"):
        spoilt = json.dumps(replaced("", json.loads(playbook), texts))
        described = json.loads(meta) | {"by": HOSTILE[0], "instruction": HOSTILE[1]}
        later = described | {"number": 2, "based_on": 1, "by": HOSTILE[3], "instruction": ALL, "made": "edited"}
        other = json.dumps(replaced("", json.loads(playbook), texts))
        database.execute("update versions set meta = ?, playbook = ?", (json.dumps(described), spoilt))
        row = (run_id, number + 1, "2026-11-20T09:12:40.000000+00:00", json.dumps(later), other)
        database.execute("insert into versions (run_id, number, made_at, meta, playbook) values (?, ?, ?, ?, ?)", row)
    ((session, at, record),) = database.execute("select session_id, created_at, record from runs").fetchall()
    request = {"vendor": HOSTILE[1], "prospect": HOSTILE[3], "context": ALL[:1000]}
    spoilt_record = json.loads(record)
    spoilt_record["request"] |= request
    database.execute("update runs set record = ?", (json.dumps(spoilt_record),))
    failed = spoilt_record | {"run_id": f"run_{'f' * 32}", "status": "failed", "model": HOSTILE[0]}
    failed["error"] = {"code": "internal", "message": ALL}
    row = (failed["run_id"], session, "failed", at, json.dumps(failed), HOSTILE[1], HOSTILE[3])
    columns = "run_id, session_id, status, created_at, record, vendor, prospect"
    database.execute(f"insert into runs ({columns}) values (?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608


def replaced(key: str, value: object, texts: Iterator[str]) -> object:
    match value:
        case str() if key not in KEPT and not (key in {"vendor", "prospect"} or key.endswith("_at")):
            return next(texts)
        case dict():
            fields = cast("dict[str, object]", value)
            return {name: replaced(name, item, texts) for name, item in fields.items()}
        case list():
            return [replaced(key, item, texts) for item in cast("list[object]", value)]
        case _:
            return value


def checked(answer: httpx2.Response) -> Shown:
    """Check that nothing in the page comes from a text except for texts, and return the page."""
    assert answer.status_code < 500, (str(answer.request.url)[:200], answer.text[-400:])
    page = Shown(answer)
    for tag, attributes in page.elements:
        assert tag not in FORBIDDEN, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or "xss" in name], (tag, attributes)
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert tag != "meta" or attributes.get("http-equiv") is None or attributes["content"] in {"4", "5"}
        assert "style" not in attributes
        assert attributes.get("action", "/").startswith("/")
    for url in page.urls:
        assert url.startswith(("/", "#", "mailto:", "http://", "https://")), url
        assert not url.startswith(("//", "/\\")), url
    assert "60481729" not in answer.text
    return page


async def test_stored_texts_are_shown_as_text_on_every_page(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in zip(SETTINGS, HOSTILE, strict=False):
        monkeypatch.setenv(f"OCTAVE_{name}", text)
    templates = [template for template in page_routes("GET") if "/static" not in template and "suffix" not in template]
    templates.remove("/new")
    async with serving() as client:
        proof = await form_token(client)
        made = [await client.post(f"{stored.at}/share", data=proof | {"version": "1", "days": "7"})]
        pages = {path: checked(await client.get(path)) for path in paths_of(stored, templates)}
        shared = next(values["value"] for _, values in Shown(made[0]).elements if values.get("id") == "link")
        pages["shared"] = checked(await client.get(shared))
        sections = [url for url in pages[f"{stored.at}?version=2"].urls if "/change?section=" in url]
        for url in [*sections[:8], *sections[-4:]]:
            checked(await client.get(url))

    assert len(sections) > 20
    assert HOSTILE[0] in pages[stored.at].text
    assert HOSTILE[0] in pages["shared"].text
    assert HOSTILE[1] in pages[f"{stored.at}/versions"].text
    assert HOSTILE[1] in pages["/history"].text
    assert HOSTILE[0] in pages[f"/playbooks/run_{'f' * 32}"].text
    assert HOSTILE[3] in pages["/settings"].text


def paths_of(stored: Stored, templates: list[str]) -> list[str]:
    known = [stored.names.path(template) for template in templates if template != "/favicon.ico"]
    run = [f"{stored.at}?version={number}" for number in (1, 2)]
    more = [f"{stored.at}/diff?from=1&to=2", f"/playbooks/run_{'f' * 32}", f"/history/{stored.session_id}?delete=1"]
    return [path for path in (*known, *run, *more) if not path.endswith("/questions") or path == "/questions"] + [
        f"{stored.at}/change?section={section}" for section in ("brief", "email_sequences", "people", "triggers")
    ]


async def test_texts_in_a_url_are_shown_as_text(stored: Stored) -> None:
    names = ("done", "deleted", "cursor", "section", "version", "next", "company", "status", "since", "until")
    names += ("from", "to", "vendor_domain", "prospects", "context", "sender_name", "model", "language", "session_id")
    paths = ["/", "/history", f"/history/{stored.session_id}", "/sign-in", stored.at, "/questions", "/settings"]
    paths += [f"{stored.at}/{page}" for page in ("change", "diff", "versions", "share")]
    async with serving() as client:
        for path in paths:
            for text in (ALL, HOSTILE[4], HOSTILE[-1]):
                checked(await client.get(path, params=dict.fromkeys(names, text), headers=HTML))
        for path in paths[4:]:
            for name in names[:6]:
                checked(await client.get(path, params={name: ALL}, headers=HTML))
        for text in HOSTILE[:8]:
            for path in ("/", "/history/", "/playbooks/", "/s/", "/static/", "/runs/"):
                checked(await client.get(f"{path}{quote(text, safe='')}", headers=HTML))
        filled = Shown(await client.get("/", params={"vendor_domain": ALL, "context": ALL[:999]}))

    assert [values for _, values in filled.elements if values.get("value") == ALL]


@pytest.mark.parametrize("text", sampled([ALL, *HOSTILE], ALL.__eq__), ids=lambda text: str(text)[:10])
async def test_texts_in_a_form_are_shown_as_text(text: str, stored: Stored) -> None:
    fields = ("vendor_domain", "prospects", "context", "sender_name", "sender_title", "sender_company", "language")
    fields += ("sender_sign_off", "model", "source", "max_pages", "max_cost_usd", "refresh", "session_id", "do")
    fields += ("request_id", "section", "base_version", "instruction", "text", "by", "version", "days", "answer")
    fields += ("question_id", "token", "next", "everywhere")
    posts = [template for template in page_routes("POST") if "delete" not in template and "cancel" not in template]
    async with serving() as client:
        proof = await form_token(client)
        for template in posts:
            typed: dict[str, str] = dict.fromkeys(fields, text)
            for sent in (typed, typed | proof):
                answer = await client.post(stored.names.path(template), data=sent, headers=HTML)
                assert answer.is_redirect or checked(answer)
        edit = {"section": "brief.first_line", "base_version": "2", "text": text, "by": text}
        edited = await client.post(f"{stored.at}/edit", data=proof | edit)
        shown = [
            await client.get(f"{stored.at}{path}")
            for path in ("", "/versions", "/diff", "/change?section=brief.first_line", "?done=edit")
        ]

    assert edited.is_redirect or edited.status_code == 400
    assert all(checked(answer) for answer in shown)


async def test_random_forms_get_a_page(stored: Stored) -> None:
    chance = random.Random(7)  # noqa: S311 - the same forms in each test run
    values = [
        *HOSTILE,
        "",
        "1",
        "2",
        "-1",
        "1e400",
        "\ud7ff",
        "true",
        "auto",
        "host",
        "brief",
        "brief.first_line",
        "{}",
    ]
    values += ["[]", '{"a": [1]}', "a" * 70_000, "٣", "0x1", " ", "=&;", "NaN"]
    fields = ["vendor_domain", "prospects", "context", "model", "source", "max_pages", "max_cost_usd", "section", "do"]
    fields += ["base_version", "instruction", "text", "by", "version", "days", "answer", "question_id", "token", "next"]
    fields += ["request_id", "session_id", "refresh", "sender", "sender_name", "form_token", "unknown", "", "run_id"]
    async with serving() as client:
        proof = await form_token(client)
        for template in page_routes("POST"):
            for _ in range(12):
                names = chance.sample(fields, chance.randint(0, 8))
                sent = {name: chance.choice(values) for name in names} | (proof if chance.random() < 0.8 else {})
                at = template.replace("{run_id}", chance.choice([stored.run_id, "x", "%00"]))
                path = at.replace("{session_id}", "sess_x").replace("{share_id}", chance.choice(["x", "%ff"]))
                answer = await client.post(path, data=sent)
                assert answer.status_code < 500, (path, sent)
                assert answer.is_redirect or checked(answer)


async def spoil_run(client: httpx2.AsyncClient, home: Path, pair: Pair) -> str:
    """Start a run with the model 'host', make the texts of its question and its events hostile, and return its path."""
    proof = await form_token(client)
    companies = {"vendor_domain": f"http://{pair.vendor.host}", "prospects": f"http://{pair.prospect.host}"}
    at = (await client.post("/new", data=proof | companies | {"max_pages": "4", "model": "host"})).headers["location"]
    run_id = at.rpartition("/")[2]
    asked = f"/runs/{run_id}/questions/next"
    while (await client.get(asked, params={"wait_seconds": "600"})).json()["open"] != 2:
        pass
    with closing(sqlite3.connect(home / "octave.db")) as database:
        questions = database.execute("select question_id, question from questions").fetchall()
        number, event = database.execute("select max(number), event from events where run_id = ?", (run_id,)).fetchone()
    for question_id, question in questions:
        texts = {"material": ALL, "instructions": ALL}
        spoilt = json.dumps(json.loads(question) | {name: text for name, text in texts.items() if name in question})
        execute(home, "update questions set question = ? where question_id = ?", spoilt, question_id)
    for place, text in enumerate((*HOSTILE, ALL), number + 1000):
        found = json.dumps(json.loads(event) | {"event": "found", "message": text})
        execute(home, "insert into events (run_id, number, event) values (?, ?, ?)", run_id, place, found)
    return at


async def test_texts_of_a_question_are_shown_as_text(pair: Pair, home: Path) -> None:
    async with serving() as client:
        at = await spoil_run(client, home, pair)
        pages = [checked(await client.get(f"{at}{path}")) for path in ("", "/questions")]
        await client.post(f"{at}/cancel", data=await form_token(client))

    assert HOSTILE[0] in pages[1].text
    assert [values for _, values in pages[1].elements if HOSTILE[0] in values.get("data-copy", "")]


@needs_browser
async def test_nothing_that_is_stored_runs_in_a_browser(stored: Stored) -> None:
    paths = [stored.at, f"{stored.at}/versions", f"{stored.at}/diff?from=1&to=2", "/history", f"{stored.at}/share"]
    paths += [f"{stored.at}/change?section=brief.first_line", f"/playbooks/run_{'f' * 32}", "/settings"]
    async with serving() as client, chromium() as browser:
        origin = str(client.base_url).rstrip("/")
        for path in paths:
            shown = Opened(await browser.new_page())
            await visited(shown, f"{origin}{path}")
            assert (path, shown.complaints) == (path, [])
            assert {httpx2.URL(url).host for url in shown.requests if not url.startswith("data:")} == {"127.0.0.1"}


async def visited(shown: Opened, url: str) -> str:
    """Open the page, click everything that shows more, and return the title."""
    shown.page.on("dialog", lambda dialog: shown.complaints.append(dialog.message))
    await shown.page.goto(url)
    await shown.page.evaluate("for (const more of document.querySelectorAll('details')) more.open = true")
    for link in await shown.page.locator("a[href^='javascript'], a[href^='data']").all():
        shown.complaints.append(str(await link.get_attribute("href")))
    title = await shown.page.title()
    if title == "owned":
        shown.complaints.append(title)
    return title


@needs_browser
async def test_events_of_a_run_are_shown_as_text_in_a_browser(pair: Pair, home: Path) -> None:
    async with serving() as client, chromium() as browser:
        at = await spoil_run(client, home, pair)
        shown = Opened(await browser.new_page())
        title = await visited(shown, f"{str(client.base_url).rstrip('/')}{at}")
        last = shown.page.locator(".found-so-far li").first
        await shown.page.get_by_text(ALL[:60]).first.wait_for()
        text, markup = await last.text_content(), await last.locator("*").count()
        await shown.page.goto(f"{str(client.base_url).rstrip('/')}{at}/questions")
        await client.post(f"{at}/cancel", data=await form_token(client))

    assert shown.complaints == []
    assert "owned" not in title
    assert (text, markup) == (ALL, 0)
