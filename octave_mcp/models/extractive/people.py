"""People named on a company's pages: its team, the authors of its posts, its guests, and customers who praise it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import NamedPerson, Whereabouts
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.cues import function_of
from octave_mcp.models.extractive.names import (
    Person,
    attributed,
    company_name,
    customer_of_story,
    is_person,
    quoted_speaker,
)
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, cells

_TEAM_HEADING = re.compile(
    r"\b(?:team|leadership|leaders|founders?|who we are|people|management|executives?|board|staff)\b|团队",
    re.IGNORECASE,
)
# Headings over people who usually do not work at the company: "Our investors", "Loved by teams", "Guest speakers".
_NOT_OWN = re.compile(
    r"\b(?:investors?|advis(?:o|e)rs?|angels?|speakers?|customers?|alumni|judges|guests?|by|for|your|loved|"
    r"trusted|with|every)\b",
    re.IGNORECASE,
)
_MAX_HEADING_WORDS = 6
_KINDS_WITH_TEAM: frozenset[PageKind] = frozenset({"about", "home", "careers", "other"})
_POSTS: frozenset[PageKind] = frozenset({"news", "blog", "other", "case_study"})
_KINDS_WITH_CUSTOMERS: frozenset[PageKind] = frozenset(
    {"home", "customers", "case_study", "product", "pricing", "persona"}
)
_PRAISE = re.compile(
    r"\b(?:customers?|clients?|users?|testimonials?|reviews?|loved|trusted|say(?:s|ing)?|people)\b", re.IGNORECASE
)
_LEADS = re.compile(
    r"\b(?:CEO|CTO|CFO|COO|CMO|CRO|CPO|CISO|chief|founders?|co-?founders?|president|chair(?:man|woman)?|owner|partner|"
    r"vice president|S?VP|managing director|executive director)\b",
    re.IGNORECASE,
)
# Matches a leader's title right before "of". "CEO of Acme" names an employer, but "Head of Crews" names only a
# department.
_ENDS_IN_LEAD = re.compile(rf"{_LEADS.pattern}$", re.IGNORECASE)
_NAME = (
    r"[A-ZÀ-ÖØ-Þ][\w'’-]{1,40}(?:\s+(?:de|van|der|von|del|la|di|bin|al)\b){0,3}(?:\s+[A-ZÀ-ÖØ-Þ][\w'’.-]{0,40}){1,3}?"
)
_COMPANY = r"[A-Z0-9][\w&.-]{0,60}(?:\s+(?:of\s+|the\s+)?[A-Z0-9][\w&.-]{0,60}){0,4}(?![\w&-])"
# Matches "Ada Lovelace, the lead analyst at Engine Works".
_TITLE_AT_COMPANY = re.compile(
    rf"(?P<name>{_NAME}),\s+(?:the\s+|an?\s+|its\s+|our\s+)?(?P<title>[A-Za-z][\w ,&/’'-]{{1,70}}?)\s+"
    rf"(?P<at>at|@|of)\s+(?P<company>{_COMPANY})(?!['’]s\s)"
)
# Matches "Ada Lovelace, Acme's new CTO, says ...".
_POSSESSIVE_TITLE = re.compile(
    rf"(?P<name>{_NAME}),\s+(?:one of\s+)?(?:the\s+)?(?P<company>{_COMPANY})['’]s?\s+"
    r"(?:(?:new|first|own|lead)\s+)?(?P<title>[A-Za-z][\w &/-]{1,60}?)(?=[,.;:”\"]|\s+(?:who|says|said|explains|"
    r"added|told|to|has|is|was|on|in|about)\b|\s+and\s+[a-z]|$)"
)
# Matches "Acme CEO Ada Lovelace said ...".
_TITLED_BEFORE = re.compile(
    rf"(?:(?P<company>{_COMPANY})(?:['’]s?)?\s+)(?P<title>(?:(?:co-?)?founder|CEO|CTO|CFO|COO|CMO|CRO|CPO|CISO|"
    rf"President)"
    rf"(?:\s+(?:and|&|of)\s+[A-Z][\w-]*(?:\s+[A-Z][\w-]*)?)?),?\s+(?P<name>{_NAME})(?=[,.;:”\"]|\s+[a-z]|$)"
)
_WITH_COMPANY = re.compile(rf"(?P<name>{_NAME}) \((?P<company>{_COMPANY})\)")
# Matches mentions of the vendor's employees in case studies: "Grace Hopper, Solutions Engineer, helped us ...".
_HELPFUL_EMPLOYEE = re.compile(
    rf"(?P<name>{_NAME}), (?P<title>[A-Z][\w &/-]{{2,50}}), (?:provided|helped|supported|guided|assisted)\b"
)
_BY_PREFIX = re.compile(r"^(?:(?:written|posted|published|words)\s+)?(?:by|authors?)\b:?\s+", re.IGNORECASE)
# Matches bylines such as "Ada Lovelace and Grace Hopper, May 3, 2024" and "Ada Lovelace, Head of Data".
_BYLINE = re.compile(
    rf"^(?P<names>{_NAME}(?:(?:,\s+and|,|\s+and|\s*&)\s+{_NAME})*)"
    r"(?:\s*(?:,|\||·|•|–|—|-|\bon\b|\()\s*(?P<rest>.{2,80}))?$"
)
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_MAX_LINES_BEFORE_BYLINE = 5
_MAX_TITLE_WORDS = 9
_MAX_DEPARTMENT_WORDS = 3
_MAX_LABEL_WORDS = 14
# In "Director, Product and AI Acme", the employer cannot be separated from the title, so the person is left out.
_REST_OF_TITLE = re.compile(
    r"(?:Product|Engineering|Marketing|Sales|Data|Design|Operations|Growth|IT|Digital|Technology)\s+(?:and|&)\s"
)
# If one of these words precedes a capitalized name, the name is often part of another name: "at Ada Lovelace
# Institute", "Acme's Grace Hopper Fund".
_WITHIN_NAME = re.compile(r"(?:\b(?:at|of|the|in|for|our)|@|['’]s|&)\s*$")
_FOUNDERS = "Founders"


def people(pages: Sequence[ReadPage], company: str) -> Iterator[NamedPerson[Cite]]:
    for page in pages:
        yield from _founders(page)
        if page.page.kind in _KINDS_WITH_TEAM:
            yield from _team(page, company)
        if page.page.kind in _POSTS:
            yield from _authors(page)
        yield from _guests(page, company)
        if page.page.kind != "comparison":  # a comparison may quote a competitor's customers
            yield from _signers(page, company)
        yield from _mentioned(page, company)


def _person(
    name: str, title: str | None, where: Whereabouts, lines: Sequence[Line], employer: str | None = None
) -> NamedPerson[Cite]:
    cites = tuple(dict.fromkeys(line.cite for line in lines))
    return NamedPerson[Cite](name=_without_honorific(name), title=title, where=where, employer=employer, evidence=cites)


def _without_honorific(name: str) -> str:
    return re.sub(r"^(?:Dr|Mr|Mrs|Ms|Prof)\.?\s+", "", name.strip(" .,:"))


def _is_name(text: str) -> bool:
    return is_person(_without_honorific(text)) and all(
        re.fullmatch(r"[^\W\d_][\w'’.-]*", word) for word in text.split()
    )


def title_in(text: str) -> str | None:
    """Return the text if it is a job title and nothing more. Otherwise, return None."""
    plain = text.strip(" .,;:–—-|")
    words = cues.TITLE if len(plain.split()) <= _MAX_DEPARTMENT_WORDS else cues.JOB
    is_title = plain and len(plain.split()) <= _MAX_TITLE_WORDS and words.search(plain)
    return plain if is_title and not re.search(r"^[#\d]|[.!?]\s|https?:|\d{3}", plain) else None


def _department(text: str) -> str | None:
    plain = text.strip(" .,;")
    return plain if len(plain.split()) <= _MAX_DEPARTMENT_WORDS and function_of(plain) else None


def _founders(page: ReadPage) -> Iterator[NamedPerson[Cite]]:
    for line in page.head:
        for name in line.text.split(",") if line.label == _FOUNDERS else ():
            if _is_name(name.strip()):
                yield _person(name, "Founder", "leadership", (line,))


def _team(page: ReadPage, company: str) -> Iterator[NamedPerson[Cite]]:
    """Yield people from cards, list items and rows with a name and a title, on a team page or below a team heading."""
    on_page = page.page.kind != "home" and _is_team_heading(page.headline.text if page.headline else page.page.title)
    is_team, level = on_page, 1
    for section in page.sections:
        heading = section.heading
        # A deeper heading that is a person's name belongs to a card in the team section, so it does not end the
        # section.
        if heading is not None and (heading.level <= level or not _is_name(heading.text)):
            level = heading.level
            is_team = (on_page or _is_team_heading(heading.text)) and not _NOT_OWN.search(heading.text)
        if is_team:
            lines = [*((heading,) if heading else ()), *section.lines]
            cards = [*(_in_one_line(line) for line in lines), *(_in_two_lines(*pair) for pair in pairwise(lines))]
            yield from (
                _team_member(*card, page, company) for card in cards if card and not has_words(company, card[0])
            )


def _is_team_heading(heading: str) -> bool:
    return (
        bool(_TEAM_HEADING.search(heading))
        and len(heading.split()) <= _MAX_HEADING_WORDS
        and not _NOT_OWN.search(heading)
    )


Card = tuple[str, str, tuple[Line, ...]]


def _in_one_line(line: Line) -> Card | None:
    by_mark = re.split(r"\s*[,|:–—(]\s*|\s+-\s+", line.text.rstrip(".)"), maxsplit=1)
    parts = cells(line) if line.form == "row" else by_mark
    if len(parts) == 1 or line.form not in {"item", "sentence", "row", "heading"} or not _is_name(parts[0]):
        return None
    role = re.split(r"\s*[|·(]\s*|\.\s|\s[–—-]\s", parts[1])[0]
    title = title_in(role) or _department(role)
    return (parts[0], title, (line,)) if title else None


def _in_two_lines(name: Line, after: Line) -> Card | None:
    is_next = after.form == "heading" and name.form == "heading" and after.level < name.level
    if name.form not in {"heading", "sentence", "item"} or not _is_name(name.text) or is_next:
        return None
    title = title_in(after.text)
    return (name.text, title, (name, after)) if title and not _is_name(after.text) else None


def _team_member(name: str, title: str, lines: tuple[Line, ...], page: ReadPage, company: str) -> NamedPerson[Cite]:
    """Return the person whom a card describes.

    If the card names another employer, the person is a guest or, on a home page, a customer.
    """
    elsewhere = re.fullmatch(rf"(?P<title>.+?)\s+(?:at|@)\s+(?P<company>{_COMPANY})", title)
    if elsewhere and not has_words(company, elsewhere["company"]):
        where = "testimonial" if page.page.kind == "home" else "speaker"
        return _person(name, elsewhere["title"], where, lines, elsewhere["company"])
    return _person(name, elsewhere["title"] if elsewhere else title, _own_place(title), lines)


def _own_place(title: str) -> Whereabouts:
    return "leadership" if _LEADS.search(title) else "team"


def _guests(page: ReadPage, company: str) -> Iterator[NamedPerson[Cite]]:
    """Yield guests.

    The heading names the guest and the employer ('Ada Lovelace (Engine Works)'), and the line below it states the job
    title.
    """
    for section in page.sections:
        match = _WITH_COMPANY.fullmatch(section.title)
        if match is None or section.heading is None or not _is_name(match["name"]):
            continue
        employer = company_name(match["company"], company)
        after = next(iter(section.lines), None)
        title = (
            re.split(rf"\s+(?:at|of|@)\s+{re.escape(match['company'])}|\s+(?:at|@)\s+|\.", after.text)[0]
            if after
            else ""
        )
        if employer and after and (plain_title := title_in(title)):
            yield _person(match["name"], plain_title, "speaker", (section.heading, after), employer)


def _authors(page: ReadPage) -> Iterator[NamedPerson[Cite]]:
    """Yield the authors of a post, from the byline below its headline."""
    if page.headline is None:
        return
    at = page.lines.index(page.headline)
    for line in page.lines[at + 1 : at + 1 + _MAX_LINES_BEFORE_BYLINE]:
        byline = _BY_PREFIX.sub("", line.text)
        match = _BYLINE.match(byline) if line.form in {"sentence", "item"} else None
        if match is None or len(line.text.split()) > _MAX_LABEL_WORDS:
            continue
        rest = match["rest"] or ""
        titles = (title_in(part) for part in re.split(r"\s*[·|•()]\s*", rest) if not _DATE.search(part))
        title = next(filter(None, titles), None)
        names = [name for name in re.split(r",\s+(?:and\s+)?|\s+and\s+|\s*&\s*", match["names"]) if _is_name(name)]
        if names and (title or byline != line.text or _DATE.search(rest)):
            yield from (_person(name, title, "author", (line,)) for name in names)
            return


def _signers(page: ReadPage, company: str) -> Iterator[NamedPerson[Cite]]:
    """Yield the people whom the page quotes, as named in the attribution below each quotation."""
    story = customer_of_story(page, company) if page.page.kind == "case_study" else None
    for before, line in pairwise((page.lines[0], *page.lines)):
        is_label = before.quotes and line.form != "row" and len(line.text.split()) <= _MAX_LABEL_WORDS
        person = attributed(line.text) if line.form == "attribution" or is_label else None
        if person and _is_name(person.name):
            praises = page.page.kind in _KINDS_WITH_CUSTOMERS or _is_praise(before, line, page, company)
            yield from _quoted(
                person, line, company, story[0] if story and _is_in_title(story[0], page) else None, praises=praises
            )


def _is_in_title(customer: str, page: ReadPage) -> bool:
    return has_words(customer, page.page.title)


def _is_praise(before: Line, line: Line, page: ReadPage, company: str) -> bool:
    """Whether the person who is quoted is a customer.

    In a post, the company or its customers must be named near the quotation.
    """
    context = f"{before.text} {line.heading}"
    return has_words(company, context) or bool(_PRAISE.search(line.heading)) or page.page.kind not in _POSTS - {"other"}


def _quoted(
    person: Person, line: Line, company: str, customer: str | None, *, praises: bool
) -> Iterator[NamedPerson[Cite]]:
    title, employer = title_in(person.role or "") or _department(person.role or ""), person.company
    if employer and _REST_OF_TITLE.match(employer):
        return
    if title is None and (parts := re.match(r"(?P<title>.+?)\s+(?:of|at|@)\s+(?P<company>.+)", employer or "")):
        title, employer = title_in(parts["title"]), parts["company"]
    if title is None and line.form != "attribution":
        return
    if employer is None and customer and title:
        employer = customer
    if employer and has_words(company, employer):
        yield _person(person.name, title, "speaker", (line,))
    elif employer and (named := company_name(employer, company)):
        yield _person(person.name, title, "testimonial" if praises else "speaker", (line,), named)


def _mentioned(page: ReadPage, company: str) -> Iterator[NamedPerson[Cite]]:
    """Yield people whom a sentence introduces: 'Ada Lovelace, analyst at Acme', 'said Ada Lovelace, Acme's CEO'."""
    if page.page.kind == "docs":
        return
    for before, line in pairwise((page.lines[0], *page.lines)):
        is_signature = before.quotes and len(line.text.split()) <= _MAX_LABEL_WORDS and attributed(line.text)
        if line.form in {"sentence", "quote", "item"} and not is_signature:
            yield from _introduced(line, page, company)


