"""Pages that answer as if they were there, and are not: walls, doors and apologies served with status 200."""

from __future__ import annotations

import re

from octave_mcp.domain.page import count_words
from octave_mcp.sources.html.tree import Element

FEW_WORDS = 120
"""What excuses itself does it briefly: a longer page that speaks of errors is about them."""

WALL_TITLE = re.compile(
    r"just a moment\b|attention required! \| cloudflare|ddos-guard|access (?:to this page has been )?denied$"
    r"|are you a (?:robot|human)"
    r"|pardon our interruption|(?:vercel )?security (?:check|checkpoint)$|human verification|one more step"
    r"|bot (?:check|detection)"
    r"|verify(?:ing)? (?:that )?you are (?:a )?human|nur einen moment"
    r"|un instant|请稍候|安全验证|un momento|один момент",
    re.IGNORECASE,
)
WALL = re.compile(
    r"(?:checking (?:your browser|if the site connection is secure)|verify(?:ing)? (?:that )?you are (?:a )?human"
    r"|enable javascript and cookies to continue|unusual traffic from your|incapsula incident"
    r"|complete the (?:security check|captcha)"
    r"|you have been blocked|press (?:and|&) hold to confirm|performance (?:&|and) security by cloudflare"
    r"|request unsuccessful)",
    re.IGNORECASE,
)
MISSING = re.compile(
    r"(?:error\s*)?404(?:\s*[-:|–—.]?\s*(?:error|not found|page not found|this page could not be found))?[.!]?"
    r"|(?:oops[!.,]*\s*|sorry[!.,]*\s*|whoops[!.,]*\s*|uh[- ]oh[!.,]*\s*)?(?:the |this |that )?(?:page|file"
    r"|url|content)(?: you(?:'re| are|’re)"
    r" looking for)?(?: was| is| could| can(?:'|’)?t| cannot| does| doesn(?:'|’)t| has| isn(?:'|’)t| not| be"
    r"| no| longer| been| moved| removed"
    r"| deleted| exist| found| available| here)+[.!]?"
    r"|(?:we )?(?:can(?:'|’)?t|cannot|could(?:n(?:'|’)t| not)) (?:seem to )?find (?:that|the|this|your) page.{0,40}"
    r"|not found|nothing (?:was )?found(?: here)?|(?:die )?seite (?:wurde )?nicht gefunden"
    r"|(?:cette )?page (?:introuvable|non trouv[ée]e)"
    r"|p[áa]gina no encontrada|p[áa]gina n[ãa]o encontrada|pagina non trovata|страница не найдена"
    r"|页面(?:不存在|未找到|没有找到)"
    r"|找不到(?:该|此)?页面|ページが見つかりません(?:でした)?|페이지를 찾을 수 없습니다",
    re.IGNORECASE,
)
DOOR = re.compile(
    r"(?:please )?(?:log|sign) ?in(?: (?:to|with|required)\b.{0,40})?|login(?: required)?|members? (?:login"
    r"|only|area)"
    r"|(?:bitte )?(?:anmelden|einloggen)|(?:se )?connecter|connexion"
    r"|iniciar sesi[óo]n|accedi|войти|вход|登录|登錄|ログイン|로그인",
    re.IGNORECASE,
)
IS_ASKED = re.compile(
    r"\b(?:(?:log|sign) ?in|anmelden|connecter|iniciar sesi[óo]n)\b|登录|登錄|ログイン", re.IGNORECASE
)
SITE = re.compile(r"\s+[|–—·-]\s+.*$")


def refusal(root: Element, main: Element, title: str, text: str) -> tuple[str, str] | None:
    """The code and the reason of a page without content of its own; `main` and `text` are its main content."""
    few = count_words(text) <= FEW_WORDS
    names = [SITE.sub("", title), title, *(found.text for found in main.find("h1", "h2"))]
    if WALL_TITLE.match(title) or (few and WALL.search(text)):
        return "bot_wall", "The site asks visitors to prove that they are human"
    if few and any(MISSING.fullmatch(name.strip()) for name in names):
        return "soft_404", "The site says that there is no such page, though it answers as if there were"
    if few and (
        any(DOOR.fullmatch(name.strip()) for name in names) or (_asks_password(root) and IS_ASKED.search(text))
    ):
        return "login_wall", "The page is only for those who log in"
    return None


def _asks_password(root: Element) -> bool:
    return any(field.attributes.get("type", "").lower() == "password" for field in root.find("input"))
