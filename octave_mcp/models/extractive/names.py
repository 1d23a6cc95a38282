"""Names of companies and people: customers in headlines, people in attributions, competitors in comparisons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from octave_mcp.domain.names import normal
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import KINDS_OF_COMPANY
from octave_mcp.models.extractive.cues import OUR_OWN, function_of
from octave_mcp.models.extractive.typed_lines import CACHED_PAGES, CACHED_TEXTS, Line, ReadPage

_NAME = r"[A-Z0-9À-ÖØ-Þ][\w&'’.-]*(?:\s+(?:[A-ZÀ-ÖØ-Þ0-9][\w&'’.-]*|&|of|the))*?"
_VERBS = (
    r"(?:uses?|used|using|built|builds?|improve[sd]?|increase[sd]?|reduce[sd]?|cuts?|saves?|saved|"
    r"scale[sd]?|grew|grows|deploy(?:s|ed)|tests?|"
    r"tested|capture[sd]?|enhance[sd]?|replace[sd]?|switch(?:es|ed)|migrate[sd]?|moved?|moves|"
    r"understands?|understood|loves?|chose|choose|"
    r"chooses|achieve[sd]?|boost(?:s|ed)|handle[sd]?|enjoyed|powers?|powered|help(?:s|ed)?|self-hosts?|"
    r"runs?|ran|found|launch(?:es|ed)|"
    r"doubled|tripled|halved|lowered|raised|dropped|brings|brought|gave|gives|went|ships?|shipped|stopped|"
    r"turned|keeps|kept|made|makes|"
    r"won|gets?|got|took|takes|closed|ended|fills|filled|\d+x\w*)"
)
_HEADLINES = (
    re.compile(rf"^(?:How|Why)\s+(?P<name>{_NAME})\s+(?=[a-z]|\d+[Xx]|{_VERBS}\b)"),
    re.compile(
        rf"^(?:Customer story|Case study|Success story)\s*[:–—-]\s*(?P<name>{_NAME})(?=\s*(?:$|[,:–—|-]|\b{_VERBS}\b))",
        re.IGNORECASE,
    ),
    re.compile(rf"^(?P<name>{_NAME})\s+(?i:{_VERBS})\b"),
)
_TO_READER = re.compile(r"\b(?:for you|your|order now|get started)\b", re.IGNORECASE)
_NOT_A_COMPANY = frozenset(
    "i we our your you the a an it they this that these those customers teams companies engineers "
    "startups developers businesses "
    "customer case study studies story stories why how what more read learn all every everyone new use "
    "using build built help get choose see discover explore watch meet introducing announcing our".split()
)
# Words that do not name an organisation on their own: 'Ministry of Health' is a name, but 'Ministry' is not.
_KINDS_OF_OFFICE = frozenset(
    "department agency ministry university college school bureau council city state government office institute".split()
)
_KINDS = re.compile(
    r"\b(?:teams?|managers?|startups?|companies|businesses|agencies|AI|API|APIs|data|users?|people)\b", re.IGNORECASE
)
_VERSUS = re.compile(r"\s+(?:vs\.?|versus|compared (?:to|with)|or)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: str | None
    company: str | None


def customer_in_headline(text: str, vendor: str) -> str | None:
    """Return the company that a headline is about: 'How Acme cut costs by a third' gives 'Acme'."""
    if _TO_READER.search(text):
        return None
    for pattern in _HEADLINES:
        if (match := pattern.match(text.strip())) and (name := company_name(match["name"], vendor)):
            return None if function_of(name) or _KINDS.search(name) else name
    return None


def company_name(text: str, vendor: str) -> str | None:
    """Return the company's name in the text, or None if the text is the vendor's name or not a company's name."""
    name = re.sub(r"['’]s$", "", text.strip(' .,:;|–—-"“”'))
    words = name.split()
    if not words or len(words) > 5 or len(name) > 40 or normal(name) == normal(vendor):
        return None
    if (
        normal(name) in _KINDS_OF_OFFICE
        or re.search(r"['’](?:ll|re|ve|d|m)\b", name)
        or words[0].casefold() in _NOT_A_COMPANY
        or normal(vendor) in re.sub(r"'s\b", "", normal(name)).split()
        or not re.search(r"[^\W\d_]", name)
    ):
        return None
    return name


