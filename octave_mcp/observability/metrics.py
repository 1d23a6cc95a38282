"""What Prometheus is told: counts and durations by names of our own, never by what a caller gave."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from octave_mcp.domain.events import Event, ModelCall

MEDIA_TYPE = CONTENT_TYPE_LATEST
RUN_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1800)
STEP_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


class Metrics:
    """Those of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = here = CollectorRegistry()
        self._started = Counter("octave_runs_started", "Runs started, or resumed after an interruption", registry=here)
        self._finished = Counter("octave_runs_finished", "Runs that ended", ["status"], registry=here)
        self._running = Gauge("octave_runs_running", "Runs being executed by this process", registry=here)
        self._failing = Gauge(
            "octave_failing_tasks", "Background tasks that fail now and are tried again", ["task"], registry=here
        )
        self._run_seconds = Histogram(
            "octave_run_seconds", "How long runs took", ["status"], buckets=RUN_SECONDS, registry=here
        )
        self._step_seconds = Histogram(
            "octave_step_seconds", "How long steps took", ["step", "success"], buckets=STEP_SECONDS, registry=here
        )
        self._failed_calls = Counter(
            "octave_failed_calls", "Calls to sites and models that failed", ["step"], registry=here
        )
        self._calls = Counter("octave_model_calls", "Answers of models", ["model", "prompt", "reused"], registry=here)
        self._tokens = Counter(
            "octave_model_tokens",
            "Tokens sent, those known already, and got",
            ["model", "kind"],
            registry=here,
        )
        self._usd = Counter("octave_model_cost_usd", "What answers of known price cost", ["model"], registry=here)
        self._unpriced = Counter("octave_model_unpriced_calls", "Answers of unknown price", ["model"], registry=here)
        self._requests = Counter(
            "octave_http_requests", "Requests answered", ["method", "route", "status"], registry=here
        )
        self._request_seconds = Histogram(
            "octave_http_request_seconds",
            "How long answers took, streams until their end",
            ["method", "route"],
            registry=here,
        )

    def observe(self, event: Event) -> None:
        seconds = (event.duration_ms or 0) / 1000
        match event.event:
            case "run_started" | "run_resumed":
                self._started.inc()
            case "run_finished":
                self._finished.labels(event.message).inc()
                self._run_seconds.labels(event.message).observe(seconds)
            case "step_finished":
                self._step_seconds.labels(event.step, str(event.success).lower()).observe(seconds)
            case "call_failed":
                self._failed_calls.labels(event.step).inc()
            case "answered":
                if event.call:
                    self._called(event.call)
            case "step_started" | "progress" | "waiting":
                pass

    def _called(self, call: ModelCall) -> None:
        self._calls.labels(call.model, call.prompt, str(call.reused).lower()).inc()
        self._tokens.labels(call.model, "input").inc(call.input_tokens)
        self._tokens.labels(call.model, "cached").inc(call.cached_tokens)
        self._tokens.labels(call.model, "output").inc(call.output_tokens)
        if call.usd is None:
            self._unpriced.labels(call.model).inc()
        else:
            self._usd.labels(call.model).inc(call.usd)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is its template ('/runs/{run_id}')."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def render(self, running: int, failing: Iterable[str]) -> bytes:
        """What is counted, how many runs are under way, and the names of the tasks that fail."""
        self._running.set(running)
        self._failing.clear()
        for task in failing:
            self._failing.labels(task).set(1)
        return generate_latest(self._registry)
