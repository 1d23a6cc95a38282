"""Detection of words in the user's context that no page mentions in any form. The detection ignores filler words."""

from __future__ import annotations

from pathlib import Path

import pytest
from matrix import sampled
from scripted import VENDOR, ScriptedSource, Stage, invented_sites, pages

from octave_mcp.evidence.context_words import telling_words


async def missing_words(home: Path, text: str, context: str) -> str:
    """Return the words from the user's context that no page contains, as listed in a gap of the playbook."""
    sites = {VENDOR: pages(VENDOR, {"/": "# Lumen\n\nIt lights up the yard at night.", "/about": text}, name="Lumen")}
    playbook = await Stage(home, source=ScriptedSource(invented_sites() | sites)).playbook(context=context)
    found = [gap.reason for gap in playbook.gaps if gap.section == "context"]
    return found[0].rpartition(": ")[2] if found else ""


async def test_the_whole_text_of_a_page_is_searched_for_context_words(tmp_path: Path) -> None:
    long = "# About\n\n" + "\n\n".join(f"Sentence number {number} says nothing new." for number in range(900))
    text = f"{long}\n\nWe are certified for FedRAMP."

    assert await missing_words(tmp_path, text, "They ask about FedRAMP and PagerDuty") == "PagerDuty"


@pytest.mark.parametrize(
    ("context", "text", "missing"),
    sampled(
        [
            ("They migrate and hire", "Our migrations take a day. We are hiring.", ""),
            ("Reach the CFO first, and pitch the talk about payroll", "We have done payroll for years.", "CFO"),
            (
                "Hallo, bitte zuerst die Buchhaltung ansprechen: Rechnungen und Verträge",
                "Jede Rechnung, jeder Vertrag.",
                "Buchhaltung",
            ),
            ("Bonjour, nous voulons vendre des paiements à Lyon", "Un paiement est rapide.", "Lyon"),
            ("Hola, queremos hablar de la analítica con los equipos", "Cada equipo tiene analíticas.", ""),
            ("我们想推销数据库监控", "我们的数据库有监控功能。", ""),
            ("They need IT and AI", "It is said that rain falls.", "IT, AI"),
            ("hello, please talk to them first", "Nothing.", ""),
        ],
        short=lambda case: case[0].startswith(("Reach", "Hallo")),
    ),
)
async def test_words_match_in_any_form_and_filler_words_are_not_missed(
    tmp_path: Path, context: str, text: str, missing: str
) -> None:
    assert await missing_words(tmp_path, f"# About\n\n{text}", context) == missing


def test_telling_words_are_found_in_a_long_context_in_another_language() -> None:
    context = ("Wir möchten zuerst mit der Buchhaltung über die Prüfung von Rechnungen sprechen. " * 13)[:1000]

    assert telling_words(context)[:3] == ("buchhaltung", "prüfung", "rechnungen")
