"""Characters that no reader of a page sees."""

from __future__ import annotations

import re
import unicodedata

# Zero-width, bidirectional, tag, variation and private characters; FE0F and the joiners belong to emoji and scripts.
UNSEEN = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
JOINER = re.compile("[\u200c\u200d]")
NEEDS_JOINER = re.compile("[\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\U0001f000-\U0001faff\u2600-\u27bf]")


def cleaned(text: str) -> str:
    """Composed, and without the characters that no reader sees."""
    if text.isascii():
        return text
    text = UNSEEN.sub("", unicodedata.normalize("NFC", text))
    return text if NEEDS_JOINER.search(text) else JOINER.sub("", text)
