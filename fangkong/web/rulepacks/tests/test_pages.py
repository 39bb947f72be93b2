"""The rule packs as people read them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.utils.translation import override

from fangkong.packs import queries as packs
from fangkong.web.templatetags.packs import cited

pytestmark = pytest.mark.django_db


def test_the_pack_of_the_day_is_named_and_another_day_has_another(look, daofu):
    assert look(daofu, "/packs/?on=2020-02-05").context["chosen"].id == "cn-2020-01"
    assert look(daofu, "/packs/?on=2026-01-01").context["chosen"].id == "cn-2025-09"


def test_a_day_without_rules_says_so_and_not_a_fault(look, daofu):
    answer = look(daofu, "/packs/?on=1990-01-01")

    assert answer.status_code == 200
    assert answer.context["chosen"] is None
    assert answer.context["problem"]


@pytest.mark.parametrize("query", ["?on=yesterday", "?area=5133", "?area=%27%22", "?on="])
def test_what_is_no_day_or_no_area_is_answered(look, daofu, query):
    assert look(daofu, f"/packs/{query}").status_code == 200


def test_every_clause_stands_with_its_source_and_unverified_ones_are_marked(look, daofu):
    text = look(daofu, "/packs/cn-2020-01/?on=2020-02-05").content.decode()

    assert "Class B" in text
    assert "unverified" in text
    assert "· article 3<" in text


@pytest.mark.parametrize(
    ("article", "said"),
    [("3", "article 3"), ("annex 2", "annex 2"), ("III", "III"), ("part 4", "part 4"), ("", "")],
)
def test_a_clause_is_cited_in_words(article, said):
    with override("en"):
        assert cited(article) == said


def test_whatever_a_card_may_say_stands_with_its_code(look, daofu):
    text = look(daofu, "/packs/cn-2020-01/?on=2020-02-05").content.decode()

    for code in ("covid-19", "hepatitis-b", "asymptomatic", "critical", "same-county", "herder"):
        assert f"<code>{code}</code>" in text or f'<code class="small">{code}</code>' in text


def test_a_list_shows_the_lines_of_its_day_and_what_they_are_for(look, daofu):
    def lines(day: str):
        shown = look(daofu, f"/packs/cn-2020-01/?on={day}").context["choices"]
        return {line.row.code: line for _anchor, _title, rows in shown for line in rows}

    assert [text.en for text in lines("2020-02-05")["asymptomatic"].only]
    assert "asymptomatic" in lines("2020-02-05") and "moon" not in lines("2020-02-05")


def test_a_condition_managed_as_class_a_shows_it_only_while_it_was(look, daofu):
    def covid(day: str):
        rows = look(daofu, f"/packs/cn-2020-01/?on={day}").context["conditions"]
        return next(period for row, period in rows if row.code == "covid-19")

    assert covid("2020-02-05").managed_as == "A"
    assert covid("2023-02-01").managed_as == "B"


def test_what_a_pack_says_of_early_warning_stands_with_its_clauses(look, daofu):
    text = look(daofu, "/packs/cn-2020-01/", language="en").content.decode()
    warning = text[text.index('id="warning"') : text.index('id="testing"')]
    for said in (
        "First findings on site",
        "per county and week on the list: 0.3",
        "10 in a school in a week",
        "rubella",
        "all diseases",
        "unverified",
        "2020-09-14",
    ):
        assert said in warning, said


def test_what_a_pack_says_of_testing_stands_with_its_clauses(look, daofu):
    text = look(daofu, "/packs/cn-2020-01/").content.decode()
    testing = text[text.index('id="testing"') :]

    for said in (
        "Five in one",
        ">0.1 %<",
        "if possible 4",
        "ORF1ab, N",
        "without symptoms",
    ):
        assert said in testing


def test_what_a_pack_says_of_screening_stands_with_its_clauses(look, daofu):
    text = look(daofu, "/packs/cn-2020-01/").content.decode()
    screening = text[text.index('id="screening"') :]

    for said in (
        "from 4 days before it",
        "until the case is isolated",
        "nobody is judged a contact",
        "<code>same-room</code>",
        "14 days · in a facility · seen 2 times a day · tested on days 1, 4, 7, 14",
        "told only",
        "negative test of the last 48 hours",
        "tested within 24, 72 hours of entry",
        "the rule of areas 5133…",
        "areas that are announced",
        "whoever arrives",
        "from leaving",
        "<code>left-on</code>",
        "the last stay",
    ):
        assert said in screening, said


def test_what_holds_on_the_day_stands_open_and_the_rest_is_folded(look, daofu):
    def windows(day):
        (table, *_rest) = look(daofu, f"/packs/cn-2020-01/?on={day}").context["screening"]
        return [line.row.code for line in table.lines], len(table.others)

    assert windows("2020-02-25") == (["covid-window-v5", "plague-window"], 7)
    assert windows("2023-07-26") == (["covid-window-ended", "plague-window", "mpox-window"], 6)


def test_a_pack_without_screening_shows_none(look, daofu):
    assert 'id="screening"' not in look(daofu, "/packs/cn-2013-11/").content.decode()


@pytest.mark.parametrize("pack", [pack.id for pack in packs.all_packs()])
def test_the_contents_lead_to_every_section_of_a_pack_and_to_nothing_else(look, daofu, pack):
    text = look(daofu, f"/packs/{pack}/").content.decode()
    led = re.findall(r'<a href="#([\w-]+)">', text)
    there = re.findall(r'<h[23] class="[^"]*" id="([\w-]+)">', text)

    assert led == there * 2  # beside the page, and folded above it on a narrow one
    assert len(there) == len(set(there)) > 3
    assert {"conditions", "clocks", "sources"} <= set(there)


def test_two_packs_are_compared_side_by_side(look, daofu):
    answer = look(daofu, "/packs/differences/?before=cn-2020-01&after=cn-2025-09")

    assert answer.context["differences"]
    assert "Condition" in answer.content.decode()


def test_a_pack_compared_with_itself_shows_what_changed_from_its_last_day_to_its_first(look, daofu):
    same = look(daofu, "/packs/differences/?before=who-2020&after=who-2020")
    changed = look(daofu, "/packs/differences/?before=cn-2020-01&after=cn-2020-01")

    assert "say the same" in same.content.decode()
    assert "covid-19" in {difference.code for difference in changed.context["differences"]}


@pytest.mark.parametrize("address", ["/packs/no-such-pack/", "/packs/differences/?before=x"])
def test_an_unknown_pack_is_not_found(look, daofu, address):
    assert look(daofu, address).status_code == 404


def test_a_visitor_reads_no_pack(look, db):
    assert look(None, "/packs/").status_code == 302


def test_what_a_pack_says_of_supplies_stands_with_its_sources(look, daofu):
    answer = look(daofu, "/packs/cn-2020-01/?on=2020-02-05")
    text = answer.content.decode()
    found = {table.anchor: table for table in answer.context["supplies"]}
    assert list(found) == [
        "supply-items", "supply-substitutes", "supply-roles", "supply-norms", "supply-reserves",
        "supply-terms",
    ]  # fmt: skip
    pack = packs.pack("cn-2020-01").supplies
    for anchor, rows in (
        ("supply-items", pack.items),
        ("supply-substitutes", pack.substitutes),
        ("supply-roles", pack.roles),
        ("supply-norms", pack.norms),
        ("supply-reserves", pack.reserves),
        ("supply-terms", (*pack.disclosures, *pack.dailies, *pack.papers)),
    ):
        table = found[anchor]
        assert len(table.lines) + len(table.others) == len(rows), anchor
        assert f'id="{anchor}"' in text
    norm = next(row for row in pack.norms if row.crisis != row.conventional)
    line = next(one for one in found["supply-norms"].lines if one.row.code == norm.code)
    amounts = [words[0] for _label, words in line.cells][1:]
    assert [Decimal(one) for one in amounts] == [norm.conventional, norm.contingency, norm.crisis]
    memory = [
        line for table in found.values() for line in table.lines if line.row.clause.from_memory
    ]
    assert memory and text.count("unverified") >= len(memory)
    assert "GB 19083" in text
    assert look(daofu, "/packs/who-2020/").status_code == 200
