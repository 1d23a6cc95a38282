"""Traces, as a collector receives them over OTLP."""

from __future__ import annotations

import os
import threading
from asyncio import to_thread
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from conftest import Pair, command, lift_site_timeouts, log_lines, octave
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from web import lift_server_timeouts, serving

from octave_mcp.settings import load
from octave_mcp.surfaces.mcp.server import make

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = (f"00-{TRACE}-{PARENT}-{flags}" for flags in ("01", "00"))
# The generated modules of the protocol have no types.
MESSAGES, FAILED = cast("Any", trace_service_pb2), cast("Any", trace_pb2).Status.STATUS_CODE_ERROR
WITHOUT_SDK = """
import sys
sys.modules["opentelemetry.sdk"] = None
from octave_mcp.surfaces.cli.main import main
sys.argv[:] = ["octave-mcp", *sys.argv[1:]]
sys.exit(main())
"""
TURNED_OFF = """
import sys
from octave_mcp.observability.optional_traces import traces_for
from octave_mcp.settings import load
from octave_mcp.surfaces.cli import main, terminal
assert traces_for(load()) is None
print([name for name in sys.modules if name.startswith("opentelemetry") or name.endswith(".traces")])
"""


@dataclass(frozen=True)
class Span:
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    start: int
    end: int
    is_error: bool


class Collector(ThreadingHTTPServer):
    """An OTLP collector on a free port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.resource: dict[str, Any] = {}
        self._spans: list[Span] = []
        self._received = threading.Condition()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def receive(self, body: bytes) -> None:
        request = MESSAGES.ExportTraceServiceRequest.FromString(body)
        with self._received:
            for resource in request.resource_spans:
                self.resource = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                self._spans += [_span(sent) for scope in resource.scope_spans for sent in scope.spans]
            self._received.notify_all()

    def spans(self, is_complete: Callable[[Sequence[Span]], bool] = bool) -> list[Span]:
        """Return the spans received so far, after waiting until they are complete."""
        with self._received:
            self._received.wait_for(lambda: is_complete(self._spans))
            return [*self._spans]

    @property
    def is_empty(self) -> bool:
        return not self._spans


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        cast("Collector", self.server).receive(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Log nothing."""


