"""Finds tools, partners and certificates on a company's pages, and the company's relation to each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.findings import Integration, Relation
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive.attribution import is_of_another, own_lines, short_name
from octave_mcp.models.extractive.names import company_name, customer_of_story
from octave_mcp.models.extractive.tools import tools_in
from octave_mcp.models.extractive.typed_lines import CACHED_COMPANIES, Line, ReadPage

_EXCLUDED_KINDS: frozenset[PageKind] = frozenset({"comparison", "faq"})
_KINDS_WITH_TUTORIALS: frozenset[PageKind] = frozenset({"blog", "news", "docs", "other"})
_NAME = r"[A-Z][\w&.+-]*(?:\s+[A-Z][\w&.+-]*){0,3}"
CERTIFICATE = re.compile(
    r"\b(?:SOC[ -]?[123](?:,?\s+Type\s+(?:1|2|I{1,2}))?|ISO(?:/IEC)?[ -]?\d{4,5}|HIPAA|"
    r"PCI[ -]DSS(?:\s+Level\s+\d)?|FedRAMP"
    r"(?:\s+(?:Moderate|High|Low|20x))?|HITRUST|StateRAMP|TISAX|CMMC|Cyber Essentials(?:\s+Plus)?|B[ -]Corp)(?!\w)",
    re.IGNORECASE,
)
# HIPAA is a law: a company can comply with it, but there is no official certificate for it.
_LAW = re.compile(r"HIPAA", re.IGNORECASE)
_HELD = re.compile(
    r"\b(?:certified|compliant|compliance|certificat\w+|audit(?:ed)?|attest\w+|report|authoriz\w+|accredited)\b",
    re.IGNORECASE,
)
# Words about services and plans. Such sentences do not show that the company holds a certificate: "We help you become
# SOC 2 compliant", "we plan an audit".
_NOT_HELD = re.compile(
    r"\b(?:process of|may|will|would|plan\w*|not|n['’]t|guide|guidance|help\w*|hope|working (?:on|towards)|roadmap|"
    r"future|costs?|"
    r"hosting|need\w*|if|can|how|make it|easier|support your|your|customers?|companies|organi[sz]ations|requirements?|"
    r"consult\w*|services?|like|such as|meet(?:s|ing)?|achieving|accelerat\w+|simplif\w+|automat\w+|ready|"
    r"products?|workloads?|understand\w*|frameworks?|expert\w*|experience\w*|"
    r"knowledge|assess\w*|offer\w*|clients?|infrastructures?|fits?|kit|features?|introduc\w+)\b",
    re.IGNORECASE,
)
_WE = (
    r"(?:[Ww]e|[Oo]ur (?:team|engineers|stack|own \w+|infrastructure|platform|backend|frontend|product|site|"
    r"website|app))"
)
_USES = (
    rf"\b{_WE}\s+(?:(?:also|now|currently|mainly|mostly|just|internally|always|actually|already|all|have|"
    rf"['’]ve)\s+){{0,2}}"
    r"(?:uses?|rel(?:y|ies) on|runs? (?:on|in)|(?:is |are |was )?built (?:\w+\s+)?(?:on|with|in)|chose|picked|"
    r"switched (?:\w+\s+){0,3}to|"
    r"migrated (?:\w+\s+){0,3}to|moved (?:\w+\s+){0,3}to|host(?:s|ed)? (?:\w+\s+){0,3}(?:on|in|with)|self-hosts?|"
    r"deploy(?:s|"
    r"ed)? (?:\w+\s+){0,3}(?:on|to|with|in)|"
    r"work(?:s)? in|write (?:\w+\s+){0,3}in|leverages?)\b"
)
_BUILT_ON = (
    r"\b(?:is|are|it['’]s)?\s*(?:(?:an?|the)\s[^.;]{0,60}?\s)?(?:built|based|runs?|running|hosted|powered|"
    r"written)\s+(?:\w+\s+)?(?:on(?: top of)?|with|in|by)\b"
)
_CONNECTS = re.compile(
    r"\b(?:integrat(?:es?|ed|ing|ions?)\s+(?:\w+\s+){0,2}?(?:with|for|into|to)|connect(?:s|ed|ing|"
    r"ors?)?\s+(?:\w+\s+){0,3}?(?:to|with|for)|"
    r"works? (?:\w+\s+)?with|plugs? into|syncs? (?:\w+\s+){0,3}?(?:to|with|from)|(?:import|export|stream|send|push|"
    r"pull)(?:s|ing)?\s+(?:\w+\s+){0,4}?(?:to|from|into)|"
    r"compatible with|plugins? for|add-?ons? for|apps? for|extensions? for|(?:source|destination|sink)s?:)",
    re.IGNORECASE,
)
_INTEGRATION_AFTER = re.compile(r"^\s+(?:integrations?|connectors?|plugins?|add-?ons?|apps?|support)\b", re.IGNORECASE)
_INTEGRATIONS_TITLE = re.compile(
    r"\b(?:integrations?|integrate|connectors?|works with|connect|plugins?|marketplace|apps?|destinations?|sources?)\b",
    re.IGNORECASE,
)
_STACK_TITLE = re.compile(
    r"\b(?:our (?:tech(?:nology)? )?stack|tech(?:nology)? stack|(?:technologies|tools) we use|how we build it|"
    r"sub-?processors?)\b",
    re.IGNORECASE,
)
_PARTNERS_TITLE = re.compile(
    r"\b(?:(?:our|technology|strategic|channel|implementation|cloud|solution) partners|partners|"
    r"in partnership with|alliances)\b",
    re.IGNORECASE,
)
_PARTNERED = re.compile(
    rf"\b(?:partner(?:ed|ing|s)?\s+(?:up\s+)?with|(?:in\s+)?partnership\s+with|our partners?,?|teamed[- ]up with|"
    rf"collaborat(?:ed|ing|ion) with)\s+"
    rf"(?:(?:the|our|friends|at|like|including|such as)\s+){{0,3}}(?P<name>{_NAME})(?:,?\s+(?:and|"
    rf"&)\s+(?P<more>{_NAME}))?"
)
_TOGETHER = re.compile(
    r"\s+(?:[Pp]artner(?:\s+[Uu]p)?\s+(?:to|for|on)|(?:[Aa]nnounce|[Ll]aunch|[Ee]nter)\s+(?:an?\s+)?(?:\w+\s+)?"
    r"(?:[Pp]artnership|[Cc]ollaboration)|[Tt]eam up|[Cc]ollaborate)\b"
)
_CUSTOMER_USES = re.compile(
    r"\b(?:us(?:e|es|ed|ing)|leverag(?:e|es|ed|ing)|relied on|relies on|built (?:\w+\s+){0,3}?(?:on|with|in)|"
    r"runs? on|running on|"
    r"started (?:off )?with|stack|migrat\w+ (?:\w+\s+){0,4}?(?:from|to|their|both)|"
    r"switch\w+ (?:\w+\s+){0,3}?(?:from|to)|moved (?:\w+\s+){0,3}?(?:from|to)|"
    r"with a|it['’]s just|clients|warehouse)\b",
    re.IGNORECASE,
)
# If these words precede a tool's name, the text does not show that the company uses the tool: "unlike Redis", "we don't
# use", "alternatives to", "you can use".
_NEGATED = re.compile(
    r"n['’]t\b|\b(?:not|never|no longer|instead of|unlike|rather than|alternatives? to|compared (?:to|with)|versus|"
    r"vs\.?|"
    r"should we|if you|you can use|looked at|considered|evaluated|than)\b",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"\b(?:would (?:have|not)|unthinkable|was(?:n['’]t| not)|wouldn['’]t|too (?:slow|complex|expensive))\b",
    re.IGNORECASE,
)
# Words about the past, the future and examples, which do not show what the company uses today: "we migrated from",
# "coming soon".
_NOT_TODAY = re.compile(
    r"\b(?:prior to|previous\w*|formerly|originally|until|used to|was built|were built|replac(?:ed|ing)|no longer|"
    r"at the time|back then|in the past|in the beginning|initially|we started|as an? (?:exercise|example|experiment)|"
    r"for (?:example|instance)|examples?|sample|demo|tutorial|hackathon|we['’]ll|we will|will soon|will be|soon|"
    r"coming|roadmap|plan(?:s|ned|ning)? to|let['’]s|in this (?:post|guide|article|tutorial|blog|case|project)|"
    r"side project|exercise|migrated? from|moved? from|moving from|switched from|away from)\b",
    re.IGNORECASE,
)
# Titles of tutorials, such as "Building a chat app with Redis". On such pages, "we use Redis" is usually only about the
# example.
_TUTORIAL_TITLE = re.compile(
    r"^(?:how to|how i|building|build|getting started|creating|create|using|deploy\w*|set(?:ting)? up|introduction to|"
    r"writing|developing|run(?:ning)?|\w+ with|\w+ in|a guide)\b|\b(?:tutorial|guide|step[- ]by[- ]step|walkthrough)\b",
    re.IGNORECASE,
)
# "We provide support for Kafka" means that the company sells the support, not that the company uses Kafka.
_SUPPLIES = re.compile(
    r"\b(?:deliver|offer|provid|support|design|enabl|help|maintain|secur|manag|sell|publish|packag)\w*\b", re.IGNORECASE
)
# More than this share of the names in a row of logos must be known tools. Otherwise, the row probably contains other
# companies, such as customers.
_MIN_SHARE_OF_TOOLS = 0.6
_FIRST_PERSON = re.compile(r"\b(?:we|our)\b", re.IGNORECASE)
_FIRST_PERSON_AT_START = re.compile(r"\W*(?:we|our)\b", re.IGNORECASE)
_LINK_TEXT = re.compile(r"(?:read|watch|download)\b", re.IGNORECASE)
# If a tool's name is further from the verb than this, it usually belongs to another part of the sentence.
_MAX_DISTANCE_CHARACTERS = 90
_MAX_LABEL_WORDS = 6
# Paths of pages that are often not about the company itself: "/partners/northgate", "/showcase", "/glossary".
_PAGES_ABOUT_OTHERS = re.compile(
    r"/(?:[\w-]*-)?(?:partners?\d*|resellers?|members|portfolio|directory|showcase|glossary|dictionary|wiki)(?:/|$)",
    re.IGNORECASE,
)
# Matches sentences that do not show that a company uses a tool: comparisons ("as easy as Slack"), legal terms, bug
# fixes, and lists of options ("or any").
_UNRELATED = re.compile(
    r"\bas (?:easy|simple|quick) as\b|\bterms and conditions\b|\bI (?:have|agree)\b|\bfix(?:ed|es)?\b|\bbugs?\b|"
    r"\bor any\b",
    re.IGNORECASE,
)


def integrations(pages: Sequence[ReadPage], company: str) -> Iterator[Integration[Cite]]:
    for page in pages:
        if page.page.kind not in _EXCLUDED_KINDS:
            # Go in reverse order, so that the first mention of a tool overwrites later mentions.
            first_mentions = {
                (integration.name, integration.relation): integration
                for integration in reversed([*_on_page(page, company)])
            }
            yield from reversed(first_mentions.values())


def _on_page(page: ReadPage, company: str) -> Iterator[Integration[Cite]]:
    if page.page.kind == "case_study":
        yield from _used_by_customer(page, company)
        return
    for line in own_lines(page, company):
        yield from _certificates(line, page, company)
        if page.page.kind != "docs" and line.form != "attribution":
            yield from _listed(line, page, company)
            yield from _stated(line, page, company)


def _integration(name: str, relation: Relation, line: Line) -> Integration[Cite]:
    return Integration[Cite](name=name, relation=relation, evidence=(line.cite,))


def _certificates(line: Line, page: ReadPage, company: str) -> Iterator[Integration[Cite]]:
    """Yield the certificates that the company holds, according to a sentence or a label on its page."""
    if page.page.kind in {"docs", "blog", "other"} and not _FIRST_PERSON_AT_START.match(line.text):
        return
    for match in CERTIFICATE.finditer(line.text) if holds(line, company) else ():
        if not _LAW.match(match[0]):
            yield _integration(match[0], "certificate", line)


def holds(line: Line, company: str) -> bool:
    """Whether the line says that the company itself is certified or compliant, in a sentence or as a label."""
    text = line.text
    if not (CERTIFICATE.search(text) and _HELD.search(text)) or _NOT_HELD.search(text):
        return False
    is_label = line.form in {"item", "heading"} and len(text.split()) <= _MAX_LABEL_WORDS
    return is_label or has_words(short_name(company), text) or bool(_FIRST_PERSON.search(text))


def _listed(line: Line, page: ReadPage, company: str) -> Iterator[Integration[Cite]]:
    """Yield names from logo walls and lists. The heading above the names states the relation."""
    title = line.heading or (page.headline.text if page.headline else "")
    names = line.text.split(",") if line.form == "logos" else [line.text] if _is_label(line) else []
    are_tools = sum(bool(tools_in(f" {name}")) for name in names) > _MIN_SHARE_OF_TOOLS * len(names)
    for text in names:
        name = re.sub(r"(?i)[\s_-]*(?:logo|icon)\b|\.(?:svg|png)$", "", text).strip(" -_.")
        tools = {tool for tool, _ in tools_in(f" {name}")}
        if line.form == "logos" and _PARTNERS_TITLE.search(title) and (partner := company_name(name, company)):
            yield _integration(partner, "partner", line)
        elif are_tools and name in tools and not _is_self(name, company) and (relation := _relation_of(title, page)):
            yield _integration(name, relation, line)


def _is_self(name: str, company: str) -> bool:
    """Whether the name is the company's own name or a part of it: 'Acme' for 'Acme Analytics'."""
    initials = "".join(word[0] for word in company.split() if word[0].isupper())
    return has_words(company, name) or has_words(name, company) or initials.startswith(name)


