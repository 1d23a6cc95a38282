"""A caller can name the language of a playbook by its code or by its name, and the request stores the code."""

from __future__ import annotations

import pytest
from conftest import Pair
from web import problem_in, serving

from octave_mcp.domain.languages import LANGUAGES, language_code
from octave_mcp.errors import UnsupportedLanguage

CODES = {
    "en": "en EN en-US en_us en-IN English english",
    "en-GB": "en-GB en_gb EN-gb",
    "de": "de DE de-DE de_de German Deutsch deutsch",
    "fr": "fr fr-FR French français Français",
    "pt": "pt pt-PT Portuguese",
    "pt-BR": "pt-BR pt_br",
    "zh-Hant": "zh-Hant zh_hant",
    "ja": "ja Japanese 日本語",
    "no": "no Norwegian norsk",
    "nb": "nb nb-NO",
}


@pytest.mark.parametrize("code", CODES)
def test_each_spelling_of_a_language_means_its_code(code: str) -> None:
    assert {language_code(spelling) for spelling in CODES[code].split()} == {code}
    assert language_code(f"  {code} ") == code


@pytest.mark.parametrize("given", ["Klingon", "xx", "tlh", "en-", "en US", "english please", "-", "e" * 35])
def test_an_unknown_language_is_refused_with_examples(given: str) -> None:
    with pytest.raises(UnsupportedLanguage, match="is not a known language; give a code, like 'en' or 'pt-BR'"):
        language_code(given)


def test_every_language_can_be_named_by_each_of_its_names() -> None:
    found = {name: LANGUAGES[language_code(name.upper())] for names in LANGUAGES.values() for name in names}

    assert all(name in names for name, names in found.items())


async def test_requests_that_spell_the_language_differently_are_the_same_request(pair: Pair) -> None:
    request = pair.domains | {"model": "extractive", "max_pages": 1, "request_id": "one"}
    async with serving() as client:
        spellings = ("English", "en-US", "en_us", "en", "")
        answers = [await client.post("/runs", json=request | {"language": language}) for language in spellings]
        british = await client.post("/runs", json=pair.domains | {"model": "extractive", "language": "en-GB"})
        other = problem_in(await client.post("/runs", json=pair.domains | {"model": "extractive", "language": "Dutch"}))

    assert len({answer.json()["run_id"] for answer in answers}) == 1
    assert british.is_success
    assert "the extractive model writes en, not 'nl'" in other["detail"]
