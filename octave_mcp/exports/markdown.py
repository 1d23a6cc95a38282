"""The Markdown export: CommonMark with tables, in which text from pages and models cannot act as markup."""

from __future__ import annotations

import re

from markupsafe import Markup

from octave_mcp.domain.playbook import Playbook
from octave_mcp.exports.document import environment, template_values

# ASCII control characters other than white space, and Unicode characters that change the writing direction and so can
# reverse the rest of a line.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\u202a-\u202e\u2066-\u2069]")

# Characters that are markup anywhere in a line. An underscore within a word, as in snake_case, is not markup.
_INLINE = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")

# An ampersand that starts an entity, such as &amp; or &#60;.
_ENTITY = re.compile(r"&(?=#?\w+;)")
# Characters that are markup only at the start of a line: "- item", "# heading", "1. item".
_LEADING = re.compile(r"^(?:([-+=#:])|(\d+)([.)])(?=\s|$))")

_NOT_IN_LINKS = re.compile(r"[\s<>\\`|]")

# Maximum number of events, people and tools in each list of a background section. A text such as "5 more" follows a
# longer list. The limit helps to keep the Markdown under 6,000 words.
MAX_LISTED = 3
# Of these kinds, up to ten elements are listed instead of one, because reps look for a customer to mention.
LISTED_ELEMENTS = ("case_studies", "reference_customers")


class Markdown:
    """Renders the playbook as Markdown without HTML."""

    def render(self, playbook: Playbook) -> str:
        template = _ENVIRONMENT.get_template("playbook.md.jinja")
        helpers = {
            "as_code": _code,
            "as_block": _block,
            "as_link": _link,
            "in_marks": _in_marks,
            "max_listed": MAX_LISTED,
            "listed_elements": LISTED_ELEMENTS,
        }
        return template.render(template_values(playbook), **helpers)


def _plain(value: object) -> Markup:
    """Escape a printed value and put it on one line, unless it is already Markdown."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))  # noqa: S704 - escaped for Markdown


def escape(text: str) -> str:
    r"""Return the text as one line without markup: '# <b>*1*</b>' becomes '\# &lt;b&gt;\*1\*&lt;/b&gt;'."""
    line = _ENTITY.sub("&amp;", _one_line(text)).replace("<", "&lt;").replace(">", "&gt;")
    return _LEADING.sub(_disarm, _INLINE.sub(r"\\\g<0>", line))


def _one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


def _disarm(leading: re.Match[str]) -> str:
    mark, number, dot = leading.groups()
    return f"\\{mark}" if mark else f"{number}\\{dot}"


def _ticks(text: str, minimum: int) -> str:
    """Return a row of backticks that is longer than any in the text, so that the text cannot end the code."""
    return "`" * max(minimum, 1 + max(map(len, re.findall("`+", text)), default=0))


def _in_marks(text: str) -> str:
    """Put the text in quotation marks, unless it already has them."""
    opens, closes = text.startswith(("“", '"')), text.endswith(("”", '"'))
    return f"{'' if opens else '“'}{text}{'' if closes else '”'}"


def _code(text: str) -> Markup:
    """Return the text as a code span, which shows placeholders such as {{first_name}} unchanged."""
    line = _one_line(text)
    ticks, pad = _ticks(line, 1), " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{ticks}{pad}{line}{pad}{ticks}")  # noqa: S704 - only as many ticks end the span


def _block(text: str) -> Markup:
    """Return the text as a fenced code block, from which lines can be copied unchanged."""
    lines, ticks = "\n".join(text.splitlines()), _ticks(text, 3)
    return Markup(f"{ticks}text\n{lines}\n{ticks}")  # noqa: S704 - only as many ticks end the block


def _link(url: str) -> Markup:
    """Return a web address as an autolink, so that readers see its target. Return other URLs as code, not as links."""
    if not url.startswith(("http://", "https://")):
        return _code(url)
    return Markup("<{}>".format(_NOT_IN_LINKS.sub(lambda found: f"%{ord(found[0]):02X}", url)))  # noqa: S704 - encoded


_ENVIRONMENT = environment(finalize=_plain)

EXPORT = Markdown()