@lru_cache(maxsize=CACHED_PAGES)
def customer_of_story(page: ReadPage, vendor: str) -> tuple[str, Line] | None:
    """Return the customer whose story a page tells, and the line that names the customer."""
    for line in page.lines:
        label = re.match(r"(?:Customer|Company|Client|客户)\s*[:：]\s*(.+)", line.text) if line.form == "item" else None
        if label and (name := company_name(label[1], vendor)):
            return name, line
    headline = page.headline
    if headline is None:
        return None
    # A URL such as '/customers/acme' is more reliable than the headline, which can begin with any noun.
    if by_path := _named_in_path(page.page.url, page.lines, vendor):
        return by_path
    name = customer_in_headline(headline.text, vendor)
    return (name, headline) if name else None


def listed_story(line: Line, page: ReadPage, vendor: str) -> str | None:
    """Return the customer whose story a heading announces.

    The heading must be on the customers page, or it must name the vendor on a home or product page. If the page also
    writes a word in lower case, the word is not a name: 'Pricing' in 'Pricing made simple'.
    """
    if line.form != "heading" or line.level == 1:
        return None
    if page.page.kind != "customers" and not (page.page.kind in {"home", "product"} and has_words(vendor, line.text)):
        return None
    name = customer_in_headline(line.text, vendor)
    return name if name and not _is_common_word(name, page) else None


def _is_common_word(name: str, page: ReadPage) -> bool:
    return name != name.lower() and name.lower() in page.common


def fact_of(page: ReadPage, label: str) -> str | None:
    """Return the value of the first list item 'Label: value' whose label starts with `label`."""
    line = next((li for li in page.lines if li.form == "item" and li.text.startswith(label) and ":" in li.text), None)
    return line.text.split(":", 1)[1].strip() if line else None


def _named_in_path(url: str, lines: Iterable[Line], vendor: str) -> tuple[str, Line] | None:
    """Return a name near the top of the page that matches the URL, and the line that contains the name.

    The name 'Mention Me' matches '/mention-me'.
    """
    slug = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1].casefold()
    wanted = re.sub(r"[^a-z0-9]", "", re.sub(r"^(?:case-study|customer-story|how)-", "", slug))
    for line in list(lines)[:8]:
        words = line.text.split()
        for size in range(1, 5):
            for start in range(len(words) - size + 1):
                phrase = " ".join(words[start : start + size]).strip(",.:;()“”\"'’")
                plain = re.sub(r"['’]s$", "", phrase)
                if (
                    plain[:1].isupper()
                    and re.sub(r"[^a-z0-9]", "", plain.casefold()) == wanted
                    and company_name(plain, vendor)
                ):
                    return plain, line
    return None


# Words of job titles, including titles for which `cues.function_of` finds no department: 'Homeowner', 'Freelance
# translator', 'Guitarist'.
_ROLE = re.compile(
    r"\b(?:creator|maker|author|student|alum\w*|freelanc\w*|consultant|professor|teacher|manager|director|head|lead|"
    r"leader|"
    r"VP|SVP|EVP|vice president|chief|officer|specialist|coordinator|administrator|assistant|associate|fellow|"
    r"researcher|scientist|producer|editor|writer|ambassador|evangelist|contributor|maintainer|hacker|self-employed|"
    r"executive|advisor|adviser|chair\w*|intern|supervisor|strategist|technician|buyer|principal|partner|owner|user|"
    r"customer|client|patient|homeowner|\w+ist)\b",
    re.IGNORECASE,
)
# Matches a degree, a suffix such as 'Jr', or two capital letters such as a US state: 'Ada Lovelace, PhD', 'Ada
# Lovelace, TX'.
_DEGREE = re.compile(r"(?:Ph\.?D|MD|MBA|CPA|Esq|RN|PE|Jr|Sr|II|III|LCSW|[A-Z]{2})\.?")
# Matches 'Founder of Engine Works' and 'CTO of engine.io'. After other titles, the word after 'of' is often not a
# company: 'Head of Sales'.
_OF_COMPANY = re.compile(
    r"(?P<role>(?:.*\W)?(?:co-?founder|founder|CEO|CTO|COO|CFO|owner|creator|maker|president|chairman))\s+of\s+"
    r"(?P<company>[A-Z].+|[\w-]+\.(?:com|dev|io|ai|org|net|co|app))$",
    re.IGNORECASE,
)


