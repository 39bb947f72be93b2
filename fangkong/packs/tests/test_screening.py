"""Who is a contact, how long they are watched, and what is done with an arrival."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import queries as packs
from fangkong.packs import screening
from fangkong.packs.types import AnnouncedArea, Stay

CHINA = packs.pack("cn-2020-01")
TODAY = date(2026, 11, 29)
DAOFU, CHENGDU = "513326", "510104"
V3, V5, V8, V9 = date(2020, 2, 5), date(2020, 2, 25), date(2021, 11, 1), date(2022, 7, 5)
DAY = timedelta(days=1)

while_judged = st.dates(date(2020, 1, 28), date(2023, 1, 7))
a_few_days = st.integers(0, 40).map(lambda days: timedelta(days=days))
watched_class = ["close-contact", "contact-of-contact", "general-contact", "place-exposed"]


def judged(kind, first, last=None, **facts):
    facts.setdefault("onset", first)
    facts.setdefault("on", facts["onset"])
    return packs.contact_class(CHINA, "covid-19", kind, first=first, last=last or first, **facts)


def code(judgement):
    return judgement.contact_class and judgement.contact_class.code


def test_on_every_day_since_the_third_plan_one_rule_says_which_days_of_a_covid_case_count():
    day = date(2020, 1, 28)
    while day <= TODAY:
        pack = packs.in_force(DAOFU, day)
        windows = [
            row for row in pack.screening.windows if row.condition == "covid-19" and row.covers(day)
        ]
        assert len(windows) == 1, day
        assert packs.contact_window(pack, "covid-19", day) == windows[0]
        assert bool(packs.exposure_kinds(pack, "covid-19", day)) == windows[0].judged, day
        day += DAY


@pytest.mark.parametrize(
    ("on", "before"),
    [
        (date(2020, 1, 28), 0),
        (date(2020, 2, 20), 0),
        (date(2020, 2, 21), 2),
        (date(2021, 5, 13), 2),
        (date(2021, 5, 14), 4),
        (date(2022, 6, 27), 4),
        (date(2022, 6, 28), 2),
        (date(2023, 1, 7), 2),
    ],
)
def test_a_day_in_the_window_makes_a_close_contact_and_the_day_before_it_none(on, before):
    kind = packs.exposure_kinds(CHINA, "covid-19", on)[0].code
    opens = on - timedelta(days=before)

    inside = judged(kind, opens, onset=on)
    outside = judged(kind, opens - DAY, onset=on)

    assert (code(inside), inside.first, inside.counted) == ("close-contact", opens, opens)
    assert (code(outside), outside.counted) == (None, None)
    assert outside.clause == packs.contact_window(CHINA, "covid-19", on).clause


def test_nobody_is_judged_since_covid_is_managed_as_class_b_and_it_says_why():
    day = date(2023, 1, 8)
    found = judged("same-room", day)

    assert code(found) is None
    assert found.clause.code == "contact-ended"
    assert packs.exposure_kinds(CHINA, "covid-19", day) == ()


def test_a_case_without_symptoms_counts_from_its_specimen():
    sampled = V5
    assert code(judged("same-room", sampled - 2 * DAY, onset=None, specimen=sampled, on=V5)) == (
        "close-contact"
    )
    assert code(judged("same-room", sampled - 3 * DAY, onset=None, specimen=sampled, on=V5)) is None


def test_a_case_without_onset_and_specimen_has_no_window():
    with pytest.raises(ValueError, match="an onset or a positive specimen"):
        judged("same-room", V5, onset=None, on=V5)


def test_an_exposure_cannot_end_before_it_begins():
    with pytest.raises(ValueError, match="cannot begin on"):
        judged("same-room", V5, V5 - DAY)


def test_the_day_of_isolation_still_counts_and_the_next_does_not():
    isolated = V5 + 3 * DAY
    assert code(judged("visited", isolated, onset=V5, isolated=isolated)) == "close-contact"
    assert code(judged("visited", isolated + DAY, onset=V5, isolated=isolated)) is None


def test_an_exposure_that_goes_on_after_the_isolation_counts_to_it():
    isolated = V5 + 3 * DAY
    found = judged("same-room", V5 - 10 * DAY, V5 + 9 * DAY, onset=V5, isolated=isolated)
    assert (found.first, found.last, found.counted) == (V5 - 2 * DAY, isolated, isolated)


def test_what_a_kind_of_exposure_makes_is_that_of_the_plan_of_the_day():
    assert code(judged("contaminated", V8)) == "close-contact"
    assert code(judged("contaminated", V5)) is None
    assert code(judged("public-place", V8)) == "general-contact"
    assert code(judged("public-place", V9)) is None
    assert code(judged("shared-venue", V9)) == "place-exposed"


def test_a_contact_of_a_contact_counts_from_that_contact_until_isolated():
    def second(day, on=V8):
        return packs.class_of_contact(
            CHINA,
            "covid-19",
            "shared-meal",
            first=day,
            last=day,
            on=on,
            contact_since=V8,
            isolated=V8 + 2 * DAY,
        )

    assert code(second(V8)) == code(second(V8 + 2 * DAY)) == "contact-of-contact"
    assert code(second(V8 - DAY)) is None
    assert code(second(V8 + 3 * DAY)) is None


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2020, 9, 14), None),
        (date(2020, 9, 15), "contact-of-contact"),
        (date(2022, 11, 10), "contact-of-contact"),
        (date(2022, 11, 11), None),
    ],
)
def test_contacts_of_contacts_are_judged_from_the_seventh_plan_to_the_twenty_measures(on, expected):
    found = packs.class_of_contact(
        CHINA, "covid-19", "same-room", first=on, last=on, on=on, contact_since=on
    )
    assert code(found) == expected


def test_sexual_contact_counts_earlier_than_other_contact_with_mpox():
    onset = date(2024, 5, 10)

    def mpox(kind, day):
        return packs.contact_class(CHINA, "mpox", kind, first=day, last=day, on=onset, onset=onset)

    assert code(mpox("sexual-contact", onset - 4 * DAY)) == "close-contact"
    assert code(mpox("sexual-contact", onset - 5 * DAY)) is None
    assert code(mpox("skin-contact", onset - DAY)) is None


def test_a_condition_of_which_the_pack_says_nothing_is_not_judged_by_rule():
    facts = {"first": V5, "last": V5, "on": V5}
    assert packs.contact_class(CHINA, "measles", "same-room", onset=V5, **facts) is None
    assert packs.class_of_contact(CHINA, "mumps", "same-room", contact_since=V5, **facts) is None
    assert packs.term(CHINA, "mumps", "close-contact", last_exposure=V5, on=V5) is None


def test_the_world_counts_to_a_last_day_even_of_a_case_that_is_not_isolated():
    who, onset = packs.pack("who-2020"), date(2020, 6, 1)

    def met(day, onset=onset):
        return packs.contact_class(
            who, "covid-19", "face-to-face", first=day, last=day, on=onset, onset=onset
        )

    assert code(met(onset + 14 * DAY)) == "close-contact"
    assert code(met(onset + 15 * DAY)) is None


@given(while_judged, st.integers(-30, 30), st.integers(0, 20), st.sampled_from(range(3)))
def test_no_exposure_outside_the_window_is_ever_a_close_contact(on, starts, lasts, isolation):
    window = packs.contact_window(CHINA, "covid-19", on)
    first = on + timedelta(days=starts)
    last = first + timedelta(days=lasts)
    isolated = on + timedelta(days=isolation)
    outside = last < on - timedelta(days=window.days_before) or first > isolated
    for kind in packs.exposure_kinds(CHINA, "covid-19", on):
        found = judged(kind.code, first, last, onset=on, isolated=isolated)
        assert (found.contact_class is None) == outside
        if not outside:
            assert first <= found.counted <= min(last, isolated)


@given(while_judged)
def test_whatever_class_somebody_may_have_on_a_day_has_a_term_on_it(on):
    classes = {rule.contact_class for rule in CHINA.screening.rules if rule.covers(on)}
    for one in classes:
        assert packs.term(CHINA, "covid-19", one, last_exposure=on, on=on)


@pytest.mark.parametrize(
    ("on", "places", "days"),
    [
        (date(2020, 2, 5), ["home"], 14),
        (date(2020, 2, 25), ["central"], 14),
        (V8, ["central", "monitoring"], 21),
        (V9, ["central", "monitoring"], 10),
        (date(2022, 11, 11), ["central", "home"], 8),
        (date(2022, 12, 7), ["home"], 5),
    ],
)
def test_a_close_contact_is_watched_as_long_and_where_the_plan_of_the_day_says(on, places, days):
    found = packs.term(CHINA, "covid-19", "close-contact", last_exposure=on, on=on)
    assert [span.phase.place for span in found.days] == places
    assert found.last == on + timedelta(days=days)


def test_tests_fall_on_the_days_of_the_plan_and_the_last_one_on_the_last_day():
    found = packs.term(
        CHINA, "covid-19", "close-contact", last_exposure=V8, on=V8, begun=V8 + 5 * DAY
    )
    central, monitoring = found.days
    assert (central.first, central.last) == (V8 + 5 * DAY, V8 + 14 * DAY)
    assert [(day - V8).days for day in central.tests] == [5, 8, 11, 14]
    assert [(day - V8).days for day in monitoring.tests] == [16, 21]


def test_who_is_found_after_the_first_phase_is_watched_for_what_is_left():
    found = packs.term(
        CHINA, "covid-19", "close-contact", last_exposure=V8, on=V8, begun=V8 + 18 * DAY
    )
    (left,) = found.days
    assert (left.phase.place, left.first, left.last) == (
        "monitoring", V8 + 18 * DAY, V8 + 21 * DAY
    )  # fmt: skip


def test_who_is_found_too_late_or_only_told_is_not_watched():
    late = packs.term(
        CHINA, "covid-19", "close-contact", last_exposure=V8, on=V8, begun=V8 + 22 * DAY
    )
    told = packs.term(CHINA, "covid-19", "general-contact", last_exposure=V8, on=V8)
    assert (late.days, late.last, told.days, told.last) == ((), None, (), None)


def terms(pairs, klass="close-contact"):
    found = (packs.term(CHINA, "covid-19", klass, last_exposure=e, on=on) for e, on in pairs)
    return [one for one in found if one]


@given(while_judged, a_few_days, a_few_days, st.sampled_from(watched_class))
def test_under_one_plan_a_later_exposure_ends_later(on, early, more, klass):
    earlier, later = on - early - more, on - early
    for old, new in zip(terms([(earlier, on)], klass), terms([(later, on)], klass), strict=True):
        if old.last is not None:
            assert new.last - old.last == later - earlier


@given(st.lists(st.tuples(while_judged, a_few_days), min_size=1, max_size=6))
def test_a_later_exposure_never_shortens_a_watch_not_even_under_a_shorter_plan(met):
    found = terms([(on - since, on) for on, since in met])
    kept = found[0]
    for new in found[1:]:
        longer = packs.longer(kept, new)
        assert longer.last >= kept.last
        assert longer.last >= new.last
        kept = longer


@given(while_judged, a_few_days, a_few_days, st.sampled_from(watched_class))
def test_beginning_late_moves_no_end_and_days_and_tests_stay_in_order(on, late, later, klass):
    def last_of(begun):
        found = packs.term(CHINA, "covid-19", klass, last_exposure=on, on=on, begun=begun)
        for span in found.days if found else ():
            assert span.first <= span.last
            assert all(span.first <= day <= span.last for day in span.tests)
            assert list(span.tests) == sorted(set(span.tests))
        return found.last if found else None

    whole, cut = last_of(on + late), last_of(on + late + later)
    assert cut in (whole, None)


def arrival(*stays, area=DAOFU, arrived, on=None, **facts):
    return packs.tier(
        CHINA, "covid-19", area, stays=[Stay(area=a, last=d) for a, d in stays],
        arrived=arrived, on=on or arrived, **facts
    )  # fmt: skip


JAN = date(2022, 1, 20)


def told(area, tier, first=date(2022, 1, 1)):
    return [AnnouncedArea(area=area, tier=tier, valid_from=first)]


def test_a_risk_county_means_central_isolation_until_fourteen_days_after_leaving():
    found = arrival(
        ("410105", JAN - 5 * DAY), arrived=JAN, announced=told("410105", "ganzi-17-risk-county")
    )
    (span,) = found.term.days
    assert (found.tier.certificate_hours, found.tier.entry_tests) == (24, (24,))
    assert (span.phase.place, span.first, span.last) == ("central", JAN, JAN + 9 * DAY)
    assert [(day - JAN).days for day in span.tests] == [0, 3, 6, 9]  # every third day


def test_an_area_is_at_risk_only_on_the_days_that_were_announced():
    late = told("410105", "ganzi-17-risk-county", JAN + DAY)
    assert arrival(("410105", JAN), arrived=JAN, announced=late).tier.code == "ganzi-17-all"


@pytest.mark.parametrize(
    ("stay", "facts", "tier", "days"),
    [
        (("abroad", JAN - 15 * DAY), {}, "ganzi-17-abroad", [("central", 7), ("home", 7)]),
        (("4403", JAN), {"signs": ["red-code"]}, "ganzi-17-red-code", [("central", 15)]),
        (
            ("410122", JAN - 4 * DAY),
            {"announced": told("4101", "ganzi-17-risk-city")},
            "ganzi-17-risk-city",
            [("monitoring", 11)],
        ),
        (
            ("4403", JAN),
            {"signs": ["red-code-related"]},
            "ganzi-17-red-related",
            [("monitoring", 8)],
        ),
        (("4403", JAN), {"announced": told("44", "ganzi-17-province")}, "ganzi-17-province", []),
        (("4403", JAN), {}, "ganzi-17-all", []),
    ],
)
def test_announcement_17_of_ganzi_as_a_table(stay, facts, tier, days):
    found = arrival(stay, arrived=JAN, **facts)
    spans = [(span.phase.place, (span.last - span.first).days + 1) for span in found.term.days]
    assert (found.tier.code, spans) == (tier, days)


def test_a_stay_counts_for_fourteen_days_and_no_longer():
    county = told("410105", "ganzi-17-risk-county")

    def found(days):
        return arrival(("410105", JAN - days * DAY), arrived=JAN, announced=county).tier.code

    assert (found(14), found(15)) == ("ganzi-17-risk-county", "ganzi-17-all")


def test_an_announcement_of_ganzi_is_no_rule_in_chengdu():
    assert arrival(("4403", JAN), area=CHENGDU, arrived=JAN) is None


def test_in_february_2020_who_comes_from_hubei_was_asked_to_stay_there():
    hubei = arrival(("420106", date(2020, 2, 1)), arrived=date(2020, 2, 5))
    hunan = arrival(("430104", date(2020, 2, 1)), arrived=date(2020, 2, 5))
    assert (hubei.tier.code, hubei.tier.not_yet) == ("ganzi-4-hubei", True)
    assert hubei.term.last == date(2020, 2, 15)  # 14 days after leaving
    assert hunan is None


def test_chengdu_listed_ten_provinces_and_counted_from_arriving():
    found = arrival(("430104", date(2020, 2, 10)), area=CHENGDU, arrived=date(2020, 2, 16))
    yunnan = arrival(("530102", date(2020, 2, 10)), area=CHENGDU, arrived=date(2020, 2, 16))
    assert (found.tier.code, found.term.last) == ("chengdu-ten", date(2020, 3, 1))
    assert yunnan is None


@pytest.mark.parametrize(
    ("on", "tier", "days"),
    [
        (date(2020, 3, 28), "abroad-2020", 14),
        (V8, "abroad-v8", 21),
        (V9, "abroad-v9", 10),
        (date(2022, 12, 1), "abroad-2022-11", 8),
    ],
)
def test_who_comes_from_abroad_is_watched_by_the_plan_of_the_day(on, tier, days):
    found = arrival(("abroad", on), arrived=on)
    assert (found.tier.code, found.term.last) == (tier, on + timedelta(days=days))


def test_since_2023_no_arrival_has_a_tier():
    day = date(2023, 1, 8)
    assert arrival(("abroad", day), arrived=day) is None


places = st.sampled_from(["abroad", "420106", "410105", "440305", "513301", "110101"])
a_stay = st.tuples(places, a_few_days)


@given(st.dates(date(2020, 1, 20), date(2022, 12, 31)), st.lists(a_stay, max_size=4), a_stay)
def test_one_stay_more_never_makes_the_tier_milder(on, stays, more):
    told = [AnnouncedArea(area="41", tier="ganzi-17-risk-county")]

    def found(all_of_them):
        placed = arrival(
            *((area, on - ago) for area, ago in all_of_them), arrived=on, announced=told
        )
        return screening.strictness(placed) if placed else ()

    assert found([*stays, more]) >= found(stays)


def test_what_is_left_of_the_days_decides_between_two_tiers():
    long_ago = ("abroad", JAN - 25 * DAY)
    alone, red = arrival(long_ago, arrived=JAN), arrival(arrived=JAN, signs=["red-code"])
    both = arrival(long_ago, arrived=JAN, signs=["red-code"])

    assert alone.tier.code == "ganzi-17-abroad"
    assert (both.tier.code, both.term) == (red.tier.code, red.term)
    fresh = arrival(("abroad", JAN - DAY), arrived=JAN, signs=["red-code"])
    assert fresh.tier.code == "ganzi-17-abroad"


def test_one_last_day_in_a_facility_takes_no_day_from_the_longer_watch_at_home():
    announced = [
        *told("410105", "ganzi-17-risk-county"), *told("4403", "ganzi-17-risk-city")
    ]  # fmt: skip
    found = arrival(("410105", JAN - 14 * DAY), ("440305", JAN), arrived=JAN, announced=announced)

    assert [one.code for one in found.tiers] == [
        "ganzi-17-risk-county", "ganzi-17-risk-city", "ganzi-17-all"
    ]  # fmt: skip
    spans = [(span.phase.place, span.first, span.last) for span in found.term.days]
    assert spans == [("central", JAN, JAN), ("monitoring", JAN + DAY, JAN + 14 * DAY)]
    assert (found.certificate_hours, found.entry_tests) == (24, (24, 72))


@given(st.dates(date(2020, 1, 20), date(2022, 12, 31)), st.lists(a_stay, max_size=4))
def test_on_each_day_the_stricter_management_of_all_tiers_counts(on, stays):
    announced = [
        AnnouncedArea(area="41", tier="ganzi-17-risk-county"),
        AnnouncedArea(area="44", tier="ganzi-17-risk-city"),
    ]
    facts = {"arrived": on, "announced": announced, "signs": ["red-code-related"]}
    alone = [arrival((area, on - ago), **facts) for area, ago in stays]
    both = arrival(*((area, on - ago) for area, ago in stays), **facts)

    def place(placed, day):
        parts = placed.term.days if placed else ()
        held = [part.phase.place for part in parts if part.first <= day <= part.last]
        assert len(held) <= 1
        return ["central", "home", "monitoring", "self"].index(held[0]) if held else 9

    for n in range(40):
        day = on + n * DAY
        assert place(both, day) == min((place(one, day) for one in alone), default=place(both, day))


def test_questions_are_named_once_and_put_to_whom_they_concern():
    for pack in packs.all_packs():
        codes = [row.code for row in pack.screening.questions]
        assert len(codes) == len(set(codes))
    arrivals = [row.code for row in packs.questions(CHINA, "arrival", V9)]
    contacts = [row.code for row in packs.questions(CHINA, "contact", V9)]
    assert "left-on" in arrivals and "left-on" not in contacts
    assert "exposure-last" in contacts and "exposure-last" not in arrivals
    assert "health-code" not in [
        row.code for row in packs.questions(CHINA, "arrival", date(2023, 2, 1))
    ]
    stands = {row.code: row.valid_days for row in packs.questions(CHINA, "arrival", V9)}
    assert (stands["symptoms"], stands["care-needs"], stands["full-name"]) == (1, 30, None)


@pytest.mark.parametrize(
    ("condition", "days"), [("covid-19", 14), ("measles", 21), ("plague", 9), ("mumps", None)]
)
def test_chains_are_bounded_by_the_longest_incubation(condition, days):
    found = packs.longest_incubation(CHINA, condition, V9)
    assert (found.days if found else None) == days


def test_the_pack_of_the_years_before_has_no_screening_and_that_of_2025_what_is_left():
    before, after = packs.pack("cn-2013-11").screening, packs.pack("cn-2025-09").screening
    assert before.rows == ()
    assert [row.code for row in after.windows] == [
        "covid-window-ended", "plague-window", "mpox-window"
    ]  # fmt: skip
    assert after.tiers == ()
    assert "same-room" not in {row.code for row in after.kinds}
