"""What is found in report cards, without a database."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.surveillance.quality import rules
from fangkong.surveillance.quality.facts import DIMENSIONS, CardFacts, Finding, Tally

from .planted import EVERYTHING, NOW, ZONE, cards

PACK = packs.pack("cn-2020-01")
AUDITOR = rules.Auditor(PACK.card_checks)
AT = datetime(2020, 2, 5, 10, tzinfo=ZONE)
DUE = AT - timedelta(hours=1)
GOOD = CardFacts(
    condition="influenza",
    case_class="confirmed",
    diagnosed=date(2020, 2, 4),
    months=30 * 12,
    filled=EVERYTHING,
    occupation="herder",
    relation="same-county",
    onset=date(2020, 2, 1),
    reported_at=DUE,
    report_due_at=DUE,
    review_due_at=DUE,
    reviewed_at=DUE,
)


def codes(**changes: object) -> list[str]:
    card = replace(GOOD, **changes)
    return [f.code for f in AUDITOR.audit(card, now=AT, today=AT.date()).findings]


def lacking(*fields: str) -> frozenset[str]:
    return EVERYTHING - set(fields)


def test_a_good_card_has_no_finding_also_on_its_last_minutes():
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"reported_at": DUE + timedelta(minutes=1)}, ["reported-late"]),
        ({"reviewed_at": DUE + timedelta(minutes=1)}, ["reviewed-late"]),
        ({"reviewed_at": None}, ["not-reviewed"]),
        ({"reviewed_at": None, "review_due_at": AT}, []),
        ({"returned": True}, ["returned"]),
        ({"filled": lacking("phone")}, ["no-phone"]),
        ({"filled": lacking("onset"), "onset": None}, ["no-onset"]),
        ({"filled": lacking("onset"), "onset": None, "case_class": "carrier"}, []),
        ({"filled": lacking("resident_id")}, ["no-identity-number"]),
        ({"filled": lacking("resident_id"), "relation": "foreign"}, []),
        ({"filled": lacking("resident_id"), "months": 1}, ["farmer-too-young"]),
        ({"filled": lacking("workplace")}, []),
        ({"filled": lacking("workplace"), "occupation": "student", "months": 168}, ["no-school"]),
        ({"filled": lacking("guardian")}, []),
        ({"filled": lacking("guardian"), "months": 167}, ["no-guardian"]),
        ({"occupation": "food-service", "months": 191}, ["employed-too-young"]),
        ({"occupation": "food-service", "months": 192}, []),
        ({"onset": date(2020, 1, 5)}, []),
        ({"onset": date(2020, 1, 4)}, ["late-diagnosis"]),
        ({"onset": date(2019, 1, 4), "condition": "pulmonary-tuberculosis"}, []),
        ({"case_class": "suspected", "diagnosed": date(2020, 1, 22)}, []),
        (
            {"case_class": "suspected", "diagnosed": date(2020, 1, 21), "onset": None},
            ["suspected-too-long"],
        ),
        ({"condition": "plague"}, ["alert-class-a"]),
        ({"died": True}, ["alert-death"]),
        ({"months": None, "occupation": "retired"}, []),
    ],
)
def test_what_is_found(changes, found):
    assert codes(**changes) == found


def test_covid_19_is_looked_at_at_once_until_it_is_managed_as_class_b():
    assert codes(condition="covid-19") == ["alert-covid-19"]
    late = date(2023, 1, 8)
    assert codes(condition="covid-19", diagnosed=late, onset=late) == []


def test_cards_of_a_pack_without_such_rules_are_judged_by_their_clocks_alone():
    bare = rules.Auditor(())
    audit = bare.audit(replace(GOOD, filled=frozenset()), now=AT, today=AT.date())
    assert audit.findings == () and audit.judged == {"timeliness", "verification"}


def test_on_a_set_with_planted_errors_it_finds_what_survalarm_finds_and_more():
    """survalarm (疾病监测 2025) found 98.85 % of the wrong cards and passed 99.58 % of the good."""
    planted = [*cards(20200130, 20_000)]
    found: Counter[tuple[str, bool]] = Counter()
    for one in planted:
        audit = AUDITOR.audit(one.card, now=NOW, today=NOW.date())
        found[one.error, bool(audit.findings)] += 1

    wrong = sum(n for (error, _said), n in found.items() if error)
    seen = sum(n for (error, said), n in found.items() if error and said)
    missed = {error: n for (error, said), n in found.items() if error and not said}
    assert wrong > 2000 and len({error for error, _said in found}) == 24
    assert seen / wrong >= 0.9885, missed
    assert found["", False] / (found["", False] + found["", True]) >= 0.9958, found["", True]


@given(
    fields=st.sets(st.sampled_from(sorted(EVERYTHING))),
    more=st.sets(st.sampled_from(sorted(EVERYTHING))),
    months=st.none() | st.integers(0, 1400),
    occupation=st.sampled_from([row.code for row in PACK.occupations]),
    case_class=st.sampled_from([row.code for row in PACK.case_classes]),
)
def test_whoever_fills_in_more_is_never_told_of_more(fields, more, months, occupation, case_class):
    def found(filled: set[str]) -> set[Finding]:
        card = replace(
            GOOD,
            filled=frozenset(filled),
            months=months,
            occupation=occupation,
            case_class=case_class,
        )
        return {*AUDITOR.audit(card, now=AT, today=AT.date()).findings}

    assert found(fields | more) <= found(fields)


@given(st.lists(st.sampled_from([*cards(7, 300)]), max_size=60))
def test_of_every_dimension_no_more_cards_are_at_fault_than_it_concerns(planted):
    tally = Tally()
    for one in planted:
        tally.add(AUDITOR.audit(one.card, now=NOW, today=NOW.date()))
    for dimension in DIMENSIONS:
        assert 0 <= tally.right(dimension) <= tally.judged[dimension] <= tally.cards
        rate = tally.rate(dimension)
        assert (rate is None) == (tally.judged[dimension] == 0)
        assert rate is None or (rate == 10_000) == (tally.faulty[dimension] == 0)


def test_a_rate_is_whole_only_where_nothing_is_wrong():
    tally = Tally(cards=30_000)
    tally.judged["accuracy"], tally.faulty["accuracy"] = 30_000, 1
    assert tally.rate("accuracy") == 9999
