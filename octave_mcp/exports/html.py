from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup

from octave_mcp.domain.playbook import Playbook
from octave_mcp.exports.document import environment, reading


class Html:
    """One file that fetches nothing: style and script are inside, and its policy admits no others."""

    def render(self, playbook: Playbook) -> str:
        template = _ENVIRONMENT.get_template("playbook.html.jinja")
        return template.render(reading(playbook), style=_STYLE, script=_SCRIPT, is_web=_is_web)


@dataclass(frozen=True)
class Inline:
    """A style or script of our own, and what the policy calls it. Browsers take the digest of the element's text."""

    text: Markup
    digest: str


def _inline(*names: str) -> Inline:
    text = "".join((files("octave_mcp.exports") / "templates" / name).read_text("utf-8") for name in names)
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own file


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


_STYLE = _inline("playbook.css", "brief.css", "print.css")
_SCRIPT = _inline("playbook.js")
_ENVIRONMENT = environment()

EXPORT = Html()