def _introduced(line: Line, page: ReadPage, company: str) -> Iterator[NamedPerson[Cite]]:
    for match in (
        candidate
        for pattern in (_TITLE_AT_COMPANY, _POSSESSIVE_TITLE, _TITLED_BEFORE)
        for candidate in pattern.finditer(line.text)
    ):
        title, employer = title_in(match["title"]), match["company"].rstrip(".")
        before = line.text[: match.start()]
        if title is None or not _is_name(match["name"]) or function_of(employer) or _WITHIN_NAME.search(before):
            continue
        if match.groupdict().get("at") != "of" or _ENDS_IN_LEAD.search(title):
            singular = re.sub(r"s$", "", title) if "one of" in match[0] else title
            yield from _with_employer(match["name"], singular, employer, line, page, company)
    for match in _HELPFUL_EMPLOYEE.finditer(line.text) if page.page.kind == "case_study" else ():
        if _is_name(match["name"]) and (title := title_in(match["title"])):
            yield _person(match["name"], title, "team", (line,))
    speaker = quoted_speaker(line.text)
    if (
        speaker
        and speaker.role
        and speaker.company is None
        and _is_name(speaker.name)
        and (title := title_in(speaker.role))
    ):
        yield from _own_speaker(speaker.name, title, line, company)


def _own_speaker(name: str, title: str, line: Line, company: str) -> Iterator[NamedPerson[Cite]]:
    """Yield the speaker if the title shows that the speaker works at the company: 'our CEO', "Acme's CEO"."""
    if re.search(rf"\b(?:our|{re.escape(company)})\b", title, re.IGNORECASE):
        yield _person(name, title, "speaker", (line,))


def _with_employer(
    name: str, title: str, employer: str, line: Line, page: ReadPage, company: str
) -> Iterator[NamedPerson[Cite]]:
    if has_words(company, employer):
        yield _person(name, title, _own_place(title) if _LEADS.search(title) else "team", (line,))
    elif named := company_name(employer, company):
        is_story = page.page.kind in {"case_study", "customers"}
        yield _person(name, title, "testimonial" if is_story else "speaker", (line,), named)
