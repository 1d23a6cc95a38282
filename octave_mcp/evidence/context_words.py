"""Finds the meaningful words in the user's context, and searches other texts for these words.

A word matches in any grammatical form. In scripts without spaces, such as Chinese, pairs of characters are compared
instead of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from octave_mcp.domain.names import folded, spellings
from octave_mcp.evidence.stemming import has_stems, stem

# In most scripts, shorter words, such as 'we' and 'go', are ignored, except acronyms such as 'IT'.
MIN_WORD_LENGTH = 3
MIN_ACRONYM_LENGTH = 2
# Only words of six or more letters match anywhere inside a longer word: 'Rechnung' matches 'Rechnungsprüfung', but
# 'port' does not match 'support'.
MIN_COMPOUND_PART_LENGTH = 6
# In scripts such as Chinese, word boundaries are unknown, so a word counts as found if the text contains at least a
# third of its pairs of characters.
MIN_SHARE_OF_PAIRS = 1 / 3
# A language is recognised by at least two of its function words. A single function word is not enough, because words
# such as 'die', 'no' and 'an' exist in several languages.
MIN_FUNCTION_WORDS = 2

# The `stop_words` library lists these words as stop words, but a deal can be about 'orders' or 'fire' safety.
MEANINGFUL_STOP_WORDS = frozenset("bill computer fire microsoft mill order orders research test".split())

# Greetings and words about selling are ignored, because 'lead with the offer' says nothing about the prospect.
SALES_TALK = frozenset(
    """
    hey hello dear thanks reach pitch pitching talk talking talks sell sells selling sold buy buying speak speaking meet
    meeting deal deals prospect prospects vendor approach approaching mention mentions mentioned focus focusing lead
    leads offer offering offers care cares people person someone contact contacts e-mail email emails told tell write
    angle aim aiming goal convince convincing heard hear love loves
    hallo guten tag bitte danke reden sprechen verkaufen verkauf anbieten zuerst erst gespräch ansprechen erwähnen
    überzeugen möchten wollen brauchen leute anschreiben erreichen kunde interessiert
    bonjour salut merci parler vendre vente joindre contacter premier première d'abord veulent voulons besoin gens
    convaincre mentionner proposer rencontrer
    hola gracias hablar vender venta contactar primero primera quieren queremos necesitan gente convencer mencionar
    ofrecer llegar reunión
    ciao buongiorno grazie parlare vendere vendita contattare prima primo vogliono vogliamo bisogno persone convincere
    olá obrigado obrigada falar vender venda contatar contactar primeiro primeira querem queremos precisam pessoas
    goedendag dank bedankt praten spreken verkopen verkoop bereiken eerst willen nodig mensen overtuigen
    你好 您好 谢谢 销售 推销 联系 首先 希望 需要 想要 公司 하고 싶습니다 판매하고 안녕하세요
    """.split()
)

# Hiragana is excluded, because it mostly spells the grammar of a Japanese sentence, and rarely its content words.
_WORD = re.compile(
    r"[\u3400-\u9fff]+|[\u30a0-\u30ff]+|[\u0e00-\u0e7f]+|[\uac00-\ud7af]+|"
    r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af][^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]*"
)
# Frequent Chinese pronouns, particles, verbs and similar words. A Chinese text is split at these characters, because it
# has no spaces.
CHINESE_GRAMMAR = "我你您他她它们的了着过在是和与给把被向对就也都很想要为从让请"
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_UNSPACED = re.compile(r"[\u30a0-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uac00-\ud7af]")


class _Form(NamedTuple):
    """One spelling of a word, the prefix that all its grammatical forms share, and its stem in each language.

    In a script without spaces, the word has `pairs` of characters instead of a prefix and stems.
    """

    spelling: str
    start: str = ""
    stems: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()


def telling_words(context: str) -> tuple[str, ...]:
    """Return the meaningful words in the context, in lower case and without duplicates."""
    return tuple(_meaningful_words(context))


def as_written(context: str) -> dict[str, str]:
    """Map the lower-case form of each meaningful word to the word as the user wrote it."""
    return dict(_meaningful_words(context))


class ContextWords:
    """Searches texts for the meaningful words in a user's context."""

    def __init__(self, context: str) -> None:
        self.words = telling_words(context)
        self._languages = tuple(filter(has_stems, _languages(context))) if self.words else ()
        self._acronym_patterns = _acronym_patterns(context)
        self._forms = {word: [self._form_of(spelling) for spelling in spellings(word)] for word in self.words}

    def matched_words(self, text: str) -> frozenset[str]:
        """Return the words of the context that occur in the text."""
        plain = folded(text)
        matches = (word for word, forms in self._forms.items() if any(self._is_in(form, plain) for form in forms))
        return frozenset(
            word for word in matches if word not in self._acronym_patterns or self._acronym_patterns[word].search(text)
        )

    def _form_of(self, spelling: str) -> _Form:
        if _UNSPACED.match(spelling):
            return _Form(spelling, pairs=tuple(spelling[at : at + 2] for at in range(max(1, len(spelling) - 1))))
        stems = self._stems(spelling)
        shared = _shared_prefix(spelling, *stems)
        # The common prefix of the word and its stems is shortened by one letter, so that 'hire' also finds 'hiring'.
        # Prefixes of up to three letters are not shortened.
        return _Form(spelling, shared[: max(MIN_WORD_LENGTH, len(shared) - 1)], stems)

    def _stems(self, word: str) -> tuple[str, ...]:
        return tuple(stem(word, language) for language in self._languages)

    def _is_in(self, form: _Form, text: str) -> bool:
        if form.start not in text:
            return False
        if form.pairs:
            return sum(pair in text for pair in form.pairs) >= len(form.pairs) * MIN_SHARE_OF_PAIRS
        if len(form.spelling) >= MIN_COMPOUND_PART_LENGTH and form.spelling in text:
            return True
        return any(self._is_same(form, other) for other in _words_with_prefix(form.start, text))

    def _is_same(self, form: _Form, other: str) -> bool:
        return other == form.spelling or any(
            stem_of_form == stem_of_other
            for stem_of_form, stem_of_other in zip(form.stems, self._stems(other), strict=True)
        )