def _span(sent: Any) -> Span:  # noqa: ANN401 - a message without types
    attributes = {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "") for pair in sent.attributes}
    is_error = sent.status.code == FAILED
    start, end = sent.start_time_unix_nano, sent.end_time_unix_nano
    ids = sent.trace_id.hex(), sent.span_id.hex(), sent.parent_span_id.hex()
    return Span(sent.name, *ids, attributes, start, end, is_error)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector. The settings turn traces on."""
    lift_server_timeouts(monkeypatch)
    lift_site_timeouts(monkeypatch)
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    server = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
    monkeypatch.setenv("OCTAVE_TRACES", "true")
    yield server
    server.shutdown()
    server.server_close()


def runs_in(spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if span.name == "run"]


async def test_a_run_has_a_span_for_each_step_call_and_fetch(
    collector: Collector, pair: Pair, tmp_path: Path, home: Path
) -> None:
    ended = await octave("generate", pair.vendor.host, pair.prospect.host, "--max-pages", "4", "--quiet", cwd=tmp_path)
    spans = collector.spans()

    assert ended.code == 0, ended.err
    (run,) = runs_in(spans)
    lines, by_id = log_lines(home), {span.id: span for span in spans}
    assert (run.parent, run.attributes["octave.status"], run.is_error) == ("", "completed", False)
    assert run.attributes["octave.run_id"] == lines[0]["run_id"]
    assert {span.trace for span in spans} == {run.trace}
    for event, kind in (("step_finished", "step"), ("answered", "call"), ("fetched", "fetch")):
        ours = sorted(
            (span.attributes["octave.step"], span.end - span.start)
            for span in spans
            if span.name.startswith(f"{kind} ")
        )
        logged = sorted((line["step"], line["duration_ms"] * 1e6) for line in lines if line["event"] == event)
        assert [step for step, _ in ours] == [step for step, _ in logged]
        assert [time for _, time in ours] == pytest.approx([time for _, time in logged], abs=50e6)
    for span in spans:
        if span is not run:
            parent = by_id[span.parent]
            is_inside = parent.name == f"step {span.attributes['octave.step']}"
            assert is_inside or (
                parent is run
                and (
                    span.name.startswith("step ") or span.attributes["octave.step"] in {"read_pack", "validate_and_map"}
                )
            )
    call = next(span for span in spans if span.name == "call research/homepage")
    assert (
        call.attributes.items()
        >= {
            "octave.model": "extractive",
            "octave.attempt": 1,
            "octave.usd": 0.0,
            "gen_ai.usage.input_tokens": 0,
        }.items()
    )
    assert call.attributes["octave.company"] in {"vendor", "prospect"}
    fetch = next(span for span in spans if span.name == "fetch home")
    assert (fetch.attributes["octave.pages"], fetch.attributes["octave.cached_pages"]) == (1, 0)
    assert collector.resource["service.name"] == "octave-mcp"


async def test_a_run_belongs_to_the_trace_of_its_http_request_even_if_another_server_resumes_it(
    collector: Collector, held_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "sales")
    async with serving() as client:
        started = await client.post("/runs", json=held_pair.few, headers={"traceparent": SAMPLED})
        run_id = started.json()["run_id"]
        await to_thread(held_pair.vendor.asked.wait)
    held_pair.release()
    async with serving() as client:
        report = (await client.get(f"/runs/{run_id}", params={"wait_seconds": "600"})).json()
    spans = collector.spans(lambda spans: len(runs_in(spans)) == 2)

    assert report["status"] == "completed"
    first, second = sorted(runs_in(spans), key=lambda span: span.start)
    assert {span.trace for span in spans} == {TRACE}
    assert (first.parent, second.parent) == (PARENT, PARENT)
    assert (first.attributes["octave.status"], first.attributes["octave.resumed"]) == ("interrupted", False)
    assert (second.attributes["octave.status"], second.attributes["octave.resumed"]) == ("completed", True)
    assert {span.attributes["octave.run_id"] for span in spans} == {run_id}
    assert collector.resource["service.name"] == "sales"


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", "x" * 9000])
async def test_a_run_without_a_valid_trace_parent_starts_its_own_trace(
    given: str, collector: Collector, pair: Pair
) -> None:
    async with serving() as client:
        await client.post("/runs", json=pair.few, headers={"traceparent": SAMPLED})
        alone = await client.post(
            "/runs", json=pair.few | {"wait_seconds": 600}, headers={"traceparent": given} if given else {}
        )
    spans = collector.spans(lambda spans: len(runs_in(spans)) == 2)

    (run,) = (span for span in runs_in(spans) if span.attributes["octave.run_id"] == alone.json()["run_id"])
    assert run.parent == ""
    assert run.trace != TRACE


async def test_the_caller_decides_whether_a_run_is_traced(collector: Collector, pair: Pair) -> None:
    async with serving() as client:
        answer = await client.post("/runs", json=pair.few | {"wait_seconds": 600}, headers={"traceparent": UNSAMPLED})

    assert answer.json()["status"] == "completed"
    assert collector.is_empty


async def test_a_repeated_request_is_the_same_request_in_another_trace(collector: Collector, held_pair: Pair) -> None:
    asked, key = held_pair.few, {"Idempotency-Key": "deal-7"}
    async with serving() as client:
        first = await client.post("/runs", json=asked, headers=key | {"traceparent": SAMPLED})
        again = await client.post("/runs", json=asked, headers=key | {"traceparent": SAMPLED.replace(TRACE, "a" * 32)})
        await client.post(f"/runs/{first.json()['run_id']}/cancel")
    spans = collector.spans()

    assert again.json()["run_id"] == first.json()["run_id"]
    (run,) = runs_in(spans)
    assert (run.trace, run.parent, run.attributes["octave.status"]) == (TRACE, PARENT, "cancelled")


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_run_belongs_to_the_trace_in_the_meta_of_its_mcp_request(
    era: Literal["auto", "legacy"], collector: Collector, pair: Pair
) -> None:
    async with Client(make(load()), mode=era) as client:
        await client.call_tool("generate_playbook", pair.few | {"wait_seconds": 55}, meta={"traceparent": SAMPLED})
    spans = collector.spans(lambda spans: bool(runs_in(spans)))

    (run,) = runs_in(spans)
    assert (run.trace, run.parent) == (TRACE, PARENT)


async def test_a_run_belongs_to_the_trace_of_the_http_request_of_an_mcp_client(
    collector: Collector, pair: Pair
) -> None:
    async with serving() as http:
        transport = StreamableHttpTransport(f"{http.base_url}/mcp", headers={"traceparent": SAMPLED})
        async with Client(transport) as client:
            await client.call_tool("generate_playbook", pair.few | {"wait_seconds": 55})
    spans = collector.spans(lambda spans: bool(runs_in(spans)))

    (run,) = runs_in(spans)
    assert (run.trace, run.parent) == (TRACE, PARENT)


async def test_a_failed_run_has_the_code_but_not_the_text_of_its_error(
    collector: Collector, pair: Pair, tmp_path: Path
) -> None:
    pair.prospect.failing["/"] = 500
    ended = await octave("generate", pair.vendor.host, pair.prospect.host, "--quiet", cwd=tmp_path)
    spans = collector.spans()

    assert ended.code == 1
    (run,) = runs_in(spans)
    assert run.is_error
    assert run.attributes["error.type"] == "site_unreachable"
    assert run.attributes["octave.status"] == "failed"
    failed = [span for span in spans if span.name == "fetch home" and span.is_error]
    assert [span.attributes["octave.company"] for span in failed] == ["prospect"]


async def test_a_collector_that_does_not_answer_does_not_affect_the_run(
    collector: Collector, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    ended = await octave("generate", pair.vendor.host, pair.prospect.host, "--max-pages", "1", "--json", cwd=tmp_path)

    assert ended.code == 0
    assert ended.out.startswith("{")
    assert collector.is_empty


async def test_without_opentelemetry_the_error_says_how_to_install_it(collector: Collector, tmp_path: Path) -> None:
    ended = await command("-c", WITHOUT_SDK, "generate", "acme.com", "quill.org", cwd=tmp_path)
    served = await command("-c", WITHOUT_SDK, "serve", "--transport", "http", "--port", "0", cwd=tmp_path)

    assert (ended.code, served.code) == (3, 3)
    for err in (ended.err, served.err):
        assert err.splitlines()[-1] == (
            "error: OCTAVE_TRACES is true, but OpenTelemetry is not installed; "
            "run pip install 'octave-playbook[traces]', or remove OCTAVE_TRACES"
        )
    assert collector.is_empty


async def test_without_the_setting_nothing_of_opentelemetry_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    ended = await command("-c", TURNED_OFF, cwd=tmp_path)

    assert (ended.code, ended.out) == (0, "[]\n"), ended.err
