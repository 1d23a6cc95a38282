"""Use cases: what customers do with the product, from their stories and from lists of use cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import UseCase
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.headings import (
    is_imperative,
    is_not_product_page,
    leads_elsewhere,
    with_headings_above,
)
from octave_mcp.models.extractive.names import customer_of_story
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, Section

_NO_USE = re.compile(r"\b(?:learn|read|see) (?:more|how)\b|\?$|^\W*[“\"]|[”\"]$", re.IGNORECASE)
# A use case cites up to this many sentences about the use, and up to this many others from the same paragraphs.
MAX_SENTENCES = 6
# A word from a feature's name must have at least this many letters, because 'app' or 'API' would match too many
# sentences.
MIN_WORD = 4
_CUSTOMER_SUBJECT = re.compile(r"\b(?:we|our|I|the (?:\w+ )?team|their|teams?|they|users)\b|[”\"]", re.IGNORECASE)
_WE_DO = re.compile(r"\b(?:we|I)(?:['’](?:ll|re|ve))?\s+(?:\w+ly |also |even |then |just )?[a-z]{3,}\b")
_USES_HEADING = re.compile(
    r"\b(?:use cases?|(?:popular|common|typical) uses|applications|scenarios|ways (?:to use|teams use)|"
    r"what you can build|"
    r"how (?:teams|customers|companies|people) use)\b",
    re.IGNORECASE,
)
# Matches titles that name an industry instead of a use case: 'Financial services', 'Retail and e-commerce'.
_INDUSTRY = re.compile(
    r"(?:the )?(?:[\w-]+ (?:and|&) )?(?:weather|automotive|banking|finance|financial services|government|life sciences|"
    r"healthcare|health care|pharmaceuticals?|manufacturing|industry|retail|education|energy|telecom\w*|media|"
    r"insurance|"
    r"real estate|hospitality|public sector|travel|transportation|logistics|agriculture|aerospace|defen[cs]e|"
    r"gaming|legal|"
    r"nonprofits?|construction|e-?commerce)(?: (?:and|&) [\w-]+)?",
    re.IGNORECASE,
)
_VENDOR_SUBJECT = re.compile(r"(?:we|our|with our|benefit from)\b", re.IGNORECASE)
_YOU = re.compile(r"\byour?\b", re.IGNORECASE)
_VAGUE = re.compile(r"\b(?:this|that|these|those|it|them|specific|many of|more)\b", re.IGNORECASE)
_USE_TITLE = re.compile(r"[^.:!?]{3,60}")
_GERUND = re.compile(
    r"^(?:using|building|tracking|automating|improving|finding|forwarding|monitoring|analy[sz]ing|running|testing|"
    r"creating|"
    r"managing|measuring|optimi[sz]ing|scaling|understanding|debugging|identifying|migrating|replacing|launching|"
    r"powering|"
    r"rolling out|storing|searching|sending|sharing|connecting|deploying|developing|fuell?ing|increasing|reducing|"
    r"cutting|growing|making|moving|combining|serving|driving|learning|shipping|experimenting|"
    r"targeting)\b(?:\s+\S+){1,10}$",
    re.IGNORECASE,
)
_USES = re.compile(
    r"\b(?:uses?|using|used|relies on|rely on|leverag\w+|runs? (?:on|in|with)|built (?:on|with)|builds? (?:on|with)|"
    r"turned to|switch(?:es)? to|launch(?:es)?|test(?:s|ed)?|add(?:s|ed)?|throw|deploy(?:s|ed)?|tracks?|monitors?|"
    r"watch(?:es)?|manages?|stores?)\b",
    re.IGNORECASE,
)
# Matches a purpose, such as 'find bugs early' in 'uses Acme to find bugs early'. Does not match the 'to' of 'turned to'
# and 'switch to', because this word introduces a product, not a purpose.
_PURPOSE = re.compile(
    r"(?<!turned )(?<!switch )\b(?:to|for)\s+(?!other|the|an?\b|its|their|us\b)"
    r"(?P<what>[a-z](?:[^,.;:—()“”\"]|\.(?=\w)){8,70})"
)
_NOT_IN_USE = re.compile(
    r"\b(?:used to|instead of|before|previously|originally|considered|looked at|tried|evaluat\w+|alternatives?|will|"
    r"plan(?:s|ning)? to|would|could have|want(?:s|ed)? to|easy to use|previous company|I['’]d|decided|but did|"
    r"early days|a mix of|difficult)\b",
    re.IGNORECASE,
)


def use_cases(pages: Sequence[ReadPage], vendor: str) -> Iterator[UseCase[Cite]]:
    for page in pages:
        if page.page.kind == "case_study":
            yield from _from_story(page, vendor)
        elif page.page.kind in {"home", "product", "persona"} and not (
            page.is_post or is_not_product_page(page.page.url)
        ):
            yield from _from_lists(page, vendor)


def _from_story(page: ReadPage, vendor: str) -> Iterator[UseCase[Cite]]:
    """Yield a use case for each section of a customer story that says how the customer uses the product."""
    story = customer_of_story(page, vendor)
    if story is None:
        return
    product = re.compile("|".join(map(re.escape, (vendor, *_parts_used(page, vendor)))), re.IGNORECASE)
    for section in page.sections:
        uses = [line for line in section.lines if _is_use(line, story[0], product)]
        # Put a sentence that states a purpose first, because the title is made from the first sentence.
        cited = _with_paragraph(section, sorted(uses, key=lambda line: not _purpose(line.text)))
        if cited and not (_purpose(cited[0].text) or _GERUND.match(section.title)):
            continue
        if section.heading and cited and not leads_elsewhere(section.title):
            title = section.title if _GERUND.match(section.title) else f"{story[0]}: {_purpose(cited[0].text)}"
            yield _use(title, cited[0], *cited, section.heading)


def _with_paragraph(section: Section, uses: Sequence[Line]) -> list[Line]:
    """From the same paragraphs, add sentences such as 'We also track errors', which say what the customer does."""
    blocks = {line.block for line in uses}
    others = [li for li in section.lines if li.block in blocks and li not in uses and _is_activity(li)]
    return [*uses[:MAX_SENTENCES], *others[:MAX_SENTENCES]]


def _is_activity(line: Line) -> bool:
    return line.is_whole and bool(_WE_DO.search(line.text)) and not _NOT_IN_USE.search(line.text)


def _parts_used(page: ReadPage, vendor: str) -> Iterator[str]:
    """Yield the parts of the product that a story names, either in its list of tools or after the vendor's name.

    For 'Session replays', also yield 'replay', because the story may later say only 'the replays'.
    """
    for line in page.lines:
        if line.form == "item" and (listed := re.match(r"(?:Tools|Products?|Features) used\s*:\s*(.+)", line.text)):
            parts = [part.strip().removesuffix("s") for part in listed[1].split(",") if part.strip()]
            yield from (word for part in parts for word in (part, part.split()[-1]) if len(word) >= MIN_WORD)
        for match in re.finditer(rf"\b{re.escape(vendor)}(?:['’]s?)? ([a-z]{{4,}} [a-z]{{4,}}s)\b", line.text):
            yield match[1].removesuffix("s")


def _is_use(line: Line, customer: str, product: re.Pattern[str]) -> bool:
    """Whether the customer or its staff use the product or a part of it."""
    if not line.is_whole or line.form == "row" or _NOT_IN_USE.search(line.text) or not product.search(line.text):
        return False
    by_customer = has_words(customer, line.text) or _CUSTOMER_SUBJECT.search(line.text)
    in_it = re.search(rf"\b(?:in|into|with|on|through|via|behind) (?:{product.pattern})", line.text, re.IGNORECASE)
    uses = re.search(rf"{_USES.pattern}.{{0,80}}?(?:{product.pattern})", line.text, re.IGNORECASE)
    return bool(by_customer and (in_it or uses))


def _purpose(text: str) -> str | None:
    """Return up to nine words of a sentence that say what the product is used for."""
    used = _USES.search(text)
    clause = _PURPOSE.search(text[used.start() :]) if used else None
    purpose = " ".join(re.split(r"\s(?:but|because|so|then)\s", clause["what"])[0].split()[:9]) if clause else ""
    return purpose if purpose and not _VAGUE.search(purpose) else None


def _from_lists(page: ReadPage, vendor: str) -> Iterator[UseCase[Cite]]:
    """Yield a use case for each list item and for each section below a heading such as 'Use cases'."""
    for section, above in with_headings_above(page.sections):
        if any(_USES_HEADING.search(line.text) for line in above) and section.heading and _is_titled_as_use(section):
            text = next((line for line in section.lines[:3] if line.is_whole and line.form != "quote"), None)
            if text and _describes_use(text.text, vendor):
                yield _use(section.title, text, section.heading, text)
        if section.heading and _USES_HEADING.search(section.title):
            yield from _items(section)


def _describes_use(text: str, vendor: str) -> bool:
    """Whether a sentence says what the reader or the product does, instead of only naming a field of work."""
    is_use = is_imperative(text) or _YOU.search(text) or has_words(vendor, text) or not text.isascii()
    return bool(is_use) and not _NO_USE.search(text) and not _VENDOR_SUBJECT.match(text)


def _is_titled_as_use(section: Section) -> bool:
    is_use = (
        _USE_TITLE.fullmatch(section.title)
        and not re.fullmatch(r"[A-Z]\w+", section.title)
        and not _INDUSTRY.fullmatch(section.title)
    )
    return bool(is_use) and not leads_elsewhere(section.title)


def _items(section: Section) -> Iterator[UseCase[Cite]]:
    for line in section.lines:
        match = re.match(r"(?P<name>[^:–—.]{3,50})\s*[:–—]\s+(?P<rest>\S.{15,})", line.text)
        if line.form == "item" and match and not leads_elsewhere(match["name"]):
            yield UseCase[Cite](title=match["name"].strip(), text=match["rest"], evidence=(line.cite,))


def _use(title: str, text: Line, *lines: Line) -> UseCase[Cite]:
    evidence = tuple(dict.fromkeys(line.cite for line in (*lines, text)))
    return UseCase[Cite](title=title.strip(" ."), text=text.text, evidence=evidence)
