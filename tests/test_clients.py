"""Proxies, certificates, headers and credentials that HTTP clients take from the environment.

Invalid values are reported before any page is fetched. The credentials of a provider are only sent to that provider.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import firecrawl_double
import pytest
from conftest import Ended, LoopbackSite, Pair, octave
from doubles import A_KEY, Double, Sent, error
from fastmcp import Client
from fastmcp.exceptions import ToolError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted import Stage
from web import problem_in, serving

from octave_mcp.demo.sites import load
from octave_mcp.errors import SetupError, Transient, UpstreamError
from octave_mcp.surfaces.mcp.server import make

PROVIDERS = ("openai", "anthropic", "compat")
SOCKS = "socks5://127.0.0.1:1080"
PASSWORD = "hunter22"  # noqa: S105 - invented
ALL_VARIABLES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def without_the_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def elsewhere() -> Iterator[Double]:
    """A server that implements OpenAI's chat.completions API, but does not have OpenAI's address."""
    answering = Double()
    yield answering
    answering.close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Write unusable certificate files, and return their paths by file name."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.pem").touch()
    (tmp_path / "text.pem").write_text("hello")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    (tmp_path / "unhashed").mkdir()
    (tmp_path / "unhashed" / "ca.pem").touch()
    return {name: str(tmp_path / name) for name in ("folder", "empty.pem", "text.pem", "broken.pem", "unhashed", "no")}


def long(*values: object) -> Any:  # noqa: ANN401 - pytest's own type
    return pytest.param(*values, marks=pytest.mark.long)


async def generate(pair: Pair, home: Path, *options: str) -> Ended:
    names = (f"http://{pair.vendor.host}", f"http://{pair.prospect.host}")
    return await octave("generate", *names, "--max-pages", "2", "--json", *options, cwd=home.parent)


def pages_fetched(pair: Pair) -> int:
    return pair.vendor.hits.total() + pair.prospect.hits.total()


def assert_setup_error(ended: Ended, pair: Pair, variable: str) -> None:
    assert ended.code == 3, ended.err
    assert ended.err.startswith(f"error: {variable} cannot be used"), ended.err
    assert "; " in ended.err
    assert "Traceback" not in ended.err
    assert PASSWORD not in ended.err
    assert pages_fetched(pair) == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_socks_proxy_is_reported_before_any_page_is_fetched(
    provider: str, pair: Pair, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", provider)
    monkeypatch.setenv("ALL_PROXY", SOCKS)

    assert_setup_error(await generate(pair, home), pair, "ALL_PROXY")
    assert double.asked == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("http_proxy", f"ftp://user:{PASSWORD}@127.0.0.1:21"),
        long("all_proxy", "socks4://127.0.0.1:1080"),
        long("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        long("ALL_PROXY", "SOCKS5://127.0.0.1:1080"),
        long("Http_Proxy", "http://127.0.0.1:99999"),
        long("HTTP_PROXY", "127.0.0.1:port"),
        long("HTTP_PROXY", "http://127.0.0.1:0"),
        long("HTTP_PROXY", "http://"),
        long("HTTP_PROXY", ":3128"),
        long("HTTP_PROXY", "http:/127.0.0.1:3128"),
        long("HTTP_PROXY", "http://[::1"),
        long("HTTP_PROXY", f"http://user:{PASSWORD}#1@127.0.0.1:3128"),
        long("HTTP_PROXY", "://"),
    ],
)
async def test_an_unusable_proxy_is_reported_without_its_password(
    variable: str, value: str, pair: Pair, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "anthropic")
    monkeypatch.setenv(variable, value)

    assert_setup_error(await generate(pair, home), pair, variable)
    assert double.asked == []


@pytest.mark.parametrize(
    "no_proxy",
    [
        "127.0.0.1",
        "[::1, http://, %%, a b, {host}:{port}",
        long("http://127.0.0.1"),
        long("10.0.0.1, 127.0.0.0/8"),
        long("*"),
        long("localhost 127.0.0.1"),
        long("all://127.0.0.1:{port}"),
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_proxy_exempts_a_server_even_from_an_unusable_proxy(
    provider: str, no_proxy: str, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = double.url.removeprefix("http://").partition(":")
    monkeypatch.setenv("ALL_PROXY", SOCKS)
    monkeypatch.setenv("NO_PROXY", no_proxy.format(host=host, port=port))

    assert await _verified(provider, home)


@pytest.mark.parametrize("no_proxy", ["127.0.0.2", "127.0.0.1:1", "https://127.0.0.1", "0.0.1", "10.0.0.0/8", "[::1"])
async def test_no_proxy_exempts_no_other_server(
    no_proxy: str, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", SOCKS)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with pytest.raises(SetupError, match="ALL_PROXY cannot be used"):
        await _verified("openai", home)

    assert double.asked == []


@pytest.mark.parametrize(
    ("covering", "other"),
    [
        ("example.com", "badexample.com"),
        (".example.com", "example.org"),
        ("*.Example.com", "example"),
        ("api.example.com:443", "api.example.com:80"),
        ("https://api.example.com", "http://api.example.com"),
        ("API.example.com.", "pi.example.com"),
        ("*xn--a, *.example.com", "xn--a-b.example"),
    ],
)
async def test_no_proxy_covers_a_name_and_its_subdomains(
    covering: str, other: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", A_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")
    monkeypatch.setenv("HTTPS_PROXY", SOCKS)
    monkeypatch.setenv("NO_PROXY", other)
    with pytest.raises(SetupError):
        await _verified("openai", home)
    monkeypatch.setenv("NO_PROXY", covering)
    with pytest.raises(Transient):  # the connection bypasses the proxy and fails, because tests have no network
        await _verified("openai", home)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"])
async def test_a_variable_that_does_not_apply_to_the_address_is_ignored(
    variable: str, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert double.url
    monkeypatch.setenv(variable, "" if variable != "HTTPS_PROXY" else SOCKS)
    for provider in PROVIDERS:
        assert await _verified(provider, home)


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_a_working_proxy_is_used(
    scheme: str, double: Double, elsewhere: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", scheme + elsewhere.url.removeprefix("http://"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://api.example.com/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://api.example.com")
    for provider in PROVIDERS:
        assert await _verified(provider, home)

    assert double.asked == []
    assert {request.path.split("/v1")[0] for request in elsewhere.asked} == {"http://api.example.com"}


async def _verified(provider: str, home: Path) -> str:
    model: Any = Stage(home).model(provider)
    try:
        return await model.verify()
    finally:
        await model.close()


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("SSL_CERT_FILE", "no"),
        long("SSL_CERT_FILE", "folder"),
        long("SSL_CERT_FILE", "empty.pem"),
        long("SSL_CERT_FILE", "text.pem"),
        long("SSL_CERT_FILE", "broken.pem"),
        long("SSL_CERT_DIR", "no"),
        long("SSL_CERT_DIR", "folder"),
        long("SSL_CERT_DIR", "unhashed"),
        long("SSL_CERT_DIR", "text.pem"),
    ],
)
async def test_unreadable_certificates_are_reported_before_any_page_is_fetched(
    variable: str,
    name: str,
    files: Mapping[str, str],
    pair: Pair,
    double: Double,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, files[name])
    for provider in PROVIDERS:
        monkeypatch.setenv("OCTAVE_MODEL", provider)
        assert_setup_error(await generate(pair, home), pair, variable)
    assert double.asked == []


async def test_an_unwritable_key_log_is_reported(
    pair: Pair, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert double.url
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    monkeypatch.setenv("SSL_CERT_FILE", _system_file())
    monkeypatch.setenv("SSLKEYLOGFILE", "/missing/keys.log")

    assert_setup_error(await generate(pair, home), pair, "SSLKEYLOGFILE")


async def test_readable_certificates_are_used(double: Double, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert double.url
    monkeypatch.setenv("SSL_CERT_FILE", _system_file())
    assert await _verified("openai", home)


def _system_file() -> str:
    import certifi

    return certifi.where()


async def test_the_crawler_reports_unreadable_certificates(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing.pem")
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", "127.0.0.1")
    ended = await octave("scrape", "https://127.0.0.1:9/", cwd=home.parent)

    assert ended.code == 3, ended.err
    assert "SSL_CERT_FILE cannot be used" in ended.err


@pytest.mark.parametrize(("variable", "value"), [("ALL_PROXY", SOCKS), ("SSL_CERT_FILE", "/missing.pem")])
@pytest.mark.parametrize("provider", ["openai", long("anthropic"), long("compat")])
async def test_a_fallback_replaces_a_provider_whose_client_cannot_be_opened(
    provider: str,
    variable: str,
    value: str,
    pair: Pair,
    double: Double,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", provider)
    monkeypatch.setenv("OCTAVE_FALLBACK", "anthropic,extractive" if provider == "openai" else "extractive")
    monkeypatch.setenv(variable, value)
    ended = await generate(pair, home)

    assert ended.code == 0, ended.err
    assert double.asked == []
    assert f"{variable} cannot be used" in ended.out + ended.err


async def test_http_and_mcp_report_the_same_setup_error(
    pair: Pair, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert double.url
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    monkeypatch.setenv("SSL_CERT_FILE", "/missing.pem")
    async with serving() as client:
        refused = await client.post("/runs", json=pair.domains)
    async with Client(make()) as host:
        with pytest.raises(ToolError, match="SSL_CERT_FILE cannot be used"):
            await host.call_tool("generate_playbook", pair.domains)

    problem = problem_in(refused)
    assert (problem["code"], problem["status"]) == ("setup", 503)
    assert "SSL_CERT_FILE cannot be used" in problem["detail"]
    assert pages_fetched(pair) == 0


async def test_the_doctor_names_the_variable_and_the_fix(
    double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert double.url
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    monkeypatch.setenv("FIRECRAWL_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", SOCKS)
    monkeypatch.setenv("SSL_CERT_FILE", "/missing.pem")
    ended = await octave("doctor", "--json", cwd=home.parent)
    rows = {row["name"]: row for row in json.loads(ended.out)["findings"]}

    assert ended.code == 1
    assert "Traceback" not in ended.err
    for name in ("model", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "compat", "FIRECRAWL_API_KEY", "certificates"):
        assert rows[name]["status"] == "failed", rows[name]
        assert "SSL_CERT_FILE cannot be used" in rows[name]["found"]
        assert "PEM" in rows[name]["fix"]


@pytest.mark.parametrize(("variable", "value"), [("ALL_PROXY", SOCKS), long("SSL_CERT_FILE", "/missing.pem")])
async def test_firecrawl_reports_unusable_settings_before_any_page_is_fetched(
    variable: str, value: str, pair: Pair, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with firecrawl_double.set_up(monkeypatch) as firecrawl:
        assert_setup_error(await generate(pair, home, "--source", "firecrawl"), pair, variable)
        assert firecrawl.asked == []


async def test_no_proxy_exempts_a_self_hosted_firecrawl(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = LoopbackSite(load("vendor"))
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "[::1,127.0.0.0/8")
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", site.host)
    with firecrawl_double.set_up(monkeypatch) as firecrawl:
        ended = await octave("scrape", f"http://{site.host}/", "--source", "firecrawl", cwd=home.parent)
        assert ended.code == 0, ended.err
        assert firecrawl.asked
    site.close()


HEADERS = (
    "Authorization: Bearer {0}\napi-key: {0}\nX-Api-Key:{0}\nUser-Agent: {0}\nHost: {0}\nCookie: a={0}\nX-Any: {0}"
)
OWNED = {
    "openai": {
        "OPENAI_ADMIN_KEY": "sk-{0}",
        "OPENAI_ORG_ID": "org-{0}",
        "OPENAI_PROJECT_ID": "proj-{0}",
        "OPENAI_WEBHOOK_SECRET": "whsec-{0}",
        "OPENAI_CUSTOM_HEADERS": HEADERS,
    },
    "anthropic": {
        "ANTHROPIC_AUTH_TOKEN": "{0}",
        "ANTHROPIC_WEBHOOK_SIGNING_KEY": "whsec-{0}",
        "ANTHROPIC_CUSTOM_HEADERS": HEADERS,
        "ANTHROPIC_PROFILE": "{0}",
    },
    "firecrawl": {"FIRECRAWL_API_KEY": "fc-{0}"},
    "compat": {"OCTAVE_COMPAT_API_KEY": "sk-{0}"},
}
MARKS = {owner: f"of-{owner}-0123456789" for owner in OWNED}
VARIABLES = [(owner, name) for owner, forms in OWNED.items() for name in forms]


def value(owner: str, name: str) -> str:
    return OWNED[owner][name].format(MARKS[owner])


@pytest.fixture
def addresses() -> Iterator[dict[str, Double]]:
    servers = {provider: Double() for provider in PROVIDERS}
    yield servers
    for server in servers.values():
        server.close()


def received(server: Double) -> str:
    values = (
        request.headers.get("authorization", request.headers.get("Authorization", "")) for request in server.asked
    )
    credentials = [
        base64.b64decode(value.removeprefix("Basic ")).decode() for value in values if value.startswith("Basic ")
    ]
    return json.dumps([credentials, *((request.path, request.headers, request.body) for request in server.asked)])


def set_variables(variables: Mapping[str, str], folder: Path, *, in_file: bool, patched: pytest.MonkeyPatch) -> None:
    """Set the variables in the environment, or in the file `.env` if `in_file` is true."""
    lines = [f'{name}="{text}"' for name, text in variables.items()] if in_file else []
    (folder / ".env").write_text("\n".join(lines))
    for name, text in variables.items() if not in_file else ():
        patched.setenv(name, text)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.sets(st.sampled_from(VARIABLES)),
    in_file=st.booleans(),
    with_user=st.booleans(),
    model=st.sampled_from(PROVIDERS),
)
@example(chosen=set(VARIABLES), in_file=False, with_user=False, model="compat")
@example(chosen=set(VARIABLES), in_file=True, with_user=True, model="openai")
@example(chosen=set(VARIABLES), in_file=False, with_user=True, model="anthropic")
def test_the_credentials_of_one_provider_reach_no_other_address(
    chosen: set[tuple[str, str]],
    in_file: bool,
    with_user: bool,
    model: str,
    addresses: dict[str, Double],
    tmp_path: Path,
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        for server in addresses.values():
            server.asked.clear()
        origins = {
            provider: server.url.replace("//", f"//user:{MARKS[provider]}@" if with_user else "//")
            for provider, server in addresses.items()
        }
        variables = {name: value(owner, name) for owner, name in chosen} | {
            "OPENAI_API_KEY": f"sk-{MARKS['openai']}",
            "OPENAI_BASE_URL": f"{origins['openai']}/v1",
            "ANTHROPIC_API_KEY": f"sk-{MARKS['anthropic']}",
            "ANTHROPIC_BASE_URL": origins["anthropic"],
            "OCTAVE_COMPAT_BASE_URL": f"{origins['compat']}/v1",
            "OCTAVE_COMPAT_MODEL": "some-model",
        }
        set_variables(variables, tmp_path, in_file=in_file, patched=patched)
        assert asyncio.run(_verified(model, tmp_path))

    for provider, server in addresses.items():
        assert bool(server.asked) == (provider == model)
        assert not [mark for owner, mark in MARKS.items() if owner != provider and mark in received(server)]
    if model != "compat" or with_user or ("compat", "OCTAVE_COMPAT_API_KEY") in chosen:
        assert MARKS[model] in received(addresses[model])


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize(
    ("provider", "variable"), [("openai", "OPENAI_CUSTOM_HEADERS"), ("anthropic", "ANTHROPIC_CUSTOM_HEADERS")]
)
async def test_custom_headers_reach_the_provider_that_they_are_set_for(
    provider: str,
    variable: str,
    in_file: bool,
    double: Double,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    own = {variable: "X-Gateway: mine\nauthorization: Bearer of-the-gateway", "OPENAI_ORG_ID": "org-mine"}
    set_variables(own, tmp_path, in_file=in_file, patched=monkeypatch)
    await _verified(provider, tmp_path)

    (sent,) = double.asked
    headers = {name.lower(): text for name, text in sent.headers.items()}
    assert (headers["x-gateway"], headers["authorization"]) == ("mine", "Bearer of-the-gateway")
    assert headers.get("openai-organization") == ("org-mine" if provider == "openai" else None)


async def test_openai_headers_reach_a_compatible_server_only_at_openais_address_with_openais_key(
    double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: mine")
    await _verified("compat", home)
    monkeypatch.setenv("OCTAVE_COMPAT_API_KEY", "its-own-key")
    await _verified("compat", home)
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"{double.url}/v1")
    await _verified("compat", home)

    headers = [{name.lower(): text for name, text in request.headers.items()} for request in double.asked]
    assert [each.get("x-gateway") for each in headers] == ["mine", None, None]
    assert [each["authorization"] for each in headers] == [
        f"Bearer {A_KEY}",
        "Bearer its-own-key",
        "Bearer its-own-key",
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_credentials_in_an_address_are_sent_and_never_shown(
    provider: str, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{double.url.replace('//', f'//user:{PASSWORD}@')}{'' if provider == 'anthropic' else '/v1'}"
    monkeypatch.setenv(f"{'OCTAVE_COMPAT' if provider == 'compat' else provider.upper()}_BASE_URL", address)
    basic = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    double.fails(error(401, "invalid_api_key", f"who is {PASSWORD}, or {basic}?"))
    with pytest.raises(UpstreamError) as refused:
        await _verified(provider, home)
    model: Any = Stage(home).model(provider)

    (sent,) = double.asked
    assert {name.lower(): text for name, text in sent.headers.items()}["authorization"] == f"Basic {basic}"
    assert PASSWORD not in model.identity
    assert PASSWORD not in str(refused.value)
    assert basic not in str(refused.value)


async def test_config_masks_the_password_in_an_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"http://user:{PASSWORD}@127.0.0.1:9/v1")
    ended = await octave("config", cwd=home.parent)

    assert "***@127.0.0.1:9/v1" in ended.out
    assert PASSWORD not in ended.out


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_redirect_to_another_address_is_refused(
    provider: str, double: Double, elsewhere: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "api-key: mine")
    target = elsewhere.url.replace("//", f"//user:{PASSWORD}@")
    double.fails(lambda request, _: Sent(307, headers={"Location": f"{target}{request.path}"}))
    with pytest.raises(SetupError) as refused:
        await _verified(provider, home)

    assert elsewhere.asked == []
    variable = "ANTHROPIC_BASE_URL" if provider == "anthropic" else "OPENAI_BASE_URL"
    assert str(refused.value).startswith(f"the server at {variable} redirects to {elsewhere.url}")
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_redirect_within_the_same_address_is_followed(provider: str, double: Double, home: Path) -> None:
    double.fails(lambda request, _: Sent(308, headers={"Location": request.path}))
    assert await _verified(provider, home)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("OPENAI_CUSTOM_HEADERS", "X-A: caf\u00e9"),
        long("OPENAI_CUSTOM_HEADERS", "X A: b"),
        long("OPENAI_CUSTOM_HEADERS", ": b"),
        long("OPENAI_CUSTOM_HEADERS", "X-A: b\rc"),
        long("OPENAI_ORG_ID", "org\nmine"),
    ],
)
async def test_invalid_headers_are_reported_and_do_not_affect_other_providers(
    variable: str, text: str, pair: Pair, double: Double, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    assert_setup_error(await generate(pair, home), pair, variable)

    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"{double.url}/v1")
    for provider in ("compat", "anthropic"):
        assert await _verified(provider, home)


async def test_firecrawl_receives_only_its_own_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = LoopbackSite(load("vendor"))
    for owner, name in VARIABLES:
        monkeypatch.setenv(name, value(owner, name))
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", site.host)
    with firecrawl_double.set_up(monkeypatch) as firecrawl:
        await octave("scrape", f"http://{site.host}/", "--source", "firecrawl", cwd=home.parent)
        sent = json.dumps([(dict(asked.headers), asked.body) for asked in firecrawl.asked])
    site.close()

    assert firecrawl_double.A_KEY in sent
    assert not [mark for mark in MARKS.values() if mark in sent]