@lru_cache(maxsize=64)
def _meaningful_words(context: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for word in _words(context, _ignored(context)):
        words.setdefault(word.casefold(), word)
    return words


def _ignored(context: str) -> frozenset[str]:
    return SALES_TALK.union(*map(_stop_words, _languages(context))) - MEANINGFUL_STOP_WORDS


def _acronym_patterns(context: str) -> dict[str, re.Pattern[str]]:
    """Return case-sensitive patterns for acronyms that are spelled like stop words: 'IT' must not match 'it'."""
    ignored = _ignored(context)
    return {
        word: re.compile(rf"(?<!\w){written}(?!\w)")
        for word, written in _meaningful_words(context).items()
        if word in ignored
    }


def _words(context: str, ignored: frozenset[str]) -> Iterator[str]:
    is_shouted = context.isupper()
    for word in _WORD.findall(context):
        if _CHINESE.match(word):
            yield from _without_grammar(word, ignored)
        elif _UNSPACED.match(word):
            yield from (word,) if word not in ignored else ()
        elif _is_acronym(word, is_shouted) or (len(word) >= MIN_WORD_LENGTH and word.casefold() not in ignored):
            yield word


def _is_acronym(word: str, is_shouted: bool) -> bool:
    return len(word) >= MIN_ACRONYM_LENGTH and word.isupper() and not is_shouted


def _without_grammar(text: str, ignored: Iterable[str]) -> Iterator[str]:
    """Split a Chinese text at grammatical words and at the words in `ignored`.

    Parts of a single character are dropped.
    """
    between = sorted((word for word in ignored if len(word) > 1 and _CHINESE.match(word)), key=len, reverse=True)
    parts = re.split("|".join((*map(re.escape, between), f"[{CHINESE_GRAMMAR}]")), text)
    return (part for part in parts if len(part) > 1)


@lru_cache(maxsize=64)
def _languages(context: str) -> tuple[str, ...]:
    """Return the languages of the context, named as in the `stop_words` library.

    English is always included. Other languages are recognised by their function words or their script.
    """
    from stop_words import AVAILABLE_LANGUAGES  # noqa: PLC0415 - only contexts need it

    words = {word.casefold() for word in re.findall(r"[^\W\d_]+", context)}
    unspaced = [language for language, sign in _SCRIPTS.items() if sign.search(context)]
    counts = {language: len(words & _stop_words(language)) for language in AVAILABLE_LANGUAGES}
    likeliest = max(counts, key=lambda language: (counts[language], language == "english"))
    spoken = [likeliest] if counts[likeliest] >= MIN_FUNCTION_WORDS else []
    return tuple(dict.fromkeys(("english", *spoken, *unspaced)))


_SCRIPTS = {"chinese": _CHINESE, "japanese": re.compile(r"[\u3040-\u30ff]"), "korean": re.compile(r"[\uac00-\ud7af]")}


@lru_cache(maxsize=64)
def _stop_words(language: str) -> frozenset[str]:
    from stop_words import get_stop_words  # noqa: PLC0415 - only contexts need it

    return frozenset(word.casefold() for word in get_stop_words(language))


def _shared_prefix(*words: str) -> str:
    together = zip(*words, strict=False)
    return "".join(letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, together))


def _words_with_prefix(start: str, text: str) -> set[str]:
    return set(re.findall(rf"(?<![^\W_]){re.escape(start)}[^\W_]*", text))
