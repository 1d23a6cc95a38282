"""Determines the language of a page: the declared language, unless the letters or words clearly contradict it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from octave_mcp.evidence.languages import identifier

UNKNOWN = "und"
LANGUAGE_TAG = re.compile(r"([a-zA-Z]{2,3})(?:[-_]|$)")
KANA = re.compile(r"[\u3040-\u30ff]")
SAMPLE_CHARACTERS = 4000
MIN_WORDS = 20
MIN_WORDS_TO_CONTRADICT = 12
# If the letters fit the declared language, it is replaced only if the probability of another language is at least
# MIN_CONFIDENCE. The probability of the declared language must also be below MAX_DECLARED_LIKELIHOOD.
MIN_CONFIDENCE = 0.9
MAX_DECLARED_LIKELIHOOD = 0.02
# A mostly Latin text can be in the declared language if at least this share of its letters belongs to the script of
# that language, such as Cyrillic for Russian. The share is low, because a Russian manual can contain much code.
MIN_OWN_LETTER_SHARE = 0.15
ENGLISH_WORD = re.compile(r"\b(?:the|and|of|to|in|for|with|is|are|your|you|we|our|that|on|by)\b", re.IGNORECASE)
# If a text is declared as English and at least this share of its words are common English words, it counts as English.
# In this case, the language identifier, which is slow to load, is not needed.
MIN_ENGLISH_SHARE = 0.12
# Language codes, and the codes that replace them in comparisons. Former codes are replaced (`iw` becomes `he`), and
# also varieties of a language (`yue`, Cantonese, becomes `zh`).
SYNONYMS = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "yue": "zh", "cmn": "zh"}

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
# Matches a letter of any script in `SCRIPTS`.
OTHER_LETTER = re.compile("|".join(pattern.pattern for pattern, _ in SCRIPTS.values()))
ALSO_IN_LATIN = frozenset({"sr", "kk", "uz", "ku", "mn", "tt"})


def language_of(text: str, declared: str) -> str:
    """Return the primary language subtag in lower case, such as "en". Return "und" if the language is unknown."""
    sample = text[:SAMPLE_CHARACTERS]
    tag = LANGUAGE_TAG.match(declared.strip())
    declared_code = tag[1].lower() if tag else ""
    script = "" if sample.isascii() else _script(sample)
    if declared_code and _may_be_written_in(declared_code, script, sample):
        return declared_code if script in {"CJK", "Hangul"} else _confirmed(sample, declared_code)
    if script:
        return _language_of_script(sample, script)
    min_words = MIN_WORDS_TO_CONTRADICT if declared_code else MIN_WORDS
    return _ranked(sample)[0][0] if len(sample.split()) > min_words else declared_code or UNKNOWN


def _script(text: str) -> str:
    """Return the script, such as "Cyrillic", to which most letters belong.

    Return '' if the script is Latin, or if no script has more than half of the letters.
    """
    if not OTHER_LETTER.search(text):
        return ""
    letters = sum(map(str.isalpha, text))
    counts = {name: len(pattern.findall(text)) for name, (pattern, _) in SCRIPTS.items()}
    main_script = max(counts, key=counts.__getitem__)
    if main_script in {"CJK", "Hangul"}:
        main_script = "Hangul" if counts["Hangul"] > counts["CJK"] else "CJK"
    return main_script if counts[main_script] * 2 > letters > 0 else ""


def _may_be_written_in(language: str, script: str, text: str) -> bool:
    scripts = [name for name, (_, languages) in SCRIPTS.items() if SYNONYMS.get(language, language) in languages]
    if not scripts or (not script and language in ALSO_IN_LATIN):
        return script in scripts or not script
    letters = sum(map(str.isalpha, text))
    own_letters = sum(len(SCRIPTS[name][0].findall(text)) for name in scripts)
    return script in scripts or (not script and own_letters >= letters * MIN_OWN_LETTER_SHARE)


def _confirmed(text: str, declared: str) -> str:
    """Return the declared language, unless the words clearly belong to another language."""
    words = text.split()
    if len(words) < MIN_WORDS_TO_CONTRADICT or (
        declared == "en" and len(ENGLISH_WORD.findall(text)) >= len(words) * MIN_ENGLISH_SHARE
    ):
        return declared
    ranked = _ranked(text)
    likelihoods = dict(ranked)
    likeliest, confidence = ranked[0]
    is_other = (
        confidence >= MIN_CONFIDENCE
        and likelihoods.get(SYNONYMS.get(declared, declared), 1.0) < MAX_DECLARED_LIKELIHOOD
    )
    return likeliest if is_other else declared


def _language_of_script(text: str, script: str) -> str:
    languages = SCRIPTS[script][1]
    if script == "CJK":
        return "ja" if KANA.search(text) else "zh"
    if len(languages) == 1:
        return languages[0]
    return next((language for language, _ in _ranked(text) if language in languages), languages[0])


def _ranked(text: str) -> list[tuple[str, float]]:
    """Return the possible languages with their probabilities, most probable first.

    Codes that mean the same language are merged.
    """
    likelihoods: dict[str, float] = {}
    for language, likelihood in cast("list[tuple[str, float]]", identifier().rank(text)):
        name = SYNONYMS.get(language, language)
        likelihoods[name] = likelihoods.get(name, 0.0) + likelihood
    return sorted(likelihoods.items(), key=lambda item: -item[1])
