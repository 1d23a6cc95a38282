"""From bytes to text, as browsers decode pages: byte order mark, header, what the page declares, what it looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

import webencodings

# Browsers look at the first 1024 bytes, and beyond them while the head of the page goes on.
PRESCAN_BYTES = 4096
SAMPLE_BYTES = 500_000
BROKEN_ONE_IN = 10
UTF_8, WIDE = "utf-8", frozenset({"utf-16le", "utf-16be"})
MARKS = {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe": "utf-16le", b"\xfe\xff": "utf-16be"}
WIDE_DECLARATIONS = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}
# Python's decoders know fewer letters than those of browsers for these names.
PYTHON_NAMES = {"gbk": "gb18030"}
TAG = re.compile(
    rb"<!--(?:>|->|.*?(?:-->|$))|<(?P<name>/?[a-z][^\s/<>\"']*+)(?P<rest>(?>\"[^\"]*\"|'[^']*'|[^\"'<>]+)*+)>|<[!/?][^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
ATTRIBUTE = re.compile(rb"([^\s/>=]+)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
CHARSET = re.compile(rb"charset\s*=\s*[\"']?([^\"'\s;]+)", re.IGNORECASE)
XML = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]+)[\"']")
# The top-level domains by which the detector knows the language, where they are not the language's own code.
SPOKEN = (
    "ar:sa be:by cs:cz da:dk el:gr en: et:ee fa:ir he:il ja:jp kk:kz ko:kr nb:no nn:no sl:si sr:rs sv:se uk:ua "
    "vi:vn zh:cn"
)
DOMAINS: dict[str, str] = {pair[:2]: pair[3:] for pair in SPOKEN.split()}


def decoded(body: bytes, header: str | None, url: str = "") -> str:
    """The text of a page; `header` is the charset of its Content-Type, `url` says in what country it may be written."""
    texts = (_read(body, name) for name in _named(body, header))
    return next(filter(_fits, texts), None) or _read(body, _detected(body, url))


def is_wide(body: bytes, header: str | None) -> bool:
    """Whether half of its bytes may be zero."""
    return body.startswith((*MARKS, *WIDE_DECLARATIONS)) or _encoding(header or "") in WIDE


def _named(body: bytes, header: str | None) -> Iterator[str]:
    marked = next((name for mark, name in MARKS.items() if body.startswith(mark)), None)
    wide = next((name for start, name in WIDE_DECLARATIONS.items() if body.startswith(start)), None)
    yield from filter(None, (marked, _encoding(header or ""), wide))
    yield _declared(body[:PRESCAN_BYTES]) or UTF_8


def _declared(start: bytes) -> str | None:
    """What the meta elements say, or else the XML declaration."""
    xml = XML.match(start)
    labels = chain(_meta_labels(start), [xml[1]] if xml else ())
    name = next(filter(None, (_encoding(label.decode("latin-1")) for label in labels)), None)
    # What says in ASCII that it is wide is not.
    return UTF_8 if name in WIDE else name


def _meta_labels(start: bytes) -> Iterator[bytes]:
    for values in tags(start, b"meta") if b"charset" in start.lower() else ():
        if label := values.get(b"charset"):
            yield label
        elif values.get(b"http-equiv", b"").strip().lower() == b"content-type":
            yield from CHARSET.findall(values.get(b"content", b""))[:1]


def tags(html: bytes, name: bytes) -> Iterator[dict[bytes, bytes]]:
    """The attributes of each tag of this name, by lower-case name; the first of a name counts."""
    for tag in TAG.finditer(html):
        if (tag["name"] or b"").lower() == name:
            fields: list[tuple[bytes, ...]] = ATTRIBUTE.findall(tag["rest"])
            yield {name.lower(): double or single or bare for name, double, single, bare in reversed(fields)}


def _encoding(label: str) -> str | None:
    known = webencodings.lookup(label.strip("\"' "))
    return known.name if known else None


def _read(body: bytes, name: str) -> str:
    mark = next((mark for mark, marked in MARKS.items() if marked == name and body.startswith(mark)), b"")
    known = webencodings.lookup(PYTHON_NAMES.get(name, name))
    return known.codec_info.decode(body[len(mark) :], "replace")[0] if known else ""


def _fits(text: str) -> bool:
    """A byte that broke does not refute an encoding in which many more make sense."""
    broken = text.count("\ufffd")
    return broken == 0 or broken * BROKEN_ONE_IN <= len(text) - len(text.encode("ascii", "ignore"))


def _detected(body: bytes, url: str) -> str:
    from chardetng_py import EncodingDetector  # noqa: PLC0415 - few pages need it

    detector = EncodingDetector()
    detector.feed(body[:SAMPLE_BYTES], last=len(body) <= SAMPLE_BYTES)
    return detector.guess(tld=_domain(body, url) or None, allow_utf8=True)


def _domain(body: bytes, url: str) -> bytes:
    """The top-level domain of the page's language, or else its own."""
    html = next(tags(body[:PRESCAN_BYTES], b"html"), None) or {b"lang": b""}
    language = html.get(b"lang", b"")[:2].decode("ascii", "ignore").lower()
    own = (urlsplit(url).hostname or "").rpartition(".")[2]
    found = DOMAINS.get(language, language) or own
    return found.encode() if found.isascii() and found.isalpha() and found.islower() else b""
