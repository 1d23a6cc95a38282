"""Recognises asks, promises and opt-outs in English e-mails and call scripts by their wording."""

from __future__ import annotations

import re
from collections.abc import Iterable

# A verb counts as a request only after a punctuation mark or a word such as 'just' or 'and', or at the start of a line:
# 'Send me ...', 'Just reply'. In 'We send reports', 'send' is not a request.
_CLAUSE_START = r"(?:^|[.!?,;:—–(]\s*|\b(?:just|please|then|simply|or|and)\s+)"
# The pattern also matches indirect requests: 'Worth a look', 'I'd love to hear ...', 'If you want it, I'll send it'.
# Gaps such as `[^.?!]{0,200}` are bounded, so searching a long text takes linear time.
_REQUEST = re.compile(
    rf"{_CLAUSE_START}(?:reply|answer|send|tell|let|say|write|give|drop|ask|point|pick|choose|book|grab|take|try|have"
    r"|see|check|look|forward|share|call|ping|text|e-?mail|shoot|name|note|mark|use|hit|click|come|join|meet|read"
    r"|compare|keep|count)\b"
    r"|\b(?:let me know|worth (?:a|your)|(?:happy|glad|open) to|interested in"
    r"|i(?:['’]d| would| could| can|['’]ll| will)\b[^.?!]{0,200}\b(?:if|like|love|welcome|appreciate)"
    r"|if (?:you|that|this|it)\b[^.?!]{0,200}\bi(?:['’]ll|['’]d| will| can| could))\b",
    re.IGNORECASE | re.MULTILINE,
)

# Matches 'A short no is enough', 'Reply “no”' and 'One word is enough', but not 'a rep with no notes'.
_EASY_NO = (
    r"[“\"'‘]\s*(?:no|not now|pass|stop)\b"
    r"|(?:\ban? (?:(?!with|of|in|and|or|for)[\w-]+ ){0,2}|^|[.!?]\s+)no(?: thanks| thank you)?"
    r"(?= (?:is|works|will|would|do|does|saves|suffices|helps|and|or|but|from|to|as|too)\b|[.,;:!?”\"'’]|$)"
    r"|\b(?:answer|reply|say|write|send|type|just) (?:me )?(?:an? )?(?:\w+ )?no\b"
    r"|\b(?:one|a single|a|two|a few) (?:word|line|thumbs down)s?\b[^.?!]{0,200}\b(?:enough|do|does|fine|okay|ok)\b"
)
_LEAVING = r"stop|disappear|go|gone|leave|close|drop|move on|stay away|step (?:back|aside)|bow out|get out|be gone"
_END_OF_MAIL = (
    r"\b(?:opt(?:ing)?[ -]out|unsubscribe|stop|(?:no|any) (?:more|further) (?:mails?|e-?mails?|notes?|messages?)"
    r"|leave (?:you|it|this|things) ?(?:here|there|at|be|alone|in|with|to|,|\.|$)|close (?:the|your|this|my|out|it)"
    r"|(?:my|the) (?:last|final) (?:note|e-?mail|message|you)|(?:take|remove) you|(?:from|off) (?:my|the|our) list"
    r"|no (?:reply|answer|response)|no need to (?:reply|answer|respond|write)"
    rf"|(?:i|we)(?:['’](?:ll|m)| will| am| are) (?:\w+ )?(?:{_LEAVING}))\b"
    r"|(?:\bnot|\bnever|n['’]t) (?:be )?(?:write|writing|e-?mail(?:ing)?|contact(?:ing)?|follow|bother|chase|nudge|ping"
    r"|message|hear from (?:me|us)|come back)\b"
)
# Some opt-outs consist of a condition and its consequence, as in 'If this isn't for you, say so'. The condition and the
# consequence must be on the same line. A condition alone is not an opt-out: 'If hiring is not on your list, what
# is?'.
_IF_UNWANTED = re.compile(
    r"\b(?:if|unless|should|in case|when)\b[^.?!\n]{0,200}\b(?:not|no|never|nothing|rather|wrong|off|prefer|pass"
    r"|\w+n['’]t)\b"
    r"|\bnot\b[^.?!\n]{0,40}\?|\bnot (?:interested|relevant|for you|a fit)\b"
    r"|\b(?:wrong|bad|poor) (?:person|time|timing|moment|desk|fit)\b",
    re.IGNORECASE,
)
_THEN_FINE = re.compile(
    rf"{_CLAUSE_START}(?:tell|say|let me know|reply|write|answer|drop|send|ignore|delete|skip"
    r"|let (?:it|this|that)(?: one)? (?:lie|be|go)|feel free)\b"
    rf"|\b(?:i|we)(?:['’](?:ll|d)| will| would) (?:\w+ )?(?:understand|{_LEAVING})\b"
    r"|\bno (?:hard feelings|worries|problem|harm|pressure)\b"
    r"|\b(?:that['’]s|is|would be) (?:\w+ )?(?:fine|okay|ok|all right|no problem)\b",
    re.IGNORECASE | re.MULTILINE,
)
_WAY_OUT = re.compile(f"{_END_OF_MAIL}|{_EASY_NO}", re.IGNORECASE | re.MULTILINE)

