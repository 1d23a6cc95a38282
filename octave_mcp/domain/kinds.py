"""Classifies pages by URL, title and link text.

The path takes precedence over the title, because most sites use the same few words in their paths, such as 'pricing'.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import fields_of, path_of, site_at
from octave_mcp.domain.ip_addresses import is_address
from octave_mcp.domain.page import Link, PageKind

Pattern = re.Pattern[str]


def _words(text: str) -> Pattern:
    """Compile a pattern that matches whole words of a path or title. Words consist of letters and digits."""
    return re.compile(rf"(?<![a-z0-9])(?:{text})(?![a-z0-9])")


def _parts(text: str) -> Pattern:
    """Compile a pattern that matches whole path segments."""
    return re.compile(rf"(?:^|/)(?:{text})(?=/|$)")


STORY_SEGMENT = r"(?:our-)?customers?|clients|stories|(?:case-?|success-|customer-)(?:stud|stor)(?:y|ies)|客户案例|客户"
LANGUAGES = "|".join(  # noqa: FLY002 - one string would not fit a line
    (
        "ar|bg|ca|cs|da|de|el|en|es|et|fi|fr|he|hi|hr|hu|id|it|ja|jp|ko|kr|lt|lv|ms|nb|nl|no",
        "pl|pt|br|ro|ru|sk|sl|sr|sv|th|tr|uk|vi|zh|cn|tw",
    )
)
LOCALE_PREFIX = re.compile(rf"^/(?:{LANGUAGES})(?:[-_](?:[a-z]{{2}}|hans|hant|419))?(?=/|$)")
# Matches the end of the path of a front page: '/', '/index.html', '/company/index.php'.
FRONT_PAGE = re.compile(r"/(?:(?:index|default|home|main)\.\w+)?$")
# Matches the end of a path to a script, such as '/view.php'. A script can serve many pages, so a page that is named in
# the query replaces the name of the script.
PROGRAM_PATH = re.compile(r"/\w+\.(?:php\d?|aspx?|jsp|cfm|cgi|pl|do)$")
EXTENSION = re.compile(r"\.(?:s?html?|php\d?|aspx?|jsp|cfm)$")
# Matches if each query value contains a letter, like the name of a page ('pricing') and unlike most ids ('17').
PATH_WITH_WORDS = re.compile(r"(?:/(?:[\d_]|[^\w/])*[^\W\d_][^/]*)+")
# Ignore these parameters, because they do not name the page. Most of them describe the visitor or the campaign. For
# example, '/?lang=de' is still the home page.
VISITOR_PARAMETER = re.compile(r"lang|hl|locale|language|utm_\w+|ref|source|src|from|via|\w*clid|v|ver|option|itemid")

# Pages that are useless for a playbook, such as legal texts, logins, carts, tag lists and forms.
UNWANTED_SEGMENTS = _parts(
    r"legal|privacy(?:-(?:policy|notice|center))?|terms(?:-(?:of-(?:service|use)|and-conditions))?|tos|eula|dpa|"
    r"imprint|impressum|"
    r"cookies?(?:-(?:policy|settings))?|gdpr|ccpa|acceptable-use(?:-policy)?|subprocessors|copyright|dmca|disclaimer|"
    r"log-?in|sign-?(?:in|up|out)|register|logout|auth/(?:login|callback)|account|dashboard|password|forgot-password|"
    r"cart|checkout|basket|wishlist|search|tags?|topics?|categor(?:y|ies)|authors?|archives?|feed|rss|sitemap|wp-admin|"
    r"wp-login|unsubscribe|newsletter|thank-you|thanks|404|500|cdn-cgi|page/\d+|book-a-demo|request-a-demo|"
    r"get-a-demo|contact(?:-(?:us|sales))?|demo|downloads?|[a-z-]+-policy|polic(?:y|ies)|"
    r"(?=[a-z-]*vulnerability-disclosure)[a-z-]+|"
    r"(?:media|press|brand)-(?:kit|assets|guidelines)|style-?guides?|pattern-library|patterns"
)
APPLICATION_HOSTS = frozenset({"app", "login", "auth", "accounts", "account", "dashboard", "console", "cdn"}).union(
    {"assets", "static", "api", "portal", "my", "id", "sso", "mail", "admin", "staging"}
)
# Contains only subdomains whose name shows what kind of pages they have: "docs" is included, but "app" is not.
SUBDOMAIN_KINDS: dict[str, PageKind] = {
    "docs": "docs",
    "doc": "docs",
    "developer": "docs",
    "developers": "docs",
    "help": "docs",
    "support": "docs",
    "kb": "docs",
    "learn": "docs",
    "blog": "blog",
    "engineering": "blog",
    "careers": "careers",
    "career": "careers",
    "jobs": "careers",
    "trust": "security",
    "security": "security",
    "compliance": "security",
    "news": "news",
    "newsroom": "news",
    "press": "news",
    "investors": "about",
    "ir": "about",
    "customers": "customers",
    "partners": "integrations",
    "marketplace": "integrations",
    "status": "other",
}
POST_KINDS: frozenset[PageKind] = frozenset({"blog", "news"})
# Matches the URL or the link text of a news feed.
NEWS_FEED = re.compile(r"(?<![a-z])(?:news|newsroom|press|announcements?|releases)(?![a-z])")

ANNOUNCEMENT_WORDS = _words(
    r"series-[a-h]|seed-round|funding|fundrais\w*|rais(?:es|ed)|launch(?:es|ed|ing)?|announc\w*|acqui(?:res|red|"
    r"sition)|"
    r"partner(?:s|ship|ing)?|introducing|press-release|ipo|融资|发布|收购|宣布"
)
COMPARISON_WORDS = _words(r"vs|versus|compare|comparison|compared|alternatives?|compete|competitors|对比|替代")
# Matches rankings, which are comparisons even without the word 'vs': '/blog/best-open-source-analytics-tools'.
RANKING_SLUG = _words(r"best-.{1,99}-(?:tools?|software|platforms?|solutions?|apps?|services|alternatives)|top-\d+-.+")
# Matches customer stories, even if they are in a blog: '/blog/how-acme-uses-our-thing'.
CASE_STUDY_WORDS = _words(
    r"case-stud(?:y|ies)|customer-stor(?:y|ies)|success-stor(?:y|ies)|how-.{1,99}-(?:uses?|used|using)-.+|"
    r"[a-z0-9]+-uses-[a-z0-9]+-to-.+|案例"
)

# A page with a date in its path is usually a post, even if the path also matches another kind: '/2021/05/platform',
# '/stories/2019-01-23-what-we-saw'.
DATED_PATH = re.compile(r"/(?:19|20)\d\d[-/](?:0[1-9]|1[0-2])(?:[-/]|$)")
# If a slug has at least four words and contains one of these words, it is treated as the title of a post:
# '/how-to-choose-a-planner'.
TITLE_FUNCTION_WORDS = _words(
    r"a|an|the|and|or|of|on|in|to|with|for|from|by|at|is|are|was|has|how|why|what|when|your|you|our|we|it|its|now|"
    r"if|not|"
    r"new|introducing|improved"
)
MIN_TITLE_WORDS = 4
# Path segments of sections that are not about a product. Without this list, '/events' would count as a product page,
# because unknown pages directly below the home page count as product pages.
SIDE_SEGMENTS = _parts(
    r"events?|webinars?|community|glossary|templates?|podcasts?|affiliates?|referral|brand|swag|merch|store|[^/]*\.\w+"
)
POST_SEGMENTS = _parts(r"blogs?|posts?|articles?|insights|resources|learn|guides?|library|ideas|博客")
# The first match decides, so specific patterns come first: '/handbook/who-we-build-for' is a persona page, not 'about'.
SEGMENT_KINDS: tuple[tuple[Pattern, PageKind], ...] = (
    (_parts(r"pricing|plans?|price|prices|pricing-plans|plans-and-pricing|editions|定价|价格"), "pricing"),
    (
        _words(
            r"who-we-(?:build-for|serve|help|work-with|do-business-with)|who-(?:its|it-is)-for|icp|"
            r"ideal-customer(?:-profile)?|"
            r"personas?|customer-personas|target-"
            r"(?:customers?|market|audience)|use-cases?|usecases?|for-[a-z-]{0,99}(?:startups?|teams|enterprises?|"
            r"developers|agencies|"
            r"engineers|marketers|business(?:es)?)|industr(?:y|ies)|value-propositions?|行业|应用场景|使用场景"
        ),
        "persona",
    ),
    (_words(r"testimonials?|wall-of-love|reviews"), "customers"),
    (
        _parts(
            r"careers?|jobs?|join(?:-us)?|hiring|hiring-process|work-with-us|open-(?:roles|positions)|vacancies|招聘|加入我们"
        ),
        "careers",
    ),
    (_parts(r"press|news|newsroom|media|announcements?|press-releases?|in-the-news|新闻|新闻中心|动态"), "news"),
    (_parts(r"(?:[a-z-]+-)?security|trust(?:-center)?|compliance|soc-?2|hipaa|安全|合规"), "security"),
    (
        _parts(r"integrations?|apps-marketplace|marketplace|connectors?|plugins?|partners|extensions|集成"),
        "integrations",
    ),
    (_parts(r"faqs?|frequently-asked-questions|常见问题"), "faq"),
    (
        _parts(
            r"about(?:-us)?|company|team|our-(?:story|team|mission|values)|story|who-we-are|investors?|mission|"
            r"values|culture|"
            r"leadership|founders|history|strategy|business-model|diversity|关于|关于我们|公司"
        ),
        "about",
    ),
    (_parts(r"handbook"), "about"),
    (_parts(r"projects|portfolio"), "other"),
    (
        _parts(
            r"docs?|documentation|api|api-reference|reference|tutorials?|user-guide|getting-started|quick-?start|"
            r"developers?|sdks?|"
            r"help|help-center|support|changelog|release-notes|releases|wiki|knowledge-base|文档|用户指南"
        ),
        "docs",
    ),
    (
        _parts(
            r"products?|features?|platform|solutions?|services|modules|enterprise|self-host(?:ed|ing)?|"
            r"why-[a-z0-9-]+|how-it-works|"
            r"overview|capabilities|technology|tour|cloud|产品|解决方案|功能"
        ),
        "product",
    ),
)
TITLE_KINDS: tuple[tuple[Pattern, PageKind], ...] = (
    (re.compile(r"定价|价格|\bpricing\b|\bplans\b"), "pricing"),
    (re.compile(r"客户案例|\bcase stud(?:y|ies)\b|\bcustomer stor(?:y|ies)\b"), "case_study"),
    (re.compile(r"^(?:our )?customers$|客户"), "customers"),
    (re.compile(r"\bvs\.?\s|\balternatives?\b|对比"), "comparison"),
    (re.compile(r"招聘|加入我们|\bcareers\b|\bjobs\b|\bjoin us\b"), "careers"),
    (re.compile(r"^about\b|关于|\bour story\b|\bour team\b"), "about"),
    (re.compile(r"常见问题|\bfaqs?\b"), "faq"),
    (re.compile(r"安全|合规|\bsecurity\b|\bcompliance\b"), "security"),
    (re.compile(r"集成|\bintegrations\b"), "integrations"),
    (re.compile(r"新闻|\bnewsroom\b|\bpress\b"), "news"),
    (re.compile(r"产品|解决方案|功能|\bproducts?\b|\bfeatures\b|\bplatform\b|\bsolutions\b"), "product"),
    (re.compile(r"博客|^(?:the )?blog$"), "blog"),
)


def kind_of(url: str, title: str = "", link_text: str = "") -> PageKind:
    """Return the kind of a page.

    The first clear hint determines the kind. Hints are, in this order: a subdomain with a fixed purpose
    ('docs.acme.com'), the path, page names in the query, and words in the title or the link text.
    """
    path, queried = _paths(url)
    named = f"{title} {link_text}".lower().strip()
    if by_subdomain := _by_subdomain(url):
        return _by_post_path(path, named) or by_subdomain if by_subdomain in POST_KINDS else by_subdomain
    if path == "/" and not queried:
        return "home" if _is_main_host(url) else _first(TITLE_KINDS, named) or "other"
    if kind := _by_path(path, named) or _by_path(queried, named):
        return kind
    if UNWANTED_SEGMENTS.search(path) or UNWANTED_SEGMENTS.search(queried):
        return "other"
    # A page with an unknown name directly below the home page, such as '/edge-functions', is usually about a product.
    titled = _first(TITLE_KINDS, named)
    if path.count("/") != 1 or path == "/" or SIDE_SEGMENTS.search(path):
        return titled or "other"
    return titled or ("blog" if _is_title(path) else "product")


def _is_title(path: str) -> bool:
    return path.count("-") + 1 >= MIN_TITLE_WORDS and bool(TITLE_FUNCTION_WORDS.search(path))


def _paths(url: str) -> tuple[str, str]:
    """Return the path of a URL, and the page names in its query as a second path.

    '/company?tab=careers' becomes '/company' and '/careers'. If the path is '/' or ends with a script name, the page
    names are part of the first path: '/?p=about' becomes '/about', and '/index.php?page=pricing' becomes '/pricing'.
    """
    path = _without_locale(path_of(url))
    fields = fields_of(urlsplit(url).query)
    words = [value or name for name, value in fields if not VISITOR_PARAMETER.fullmatch(name.lower())]
    queried = "".join(f"/{word.lower().strip('/')}" for word in words if word)
    front = FRONT_PAGE.search(path)
    program = front or PROGRAM_PATH.search(path)
    if program and PATH_WITH_WORDS.fullmatch(queried):
        return path[: program.start()] + queried, ""
    return (path[: front.start()] or "/" if front else EXTENSION.sub("", path)), queried


def _by_subdomain(url: str) -> PageKind | None:
    kind = SUBDOMAIN_KINDS.get((urlsplit(url).hostname or "").removeprefix("www.").partition(".")[0])
    # 'help.acme.com' is a help site, but 'help.com' is the main site of a company called Help.
    return None if kind and _is_main_host(url) else kind


def _is_main_host(url: str) -> bool:
    """Whether the URL has the company's main host: 'acme.com' or 'www.acme.com', but not 'blog.acme.com'."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return "." not in host or is_address(host) or site_at(url) in {host, "", None}


