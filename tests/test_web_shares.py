"""Shared links: they show one version of one playbook, and tell nothing about links that do not work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from conftest import Finished, log_lines
from pages import BEARER, HTML, TOKEN, Shown, Stored, copied, execute, form_token, page_routes, rows, signed_in
from web import lift_server_timeouts, serving

from octave_mcp.surfaces.web.paths import is_open

SHARED = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
}


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


async def shared(
    client: httpx2.AsyncClient, stored: Stored, headers: dict[str, str] | None = None, **fields: str
) -> str:
    """Make a link on the page Share, and return its path."""
    sent = await form_token(client, headers) | {"version": "1", "days": "7"} | fields
    page = Shown(await client.post(f"{stored.at}/share", data=sent, headers=headers))
    link = next(attributes["value"] for _, attributes in page.elements if attributes.get("id") == "link")
    origin = str(client.base_url).rstrip("/")
    assert link.startswith(f"{origin}/s/")
    return link.removeprefix(origin)


async def test_a_link_works_without_a_sign_in_and_opens_nothing_else(stored: Stored) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        link = await shared(client, stored, await signed_in(client))
        page = await client.get(link)
        others = [template for template in page_routes("GET") if not is_open(template)]
        statuses = {(await client.get(stored.names.path(template))).status_code for template in others}
        events = await client.get(f"{stored.at}/events")
        beyond = [await client.get(f"{link}{path}") for path in ("/playbook.json", "/versions", "?version=2")]
        posted = await client.post(link, data={"token": TOKEN})

    shown = Shown(page)
    assert page.status_code == 200
    assert {name: page.headers[name] for name in SHARED} == SHARED
    assert "Shared with you, read only" in shown.text
    assert "set-cookie" not in page.headers
    assert (statuses, events.status_code) == ({401}, 401)
    assert [answer.status_code for answer in beyond] == [404, 404, 200]
    assert posted.status_code == 405


async def test_a_shared_page_leads_nowhere_on_the_server(stored: Stored) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        link = await shared(client, stored, await signed_in(client))
        answers = [await client.get(path) for path in (link, f"{link}x", f"{link}/more", "/s/")]
        posted = await client.post(link)
        events = rows(stored.home)["runs"]

    for answer in (*answers[:3], posted):
        page = Shown(answer)
        local = [url for url in page.urls if not url.startswith(("#", "/static/", "http://127.0.0.1", "mailto:"))]
        assert local == []
        assert not [url for url in page.urls if url.startswith(str(client.base_url))]
        assert not [tag for tag, _ in page.elements if tag in {"form", "iframe", "object", "embed", "base"}]
        assert not [value for _, attributes in page.elements for name, value in attributes.items() if "events" in name]
        assert stored.run_id not in answer.text
        assert stored.session_id not in answer.text
    assert events


async def test_all_links_that_do_not_work_get_the_same_answer(stored: Stored) -> None:
    async with serving() as client:
        expired, revoked, works = [await shared(client, stored) for _ in range(3)]
        ids = [row[0] for row in rows(stored.home)["shares"]]
        digests = {row[3]: row[0] for row in rows(stored.home)["shares"]}
        assert len(ids) == len(digests) == 3
        proof = await form_token(client)
        share_of = {path: digests[digest_of(path)] for path in (expired, revoked, works)}
        early = "2026-01-01T00:00:00.000000+00:00"
        execute(stored.home, "update shares set expires_at = ? where share_id = ?", early, share_of[expired])
        await client.post(f"{stored.at}/share/{share_of[revoked]}/revoke", data=proof)
        secret = works.removeprefix("/s/")
        guesses = [
            secret[:-1],
            f"{secret}x",
            secret.upper(),
            secret.swapcase(),
            "x",
            "%00",
            "%ff",
            "%2e%2e",
            "x" * 5000,
        ]
        guesses += [
            share_of[works],
            digest_of(works),
            stored.run_id,
            f"%20{secret}",
            f"{secret}%0a",
            "null",
            "*",
            "%25",
        ]
        before = [await client.get(path) for path in (works, f"{works}/", f"/s/%{ord(secret[0]):02x}{secret[1:]}")]
        answers = [await client.get(path) for path in (expired, revoked, *(f"/s/{guess}" for guess in guesses))]
        head = await client.head(f"/s/{secret[:-1]}")
        await client.post(f"/history/{stored.session_id}/delete", data=proof)
        answers.append(await client.get(works))

    assert [answer.status_code for answer in before] == [200] * 3
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert "does not work" in answers[0].text
    assert all({name: answer.headers.get(name) for name in SHARED} == SHARED for answer in answers)
    assert (head.status_code, head.headers["cache-control"]) == (404, "no-store")


def digest_of(path: str) -> str:
    return sha256(path.removeprefix("/s/").encode()).hexdigest()


async def test_a_link_shows_its_version_after_an_edit(stored: Stored) -> None:
    async with serving() as client:
        first = await shared(client, stored)
        edit = {"section": "brief.first_line", "base_version": "1", "text": "Written after sharing", "by": "Ann"}
        edited = await client.post(f"{stored.at}/edit", data=await form_token(client) | edit)
        second = await shared(client, stored, version="2")
        pages = [await client.get(path) for path in (first, second)]

    assert edited.status_code == 303
    assert ["Written after sharing" in page.text for page in pages] == [False, True]


async def test_the_secret_of_a_link_is_stored_nowhere_and_logged_nowhere(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_LOG_LEVEL", "DEBUG")
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        link = await shared(client, stored, cookie)
        await client.get(link)
        await client.post(link)
        execute(stored.home, "update versions set playbook = '{}'")
        unreadable = await client.get(link)
        metrics = (await client.get("/metrics", headers=BEARER)).text
        pages = [await client.get(path, headers=cookie) for path in (f"{stored.at}/share", "/history", "/settings")]

    secret = link.removeprefix("/s/")
    # The client of the test logs its requests, too.
    logged = [line for line in log_lines(stored.home) if not line["module"].startswith("http")]
    assert "/s/{secret}" in {line.get("route") for line in logged}
    assert 'route="/s/{secret}"' in metrics
    assert not [text for text in (str(logged), metrics, str(rows(stored.home))) if secret in text]
    assert not [page for page in pages if secret in page.text]
    assert cookie["Cookie"].partition("=")[2] not in str(logged)
    assert unreadable.status_code == 500
    assert {name: unreadable.headers[name] for name in SHARED} == SHARED


async def test_a_link_is_shown_once_and_with_the_address_that_the_browser_uses(stored: Stored) -> None:
    name = "octave.acme.com"
    headers = {"Host": name, "Origin": f"https://{name}"}
    async with serving(public_hosts=(name,)) as client:
        proof = await form_token(client, {"Host": name})
        made = await client.post(f"{stored.at}/share", data=proof | {"days": "7"}, headers=headers)
        again = await client.get(f"{stored.at}/share", headers={"Host": name} | HTML)

    assert len(set(re.findall(r"https://octave\.acme\.com/s/[\w-]{43}", made.text))) == 1
    assert "/s/" not in again.text


@pytest.mark.parametrize(
    "fields", [{"days": "0"}, {"days": "36500"}, {"days": "x"}, {"version": "9"}, {"version": "-1"}, {"version": "<b>"}]
)
async def test_a_link_with_invalid_fields_is_not_made_and_the_page_says_why(
    fields: dict[str, str], stored: Stored
) -> None:
    async with serving() as client:
        sent = await form_token(client) | {"version": "1", "days": "7"} | fields
        answer = await client.post(f"{stored.at}/share", data=sent)

    assert answer.status_code == 400
    assert [tag for tag, attributes in Shown(answer).elements if attributes.get("class") == "fault"] == ["div"]
    assert rows(stored.home)["shares"] == []
