"""Prometheus metrics.

Labels never contain values that callers choose, because each new value would create another time series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from octave_mcp.domain.company import ROLES
from octave_mcp.domain.events import Event, ModelCall

MEDIA_TYPE = CONTENT_TYPE_LATEST
RUN_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1800)
# The time of a run divided by its critical path.
RATIOS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10)
STEP_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)
# Clients can send any word as the HTTP method, so methods that are not listed here are counted as "other".
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        # Each application has its own registry, because the library's global registry would reject the metrics of a
        # second application, for example in a second test.
        self._registry = metrics = CollectorRegistry()
        self._started = Counter("octave_runs_started", "Runs started or resumed", registry=metrics)
        self._finished = Counter("octave_runs_finished", "Runs that ended", ["status"], registry=metrics)
        self._running = Gauge("octave_runs_running", "Runs being executed by this process", registry=metrics)
        self._failing = Gauge(
            "octave_failing_tasks", "Background tasks that currently fail and are retried", ["task"], registry=metrics
        )
        self._run_seconds = Histogram(
            "octave_run_seconds", "Duration of runs", ["status"], buckets=RUN_SECONDS, registry=metrics
        )
        self._step_seconds = Histogram(
            "octave_step_seconds", "Duration of steps", ["step", "success"], buckets=STEP_SECONDS, registry=metrics
        )
        self._ratio = Histogram(
            "octave_run_critical_path_ratio",
            "Duration of runs, divided by the longest chain of calls that had to wait for each other",
            ["status"],
            buckets=RATIOS,
            registry=metrics,
        )
        self._call_seconds = Histogram(
            "octave_call_seconds",
            "Duration of recorded calls, such as asks and scrapes, including retries and waits for a busy model",
            ["step", "call"],
            buckets=STEP_SECONDS,
            registry=metrics,
        )
        self._slowest = Gauge(
            "octave_slowest_call_seconds",
            "Duration of the slowest calls of the run that ended last",
            ["rank", "step", "call"],
            registry=metrics,
        )
        self._failed_calls = Counter(
            "octave_failed_calls", "Failed calls to sites and models", ["step"], registry=metrics
        )
        self._calls = Counter("octave_model_calls", "Model answers", ["model", "prompt", "reused"], registry=metrics)
        self._tokens = Counter(
            "octave_model_tokens",
            "Tokens by kind: input, cached (input from the provider's cache), and output",
            ["model", "kind"],
            registry=metrics,
        )
        self._usd = Counter(
            "octave_model_cost_usd", "Cost of model answers whose price is known", ["model"], registry=metrics
        )
        self._unpriced = Counter(
            "octave_model_unpriced_calls", "Model answers whose price is unknown", ["model"], registry=metrics
        )
        self._requests = Counter(
            "octave_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=metrics
        )
        self._request_seconds = Histogram(
            "octave_http_request_seconds",
            "Duration of HTTP requests; for streams, the time until the end of the stream",
            ["method", "route"],
            registry=metrics,
        )

    def observe(self, event: Event) -> None:
        seconds = (event.duration_ms or 0) / 1000
        match event.event:
            case "run_started" | "run_resumed":
                self._started.inc()
            case "run_finished":
                self._finished.labels(event.message).inc()
                self._run_seconds.labels(event.message).observe(seconds)
                self._observe_calls(event)
            case "step_finished":
                self._step_seconds.labels(event.step, str(event.success).lower()).observe(seconds)
            case "call_finished":
                self._call_seconds.labels(*_labels(event.step)).observe(seconds)
            case "call_failed":
                self._failed_calls.labels(event.step).inc()
            case "answered":
                if event.call:
                    self._count_call(event.call)
            case "step_started" | "progress" | "waiting" | "fetched" | "found":
                pass

    def _observe_calls(self, event: Event) -> None:
        if event.timings is None or event.timings.ratio is None:
            return
        self._ratio.labels(event.message).observe(event.timings.ratio)
        self._slowest.clear()
        for rank, call in enumerate(event.timings.slowest_calls, 1):
            self._slowest.labels(str(rank), *_labels(call.name)).set(call.seconds)

    def _count_call(self, call: ModelCall) -> None:
        self._calls.labels(call.model, call.prompt, str(call.reused).lower()).inc()
        self._tokens.labels(call.model, "input").inc(call.input_tokens)
        self._tokens.labels(call.model, "cached").inc(call.cached_tokens)
        self._tokens.labels(call.model, "output").inc(call.output_tokens)
        if call.usd is None:
            self._unpriced.labels(call.model).inc()
        else:
            self._usd.labels(call.model).inc(call.usd)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is the template of the path, such as '/runs/{run_id}'."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def render(self, running: int, failing: Iterable[str]) -> bytes:
        """Return all metrics in Prometheus' text format.

        `running`: the number of runs in progress. `failing`: the names of the background tasks that currently fail.
        """
        self._running.set(running)
        self._failing.clear()
        for task in failing:
            self._failing.labels(task).set(1)
        return generate_latest(self._registry)


def _labels(name: str) -> tuple[str, str]:
    """Return the step and kind of a recorded call without numbers: 'pack' and 'ask' for 'vendor/pack-3/ask-2'.

    The step of a call that belongs to no step is ''.
    """
    parts = [re.sub(r"-\d+", "", part) for part in name.split("/") if part not in ROLES]
    return (parts[0] if len(parts) > 1 else "", parts[-1])