_PROMISED_THINGS = (
    "reports?", "calculators?", "frameworks?", "benchmarks?", r"e-?books?", r"white ?papers?", "audits?", "templates?",
    "checklists?", "playbooks?", "guides?", r"case stud(?:y|ies)",
)  # fmt: skip

# Matches 'I can send you ...' and 'Attached is ...', but not 'Your teams prepare each audit report' or 'We help you
# prepare'.
_WE_GIVE = re.compile(
    r"(?:\b(?:i|we)(?:['’](?:ll|d|m|re|ve))?(?: (?:will|can|could|would|may|might|am|are|have|be|happy|glad|to|just"
    r"|also|gladly|then|even|already|like|love))* |\b(?:let me|let us|want me to|like me to|shall i|may i|can i|could i"
    r"|should i|shall we|can we|could we|may we|happy to|glad to) (?:\w+ )?)"
    r"(?:send|share|attach(?:ed)?|prepared?|put together|forward|e-?mail)\b(?P<given>[^.?!]*)"
    r"|\b(?:attached (?:is|are|you)|here (?:is|are)|enclosed (?:is|are))\b(?P<here>[^.?!]*)",
    re.IGNORECASE,
)

_MAKING_VERBS = (
    r"(?:re)?writ(?:e|ten|ing)|rewrote|(?:re-?)?draft(?:ed|ing)?|sketch|mark(?:ed)? up|map(?:ped)? out|mock(?:ed)? up"
    r"|put(?:ting)? together|pull(?:ed)? together|list(?:ed)?|compare|go through|make|build|do|try|prepare|send|share"
    r"|show"
)
_OFFER = re.compile(
    rf"\b(?:i|we)(?:['’](?:ll|d|ve)| (?:can|could|will|would|have))(?: (?:gladly|happily|be glad to|be happy to"
    rf"|like to))?"
    rf" (?:{_MAKING_VERBS})\b|\b(?:want|like) me to\b|\b(?:shall|should|can|could|may) i (?:{_MAKING_VERBS})\b"
    rf"|\b(?:happy|glad) to (?:{_MAKING_VERBS})\b|\blet me (?:{_MAKING_VERBS})\b"
    rf"|\bi (?:rewrote|drafted|sketched|made|wrote"
    rf"|put together"
    r"|took|listed|compared)\b",
    re.IGNORECASE,
)

_YES_OR_NO = re.compile(r"^(?:is|are|do|does|did|have|has|can|could|would|will|should)\b", re.IGNORECASE)
# Matches open questions that start like yes-or-no questions: 'Can you walk me through ...?', 'Is that done by hand or
# by a tool?'.
_OPEN_QUESTION = re.compile(
    r"^(?:can|could|would|will) you (?:please )?(?:tell|walk|show|describe|explain|share|talk|take|say|give|help"
    r"|name)\b"
    r"|\bor (?!not\b|so\b|more\b|less\b|two\b)",
    re.IGNORECASE,
)


def is_ask(text: str) -> bool:
    """Whether the text contains a question, a request, or an offer such as 'If you want it, I'll send it'."""
    return "?" in text or bool(_REQUEST.search(text))


def has_way_out(text: str) -> bool:
    """Whether the text gives the reader an easy way to say no, or says that the writer will stop writing."""
    return bool(_WAY_OUT.search(text)) or any(map(_is_conditional_way_out, text.splitlines()))


def _is_conditional_way_out(paragraph: str) -> bool:
    return bool(_IF_UNWANTED.search(paragraph) and _THEN_FINE.search(paragraph))


def empty_promise(text: str, sources: Iterable[str]) -> str:
    """Return the words that promise a document, if no text in `sources` mentions the document.

    For example, return 'I can send you a report' if no source mentions a report. Return '' if there is no such promise.
    """
    sources_text = "\n".join(sources)
    for promise in _WE_GIVE.finditer(text):
        object_text = promise["given"] or promise["here"] or ""
        for thing in _PROMISED_THINGS:
            pattern = re.compile(rf"\b{thing}\b", re.IGNORECASE)
            if (match := pattern.search(object_text)) and not pattern.search(sources_text):
                return f"{promise[0][: len(promise[0]) - len(object_text)]}{object_text[: match.end()]}"
    return ""


def offers(text: str) -> bool:
    """Whether the text offers to make something for the reader, or says that the writer has already made it."""
    return bool(_OFFER.search(text))


def is_closed(question: str) -> bool:
    """Whether the question can be answered with yes or no.

    A question that asks for a story or offers a choice cannot be answered with yes or no.
    """
    return bool(_YES_OR_NO.match(question)) and not _OPEN_QUESTION.search(question)
