"""Word patterns that classify sentences by need, topic and department.

The patterns are English, so texts in other languages match few of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import get_args

from octave_mcp.domain.prospect import FactTopic, JobFunction, Need
from octave_mcp.models.extractive.typed_lines import CACHED_TEXTS


def _any(words: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """Compile phrases that are separated by '|' into a pattern that matches them as whole words.

    'secur*' matches 'secure' and 'security'.
    """
    phrases = "|".join(
        re.escape(phrase.strip()).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for phrase in words.split("|")
    )
    return re.compile(rf"(?<!\w)(?:{phrases})(?!\w)", flags)


NEEDS: dict[Need, re.Pattern[str]] = {
    "growth": _any(
        "growth|grow|growing|grew|expand*|new users|new customers|sign-ups|signups|user acquisition|"
        "acquisition|new markets|"
        "word of mouth|scale up|scaling up|community|demand|raised|double our"
    ),
    "conversion": _any(
        "conversion*|convert*|onboarding|drop-off*|drop off|funnel*|registration*|activation|retention|"
        "churn*|engagement|trial*|checkout"
    ),
    "insight": _any(
        "insight*|analytics|analys*|analyz*|metrics|measure*|dashboard*|report*|visibility|track*|"
        "understand*|data-driven|"
        "attribution|experiment*|A/B test*|feedback|forecast*|know where|real time|real-time"
    ),
    "speed": _any(
        "faster|fast|quick*|speed*|time to value|in minutes|in days|ship*|velocity|productiv*|slow|"
        "slower|delay*|bottleneck*|"
        "turnaround|in less than|release*|iterate"
    ),
    "cost": _any(
        "cost*|price|prices|pricing|cheaper|expensive|budget*|sav*|bill|bills|billing|margin*|spend*|"
        "waste*|fees|overtime|empty miles"
    ),
    "scale": _any(
        "scale*|scaling|scalab*|volume*|millions|thousands of|high traffic|peak*|capacity|large|global*|load|throughput"
    ),
    "reliability": _any(
        "reliab*|uptime|downtime|outage*|incident*|postmortem|post-mortem|stable|stability|availability|"
        "backup*|failure*|failed|"
        "on time|on-time|late|missed|bug|bugs|went wrong"
    ),
    "security": _any(
        "secur*|complian*|GDPR|HIPAA|SOC 2|SOC2|ISO 27001|privacy|encrypt*|audit*|breach*|SSO|SAML|"
        "access control*|fraud|regulat*|permissions"
    ),
    "control": _any(
        "control|self-host*|self host*|open source|open-source|own infrastructure|transparen*|lock-in|"
        "own data|ownership|portab*"
    ),
    "integration": _any(
        "integrat*|connect*|API|APIs|data warehouse*|stack|all-in-one|one place|single tool|"
        "single platform|fragmented|tools"
    ),
    "adoption": _any(
        "easy to use|ease of use|adopt*|self-serve|learn*|training|non-technical|simple|intuitive|"
        "documentation|hand-offs"
    ),
    "support": _any(
        "support|customer service|help desk|response time|tickets|customer success|call*us|calls|"
        "complain*|customers ask"
    ),
    "hiring": _any(
        "hire|hires|hired|hiring|recruit*|open roles|open positions|join our team|join us|headcount|"
        "new team|team members"
    ),
    "automation": _any(
        "automat*|manual*|by hand|spreadsheet*|repetitive|workflow*|paperwork|phone calls|whiteboard*|"
        "copy and paste|re-keying"
    ),
    "quality": _any("quality|accura*|error*|mistake*|test*|consisten*|experience|usab*|improve*|better"),
}

# The order matters, because the first match wins: "Data Engineer" must match `data` before `engineering`.
FUNCTIONS: dict[JobFunction, re.Pattern[str]] = {
    "leadership": _any(
        "CEO|founder|co-founder|cofounder|chief executive*|managing director|president|owner|general manager"
    ),
    "product": _any(
        "product manager*|product owner|head of product|chief product|product lead|CPO|product team*|PM|"
        "PMs|VP product|product management"
    ),
    "data": _any(
        "data engineer*|data scientist*|analyst*|analytics engineer*|head of data|data team*|data lead|"
        "business intelligence"
    ),
    "marketing": _any(
        "marketing|marketer*|growth|demand generation|brand|content|CMO|SEO|communications|devrel|developer relations"
    ),
    "design": _any("design*|UX|UI"),
    "operations": _any(
        "operations|ops|dispatch*|logistics|fleet|supply chain|COO|planner*|warehouse|scheduling|field service|depot"
    ),
    "sales": _any("sales|account executive*|revenue|CRO|business development|partnerships"),
    "support": _any("support|customer success|customer service|customer care|customer experience"),
    "security": _any("security|compliance|CISO|risk|privacy officer"),
    "finance": _any("finance|CFO|accounting|controller|procurement"),
    "engineering": _any(
        "engineer*|developer*|CTO|technical lead|tech lead|programmer*|architect*|devops|technology|"
        "software|infrastructure"
    ),
}

# Words that show that a title is a job. "Head of Sales" is a job because of the word "Head", but "Sales" alone is only
# a department.
JOB = re.compile(
    r"\b(?:C[A-Z]O|CISO|chief|founders?|co-?founders?|president|chair\w*|owner|partner|VP|SVP|EVP|head|director|"
    r"manager|lead|"
    r"engineers?|developers?|designers?|analyst|architect|scientist|consultant|executive|specialist|coordinator|"
    r"representative|advocate|evangelist|strategist|recruiter|counsel|officer|administrator|researcher|editor|writer|"
    r"marketer|associate|assistant|principal|programmer|technician|supervisor|superintendent|dean|professor|"
    r"creator|maintainer|host|organi[sz]er|welder|planner|dispatcher|driver|accountant|controller|intern)s?\b",
    re.IGNORECASE,
)
# This pattern also accepts some departments, because a card on a team page may state only a department ("Growth") and
# no title.
TITLE = re.compile(rf"{JOB.pattern}|\b(?:operations|growth|marketing|sales|support|product)\b", re.IGNORECASE)

FUNCTION_TITLES: dict[JobFunction, str] = {
    "leadership": "Founder or CEO",
    "product": "Head of Product",
    "data": "Head of Data",
    "marketing": "Head of Growth",
    "design": "Head of Design",
    "operations": "Head of Operations",
    "sales": "Head of Sales",
    "support": "Head of Customer Support",
    "security": "Head of Security",
    "finance": "Head of Finance",
    "engineering": "Head of Engineering",
}

# The most typical need of each department comes first, because it is preferred when a buyer is matched to a need.
FUNCTION_NEEDS: dict[JobFunction, tuple[Need, ...]] = {
    "leadership": ("growth", "cost", "scale", "hiring"),
    "product": ("insight", "conversion", "quality", "speed"),
    "data": ("insight", "integration", "control", "scale"),
    "marketing": ("growth", "conversion", "insight", "quality"),
    "design": ("quality", "insight", "conversion"),
    "operations": ("automation", "reliability", "cost", "scale", "speed"),
    "sales": ("growth", "conversion", "speed"),
    "support": ("support", "automation", "quality", "speed"),
    "security": ("security", "control", "reliability"),
    "finance": ("cost", "automation", "security"),
    "engineering": ("speed", "reliability", "control", "scale", "integration", "automation"),
}

# The first topic whose words match and whose check passes is chosen, so the loosest patterns come last.
FACTS: dict[FactTopic, re.Pattern[str]] = {
    "funding": re.compile(
        r"\b(?:community round|series [a-h]|seed round|in funding|total funding|funding round|valuation|"
        r"angel investors|(?:our|existing|new|lead) investors?|backed by|venture capital|"
        r"round\b.{0,60}\bled by)\b|融资|投资|\brais(?:es?|ed|ing)\b.{0,60}?"
        r"(?:[$€£¥]\s?\d|\d\s?(?:k|m|bn|million|billion)\b|\b(?:round|seed|capital|funding)\b)",
        re.IGNORECASE,
    ),
    "pricing": re.compile(
        r"[$€£¥]\s?\d|per (?:month|user|seat|year|pallet|parcel|order)\b.{0,200}[$€£¥]|"
        r"free (?:plan|tier)|(?:our|usage-based|transparent) pricing|pay only for|pay-as-you-go",
        re.IGNORECASE,
    ),
    "hiring": re.compile(
        r"\b(?:(?:we['’]re|we are|are|is) (?:\w+ )?hiring|we hire|we are looking for|we['’]re looking for|"
        r"open (?:roles|positions)|"
        r"(?:have|has) you join us|full-time|vacancies)\b|招聘|加入我们",
        re.IGNORECASE,
    ),
    "history": re.compile(
        r"\b(?:founded (?:in|by|on)|(?:was|were) founded|since (?:19|20)\d\d|established in|started in|"
        r"(?:began|started (?:work|out|as|working))\b.{0,60}\b(?:19|20)\d\d)\b|成立",
        re.IGNORECASE,
    ),
    "team": re.compile(
        r"\b\d[\d,]{0,20}\+?\s+(?:\w+\s)?(?:people|employees|team members|staff|colleagues|engineers|welders|"
        r"drivers)\b|\bwe employ\b|\b(?:staff|team|crew|workforce|group) of (?:over |about |more than )?\d|"
        r"\bour (?:\w+ )?team (?:is|has|of|now|includes|spans|works)\b|"
        r"\b(?:a|our) team of\b|\bheadcount\b|\bco-?founders? (?:are|is|have|and)\b|\bex-founders\b|"
        r"员工|团队成员|我们的团队",
        re.IGNORECASE,
    ),
    "compliance": _any(
        "SOC 2*|SOC2|ISO 27001|ISO 9001|HIPAA|GDPR|PCI*|FedRAMP|certified|compliant|compliance|合规|认证"
    ),
    "scale": re.compile(
        r"\d[\d,.]{0,20}\s?(?:%|\+|k|m|million|billion|x)?\s+(?:\w+\s){0,3}?(?:databases|developers|users|"
        r"customers|members|orders|parcels|pallets|"
        r"shipments|deliver\w+|drivers|vehicles|vans|trucks|depots|stores|requests|downloads|stars|deployments|"
        r"companies|businesses|retailers|dispatchers)"
        r"|growing \d+|\b(?:databases|users|customers|revenue|usage|traffic|team)\b.{0,40}\b(?:\w+-?fold|doubled|"
        r"tripled|quadrupled|\d+x)\b|\d{1,9}% (?:month|year)[- ]on[- ](?:month|year)|"
        r"\b(?:first|over|more than|thousands of|millions of|hundreds of) [\d,]*\s?(?:users|customers|developers|"
        r"teams|companies)\b",
        re.IGNORECASE,
    ),
    "location": re.compile(
        r"\b(?:fully remote|all[- ]remote|100% remote|remote[- ]first|headquarter\w*|head office|offices? in|based in|"
        r"\d+\+? (?:\w+ )?(?:countries|regions|cities)|(?:people|customers|users|offices|"
        r"employees)\b.{0,30}\bcountries|"
        r"countries around the world|"
        r"depots? (?:in|at)|warehouses? (?:in|at))\b|总部",
        re.IGNORECASE,
    ),
    "initiative": _any(
        "launching|introducing|announc*|accelerating|we will|we plan|plan to|roadmap|new initiative|"
        "rolling out|opening|"
        "this year|next year|next week|next month|coming months|coming soon|launch week|发布|推出|即将"
    ),
    "customers": re.compile(
        r"\b(?:our (?:\w+ )?customers|trusted by|used by (?:\d|over|more|thousands|millions|teams|companies|the|"
        r"leading)|"
        r"companies (?:like|such as|using|trust)|enterprises use|case study|customer stor\w+|our clients|our users|"
        r"users include|customers include)\b|客户案例|我们的客户|用户包括|信赖",
        re.IGNORECASE,
    ),
    "technology": _any(
        "PostgreSQL|Postgres|MySQL|Kubernetes|Docker|AWS|Azure|Google Cloud|GCP|TypeScript|JavaScript|"
        "Python|Rust|Golang|Elixir|Java|React|"
        "Vue|Next.js|Node.js|Deno|GraphQL|Kafka|Redis|Snowflake|BigQuery|Salesforce|HubSpot|SAP|NetSuite|"
        "REST|Terraform|Prometheus|Grafana|"
        "OpenTelemetry|S3|Iceberg|pgvector|WebSocket*|ClickHouse|Flink|Spark|EDI|MQTT|Parquet|SQL",
        re.NOFLAG,  # do not ignore case, because "react", "rust" and "spark" are ordinary words
    ),
    "offering": _any(
        "platform|product*|service*|solution*|provides|offers|built-in|feature*|database|提供|产品|数据库"
    ),
    "business": _any("is a|is an|is the|we help|we build|our mission|alternative|是一"),
}
# Matches sentences about the founding or early days of a company. Such sentences do not show what it needs today.
FOUNDING = re.compile(
    r"\b(?:founded|founders?: |first idea|when we (?:started|began|launched)|started (?:out|working together)|"
    r"got into (?:Y ?Combinator|YC)|our MVP|side project|early days|back then)|"
    r"^(?:since|established in) (?:19|20)\d\d\b",
    re.IGNORECASE,
)
# The lookahead excludes words such as "need" and "exceed", which end in -ed but are not in the past tense.
PAST = re.compile(
    r"\bwe(?:\s+(?:also|then|soon|quickly|first|just|always|only|never))?\s+"
    r"(?!(?:need|exceed|succeed|proceed|speed)\b)(?:\w+ed|knew|began|thought|saw|had|were|got|built|made|found|"
    r"could|did|"
    r"couldn['’]t|didn['’]t|kept|took|went|felt|spent|lost|ran|met|wrote|left|chose|grew)\b",
    re.IGNORECASE,
)
PROBLEM = _any(
    "challenge*|problem*|struggl*|difficult*|hard to|wasn't|wasn’t|weren’t|couldn't|couldn’t|didn't|"
    "didn’t|doesn’t|can’t|limited|limitation*|"
    "fragmented|incomplete|manual*|lacked|lacking|missing|no unified|frustrat*|slow|too|friction|unable|"
    "without|needed|had to|pain*|"
    "bottleneck*|complex|expensive|risk*|concern*|nobody|none of|gap|required|by hand|spreadsheet*|lost|missed|late"
)
ADOPTION = _any(
    "using|used|use|uses|chose|choose|adopted|deployed|deploys|switched|moved to|migrated|began|"
    "implemented|rolled out|selected|built|"
    "found|tried|set up|started|turned to|decided|helped|helps|enabled|allowed|connected"
)
CHANGE = _any(
    "improv*|increas*|reduc*|cut|cuts|sav*|grew|grow*|boost*|faster|rose|doubl*|tripl*|halv*|drop|"
    "dropped|decreas*|fell|fewer|less|more|"
    "gain*|captur*|raised|lowered|eliminat*|deliver*|enhanc*|achiev*|higher|lower|10x*|from"
)
DESCRIPTION = _any(
    "founded|since launching|launched in|employees|funding|is a|is an|is the world*|world’s largest|"
    "world’s leading|customers worldwide|"
    "headquarter*|companies including|brands|including|trusted by|adopted by|valuation"
)
BENEFIT = _any(
    "helped|helps|help|saves|saved|easy|easier|able to|great|love|best|perfect|instead of|without|now|"
    "faster|everything|whole problem|"
    "game changer|invaluable|confiden*|better|peace of mind|never|trust"
)
OUTCOME = _any(
    "save*|time|money|faster|improv*|understand*|increas*|reduc*|conver*|trust|visibility|grow*|"
    "everything|one place|scale"
)
# Common words that say nothing specific about a deal, for example in the user's context: "their team wants to sell
# more".
FILLERS = frozenset(
    "their them they team teams with from this that selling sell sells deal want wants need needs "
    "have your ours about into which what when where would could should will more most much many "
    "very also only just budget they're company".split()
)
# Words of complaints and of comparisons with the past, such as "never" and "used to". A sentence with one of these
# words is often not praise, even if it names a benefit.
GRUMBLES = re.compile(
    r"\b(?:\w+n['’]t|not|cannot|never|used to|tried|originally|previous\w*|expensive|slow|however)\b", re.IGNORECASE
)
PRAISE_VERB = re.compile(
    r"\b(?:says?|said|explains?|explained|adds?|added|notes?|noted|recalls?|tells us|told us|according to)\b"
)
FIGURE = re.compile(r"\d")
# Matches a figure that can be a measured result: "40%", "3x", "saved 12 hours", "doubled".
MEASURED = re.compile(
    r"\d[\d.,]{0,20}\s?(?:%|percent)|\b\d+(?:\.\d+)?x(?:ed)?\b|[$€£]\s?\d|\b(?:doubled|tripled|halved)\b"
    r"|\b\d[\d,]{0,20}\+?\s+(?:hours?|minutes?|days?|weeks?|months?|users|apps|applications|customers|tools|"
    r"sessions|events|experiments|orders|"
    r"calls|drivers|people|engineers|queries|pickups|visits|jobs|deliveries)\b",
    re.IGNORECASE,
)
OUR_OWN = re.compile(r"^\W*(?:\w+\W+){0,5}?(?:we|we’re|we're|we’ve|we've|our)\b", re.IGNORECASE)
STALE_OFFER = _any(
    "cookie*|newsletter|sign up|subscribe|terms|privacy policy|read more|learn more|click|email us|"
    "contact us|schedule a demo"
)


def need_of(text: str, among: tuple[Need, ...] = get_args(Need)) -> Need | None:
    """Return the need with the most matching words in the text.

    If several needs match equally, return the need whose words come first.
    """
    offsets: dict[Need, list[int]] = {need: [match.start() for match in NEEDS[need].finditer(text)] for need in among}
    best = max(offsets, key=lambda need: (len(offsets[need]), -min(offsets[need], default=0)))
    return best if offsets[best] else None


@lru_cache(maxsize=CACHED_TEXTS)
def needs_of(text: str) -> frozenset[Need]:
    return frozenset(need for need in NEEDS if NEEDS[need].search(text))


def function_of(title: str) -> JobFunction | None:
    """Return the department that a job title belongs to, or None if the title names none."""
    return next((function for function, words in FUNCTIONS.items() if words.search(title)), None)
