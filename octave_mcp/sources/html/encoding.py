"""From bytes to text: byte order mark, header, meta, the bytes' own look, then UTF-8."""

from __future__ import annotations

import codecs
import re

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE)
META_WITHIN_BYTES = 4096
SAMPLE_BYTES = 20_000
BROKEN_ONE_IN = 10
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
# Names as Python has them, and what browsers read pages by that name as. Others are no encodings of pages: to some that
# Python knows, as punycode, a page can be made that takes hours.
SAME = "utf-8 utf-8-sig gb18030 big5 big5hkscs euc_jp iso2022_jp koi8-r koi8-u mac-roman mac-cyrillic cp866"
READ_AS = {
    **{name: name for name in (*SAME.split(), *WIDE)},
    **{f"cp{number}": f"cp{number}" for number in (874, 932, 949, *range(1250, 1259))},
    **{f"iso8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "cp936"), "gb18030"),
    **dict.fromkeys(("iso8859-11", "tis-620"), "cp874"),
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


def decoded(body: bytes, header: str | None) -> str:
    named = [name for mark, name in MARKS if body.startswith(mark)]
    named += _read_as(header or "")
    # What says in ASCII that it is wide is not.
    meta = META.search(body[:META_WITHIN_BYTES])
    named += ["utf-8" if name in WIDE else name for name in _read_as(meta[1].decode("ascii") if meta else "")]
    texts = (body.decode(name, "replace") for name in named or ["utf-8"])
    return next(filter(_fits, texts), None) or body.decode(_guessed(body), "replace")


def _fits(text: str) -> bool:
    """A byte that broke does not refute an encoding in which many more make sense."""
    broken = text.count("\ufffd")
    return broken == 0 or broken * BROKEN_ONE_IN <= len(text) - len(text.encode("ascii", "ignore"))


def _read_as(name: str) -> list[str]:
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return []
    return [READ_AS[known]] if known in READ_AS else []


def _guessed(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes  # noqa: PLC0415 - few pages need it

        best = from_bytes(body[:SAMPLE_BYTES]).best()
        return best.encoding if best else "utf-8"
    return "utf-8"
