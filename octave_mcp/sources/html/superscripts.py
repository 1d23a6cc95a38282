"""Converts superscripts to text: cents become a fraction, exponents become "²", and footnote marks are dropped."""

from __future__ import annotations

import re

# Matches footnote marks: "1", "2, 3", "*", "†", "[a]", "(iv)", "Note 4".
FOOTNOTE = re.compile(
    r"[\d\s,;–-]+|[*†‡§¶#,;\s]+|\(\d{1,3}\)|\d{1,3}\)|\[[^\[\]]{1,30}\]|\(?[a-d]\)?|\(?[ivx]{1,4}\)"
    r"|(?:foot)?notes?\b.{0,20}|(?:fußnote|note de bas de page)\b.{0,20}",
    re.IGNORECASE,
)
SYMBOL = re.compile(r"[®™℠©°ºª+%‰′″!?.,]+|°[CF]|/.+")
MARKS = {"tm": "™", "(tm)": "™", "sm": "℠", "(sm)": "℠", "r": "®", "(r)": "®", "(c)": "©"}
CURRENCY = r"[$€£¥₹₩₽₺฿₫]"
CURRENCY_SIGN = re.compile(rf"(?:[A-Z]{{1,3}})?{CURRENCY}")
WHOLE_PRICE = re.compile(rf"{CURRENCY}\s?(\d{{1,3}}(?:[., ’']\d{{3}})+|\d{{1,6}})\Z")
WHOLE_NUMBER = re.compile(r"(?<![\d.,])(\d{1,3}(?:[., ’']\d{3}){1,6}|\d{1,6})\Z")
CENTS = re.compile(rf"([.,]?)(\d\d)\s?({CURRENCY}|[¢c])?")
CURRENCY_NEXT = re.compile(rf"\s?{CURRENCY}")
FRACTION_BAR = re.compile(r"\s*[/⁄]\s*(?:\d|\Z)")
ORDINAL_ENDING = re.compile(r"st|nd|rd|th|e|er|re|ère|ème|nde?|o|a|os|as|ste|de|ter|te", re.IGNORECASE)
ROMAN_NUMERAL = re.compile(r"(?<!\w)[IVXLC]+\Z")
LENGTH_UNIT = re.compile(r"(?:(?<!\w)|\d)(?:[kcdmµn]?m|ft|yd|px)\Z|\d\s?(?:in|mi)\Z|(?<!\w)sq\.?\s?(?:m|ft)\Z")
# Matches amounts such as "$5m", in which "m" means million. A superscript 2 after "$5m" is a footnote mark and not an
# exponent.
AMOUNT_OF_MILLIONS = re.compile(rf"{CURRENCY}\s?[\d.,]+\s?m\Z")
# A superscript number after one small letter, "R", "= mc", a closing bracket or "× 10" is treated as an exponent.
VARIABLE = re.compile(r"(?<![\w’'])[a-zR]\Z|=\s?mc\Z|[)\]]\Z|(?<!\w)[×x*·]\s?10\Z")
# After "10" alone, as in "10⁶", only common exponents are accepted, because any other superscript number is probably a
# footnote mark.
TEN, COMMON_EXPONENT = re.compile(r"(?<![\d.,])10\Z"), re.compile(r"[69]|1[258]|[-−–]\d{1,2}")
EXPONENT = re.compile(r"[-−–]?\d{1,2}|n")
TO_SUPERSCRIPT = str.maketrans("0123456789-−–n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻ⁿ")
ABBREVIATION = re.compile(r"(?:(?<!\w)[^\W\d_]{1,2})\Z")
MAX_ENDING_CHARACTERS = 3


def superscript_text(text: str, before: str, after: str) -> str:
    """Return the text for a superscript.

    `before` is the text before the superscript in the same line, and `after` is the text after the superscript.
    """
    text = " ".join(text.split())
    line = before.rstrip()
    if mark := MARKS.get(text.lower()):
        return mark if line else ""
    if SYMBOL.fullmatch(text) or CURRENCY_SIGN.fullmatch(text):
        return text
    for interpret in (_fraction, _cents, _power, _ordinal):
        if (result := interpret(text, line, after)) is not None:
            return result
    if FOOTNOTE.fullmatch(text):
        return _inside_word(text, before, after)
    return _word_or_ending(text, line)


def price_fraction(text: str, before: str, after: str = "") -> str | None:
    """If the text consists of the cents of the price before it, return the cents as a fraction, such as ".99".

    Otherwise, return None.
    """
    match = CENTS.fullmatch(text)
    if not match:
        return None
    separator, digits, currency = match.groups()
    price = WHOLE_PRICE.search(before)
    number = price or (WHOLE_NUMBER.search(before) if currency or separator or CURRENCY_NEXT.match(after) else None)
    if not number:
        return text if separator and before.endswith(tuple("0123456789")) else None
    return f"{separator or _decimal_point(number[1], currency_first=price is not None)}{digits}{currency or ''}"


def _decimal_point(number: str, *, currency_first: bool) -> str:
    """Return the decimal separator between a number and its cents.

    The separator is a comma after "1.299", and also after "99" if the currency follows ("99,95 €"). Otherwise, the
    separator is a point.
    """
    return "," if "." in number or not (currency_first or "," in number) else "."


def _fraction(text: str, line: str, after: str) -> str | None:
    is_fraction = text.isdecimal() and FRACTION_BAR.match(after)
    return (f" {text}" if line[-1:].isdigit() else text) if is_fraction else None


def _cents(text: str, line: str, after: str) -> str | None:
    if line.endswith((".", ",")) and text.isdecimal() and WHOLE_PRICE.search(line[:-1]):
        return text
    return price_fraction(text, line, after)


def _power(text: str, line: str, _after: str) -> str | None:
    if not EXPONENT.fullmatch(text):
        return None
    if text in {"2", "3"} and line.endswith("CO"):
        return text
    is_area = text in {"2", "3"} and LENGTH_UNIT.search(line) and not AMOUNT_OF_MILLIONS.search(line)
    is_power = VARIABLE.search(line) or (TEN.search(line) and COMMON_EXPONENT.fullmatch(text))
    return text.translate(TO_SUPERSCRIPT) if is_area or is_power else None


def _ordinal(text: str, line: str, _after: str) -> str | None:
    return text if ORDINAL_ENDING.fullmatch(text) and (line[-1:].isdigit() or ROMAN_NUMERAL.search(line)) else None


def _inside_word(text: str, before: str, after: str) -> str:
    """If the mark is between two letters, return the mark, because it is part of a name.

    Otherwise, the mark is a footnote mark, so return ''.
    """
    return text if before[-1:].isalpha() and after[:1].isalpha() else ""


def _word_or_ending(text: str, line: str) -> str:
    """Return a superscript word with the spaces that it needs.

    The ending of an abbreviation, as in "Mme", is returned without spaces. Any other word is returned with a space on
    each side.
    """
    if text.isalpha() and len(text) <= MAX_ENDING_CHARACTERS and (text.islower() and ABBREVIATION.search(line)):
        return text
    return f" {text} " if text[:1].isalnum() else text
