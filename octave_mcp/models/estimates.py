"""Estimates what a run with a provider's models uses. The figures were measured in the benchmark (`bench/world.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from octave_mcp.domain.asks import Tier, asks_per_pack
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.playbook import PersonaDraft
from octave_mcp.domain.prospect import MAX_PERSONAS
from octave_mcp.models.prices import priced
from octave_mcp.models.wire import Tokens

# The maximum number of asks for drafts: two for the summary, one for all battle cards, and one for each other draft.
WRITING_ASKS = 3 + MAX_PERSONAS * len(PersonaDraft.model_fields)
# The estimate assumes that pages beyond this number add no findings to cite or to verify.
PAGES_FOR_ALL_FINDINGS = 10


class Expected(NamedTuple):
    """The expected number of asks, and the tokens of the fast and of the strong model."""

    asks: int
    fast: Tokens
    strong: Tokens


def expected(max_pages: int, pack_pages: int, specialists: int) -> Expected:
    """Estimate the usage of a run without its verification.

    The figures lie between those of invented pages and those of real pages, which are longer: both are within 20 %.
    """
    packs = ceil(max(1, max_pages - 1) / pack_pages)  # the home page is read with the first pack
    vendor, prospect = (asks_per_pack(reads, specialists) for reads in ("elements", "signals"))
    of_pages = max_pages * (620 * vendor + 500 * prospect + 300)
    of_prompts = packs * (3_050 + (vendor + prospect) * 1_625)
    of_findings = int(_share(max_pages) * 5_800)
    return Expected(
        asks=4 + packs * (vendor + prospect) + 1 + WRITING_ASKS,  # 4: home pages and URLs; 1: needs and buyers
        fast=Tokens(input=4_900 + of_prompts + of_pages, output=650 + packs * 3_700),
        strong=Tokens(input=4_500 + WRITING_ASKS * (2_500 + of_findings), output=1_050 + WRITING_ASKS * 1_480),
    )


def expected_verification(max_pages: int) -> Expected:
    """Estimate the maximum usage for verifying all drafts and the findings about both companies."""
    share = _share(max_pages)
    used = Tokens(input=int(share * 10_000) + WRITING_ASKS * 1_700, output=int(share * 1_000) + WRITING_ASKS * 170)
    return Expected(2 + WRITING_ASKS, fast=used, strong=Tokens(0, 0))


def estimate_of(used: Expected, provider: str, models: Mapping[Tier, str], tested: str = "") -> Estimate:
    """Return the expected usage with its price. `models` are the provider's models of both tiers."""
    tokens: dict[Tier, Tokens] = {"fast": used.fast, "strong": used.strong}
    prices = [priced(each, provider, models[tier]).usd for tier, each in tokens.items()]
    return Estimate(
        asks=used.asks,
        input_tokens=used.fast.input + used.strong.input,
        output_tokens=used.fast.output + used.strong.output,
        usd=None if None in prices else round(sum(filter(None, prices)), 4),
        tested=tested,
    )


def _share(max_pages: int) -> float:
    return min(1.0, max_pages / PAGES_FOR_ALL_FINDINGS)