def _is_label(line: Line) -> bool:
    return line.form in {"item", "heading"} and len(line.text.split()) <= 4


def _relation_of(title: str, page: ReadPage) -> Relation | None:
    if _STACK_TITLE.search(title):
        return "uses"
    if page.page.kind == "integrations" or _INTEGRATIONS_TITLE.search(title):
        return "sells"
    return "partner" if _PARTNERS_TITLE.search(title) else None


def _stated(line: Line, page: ReadPage, company: str) -> Iterator[Integration[Cite]]:
    text = line.text
    partners, tools = [*_partners(text, company), *_joint_partners(text, company)], tools_in(text)
    if not (partners or tools) or _is_unrelated(text, page, company):
        return
    for name in partners:
        yield _integration(name, "partner", line)
    for name, at in tools:
        if not _is_self(name, company) and (relation := _relation(text, name, at, page, company)):
            yield _integration(name, relation, line)


def _is_unrelated(text: str, page: ReadPage, company: str) -> bool:
    """Whether a sentence is about another company, or about something other than the company's work today."""
    is_of_page = not _PAGES_ABOUT_OTHERS.search(urlsplit(page.page.url).path) or has_words(short_name(company), text)
    return (
        not is_of_page
        or text.endswith("?")
        or is_of_another(text, company)
        or bool(_UNRELATED.search(text) or _NOT_TODAY.search(text) or _LINK_TEXT.match(text))
    )


