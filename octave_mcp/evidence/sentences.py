"""Where sentences end, as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLOSERS = r"[\"”’')\]»]{0,3}"
_END = re.compile(
    rf"[.!?…؟۔।॥։።]{_CLOSERS}\s++(?=(?P<next>[\"“„«‘'(\[¿¡]{{0,3}}[^\W_][^\s.,;:!?]{{0,20}}))"
    r"|[。！？]{1,8}[」』”’）]{0,3}\s*+(?=\S)"
)
_BEFORE = re.compile(r"(?<![^\W\d_])(?:[^\W\d_]+\.){0,4}[^\W\d_]+$|(?<!\d)\d+$")
# Characters: what is looked at before each mark is bounded, so that long lines take linear time.
_LONGEST_BEFORE = 48
_QUOTES_GO_ON = re.compile(r"(?:と|って|という|とは|の|を|が|は|に)")
_SAID = re.compile(
    r"[^\W\d_]+(?: [^\W\d_]+){0,3},? (?:says|said|asks|asked|adds|added|writes|wrote|explains|explained"
    r"|recalls)\b(?!\s*:)"
)

# A name, an amount or an example follows.
_ALWAYS_GO_ON = frozenset(
    "mr mrs ms mx dr prof e.g i.e eg ie cf vs viz approx ca messrs mme mlle hr fr z.b d.h u.a bzw vgl dipl z resp"
    " evtl ggf inkl zzgl incl excl gen rep sen gov capt lt col sgt rev hon mt ft p.ej núm t.ex f.eks д.т г т.е им"
    " ул".split()
)
_GO_ON_BEFORE_NUMBERS = frozenset(
    "no nos nr fig figs vol sec art abs para ch p pp pg ed eq ref v ver ext tel jan feb mar apr jun jul aug sep sept"
    " oct nov dec min max § стр рис".split()
)
# The last word of a sentence, or of a name that goes on.
_MAY_END = frozenset(
    "inc ltd co corp llc plc bros jr sr st ave blvd rd sq dept univ assn intl govt ing sra dra srl s.a s.p.a"
    " s.r.l".split()
)
# Words that begin a sentence, and are seldom a name.
_STARTS = frozenset(
    "a an the it its this that these those we our you your they their he she his her i my in on at for with from by"
    " as to of and but or so if when while after before since until once now then there here what why how who where"
    " which all both each every some many most no not only also today however because is are was were has have do"
    " does can will der die das ein eine wir unser unsere sie ihr ihre es er ich im in am auf mit für von bei und"
    " aber oder wenn als nach seit heute le la les un une nous notre nos vous votre vos ils elle elles il ce cette"
    " ces dans en avec pour par et mais el los las una nuestro nuestra este esta con para por y pero o os nós nosso"
    " il lo gli i noi per ma de het een wij we onze zij in met voor en".split()
)
_MONTHS = re.compile(
    r"(?:jan|feb|mär|maa|apr|mai|maj|mei|jun|jul|aug|sep|okt|nov|dez|dec|des)\w*$|(?:jahrhundert|quartal|halbjahr|auflage|platz|stock)",
    re.IGNORECASE,
)
_LONGEST_ORDINAL = 2
_ASIDE = re.compile(r"(?:^|\s)(?:\[?…\]?|\[?\.\.\.\]?)$")


def ends_of_sentences(line: str, start: int = 0) -> Iterator[int]:
    """Where each sentence of a line but the last ends, the white space after it included."""
    for found in _END.finditer(line, start):
        if found["next"] is None:
            is_end = not (_quotes(found[0]) and _QUOTES_GO_ON.match(line, found.end()))
        else:
            is_end = not _first_letter(found["next"]).islower() and _ends(line, start, found)
        if is_end:
            yield found.end()


def _quotes(end: str) -> bool:
    return end.rstrip()[-1] in "」』”’）"


def _first_letter(word: str) -> str:
    return word.lstrip("\"“„«‘'([¿¡")[:1]


def _ends(line: str, start: int, found: re.Match[str]) -> bool:
    end, following = found[0].rstrip(), found["next"]
    before = line[max(start, found.start() - _LONGEST_BEFORE) : found.start()]
    if not end.endswith((")", "]")) and len(end) > 1 and _SAID.match(line, found.end()):
        return False
    if end[0] == "…" or before.endswith(".."):
        return not _ASIDE.search(before + end)
    return end not in {".", ".)", ".]"} or not _is_abbreviated(before, following)


def _is_abbreviated(before: str, following: str) -> bool:
    """Whether the full stop after `before` belongs to its last word, so that the sentence goes on."""
    word, starts = _last_word(before), following.lower() in _STARTS and following[:1].isupper()
    if word.isdigit():
        return _is_ordinal(before[: -len(word)], word, following)
    lower = word.lower()
    if lower in _ALWAYS_GO_ON:
        return True
    if lower in _GO_ON_BEFORE_NUMBERS:
        return following[:1].isdigit()
    is_short = (
        len(word) == 1 or lower in _MAY_END or ("." in word and max(map(len, word.split("."))) <= _LONGEST_ORDINAL)
    )
    return is_short and not starts


def _last_word(text: str) -> str:
    """The last word or number, with the full stops within it; empty if the text does not end in one."""
    last = _BEFORE.search(text, text.rfind(" ") + 1)
    return last[0] if last else ""


def _is_ordinal(before: str, number: str, following: str) -> bool:
    """Whether a number counts an item of a list, or a day, rather than ending a sentence."""
    if len(number) > _LONGEST_ORDINAL or (before and not before[-1].isspace()):
        return False
    said = before.rstrip()
    is_counted = _last_word(said[:-1]).lower() in _GO_ON_BEFORE_NUMBERS
    is_item = not said or (said[-1] in ".!?:;…" and not is_counted)
    return is_item or bool(_MONTHS.match(following))
