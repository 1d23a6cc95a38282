"""Texts that readers see in place of the codes in a playbook."""

from __future__ import annotations

from collections.abc import Mapping

from octave_mcp.domain.deal import HowKnown
from octave_mcp.domain.findings import UNDATED, Relation, Whereabouts
from octave_mcp.domain.notices import FlagCode

# The title of each flag, and what the flag means for a sales rep. The reason for the flag is shown after these texts.
FLAGS: Mapping[FlagCode, tuple[str, str]] = {
    "default_model": (
        "The model was chosen automatically",
        "To use another model, choose it when you start a run.",
    ),
    "extractive": (
        "Collected without a language model",
        "Before you use a line, check its quotation.",
    ),
    "recorded": (
        "Replayed from a recording",
        "A model wrote this copy earlier. The quotations are from the current pages.",
    ),
    "low_confidence": (
        "Thin evidence",
        "There was little to read on the websites. Check each claim before you use it.",
    ),
    "existing_customer": (
        "Already a customer",
        "Sell more to this customer. The vendor's customer story about the prospect is not used as proof.",
    ),
    "vendor_is_customer": (
        "You are their customer",
        "The prospect's own pages say so. Mention this first: there is no better reason to write.",
    ),
    "reused": (
        "Earlier research was reused",
        "Some pages were read for an earlier playbook. The sources show the dates.",
    ),
    "stood_in": (
        "A fallback model answered",
        "The chosen model did not give every answer.",
    ),
    "slow_model": (
        "The model was slow",
        "The run took longer, but the playbook is not affected.",
    ),
    "translated": (
        "Sources in another language",
        "Some quotations are not in the language of the playbook. They are shown in their original language.",
    ),
    "suspicious_page": (
        "A page contains instructions for AI models",
        "No instruction on the page was followed. Check the claims that cite this page.",
    ),
}

WHEREABOUTS: Mapping[Whereabouts, str] = {
    "leadership": "leadership",
    "team": "team",
    "author": "author",
    "speaker": "speaker",
    "testimonial": "quoted in a testimonial",
}

# Words before a list of tools, partners or certificates, as in "is certified to ISO 27001".
TOOLS: Mapping[Relation, str] = {
    "uses": "runs on",
    "sells": "offers integrations with",
    "customer_uses": "has customers who use",
    "partner": "partners with",
    "certificate": "is certified to",
}

HOW_KNOWN: Mapping[HowKnown, str] = {
    "named": "named on their site",
    "inferred": "no name found; the vendor's customers have people with this title",
    "missing": "no one found",
}

# What people say to end a sales call early.
BRUSH_OFFS: Mapping[str, str] = {
    "send_something": "Send me something.",
    "no_budget": "We have no budget.",
    "have_a_tool": "We already have a tool.",
    "not_me": "I'm not the right person.",
    "not_now": "Not now.",
}

# Descriptions of the call to action in an e-mail.
ASKS: Mapping[str, str] = {
    "interest": "asks whether the reader is interested",
    "offer": "offers something",
    "meeting": "asks for a meeting",
    "goodbye": "says goodbye",
}

AUDIENCES: Mapping[str, str] = {"internal": "internal, do not share", "customer_facing": "can be shown to the customer"}

LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nb": "Norwegian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def in_words(code: str) -> str:
    """Return a code in words, such as 'Case study' for 'case_study'."""
    spaced = code.replace("_", " ").replace(".", ": ")
    return spaced[:1].upper() + spaced[1:]


def language_in_words(code: str) -> str:
    """Return 'German' for 'de' and 'de-AT', or the code itself if `LANGUAGES` has no name for the language."""
    return LANGUAGES.get(code.split("-", maxsplit=1)[0].lower(), code)


def as_sentence(text: str) -> str:
    """Return the text of a flag or gap with a capital letter at the start and a full stop at the end.

    The texts of flags and gaps start in lower case, because reports put them after a colon. A first word that is a
    domain, a number or a name such as 'eBay' stays unchanged.
    """
    first = text.split(maxsplit=1)[0] if text else ""
    start = text[:1].upper() if first.isalpha() and first.islower() else text[:1]
    return f"{start}{text[1:]}{'' if text.endswith(('.', '!', '?', '…')) else '.'}"


def page_of(date: str) -> str:
    return "undated page" if date == UNDATED else f"page dated {date}"
