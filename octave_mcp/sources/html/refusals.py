"""Pages that answer as if they were there, and are not: walls, doors and apologies served with status 200."""

from __future__ import annotations

import re

from octave_mcp.domain.page import count_words
from octave_mcp.sources.html.tree import Element

# A page that refuses its readers does it briefly: a longer page that mentions walls is about them.
FEW_WORDS = 120
OWN_WORDS = 12
# The words besides those of a form for logging in from which on a page is more than a door: if only its form says so,
# and if its title or first heading does.
DOOR_WORDS = 60

# Whole titles: a title that only begins like one is that of an article.
WALL_TITLE = re.compile(
    r"just a moment|attention required! \| cloudflare|ddos-guard|pardon our interruption"
    r"|access to this page has been denied|are you (?:a )?(?:robot|human)"
    r"|(?:please )?verify(?:ing)? (?:that )?you are (?:a )?human|vercel security checkpoint|nur einen moment"
    r"|einen moment(?:,)? bitte|un instant|un momento|um momento|один момент|请稍候|安全验证"
    r"|please wait while we verify.{0,40}",
    re.IGNORECASE,
)
# Vendors of bot protection have products of these names: their text has to say that readers are being checked.
WALL_NAME = re.compile(
    r"access (?:is )?denied|(?:403 )?forbidden|(?:request )?blocked|security (?:check|checkpoint|challenge"
    r"|verification)|human verification|one more step|bot (?:check|detection|verification)|robot check|captcha"
    r"|checking your browser",
    re.IGNORECASE,
)
CHECKED = re.compile(
    r"\byou(?:'re|’re| are| have| do not| don(?:'|’)t)\b|\byour (?:browser|access|ip\b|request|connection|device"
    r"|computer|network)|javascript|\bcookies\b|ray id|reference (?:id|#|number)|\brobots?\b|permission|one moment"
    r"|please (?:wait|complete|solve|enter|confirm|verify)",
    re.IGNORECASE,
)
# Sentences that a wall addresses to its reader; within a sentence, or in quotation marks, they are spoken about.
WALL = re.compile(
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
MISSING = re.compile(
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
DOOR = re.compile(
    r"(?:please )?(?:log|sign) ?in(?: (?:to|with|required)\b.{0,40})?|login(?: required)?|members? (?:login|only"
    r"|area)|(?:bitte )?(?:anmelden|einloggen)|(?:se )?connecter|connexion|iniciar sesi[óo]n|accedi|войти|вход"
    r"|登录|登錄"
    r"|ログイン|로그인",
    re.IGNORECASE,
)
IS_ASKED = re.compile(
    r"\b(?:(?:log|sign) ?in|anmelden|connecter|iniciar sesi[óo]n)\b|登录|登錄|ログイン", re.IGNORECASE
)
OF_THE_DOOR = re.compile(
    r"\b(?:(?:log|sign)(?:ged|ging)? ?(?:in|up|on)|login|passwords?|accounts?|usernames?|e-?mail|remember me|forgot"
    r"|register|terms|privacy|cookies|anmelden|einloggen|passwort|konto|mot de passe|compte|contraseña|cuenta|senha"
    r"|conta)\b|©|密码|账号|帐号|登录|登錄|ログイン|パスワード|비밀번호",
    re.IGNORECASE,
)
QUOTED = re.compile(r"[“„\"][^“”„\"\n]{0,200}[”“\"]")
SENTENCES = re.compile(r"[^\n.!?。！？]+")
PARTS = re.compile(r"(?<!\s)\s+[|–—·-]\s+")
ENDING = " \t.…!?。"


def refusal(root: Element, main: Element, title: str, text: str) -> tuple[str, str] | None:
    """The code and the reason of a page without content of its own; `main` and `text` are its main content."""
    if count_words(text) > FEW_WORDS:
        return None
    parts, heading = PARTS.split(title), _heading(main)
    names = {name.strip(ENDING) for name in (title, parts[0], heading)}
    if _is_wall({*names, parts[-1].strip(ENDING)}, text):
        return "bot_wall", "The site asks visitors to prove that they are human"
    if any(MISSING.fullmatch(name) for name in (*names, parts[-1].strip(ENDING))):
        return "soft_404", "The site says that there is no such page, though it answers as if there were"
    if _is_door(root, names, text):
        return "login_wall", "The page is only for those who log in"
    return None


def _heading(main: Element) -> str:
    """The first h1, or the first h2 of a page without one: what is under it does not name the page."""
    headings = [(found.tag, found.text) for found in main.find("h1", "h2")]
    return next((text for _, text in sorted(headings, key=lambda one: one[0]) if text), "")


def _is_wall(names: set[str], text: str) -> bool:
    if any(WALL_TITLE.fullmatch(name) for name in names) or WALL.search(text):
        return True
    return any(WALL_NAME.fullmatch(name) for name in names) and bool(
        CHECKED.search(QUOTED.sub("", text)) or not text.strip()
    )


def _is_door(root: Element, names: set[str], text: str) -> bool:
    own = sum(count_words(said) for said in SENTENCES.findall(text) if not OF_THE_DOOR.search(said))
    if any(DOOR.fullmatch(name) for name in names):
        return own <= DOOR_WORDS
    return own <= OWN_WORDS and bool(IS_ASKED.search(text)) and _asks_password(root)


def _asks_password(root: Element) -> bool:
    return any(field.attributes.get("type", "").lower() == "password" for field in root.find("input"))
