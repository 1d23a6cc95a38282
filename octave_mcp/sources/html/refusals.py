"""Recognises bot walls, login walls and missing pages that a server sends as if they were ordinary pages."""

from __future__ import annotations

import re

from octave_mcp.domain.page import count_words
from octave_mcp.sources.html.tree import Element

# Refusals are short. If a longer page mentions a bot wall, it is probably an article about bot walls.
MAX_REFUSAL_WORDS = 120
# A login wall has few words, not counting sentences about logins, e-mail, privacy and the like. MAX_WORDS_BESIDE_FORM
# applies if only a form asks for a login, MAX_WORDS_UNDER_TITLE if the title or the heading does.
MAX_WORDS_BESIDE_FORM = 12
MAX_WORDS_UNDER_TITLE = 60

# The patterns for titles must match a whole heading, title or part of a title, because a title such as "Just a moment:
# how Cloudflare works" belongs to an article.
WALL_TITLE = re.compile(
    r"just a moment|attention required! \| cloudflare|ddos-guard|pardon our interruption"
    r"|access to this page has been denied|are you (?:a )?(?:robot|human)"
    r"|(?:please )?verify(?:ing)? (?:that )?you are (?:a )?human|vercel security checkpoint|nur einen moment"
    r"|einen moment(?:,)? bitte|un instant|un momento|um momento|один момент|请稍候|安全验证"
    r"|please wait while we verify.{0,40}",
    re.IGNORECASE,
)
# These titles alone are not enough, because a page about bot protection can have the same title. The text of the page
# must also match `VISITOR_CHECK`, or be empty.
WALL_OR_PRODUCT_TITLE = re.compile(
    r"access (?:is )?denied|(?:403 )?forbidden|(?:request )?blocked|security (?:check|checkpoint|challenge"
    r"|verification)|human verification|one more step|bot (?:check|detection|verification)|robot check|captcha"
    r"|checking your browser",
    re.IGNORECASE,
)
VISITOR_CHECK = re.compile(
    r"\byou(?:'re|’re| are| have| do not| don(?:'|’)t)\b|\byour (?:browser|access|ip\b|request|connection|device"
    r"|computer|network)|javascript|\bcookies\b|ray id|reference (?:id|#|number)|\brobots?\b|permission|one moment"
    r"|please (?:wait|complete|solve|enter|confirm|verify)",
    re.IGNORECASE,
)
# Matches the beginning of sentences that a bot wall shows to visitors. In the middle of a sentence, the same words
# usually only describe a bot wall.
WALL_SENTENCE = re.compile(
    r"(?:^|[.!?:…]\s++|\n)[ \t#>*-]*(?:(?:please|sorry,?|we(?:'re|’re| are)|hold on,?|one moment,?|wait,?"
    r"|first,?) )*(?:(?:checking|verifying) (?:your browser|(?:if )?the site connection is secure|that you are)"
    r"|checking if the site connection is secure|(?:verify|confirm) (?:that )?you(?:'re|’re| are) (?:a )?(?:human"
    r"|not a (?:ro)?bot)|verifying you are (?:a )?human|enable javascript and cookies to continue"
    r"|complete the (?:security check|captcha)|(?:we (?:have )?detected |our systems have detected |there (?:is"
    r"|was) )?unusual traffic from your (?:computer|network|ip|device|connection|browser)|you have been blocked"
    r"|press (?:and|&) hold to confirm|request unsuccessful\. incapsula|incapsula incident|performance (?:&"
    r"|and) security by cloudflare\W*$)",
    re.IGNORECASE,
)
NOT_FOUND_TITLE = re.compile(
    r"(?:error\s*)?404(?:\s*(?:[-:|–—.]\s*)?(?:error|not found|page not found|this page could not be found))?[.!]?"
    r"|(?:oops[!.,]*\s*|sorry[!.,]*\s*|whoops[!.,]*\s*|uh[- ]oh[!.,]*\s*)?(?:the |this |that )?(?:page|file|url"
    r"|content)(?: you(?:'re| are|’re) looking for)?(?: was| is| could| can(?:'|’)?t| cannot| does| doesn(?:'|’)t"
    r"| has| isn(?:'|’)t| not| be| no| longer| been| moved| removed| deleted| exist| found| available| here)+[.!]?"
    r"|(?:we )?(?:can(?:'|’)?t|cannot|could(?:n(?:'|’)t| not)) (?:seem to )?find (?:that|the|this|your) page.{0,40}"
    r"|not found|nothing (?:was )?found(?: here)?|(?:die )?seite (?:wurde )?nicht gefunden"
    r"|(?:cette )?page (?:introuvable|non trouv[ée]e)|p[áa]gina no encontrada|p[áa]gina n[ãa]o encontrada"
    r"|pagina non trovata|страница не найдена|页面(?:不存在|未找到|没有找到)|找不到(?:该|此)?页面"
    r"|ページが見つかりません(?:でした)?|페이지를 찾을 수 없습니다",
    re.IGNORECASE,
)
LOGIN_TITLE = re.compile(
    r"(?:please )?(?:log|sign) ?in(?: (?:to|with|required)\b.{0,40})?|login(?: required)?|members? (?:login|only"
    r"|area)|(?:bitte )?(?:anmelden|einloggen)|(?:se )?connecter|connexion|iniciar sesi[óo]n|accedi|войти|вход"
    r"|登录|登錄"
    r"|ログイン|로그인",
    re.IGNORECASE,
)
LOGIN_REQUEST = re.compile(
    r"\b(?:(?:log|sign) ?in|anmelden|connecter|iniciar sesi[óo]n)\b|登录|登錄|ログイン", re.IGNORECASE
)
LOGIN_WORDING = re.compile(
    r"\b(?:(?:log|sign)(?:ged|ging)? ?(?:in|up|on)|login|passwords?|accounts?|usernames?|e-?mail|remember me|forgot"
    r"|register|terms|privacy|cookies|anmelden|einloggen|passwort|konto|mot de passe|compte|contraseña|cuenta|senha"
    r"|conta)\b|©|密码|账号|帐号|登录|登錄|ログイン|パスワード|비밀번호",
    re.IGNORECASE,
)
QUOTATION = re.compile(r"[“„\"][^“”„\"\n]{0,200}[”“\"]")
SENTENCE = re.compile(r"[^\n.!?。！？]+")
TITLE_SEPARATOR = re.compile(r"(?<!\s)\s+[|–—·-]\s+")
TRAILING_PUNCTUATION = " \t.…!?。"