def kind_of_link(link: Link) -> PageKind:
    """Return the kind of the page that a link leads to.

    If the page is outside the company's site, the origin of the link determines the kind.
    """
    match link.origin:
        case "job_board":
            return "careers"
        case "sister":
            return "product"
        case "feed":
            return "news" if NEWS_FEED.search(f"{link.url} {link.text}".lower()) else "blog"
        case _:
            return kind_of(link.url, link_text=link.text)


def _without_locale(path: str) -> str:
    return LOCALE_PREFIX.sub("", path) or path


def _by_path(path: str, named: str) -> PageKind | None:
    if DATED_PATH.search(path):
        return "comparison" if COMPARISON_WORDS.search(path) else _post(path, named)
    if kind := _by_rivals_or_customers(path, named):
        return kind
    if POST_SEGMENTS.search(path):
        return _post(path, named)
    if UNWANTED_SEGMENTS.search(path):
        return None
    return _first(SEGMENT_KINDS, path)


def _by_rivals_or_customers(path: str, named: str) -> PageKind | None:
    if story := re.search(rf"(?:^|/)({STORY_SEGMENT})(/[^/]+|$)", path):
        return "case_study" if story[2] and not story[2].startswith("/page") else "customers"
    if CASE_STUDY_WORDS.search(path) or CASE_STUDY_WORDS.search(re.sub(r"\W+", "-", named)):
        return "case_study"
    return "comparison" if COMPARISON_WORDS.search(path) or RANKING_SLUG.search(path) else None


def _by_post_path(path: str, named: str) -> PageKind | None:
    """Return the kind of a page on a blog or news subdomain. For an ordinary post, return None."""
    if path == "/":
        return None
    announces = _post(path, named) == "news"
    return _by_rivals_or_customers(path, named) or ("news" if announces else None)


def _first(table: tuple[tuple[Pattern, PageKind], ...], text: str) -> PageKind | None:
    return next((kind for pattern, kind in table if pattern.search(text)), None)


def _post(path: str, named: str) -> PageKind:
    title = re.sub(r"\s+", "-", named)
    return "news" if ANNOUNCEMENT_WORDS.search(path) or ANNOUNCEMENT_WORDS.search(title) else "blog"


def worth_reading(url: str) -> bool:
    """Whether the page can be useful for a playbook.

    Legal texts, logins, carts, tag lists and web applications are not useful.
    """
    host = (urlsplit(url).hostname or "").partition(".")[0]
    return host not in APPLICATION_HOSTS and not any(map(UNWANTED_SEGMENTS.search, _paths(url)))
