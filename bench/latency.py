"""The latency model of the benchmark: how long a provider takes to answer, and a website to send a page."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of simulated providers and websites. All times are multiplied by `scale`; 1.0 is real time.

    - `first_token_seconds`: time until the first output token, without the time to read the input.
    - `input_tokens_per_second`, `output_tokens_per_second`: the provider's speed.
    - `cached_speed_up`: how many times faster cached input is read.
    - `page_seconds`, `page_sigma`: median and shape of the lognormal distribution of page times.
    - `firecrawl_seconds`: added to each page that Firecrawl fetches.
    """

    first_token_seconds: float = 0.6
    input_tokens_per_second: float = 10_000.0
    output_tokens_per_second: float = 80.0
    cached_speed_up: float = 10.0
    page_seconds: float = 0.35
    page_sigma: float = 0.6
    firecrawl_seconds: float = 1.5
    scale: float = 1.0

    def call(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """Return the seconds of one model call."""
        read = (input_tokens - cached_tokens + cached_tokens / self.cached_speed_up) / self.input_tokens_per_second
        return self.scale * (self.first_token_seconds + read + output_tokens / self.output_tokens_per_second)

    def page(self, url: str) -> float:
        """Return the seconds of one page. The same URL always takes the same time."""
        # Strings are hashed with a random seed per process, but `Random` seeds itself reproducibly from a string.
        drawn = random.Random(url).lognormvariate(0.0, self.page_sigma)  # noqa: S311 - not for security
        return self.scale * self.page_seconds * drawn

    @property
    def described(self) -> dict[str, float]:
        return asdict(self)
