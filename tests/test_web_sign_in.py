"""Signing in to the web pages: the cookie, where it is valid, and when it ends."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest
from conftest import Pair
from matrix import sampled
from pages import (
    BEARER,
    HTML,
    TOKEN,
    Names,
    Shown,
    api_routes,
    execute,
    filled,
    form_token,
    page_routes,
    rows,
    signed_in,
)
from web import FORM, lift_server_timeouts, problem_in, served, serving

from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.web import lazy
from octave_mcp.surfaces.web.paths import DOCS, is_open, is_page

NAME = "octave.acme.com"
OTHER_TOKEN = "another-token-of-this-server"  # noqa: S105 - of a server in a test
MULTIPART = "multipart/form-data"
ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:/evil.example",
    "javascript:alert(1)",
    "/%2fevil.example",
    "/%5cevil.example",
    "/\tevil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\r\nSet-Cookie: octave=planted",
    "/history\r\nSet-Cookie: octave=planted",
    "/history?a=b\r\n\r\n<script>alert(1)</script>",
    "/.//evil.example",
    "/history/..//evil.example",
    "/\u2028/evil.example",
    "/sign-in",
    "/sign-out",
    "/runs",
    "evil.example",
    "@evil.example",
    "?next=//evil.example",
    "",
)


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


def cookie_in(answer: httpx2.Response) -> tuple[str, str, dict[str, str]]:
    """Return the name, the value and the attributes of the only cookie in the response."""
    ((name, found),) = SimpleCookie(answer.headers["set-cookie"]).items()
    return name, found.value, {key.lower(): str(value) for key, value in found.items() if value}


async def test_the_cookie_is_opaque_and_no_script_and_no_other_site_can_use_it(home: Path) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        name, secret, attributes = cookie_in(await client.post("/sign-in", data={"token": TOKEN}))

    files = await asyncio.to_thread(lambda: [file.read_bytes() for file in home.glob("octave.db*")])
    stored = b"".join(files)
    assert name == f"octave-{client.base_url.port}"
    assert attributes == {"httponly": "True", "samesite": "strict", "path": "/", "max-age": "43200"}
    assert len(secret) >= 43
    assert TOKEN not in secret
    assert sha256(secret.encode()).hexdigest().encode() in stored
    assert secret.encode() not in stored
    assert TOKEN.encode() not in stored
    assert sha256(TOKEN.encode()).hexdigest().encode() not in stored


async def test_behind_tls_the_cookie_is_sent_only_over_tls_and_belongs_to_the_host() -> None:
    proxied = {"Host": NAME, "Origin": f"https://{NAME}"}
    async with serving(tokens=(TOKEN,), public_hosts=(NAME,)) as client:
        answer = await client.post("/sign-in", data={"token": TOKEN}, headers=proxied)
        name, secret, attributes = cookie_in(answer)
        cookie = {"Cookie": f"{name}={secret}"}
        page = await client.get("/", headers={"Host": NAME} | cookie)
        proof = {"form_token": Shown(page).fields("/new")["form_token"]}
        out = await client.post("/sign-out", data=proof, headers=proxied | cookie)
        after = await client.get("/", headers={"Host": NAME} | cookie)

    assert name == "__Host-octave"
    assert attributes.keys() == {"httponly", "samesite", "path", "max-age", "secure"}
    assert (page.status_code, out.status_code, after.status_code) == (200, 303, 401)
    assert cookie_in(out)[0] == name
    assert "max-age=0" in out.headers["set-cookie"].lower()


async def test_a_cookie_opens_the_pages_and_nothing_else() -> None:
    names = Names()
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        for method, template in [*api_routes(), ("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/metrics")]:
            path = filled(template)
            if path in {"/livez", "/readyz"} or is_page(path):
                continue
            answer = await client.request(method, path, headers=cookie)
            assert (method, path, answer.status_code) == (method, path, 401)
            assert problem_in(answer)["code"] == "unauthorized"
        for template in page_routes("GET"):
            assert (template, (await client.get(names.path(template), headers=cookie)).status_code != 401) == (
                template,
                True,
            )
        events = await client.get(names.path("/playbooks/{run_id}/events"), headers=cookie)
        docs = [(await client.get(path, headers=cookie)).status_code for path in DOCS]

    assert problem_in(events)["code"] == "not_found"
    assert docs == [200, 200]


async def test_without_a_valid_cookie_every_page_asks_to_sign_in() -> None:
    names = Names()
    wrong = [{}, {"Cookie": "octave=x"}, {"Authorization": f"Bearer {TOKEN[:-1]}"}]
    async with serving(tokens=(TOKEN,)) as client:
        secret = (await signed_in(client))["Cookie"]
        wrong += [
            {"Cookie": secret[:-1]},
            {"Cookie": secret.upper()},
            {"Cookie": f'{secret}"'},
            {"Cookie": '=;;="\\377\\0'},
        ]
        wrong += [{"Cookie": secret.replace("octave", "__Host-octave") + "x"}]
        for template in {*page_routes("GET"), "/history/nothing/there"}:
            path = names.path(template)
            for headers in wrong if not is_open(path) else ():
                answer = await client.get(path, headers=headers)
                assert (path, answer.status_code) == (path, 401)
                assert Shown(answer).fields("/sign-in") == {"next": path}
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_two_servers_on_one_host_do_not_sign_each_other_out() -> None:
    ports = [{"Host": "localhost:7777"}, {"Host": "localhost:8888"}, {"Host": "localhost"}]
    async with serving(tokens=(TOKEN,)) as client:
        found = [cookie_in(await client.post("/sign-in", data={"token": TOKEN}, headers=port)) for port in ports]
        client.cookies.clear()
        together = {"Cookie": "; ".join(f"{name}={secret}" for name, secret, _ in found)}
        out = await client.post(
            "/sign-out", data=await form_token(client, ports[0] | together), headers=ports[0] | together
        )
        statuses = [(await client.get("/", headers=port | together)).status_code for port in ports]

    assert [name for name, *_ in found] == ["octave-7777", "octave-8888", "octave"]
    assert cookie_in(out)[0] == "octave-7777"
    assert statuses == [401, 200, 200]


async def test_a_sign_in_expires_after_twelve_hours(home: Path) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        before = (await client.get("/", headers=cookie)).status_code
        execute(home, "update sign_ins set expires_at = '2026-01-01T00:00:00.000000+00:00'")
        after = (await client.get("/", headers=cookie)).status_code
        await signed_in(client)

    assert (before, after) == (200, 401)
    assert len(rows(home)["sign_ins"]) == 1


async def test_signing_out_ends_one_sign_in_and_signing_out_everywhere_ends_all_with_the_same_token() -> None:
    async with serving(tokens=(TOKEN, OTHER_TOKEN)) as client:
        cookies = [await signed_in(client) for _ in range(3)]
        other = await signed_in(client, OTHER_TOKEN)

        async def statuses() -> list[int]:
            return [(await client.get("/history", headers=cookie)).status_code for cookie in (*cookies, other)]

        out = await client.post("/sign-out", data=await form_token(client, cookies[0]), headers=cookies[0])
        after_one = await statuses()
        proof = await form_token(client, cookies[1])
        await client.post("/sign-out", data=proof | {"everywhere": "yes"}, headers=cookies[1])
        after_all = await statuses()

    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    assert after_one == [401, 200, 200, 200]
    assert after_all == [401, 401, 401, 200]


async def test_removing_a_token_from_the_settings_ends_the_sign_ins_that_were_made_with_it() -> None:
    cookies: list[str] = []
    async with serving(tokens=(TOKEN, OTHER_TOKEN)) as client:
        cookies += [(await signed_in(client, token))["Cookie"].partition("=")[2] for token in (TOKEN, OTHER_TOKEN)]
    async with serving(tokens=(OTHER_TOKEN,)) as client:
        name = f"octave-{client.base_url.port}"
        statuses = [(await client.get("/", headers={"Cookie": f"{name}={secret}"})).status_code for secret in cookies]

    assert statuses == [401, 200]


async def test_a_short_token_signs_in_only_on_this_machine() -> None:
    app = http.make(load(tokens=("abc",), public_hosts=("192.0.2.7",)))
    async with served(app) as client:
        cookie = (await signed_in(client, "abc"))["Cookie"]
        local = await client.get("/", headers={"Cookie": cookie})
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://192.0.2.7") as remote:
            refused = await remote.post("/sign-in", data={"token": "abc"})
            names = {"Cookie": f"octave={cookie.partition('=')[2]}"}
            page = await remote.get("/", headers=names | HTML)
            form = await remote.get("/sign-in")

    assert local.status_code == 200
    assert (refused.status_code, page.status_code) == (401, 401)
    assert "set-cookie" not in refused.headers
    assert "of at least 16 characters" in Shown(page).text
    assert form.status_code == 200


@pytest.mark.parametrize(
    "token",
    sampled(
        (
            "",
            " ",
            f"{TOKEN}x",
            TOKEN[:-1],
            TOKEN.upper(),
            "pässword-ünïcode-📎",
            "a token with spaces",
            "x" * 10_000,
            "\u202e" + TOKEN,
            TOKEN + "\x7f",
            f"{TOKEN}\0",
            f"{TOKEN}\r\nSet-Cookie: octave=planted",
            "' or 1=1 --",
            "<script>alert(1)</script>",
            '"',
        ),
        lambda token: not token or ord(token[0]) > 127 or len(token) > 1000 or token[0] == "<",
    ),
    ids=lambda token: str(token)[:12],
)
async def test_a_wrong_token_gets_the_form_again_without_the_token(token: str) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        answer = await client.post("/sign-in", data={"token": token, "next": "/history"})

    page = Shown(answer)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "not valid here" in page.text
    assert page.fields("/sign-in") == {"next": "/history"}
    assert len(token) < 4 or token not in answer.text


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("token=%ff%fe", FORM),
        ("token=%ED%A0%80", FORM),
        ("token=a&token=b", FORM),
        ("&".join(f"f{number}=1" for number in range(200)), FORM),
        ("tökén=1", FORM),
        (f'{{"token": "{TOKEN}"}}', "application/json"),
        ("{", "application/json"),
        (f"token={TOKEN}", "text/plain"),
        (
            f"--b\r\nContent-Disposition: form-data; name=token\r\n\r\n{TOKEN}\r\n--b--",
            "multipart/form-data; boundary=b",
        ),
    ],
)
async def test_a_sign_in_that_is_not_a_form_gets_a_page_that_says_so(body: str, media_type: str) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        answer = await client.post("/sign-in", content=body.encode(), headers={"Content-Type": media_type})

    assert answer.status_code in {400, 415}
    assert "set-cookie" not in answer.headers
    assert TOKEN not in Shown(answer).text


async def test_signing_in_leads_only_to_pages_of_this_server() -> None:
    async with serving(tokens=(TOKEN,)) as client:
        for path in ELSEWHERE:
            answer = await client.post("/sign-in", data={"token": TOKEN, "next": path})
            form = Shown(await client.get("/sign-in", params={"next": path}))
            target = client.base_url.join(answer.headers["location"])

            assert (path, answer.status_code, target.host) == (path, 303, "127.0.0.1")
            assert answer.headers["location"].startswith("/")
            assert not answer.headers["location"].startswith(("//", "/\\"))
            assert answer.headers.get_list("set-cookie") == [answer.headers["set-cookie"]]
            assert "planted" not in answer.headers["set-cookie"]
            assert form.fields("/sign-in")["next"].startswith("/")
        kept = await client.post("/sign-in", data={"token": TOKEN, "next": "/playbooks/run_x?version=2"})

    assert kept.headers["location"] == "/playbooks/run_x?version=2"


async def test_a_form_that_was_sent_after_the_sign_in_ended_is_kept_and_nothing_is_started(home: Path) -> None:
    typed = {"vendor_domain": "acme.com", "prospects": "quill.org", "context": '"><b>we met</b>'}
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        proof = await form_token(client, cookie)
        execute(home, "delete from sign_ins")
        answer = await client.post("/new", data=typed | proof, headers=cookie)

    assert answer.status_code == 401
    assert Shown(answer).fields("/new") == typed
    assert rows(home)["runs"] == []


async def test_a_button_that_was_pressed_after_the_sign_in_ended_leads_back_to_its_page(home: Path) -> None:
    page = "/playbooks/run_00000000000000000000000000000000"
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        sent = await form_token(client, cookie) | {"request_id": "1"}
        execute(home, "delete from sign_ins")
        for action, back in ((f"{page}/cancel", page), (f"{page}/refresh", f"{page}?version=1")):
            headers = cookie | {"Referer": f"{client.base_url.join(back)}"}
            answer = await client.post(action, data=sent, headers=headers)
            assert (answer.status_code, Shown(answer).fields("/sign-in")) == (401, {"next": back})
        for unusable in ("http://[", "https://evil.example/x", "", "javascript:alert(1)"):
            answer = await client.post(f"{page}/cancel", data=sent, headers=cookie | {"Referer": unusable})
            assert (answer.status_code, Shown(answer).fields("/sign-in")) == (401, {"next": "/"})


@pytest.mark.parametrize("path", ["/nothing", "/metrics", "/agents", "/runs/run_x/versions"])
async def test_a_person_who_opens_an_address_that_is_no_page_finds_the_way_to_the_pages(path: str) -> None:
    async with serving(tokens=(TOKEN,)) as client:
        cookie = await signed_in(client)
        for headers in (cookie, {}):
            page = Shown(answer := await client.get(path, headers=HTML | headers))
            assert (answer.status_code, "/history" in page.urls) == (404, True)
        program = await client.get(path, headers=cookie)
        wrong = await client.get(path, headers=HTML | {"Authorization": "Bearer wrong"})

    assert (program.status_code, wrong.status_code) == (401, 401)


async def test_the_progress_of_a_run_ends_soon_after_the_sign_in(
    pair: Pair, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lazy, "STREAM_SECONDS", 0.2)
    async with serving(tokens=(TOKEN,)) as client:
        run_id = (await client.post("/runs", json=pair.few | {"model": "host"}, headers=BEARER)).json()["run_id"]
        cookie = await signed_in(client)
        events = f"/playbooks/{run_id}/events"
        while "event: waiting" not in (first := await client.get(events, headers=cookie)).text:
            pass
        execute(home, "delete from sign_ins")
        ended = await client.get(events, headers=cookie)
        await client.post(f"/runs/{run_id}/cancel", headers=BEARER)

    assert (first.status_code, ended.status_code) == (200, 401)


async def test_a_token_in_the_header_opens_the_pages_without_a_cookie() -> None:
    async with serving(tokens=(TOKEN,)) as client:
        page = await client.get("/", headers=BEARER)
        without = await client.get("/")

    assert (page.status_code, without.status_code) == (200, 401)
    assert "set-cookie" not in page.headers


async def test_while_the_database_cannot_be_used_only_a_valid_token_gets_the_details(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with serving(tokens=(TOKEN,), database_url=f"sqlite:///{tmp_path}/file/octave.db") as client:
        cookie = {"Cookie": f"octave-{client.base_url.port}=some-secret"}
        answers = [await client.get(path, headers=cookie) for path in ("/", "/history", "/playbooks/some")]
        answers.append(await client.post("/new", headers=cookie, data={"context": "They met us."}))
        programs = [await client.get(path, headers=cookie) for path in ("/playbooks/some/events", "/openapi.json")]
        sign_in = await client.get("/sign-in")
        failed = await client.post("/sign-in", data={"token": TOKEN})
        shared = await client.get("/s/some-secret")
        operator = await client.get("/history", headers=BEARER)

    assert sign_in.status_code == 200
    assert {answer.status_code for answer in (*answers, *programs, failed, shared, operator)} == {503}
    assert all("not ready" in Shown(answer).text for answer in answers)
    assert {problem_in(answer)["code"] for answer in programs} == {"setup"}
    # Anyone can invent a cookie, so the answers do not say where the server stores its data.
    assert [answer.text for answer in (*answers, *programs, failed, shared) if str(tmp_path) in answer.text] == []
    assert str(tmp_path) in Shown(operator).text