def _partners(text: str, company: str) -> Iterator[str]:
    for match in _PARTNERED.finditer(text):
        is_own = re.search(r"\b(?:we|our|us)\b", text, re.IGNORECASE) or has_words(company, text)
        if is_own and not _is_parent(match["name"], text, company):
            names = (company_name(name, company) for name in (match["name"], match["more"]) if name)
            yield from (name for name in names if name and not _is_self(name, company))


def _is_parent(name: str, text: str, company: str) -> bool:
    """Whether `name` is the parent of `company`, not a partner: 'Northgate's Acme', 'Acme, part of Northgate'."""
    own, other = re.escape(short_name(company)), re.escape(name)
    return bool(
        re.search(
            rf"\b{other}['’]s? {own}\b|\b{own}[^.]{{0,20}}\b(?:part of|within|owned by|at) (?:the )?{other}\b",
            text,
        )
    )


def _joint_partners(text: str, company: str) -> Iterator[str]:
    """Yield partners from joint news: 'Acme and Northgate partner to ...', 'Northgate and Acme announce ...'."""
    if not _TOGETHER.search(text):
        return
    for match in filter(None, (pattern.search(text) for pattern in _joint_news(company))):
        if (name := company_name(match["name"], company)) and not _is_self(name, company):
            yield name


