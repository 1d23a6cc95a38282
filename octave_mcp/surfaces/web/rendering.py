"""Renders the templates of the pages, with the headers that every page has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from octave_mcp import __version__
from octave_mcp.domain.addresses import without_scheme
from octave_mcp.domain.choices import BY_CLIENT, MODELS, SOURCES
from octave_mcp.domain.parts import steps_of
from octave_mcp.evidence.dates import date_in_words
from octave_mcp.surfaces.web.static import url_of

# Pages contain no inline styles or scripts, so text that a person or a website wrote cannot become one.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With 'no-referrer', browsers would send forms with the origin 'null', which the server refuses.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
# The secret of a shared link is in the URL, so no other site and no search engine may learn the URL.
SHARED_HEADERS = {**HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive"}


def html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status, {**HEADERS, **(headers or {})}, "text/html")


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - the template's
    return _ENVIRONMENT.get_template(f"{template}.html.jinja").render(values, static=url_of, version=__version__)


def _day(moment: datetime) -> str:
    return date_in_words(f"{moment.date()}")


def _minute(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def as_sentence(text: str) -> str:
    """Return an error or a message, such as 'no answer; try again', with a capital letter and a full stop.

    Addresses and other names for machines keep their small letters.
    """
    stop = "" if not text or text.endswith((".", "!", "?")) else "."
    is_name = re.match(r"\w+(?:[./]\w|://)|[^\W_]+_", text)
    return f"{text if is_name else text[:1].upper() + text[1:]}{stop}"


def _spaced(code: str) -> str:
    """Return a code such as 'email_sequences' in words, with a capital letter."""
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]


_TITLES = {choice.name: choice.title or choice.name for choice in (*MODELS, *SOURCES)}


def _called(name: str) -> str:
    """Return what people call a model or a source. If this release does not have it, return its name."""
    return _TITLES.get(name, name)


_WORDS = {"email_sequences": "E-mails", "touches": "e-mail", "talk_tracks": "Call scripts"}


def price(usd: float | None, model: str) -> str:
    """Return a cost in words. A chat of the reader's own has a price that the server does not know."""
    if model == BY_CLIENT:
        return "paid in your own chat"
    if usd is None:
        return "price unknown"
    return f"about ${usd:.2f}" if usd else "no cost"


def part_in_words(path: str, personas: Mapping[str, str]) -> str:
    """Return the path of a part in words: 'E-mails, VP of Operations, e-mail 1'. `personas` are job titles by id."""
    words: list[str] = []
    for step in steps_of(path):
        if step.isdecimal() and words:
            words[-1] += f" {int(step) + 1}"
        else:
            words.append(_WORDS.get(step) or personas.get(step) or step.replace("_", " "))
    return _spaced(", ".join(words))


_ENVIRONMENT = Environment(
    loader=PackageLoader("octave_mcp.surfaces.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_FILTERS: Any = {
    "called": _called,
    "price": price,
    "day": _day,
    "minute": _minute,
    "part": part_in_words,
    "sentence": as_sentence,
    "site": without_scheme,
    "spaced": _spaced,
}
_ENVIRONMENT.filters.update(_FILTERS)
