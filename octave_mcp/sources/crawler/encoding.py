"""From bytes to text: byte order mark, header, meta, the bytes' own look, then UTF-8."""

from __future__ import annotations

import codecs
import re

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]{1,40})")
META_WITHIN_BYTES = 4096
SAMPLE_BYTES = 20_000
# What pages call latin-1 is windows-1252 in every browser.
ALIASES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030"}


def decoded(body: bytes, header: str | None) -> str:
    meta = META.search(body[:META_WITHIN_BYTES])
    named = [name for mark, name in MARKS if body.startswith(mark)]
    named += [header] if header else []
    named += [meta[1].decode("ascii")] if meta else []
    for name in named or ["utf-8"]:
        try:
            return body.decode(ALIASES.get(name.lower(), name))
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode(_guessed(body), "replace")


def _guessed(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes  # noqa: PLC0415 - few pages need it

        best = from_bytes(body[:SAMPLE_BYTES]).best()
        return best.encoding if best else "utf-8"
    return "utf-8"
