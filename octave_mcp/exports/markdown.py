from __future__ import annotations

import re

from markupsafe import Markup

from octave_mcp.domain.playbook import Playbook
from octave_mcp.exports.document import environment, template_values

# Control characters, and those that turn the direction of all that follows on the line.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\u202a-\u202e\u2066-\u2069]")

# What has a meaning within a line; an underscore only at the edge of a word.
_INLINE = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")

_ENTITY = re.compile(r"&(?=#?\w+;)")
# What has a meaning at its beginning.
_LEADING = re.compile(r"^(?:([-+=#:])|(\d+)([.)])(?=\s|$))")

_NOT_IN_LINKS = re.compile(r"[\s<>\\`|]")

# Of each kind of background, how many are named.
MAX_LISTED = 3
# Of what a vendor's pages say of it, what has up to ten entries named: reps look for a customer.
TOLD_OF_VENDOR = ("case_studies", "reference_customers")


class Markdown:
    """A document to read, in CommonMark with tables; nothing in it is HTML."""

    def render(self, playbook: Playbook) -> str:
        template = _ENVIRONMENT.get_template("playbook.md.jinja")
        helpers = {
            "as_code": _code,
            "as_block": _block,
            "as_link": _link,
            "in_marks": _in_marks,
            "most": MAX_LISTED,
            "told_of_vendor": TOLD_OF_VENDOR,
        }
        return template.render(template_values(playbook), **helpers)


def _plain(value: object) -> Markup:
    """Any value as text of one line that means nothing to Markdown, unless the template made it."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))  # noqa: S704 - escaped for Markdown


def escape(text: str) -> str:
    r"""Text in one line, without structure: '# <b>*1*</b>' as '\# &lt;b&gt;\*1\*&lt;/b&gt;'."""
    line = _ENTITY.sub("&amp;", _one_line(text)).replace("<", "&lt;").replace(">", "&gt;")
    return _LEADING.sub(_disarm, _INLINE.sub(r"\\\g<0>", line))


def _one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


def _disarm(leading: re.Match[str]) -> str:
    mark, number, dot = leading.groups()
    return f"\\{mark}" if mark else f"{number}\\{dot}"


def _ticks(text: str, least: int) -> str:
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def _in_marks(text: str) -> str:
    """Between quotation marks, once: a page's own that open or close it are as good."""
    opens, closes = text.startswith(("“", '"')), text.endswith(("”", '"'))
    return f"{'' if opens else '“'}{text}{'' if closes else '”'}"


def _code(text: str) -> Markup:
    """A code span, which keeps placeholders and everything else as it is."""
    line = _one_line(text)
    ticks, pad = _ticks(line, 1), " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{ticks}{pad}{line}{pad}{ticks}")  # noqa: S704 - nothing ends a span but as many ticks


def _block(text: str) -> Markup:
    """A fenced block: lines to copy as they are."""
    lines, ticks = "\n".join(text.splitlines()), _ticks(text, 3)
    return Markup(f"{ticks}text\n{lines}\n{ticks}")  # noqa: S704 - nothing ends a block but as many ticks


def _link(url: str) -> Markup:
    """An address of the web as a link that shows where it goes; any other as text."""
    if not url.startswith(("http://", "https://")):
        return _code(url)
    return Markup("<{}>".format(_NOT_IN_LINKS.sub(lambda found: f"%{ord(found[0]):02X}", url)))  # noqa: S704 - encoded


_ENVIRONMENT = environment(finalize=_plain)

EXPORT = Markdown()