@lru_cache(maxsize=CACHED_COMPANIES)
def _joint_news(company: str) -> tuple[re.Pattern[str], ...]:
    """Return the patterns for news about the company and a partner, and about a partner and the company."""
    own, partner = re.escape(short_name(company)), rf"(?P<name>{_NAME})"
    pairs = ((partner, own), (own, partner))
    return tuple(re.compile(rf"^(?:.*:\s)?{one}\s+and\s+{other}{_TOGETHER.pattern}") for one, other in pairs)


def _relation(text: str, name: str, at: int, page: ReadPage, company: str) -> Relation | None:
    before, after = re.split(r"[.;]\s|\bbut\b", text[:at])[-1][-_MAX_DISTANCE_CHARACTERS:], text[at + len(name) :]
    if _NEGATED.search(before) or has_words(short_name(company), " ".join(text[:at].split()[-1:])):
        return None
    if re.search(r"\bintegrates (?:\w+ ){0,20}?with\b", before) and has_words(short_name(company), text[:at]):
        return "sells"
    if _is_used(before, page, company):
        return "uses"
    if page.page.kind in {"blog", "news", "docs", "about", "careers"}:
        is_own = _FIRST_PERSON.search(text) or has_words(company, text)
        return "sells" if is_own and re.search(r"\bintegrat\w+ (?:\w+ )?with\b", before, re.IGNORECASE) else None
    # In "Google Drive app" and "Google Cloud support", the last word names Google's own offer, not an integration.
    if _INTEGRATION_AFTER.match(after) and "google" not in name.casefold():
        return "sells"
    return "sells" if _CONNECTS.search(before) else None


