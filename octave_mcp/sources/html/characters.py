"""Removes invisible characters from the text of a page."""

from __future__ import annotations

import re
import unicodedata

# Matches soft hyphens, zero-width and bidirectional controls, variation selectors and the private-use characters E000
# to F8FF. Also matches tag characters, which can hide a message to a language model in visible text. `logos.py` and
# `markdown.py` use private-use characters as marks, so the text of a page must not contain such characters. The
# variation selector FE0F is kept, because it can turn the character before it into an emoji.
UNSEEN = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
JOINER = re.compile("[\u200c\u200d]")
# Joiners are kept only in texts that can need them: texts with Arabic or Indic letters, or with emoji (👩‍💻).
NEEDS_JOINER = re.compile("[\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\U0001f000-\U0001faff\u2600-\u27bf]")


def cleaned(text: str) -> str:
    """Return the text in Unicode normalization form C, without invisible characters."""
    if text.isascii():
        return text
    text = UNSEEN.sub("", unicodedata.normalize("NFC", text))
    return text if NEEDS_JOINER.search(text) else JOINER.sub("", text)
