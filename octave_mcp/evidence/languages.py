"""Detects text that is not in the requested language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from octave_mcp.evidence.checks import Problem

# Language identification is unreliable for texts of fewer than 20 words.
MIN_WORDS = 20
MIN_PROBABILITY = 0.95
# If one of these languages was requested, 20 characters are enough, because even a long text can have few spaces.
_UNSPACED_LANGUAGES = frozenset({"zh", "ja", "ko", "th"})
_NOT_PROSE = re.compile(r"“[^“”]*”|\{\{[^{}]*\}\}|https?://\S+")


def foreign(text: str, language: str) -> Iterator[Problem]:
    """Yield problem D22 if the text is clearly in another language. Quotations, links and placeholders are ignored.

    Short texts are not checked. If `language` is empty, no text is checked.
    """
    prose = " ".join(_NOT_PROSE.sub(" ", text).split())
    is_short = len(prose.split()) < MIN_WORDS and not (len(prose) >= MIN_WORDS and language in _UNSPACED_LANGUAGES)
    if is_short or not language:
        return
    identified, probability = _classified(prose)
    if probability >= MIN_PROBABILITY and identified != language.split("-", maxsplit=1)[0].lower():
        yield Problem("D22", f"it is written in {identified!r}; write it in {language!r}")


# An e-mail is judged when it is written, and again when it is assembled.
@lru_cache(maxsize=512)
def _classified(prose: str) -> tuple[str, float]:
    """Return the likeliest language of a text, and its probability."""
    return identifier().classify(prose)


@cache
def identifier() -> Any:  # noqa: ANN401 - untyped
    """Return the language identifier, loaded at the first call. It takes 80 MB, so all callers share it."""
    from py3langid import langid  # noqa: PLC0415 - most of a second to load

    untyped: Any = langid.LanguageIdentifier
    return untyped.from_model_file(langid.MODEL_FILE, norm_probs=True)
