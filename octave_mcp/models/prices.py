"""What an answer costs, by the price list that came with the installed genai-prices; nothing is looked up."""

from __future__ import annotations

from octave_mcp.domain.asks import Usage
from octave_mcp.models.wire import Tokens


def load_prices() -> None:
    """Has the price list ready, which takes a moment."""
    _usd(Tokens(), "openai", "")


def priced(tokens: Tokens, provider: str, model: str) -> Usage:
    """The usage with its price in dollars: None for a model that is not on the list, or for numbers that cannot be."""
    return Usage(
        input_tokens=tokens.input,
        cached_tokens=tokens.cached,
        output_tokens=tokens.output,
        usd=_usd(tokens, provider, model),
    )


def _usd(tokens: Tokens, provider: str, model: str) -> float | None:
    from genai_prices import Usage as Counted  # noqa: PLC0415 - a third of a second
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