def _is_used(before: str, page: ReadPage, company: str) -> bool:
    teaches = page.page.kind in _KINDS_WITH_TUTORIALS and _TUTORIAL_TITLE.search(page.page.title)
    if teaches or _SUPPLIES.search(before):
        return False
    own_pattern = (
        rf"\b(?:{re.escape(short_name(company))}|[Ww]e|[Oo]ur \w+)\b[^.;,]{{0,70}}?"
        rf"{_BUILT_ON}|^(?:[\w -]+: )?[Bb]uilt (?:on|with)"
    )
    is_stated = re.search(_USES, before) and not re.search(r"\buse (?:it|this|them) (?:to|with)\b", before)
    return bool(is_stated or re.search(own_pattern, before))


def _used_by_customer(page: ReadPage, company: str) -> Iterator[Integration[Cite]]:
    """Yield the tools that the customer of a case study works with."""
    story = customer_of_story(page, company)
    if story is None:
        return
    for line in page.prose:
        for name, at in tools_in(line.text):
            before = line.text[max(0, at - _MAX_DISTANCE_CHARACTERS) : at]
            is_party = has_words(company, name) or has_words(name, story[0])
            is_used = _CUSTOMER_USES.search(before) and not (
                _NEGATED.search(before) or _REJECTED.search(line.text[at:])
            )
            if is_used and not is_party:
                yield _integration(name, "customer_uses", line)
