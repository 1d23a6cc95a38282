"""Tests of the rules that accept, reject or mark a claim, depending on whether its quotations support it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import test_evidence
from conftest import ROOT
from judging import standing
from test_evidence import every_sentence, passages_of

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, EvidenceId, Support
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import DemoPoint, DiscoveryQuestion, QuickWin, SuccessMetric
from octave_mcp.domain.prospect import Pain
from octave_mcp.domain.sentence import Sentence, SentenceKind
from octave_mcp.evidence.judge import Judge
from octave_mcp.evidence.support import Kind, Quoted, Statement, problems, quoted, support

real_pages = test_evidence.real_pages
CLAIMS = ROOT.parent / "shared" / "cases" / "claims" / "claims.jsonl"


def statement(
    claim: str,
    quote: str,
    role: Role = "vendor",
    *,
    kind: Kind = "fact",
    prospect: str = "Quillport",
    context: str = "",
    known: tuple[str, ...] = (),
    title: str = "",
    heading: str = "",
    around: str = "",
    url: str = "",
) -> Statement:
    source = Quoted(quote, role, title, heading, around, url)
    return Statement(claim, kind, "Lumenforge", prospect, (source,), context, known)


def hard(judged: Statement) -> set[str]:
    return {problem.rule for problem in problems(judged) if not problem.is_soft}


def marked(judged: Statement) -> set[str]:
    return {problem.rule for problem in problems(judged)}


def verdict(judged: Statement) -> str:
    return support(judged, problems(judged)).verdict


PARAPHRASES = (
    ("Run Lumenforge in your own halls.", "You can host it in your own halls."),
    ("Vessler works towards its ISO 27001 certificate.", "Vessler is ISO 27001 certified, and works at it."),
    ("Vessler charges a second rate of $60.", "Vessler charges $50, or $60."),
    ("Vessler saved 14 days.", "Vessler saved two weeks."),
    ("Vessler runs over forty halls.", "Vessler runs 40+ halls."),
    ("Vessler works six times as fast.", "Vessler works at 6x speed."),
    ("Vessler halved its rework.", "Vessler cut rework by 50%."),
    ("Vessler halved its rework.", "Rework went from 20 minutes to 10 minutes at Vessler."),
    ("A third of Vessler's halls are dark.", "One in three halls of Vessler is dark."),
    ("Vessler needs a 30-minute call.", "Vessler needs a 30 min call."),
    ("Vessler's Launch Weeks brought 300 users.", "The Launch Week brought Vessler 300 users."),
    ("Vessler patches CVEs within a day.", "Vessler patches each CVE within a day."),
    ("Vessler sells Ubuntu-native images.", "Vessler sells images native to Ubuntu."),
    ("Vessler follows European rules.", "Vessler follows EU rules."),
    ("Vessler moved to PostgreSQL.", "Vessler moved to Postgres."),
    ("Vessler's KPIs and ROI improved with AI.", "The figures of Vessler improved with machine learning."),
    ("Nights are quiet at Vessler.", "At Vessler, nights are quiet."),
    ("Vessler opened in December.", "Vessler opened on 2021-12-16."),
    ("The halls of Vessler are lit by a third party.", "A third party lights the halls of Vessler."),
    ("Halls of Vessler were dark.", "The halls of Vessler were dark for some reason."),
    ("Vessler looks to light more halls.", "Vessler is looking to light more halls."),
    ("Halls of Vessler are easy to light.", "Vessler shows how easy it is to light a hall."),
    ("On 2021-12-16, Vessler lit sixteen halls.", "On 16 December 2021, Vessler lit 16 halls."),
    ("Vessler lights up to 10 halls with 10 crews.", "Vessler lights up to 10 halls with 10 crews at most."),
    ("Vessler sells halls in the United Kingdom.", "Vessler sells halls throughout the UK."),
    ("Vessler hired Mara Lund as Chief Financial Officer.", "Vessler hired Mara Lund as CFO."),
    ("Vessler uses two tools, Mist and Fog.", "Vessler uses Mist and Fog."),
    ("Every hall of Vessler is lit.", "Every hall of Vessler is lit."),
    ("Vessler's rework fell by ten points, from 30% to 20%.", "Rework at Vessler fell from 30% to 20%."),
    ("Vessler adds 90 halls, for 300 in all.", "Vessler grows from 210 halls to 300."),
    ("Vessler drew it within one month.", "Vessler drew it in a single month."),
    ("Vessler worked on it for a year and a half.", "Vessler worked on it for 18 months."),
    ("Vessler pays for a second trip.", "Vessler pays for a second trip of its own making."),
    ("Vessler cut rework by three quarters.", "Vessler cut rework by 75%."),
    ("Vessler's halls keep on running without a fault.", "Vessler's halls never stop, and have no fault."),
    ("Vessler's new desk keeps halls from stopping.", "With its new desk, Vessler's halls do not stop."),
    ("Vessler never sends a crew without its tools.", "Vessler sends each crew with its tools, never without."),
    ("Vessler was bought by Tidewell.", "Tidewell bought Vessler."),
    ("Vessler moves no hall at night.", "Vessler does not move a hall at night."),
    ("Vessler lit a hall without hiring any crew.", "Vessler hired no crew, and lit a hall."),
    ("Crews lost a month on halls at Vessler.", "At Vessler, crews spent a month doing nothing but halls."),
    ("No crew of Vessler got a hall until it was lit.", "A crew of Vessler got a hall only after it was lit."),
    ("Vessler lit 40 halls, not counting dark ones.", "Vessler lit 40 halls. That is without the dark ones."),
    (
        "Vessler needs three weeks, not eight, before halls work alone.",
        "At Vessler, halls work alone after 3 weeks instead of 8.",
    ),
    ("Vessler keeps names, and no faces.", "Names, which carry no faces, are kept by Vessler."),
    ("Vessler's rework may stay flat.", "The rework of Vessler, which others left, did not move."),
    ("Vessler had halls up within a week.", "Vessler was up and running within a week."),
    ("Vessler gets 552 calls; it used to be 1,150.", "Calls fell from 1,150 to 552 at Vessler."),
    ("The desk of Vessler was too slow to use.", "The desk of Vessler was too slow for crews to want to use it."),
    ("Vessler ties crews to halls.", "Vessler added access so that crews would be tied to halls."),
    ("A crew gets $50 for a hall at Vessler.", "If a hall is lit, you will get $50 for it at Vessler."),
    ("Vessler has lit halls at large firms.", "Vessler lit halls at some of the largest firms."),
    ("Vessler supports halls from version 1.30.0 on.", "Vessler supports halls as of v1.30.0."),
    ("Vessler lit it three months later.", "Vessler began in June and lit it by September."),
    ("Vessler lit it a day later.", "Vessler came, and lit it the next day."),
    ("Seven of ten halls of Vessler are lit.", "70% of the halls of Vessler are lit."),
    ("Halls of Vessler are for anyone under 18.", "Halls of Vessler are for anyone up to 17."),
    ("Vessler was funded by the BR.", "The Bank of Ravens funded Vessler."),
    ("Vessler serves Estonia.", "Vessler serves Estonian halls."),
    ("Photography is allowed in the halls of Vessler.", "You may take pictures in the halls of Vessler."),
    ("Bread left over in the halls is given away.", "In the halls, what is left over is given away."),
    ("Vessler does not bill by hall.", "Others bill by hall. Vessler does not."),
    ("Vessler does not raise the rent.", "The rent of Vessler stays the same."),
    ("Members of Vessler pay nothing for halls.", "The halls of Vessler are free for members."),
    ("A fog hall is the only one that Vessler lights.", "Vessler lights a fog hall and nothing else."),
    ("Within three weeks, Vessler lit 40 halls.", "In the past 3 weeks, Vessler has lit 40 halls."),
    ("Vessler has 30,000 crews; 400 had come by May.", "Vessler has 30,000 crews. By May, there were 400 of them."),
    ("Vessler, a planner of halls, has bought Fog Works.", "Vessler, based in Oslo, bought Fog Works, a shop of maps."),
    ("Vessler opened in Rome a week after Oslo.", "Vessler's hall in Rome follows its opening in Oslo, a week ago."),
    ("Requests for halls at Vessler grew.", "Vessler saw a growing volume of requests for halls."),
    ("Each hall of Vessler takes an hour on average.", "One hall of Vessler takes an hour on average."),
    ("Every hall of Vessler has a desk.", "Every lit or dark hall of Vessler has a desk."),
    ("Vessler, which lately passed 40 halls, grows.", "Vessler recently crossed 40 halls, and grows."),
    ("Fog halls are on their way at Vessler.", "Fog halls (coming soon) of Vessler."),
    (
        "A pile of old desks has given way to one at Vessler.",
        "Vessler used to have a pile of old desks. Now, it is one.",
    ),
    ("Mail to Vessler waits for a few days.", "If I mail Vessler, it'll be a few days before it is read."),
    ("Vessler saves about €400,000 a year.", "Vessler has about €400K in annual savings."),
    ("Vessler's Polish hall is lit.", "The hall of Vessler in Poland is lit."),
    ("The halls of Vessler are closed at night.", "By day, the halls of Vessler are lit."),
)


@pytest.mark.parametrize(("claim", "quote"), PARAPHRASES)
def test_a_faithful_paraphrase_has_no_problem(claim: str, quote: str) -> None:
    assert problems(statement(claim, quote)) == []


@pytest.mark.parametrize(
    ("claim", "quote", "rule"),
    [
        ("Vessler cut rework by 40%.", "Vessler cut rework by 31%.", "D3"),
        ("Vessler opened in December 2021.", "Vessler opened in November 2021.", "D3"),
        ("Brassmere cut rework by 31%.", "Vessler cut rework by 31%.", "D4"),
        ("Brassmere gains nearly 40 halls.", "Vessler gains nearly 40 halls.", "D4"),
        ("Lumenforge drew 14 halls.", "Tidewell drew 14 halls.", "D40"),
        ("Lumenforge does not draw halls at night.", "Lumenforge draws halls at night.", "D40"),
        ("Vessler says “we sleep well”.", "Vessler says that it works well.", "D10"),
        ("Write to help@globex.com at Vessler.", "Write to Vessler.", "D36"),
    ],
)
def test_a_claim_that_no_reader_would_accept_is_rejected(claim: str, quote: str, rule: str) -> None:
    assert hard(statement(claim, quote)) == {rule}
    assert verdict(statement(claim, quote)) == "not"


DISTORTIONS = (
    ("Vessler's rework rose by 31%.", "Vessler's rework fell by 31%."),
    ("Vessler went from 30% to 60%.", "Vessler went from 60% to 30%."),
    ("Vessler moved from Fog to Mist.", "Vessler moved from Mist to Fog."),
    ("Depots call shops for a status at Vessler.", "Shops call depots for a status at Vessler."),
    ("Vessler raises the risk of a leak.", "Vessler makes halls better, and reduces the risk of a leak."),
    ("Vessler's fog hall costs more than its mist hall.", "Vessler's fog hall costs $20. Its mist hall costs $30."),
    ("At 9%, Vessler missed fewer halls than the 3% it allowed.", "Vessler missed 9% of halls. It allowed 3%."),
    ("Vessler's spending on halls did not come down.", "Vessler spent 44% less on halls."),
    ("Vessler's sales plunged by a lot.", "Vessler's sales have grown by a lot."),
    ("Vessler still uses the night desk.", "Vessler says that the night desk is gone."),
    ("Vessler will stop this in other halls.", "Vessler will continue to do this in other halls."),
    ("Vessler draws halls slowly.", "Vessler draws halls quickly."),
    ("Vessler calls the halls of Fog unreliable.", "Vessler calls the halls of Fog reliable."),
    ("Vessler was pleased with the halls of Fog.", "Vessler calls the halls of Fog a disappointment."),
    ("Vessler failed to close its round.", "Vessler, unimpeded by the night, closed its round."),
    ("Vessler does not let crews set halls.", "At Vessler, crews can set halls and avoid the night."),
    ("Vessler sometimes sends crews without tools.", "Vessler never sends crews without tools."),
    ("Vessler hides halls behind a call.", "Vessler shows all it can, rather than hiding halls behind a call."),
    ("Mist finds more faults than Fog.", "Fog finds more faults than Mist."),
    ("Vessler calls the depot.", "The depot calls Vessler."),
    ("Vessler ships to depots without a fee.", "Vessler ships to depots with a fee of $20."),
    ("Vessler ships its planner to depots.", "Vessler does not ship its planner to depots."),
    ("Vessler built a night desk.", "Vessler plans to build a night desk."),
    ("Vessler may draw halls faster for all its customers.", "Some of Vessler's customers draw halls faster."),
    ("Vessler draws all halls.", "Vessler draws most halls."),
    ("Vessler draws 40 halls.", "Vessler draws up to 40 halls."),
    ("Vessler draws 40 halls a day.", "Vessler draws 40 halls a month."),
    ("Vessler has 450 employees.", "Vessler serves 450 brands."),
    ("Vessler is certified for night work.", "Vessler follows the controls for night work."),
    ("Vessler hired a night planner.", "Vessler is looking for a night planner."),
    ("Vessler is the fastest planner of halls.", "Vessler is a planner of halls."),
    ("Vessler makes yellow submarines for tourists.", "The planner draws halls at night."),
    ("Vessler normally holds halls back.", "Vessler very rarely holds halls back."),
    ("Vessler lights halls by hiring crews.", "Vessler does not light its halls by hiring crews alone."),
    ("Vessler keeps its halls to itself.", "Vessler publishes its halls."),
    ("The halls of Vessler adapt by night.", "The halls of Vessler do not change by night."),
    ("Halls of Vessler kept calling.", "Halls of Vessler stopped calling."),
    (
        "A hall takes 16 minutes at Vessler, where it used to take 4.",
        "A hall takes 4 minutes instead of 16 at Vessler.",
    ),
    ("Mist has taken the place of Fog at Vessler.", "At Vessler, Fog has replaced Mist."),
    ("Vessler lit 40 halls every day.", "Vessler lit 40 halls every week, from its day-to-day work."),
    ("A hall of Vessler costs 25% less.", "A hall of Vessler costs 75% less."),
    ("Time off is limited at Vessler.", "Vessler has unlimited time off."),
    ("Lumenforge shipped a planner of halls.", "On top of that, Tidewell shipped a planner of halls."),
    ("Vessler lit it in more than a week.", "Vessler lit it in less than one week."),
    ("Vessler lit fewer than 40 halls.", "Vessler lit more than 40 halls."),
    (
        "Vessler was left with four active desks.",
        "Vessler lost a hall, its crew, and a key, with two active desks left.",
    ),
    (
        "Six in ten crews of Vessler feel buried by calls.",
        "38% of Vessler's crews report too many halls, while 80% feel buried by calls.",
    ),
    ("Vessler's bill for halls was falling, but crews stayed.", "The team feared Vessler's increasing bill."),
    (
        "Night requests at Vessler have been shrinking while crews grew.",
        "Vessler's crews grew. With this comes a growing volume of night requests.",
    ),
    (
        "Crews see faults climb by 38 percent, with halls up 2.2 percent.",
        "Crews see 2.2% more halls and 38% lower faults.",
    ),
    (
        "Fog Works has bought Vessler, a planner of halls.",
        "Vessler, a planner of halls, has bought Fog Works, a shop in Oslo.",
    ),
    ("Vessler opened in Oslo a week after Rome.", "Vessler's hall in Rome follows its opening in Oslo, a week ago."),
    (
        "Vessler moved its desk from general use back to a closed trial.",
        "Vessler introduced the desk as a closed trial. It is now in general use.",
    ),
    ("Vessler has put a price on its desk, which used to be free.", "Vessler has now made its desk free."),
    ("Vessler offers a local desk.", "Vessler offers a remote desk."),
    ("Vessler is live in all its halls within a week.", "All crews of Vessler are live in one hall within a week."),
    ("Every hall of Vessler has a desk.", "Every week Vessler lights halls, and behind many of its halls is a desk."),
    ("Vessler lights each of its halls.", "Vessler lights a hall."),
    ("The trial of Vessler is open to anyone.", "The trial of Vessler is open to crews."),
    ("The world market of Vessler is $4 billion.", "The US market of Vessler is $4 billion."),
    ("Vessler's desk costs $200, whatever the period.", "Vessler's desk costs $200, billed for a year."),
    ("Crews of Vessler see 38% fewer faults.", "Crews of Vessler see 38% fewer faults on average."),
    ("Vessler cuts faults by at least 38%.", "Vessler cuts faults by 38% on average."),
    ("Mail to Vessler takes several weeks.", "Mail to Vessler takes a few days."),
    ("Moving a desk increased sales by 5% at Vessler.", "Moving a desk can increase sales by 5% at Vessler."),
    ("Getting started takes longer with fog halls.", "With fog halls, it may take longer to get started."),
    ("Vessler gives its halls to crews for free.", "Crews may get the halls of Vessler for free."),
    ("Vessler has walked away from buying Fog.", "Vessler has bought Fog, a shop of maps."),
    ("Vessler has yet to reach 40 halls.", "Vessler recently crossed 40 halls."),
    ("Vessler still had to spend the $5 on desks.", "Vessler lit halls and avoided $5 in desks."),
    ("Vessler bills for halls, however small they are.", "If a hall is large, Vessler bills for it."),
)


@pytest.mark.parametrize(("claim", "quote"), DISTORTIONS)
def test_a_claim_that_distorts_its_quotation_is_marked_or_rejected(claim: str, quote: str) -> None:
    assert verdict(statement(claim, quote, title="Vessler")) in {"partly", "not"}


def test_a_sentence_about_another_company_is_marked_even_if_the_quotation_names_both() -> None:
    claim, quote = "Vessler built 40 halls with Mist.", "Tidewell built 40 halls with Mist. Vessler drew a desk."
    assert marked(statement(claim, quote, title="Customers")) == {"D40"}
    assert marked(statement("Tidewell built 40 halls with Mist.", quote, title="Customers")) == set()


def test_a_question_quoted_in_another_word_order_is_only_marked() -> None:
    judged = statement(
        'Vessler has fewer "where is the crew" calls.', "Vessler has fewer calls that ask where the crew is."
    )
    assert (hard(judged), marked(judged)) == (set(), {"D10"})


def test_omitting_a_limit_of_the_quotation_is_marked_and_not_rejected() -> None:
    judged = statement("Vessler draws 40 halls.", "Vessler draws up to 40 halls.")
    assert hard(judged) == set()
    assert support(judged, problems(judged)) == Support(
        verdict="partly", judge="rules", reason="the quotation says 'draws up to 40', and the claim plainly '40'"
    )


@pytest.mark.parametrize(
    ("quote", "quoted_as"),
    [
        ("Crews say that the plans they'll draw cut rework by up to 31%.", "rework by up to 31%"),
        ("Rework falls by no more than 31%.", "no more than 31%"),
        ("Up to 31% less rework.", "Up to 31%"),
    ],
)
def test_a_reason_quotes_the_limit_in_whole_words(quote: str, quoted_as: str) -> None:
    judged = statement("Rework fell by 31%.", quote)

    assert any(f"says {quoted_as!r}" in problem.text for problem in problems(judged)), problems(judged)


QUALIFIED = (
    ("Vessler cut rework by 40%.", "It is not true that Vessler cut rework by 40%."),
    ("Vessler is certified.", "Is Vessler certified? Its desk plans an audit."),
    ("Vessler has 500 halls.", "Vessler had 500 halls in 2010; today it has 50."),
    ("Vessler lights 12 halls.", "Vessler lights halls such as fog halls; 12 ferries sail."),
    ("Mara Lund is the CEO of Vessler.", "Mara Lund, CFO, reports to the CEO of Vessler, Tom Ek."),
    ("Vessler cut costs by 50%.", "Vessler cut lighting time by 50% and costs by 12%."),
    ("Vessler is free.", "Vessler is free for the first 30 nights of the year."),
    ("Only Vessler draws halls at night.", "Vessler draws halls at night."),
)


@pytest.mark.parametrize(("claim", "quote"), QUALIFIED)
def test_a_claim_with_the_words_of_a_quotation_that_qualifies_or_denies_it_is_not_supported(
    claim: str, quote: str
) -> None:
    assert verdict(statement(claim, quote)) != "supported"


@pytest.mark.parametrize(
    "claim",
    [
        "For halls such as those of Quillport, Vessler automates the night desk.",
        "At Quillport's size, Vessler automates the night desk.",
        "Whether Quillport runs 10 halls or more, Vessler automates the night desk.",
    ],
)
def test_a_fact_that_starts_with_the_prospect_may_be_about_the_vendor(claim: str) -> None:
    quote = "Vessler automates the night desk for every hall, from 10 halls on."
    judged = Statement(claim, "fact", "Vessler", "Quillport", (Quoted(quote, "vendor"),))
    assert hard(judged) == set()


def test_a_claim_with_too_many_figures_to_compare_is_rejected() -> None:
    claim, quote = " ".join(map(str, range(500))), " ".join(map(str, range(0, 5000, 3)))
    judged = statement(f"Vessler has {claim} halls.", f"{quote} halls are Vessler's.")
    assert [problem.text for problem in problems(judged)] == ["the claim has 500 figures; at most 40 can be checked"]


def test_a_fact_about_a_company_must_cite_its_own_page_or_one_that_names_it() -> None:
    claim, quote = "Quillport builds its ferries by hand at night.", "We build our ferries by hand at night."
    assert "D6" in hard(statement(claim, quote, "vendor"))
    assert hard(statement(claim, quote, "prospect")) == set()
    assert hard(statement(claim, quote, "vendor", title="How Quillport builds")) == set()
    assert hard(statement(claim, quote, "vendor", prospect="")) == {"D4"}
    assert hard(statement(claim, quote, "vendor", kind="inference")) == set()


def test_product_copy_does_not_show_a_pain_of_its_own_company() -> None:
    claim = "Quillport struggles with scattered ferries."
    assert marked(statement(claim, "Quillport ends scattered ferries: you see yours in one place.", "prospect")) == {
        "D40"
    }
    assert marked(statement(claim, "We struggle with scattered ferries ourselves.", "prospect")) == set()


def test_a_name_that_is_only_in_the_context_does_not_support_a_fact() -> None:
    claim, quote, context = "Quillport uses Globex.", "Quillport uses a planner.", "They use Globex."
    problem, *_ = problems(statement(claim, quote, "prospect", context=context))
    assert (problem.rule, problem.text) == (
        "D4",
        "the name 'Globex' is only in the context, and the context is not evidence",
    )
    assert problems(statement("Does Quillport use Globex?", quote, "prospect", context=context, kind="question")) == []


def test_capitalised_job_titles_are_not_taken_for_names_in_an_inference() -> None:
    quote = "We build ferries."
    claim = "Head of Site Reliability: such a Regional Fleet Director at Quillport may care about ferries."
    assert hard(statement(claim, quote, "prospect", kind="inference")) == set()
    assert hard(statement("They may ask Globex about ferries.", quote, "prospect", kind="inference")) == {"D4"}


@pytest.mark.parametrize(
    ("claim", "quote", "reason"),
    [
        (
            "Quillport's build is failing.",
            "Our new build at Quillport is passing.",
            "the claim says 'failing', but the quotation says the opposite",
        ),
        (
            "Quillport saves money on reports.",
            "Old Harbor Trust saves money on reports.",
            "the quotation is about Old Harbor Trust, not about Quillport",
        ),
        (
            "Sales of Quillport grew threefold.",
            "Sales of Quillport grew by 20%.",
            "the figure 'threefold' is not in the quotation, which has '20%'",
        ),
        (
            "Sales dropped by 40%.",
            "Sales rose by 40%.",
            "the quotation says that it went up, and the claim that it went down",
        ),
        (
            "Quillport stores plans in the yard.",
            "Quillport never stores plans in the yard.",
            "the quotation says 'never' about 'stores', and the claim does not",
        ),
    ],
)
def test_a_reason_is_given_once_in_the_words_of_the_claim_and_the_quotation(
    claim: str, quote: str, reason: str
) -> None:
    reasons = [problem.text for problem in problems(statement(claim, quote, "prospect"))]
    assert reasons.count(reason) == 1


def test_a_name_of_several_words_causes_one_problem() -> None:
    (problem,) = problems(statement("Vessler asked Maria Lund.", "Vessler asked a planner."))
    assert problem.text == "the name 'Maria Lund' is not in the evidence"


def test_a_figure_may_come_from_the_heading_and_is_marked_if_it_is_only_in_the_title() -> None:
    claim, quote = "Vessler cut rework by 31%.", "Vessler cut rework."
    assert problems(statement(claim, quote, heading="31% less rework")) == []
    assert hard(statement(claim, quote, title="How Vessler cut rework by 31%")) == set()
    assert marked(statement(claim, quote, title="How Vessler cut rework by 31%")) == {"D3"}
    assert hard(statement(claim, quote, around="Vessler cut rework. By 31%.")) == {"D3"}


def test_a_name_may_come_from_the_heading_the_title_or_the_passage() -> None:
    claim, quote = "They cut rework at Vessler.", "They cut rework."
    assert problems(statement(claim, quote, heading="Vessler: a story")) == []
    assert problems(statement(claim, quote, title="Vessler: a story")) == []
    assert problems(statement(claim, quote, around="Vessler: a story")) == []


@pytest.mark.parametrize(
    "address", ["Ask hey@vessler.com.", "See vessler.com/plans, please.", "See https://vessler.com/."]
)
def test_the_punctuation_after_an_address_is_not_part_of_it(address: str) -> None:
    quote = "Ask us."
    assert hard(statement(address, quote, url="https://vessler.com/", known=("Vessler",))) == set()
    problem, *_ = problems(statement(address, quote, url="https://globex.com/", known=("Vessler",)))
    assert problem.text.split("'")[1][-1] in "m/s"


@pytest.mark.parametrize(
    "quote",
    [
        "Vessler hat den Nachtdienst in 14 Hallen nicht eingeführt und will das auch nicht.",
        "公司没有夜班，有14个大厅，客户很满意。",
    ],
)
def test_a_quotation_in_another_language_is_checked_only_for_figures_names_and_pages(quote: str) -> None:
    assert problems(statement("Vessler has opened its night desk in 14 halls.", quote, title="Vessler")) == []
    assert hard(statement("Vessler has opened its night desk in 15 halls.", quote, title="Vessler")) == {"D3"}
    assert "D6" in hard(statement("Quillport has opened a night desk in 14 halls.", quote, title="Vessler"))
    assert verdict(statement("Vessler has 14 halls.", quote, title="Vessler")) == "unjudged"


def test_german_nouns_are_not_taken_for_names() -> None:
    claim, quote = (
        "Vessler hat die Nacharbeit in den Hallen mit dem Werkzeug gesenkt.",
        "Vessler cut rework in its halls.",
    )
    assert problems(statement(claim, quote)) == []
    assert hard(statement(claim.replace("Werkzeug", "AcmeTool"), quote)) == {"D4"}


def test_a_rule_that_often_marks_true_claims_asks_for_no_correction() -> None:
    claim, quote = "Vessler makes yellow submarines for tourists.", "The planner draws halls at night."
    (problem,) = problems(statement(claim, quote, title="Vessler"))
    assert problem.is_soft
    assert not problem.asks


# Claims in answers

SHOWN = (
    *passages_of("# Brassmere story\n\nRework fell by up to 31%. Nights are quiet.", "https://lumenforge.example/a"),
    *passages_of("Tidewell lit 14 halls with Mist.", "https://lumenforge.example/b", title="Halls"),
    *passages_of("Quillport builds ferries. We may hire Maria Lund.", "https://quillport.example/"),
)
ROLES: tuple[Role, ...] = ("vendor", "vendor", "vendor", "prospect")
JUDGE = Judge(
    shown=SHOWN,
    roles=ROLES,
    known=("Lumenforge", "Quillport"),
    given="They use Globex.",
    companies={"vendor": "Lumenforge", "prospect": "Quillport"},
)


def say(text: str, passage: int, *, kind: SentenceKind = "fact") -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=(Cite(passage=passage),))


def test_a_supported_claim_has_the_verdict_of_the_rules() -> None:
    accepted, _, dropped = standing(JUDGE, say("Quillport builds ferries.", 4), Sentence[EvidenceId])
    assert accepted
    assert accepted.support == Support(verdict="supported", judge="rules")
    assert dropped == []


def test_a_claim_with_a_soft_problem_is_kept_and_marked_with_the_reason() -> None:
    partly = say("Brassmere's rework fell by 31%.", 2)
    accepted, _, dropped = standing(JUDGE, partly, Sentence[EvidenceId])
    assert accepted
    assert accepted.support
    assert (accepted.support.verdict, accepted.support.judge) == ("partly", "rules")
    assert "up to 31%" in accepted.support.reason
    assert dropped == []
    assert [problem.is_soft for problem in JUDGE.problems(partly)] == [True]


def test_problems_that_only_mark_a_claim_cause_no_correction() -> None:
    guess = say("Quillport hired Maria Lund for its ferries.", 4)
    accepted, _, _ = standing(JUDGE, guess, Sentence[EvidenceId])
    assert accepted
    assert accepted.support
    assert accepted.support.verdict == "partly"
    assert all(problem.asks for problem in JUDGE.problems(guess))


@pytest.mark.parametrize("kind", ["question", "ask", "courtesy"])
def test_a_sentence_that_claims_nothing_has_no_verdict(kind: SentenceKind) -> None:
    accepted, _, _ = standing(JUDGE, say("Does it build ferries?", 4, kind=kind), Sentence[EvidenceId])
    assert accepted
    assert accepted.support is None


def test_a_fact_about_the_prospect_from_the_vendors_page_is_dropped() -> None:
    accepted, _, dropped = standing(JUDGE, say("Quillport lit 14 halls with Mist last night.", 3), Sentence[EvidenceId])
    assert accepted is None
    assert "D6" in {problem.rule for problem in dropped}


def test_text_without_citations_may_use_names_from_any_passage_or_the_context() -> None:
    because = say("Quillport builds ferries.", 4)
    for name in ("Tidewell", "Mist", "Globex", "Maria Lund"):
        values = (
            QuickWin[Cite](action=f"Ask about {name}.", because=because),
            DemoPoint[Cite](show=f"Show {name} to them.", because=because),
            SuccessMetric(name=f"Replies about {name}", how_to_measure="On how many pages it stands."),
            DiscoveryQuestion(question=f"Who runs {name}?", uncovers="Metrics", purpose="To learn it.", follow_ups=()),
        )
        assert [JUDGE.problems(value) for value in values] == [[], [], [], []]
    assert {p.rule for p in JUDGE.problems(QuickWin[Cite](action="Ask about Acme.", because=because))} == {"D4"}


def test_a_stated_pain_needs_the_companys_own_words_and_an_inferred_one_does_not() -> None:
    def pain(text: str, *, stated: bool) -> Pain[Cite]:
        return Pain[Cite](need="scale", title="more ferries", text=text, stated=stated, evidence=(Cite(passage=4),))

    text = "Quillport struggles to build more ferries."
    assert {problem.rule for problem in JUDGE.problems(pain(text, stated=True))} == {"D40"}
    assert JUDGE.problems(pain("Quillport may struggle to build more ferries.", stated=False)) == []


# Sets of claims


def test_the_rules_accept_the_true_shared_claims_and_catch_most_false_ones() -> None:
    if not CLAIMS.is_file():
        pytest.skip("the claims (../shared/cases/claims) are absent")
    judged = [(case, verdict(case_of(case))) for case in map(json.loads, CLAIMS.read_text("utf-8").splitlines())]
    assert [c["claim"] for c, v in judged if c["stands"] and v not in {"supported", "unjudged"}] == []
    passed = [c["claim"] for c, v in judged if not c["stands"] and v not in {"partly", "not"}]
    assert len(passed) <= 0.1 * sum(not c["stands"] for c, _ in judged)


def case_of(case: dict[str, Any]) -> Statement:
    evidence = tuple(Quoted(e["quote"], e["role"], e["title"]) for e in case["evidence"])
    return Statement(case["claim"], case["kind"], case["vendor"], case["prospect"], evidence, case["context"])


def test_every_sentence_of_a_real_page_is_supported_by_itself(real_pages: tuple[Page, ...]) -> None:
    sentences = [evidence for read in real_pages for evidence in every_sentence(read)]
    assert len(sentences) > 200
    found = {e.quote: problems(Statement(f"So it is said: {e.quote}", "fact", "", "", (quoted(e),))) for e in sentences}
    refused = [(quote, issues) for quote, issues in found.items() if any(problem.rule != "D36" for problem in issues)]
    assert refused == []


@pytest.mark.parametrize("mark", [".", "!", ' "', ""])
def test_a_sentence_quoted_word_for_word_has_no_problem(mark: str) -> None:
    quote = "If you are not on board yet, you can sign up here. They never cost more than they used to" + mark
    assert problems(statement("If you are not on board yet, you can sign up here.", quote)) == []
    assert problems(statement("They never cost more than they used to.", quote)) == []
    assert problems(statement("So it is said: They never cost more than they used to.", quote)) == []


def test_a_claim_about_the_past_is_not_rejected_for_a_quotation_about_the_present() -> None:
    found = problems(statement("Vessler used to run one test a month.", "Vessler runs tests as it continues to grow."))

    assert all(problem.is_soft for problem in found)


def test_a_sentence_of_the_quotation_with_a_changed_figure_is_rejected() -> None:
    quote = "Vessler scores a hall from -1.0 to 1.0. Section 1.1 of 2 applies."
    assert hard(statement("Vessler scores a hall from -2.0 to 1.0.", quote)) == {"D3"}
    assert hard(statement("Section 2.1 of 2 applies.", quote)) == {"D3"}
    assert problems(statement("Section 1.1 of 2 applies.", quote)) == []


def test_a_name_that_may_be_a_technical_term_or_a_speaker_is_only_marked() -> None:
    for claim, quote in (
        ("Vessler switched RPC providers.", "Vessler switched providers."),
        ("Nobody saw the halls, says Mara Lund of Vessler.", "“None of us at Vessler saw the halls,” she says."),
    ):
        assert (hard(statement(claim, quote)), marked(statement(claim, quote))) == (set(), {"D4"})


STORIES = (
    "Lumenforge's own hall went dark, and two desks were left.",
    "Lumenforge went dark, with two desks left.",
    "Quillport went dark, with two desks left.",
)


@pytest.mark.parametrize("claim", STORIES)
def test_a_customers_story_told_as_that_of_the_vendor_or_prospect_is_marked(claim: str) -> None:
    quote = "Tidewell saw its own hall go dark, and two desks were left."
    assert marked(statement(claim, quote, title="How Tidewell lit its halls")) & {"D6", "D40"}


def test_a_customer_story_supports_a_claim_about_what_the_vendor_does_for_customers() -> None:
    quote = "Tidewell lights 40 halls a night with its desk."
    claim = "Lumenforge lets a customer light 40 halls a night."
    assert problems(statement(claim, quote, title="How Tidewell lit its halls")) == []


def test_a_figure_of_a_customer_cannot_be_claimed_for_the_prospect() -> None:
    quote = "Tidewell would pay 250% more for Mist than for Lumenforge."
    claim = "Quillport would pay 250% more for Mist than for Lumenforge."
    assert "D6" in hard(statement(claim, quote))
    assert hard(statement("Like Tidewell, " + claim, quote)) == set()


@pytest.mark.parametrize(
    "claim",
    [
        "Brassmere more than halved its rework.",
        "Brassmere now draws halls at night.",
        "Brassmere recently cut rework.",
        "Brassmere, which draws halls, cut rework.",
        "Brassmere, with 40 halls, cut rework.",
        "Brassmere, a planner of halls, cut rework.",
        "Brassmere AI cut rework.",
        "Brassmeres' chief planner says that rework fell.",
        "Brassmere users cut rework.",
        "Brassmere redraws its halls at night.",
        "Brassmere would draw halls at night.",
    ],
)
def test_a_first_word_that_reads_as_a_name_is_marked_if_the_quotation_lacks_it(claim: str) -> None:
    quote = "At Vessler, which draws 40 halls at night, the chief planner more than halved rework, as users now say."
    assert "D4" in marked(statement(claim, quote))
    assert "D4" not in marked(statement(claim.replace("Brassmere", "Vessler"), quote))


def test_a_plural_with_a_singular_verb_is_taken_for_a_name() -> None:
    assert hard(statement("Wellsprings uses a night desk.", "Vessler uses a night desk.")) == {"D4"}


@pytest.mark.parametrize(
    "claim",
    [
        "Customers' halls are drawn at night at Vessler.",
        "Mobile users draw halls at night at Vessler.",
        "Halls now draw crews at Vessler.",
        "Desks, which Vessler lit, draw crews.",
        "Lighting now takes a night at Vessler.",
        "Mostly it took a night at Vessler.",
    ],
)
def test_an_ordinary_first_word_is_not_taken_for_a_name(claim: str) -> None:
    assert "D4" not in marked(statement(claim, "At Vessler, they are lit for those who come."))


def test_we_in_a_customer_story_means_the_company_in_its_title() -> None:
    claim, quote = "Quillport found the old desk too slow.", "We had a desk, and it was too slow."
    assert marked(statement(claim, quote, title="How Quillport lit its halls")) == set()
    assert marked(statement(claim, quote, title="How Tidewell lit its halls")) >= {"D40"}


@pytest.mark.parametrize(
    "quote",
    [
        "Two of ten depots, up to 40 a year, moved in 3 months instead of 8.",
        "In March 2024 Ostrafell raised its price from $12 to $15.",
        "Moved 24/7 by \u201cRun the night shift\u201d since May 3, 2021, and doubled half a million parcels.",
    ],
)
def test_a_claim_identical_to_its_quotation_is_supported(quote: str) -> None:
    context = f"We grew by a third. {quote} More than 90% of 7 teams stayed."

    assert marked(statement(quote, quote)) == set()
    assert marked(statement(quote, context)) == set()
    assert verdict(statement(quote, context)) == "supported"


def test_a_label_before_a_sentence_quoted_word_for_word_is_checked() -> None:
    assert marked(
        statement("Ostrafell 45\nWe moved forty depots to the new system.", "We moved forty depots to the new system.")
    )


@pytest.mark.parametrize(
    ("text", "is_figure"),
    [
        ("Sure, the Twenty story is short.", False),
        ("Prove it with Twenty.", False),
        ("It took Twenty hours.", True),
        ("Save Twenty Hours a Week.", True),
        ("Sure, twenty of them are short.", True),
    ],
)
def test_a_customer_whose_name_is_a_number_is_not_taken_for_a_figure(text: str, is_figure: bool) -> None:
    statement = Statement(
        text, "copy", "Acme", "Globex", (Quoted("We run a page.", "vendor"),), shown=("Twenty runs it.",)
    )

    assert ("D3" in {problem.rule for problem in problems(statement)}) is is_figure


@pytest.mark.parametrize(
    ("claim", "is_denied"),
    [
        ("With Globex you can't contribute code.", True),
        ("Globex is not open source.", True),
        ("Acme is not open source.", False),
        ("Acme is not open source, unlike Globex.", False),
        ("Globex does not store data.", False),
    ],
)
def test_a_cross_in_a_comparison_table_denies_the_feature_to_the_product_of_its_column(
    claim: str, is_denied: bool
) -> None:
    header, row = (
        Quoted(text, "vendor", title="Acme vs Globex")
        for text in ("| Acme | Globex", "Open source: contribute code | ✔ | ✖")
    )
    stored = Quoted("Globex stores data in Leeds.", "vendor", title="Acme vs Globex")

    found = problems(Statement(claim, "fact", "Acme", "Initech", (header, row, stored)))

    assert (found == []) is is_denied
