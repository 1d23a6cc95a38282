"""The HTML export: a single self-contained file, which can include the texts of the quoted pages."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup

from octave_mcp.domain.parts import written
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import Path
from octave_mcp.exports.document import SourceEntry, environment, template_values
from octave_mcp.exports.pages import embedded_pages


@dataclass(frozen=True, slots=True)
class Html:
    """Renders the playbook as a single file that loads no other files.

    The style and the script are embedded, and the file's Content-Security-Policy allows no other styles or scripts.
    `texts` maps digests to page texts. If a source's page is in `texts`, the source's link opens the embedded text.
    """

    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    def with_pages(self, texts: Mapping[str, str]) -> Html:
        return Html(texts)

    def render(self, playbook: Playbook) -> str:
        return self._rendered("playbook.html.jinja", playbook, None)

    def body(self, playbook: Playbook, change_at: Callable[[str], str] | None = None) -> str:
        """Render the playbook without the frame of an HTML file, for a page that loads `STYLE` and `SCRIPT`.

        `change_at` maps the path of a part to the URL of a page where people can change the part. If it is given, each
        part has a link to that page.
        """
        return self._rendered("body.html.jinja", playbook, change_at)

    def _rendered(self, template: str, playbook: Playbook, change_at: Callable[[str], str] | None) -> str:
        def url_of(path: Path) -> str:
            return change_at(written(playbook, path)) if change_at else ""

        return _ENVIRONMENT.get_template(template).render(
            template_values(playbook),
            texts=self.texts,
            once=_once(),
            change_at=url_of if change_at else None,
            **_HELPERS,
        )


def _once() -> Callable[[Callable[[SourceEntry], Markup], SourceEntry], Markup]:
    """Return a function that renders each source once, because a document shows most sources several times."""
    rendered: dict[int, Markup] = {}

    def once(macro: Callable[[SourceEntry], Markup], source: SourceEntry) -> Markup:
        if source.number not in rendered:
            rendered[source.number] = macro(source)
        return rendered[source.number]

    return once


@dataclass(frozen=True)
class Inline:
    """A style or script, with the digest by which the Content-Security-Policy allows it."""

    text: Markup
    digest: str


def _inline(*names: str) -> Inline:
    text = "".join((files("octave_mcp.exports") / "templates" / name).read_text("utf-8") for name in names)
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own file


def _is_web(url: str) -> bool:
    # Show URLs with other schemes as text, because a link such as javascript:... would run code.
    return url.startswith(("http://", "https://"))


def _is_reserved(url: str) -> bool:
    """Whether the URL's top-level domain is `example`, which is reserved for examples and has no sites (RFC 2606)."""
    return _RESERVED.match(url) is not None


STYLE, SCRIPT = _inline("playbook.css", "brief.css", "pages.css", "print.css"), _inline("playbook.js")
_RESERVED = re.compile(r"https?://[^/:]*\.example(?:[/:]|$)")
_HELPERS: dict[str, object] = {
    "style": STYLE,
    "script": SCRIPT,
    "is_web": _is_web,
    "is_reserved": _is_reserved,
    "embedded_pages": embedded_pages,
}
_ENVIRONMENT = environment()

EXPORT = Html()
