"""Sends traces of runs to an OpenTelemetry collector: a span per execution of a run, step, model call and fetch.

The environment variables of OpenTelemetry set the collector, headers, sampling and the name of the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from octave_mcp import __version__
from octave_mcp.concurrency.current import TRACE_PARENT
from octave_mcp.domain.events import Event, ModelCall, PageFetch

Attribute = str | int | float | bool
_Place = tuple[str, str | None]

SERVICE = "octave-mcp"
# The status of the span if the execution ended, but the run did not: another process resumes it, or cancelled it.
INTERRUPTED = "interrupted"
# The attributes that a span of a model call or a fetch gets from the event. Names that start with 'gen_ai' are those
# that OpenTelemetry defines. No attribute contains text of a page, a provider or the user.
CALL_ATTRIBUTES = {
    "model": "octave.model",
    "prompt": "octave.prompt",
    "version": "octave.prompt_version",
    "attempt": "octave.attempt",
    "wait_seconds": "octave.wait_seconds",
    "is_correction": "octave.is_correction",
    "reused": "octave.reused",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "octave.cached_tokens",
    "usd": "octave.usd",
}
FETCH_ATTRIBUTES = {name: f"octave.{name}" for name in PageFetch.model_fields}


@dataclass(slots=True)
class _Execution:
    """The open spans of one execution of a run."""

    span: Span
    steps: dict[_Place, list[Span]] = field(default_factory=dict[_Place, list[Span]])

    def parent(self, place: _Place) -> Context:
        """Return the context of the step, or of the run if the step has no span of its own, like `read_pack`."""
        step, company = place
        spans = self.steps.get(place) or (self.steps.get((step, None)) if company else None)
        return set_span_in_context(spans[-1] if spans else self.span, Context())


class Traces:
    """An observer of events.

    The spans do not go to OpenTelemetry's global provider, so that spans of libraries are not sent, which can contain
    URLs and texts of users.
    """

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=_resource())
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("octave_mcp", __version__)
        self._executions: dict[str, _Execution] = {}

    def close(self) -> None:
        """End all spans, and send the spans that have not been sent yet. Later events are ignored."""
        for run_id, execution in [*self._executions.items()]:
            self._close(run_id, execution, INTERRUPTED)
        self._provider.shutdown()

    def observe(self, event: Event) -> None:
        if event.event in {"run_started", "run_resumed"}:
            self._start(event)
        elif execution := self._executions.get(event.run_id):
            self._observe(event, execution)

    def _observe(self, event: Event, execution: _Execution) -> None:
        place = event.step, event.company
        match event.event:
            case "step_started":
                span = self._span(f"step {event.step}", event, execution.parent(("", None)), event.at)
                execution.steps.setdefault(place, []).append(span)
            case "step_finished":
                self._end_step(event, execution)
            case "answered" | "call_failed" if event.call:
                name, parent = f"call {event.call.prompt}", execution.parent(place)
                span = self._span(name, event, parent, _start(event), kind=SpanKind.CLIENT)
                _end(span, event, _attributes(event.call, CALL_ATTRIBUTES))
            case "fetched" if event.fetch:
                name, parent = f"fetch {event.fetch.fetched}", execution.parent(place)
                span = self._span(name, event, parent, _start(event), kind=SpanKind.CLIENT)
                _end(span, event, _attributes(event.fetch, FETCH_ATTRIBUTES))
            case "run_finished":
                self._close(event.run_id, execution, event.message, event)
            case _:
                pass

    def _start(self, event: Event) -> None:
        given = TRACE_PARENT.get()
        carrier = {"traceparent": given} if given else dict[str, str]()
        parent = TraceContextTextMapPropagator().extract(carrier, Context())
        span = self._span("run", event, parent, event.at, kind=SpanKind.SERVER)
        span.set_attribute("octave.resumed", event.event == "run_resumed")
        execution = self._executions[event.run_id] = _Execution(span)
        # If another process cancels the run or takes it over, no event says so, but the task of the execution ends.
        if task := asyncio.current_task():
            task.add_done_callback(lambda _: self._close(event.run_id, execution, INTERRUPTED))

    def _close(self, run_id: str, execution: _Execution, status: str, event: Event | None = None) -> None:
        if self._executions.get(run_id) is execution:
            self._executions.pop(run_id, None)
            for span in (span for spans in execution.steps.values() for span in spans):
                span.end()
            execution.span.set_attribute("octave.status", status)
            _end(execution.span, event, {})

    def _end_step(self, event: Event, execution: _Execution) -> None:
        spans = execution.steps.get((event.step, event.company))
        # A resumed run does not report the start of a step again.
        span = (
            spans.pop(0)
            if spans
            else self._span(f"step {event.step}", event, execution.parent(("", None)), _start(event))
        )
        _end(span, event, {})

    def _span(
        self, name: str, event: Event, parent: Context, start: datetime, *, kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        attributes: dict[str, Attribute] = {"octave.run_id": event.run_id, "octave.session_id": event.session_id}
        attributes |= {"octave.step": event.step} if event.step else {}
        attributes |= {"octave.company": event.company} if event.company else {}
        return self._tracer.start_span(name, parent, kind, attributes, start_time=_nanoseconds(start))


def _end(span: Span, event: Event | None, attributes: Mapping[str, Attribute]) -> None:
    span.set_attributes(attributes)
    if event and (event.success is False or event.error):
        # The error of a run has a text after its code. The text can contain confidential data, so leave it out.
        code = (event.error or "internal").partition(":")[0]
        span.set_attribute("error.type", code)
        span.set_status(Status(StatusCode.ERROR, code))
    span.end(_nanoseconds(event.at) if event else None)


def _attributes(part: ModelCall | PageFetch, names: Mapping[str, str]) -> dict[str, Attribute]:
    values = ((name, getattr(part, field)) for field, name in names.items())
    return {name: value for name, value in values if value is not None}


def _start(event: Event) -> datetime:
    return event.at - timedelta(milliseconds=event.duration_ms or 0)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def _resource() -> Resource:
    """Return the attributes of this service. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence."""
    own = {SERVICE_NAME: SERVICE, SERVICE_VERSION: __version__}
    given = Resource.create().attributes
    named = {
        name: given[name] for name in own if not str(given.get(name, "unknown_service")).startswith("unknown_service")
    }
    return Resource.create(own | named)