def refusal(root: Element, main: Element, page_title: str, text: str) -> tuple[str, str] | None:
    """If the page is a refusal or an error, return a code and a reason.

    Otherwise, return None. `text` is the text of `main`.
    """
    if count_words(text) > MAX_REFUSAL_WORDS:
        return None
    parts, heading = TITLE_SEPARATOR.split(page_title), _heading(main)
    titles = {title.strip(TRAILING_PUNCTUATION) for title in (page_title, parts[0], heading)}
    if _is_bot_wall({*titles, parts[-1].strip(TRAILING_PUNCTUATION)}, text):
        return "bot_wall", "The site asks visitors to prove that they are human"
    if any(NOT_FOUND_TITLE.fullmatch(title) for title in (*titles, parts[-1].strip(TRAILING_PUNCTUATION))):
        return "soft_404", "The page does not exist, although the server answered with status 200"
    if _is_login_wall(root, titles, text):
        return "login_wall", "The page requires a login"
    return None


def _heading(main: Element) -> str:
    """Return the most likely title of the page: the first h1 with text, or else the first h2 with text."""
    headings = [(heading.tag, heading.text) for heading in main.find("h1", "h2")]
    return next((text for _, text in sorted(headings, key=lambda item: item[0]) if text), "")


def _is_bot_wall(titles: set[str], text: str) -> bool:
    if any(WALL_TITLE.fullmatch(title) for title in titles) or WALL_SENTENCE.search(text):
        return True
    return any(WALL_OR_PRODUCT_TITLE.fullmatch(title) for title in titles) and bool(
        VISITOR_CHECK.search(QUOTATION.sub("", text)) or not text.strip()
    )


def _is_login_wall(root: Element, titles: set[str], text: str) -> bool:
    own_words = sum(count_words(sentence) for sentence in SENTENCE.findall(text) if not LOGIN_WORDING.search(sentence))
    if any(LOGIN_TITLE.fullmatch(title) for title in titles):
        return own_words <= MAX_WORDS_UNDER_TITLE
    return own_words <= MAX_WORDS_BESIDE_FORM and bool(LOGIN_REQUEST.search(text)) and _has_password_field(root)


def _has_password_field(root: Element) -> bool:
    return any(field.attributes.get("type", "").lower() == "password" for field in root.find("input"))
