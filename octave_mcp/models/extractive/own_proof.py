"""Proof points that the vendor states about itself: figures, awards and certificates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageKind
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.headings import leads_elsewhere
from octave_mcp.models.extractive.logo_walls import captioned
from octave_mcp.models.extractive.typed_lines import Line, ReadPage

# Figures on pages of other kinds are often not about the vendor itself. For example, stories are about other companies,
# and prices are about plans.
_FIGURE_PAGES: frozenset[PageKind] = frozenset(
    {"home", "about", "customers", "product", "security", "persona", "careers"}
)
_NUMBER = r"(?:[$€£]\s?)?\d[\d,.]{0,20}\s?(?:%|\+|x\b|[kKmMbB]\b|(?:thousand|million|billion|trillion)\b)*"
_FIGURE_FIRST = re.compile(rf"(?:over|more than|up to|nearly|about|~|>)?\s*{_NUMBER}(?=\s|$)", re.IGNORECASE)
_FIGURE_ALONE = re.compile(rf"(?:over|more than|up to|~|>|<)?\s*{_NUMBER}", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(?:customers?|clients|users?|companies|businesses|teams|brands|organi[sz]ations|developers|engineers|employees|"
    r"databases|projects|downloads|installs|deployments|stars|contributors|countries|cities|stores|members|patients|"
    r"students|drivers|orders|shipments|messages|emails|calls|events|transactions|payments|requests|queries|visits|"
    r"uptime|availability|satisfaction|retention|satisfied|response time|faster|improve\w*|reduction|reduced|"
    r"increase\w*|savings?|saved|"
    r"growth|efficiency|accuracy|completion|usage|adoption|onboarded|registered|processed|delivered|served|managed|"
    r"launched|ROI|NPS|assessments|certified experts|data cent(?:er|re)s)\b",
    re.IGNORECASE,
)
# Matches numbers that prove little, such as small counts, numbers in headings, ratings, ages and dates: '12 offices',
# '7 reasons', '5 stars', '20 years', '2024'.
_COUNTS_NOTHING = re.compile(
    r"^\d{1,2}[.)]\s|^0\b|\b[1-5] stars?\b|years?\b|^\d{1,2} \w|\b(?:ways|reasons|tips|steps|things|examples|questions|"
    r"best practices|credits)\b|"
    r"^(?:19|20)\d\d\b",
    re.IGNORECASE,
)
# Matches headings about results. Below these headings, even a short text about a change is clear: '50% savings' below
# 'Proven results'.
_RESULTS_HEADING = re.compile(
    r"results|numbers|impact|proven|average|at a glance|outcomes|scale|efficien|why ", re.IGNORECASE
)
MAX_LABEL_WORDS = 5
_PLAN = re.compile(
    r"pric|plans?\b|tier|free|starter|enterprise|pro\b|per (?:month|user|seat|year|hour)|/mo|limit|up to|includ|month",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:we|our)\b", re.IGNORECASE)
_STATES_COUNT = re.compile(
    rf"\b(?:trusted by|used by|powers?|powering|serves?|process(?:es)?|handles?|manages?|hosts?|has|have|with|join)\b"
    rf"[^.]{{0,40}}?(?<![\w$€£]){_NUMBER}\s+(?:[\w-]+\s){{0,3}}?(?:customers|clients|users|companies|businesses|teams|"
    rf"brands|"
    r"organi[sz]ations|developers|databases|projects|downloads|stars|countries|stores|members|websites|sites|apps)\b",
    re.IGNORECASE,
)
# Requires at least three digits, 'k' or a word such as 'million', because 'used by 12 companies' proves little.
_LARGE_NUMBER = re.compile(r"\d[\d,.]{0,20}\s?(?:[kKmMbB]\b|thousand|million|billion)|\d{1,3}(?:,\d{3})+|\d{3,}")
_CERTIFICATE = re.compile(r"\b(?:SOC ?[12]|ISO ?\d{4,5}|HIPAA|PCI[ -]DSS|GDPR|CCPA|FedRAMP|HITRUST|Cyber Essentials)\b")
_CLAIMS_CERTIFICATE = re.compile(
    r"^(?:we|our \w+|\S+) (?:is|are|have been|was) .*\b(?:certified|compliant|audited)\b|"
    r"^(?:SOC|ISO|HIPAA|GDPR|PCI|CCPA|FedRAMP)[\w /-]{0,25}"
    r"(?:(?:certified|compliant|certificate)[\w ,;.]*|report\b.*)$",
    re.IGNORECASE,
)
_CERTIFICATE_NAME = re.compile(
    r"(?:SOC ?[12](?: Type (?:1|2|I|II))?|ISO(?:/IEC)? ?\d{4,5}(?:[:-]\d+)?|HIPAA|PCI[ -]DSS|(?:EU )?GDPR|CCPA|FedRAMP)"
    r"(?: (?:certified|compliant|compliance|certification))?",
    re.IGNORECASE,
)
_ON_SECURITY = re.compile(r"securit|complian|certif|governance|trust cent|standards we|audit", re.IGNORECASE)
_CERTIFICATES_HEADING = re.compile(r"certif|attest|accredit|audited|our compliance|trust cent", re.IGNORECASE)
# Laws and standards. A vendor's page can mention 'GDPR' because the vendor's customers must comply, and not because the
# vendor complies.
_LAW = re.compile(r"HIPAA|GDPR|CCPA|FedRAMP|PCI")
_NOT_HELD = re.compile(
    r"\b(?:process of|may|will|plan\w*|not|guide|guidance|help|hope|working (?:on|towards)|roadmap|"
    r"future|partner|costs?|hosting|customers? (?:can|processing)|if|you|your)\b",
    re.IGNORECASE,
)
_AWARD = re.compile(
    r"\b(?:named (?:an? |the )?[\w# ]{0,25}(?:leader|visionary|performer|contender|best|top|winner|one of)|ranked|"
    r"recogni[sz]ed (?:as|by|in)|awarded|winner of|won (?:the|an?|\d+)|voted|"
    r"(?:positions|positioned) .{2,40} as an?)\b",
    re.IGNORECASE,
)


def own_proof(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    if page.page.kind in _FIGURE_PAGES:
        yield from _figures(page, vendor)
    yield from _certificates(page, vendor)


def _figures(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    """Yield the vendor's figures, each with a text that says what is counted.

    The figures come from short lines, from figures with a label in the next line, and from sentences that state a
    count, such as the number of customers.
    """
    for line in page.lines:
        if not _may_count(line):
            continue
        # Skip sentences such as '80% of marketers struggle', which usually describe the market and not the vendor.
        is_survey = re.search(r"% of\b", line.text) and not has_words(vendor, line.text)
        if (_FIGURE_FIRST.match(line.text) and _is_clear(line.text, line) and not is_survey) or _states_count(
            line, vendor
        ):
            yield _proof_point("metric", line)
    for line, label in pairwise(page.lines):
        is_bare = _FIGURE_ALONE.fullmatch(line.text) and not re.search(r"\d", label.text)
        if (
            is_bare
            and not label.text.startswith("of ")
            and _may_count(label)
            and _is_clear(f"{line.text} {label.text}", line)
        ):
            yield _proof_point("metric", line, label)


def _is_clear(text: str, line: Line) -> bool:
    """Whether the text makes clear what the figure in it means.

    A text about a change must say what changed. '50% reduction' is not clear.
    """
    if not 2 <= len(text.split()) <= 9 or not _COUNTED.search(text) or _COUNTS_NOTHING.search(text):
        return False
    if line.form == "heading" and len(text.split()) > MAX_LABEL_WORDS:
        return False
    is_change = re.search(r"%|\dx\b|[$€£]", text) is not None
    return len(text.split()) >= (4 if is_change else 2) or bool(_RESULTS_HEADING.search(line.heading))


def _may_count(line: Line) -> bool:
    if line.form not in {"item", "heading", "sentence"} or line.text.endswith("?"):
        return False
    if line.heading.startswith(("“", '"')):
        return False  # because a figure below a quotation usually describes the customer and not the vendor
    return not (_PLAN.search(line.heading) or _PLAN.search(line.text) or leads_elsewhere(line.heading))


def _states_count(line: Line, vendor: str) -> bool:
    count = _STATES_COUNT.search(line.text)
    ours = (
        has_words(vendor, line.text)
        or _FIRST_PERSON.search(line.text)
        or re.match(r"(?:trusted|used|join)", line.text, re.IGNORECASE)
    )
    return (
        bool(count and ours and _LARGE_NUMBER.search(count[0]) and not re.search(r"[$€£]", count[0]))
        and len(line.text.split()) <= 30
    )


def _certificates(page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    if page.page.kind in {"case_study", "comparison", "blog", "docs", "faq"}:
        return
    for line in page.prose:
        if len(line.text.split()) <= 25 and not _NOT_HELD.search(line.text):
            yield from _certificate(line, page, vendor)
    for name, line in captioned(page.lines, _ON_SECURITY):
        if _CERTIFICATE_NAME.fullmatch(name) and not _LAW.search(name):
            yield _proof_point("certification", line).model_copy(update={"text": name})


def _certificate(line: Line, page: ReadPage, vendor: str) -> Iterator[ProofPoint[Cite]]:
    early = " ".join(line.text.split()[:3])
    own = bool(re.match(r"(?:we|our)\b", line.text, re.IGNORECASE)) or has_words(vendor, early)
    listed = line.form == "item" and bool(_CERTIFICATE.match(line.text))
    is_held = re.search(r"certified|compliant|type (?:1|2|i|ii)\b", line.text, re.IGNORECASE)
    on_security = page.page.kind == "security" or _ON_SECURITY.search(line.heading)
    is_bare_name = _CERTIFICATE_NAME.fullmatch(line.text.strip(" ."))
    named = (
        is_bare_name
        and (is_held or not _LAW.search(line.text))
        and (_CERTIFICATES_HEADING.search(line.heading) or (on_security and is_held))
    )
    if (_CERTIFICATE.search(line.text) and _CLAIMS_CERTIFICATE.search(line.text) and (own or listed)) or named:
        yield _proof_point("certification", line)
    elif _AWARD.search(line.text) and has_words(vendor, line.text) and not line.text[:1].islower():
        yield _proof_point("award", line)


def _proof_point(kind: str, *lines: Line) -> ProofPoint[Cite]:
    text = " ".join(line.text for line in lines)
    evidence = tuple(dict.fromkeys(line.cite for line in lines))
    return ProofPoint[Cite].model_validate(
        {"kind": kind, "text": text, "person": None, "role": None, "company": None, "evidence": evidence}
    )
