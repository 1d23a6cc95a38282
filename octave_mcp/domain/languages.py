"""The languages of a playbook. A caller can name a language by its code or its name; the request stores the code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from octave_mcp.errors import UnsupportedLanguage

# The English name of each language, and its own name if that differs. If several languages have the same name, it means
# the first of them.
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "af": ("Afrikaans",),
    "ar": ("Arabic", "العربية"),
    "bg": ("Bulgarian", "български"),
    "bn": ("Bengali", "বাংলা"),
    "bs": ("Bosnian", "bosanski"),
    "ca": ("Catalan", "català"),
    "cs": ("Czech", "čeština"),
    "cy": ("Welsh", "Cymraeg"),
    "da": ("Danish", "dansk"),
    "de": ("German", "Deutsch"),
    "el": ("Greek", "ελληνικά"),
    "en": ("English",),
    "es": ("Spanish", "español"),
    "et": ("Estonian", "eesti"),
    "eu": ("Basque", "euskara"),
    "fa": ("Persian", "فارسی"),
    "fi": ("Finnish", "suomi"),
    "fr": ("French", "français"),
    "ga": ("Irish", "Gaeilge"),
    "gl": ("Galician", "galego"),
    "gu": ("Gujarati", "ગુજરાતી"),
    "he": ("Hebrew", "עברית"),
    "hi": ("Hindi", "हिन्दी"),
    "hr": ("Croatian", "hrvatski"),
    "hu": ("Hungarian", "magyar"),
    "hy": ("Armenian", "հայերեն"),
    "id": ("Indonesian", "Bahasa Indonesia"),
    "is": ("Icelandic", "íslenska"),
    "it": ("Italian", "italiano"),
    "ja": ("Japanese", "日本語"),
    "ka": ("Georgian", "ქართული"),
    "kk": ("Kazakh", "қазақ тілі"),
    "kn": ("Kannada", "ಕನ್ನಡ"),
    "ko": ("Korean", "한국어"),
    "lb": ("Luxembourgish", "Lëtzebuergesch"),
    "lt": ("Lithuanian", "lietuvių"),
    "lv": ("Latvian", "latviešu"),
    "mk": ("Macedonian", "македонски"),
    "ml": ("Malayalam", "മലയാളം"),
    "mr": ("Marathi", "मराठी"),
    "ms": ("Malay", "Bahasa Melayu"),
    "mt": ("Maltese", "Malti"),
    "nl": ("Dutch", "Nederlands"),
    "no": ("Norwegian", "norsk"),
    "nb": ("Norwegian", "norsk bokmål"),
    "nn": ("Norwegian", "norsk nynorsk"),
    "pa": ("Punjabi", "ਪੰਜਾਬੀ"),
    "pl": ("Polish", "polski"),
    "pt": ("Portuguese", "português"),
    "ro": ("Romanian", "română"),
    "ru": ("Russian", "русский"),
    "sk": ("Slovak", "slovenčina"),
    "sl": ("Slovenian", "slovenščina"),
    "sq": ("Albanian", "shqip"),
    "sr": ("Serbian", "српски", "srpski"),
    "sv": ("Swedish", "svenska"),
    "sw": ("Swahili", "Kiswahili"),
    "ta": ("Tamil", "தமிழ்"),
    "te": ("Telugu", "తెలుగు"),
    "th": ("Thai", "ไทย"),
    "tl": ("Tagalog", "Filipino"),
    "tr": ("Turkish", "Türkçe"),
    "uk": ("Ukrainian", "українська"),
    "ur": ("Urdu", "اردو"),
    "vi": ("Vietnamese", "Tiếng Việt"),
    "zh": ("Chinese", "中文"),
}
_CODES = {name.casefold(): code for code, names in reversed(LANGUAGES.items()) for name in names}
# Forms of a language that are written differently enough to be worth asking a model for. Of any other code, only the
# language is used: 'en-US' becomes 'en'.
VARIANTS = (
    "de-AT",
    "de-CH",
    "en-AU",
    "en-CA",
    "en-GB",
    "es-MX",
    "fr-CA",
    "pt-BR",
    "zh-HK",
    "zh-TW",
    "zh-Hans",
    "zh-Hant",
)
_VARIANTS = {variant.casefold(): variant for variant in VARIANTS}
_CODE = re.compile(r"(?P<language>[a-z]{2})(?:-[a-z0-9]{1,8})*")


def language_code(given: str) -> str:
    """Return the code of a language: 'de' for 'de-DE', 'DE', 'German' and 'Deutsch', and 'pt-BR' for 'pt_br'.

    Raises:
        UnsupportedLanguage: If there is no such language.
    """
    text = " ".join(given.split()).casefold()
    code = _CODE.fullmatch(tag := text.replace("_", "-"))
    if code and code["language"] in LANGUAGES:
        return _VARIANTS.get(tag, code["language"])
    if text in _CODES:
        return _CODES[text]
    raise UnsupportedLanguage(
        f"{given!r} is not a known language; give a code, like 'en' or 'pt-BR', or a name, like 'German'", "language"
    )


def is_written(code: str, languages: frozenset[str] | None) -> bool:
    """Whether a model that writes these languages, or any language if it is None, can write a language or variant."""
    return languages is None or not languages.isdisjoint({code, code.partition("-")[0]})
