"""Finds the ends of sentences, in the most common languages of web pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLOSERS = r"[\"”’')\]»]{0,3}"
# The next word shows whether a punctuation mark ends a sentence, so the pattern captures that word. Chinese and
# Japanese need no space after the mark.
_END = re.compile(
    rf"[.!?…؟۔।॥։።]{_CLOSERS}\s++(?=(?P<next>[\"“„«‘'(\[¿¡]{{0,3}}[^\W_][^\s.,;:!?]{{0,20}}))"
    r"|[。！？]{1,8}[」』”’）]{0,3}\s*+(?=\S)"
)
_BEFORE = re.compile(r"(?<![^\W\d_])(?:[^\W\d_]+\.){0,4}[^\W\d_]+$|(?<!\d)\d+$")
# Maximum number of characters to search before a punctuation mark. On long lines, a longer search would be slow.
_MAX_LOOKBEHIND = 48
# A Japanese particle after a closing quotation mark continues the sentence: 「…。」と述べた.
_PARTICLE_AFTER_QUOTE = re.compile(r"(?:と|って|という|とは|の|を|が|は|に)")
# A speaker after a quotation belongs to the same sentence as the quotation: '“It works!” Ada Moss said'. The pattern
# must not match 'Ada Moss said:', because the colon introduces a new quotation.
_SPEAKER = re.compile(
    r"[^\W\d_]+(?: [^\W\d_]+){0,3},? (?:says|said|asks|asked|adds|added|writes|wrote|explains|explained"
    r"|recalls)\b(?!\s*:)"
)

# Abbreviations that hardly ever end a sentence, because a name, a number or an example usually follows: 'Dr.',
# 'approx.', 'e.g.'.
_ABBREVIATIONS = frozenset(
    "mr mrs ms mx dr prof e.g i.e eg ie cf vs viz approx ca messrs mme mlle hr fr z.b d.h u.a bzw vgl dipl z resp"
    " evtl ggf inkl zzgl incl excl gen rep sen gov capt lt col sgt rev hon mt ft p.ej núm t.ex f.eks д.т г т.е им"
    " ул".split()
)
# Words that count as abbreviations only before a number, as in 'No. 5'. A word such as 'no' can end a sentence if no
# number follows.
_ABBREVIATIONS_BEFORE_NUMBERS = frozenset(
    "no nos nr fig figs vol sec art abs para ch p pp pg ed eq ref v ver ext tel jan feb mar apr jun jul aug sep sept"
    " oct nov dec min max § стр рис".split()
)
# The full stop after these abbreviations can also end a sentence, but does not in 'St. Louis'.
_FINAL_ABBREVIATIONS = frozenset(
    "inc ltd co corp llc plc bros jr sr st ave blvd rd sq dept univ assn intl govt ing sra dra srl s.a s.p.a"
    " s.r.l".split()
)
# Words that often start a sentence and are rarely names, so 'Acme Inc. The ...' is split after 'Inc.'.
_SENTENCE_STARTERS = frozenset(
    "a an the it its this that these those we our you your they their he she his her i my in on at for with from by"
    " as to of and but or so if when while after before since until once now then there here what why how who where"
    " which all both each every some many most no not only also today however because is are was were has have do"
    " does can will der die das ein eine wir unser unsere sie ihr ihre es er ich im in am auf mit für von bei und"
    " aber oder wenn als nach seit heute le la les un une nous notre nos vous votre vos ils elle elles il ce cette"
    " ces dans en avec pour par et mais el los las una nuestro nuestra este esta con para por y pero o os nós nosso"
    " il lo gli i noi per ma de het een wij we onze zij in met voor en".split()
)
# In German and other languages, an ordinal such as '3.' can precede these words: 'Mai', 'Quartal'.
_NOUN_AFTER_ORDINAL = re.compile(
    r"(?:jan|feb|mär|maa|apr|mai|maj|mei|jun|jul|aug|sep|okt|nov|dez|dec|des)\w*$|(?:jahrhundert|quartal|halbjahr|auflage|platz|stock)",
    re.IGNORECASE,
)
# Maximum number of digits in an ordinal, and of letters in each part of an abbreviation such as 'p.m.': '31.' can be a
# day, but '2026.' ends a sentence.
_MAX_ORDINAL_LENGTH = 2
# An ellipsis after a space, as in 'with … Acme', does not end a sentence.
_OMISSION = re.compile(r"(?:^|\s)(?:\[?…\]?|\[?\.\.\.\]?)$")


def ends_of_sentences(line: str, start: int = 0) -> Iterator[int]:
    """Yield the end offset of each sentence except the last.

    The end offset includes the white space after the sentence.
    """
    for match in _END.finditer(line, start):
        if match["next"] is None:
            is_end = not (_closes_quote(match[0]) and _PARTICLE_AFTER_QUOTE.match(line, match.end()))
        else:
            is_end = not _first_letter(match["next"]).islower() and _ends(line, start, match)
        if is_end:
            yield match.end()


def _closes_quote(end: str) -> bool:
    return end.rstrip()[-1] in "」』”’）"


def _first_letter(word: str) -> str:
    return word.lstrip("\"“„«‘'([¿¡")[:1]


def _ends(line: str, start: int, match: re.Match[str]) -> bool:
    end, following = match[0].rstrip(), match["next"]
    before = line[max(start, match.start() - _MAX_LOOKBEHIND) : match.start()]
    if not end.endswith((")", "]")) and len(end) > 1 and _SPEAKER.match(line, match.end()):
        return False
    if end[0] == "…" or before.endswith(".."):
        return not _OMISSION.search(before + end)
    return end not in {".", ".)", ".]"} or not _is_abbreviated(before, following)


def _is_abbreviated(before: str, following: str) -> bool:
    """Whether the full stop after the text `before` belongs to an abbreviation and does not end the sentence."""
    word, starts = _last_word(before), following.lower() in _SENTENCE_STARTERS and following[:1].isupper()
    if word.isdigit():
        return _is_ordinal(before[: -len(word)], word, following)
    lower = word.lower()
    if lower in _ABBREVIATIONS:
        return True
    if lower in _ABBREVIATIONS_BEFORE_NUMBERS:
        return following[:1].isdigit()
    is_short = (
        len(word) == 1
        or lower in _FINAL_ABBREVIATIONS
        or ("." in word and max(map(len, word.split("."))) <= _MAX_ORDINAL_LENGTH)
    )
    return is_short and not starts


def _last_word(text: str) -> str:
    """Return the word or number at the end of the text, or '' if there is none. 'e.g' counts as one word."""
    last = _BEFORE.search(text, text.rfind(" ") + 1)
    return last[0] if last else ""


def _is_ordinal(before: str, number: str, following: str) -> bool:
    """Whether the number is a list number or an ordinal, whose full stop does not end a sentence."""
    if len(number) > _MAX_ORDINAL_LENGTH or (before and not before[-1].isspace()):
        return False
    text_before = before.rstrip()
    is_counted = _last_word(text_before[:-1]).lower() in _ABBREVIATIONS_BEFORE_NUMBERS
    is_item = not text_before or (text_before[-1] in ".!?:;…" and not is_counted)
    return is_item or bool(_NOUN_AFTER_ORDINAL.match(following))
