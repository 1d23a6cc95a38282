"""Classification of a prospect's own lines by topic: pricing, hiring, technology and so on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from octave_mcp.domain.prospect import FactTopic
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.attribution import is_own_subject, short_name
from octave_mcp.models.extractive.events import event, is_main
from octave_mcp.models.extractive.factual_statements import announces, describes, lists_features, states
from octave_mcp.models.extractive.names import is_person
from octave_mcp.models.extractive.quoting import without_lead
from octave_mcp.models.extractive.stack import holds
from octave_mcp.models.extractive.tools import tools_in
from octave_mcp.models.extractive.typed_lines import CACHED_COMPANIES, Line, ReadPage

LABEL_WORDS = 8
_SELLING_KINDS = frozenset({"home", "product", "pricing", "integrations", "security", "persona", "customers", "faq"})
_TO_READERS = re.compile(r"\byour?\b", re.IGNORECASE)
_PRICE = re.compile(
    r"[$€£¥]\s?\d[\d.,]*\s?(?:/|per\b|a (?:month|year|user|seat)|monthly|annually)|\b(?:starts? at|starting at|"
    r"from|costs?|only)\s+[$€£¥]|"
    r"[$€£¥]0\b|\b(?:plans?|tiers?|subscription)\b|\bour pricing\b|usage[- ]based|pay[- ](?:only|as[- ]you)|"
    r"\bpricing (?:is|model|starts)\b|: ?[$€£¥]",
    re.IGNORECASE,
)
# Words that show that an amount is not the price of a product: "raised $50M", a home office budget, MRR.
_NO_PRICE = re.compile(
    r"\b(?:everyone|employees?|team members?|coworking|budget|laptop|salary|allowance|insurance|guarantee|pricing page|"
    r"pricing details|coverage|fine|billing plan|MRR|ARR|revenue|donat\w+|bootstrap\w*|rais(?:e|ed|ing)|funding|"
    r"earn(?:s|ed)?|profit\w*|we make|valuation|market cap\w*|savings?|saved|budgets?)\b",
    re.IGNORECASE,
)
# Excludes sentences that sound like an offer but offer no product: "Please contact us", "we offer a vacation
# allowance".
_NO_OFFER = re.compile(
    r"\b(?:subject to|terms|conditions|disclaimer|endorse|email(?:ing)? us|contact us|please|thank\w*|couldn['’]t|"
    r"asked|victims?|everyone|employees?|responsib\w+|liab\w+|warrant\w+|coworking|laptop|salary|allowance|"
    r"insurance|vacation|perks?|donat\w+)\b|\?$|^(?:if|when|as)\b",
    re.IGNORECASE,
)
_IS_BUSINESS = (
    r"(?i:^\W*(?:(?:at|here at|today|now),?\s+)?(?:the\s+)?{company}(?: team)?(?:,[^,.]*,)?\s+(?:is|are)\s+(?:an?|"
    r"the|one of)\b)|(?i:^\W*(?:\w+,\s+)?we(?:['’]re| are) (?:an?|the|one of)\b)|"
    r"(?i:^\W*(?:at \S+,?\s+)?(?:we|{company}) (?:helps?|builds?|makes?|sells?|serves?|designs?|provides?)\b)|"
    r"(?i:\bour mission (?:is|was|has)\b)"
)
# On a careers page, "we offer" usually introduces a benefit for employees, so only these verbs count there.
_MAKES = re.compile(r"\b(?:we|our \w+) (?:help|build|make|develop|sell|deliver|create)s?\b", re.IGNORECASE)
# Excludes figures that are usually not about the company: "10,000 upvotes", "100 requests per minute", "we surveyed 500
# developers", and percentages in labels.
_NO_SCALE = re.compile(
    r"\b(?:up ?votes?|votes|comments|reviews?|rating|badges?|ranked|talks|speakers|jobs|limits?|^\d+\.\s|"
    r"surveyed|studied|analy[sz]ed|interviewed|asked|per (?:hour|month|day|minute|second|user)|visitors? from)\b|"
    r"^[^.%]*%[^.]*$",
    re.IGNORECASE,
)
_HIRING_PROCESS = re.compile(r"\b(?:recruit\w*|candidates?|interview\w*|applic\w+|hir(?:e|es|ed|ing))\b", re.IGNORECASE)
_WHO_BUYS = re.compile(
    r"\b(?:\d|customers? (?:include|range|like|such as|from|are|use|in)|users? (?:include|range|like|such as|from|"
    r"are|use)|clients? (?:include|range|are|from)|"
    r"trusted by|used by|companies (?:like|such as|using|trust)|case study|customer stor\w+)\b|\d",
    re.IGNORECASE,
)
_LINK_TEXT = re.compile(r"^(?:read|see|view|explore|learn|meet|check)\b|\bhere\b", re.IGNORECASE)
# "Up to 10 team members" describes a plan, not the size of the company's team.
_PLAN_LIMIT = re.compile(r"^(?:up to|add|invite|unlimited|all|for)\b", re.IGNORECASE)
_INTENTION = re.compile(
    r"\b(?:(?:we|team) (?:also |now |currently )?(?:plan|aim|intend) to|(?:are|is) planning to|(?:we['’]re|we are|"
    r"is) (?:now |currently |also )?(?:building|working on|"
    r"expanding|opening|moving|rolling out|preparing|launching|accelerating|focused on)|"
    r"we(?:['’]ll| will) (?:also |soon |now )?(?:launch|open|release|expand|introduce|roll out|double|build|"
    r"continue to|issue|offer|add)\b|"
    r"coming soon|coming months|our roadmap|on the roadmap|next (?:year|week|month|quarter)|launch week)\b",
    re.IGNORECASE,
)
_BUILT_WITH = re.compile(
    r"\b(?:built|based|runs?|running|hosted|powered|written|deploy\w*|develop\w*)\s+(?:\w+\s){0,2}?(?:on|with|in|"
    r"by|using|from)\b|"
    r"\b(?:we|our \w+|team)\s+(?:\w+\s)?(?:uses?|used|rely|relies|chose|picked|write|work)\b|\b(?:is|are) (?:an?|"
    r"a full|a dedicated)\b",
    re.IGNORECASE,
)
_SUPPLIES = (
    r"(?:provid|offer|support|let|help|enabl|giv|includ|allow|automat|deliver|combin|replac|build|sell|design|"
    r"develop|host|manag|distribut|publish|produc|ship)(?:e|es|s|ies)?"
)
# Verbs that can follow the name of a product. The lookahead after `has` excludes "Acme has grown", which is not about a
# product.
_DOES = (
    r"(?:is|has(?! (?:been|chosen|become|grown|had|\w+ed)\b)|does|comes|tracks?|measures?|shows?|collects?|"
    r"counts?|runs?|works?|integrates?|connects?|monitors?|"
    r"protects?|secures?|stores?|turns?|sends?|serves?|generates?|creates?|analy[sz]es?|captures?|detects?|simplifies|"
    r"handles?|eliminates?|removes?|prebuilds?|excludes?|skips?|displays?|filters?|imports?|exports?|deploys?|"
    r"prevents?|covers?|reduces?|uses?|keeps?|adds?|makes?|gives?|syncs?|scales?|centrali[sz]es?|respects?|"
    r"complies|requires?|takes?)"
)
_COUNTS_TEAM = re.compile(
    r"^\W*(?:\w+\W+){0,3}?our (?:\w+ )?(?:team|staff|crew|people|employees|engineers)\s+(?:is|are|has|have|"
    r"works?|now|includes|spans)\b|"
    r"\b(?:team|staff|crew|workforce|group) of (?:over |about |around |more than |just |only )?(?:\d|two|three|"
    r"four|five|six|seven|"
    r"eight|nine|ten)|[Ww]e (?:now )?(?:have|employ|are) \d|\b(?:\d[\d,]{0,20}\+?\s+(?:[\w-]+\s){0,2}?(?:people|"
    r"employees|team members|staff|colleagues|engineers|"
    r"welders|drivers))\b|founders?\b|员工|团队",
    re.IGNORECASE,
)
_HIRES_NOW = re.compile(
    r"\b(?:hiring|we (?:always |only |also )?hire|looking for|open (?:roles|positions)|vacanc\w+|"
    r"full-time (?:role|position|hire|job)s?|"
    r"recruit\w*|join us)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=CACHED_COMPANIES)
def _offers(company: str) -> re.Pattern[str]:
    """Return a pattern that matches the company, its product or 'we', followed by a verb such as 'provide'."""
    name = _name_pattern(company)
    product = (
        r"our (?:\w+ )?(?:platform|products?|services?|solutions?|software|app|apps|tools?|dashboard|script|plugin|"
        r"editor|database|cloud|API|consultants|experts|distribution|marketplace|subscription|network)"
    )
    helpers = r"(?:(?:also|now|only|automatically|does not|doesn['’]t|currently|can|simply|fully|already)\s+){0,2}"
    return re.compile(
        rf"(?i:^\W*(?:(?:at|with|today|now|the)\s+(?:{name})?,?\s*)?)(?:(?i:we|{product})\s+(?i:{helpers}{_SUPPLIES})|"
        rf"(?i:{name}(?:['’]s)?)(?:\s+[A-Z][\w.-]*){{0,3}}\s+(?i:{helpers}(?:{_SUPPLIES}|{_DOES}))|"
        rf"(?i:our [\w ]{{3,30}}? (?:integration|calculator|plugin|report|extension|templates?|tool|SDK|builder|editor|"
        rf"API|service|programme?|package))\s+(?i:{helpers}(?:{_SUPPLIES}|(?!is\b|has\b){_DOES}))|"
        rf"(?i:{product})\s+(?i:{helpers}(?!is\b|has\b){_DOES}))\b"
    )


# Patterns that `cues.FACTS` does not contain, for what a company says about itself: "we all work remotely", "our goal
# is ...".
_SELF_STATEMENTS: dict[FactTopic, re.Pattern[str]] = {
    "hiring": re.compile(
        r"\b(?:we|our)\b.{0,200}\b(?:recruit(?:ment|ers?|ing)|hiring (?:process|teams?|leads?|model|managers?)|"
        r"candidates?|applicants?)\b",
        re.IGNORECASE,
    ),
    "team": re.compile(
        r"\b(?:is|are|been) (?:an? )?(?:fully |completely |globally |100% )?(?:distributed|remote)(?: team|"
        r" organi[sz]ation| company|,| but)|\bfully distributed\b|"
        r"\bwe (?:now |currently )?(?:have|employ|are) \d[\d,]*\+? (?:[\w-]+ ){0,2}(?:people|team members|"
        r"employees|colleagues)\b|^\W*(?:\w+\W+){0,3}?our (?:\w+ )?(?:team|culture|engineers|employees|people) "
        r"(?:is|are|has|have|was|were|works?|spans?|grew|had)\b|\bwe (?:all )?work (?:remotely|from|together|"
        r"across|in)\b",
        re.IGNORECASE,
    ),
    "scale": re.compile(
        r"\b(?:crossed|reached|passed|surpassed|hit) [$€£]\s?\d[\d.,]*\s?(?:k|m|bn|million|"
        r"billion)? (?:in )?(?:\w+ ){0,2}?(?:revenue|ARR|MRR)\b|"
        r"\b(?:we|our \w+)\b.{0,40}\b(?:had|have|grew|grown|increased?|reached|hit|passed|crossed|serves?|served|"
        r"process\w*|"
        r"handles?|manages?|hosts?|scale)\b.{0,60}(?:\d|billions?|millions?|thousands?)",
        re.IGNORECASE,
    ),
    "business": re.compile(
        r"\bwe(?:['’]re| are) (?:(?!looking|hiring)[\w-]+,? ){0,4}(?:company|project|startup|organi[sz]ation|"
        r"provider|business|agency|"
        r"studio|bootstrapped|independent|self-funded|profitable|non-?profit|foundation|cooperative|family-owned|"
        r"open[- ]source)\b|\bwe(?:['’]ve| have)? (?:chose|chosen|choose) the \w+ business model\b|"
        r"\bour (?:\w+ )?(?:goals?|focus|mission|strategy|priority|vision|aim|business model|success) (?:is|are|"
        r"remains?|was|has|depends?|for)\b",
        re.IGNORECASE,
    ),
    "pricing": re.compile(
        r"\bwe (?:\w+ )?(?:charge|bill|price|will issue credits)\b|\bour (?:\w+ )?(?:pricing|prices|tiers?|plans?) ",
        re.IGNORECASE,
    ),
    "customers": re.compile(
        r"\bour (?:\w+ )?(?:users|customers|clients|user base|customer base)(?: base)? (?:is|are|include|range|"
        r"build|use|have|come)\b|"
        r"\b(?:we|our \w+) (?:also )?(?:serve|support|work with|help) (?:\w+ ){0,5}(?:students|startups|developers|"
        r"customers|companies|"
        r"teams|enterprises|retailers|businesses|agencies|schools|founders|engineers)\b",
        re.IGNORECASE,
    ),
    "technology": re.compile(
        r"\bwe (?:\w+ )?(?:use|used|chose|rely on|run|write|host|built|migrated|moved)\b", re.IGNORECASE
    ),
    "initiative": re.compile(
        r"\bwe(?:['’]ve| have)? (?:also |just |recently |now |then |first )?(?:concluded|completed|partnered with|"
        r"teamed[- ]up with|launched|shipped|released|started|created|added|announced|"
        r"introduced|rebuilt|migrated|redesigned|opened|expanded|joined|kicked off|rolled out)\b|"
        r"\bwe(?:['’]re| are) (?:now |currently |also )?(?:building|working on|adding|testing|rolling|expanding|"
        r"opening|starting|launching)\b",
        re.IGNORECASE,
    ),
}

# Separates a feature's name from its description: "Alerts: know when ...", "Alerts – know when ...".
_LABEL_ENDS = re.compile(r":\s+|\s+[–—]\s+")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line to classify. `sells` is true if the line's page describes what the company sells."""

    line: Line
    company: str
    is_own: bool
    sells: bool

    @property
    def text(self) -> str:
        return self.line.text

    @property
    def to_readers(self) -> bool:
        return bool(_TO_READERS.search(self.text))

    @property
    def is_label(self) -> bool:
        return len(self.text.split()) <= LABEL_WORDS and not self.to_readers

    def has(self, words: re.Pattern[str]) -> bool:
        return bool(words.search(self.text))


