"""Differentiators: how the vendor differs from competitors, and where its pages concede that a competitor is better."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.names import normal
from octave_mcp.domain.vendor import Differentiator
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.headings import is_not_product_page, leads_elsewhere
from octave_mcp.models.extractive.names import company_name, rivals_in, speaks_of
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section, cells

# Maximum number of rows to use per comparison page and company, because some tables have dozens of rows.
MAX_ROWS = 4
_YES = frozenset({"✔", "✓", "✅", "yes", "included", "✔︎"})
_NO = frozenset({"✖", "✗", "❌", "no", "x", "–", "-", "not available"})


_AHEAD = (
    r"\b{rival}\b.{{0,200}}\b(?:better|ahead|wins?|stronger|right choice|instead)|"
    r"(?:choose|pick|when)\s.{{0,200}}\b{rival}\b"
)
_COMPARED_WITH = re.compile(
    r"(?:[Uu]nlike|[Aa]lternative to(?: products like| tools such as| tools like)?|"
    r"[Cc]ompared (?:to|with))"
    r"\s+(?P<names>[A-Z]\w+(?: [A-Z]\w+)?(?:(?:,| and| or|, and)\s+[A-Z]\w+(?: [A-Z]\w+)?)*)"
)


_DIFFERS = re.compile(
    r"\b(?:than|unlike|instead|without|only|less|fewer|smaller|faster|simpler|lighter|cheaper|whereas|"
    r"compared|rather|don['’]t|doesn['’]t|never)\b",
    re.IGNORECASE,
)
_UNIQUE = re.compile(
    r"\bthe only (?!thing|way|reason|time|one who|person|exception|difference)[\w -]{3,60}\b(?:that|to|with|built|for|"
    r"which)\b|"
    r"\b[Uu]nlike (?:other|most|traditional|conventional|legacy|competing)\b|\bno other (?:\w+ ){1,3}"
    r"(?:offers|has|can|does|provides)\b",
)


# Matches 'smaller than Google Analytics'. The possessive of a one-word name ("than Rival's pages") does not match,
# because such a text compares something else. In "than Google Analytics' pages", only "Google" matches.
_BETTER = re.compile(
    r"\b(?P<how>(?:more|less|fewer|smaller|lighter|faster|simpler|better|cheaper|easier|cleaner|leaner|safer|quicker)\b"
    r"[^.;:]{0,50}? than|alternative to)\s+(?P<name>(?!\w*\d[A-Z]|Big\b)[A-Z]\w+(?: [A-Z]\w+)?(?: \d)?)(?!['’\w])"
)
_NO_GAIN = re.compile(
    r"\b(?:not|never|n['’]t|cannot|was|were|had|has been|have been|went|used to|expensive|slower|harder|costs?|"
    r"features|working on|building|featured|different|affects?|positioned|bootstrapped|reasons|relaunched|reached|"
    r"recently|share)\b|^[“\"]|[”\"]$",
    re.IGNORECASE,
)


def differentiators(pages: Sequence[ReadPage], vendor: str) -> Iterator[Differentiator[Cite]]:
    for page in pages:
        rivals = rivals_in(page.page.title, vendor)
        if len(rivals) == 1:
            yield from _from_comparison(page, rivals[0], vendor)
        if is_not_product_page(page.page.url):
            continue
        if page.page.kind in {"home", "faq", "product", "comparison", "about", "pricing"}:
            yield from _from_statements(page, vendor)
        yield from _from_comparatives(page, vendor)
        if page.page.kind == "case_study" and page.headline and (rival := _replaced_rival(page.headline.text, vendor)):
            yield _difference(rival, page.headline.text, page.headline)


def _from_comparison(page: ReadPage, rival: str, vendor: str) -> Iterator[Differentiator[Cite]]:
    """Yield the numbered reasons of a comparison page, its concessions, its statements, and its table rows."""
    headline = [page.headline] if page.headline else []
    rows: list[Differentiator[Cite]] = []
    for section in page.sections:
        numbered = re.match(r"\d+[.)]\s", section.title)
        first = next((line for line in section.lines if line.is_whole), None)
        if numbered and section.heading and first:
            yield _difference(rival, first.text, first, section.heading, *headline)
        if section.heading and first and re.search(_AHEAD.format(rival=re.escape(rival)), section.title, re.IGNORECASE):
            yield _difference(rival, first.text, first, section.heading, *headline, favours="competitor")
        if not numbered and (statement := _statement(section, vendor)) and section.heading:
            yield _difference(rival, statement.text, statement, section.heading, *headline)
        rows += _table([line for line in section.lines if line.form == "row"], rival, vendor, headline)
    yield from [row for row in rows if row.favours == "competitor"][:MAX_ROWS]
    yield from [row for row in rows if row.favours == "vendor"][:MAX_ROWS]


def _statement(section: Section, vendor: str) -> Line | None:
    """Return the first sentence of the section that says how the vendor differs."""
    if leads_elsewhere(section.title) or re.search(_AHEAD.format(rival=r"\w+"), section.title, re.IGNORECASE):
        return None
    sentences = [line for line in section.lines[:4] if line.is_whole and line.form == "sentence"]
    return next(
        (li for li in sentences if _DIFFERS.search(li.text) and has_words(vendor, " ".join(li.text.split()[:6]))), None
    )


def _table(rows: Sequence[Line], rival: str, vendor: str, headline: Sequence[Line]) -> Iterator[Differentiator[Cite]]:
    """Yield the table rows with a feature that only one of the two companies has."""
    header = [normal(cell) for cell in cells(rows[0])] if rows else []
    own_column, rival_column = (
        next((index for index, cell in enumerate(header) if cell == normal(name)), None) for name in (vendor, rival)
    )
    if own_column is None or rival_column is None:
        return
    for row in rows[1:]:
        line = cells(row)
        ours, theirs = (normal(line[column]) if column < len(line) else "" for column in (own_column, rival_column))
        feature = line[0].split(":")[0].strip()
        if ours in _YES and theirs in _NO:
            yield _difference(rival, f"{feature}: {vendor} has it, {rival} does not", row, rows[0], *headline)
        elif ours in _NO and theirs in _YES:
            yield _difference(
                rival, f"{feature}: {rival} has it, {vendor} does not", row, rows[0], *headline, favours="competitor"
            )


def _from_statements(page: ReadPage, vendor: str) -> Iterator[Differentiator[Cite]]:
    """Yield sentences that say how the vendor differs from its competitors, named or unnamed."""
    for line in page.prose:
        if (
            not line.is_whole
            or line.text.startswith(("“", '"'))
            or (not re.search(r"\b(?:we|our)\b", line.text, re.IGNORECASE) and not has_words(vendor, line.text))
        ):
            continue
        match = _COMPARED_WITH.search(line.text)
        # The vendor must be named before the competitor ('We are, unlike Rival, ...'). Otherwise, the sentence may
        # compare two other companies.
        is_compared = match and re.search(rf"\b(?:[Ww]e|[Oo]ur|{re.escape(vendor)})\b", line.text[: match.end()])
        names = re.split(r",\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+", match["names"]) if match and is_compared else []
        for name in filter(None, (company_name(part, vendor) for part in names)):
            yield _difference(name, line.text, line)
        if not match and line.form != "quote" and _UNIQUE.search(line.text) and speaks_of(line.text, vendor):
            yield _difference(None, line.text, line)


def _from_comparatives(page: ReadPage, vendor: str) -> Iterator[Differentiator[Cite]]:
    """Yield sentences that say in what way the vendor is better than a named competitor."""
    for line in page.prose:
        match = _BETTER.search(line.text) if line.is_whole and line.form != "quote" else None
        name = company_name(match["name"], vendor) if match else None
        if name and match and not _NO_GAIN.search(line.text):
            before = line.text[: match.start()]
            if speaks_of(" ".join(before.split()[:3]), vendor) and not has_words(vendor, line.text[match.end() :]):
                yield _difference(name, line.text, line)


def _replaced_rival(headline: str, vendor: str) -> str | None:
    """Return the competitor that a customer left: 'Rival' in 'Why Acme switched from Rival to ...'."""
    match = re.search(
        r"(?:switch\w{0,9}\s+from|migrat\w{0,9}\s+from|replac\w{1,9}|ditched|moved from|left)"
        r"\s+(?P<name>[A-Z][\w.]+(?:\s[A-Z][\w.]+)?)",
        headline,
    )
    return company_name(match["name"], vendor) if match else None


def _difference(rival: str | None, text: str, *lines: Line, favours: str = "vendor") -> Differentiator[Cite]:
    cites = tuple(dict.fromkeys(line.cite for line in lines))
    return Differentiator[Cite].model_validate(
        {"competitor": rival, "text": text, "favours": favours, "evidence": cites}
    )
