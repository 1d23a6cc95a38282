"""Decodes the bytes of a page as browsers do.

The encoding is declared in the byte order mark, the Content-Type header, `<meta>` or the XML declaration. If no
declared encoding fits the bytes, Firefox's encoding detector guesses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

import webencodings

# The HTML standard looks for a declaration in the first 1,024 bytes. Some browsers search the whole HTML head.
PRESCAN_BYTES = 4096
DETECTION_BYTES = 500_000
# An encoding is accepted if at most one in ten of the non-ASCII characters is invalid.
MIN_LETTERS_PER_ERROR = 10
UTF_8, UTF_16 = "utf-8", frozenset({"utf-16le", "utf-16be"})
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe": "utf-16le", b"\xfe\xff": "utf-16be"}
UTF_16_XML_STARTS = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}
# Python's GBK codec lacks some characters, so GBK is decoded as its superset GB18030, as the Encoding Standard
# requires.
PYTHON_NAMES = {"gbk": "gb18030"}
# The possessive quantifiers and the atomic group ensure linear time, even for tags that never end.
TAG = re.compile(
    rb"<!--(?:>|->|.*?(?:-->|$))|<(?P<name>/?[a-z][^\s/<>\"']*+)(?P<rest>(?>\"[^\"]*\"|'[^']*'|[^\"'<>]+)*+)>|<[!/?][^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
ATTRIBUTE = re.compile(rb"([^\s/>=]+)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
CHARSET_PARAMETER = re.compile(rb"charset\s*=\s*[\"']?([^\"'\s;]+)", re.IGNORECASE)
XML_DECLARATION = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]+)[\"']")
# The detector accepts a top-level domain as a hint about the language. This list contains languages whose code differs
# from the domain of their country, such as 'ja' and '.jp'. English gives no hint.
LANGUAGE_DOMAINS = (
    "ar:sa be:by cs:cz da:dk el:gr en: et:ee fa:ir he:il ja:jp kk:kz ko:kr nb:no nn:no sl:si sr:rs sv:se uk:ua "
    "vi:vn zh:cn"
)
DOMAINS: dict[str, str] = {pair[:2]: pair[3:] for pair in LANGUAGE_DOMAINS.split()}


def decoded(body: bytes, header: str | None, url: str = "") -> str:
    """Return the text of a page.

    `header` is the charset from the Content-Type header. The top-level domain of `url` tells the detector which
    language is likely.
    """
    texts = (_decode_as(body, name) for name in _declared_encodings(body, header))
    return next(filter(_is_plausible, texts), None) or _decode_as(body, _detected_encoding(body, url))


def is_wide(body: bytes, header: str | None) -> bool:
    """Return whether the body is text in UTF-16.

    Text in UTF-16 contains many zero bytes, which would otherwise be a sign of a binary file.
    """
    return body.startswith((*BYTE_ORDER_MARKS, *UTF_16_XML_STARTS)) or _encoding(header or "") in UTF_16


def _declared_encodings(body: bytes, header: str | None) -> Iterator[str]:
    from_mark = next((name for mark, name in BYTE_ORDER_MARKS.items() if body.startswith(mark)), None)
    utf_16 = next((name for start, name in UTF_16_XML_STARTS.items() if body.startswith(start)), None)
    yield from filter(None, (from_mark, _encoding(header or ""), utf_16))
    yield _encoding_in_markup(body[:PRESCAN_BYTES]) or UTF_8


def _encoding_in_markup(start: bytes) -> str | None:
    """Return the encoding that a meta element declares.

    If no meta element declares an encoding, return the encoding in the XML declaration.
    """
    xml = XML_DECLARATION.match(start)
    labels = chain(_meta_labels(start), [xml[1]] if xml else ())
    name = next(filter(None, (_encoding(label.decode("latin-1")) for label in labels)), None)
    # If a page declares UTF-16 in ASCII characters, the declaration must be wrong. The HTML standard requires that such
    # a page is decoded as UTF-8.
    return UTF_8 if name in UTF_16 else name


def _meta_labels(start: bytes) -> Iterator[bytes]:
    for values in tags(start, b"meta") if b"charset" in start.lower() else ():
        if label := values.get(b"charset"):
            yield label
        elif values.get(b"http-equiv", b"").strip().lower() == b"content-type":
            yield from CHARSET_PARAMETER.findall(values.get(b"content", b""))[:1]


def tags(html: bytes, name: bytes) -> Iterator[dict[bytes, bytes]]:
    """Yield the attributes of each tag with this name. Attribute names are converted to lower case.

    If an attribute is repeated, its first value is used.
    """
    for tag in TAG.finditer(html):
        if (tag["name"] or b"").lower() == name:
            pairs: list[tuple[bytes, ...]] = ATTRIBUTE.findall(tag["rest"])
            yield {name.lower(): double or single or unquoted for name, double, single, unquoted in reversed(pairs)}


def _encoding(label: str) -> str | None:
    codec = webencodings.lookup(label.strip("\"' "))
    return codec.name if codec else None


def _decode_as(body: bytes, name: str) -> str:
    mark = next(
        (mark for mark, encoding in BYTE_ORDER_MARKS.items() if encoding == name and body.startswith(mark)), b""
    )
    codec = webencodings.lookup(PYTHON_NAMES.get(name, name))
    return codec.codec_info.decode(body[len(mark) :], "replace")[0] if codec else ""


def _is_plausible(text: str) -> bool:
    """Return whether the text has only a few invalid characters, so that its encoding is plausible.

    A few invalid characters are tolerated, because one broken byte does not prove that the declared encoding is wrong.
    """
    error_count = text.count("\ufffd")
    return error_count == 0 or error_count * MIN_LETTERS_PER_ERROR <= len(text) - len(text.encode("ascii", "ignore"))


def _detected_encoding(body: bytes, url: str) -> str:
    from chardetng_py import EncodingDetector  # noqa: PLC0415 - few pages need it

    detector = EncodingDetector()
    detector.feed(body[:DETECTION_BYTES], last=len(body) <= DETECTION_BYTES)
    return detector.guess(tld=_domain_hint(body, url) or None, allow_utf8=True)


def _domain_hint(body: bytes, url: str) -> bytes:
    """Return a top-level domain as a hint for the detector, such as 'jp' if the page declares the language 'ja'.

    If the page declares no language, return the top-level domain of the URL.
    """
    html_tag = next(tags(body[:PRESCAN_BYTES], b"html"), None) or {b"lang": b""}
    language = html_tag.get(b"lang", b"")[:2].decode("ascii", "ignore").lower()
    own_domain = (urlsplit(url).hostname or "").rpartition(".")[2]
    domain = DOMAINS.get(language, language) or own_domain
    return domain.encode() if domain.isascii() and domain.isalpha() and domain.islower() else b""