def topics(line: Line, page: ReadPage, company: str) -> Iterator[FactTopic]:
    """Yield the topics that the line can be about, the most certain topic first."""
    if line.english and not (states(line.text) or announces(line.text)):
        return
    sells, is_own = page.page.kind in _SELLING_KINDS, is_own_subject(without_lead(line.text), company)
    candidate = _Candidate(line, company, is_own, sells)
    for topic, words in cues.FACTS.items():
        if candidate.has(words) and (not line.english or _CHECKS.get(topic, _is_about_company)(candidate)):
            yield topic
    if line.english and is_own:
        for topic, words in _SELF_STATEMENTS.items():
            match = words.search(candidate.text)
            if topic == "hiring" and page.page.kind != "careers":
                continue
            measures_others = topic == "scale" and candidate.has(_NO_SCALE)
            is_for_company = not candidate.to_readers or (topic == "initiative" and announces(candidate.text))
            lacks_tool = topic == "technology" and not tools_in(candidate.text)
            is_excluded = measures_others or lacks_tool
            if match and is_for_company and not is_excluded and is_main(candidate.text[: match.start()]):
                yield topic
    if line.english and _is_offering(candidate):
        yield "offering"


def _is_about_company(candidate: _Candidate) -> bool:
    return candidate.is_own or (candidate.is_label and not candidate.has(_PLAN_LIMIT))


