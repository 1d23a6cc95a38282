"""Whether a text is written in the language that was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from octave_mcp.evidence.checks import Problem

MIN_WORDS = 20
SURE = 0.95
# Written without spaces: a text of one word may be a long one.
_ALONE = frozenset({"zh", "ja", "ko", "th"})
_NOT_PROSE = re.compile(r"“[^“”]*”|\{\{[^{}]*\}\}|https?://\S+")


def foreign(text: str, language: str) -> Iterator[Problem]:
    """D22: it is surely in another language, quotations aside; a short text is not judged, nor for no language."""
    own = " ".join(_NOT_PROSE.sub(" ", text).split())
    is_short = len(own.split()) < MIN_WORDS and not (len(own) >= MIN_WORDS and language in _ALONE)
    if is_short or not language:
        return
    found, sureness = _identifier().classify(own)
    if sureness >= SURE and found != language.split("-", maxsplit=1)[0].lower():
        yield Problem("D22", f"it is written in {found!r}; write it in {language!r}")


@cache
def _identifier() -> Any:  # noqa: ANN401 - untyped
    from py3langid import langid  # noqa: PLC0415 - most of a second to load

    untyped: Any = langid.LanguageIdentifier
    return untyped.from_model_file(langid.MODEL_FILE, norm_probs=True)
