"""The language of a page: the declared one, unless its letters or words clearly contradict it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

UNKNOWN = "und"
TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_]|$)")
KANA = re.compile(r"[\u3040-\u30ff]")
SAMPLE = 4000
MIN_WORDS = 20
MIN_WORDS_AGAINST = 12
SURE = 0.9
UNLIKELY = 0.02
# The share of letters of its own from which on a text in two scripts is what it declares: manuals quote" " English
# code.
OWN_LETTERS = 0.15
ENGLISH = re.compile(r"\b(?:the|and|of|to|in|for|with|is|are|your|you|we|our|that|on|by)\b", re.IGNORECASE)
# The share of such words from which on a text is English, so that no model is needed to see it.
ENGLISH_SHARE = 0.12
SYNONYMS = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "yue": "zh", "cmn": "zh"}

# Letters that tell scripts apart, and the languages that are written in them, the most usual first.
SCRIPTS: dict[str, tuple[re.Pattern[str], Sequence[str]]] = {
    "CJK": (re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"), ("zh", "ja")),
    "Hangul": (re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"), ("ko",)),
    "Cyrillic": (
        re.compile(r"[\u0400-\u052f]"),
        ("ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg", "tt", "uz"),
    ),
    "Arabic": (re.compile(r"[\u0600-\u06ff\u0750-\u077f]"), ("ar", "fa", "ur", "ps", "ckb", "ug", "ku")),
    "Hebrew": (re.compile(r"[\u0590-\u05ff]"), ("he", "yi")),
    "Greek": (re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"), ("el",)),
    "Devanagari": (re.compile(r"[\u0900-\u097f]"), ("hi", "mr", "ne", "sa")),
    "Bengali": (re.compile(r"[\u0980-\u09ff]"), ("bn", "as")),
    "Gurmukhi": (re.compile(r"[\u0a00-\u0a7f]"), ("pa",)),
    "Gujarati": (re.compile(r"[\u0a80-\u0aff]"), ("gu",)),
    "Tamil": (re.compile(r"[\u0b80-\u0bff]"), ("ta",)),
    "Telugu": (re.compile(r"[\u0c00-\u0c7f]"), ("te",)),
    "Kannada": (re.compile(r"[\u0c80-\u0cff]"), ("kn",)),
    "Malayalam": (re.compile(r"[\u0d00-\u0d7f]"), ("ml",)),
    "Thai": (re.compile(r"[\u0e00-\u0e7f]"), ("th",)),
    "Georgian": (re.compile(r"[\u10a0-\u10ff]"), ("ka",)),
    "Armenian": (re.compile(r"[\u0530-\u058f]"), ("hy",)),
}
LATIN_TOO = frozenset({"sr", "kk", "uz", "ku", "mn", "tt"})


def language_of(text: str, declared: str) -> str:
    """The primary subtag in lower case; 'und' where neither the page nor its words tell."""
    sample = text[:SAMPLE]
    tag = TAG.match(declared.strip())
    own = tag[1].lower() if tag else ""
    script = "" if sample.isascii() else _script(sample)
    if own and _may_be_written(own, script, sample):
        return own if script in {"CJK", "Hangul"} else _confirmed(sample, own)
    if script:
        return _of_script(sample, script)
    fewest = MIN_WORDS_AGAINST if own else MIN_WORDS
    return _ranked(sample)[0][0] if len(sample.split()) > fewest else own or UNKNOWN


def _script(text: str) -> str:
    """The script other than Latin that half of the letters or more are in; empty if there is none."""
    letters = sum(map(str.isalpha, text))
    found = {name: len(pattern.findall(text)) for name, (pattern, _) in SCRIPTS.items()}
    most = max(found, key=found.__getitem__)
    if most in {"CJK", "Hangul"}:
        most = "Hangul" if found["Hangul"] > found["CJK"] else "CJK"
    return most if found[most] * 2 > letters > 0 else ""


def _may_be_written(language: str, script: str, text: str) -> bool:
    scripts = [name for name, (_, languages) in SCRIPTS.items() if SYNONYMS.get(language, language) in languages]
    if not scripts or (not script and language in LATIN_TOO):
        return script in scripts or not script
    letters = sum(map(str.isalpha, text))
    own = sum(len(SCRIPTS[name][0].findall(text)) for name in scripts)
    return script in scripts or (not script and own >= letters * OWN_LETTERS)


def _confirmed(text: str, declared: str) -> str:
    """The declared language, unless the text is surely another."""
    words = text.split()
    if len(words) < MIN_WORDS_AGAINST or (
        declared == "en" and len(ENGLISH.findall(text)) >= len(words) * ENGLISH_SHARE
    ):
        return declared
    ranked = _ranked(text)
    likely = dict(ranked)
    found, sureness = ranked[0]
    is_other = sureness >= SURE and likely.get(SYNONYMS.get(declared, declared), 1.0) < UNLIKELY
    return found if is_other else declared


def _of_script(text: str, script: str) -> str:
    languages = SCRIPTS[script][1]
    if script == "CJK":
        return "ja" if KANA.search(text) else "zh"
    if len(languages) == 1:
        return languages[0]
    return next((language for language, _ in _ranked(text) if language in languages), languages[0])


def _ranked(text: str) -> list[tuple[str, float]]:
    """Languages, the likeliest first, under the names that pages use for them."""
    found: dict[str, float] = {}
    for language, likelihood in cast("list[tuple[str, float]]", _identifier().rank(text)):
        name = SYNONYMS.get(language, language)
        found[name] = found.get(name, 0.0) + likelihood
    return sorted(found.items(), key=lambda one: -one[1])


@cache
def _identifier() -> Any:  # noqa: ANN401 - untyped
    from py3langid import langid  # noqa: PLC0415 - its model takes most of a second to load

    untyped: Any = langid.LanguageIdentifier
    return untyped.from_model_file(langid.MODEL_FILE, norm_probs=True)
