"""Passages and quotations are exact copies, and text that quotations do not support fails the checks."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from judging import standing
from matrix import sampled
from scripted import FETCHED_AT, evidence_of, page, parts_of, passages_of

from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.evidence import Cite, Claim, Evidence, EvidenceId
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import CallToAction, DemoPoint, SequenceDraft, TalkTrackDraft, TouchDraft
from octave_mcp.domain.playbook import ColdCall as Call
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import CaseStudy, Offering, Price, ProofPoint, ReferenceCustomer, VendorElements
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.judge import Judge
from octave_mcp.evidence.passages import PASSAGE_CHARACTERS, as_passage, confidence, passages, quotations, verified
from octave_mcp.evidence.support import Statement, problems
from octave_mcp.evidence.support import quoted as source_of
from octave_mcp.evidence.support.naming import names
from octave_mcp.sources.html.extraction import page_of

SITES = Path(__file__).parents[2] / "shared" / "sites"
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@pytest.fixture(params=sampled((1, 6), lambda one_of: one_of > 1), scope="module")
def real_pages(request: pytest.FixtureRequest) -> tuple[Page, ...]:
    """Every sixth page of the collection, or all pages in the long tests."""
    if not SITES.is_dir():
        pytest.skip("the collection of company sites (../shared/sites) is absent")
    files = sorted(file for file in SITES.rglob("*.html") if file.name != "404.html")
    assert len(files) > 100
    return tuple(_real(file) for file in files[:: request.param])


def _real(file: Path) -> Page:
    domain, *path = file.relative_to(SITES).parts
    company = Company(role="vendor", domain=domain, url=f"https://{domain}")
    return page_of(file.read_text("utf-8"), f"https://{domain}/{'/'.join(path[:-1])}", company, FETCHED_AT)


def every_sentence(read: Page) -> Iterator[Evidence]:
    for passage in passages(read):
        for number in range(1, len(passage.sentences) + 1):
            (evidence,) = quotations(Cite(passage=1, sentences=(number,)), (passage,), "vendor")
            yield evidence


def check(read: Page) -> None:
    cut = passages(read)
    assert [passage.number for passage in cut] == list(range(1, len(cut) + 1))
    assert passages(read) == cut
    end = 0
    for passage in cut:
        assert read.text[passage.start : passage.start + len(passage.text)] == passage.text
        assert passage.start >= end
        end = passage.start + len(passage.text)
        spans = passage.sentences
        assert spans
        assert list(spans) == sorted(spans)
        assert all(first < last for first, last in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert spans[-1][1] == len(passage.text)
        assert len(spans) == 1 or len(passage.text) - spans[0][0] <= PASSAGE_CHARACTERS
    for evidence in every_sentence(read):
        assert read.text[evidence.start : evidence.end] == evidence.quote
        assert evidence.quote.strip()
        assert verified(evidence, read.text)


def test_every_sentence_of_every_real_page_is_found_at_its_offset(real_pages: tuple[Page, ...]) -> None:
    for read in real_pages:
        check(read)


ODD_LINES = (
    "# A heading",
    "###### Deep heading ######",
    "#",
    "| a | b |",
    "| --- | --- |",
    "|  | only second |  |",
    "> quoted. Twice.",
    "> — Someone, CEO, Acme",
    "> - item in a quote",
    "- item",
    "* item one. Item two!",
    "12. numbered",
    "1) numbered",
    "- ",
    "---",
    "***",
    "   ",
    "\t",
    "",
    "Mr. Smith met e.g. Dr. No. He left.",
    "U.S. figures grew 3.5 percent. v1.2.3 is out",
    "no punctuation at all just words",
    "中文没有空格。第二句！第三句？」最后",
    "日本語です。「はい。」と言った。",
    "“Quoted,” she said. “Again?” Yes.",
    "What?! Really... Yes",
    "x" * 2_000,
    "word " * 300,
    "A short one. " * 60,
    "emoji 🎉 done. 👩‍👩‍👧 Family.",
    "trailing spaces.   ",
    "    indented code = 1",
    "```",
    "\u00a0nbsp\u00a0",
    "\u2028line separator",
    "carriage\r",
    "e\u0301 combining. É next.",
    "مرحبا. كيف الحال؟ بخير.",
)


@pytest.mark.parametrize("seed", range(40))
def test_every_sentence_of_an_odd_text_is_found_at_its_offset(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - texts, not secrets
    lines = chance.choices(ODD_LINES, k=chance.randrange(1, 60))
    check(page("https://lumenforge.example/odd", "\n".join(lines)))


@pytest.mark.parametrize("text", ["", "\n\n\n", "---\n***\n", "   ", "| --- |"])
def test_a_page_without_text_has_no_passages(text: str) -> None:
    assert passages_of(text) == ()


def test_a_passage_stays_under_one_heading() -> None:
    cut = passages_of("Before.\n\n# One\n\nFirst. Second.\n\n## Two\n\nThird.")
    assert [(p.heading, p.text) for p in cut] == [
        ("", "Before."),
        ("One", "# One"),
        ("One", "First. Second."),
        ("Two", "## Two"),
        ("Two", "Third."),
    ]
    assert cut[1].sentence(1) == "One"


def test_markers_of_lists_quotations_and_tables_are_not_part_of_a_sentence() -> None:
    text = "- one\n2. two\n> three\n> — four\n| five | 5 |"
    assert [e.quote for e in every_sentence(page("https://lumenforge.example/", text))] == [
        "one",
        "two",
        "three",
        "four",
        "five | 5",
    ]


def test_sentences_end_where_readers_expect_it() -> None:
    (cut,) = passages_of("Mr. Lund met the U.S. team, e.g. on 3.5. She asked “Why?” They left. 好。再见。")
    sentences = [cut.sentence(number) for number in range(1, len(cut.sentences) + 1)]
    assert sentences == ["Mr. Lund met the U.S. team, e.g. on 3.5.", "She asked “Why?”", "They left.", "好。", "再见。"]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "This sentence has exactly as many words as it has. "
    cut = passages_of(sentence * 30)
    assert len(cut) > 4
    assert all(len(passage.text) <= PASSAGE_CHARACTERS for passage in cut)
    assert all(passage.text.endswith(".") for passage in cut)


def test_a_sentence_longer_than_a_passage_is_a_passage_of_its_own() -> None:
    cut = passages_of(f"Short. {'Long ' * 200}end. Short again.")
    assert [len(passage.sentences) for passage in cut] == [1, 1, 1]


FOUR = "One is said. Two is said. Three is said. Four is said.\n- Five is an item.\n- Six is an item."


def quoted(*sentences: int) -> list[str]:
    return [e.quote for e in quotations(Cite(passage=1, sentences=sentences), passages_of(FOUR), "vendor")]


def test_neighbouring_sentences_are_one_quotation() -> None:
    assert quoted(1, 2) == ["One is said. Two is said."]
    assert quoted(2, 1, 1) == ["One is said. Two is said."]


def test_sentences_that_are_not_neighbours_are_several_quotations() -> None:
    assert quoted(1, 3) == ["One is said.", "Three is said."]


def test_a_quotation_has_at_most_two_sentences() -> None:
    assert quoted(1, 2, 3) == ["One is said. Two is said.", "Three is said."]


def test_sentences_of_separate_lines_are_several_quotations() -> None:
    assert quoted(4, 5, 6) == ["Four is said.", "Five is an item.", "Six is an item."]


def test_a_cite_without_sentences_is_the_whole_passage() -> None:
    assert quoted() == quoted(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("passage", [0, -1, 2, 99])
def test_a_passage_that_was_not_shown_is_reported(passage: int) -> None:
    with pytest.raises(LookupError, match=f"passage {passage} was not shown; there are 1"):
        quotations(Cite(passage=passage), passages_of("Only one."), "vendor")


def test_the_id_of_a_quotation_does_not_depend_on_the_role_of_its_company() -> None:
    shown = passages_of("One. Two.")
    (first,) = quotations(Cite(passage=1, sentences=(2,)), shown, "vendor")
    (again,) = quotations(Cite(passage=1, sentences=(2,)), passages_of("One. Two."), "prospect")
    (other,) = quotations(Cite(passage=1, sentences=(1,)), shown, "vendor")
    assert first.id == again.id
    assert first.id != other.id


def test_the_id_of_a_quotation_depends_on_its_text_and_url_and_not_on_the_rest_of_its_page() -> None:
    own = evidence_of("One. Two.").id
    (moved,) = quotations(Cite(passage=1, sentences=(2,)), passages_of("Zero. One. Three."), "vendor")
    assert moved.id == own
    assert evidence_of("Zero. Two.").id != own
    assert evidence_of("One. Two.", "https://lumenforge.example/other").id != own


@pytest.mark.parametrize("sentences", [(1,), (1, 2), (4,), (5,)])
def test_evidence_shown_as_a_passage_resolves_to_itself(sentences: tuple[int, ...]) -> None:
    for evidence in quotations(Cite(passage=1, sentences=sentences), passages_of(FOUR), "prospect"):
        shown = as_passage(evidence, 7)
        assert quotations(Cite(passage=1), (shown,), "prospect") == (evidence,)
        assert quotations(Cite(passage=1, sentences=(1,)), (shown,), "prospect") == (evidence,)


def test_a_page_that_changed_no_longer_verifies_its_quotation() -> None:
    evidence = evidence_of("Rework fell by 31%.")
    assert verified(evidence, "Rework fell by 31%.")
    assert not verified(evidence, "Rework fell by 32%.")
    assert not verified(evidence.model_copy(update={"end": evidence.end - 1}), "Rework fell by 31%.")
    assert not verified(evidence.model_copy(update={"quote": "Rework fell by 32%."}), "Rework fell by 31%.")


SOURCE_TEXT = (
    "Brassmere cut rework by 31% in six weeks, saved $1.2M and drew 10 to 15 halls “without one night shift” "
    "for 40,000 lamps — 10Xed since 3 May 2024."
)


def rules(
    text: str, source_text: str = SOURCE_TEXT, *, known: tuple[str, ...] = (), context: str = "", title: str = ""
) -> list[str]:
    """Return the ids of the broken rules among D3 (figures), D4 (names) and D10 (quotation marks)."""
    source = source_of(evidence_of(source_text, title=title))._replace(around=context)
    found = problems(Statement(text, "fact", "", "", (source,), known=known))
    return [problem.rule for problem in found if problem.rule in {"D3", "D4", "D10"}]


def verbatim(text: str, evidence: Evidence) -> list[Problem]:
    return [p for p in problems(Statement(text, "fact", "", "", (source_of(evidence),))) if p.rule != "D36"]


@pytest.mark.parametrize(
    "text",
    [
        SOURCE_TEXT,
        "Rework fell by 31 %.",
        "Rework fell by 31 percent in 6 weeks.",
        "They saved $1,200,000.",
        "They saved $1.2 million.",
        "10–15 halls were drawn.",
        "10 to 15 halls, 15 or 10.",
        "It took six weeks.",
        "40k lamps, forty thousand of them.",
        "10x as many since May 2024.",
        "BRASSMERE'S rework fell.",
        "Brassmere’s rework fell.",
        "They worked “without one night shift”.",
        'They worked "without one night shift."',
        "They worked “Without one night  shift”",
        "Every lamp has its place.",
        "",
    ],
)
def test_text_that_the_evidence_states_is_supported(text: str) -> None:
    assert rules(text) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Rework fell by 32%.", "D3"),
        ("Rework fell by 31.", "D3"),
        ("Rework fell by 3.1%.", "D3"),
        ("They saved €1.2M.", "D3"),
        ("They saved $1.2bn.", "D3"),
        ("They saved $12M.", "D3"),
        ("It took 6 months.", "D3"),
        ("It took seven weeks.", "D3"),
        ("It happened in 2023.", "D3"),
        ("10x became 100x.", "D3"),
        ("Twice the halls.", "D3"),
        ("Millions of lamps.", "D3"),
        ("10–16 halls.", "D3"),
        ("With v2 of the plan.", "D4"),
        ("They beat Globex.", "D4"),
        ("Globex cut rework.", "D4"),
        ("Globex's rework fell.", "D4"),
        ("They asked Maria Lund.", "D4"),
        ("In June they were done.", "D3"),
        ("They worked “with one night shift”.", "D10"),
        ("They worked “without one night shif”.", "D10"),
        ('They say "never again".', "D10"),
    ],
)
def test_text_that_the_evidence_does_not_state_is_rejected(text: str, rule: str) -> None:
    assert rule in rules(text)


def test_names_can_be_known_or_come_from_the_title_or_the_passage() -> None:
    text = "They chose Globex."
    assert rules(text) == ["D4"]
    assert rules(text, known=("Globex Corp",)) == []
    assert rules(text, title="Globex: a story") == []
    assert rules(text, context="Globex is named beside it") == []


def test_a_figure_in_the_passage_or_title_but_not_in_the_quotation_is_rejected() -> None:
    assert rules("It costs 99 now.", context="It costs 99.", title="99 reasons") == ["D3"]


def test_a_figure_of_a_known_name_is_allowed() -> None:
    assert rules("They chose Studio 54.", known=("Studio 54",)) == []


def test_quoted_words_must_be_in_the_evidence_itself_and_not_around_it() -> None:
    assert rules("They say “never again”.", context="never again", known=("never again",)) == ["D10"]


def test_a_number_without_its_unit_is_supported_by_a_duration_and_no_other_unit() -> None:
    assert rules("Six of them.") == []
    assert rules("31 of them.") == ["D3"]


def test_over_two_hundred_verbatim_sentences_pass(real_pages: tuple[Page, ...]) -> None:
    sentences = [evidence for read in real_pages for evidence in every_sentence(read)]
    assert len(sentences) > 200
    found = {e.quote: verbatim(e.quote, e) for e in sentences}
    assert [quote for quote, problems in found.items() if problems] == []


def test_every_changed_figure_of_over_a_hundred_real_sentences_is_rejected(real_pages: tuple[Page, ...]) -> None:
    changed = [
        (text, e) for read in real_pages for e in every_sentence(read) for text in with_a_changed_figure(e.quote)
    ]
    assert len(changed) > 100
    passed = [text for text, evidence in changed if not verbatim(text, evidence)]
    assert passed == []


def with_a_changed_figure(quote: str) -> Iterator[str]:
    """Yield variants of the quotation with one changed digit.

    Leave out a variant if its new number already occurs in the quotation.
    """
    numbers = {value(match[0]) for match in NUMBER.finditer(quote)} | {"2"}
    for match in NUMBER.finditer(quote):
        for at in (i for i in range(match.start(), match.end()) if quote[i].isdigit()):
            text = f"{quote[:at]}{(int(quote[at]) + 1) % 10}{quote[at + 1 :]}"
            if value(text[match.start() : match.end()]) not in numbers:
                yield text


def value(number: str) -> str:
    return number.lstrip("0")


SHOWN = (
    *passages_of("# Brassmere story\n\nRework fell by 31%. Nights are quiet.", "https://lumenforge.example/a"),
    *passages_of("Tidewell lit 14 halls.", "https://lumenforge.example/b", title="Halls"),
    *passages_of("Quillport builds ferries.", "https://quillport.example/"),
)
ROLES: tuple[Role, ...] = ("vendor", "vendor", "vendor", "prospect")
JUDGE = Judge(shown=SHOWN, roles=ROLES, known=("Lumenforge", "Quillport"))


def cite(passage: int, *sentences: int) -> Cite:
    return Cite(passage=passage, sentences=sentences)


def claim(text: str, *cites: Cite) -> Claim[Cite]:
    return Claim[Cite](text=text, evidence=cites)


def say(text: str, *cites: Cite, kind: SentenceKind = "fact") -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=cites)


def story(customer: str, *results: Claim[Cite], challenge: Claim[Cite] | None = None) -> CaseStudy[Cite]:
    return CaseStudy[Cite](
        customer=customer,
        headline="a story",
        industry=None,
        challenge=challenge,
        solution=None,
        results=results,
        evidence=(cite(2, 1), cite(1), cite(3)),
    )


def elements(*stories: CaseStudy[Cite], offerings: tuple[Offering[Cite], ...] = ()) -> VendorElements[Cite]:
    return VendorElements[Cite](
        offerings=offerings,
        case_studies=stories,
        proof_points=(),
        value_propositions=(),
        reference_customers=(),
        use_cases=(),
        target_personas=(),
        differentiators=(),
    )


def standing_part(answer: VendorElements[Cite]) -> VendorElements[EvidenceId]:
    value, evidence, _ = standing(JUDGE, answer, VendorElements[EvidenceId])
    assert value
    used = {i for part in parts_of(value) for i in ids(part)}
    assert used == {e.id for e in evidence}
    return value


def ids(part: Value) -> tuple[EvidenceId, ...]:
    return getattr(part, "evidence", ())


def test_a_supported_answer_is_kept_whole_with_its_cites_resolved() -> None:
    answer = elements(story("Brassmere", claim("Rework fell by 31%.", cite(2, 1))))
    value, evidence, dropped = standing(JUDGE, answer, VendorElements[EvidenceId])
    assert dropped == JUDGE.problems(answer) == []
    assert value
    (result,) = value.case_studies[0].results
    (quote,) = [e for e in evidence if e.id in result.evidence]
    assert (quote.quote, quote.role, quote.url) == ("Rework fell by 31%.", "vendor", "https://lumenforge.example/a")


def test_evidence_has_the_role_of_the_company_whose_page_it_is_on() -> None:
    _, evidence, _ = standing(JUDGE, say("They build ferries.", cite(4)), Sentence[EvidenceId])
    assert [e.role for e in evidence] == ["prospect"]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (claim("Rework fell by 32%.", cite(2, 1)), "D3"),
        (claim("Globex cut rework.", cite(2, 1)), "D4"),
        (claim("They say “never again”.", cite(2, 1)), "D10"),
        (claim("Rework fell."), "D1"),
        (claim("Rework fell.", cite(9)), "D1"),
    ],
)
def test_a_part_that_fails_is_dropped_and_the_rest_is_kept(bad: Claim[Cite], rule: str) -> None:
    good = claim("Rework fell by 31%.", cite(2, 1))
    answer = elements(story("Brassmere", good, bad, challenge=bad))
    value, _, dropped = standing(JUDGE, answer, VendorElements[EvidenceId])
    assert value
    assert [result.text for result in value.case_studies[0].results] == [good.text]
    assert value.case_studies[0].challenge is None
    assert {problem.rule for problem in dropped} == {rule}
    assert {problem.rule for problem in JUDGE.problems(answer)} == {rule}


def test_a_finding_that_fails_takes_its_parts_with_it() -> None:
    bad = story("Globex", claim("Rework fell by 31%.", cite(2, 1)))
    assert [s.customer for s in standing_part(elements(bad, story("Brassmere"))).case_studies] == ["Brassmere"]


@pytest.mark.parametrize(("name", "kept"), [("Tidewell", 1), ("Globex", 0), ("Quillport", 1), ("Tide", 0)])
def test_a_customer_that_the_page_does_not_name_is_dropped(name: str, kept: int) -> None:
    customer = ReferenceCustomer[Cite](name=name, shown_as="logo", industry=None, evidence=(cite(3),))
    answer = elements().model_copy(update={"reference_customers": (customer,)})
    value, _, dropped = standing(JUDGE, answer, VendorElements[EvidenceId])
    assert value
    assert len(value.reference_customers) == kept
    assert [problem.rule for problem in dropped] == ["D4"] * (1 - kept)


@pytest.mark.parametrize(("person", "company"), [("Maria Lund", None), (None, "Globex"), ("Maria Lund", "Tidewell")])
def test_praise_from_a_person_or_company_that_the_page_does_not_name_fails(
    person: str | None, company: str | None
) -> None:
    praise = ProofPoint[Cite](
        kind="testimonial", text="14 halls", person=person, role=None, company=company, evidence=(cite(3),)
    )
    assert {problem.rule for problem in JUDGE.problems(praise)} == {"D4"}


def test_prices_that_fail_are_dropped_from_their_offering() -> None:
    prices = (
        Price[Cite](plan="hall", terms="14 halls", evidence=(cite(3),)),
        Price[Cite](plan="hall", terms="15 halls", evidence=(cite(3),)),
    )
    offering = Offering[Cite](name="plan", kind="plan", description="", pricing=prices, evidence=(cite(3),))
    assert [p.terms for p in standing_part(elements(offerings=(offering,))).offerings[0].pricing] == ["14 halls"]


def test_a_result_needs_its_customers_name_in_the_passage_the_heading_or_the_title() -> None:
    in_heading = story("Brassmere", claim("Rework fell by 31%.", cite(2, 1)))
    in_passage = story("Tidewell", claim("They lit 14 halls.", cite(3)))
    in_title = passages_of("Rework fell by 31%.", title="Vessler, a story")
    assert JUDGE.problems(elements(in_heading, in_passage)) == []
    judge = Judge(shown=(*in_title, *SHOWN), roles=("vendor", *ROLES), known=())
    titled = story("Vessler", claim("Rework fell by 31%.", cite(1))).model_copy(update={"evidence": (cite(1),)})
    assert judge.problems(elements(titled)) == []


def test_a_result_of_another_customer_is_dropped_and_the_story_is_kept() -> None:
    good, foreign = claim("Rework fell by 31%.", cite(2, 1)), claim("14 halls were lit.", cite(3))
    answer = elements(story("Brassmere", good, foreign))
    value, evidence, dropped = standing(JUDGE, answer, VendorElements[EvidenceId])
    assert value
    assert [result.text for result in value.case_studies[0].results] == [good.text]
    assert [problem.rule for problem in dropped] == ["D5"]
    assert [problem.rule for problem in JUDGE.problems(answer)] == ["D5"]
    assert evidence


def test_an_entry_is_dropped_if_a_required_part_fails() -> None:
    good, bad = say("Rework fell by 31%.", cite(2, 1)), say("Rework fell by 99%.", cite(2, 1))
    draft = TalkTrackDraft[Cite](
        pitch=(good, bad),
        cold_call=Call[Cite](opener=(bad,), value=(good,), ask="?", if_not_now="?"),
        brush_offs=(),
        voicemail=(good, bad),
        close="",
        next_step="",
        discovery=(),
        demo_points=(DemoPoint[Cite](show="a", because=good), DemoPoint[Cite](show="b", because=bad)),
        value_map=(),
    )
    value, _, dropped = standing(JUDGE, draft, TalkTrackDraft[EvidenceId])
    assert value
    assert [s.text for s in value.pitch] == [good.text]
    assert value.cold_call.opener == ()
    assert [s.text for s in value.voicemail] == [good.text]
    assert [point.show for point in value.demo_points] == ["a"]
    assert len(dropped) == 4


def test_an_answer_whose_only_finding_fails_becomes_none() -> None:
    assert standing(JUDGE, claim("Rework fell by 99%.", cite(2, 1)), Claim[EvidenceId])[0] is None


@pytest.mark.parametrize("kind", ["question", "ask", "courtesy"])
def test_a_sentence_that_claims_nothing_needs_no_evidence(kind: SentenceKind) -> None:
    assert JUDGE.problems(say("Does this sound like you?", kind=kind)) == []


@pytest.mark.parametrize("kind", ["fact", "inference"])
def test_a_sentence_that_claims_something_needs_evidence(kind: SentenceKind) -> None:
    assert [p.rule for p in JUDGE.problems(say("Nights are quiet.", kind=kind))] == ["D1"]


@pytest.mark.parametrize("kind", ["question", "ask", "courtesy", "inference", "fact"])
def test_no_kind_of_sentence_may_introduce_a_figure(kind: SentenceKind) -> None:
    text = "Could 99 halls be yours?"
    assert "D3" in [p.rule for p in JUDGE.problems(say(text, cite(2, 1), kind=kind))]


def test_sentences_inside_paragraphs_are_judged() -> None:
    draft = SequenceDraft[Cite](
        touches=(
            TouchDraft[Cite](
                subject="x",
                paragraphs=(
                    (say("Rework fell by 31%.", cite(2, 1)), say("It fell by 99%.", cite(2, 1))),
                    (say("By 31% it fell.", cite(2, 1)),),
                ),
                call_to_action=CallToAction(label="interest", text="?"),
                opt_out=None,
                second_opening=(),
                make_first=None,
                personalisation=(),
            ),
        )
    )
    value, _, dropped = standing(JUDGE, draft, SequenceDraft[EvidenceId])
    assert value
    assert [[s.text for s in p] for p in value.touches[0].paragraphs] == [
        ["Rework fell by 31%."],
        ["By 31% it fell."],
    ]
    assert len(dropped) == 1


def on_pages(count: int, *, old: bool = False) -> list[Evidence]:
    day: date | None = FETCHED_AT.date() - timedelta(days=550) if old else None
    found = [evidence_of("Said.", f"https://quillport.example/{number}") for number in range(count)]
    return [evidence.model_copy(update={"published_on": day}) for evidence in found]


def test_confidence_grows_with_pages_and_with_explicit_statements() -> None:
    assert confidence(on_pages(1), stated=False) == "low"
    assert confidence(on_pages(2), stated=False) == "medium"
    assert confidence(on_pages(1), stated=True) == "medium"
    assert confidence(on_pages(2), stated=True) == "high"


def test_old_evidence_counts_for_less() -> None:
    assert confidence(on_pages(2, old=True), stated=True) == "medium"
    assert confidence(on_pages(2, old=True), stated=False) == "low"


def test_two_quotations_of_one_page_count_once() -> None:
    assert confidence([*on_pages(1), *on_pages(1)], stated=False) == "low"


@pytest.mark.parametrize("first", ["Above", "Across", "Between", "Beyond", "Inside", "Yesterday"])
def test_a_word_that_starts_a_sentence_is_not_part_of_the_name_after_it(first: str) -> None:
    assert names(f"{first} Brassmere it takes longer.") == ("Brassmere",)