def is_role(text: str) -> bool:
    return function_of(text) is not None or bool(_ROLE.search(text))


@lru_cache(maxsize=CACHED_TEXTS)
def attributed(text: str) -> Person | None:
    """Parse an attribution: 'Ada Lovelace, Analyst, Engine Works' or 'Ada Lovelace, Analyst at Engine Works'."""
    parts = [part.strip() for part in re.split(r"\s*(?:,|\||–|—| - )\s*", text.strip(" —–-")) if part.strip()]
    if not parts or not is_person(parts[0]):
        return None
    rest = [part for part in parts[1:] if not _DEGREE.fullmatch(part)]
    if rest and (match := re.match(r"(.+?)\s+(?:at|@)\s+([A-Z0-9].*)$", ", ".join(rest))):
        return Person(parts[0], match[1], _plain(match[2]))
    company = rest.pop() if rest and not is_role(rest[-1]) else None
    role = ", ".join(rest) or None
    if role and company is None and (match := _OF_COMPANY.match(role)):
        role, company = match["role"], match["company"]
    return Person(parts[0], role, _plain(company) if company else None)


def _plain(company: str) -> str:
    return company if re.search(r"\b(?:Inc|Ltd|Co|Corp|S\.A|e\.V)\.$", company) else company.rstrip(".")


def is_person(text: str) -> bool:
    words = text.split()
    if words and words[-1].casefold() in KINDS_OF_COMPANY:
        return False
    titled = all(
        word[:1].isupper() or word in {"de", "van", "der", "von", "del", "la", "dos", "bin", "al"} for word in words
    )
    return 2 <= len(words) <= 4 and titled and not any(c.isdigit() for c in text) and function_of(text) is None


def speaks_of(text: str, company: str) -> bool:
    """Whether a sentence says 'we' or begins with words that contain the company's name."""
    return bool(OUR_OWN.search(text)) or has_words(company, " ".join(text.split()[:5]))


_SAID = re.compile(
    r"(?:says|said|explains|explained|adds|added|notes|noted|"
    r"recalls)\s+(?P<name>[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+){1,2}),\s+(?:the\s+|an?\s+)?"
    r"(?P<role>[^,.“”\"]{3,60}(?:,\s+[^,.“”\"]{3,40})?)"
)


def quoted_speaker(text: str) -> Person | None:
    """Return the speaker whom a sentence names after a quotation: '... ,” said Ada Lovelace, Analyst at Acme'."""
    match = _SAID.search(text)
    if match is None or not is_person(match["name"]):
        return None
    role = match["role"].strip()
    if role.startswith("one of"):
        return None
    if possessive := re.match(r"(?P<company>[A-Z][\w&.-]*(?:\s[A-Z][\w&.-]*)*)['’]s?\s+(?P<role>.+)", role):
        return Person(match["name"], possessive["role"], possessive["company"])
    if employed := re.match(r"(?P<role>.+?)\s+at\s+(?P<company>[A-Z].*)$", role):
        return Person(match["name"], employed["role"], employed["company"])
    return Person(match["name"], role, None) if function_of(role) else None


def rivals_in(title: str, vendor: str) -> list[str]:
    """Return the competitors of the vendor in the title of a comparison: 'Rival' in 'In-depth: Acme vs Rival'."""
    text = re.sub(r"^[^:]{1,30}:\s+", "", title)
    parts = [re.sub(r"\s*[:(|–—].*$", "", part).strip() for part in _VERSUS.split(text)]
    if len(parts) < 2 or not any(normal(vendor) in normal(part) for part in parts):
        return []
    return [name for part in parts if (name := company_name(part, vendor))]
