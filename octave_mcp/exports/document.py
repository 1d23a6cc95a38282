"""What the formats for people have in common: the numbers of sources, and words for codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from octave_mcp.copywriting.outlines import HOW, TITLE, title
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.findings import RELATIONS, UNDATED, Whereabouts
from octave_mcp.domain.notices import FlagCode, Gap
from octave_mcp.domain.page import place_in_words
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.vendor import Element, VendorElements
from octave_mcp.evidence.passages import is_stale
from octave_mcp.exports.support import counted, mark_of, verdict_in_words

FLAGS: dict[FlagCode, tuple[str, str]] = {
    "extractive": (
        "Collected without a language model",
        "Check the quotation before you use a line.",
    ),
    "low_confidence": (
        "Thin evidence",
        "The websites gave little to read: check each claim before you use it.",
    ),
    "existing_customer": (
        "Already a customer",
        "The approach is expansion, and the prospect's own story is not used as proof.",
    ),
    "vendor_is_customer": (
        "You are their customer",
        "The prospect's own pages say so. Open with it: no other reason to write is as warm.",
    ),
    "reused": (
        "Earlier research used again",
        "Some pages were read for an earlier playbook: see the dates in the sources.",
    ),
    "stood_in": (
        "Another model stood in",
        "The model asked for did not give every answer.",
    ),
    "slow_model": (
        "The model was slow",
        "The run took longer for this reason only; the playbook is not affected.",
    ),
    "translated": (
        "Translated",
        "Some quotations are in another language than the playbook: they are kept as the page has them.",
    ),
    "suspicious_page": (
        "A page tried to give instructions",
        "It was read as text and nothing in it was obeyed: check what rests on it.",
    ),
}
"""What a flag is called, and what it means to a rep."""

WHEREABOUTS: dict[Whereabouts, str] = {
    "leadership": "leadership",
    "team": "team",
    "author": "author",
    "speaker": "speaker",
    "testimonial": "signs a testimonial",
}

FINDINGS = {"triggers": "Triggers", "people": "People", "integrations": "Integrations and technology"}
"""The sections of findings about both companies, and what they are called."""


@dataclass(frozen=True)
class Source:
    """A piece of evidence under the number it has in the document."""

    number: int
    evidence: Evidence
    stale: bool

    @property
    def place(self) -> str:
        """Where it stands, if the readers of its page do not see it as a sentence."""
        return place_in_words(self.evidence.label, self.evidence.where) if self.evidence.where else ""


@dataclass(frozen=True)
class Citation:
    """What one claim rests on, and whether that supports it; `key` is the same wherever both are."""

    key: str
    sources: tuple[Source, ...]
    verdict: str = ""


class Citations:
    """Numbers evidence in the order in which a document first cites it."""

    def __init__(self, playbook: Playbook) -> None:
        self._evidence = playbook.evidence
        self._on = playbook.generated_at.date()
        self._sources: dict[EvidenceId, Source] = {}
        self._citations: dict[tuple[tuple[EvidenceId, ...], str], Citation] = {}

    def cite(self, ids: tuple[EvidenceId, ...], support: Support | None = None) -> Citation:
        cited = tuple(dict.fromkeys(ids)), verdict_in_words(support) if support else ""
        if cited not in self._citations:
            sources = tuple(self._source(id_) for id_ in cited[0])
            self._citations[cited] = Citation(f"cite-{len(self._citations) + 1}", sources, cited[1])
        return self._citations[cited]

    def citations(self) -> tuple[Citation, ...]:
        """What was cited so far, for the end of the document."""
        return tuple(self._citations.values())

    def sources(self) -> tuple[Source, ...]:
        """What was numbered so far, for the end of the document."""
        return tuple(self._sources.values())

    def _source(self, id_: EvidenceId) -> Source:
        if id_ not in self._sources:
            evidence = self._evidence[id_]
            self._sources[id_] = Source(len(self._sources) + 1, evidence, is_stale(evidence, self._on))
        return self._sources[id_]


def in_words(code: str) -> str:
    """A code as a rep would say it: 'case_study' as 'Case study'."""
    spaced = code.replace("_", " ").replace(".", ": ")
    return spaced[:1].upper() + spaced[1:]


class _Elements(NamedTuple):
    role: Role
    section: str
    kinds: tuple[tuple[str, tuple[Element[EvidenceId], ...]], ...]


def environment(finalize: Callable[[object], object] | None = None) -> Environment:
    """Jinja that takes nothing on trust: what a template prints is escaped, what it lacks is an error."""
    return Environment(
        loader=PackageLoader("octave_mcp.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
    )


def reading(playbook: Playbook) -> dict[str, Any]:
    """What a template may speak of, for one document."""
    citations = Citations(playbook)
    companies = playbook.companies
    elements = tuple(_elements(playbook, companies))
    outlined = title(playbook)
    emails = {touch.kind for sequence in playbook.email_sequences for touch in sequence.touches}
    return {
        "playbook": playbook,
        "citations": citations,
        "cite": citations.cite,
        "judged": counted(playbook),
        "mark_of": mark_of,
        "verdict_in_words": verdict_in_words,
        "flag_words": FLAGS,
        "company_names": {role: company.name for role, company in companies.items()},
        "companies": companies,
        "whereabouts": WHEREABOUTS,
        "relations": RELATIONS,
        "page_of": _page_of,
        "finding_contents": list(_finding_contents(playbook)),
        "elements": elements,
        "element_contents": [(role, in_words(section), None) for role, section, _ in elements],
        "persona_title": _persona_titles(playbook),
        "gaps_in": _gaps_by_section(playbook),
        "outline": {"title": outlined, "how": HOW} if outlined else None,
        "is_outline": outlined == TITLE,
        "outline_title": TITLE,
        "emails_title": "E-mail outlines" if emails == {"outline"} else "E-mail sequences",
        "in_words": in_words,
    }


def _page_of(date: str) -> str:
    return "undated page" if date == UNDATED else f"page of {date}"


def _finding_contents(playbook: Playbook) -> Iterator[tuple[str, str, int]]:
    """The sections that the document has; a playbook from before they existed has none of them."""
    gaps_in = _gaps_by_section(playbook)
    for section, called in FINDINGS.items():
        found: tuple[Any, ...] = getattr(playbook, section)
        if found or gaps_in(section):
            yield section, called, len(found)


def _elements(playbook: Playbook, companies: Iterable[Role]) -> Iterator[_Elements]:
    """What the pages of each company say that it sells, with the section of the playbook that has it."""
    for role in companies:
        traits = ROLES[role]
        if traits.reads == "elements":
            elements: VendorElements[EvidenceId] = getattr(playbook, traits.section)
            yield _Elements(role, traits.section, tuple(elements.by_kind()))


def _persona_titles(playbook: Playbook) -> Callable[[str], str]:
    titles = {persona.id: persona.title for persona in playbook.priority_personas}
    return lambda persona_id: titles.get(persona_id, persona_id)


def _gaps_by_section(playbook: Playbook) -> Callable[[str], tuple[Gap, ...]]:
    """A gap's section is a key of the playbook, or a path below one."""

    def gaps_in(section: str) -> tuple[Gap, ...]:
        return tuple(gap for gap in playbook.gaps if f"{gap.section}.".startswith(f"{section}."))

    return gaps_in
