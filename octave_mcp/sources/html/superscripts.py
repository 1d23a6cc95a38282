"""What a superscript adds to its line: a mark of a footnote nothing, cents a fraction, and 'm' a square."""

from __future__ import annotations

import re

FOOTNOTE = re.compile(
    r"[\d\s,;–-]+|[*†‡§¶#,;\s]+|\(\d{1,3}\)|\d{1,3}\)|\[[^\[\]]{1,30}\]|\(?[a-d]\)?|\(?[ivx]{1,4}\)"
    r"|(?:foot)?notes?\b.{0,20}|(?:fußnote|note de bas de page)\b.{0,20}",
    re.IGNORECASE,
)
SIGN = re.compile(r"[®™℠©°ºª+%‰′″!?.,]+|°[CF]|/.+")
MARKS = {"tm": "™", "(tm)": "™", "sm": "℠", "(sm)": "℠", "r": "®", "(r)": "®", "(c)": "©"}
CURRENCY = r"[$€£¥₹₩₽₺฿₫]"
IS_CURRENCY = re.compile(rf"(?:[A-Z]{{1,3}})?{CURRENCY}")
WHOLE_PRICE = re.compile(rf"{CURRENCY}\s?(\d{{1,3}}(?:[., ’']\d{{3}})+|\d{{1,6}})\Z")
WHOLE_NUMBER = re.compile(r"(?<![\d.,])(\d{1,3}(?:[., ’']\d{3}){1,6}|\d{1,6})\Z")
CENTS = re.compile(rf"([.,]?)(\d\d)\s?({CURRENCY}|[¢c])?")
CURRENCY_NEXT = re.compile(rf"\s?{CURRENCY}")
FRACTION_BAR = re.compile(r"\s*[/⁄]\s*(?:\d|\Z)")
ORDINAL = re.compile(r"st|nd|rd|th|e|er|re|ère|ème|nde?|o|a|os|as|ste|de|ter|te", re.IGNORECASE)
ROMAN = re.compile(r"(?<!\w)[IVXLC]+\Z")
LENGTH = re.compile(r"(?:(?<!\w)|\d)(?:[kcdmµn]?m|ft|yd|px)\Z|\d\s?(?:in|mi)\Z|(?<!\w)sq\.?\s?(?:m|ft)\Z")
AMOUNT_OF_MILLIONS = re.compile(rf"{CURRENCY}\s?[\d.,]+\s?m\Z")
VARIABLE = re.compile(r"(?<![\w’'])[a-zR]\Z|=\s?mc\Z|[)\]]\Z|(?<!\w)[×x*·]\s?10\Z")
TEN, USUAL_POWER = re.compile(r"(?<![\d.,])10\Z"), re.compile(r"[69]|1[258]|[-−–]\d{1,2}")
POWER = re.compile(r"[-−–]?\d{1,2}|n")
POWERS = str.maketrans("0123456789-−–n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻ⁿ")
ABBREVIATED = re.compile(r"(?:(?<!\w)[^\W\d_]{1,2})\Z")
LONGEST_ENDING = 3


def raised(text: str, before: str, after: str) -> str:
    """What a superscript adds between what stands before it on its line, and what comes after it."""
    text = " ".join(text.split())
    line = before.rstrip()
    if known := MARKS.get(text.lower()):
        return known if line else ""
    if SIGN.fullmatch(text) or IS_CURRENCY.fullmatch(text):
        return text
    for read in (_fraction, _cents, _power, _ordinal):
        if (written := read(text, line, after)) is not None:
            return written
    if FOOTNOTE.fullmatch(text):
        return _within_a_word(text, before, after)
    return _label(text, line)


def cents(text: str, before: str, after: str = "") -> str | None:
    """Two digits set smaller after a price as the fraction that they are; None for anything else."""
    found = CENTS.fullmatch(text)
    if not found:
        return None
    point, digits, sign = found.groups()
    price = WHOLE_PRICE.search(before)
    number = price or (WHOLE_NUMBER.search(before) if sign or point or CURRENCY_NEXT.match(after) else None)
    if not number:
        return text if point and before.endswith(tuple("0123456789")) else None
    return f"{point or _point(number[1], leads=price is not None)}{digits}{sign or ''}"


def _point(number: str, *, leads: bool) -> str:
    """What stands before the fraction: a point where the currency comes first, unless points part thousands."""
    return "," if "." in number or not (leads or "," in number) else "."


def _fraction(text: str, line: str, after: str) -> str | None:
    is_fraction = text.isdecimal() and FRACTION_BAR.match(after)
    return (f" {text}" if line[-1:].isdigit() else text) if is_fraction else None


def _cents(text: str, line: str, after: str) -> str | None:
    if line.endswith((".", ",")) and text.isdecimal() and WHOLE_PRICE.search(line[:-1]):
        return text
    return cents(text, line, after)


def _power(text: str, line: str, _after: str) -> str | None:
    if not POWER.fullmatch(text):
        return None
    if text in {"2", "3"} and line.endswith("CO"):
        return text
    is_area = text in {"2", "3"} and LENGTH.search(line) and not AMOUNT_OF_MILLIONS.search(line)
    is_power = VARIABLE.search(line) or (TEN.search(line) and USUAL_POWER.fullmatch(text))
    return text.translate(POWERS) if is_area or is_power else None


def _ordinal(text: str, line: str, _after: str) -> str | None:
    return text if ORDINAL.fullmatch(text) and (line[-1:].isdigit() or ROMAN.search(line)) else None


def _within_a_word(text: str, before: str, after: str) -> str:
    """A digit between letters is part of a name, and a mark of a footnote goes."""
    return text if before[-1:].isalpha() and after[:1].isalpha() else ""


def _label(text: str, line: str) -> str:
    """A short ending belongs to an abbreviation, as in 'Mme'; others are words of their own."""
    if text.isalpha() and len(text) <= LONGEST_ENDING and (text.islower() and ABBREVIATED.search(line)):
        return text
    return f" {text} " if text[:1].isalnum() else text
