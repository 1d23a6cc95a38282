"""Errors from model providers, and settings that make it impossible to call a provider."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from doubles import Double, Fault, Sent, error
from scripted import Stage

from octave_mcp.errors import NoQuota, RateLimited, SetupError, Transient, UpstreamError

GEMINI = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to the documentation. * Quota exceeded for metric: generate_content_free_tier_requests, limit: 15\n"
    "Please retry in 11.6s."
)


async def verified(provider: str, home: Path) -> str:
    model: Any = Stage(home).model(provider)
    try:
        return await model.verify()
    finally:
        await model.close()


async def failure(provider: str, home: Path) -> UpstreamError:
    with pytest.raises(UpstreamError) as failed:
        await verified(provider, home)
    return failed.value


def sent(body: object, status: int = 200) -> Fault:
    return lambda _request, _text: Sent(status=status, body=body)


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (sent([{"error": {"code": 429, "message": GEMINI, "status": "RESOURCE_EXHAUSTED"}}], 429), 11.6),
        (sent({"error": {"code": 429, "message": GEMINI, "status": "RESOURCE_EXHAUSTED"}}, 429), 11.6),
        (error(429, "rate_limit_exceeded", "Rate limit reached. Please try again in 1m2.5s."), 62.5),
        (error(429, "rate_limit_exceeded", "Rate limit reached. Please try again in 120ms."), 0.12),
        (error(429, "rate_limit_exceeded", "Try again in 2 minutes", {"retry-after": "3"}), 3.0),
        (error(429, "rate_limit_exceeded", "Slow down", {"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}), None),
        (error(429, "too_many_requests", "You exceeded your current quota"), None),
    ],
)
async def test_a_rate_limit_that_the_provider_calls_a_quota_is_a_rate_limit_with_its_wait(
    fault: Fault, wait: float | None, double: Double, tmp_path: Path
) -> None:
    double.fails(fault)
    refused = await failure("compat", tmp_path)

    assert isinstance(refused, RateLimited)
    assert refused.retry_after_seconds == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        ("openai", error(429, "insufficient_quota", "You exceeded your current quota. Try again in 20s.")),
        ("openai", sent({"error": {"message": "You exceeded your current quota"}}, 429)),
        ("anthropic", error(400, "invalid_request_error", "Your credit balance is too low to use the API")),
        ("compat", error(402, "", "Insufficient Balance")),
    ],
)
async def test_an_account_without_credit_is_reported_as_having_no_quota(
    provider: str, fault: Fault, double: Double, tmp_path: Path
) -> None:
    double.fails(fault)
    assert isinstance(await failure(provider, tmp_path), NoQuota)


async def test_the_text_of_an_error_is_shown_in_full_except_for_keys(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"{double.url}/v1")
    words = "no way from localhost:11434 to the task-manager and its disk-storage"
    double.fails(error(400, "invalid", f"{words} for sk-abcdefgh12"))
    shown = str(await failure("compat", tmp_path))

    assert words in shown
    assert "sk-abcdefgh12" not in shown


def choice(**message: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message or None}]}


def output(*parts: object) -> dict[str, Any]:
    return {"status": "completed", "output": [{"type": "message", "content": parts}]}


ANYTHING: tuple[object, ...] = (None, [], [1], {}, "a text")
ODD: list[tuple[str, object]] = [
    *((provider, body) for provider in ("openai", "anthropic", "compat") for body in ANYTHING),
    *((provider, {"error": {"message": "it broke", "code": 5}}) for provider in ("openai", "anthropic", "compat")),
    ("openai", {"status": "completed", "output": None}),
    ("openai", {**output(), "status": "queued"}),
    ("openai", output({"type": "output_text"})),
    ("openai", output(None)),
    ("anthropic", {"type": "message"}),
    ("anthropic", {"type": "message", "content": [{"type": "text", "text": None}]}),
    ("compat", {"choices": None}),
    ("compat", {"choices": []}),
    ("compat", {"choices": [None]}),
    ("compat", choice()),
    ("compat", choice(content=7)),
    ("compat", choice(content=[{"text": "yes"}])),
    ("compat", choice(content="yes", refusal=["no"])),
]


@pytest.mark.parametrize(("provider", "body"), ODD, ids=[f"{name} {json.dumps(body)}" for name, body in ODD])
async def test_a_malformed_answer_is_a_transient_error(
    provider: str, body: object, double: Double, tmp_path: Path
) -> None:
    double.fails(sent(body))
    failed = await failure(provider, tmp_path)

    assert type(failed) is Transient
    assert "answered 200" in str(failed)


ADDRESSES = ("localhost:11434/v1", "http://localhost:99999/v1", "http://[::1/v1", "http://local host/v1", "http:///v1")


@pytest.mark.parametrize("address", [*ADDRESSES, "http://user:a-secret-word@[::1/v1", "http://localhost/v1\n"])
@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("openai", "OPENAI_BASE_URL"),
        ("anthropic", "ANTHROPIC_BASE_URL"),
        ("compat", "OPENAI_BASE_URL"),
        ("compat", "OCTAVE_COMPAT_BASE_URL"),
    ],
)
@pytest.mark.usefixtures("double")
def test_an_invalid_base_url_is_refused_before_any_request(
    provider: str, variable: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(SetupError, match=f"{variable} is not a web address: include the scheme") as refused:
        Stage(tmp_path).model(provider)
    assert "a-secret-word" not in str(refused.value)


KEYS = ('"sk-abc123456"', "'sk-abc123456'", "sk-abc123456\n", "sk-abc”123456", "sk-abc 123456", "sk-abc123456é")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("compat", "OPENAI_API_KEY"),
        ("compat", "OCTAVE_COMPAT_API_KEY"),
    ],
)
@pytest.mark.usefixtures("double")
def test_a_key_that_cannot_be_sent_in_a_header_is_refused_and_not_shown(
    provider: str, variable: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, key)
    with pytest.raises(SetupError, match=f"{variable} cannot be used: .*set {variable} to the key alone") as refused:
        Stage(tmp_path).model(provider)
    assert "sk-" not in str(refused.value)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.usefixtures("double")
async def test_an_empty_base_url_means_the_providers_own_address(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: set[str] = set()

    def lookup(host: str | bytes, *_: Any, **__: Any) -> None:  # noqa: ANN401 - socket's own
        looked_up.add(host.decode() if isinstance(host, bytes) else host)
        raise socket.gaierror(socket.EAI_NONAME, "no network")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setenv(f"{provider.upper()}_BASE_URL", "")
    await failure(provider, tmp_path)

    assert looked_up == {f"api.{provider}.com"}


async def test_openais_key_and_organization_are_not_sent_to_other_servers(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    key = "sk-of-openai-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    await verified("compat", tmp_path)
    monkeypatch.setenv("OCTAVE_COMPAT_BASE_URL", f"{double.url}/v1")
    await verified("compat", tmp_path)
    monkeypatch.setenv("OCTAVE_COMPAT_API_KEY", "its-own-key")
    await verified("compat", tmp_path)

    headers = [{name.lower(): value for name, value in request.headers.items()} for request in double.asked]
    assert [sent_headers["authorization"] for sent_headers in headers] == [
        f"Bearer {key}",
        "Bearer local",
        "Bearer its-own-key",
    ]
    assert not any("mine" in value for sent_headers in headers for value in sent_headers.values())
