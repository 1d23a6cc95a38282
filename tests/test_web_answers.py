"""What browsers get: pages with security headers, also for errors. Programs get problem documents."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx2
import pytest
from conftest import Finished, Pair
from matrix import sampled
from pages import BEARER, HTML, TOKEN, Names, Shown, Stored, api_routes, copied, filled, form_token, page_routes
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from web import FORM, lift_server_timeouts, problem_in, served, serving

from octave_mcp.domain.choices import FORMATS
from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.rest.access import MAX_FORM_BYTES

REBINDING = ("evil.example", "evil.example:7777", "127.0.0.1.evil.example", "localhost.evil.example", "169.254.169.254")
FOREIGN = ("https://evil.example", "http://evil.example:7777", "null", "chrome-extension://abcdef")
SECURE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


def check_page(answer: httpx2.Response, status: int) -> Shown:
    """Check that the response is a page with all security headers, and return it."""
    at = (answer.request.method, answer.request.url.path)
    assert (*at, answer.status_code) == (*at, status), answer.text[-400:]
    assert {name: answer.headers.get(name) for name in SECURE} == SECURE, at
    assert set(answer.headers["content-security-policy"].split("; ")) >= POLICY
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}
    page = Shown(answer)
    assert not [attributes for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not [tag for tag, attributes in page.elements if tag == "script" and not attributes.get("src")]
    assert not [tag for tag, attributes in page.elements if tag == "style" or "style" in attributes]
    return page


def every_route() -> list[tuple[str, str]]:
    pages = [(method, template) for method in ("GET", "POST") for template in page_routes(method)]
    return [*api_routes(), *pages, ("GET", "/playbooks/{run_id}/events"), ("GET", "/nope"), ("PUT", "/history")]


@pytest.mark.parametrize("host", sampled(REBINDING, lambda host: host.startswith("127")))
async def test_no_route_answers_under_the_name_of_another_host(host: str) -> None:
    headers = {"Host": host}
    pages = {*page_routes("GET"), *page_routes("POST"), "/history"}
    async with serving() as client:
        for method, template in every_route():
            path = filled(template)
            answer = await client.request(method, path, headers=headers)
            if template in pages:
                assert "OCTAVE_PUBLIC_HOSTS" in check_page(answer, 421).text
            else:
                assert (method, path, problem_in(answer)["status"]) == (method, path, 421)
            if method == "GET":
                head = await client.head(path, headers=headers)
                browser = await client.get(path, headers=headers | HTML)
                assert (head.status_code, browser.status_code) == (421, 421)
                assert path.endswith("/events") or check_page(browser, 421)


@pytest.mark.parametrize("origin", sampled(FOREIGN, lambda origin: origin in {"null", "https://evil.example"}))
async def test_no_route_answers_pages_of_other_websites(origin: str) -> None:
    headers = {"Origin": origin}
    pages = {*page_routes("GET"), *page_routes("POST"), "/history"}
    async with serving() as client:
        for method, template in every_route():
            path = filled(template)
            answer = await client.request(method, path, headers=headers)
            assert (method, path, answer.status_code) == (method, path, 403)
            assert template not in pages or check_page(answer, 403)
            assert "access-control-allow-origin" not in answer.headers


async def test_no_route_allows_other_websites_to_read_or_send_anything() -> None:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with serving() as client:
        for _, template in every_route():
            answer = await client.options(filled(template), headers=asks)
            assert answer.status_code == 403
            assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_every_page_has_the_security_headers(stored: Stored) -> None:
    async with serving() as client:
        for template in page_routes("GET"):
            if template.startswith("/static/") or "suffix" in template or template == "/favicon.ico":
                continue
            answer = await client.get(stored.names.path(template), headers=HTML)
            if answer.is_redirect:
                assert answer.headers["cache-control"] == "no-store"
            else:
                check_page(answer, 404 if template in {"/s", "/s/{secret}"} else 200)
        docs = await client.get("/docs", headers=HTML)

    assert "frame-ancestors 'none'" in docs.headers["content-security-policy"]
    assert docs.headers["x-content-type-options"] == "nosniff"


async def test_static_files_are_kept_for_ever_under_the_digest_of_their_content() -> None:
    async with serving(tokens=(TOKEN,)) as client:
        page = Shown(await client.get("/sign-in"))
        urls = {url for url in page.urls if url.startswith("/static/")}
        for url in urls:
            path, _, digest = url.partition("?v=")
            kept, spoilt, bare = [await client.get(f"{path}{query}") for query in (f"?v={digest}", "?v=0", "")]
            assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert spoilt.headers["cache-control"] == bare.headers["cache-control"] == "no-cache"
            assert kept.headers["x-content-type-options"] == "nosniff"
            assert kept.content == bare.content
        missing = [
            await client.get(f"/static/{name}") for name in ("nope.js", "..%2fsite.py", "%2e%2e/site.py", "app.css%00")
        ]

    assert len(urls) >= 3
    assert all(check_page(answer, 404) for answer in missing)


async def test_downloads_are_never_shown_as_pages_of_this_server(stored: Stored) -> None:
    async with serving() as client:
        for form in FORMATS:
            file = await client.get(f"{stored.at}/playbook.{form.suffix}", headers=HTML)
            program = await client.get(f"/runs/{stored.run_id}/playbook.{form.suffix}")
            assert file.status_code == program.status_code == 200
            assert file.headers["content-disposition"].startswith('attachment; filename="')
            assert (file.headers["cache-control"], file.headers["x-content-type-options"]) == ("no-store", "nosniff")
            assert program.headers["x-content-type-options"] == "nosniff"
            # Even if a browser shows this file inside another page, its scripts are not those of this server.
            assert program.headers["content-security-policy"] == "sandbox"
        unknown = await client.get(f"{stored.at}/playbook.exe", headers=HTML)
        wrong = await client.get(f"{stored.at}/playbook.json?version=x", headers=HTML)

    check_page(unknown, 404)
    check_page(wrong, 400)


async def test_a_browser_gets_a_page_for_every_error(held_pair: Pair) -> None:
    async with serving() as client:
        proof = await form_token(client)
        companies = {"vendor_domain": held_pair.domains["vendor_domain"]}
        run = await client.post("/new", data=proof | companies | {"prospects": held_pair.domains["prospect_domain"]})
        at = run.headers["location"]
        for path in ("/nope", "/history/nope", "/playbooks/nope", "/playbooks/%00", "/playbooks/a%2fb", "/s/x/y"):
            check_page(await client.get(path, headers=HTML), 404)
            assert (await client.head(path, headers=HTML)).status_code == 404
        for path in ("/runs/nope", "/runs/nope/diff", "/sessions/nope", "/workflows/nope/runs/nope"):
            check_page(await client.get(path, headers=HTML), 404)
        for method, path in (("POST", "/history"), ("PUT", "/"), ("DELETE", at), ("PATCH", "/static/app.css")):
            page = check_page(await client.request(method, path, headers=HTML), 405)
            assert "New playbook" in page.text
        for path in ("change", "share", "versions", "diff", "playbook.json", "playbook.html"):
            answer = await client.get(f"{at}/{path}", headers=HTML)
            assert (path, answer.status_code) in {(path, 409), ("versions", 200), ("share", 200)}
            check_page(answer, answer.status_code)
        for query in ("cursor=x", "since=x", "status=x", "company=%ff", "company=a&company=b", "x=1"):
            answer = await client.get(f"/history?{query}", headers=HTML)
            assert answer.status_code < 500
            assert Shown(answer).text
        for body, media_type in (
            (b"{}", "application/json"),
            (b"a", "text/plain"),
            (b"a=%ff", FORM),
            (b"a=1&a=2", FORM),
        ):
            answer = await client.post("/new", content=body, headers=HTML | {"Content-Type": media_type})
            check_page(answer, 415 if media_type == "text/plain" else 400)
        queried = await client.post("/new?vendor_domain=acme.com", data=proof, headers=HTML)
        large = await client.post("/new", data={"context": "x" * MAX_FORM_BYTES}, headers=HTML)
        streamed = await client.post("/new", content=chunks(), headers=HTML | {"Content-Type": FORM})
        held_pair.release()
        await client.post(f"{at}/cancel", data=proof)

    check_page(queried, 400)
    for answer in (large, streamed):
        assert "larger than 4 MiB; go back" in check_page(answer, 413).text


async def chunks() -> AsyncGenerator[bytes]:
    for _ in range(3):
        yield b"x" * (MAX_FORM_BYTES // 2)


async def test_a_browser_that_opens_a_path_of_the_api_is_sent_to_the_page(stored: Stored) -> None:
    run, session = stored.run_id, stored.session_id
    pages = {
        "/runs": "/history",
        f"/runs/{run}": stored.at,
        f"/runs/{run}/playbook.html": stored.at,
        f"/runs/{run}/playbook.json?version=1": f"{stored.at}/playbook.json?version=1",
        "/sessions": "/history",
        f"/sessions/{session}": f"/history/{session}",
        "/config": "/settings",
        "/config?a=%0d%0aSet-Cookie:%20a=b": "/settings",
    }
    async with serving() as client:
        for path, page in pages.items():
            sent = await client.get(path, headers=HTML)
            assert (sent.status_code, sent.headers["location"]) == (303, page)
            assert "set-cookie" not in sent.headers
            assert "Accept" in sent.headers["vary"]
            assert not (await client.get(path, headers={"Accept": "*/*"})).is_redirect


@pytest.mark.parametrize("accept", sampled(["*/*", "application/json", "text/event-stream"], "*/*".__eq__))
async def test_a_program_gets_problem_documents_on_every_route_of_the_api(accept: str) -> None:
    headers = {"Accept": accept}
    async with serving(tokens=(TOKEN,)) as client:
        for method, template in [*api_routes(), ("GET", "/playbooks/{run_id}/events"), ("GET", "/nope")]:
            if template in {"/livez", "/readyz"} or template.startswith("/docs"):
                continue
            refused = await client.request(method, filled(template), headers=headers)
            assert problem_in(refused)["status"] == 401
            answer = await client.request(method, filled(template), headers=headers | BEARER)
            assert answer.status_code < 400 or template == "/mcp" or problem_in(answer)
            assert not answer.headers.get("content-type", "").startswith("text/html")


async def test_an_unexpected_error_is_a_page_without_details() -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("words for the log alone")

    app = http.make(load())
    app.router.routes.insert(0, Route("/history", broken))
    async with served(app) as client:
        answer = await client.get("/history", headers=HTML)

    assert "words" not in check_page(answer, 500).text


async def test_a_deleted_run_and_session_get_a_page_that_says_so(stored: Stored) -> None:
    paths = [template for template in page_routes("GET") if "run_id" in template or "session_id" in template]
    async with serving() as client:
        proof = await form_token(client)
        deleted = await client.post(f"/history/{stored.session_id}/delete", data=proof)
        shown = await client.get(deleted.headers["location"])
        for template in paths:
            check_page(await client.get(stored.names.path(template), headers=HTML), 404)
        for template in page_routes("POST"):
            if "_id}" in template:
                check_page(await client.post(stored.names.path(template), data=proof, headers=HTML), 404)
        nothing = await client.get(Names().path("/playbooks/{run_id}/events"), headers=HTML)

    assert "Deleted 1 run" in check_page(shown, 200).text
    assert (
        problem_in(nothing)["code"] == "not_found"
        if "json" in nothing.headers["content-type"]
        else check_page(nothing, 404)
    )


async def test_the_number_of_deleted_runs_is_a_number() -> None:
    async with serving() as client:
        for sent in ("Your account is locked. Call 555", "<b>1</b>", "1e9", "-1"):
            assert "Deleted" not in check_page(await client.get("/history", params={"deleted": sent}), 200).text


async def test_a_link_to_an_unknown_change_shows_the_playbook(stored: Stored) -> None:
    async with serving() as client:
        for done in ("run_x", "run_00000000000000000000000000000000", "<b>", "run_%00", "x" * 3000):
            page = check_page(await client.get(stored.at, params={"done": done}), 200)
            assert "Show what changed" not in page.text


async def test_an_unknown_model_in_the_settings_is_named_on_the_page_new_and_stops_no_other_page(
    stored: Stored,
) -> None:
    companies = {"vendor_domain": "acme.com", "prospects": "quill.org"}
    async with serving(model="gpt-9", source="rumour") as client:
        new = check_page(await client.get("/"), 200)
        for path in ("/history", "/questions", "/settings", stored.at, f"{stored.at}/change", f"{stored.at}/share"):
            check_page(await client.get(path), 200)
        proof = await form_token(client)
        refused = check_page(await client.post("/new", data=companies | proof), 400)
        others = {"model": "extractive", "source": "crawler", "do": "estimate"}
        estimated = check_page(await client.post("/new", data=companies | proof | others), 200)
        no_source = check_page(await client.post("/new", data=companies | proof | {"model": "extractive"}), 400)

    assert "OCTAVE_MODEL: there is no model 'gpt-9'; choose one of openai" in new.text
    assert "OCTAVE_MODEL: there is no model 'gpt-9'" in refused.text
    assert "quill.org: Rules, no model" in estimated.text
    assert "OCTAVE_SOURCE: there is no source 'rumour'" in no_source.text
