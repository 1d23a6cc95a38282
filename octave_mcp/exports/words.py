"""Words for the codes of a playbook, as a rep would say them."""

from __future__ import annotations

from collections.abc import Mapping

from octave_mcp.domain.deal import HowKnown
from octave_mcp.domain.findings import UNDATED, Relation, Whereabouts
from octave_mcp.domain.notices import FlagCode

# What a flag is called, and what it means to a rep.
FLAGS: Mapping[FlagCode, tuple[str, str]] = {
    "default_model": (
        "Nobody chose the model",
        "Name one to have the playbook written by it.",
    ),
    "extractive": (
        "Collected without a language model",
        "Check the quotation before you use a line.",
    ),
    "recorded": (
        "Replayed from a recording",
        "A model wrote this copy earlier; its quotations are from the pages as they are now.",
    ),
    "low_confidence": (
        "Thin evidence",
        "The websites gave little to read: check each claim before you use it.",
    ),
    "existing_customer": (
        "Already a customer",
        "The approach is expansion, and the prospect's own story is not used as proof.",
    ),
    "vendor_is_customer": (
        "You are their customer",
        "The prospect's own pages say so. Open with it: no other reason to write is as warm.",
    ),
    "reused": (
        "Earlier research used again",
        "Some pages were read for an earlier playbook: see the dates in the sources.",
    ),
    "stood_in": (
        "Another model stood in",
        "The model asked for did not give every answer.",
    ),
    "slow_model": (
        "The model was slow",
        "The run took longer for this reason only; the playbook is not affected.",
    ),
    "translated": (
        "Translated",
        "Some quotations are in another language than the playbook: they are kept as the page has them.",
    ),
    "suspicious_page": (
        "A page tried to give instructions",
        "It was read as text and nothing in it was obeyed: check what rests on it.",
    ),
}

WHEREABOUTS: Mapping[Whereabouts, str] = {
    "leadership": "leadership",
    "team": "team",
    "author": "author",
    "speaker": "speaker",
    "testimonial": "signs a testimonial",
}

# What a company has to do with tools, partners or certificates that are listed after it.
TOOLS: Mapping[Relation, str] = {
    "uses": "runs on",
    "sells": "offers integrations with",
    "customer_uses": "has customers who use",
    "partner": "has as partners",
    "certificate": "is certified to",
}

HOW_KNOWN: Mapping[HowKnown, str] = {
    "named": "named on their site",
    "inferred": "no name found: people with this title sign the vendor's references",
    "missing": "nobody found",
}

# What a listener says to end a call.
BRUSH_OFFS: Mapping[str, str] = {
    "send_something": "Send me something.",
    "no_budget": "We have no budget.",
    "have_a_tool": "We already have a tool.",
    "not_me": "I'm not the right person.",
    "not_now": "Not now.",
}

# What the call to action of an e-mail does.
ASKS: Mapping[str, str] = {
    "interest": "asks if it is of interest",
    "offer": "offers something",
    "meeting": "asks for a meeting",
    "goodbye": "says goodbye",
}

AUDIENCES: Mapping[str, str] = {"internal": "for your eyes only", "customer_facing": "may be shown to the customer"}

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
    """A code as a rep would say it: 'case_study' as 'Case study'."""
    spaced = code.replace("_", " ").replace(".", ": ")
    return spaced[:1].upper() + spaced[1:]


def language_in_words(code: str) -> str:
    """'German' for 'de' and 'de-AT'; the code itself for a language without a name here."""
    return LANGUAGES.get(code.split("-", maxsplit=1)[0].lower(), code)


def page_of(date: str) -> str:
    return "undated page" if date == UNDATED else f"page of {date}"