def _name_pattern(company: str) -> str:
    return rf"(?:{re.escape(company)}|{re.escape(short_name(company))})"


def _is_business(candidate: _Candidate) -> bool:
    return bool(re.search(_IS_BUSINESS.format(company=_name_pattern(candidate.company)), candidate.text))


def _is_price(candidate: _Candidate) -> bool:
    is_plausible = candidate.sells or candidate.is_own or candidate.line.form == "item"
    return is_plausible and candidate.has(_PRICE) and not candidate.has(_NO_PRICE)


def _is_compliance(candidate: _Candidate) -> bool:
    return not candidate.to_readers and holds(candidate.line, candidate.company)


def _is_initiative(candidate: _Candidate) -> bool:
    has_event = event(candidate.text, candidate.company, is_headline=False) is not None
    return candidate.is_own and (has_event or (candidate.has(_INTENTION) and not candidate.to_readers))


def _is_technology(candidate: _Candidate) -> bool:
    return candidate.has(_BUILT_WITH) and not candidate.to_readers and (candidate.is_own or candidate.sells)


def _is_offering(candidate: _Candidate) -> bool:
    page = candidate.line.page.kind
    is_own = (
        candidate.is_own and candidate.has(_offers(candidate.company)) and (page != "careers" or candidate.has(_MAKES))
    )
    is_offer = _is_feature(candidate) or is_own
    return is_offer and not candidate.has(_NO_OFFER) and not is_person(candidate.text.split(",")[0])


