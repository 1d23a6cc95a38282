"""Recognises links that are only a call to action, such as "Learn more"."""

from __future__ import annotations

import re

from octave_mcp.sources.html.tree import Element

MAX_CALL_WORDS = 5
# A short link with a phrase in the group `only` is always a call to action: "Learn more about Acme". After any other
# match, a link that could be a name is judged by its next words: "Get started" is a call to action, but "Contact Center
# AI" is a product.
CALL_TO_ACTION = re.compile(
    r"\W{0,3}(?:(?P<only>learn|subscribe|talk to|find out|find an?|log in|sign (?:in|up)|go to|back to|skip to"
    r"|(?:show|load|see|view) (?:more|all)|en savoir)\b|(?:了解|查看|阅读|立即|免费|もっと|詳しく|詳細|続きを)"
    r"|(?:read|get|see|view|start|try|book|watch|contact|explore|discover|download|sign|request|schedule|shop"
    r"|buy|browse|visit|register|join|apply|more|mehr|jetzt|zum|zur|voir|demander|leer|ver|saber|conocer)\b)",
    re.IGNORECASE,
)
# These words often follow the verb of a call to action. Many sites capitalise their buttons ("Get Started", "Book a
# Demo"), so capital letters do not show that a link is a name. But if a possible name contains a capitalised word that
# is not in this list, it counts as a name: "Watch Tower", "Contact Center AI".
FOLLOWING_WORDS = frozenset(
    (
        "a about access account all alle an and anfordern anfragen anmelden ansehen answers app apps article"
        " articles artikel beitrag beratung blog book brochure browser buchen business buy call careers case cases"
        " chat checklist code community company consultation contact course cta customer customers data deal demo"
        " demos details developers discount docs documentation download downloads démo ebook einblicke email"
        " entdecken enterprise erfahren erstellen estimate event events examples expert experts faq faqs features"
        " for free from full get github google guide guides help here herunterladen how in info information"
        " informationen infos insights integration integrations it job jobs kontakt kontaktieren kostenlos la"
        " latest le learn lesen lesson live login loslegen mas meeting models more my más news newsletter now of"
        " offer on online open or order our out overview page pdf plan plans platform playbook plus podcast policy"
        " positions post posts preise press price prices pricing privacy product products produkt produkten program"
        " project quote recording registration registrieren release report reports resources roles sales sample"
        " sandbox schedule search security see session sheet shop sign slack solution solutions spot started"
        " starten startseite stories story studies study support team template templates termin terms testen the"
        " them these this to todas today todo todos tour tous tout trial tutorial tutorials un una une up us use"
        " vereinbaren video videos view wallet way webinar webinars white whitepaper whitepapers why with works you"
        " your zeigen"
    ).split()
)
BUTTON_NAME = re.compile(r"\b(?:btn|button|cta)\b|[-_](?:btn|button|cta)\b|\b(?:btn|button|cta)[-_]")
TITLE_NAME = re.compile(r"title|heading|headline|(?:^|[\s_-])name")
# If a link that matches `CALL_TO_ACTION` ends with an arrow, it never counts as a name: "Watch Tower →".
ARROW = re.compile(r"(?:[→›»>↗➔➜⟶]|->)\s*\Z")
WORD = re.compile(r"[^\W\d_][\w’'-]*")
BOLD = frozenset({"strong", "b"})


def is_call_to_action(element: Element, text: str, *, may_be_name: bool) -> bool:
    """Return whether all words of an element are linked and form a call to action.

    `text` is the text of the element on one line. If `may_be_name` is true, as for links in a list, a link that looks
    like a name is not a call to action.
    """
    is_link = element.link_words == element.words > 0
    if not is_link or element.words > MAX_CALL_WORDS or not (match := CALL_TO_ACTION.match(text)):
        return False
    is_title = any(TITLE_NAME.search(descendant.name) or descendant.tag in BOLD for descendant in element.elements())
    if not (is_title or may_be_name) or match["only"] or ARROW.search(text) or _is_button(element):
        return True
    rest = WORD.findall(text[match.end() :])
    return all(word.lower() in FOLLOWING_WORDS or (word.islower() and not is_title) for word in rest)


def _is_button(element: Element) -> bool:
    return any(BUTTON_NAME.search(descendant.name) for descendant in (element, *element.find("a")))
