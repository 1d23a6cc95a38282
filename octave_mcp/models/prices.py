"""Calculates the price of an answer from the list in the genai-prices package, without network access."""

from __future__ import annotations

from octave_mcp.domain.asks import Usage
from octave_mcp.models.wire import Tokens


def load_prices() -> None:
    """Load the price list, so that the first priced answer does not wait for it."""
    _usd(Tokens(), "openai", "")


def priced(tokens: Tokens, provider: str, model: str) -> Usage:
    """Return the usage with its price in dollars.

    The price is None for an unlisted model or inconsistent token counts.
    """
    return Usage(
        input_tokens=tokens.input,
        cached_tokens=tokens.cached,
        output_tokens=tokens.output,
        usd=_usd(tokens, provider, model),
    )


def _usd(tokens: Tokens, provider: str, model: str) -> float | None:
    from genai_prices import Usage as Counted  # noqa: PLC0415 - importing takes a third of a second
    from genai_prices import calc_price  # noqa: PLC0415

    counted = Counted(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cached,
        cache_write_tokens=tokens.written,
    )
    try:
        return float(calc_price(counted, model_ref=model, provider_id=provider).total_price)
    except (LookupError, ValueError):
        return None