def _is_feature(candidate: _Candidate) -> bool:
    """Whether the line is an item of a feature list, such as 'name: description' or plain text under a pricing plan."""
    if candidate.line.form != "item" or not candidate.sells or not lists_features(candidate.line.heading):
        return False
    name, *rest = _LABEL_ENDS.split(candidate.text, maxsplit=1)
    if description := " ".join(rest):
        return (
            len(name.split()) <= LABEL_WORDS
            and len(description.split()) > LABEL_WORDS / 2
            and describes(name, description, candidate.company)
        )
    return (
        candidate.line.page.kind == "pricing"
        and len(candidate.text.split()) > LABEL_WORDS / 2
        and not candidate.has(_PLAN_LIMIT)
    )


def _is_team(candidate: _Candidate) -> bool:
    return candidate.has(_COUNTS_TEAM) and _is_about_company(candidate) and not candidate.has(_HIRING_PROCESS)


def _is_hiring(candidate: _Candidate) -> bool:
    return candidate.is_own and candidate.has(_HIRES_NOW)


def _is_location(candidate: _Candidate) -> bool:
    return _is_about_company(candidate) and not candidate.has(re.compile(r"\bpolicy\b|\bculture\b"))


def _is_funding(candidate: _Candidate) -> bool:
    return candidate.is_own and bool(re.search(r"\d|\bround\b|(?<=\s)[A-Z][a-z]+", candidate.text))


def _is_about_customers(candidate: _Candidate) -> bool:
    names_customers = candidate.has(_WHO_BUYS) and (
        candidate.is_own or (candidate.is_label and re.search(r"\d|(?<=\s)[A-Z]", candidate.text))
    )
    return bool(names_customers) and not candidate.has(_LINK_TEXT)


def _is_scale(candidate: _Candidate) -> bool:
    return not (candidate.to_readers or candidate.has(_NO_SCALE)) and (
        candidate.is_own or (candidate.is_label and candidate.sells and candidate.text[:1].isdigit())
    )


# Keywords alone are weak evidence for a topic, so these checks test whether the line is really about the topic.
_CHECKS: dict[FactTopic, Callable[[_Candidate], bool]] = {
    "business": _is_business,
    "pricing": _is_price,
    "compliance": _is_compliance,
    "initiative": _is_initiative,
    "technology": _is_technology,
    "offering": _is_offering,
    "customers": _is_about_customers,
    "team": _is_team,
    "hiring": _is_hiring,
    "funding": _is_funding,
    "location": _is_location,
    "scale": _is_scale,
}
