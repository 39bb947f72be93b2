"""What the plan does in cases that a supply officer can do on paper, and what it says of them."""

from __future__ import annotations

import pytest

from .making import got, plan_of


def plan(places, items=None, **more):
    """A plan for masks; by need, for ten days from 7 February 2020."""
    return plan_of({"first_day": "2020-02-07", "days": 10, "places": places,
                    "items": items or [{"id": "mask", "stock": 60}], **more})  # fmt: skip


def lines(found):
    return {(s.place, s.item): (s.quantity, s.bound_by) for s in found.shares}


def test_the_short_are_brought_to_one_level_counting_what_they_have():
    found = plan([{"id": "A", "need": {"mask": 10}, "stock": {"mask": 20}},
                  {"id": "B", "need": {"mask": 10}},
                  {"id": "C", "need": {"mask": 10}, "stock": {"mask": 90}}])  # fmt: skip

    assert lines(found) == {
        ("A", "mask"): (20, "share"), ("B", "mask"): (40, "share"), ("C", "mask"): (0, "share"),
    }  # fmt: skip
    assert [share.cover_after for share in found.shares] == [4.0, 4.0, 9.0]
    assert "brought to 4.0 days" in found.shares[0].reason
    assert "others of its class had less" in found.shares[2].reason


def test_the_highest_class_comes_first_and_what_is_left_of_it_goes_on():
    ward = {"id": "ward", "need": {"mask": 5}, "exposure": 3}
    desk = {"id": "desk", "need": {"mask": 5}}

    found = plan([ward, desk])
    short = plan([ward, desk], [{"id": "mask", "stock": 45}])

    assert got(found) == {("ward", "mask", None): 50, ("desk", "mask", None): 10}
    assert lines(short)["desk", "mask"] == (0, "higher")
    assert "all went to exposure class 3" in short.shares[0].reason


def test_a_floor_comes_before_a_higher_class():
    found = plan([{"id": "ward", "need": {"mask": 5}, "exposure": 3},
                  {"id": "far", "need": {"mask": 5}, "floor_days": 4}])  # fmt: skip

    assert got(found) == {("ward", "mask", None): 40, ("far", "mask", None): 20}


def test_twice_the_risk_has_twice_the_days():
    found = plan([{"id": "A", "need": {"mask": 10}, "risk": 2}, {"id": "B", "need": {"mask": 10}}])

    assert [share.cover_after for share in found.shares] == [4.0, 2.0]


def test_cover_counts_from_the_arrival_and_what_is_used_or_comes_before_it_is_gone():
    far = {"id": "far", "need": {"mask": 10}, "lead_days": 3, "stock": {"mask": 20},
           "incoming": [{"item": "mask", "quantity": 30, "on": "2020-02-09"}]}  # fmt: skip

    found = plan([far], [{"id": "mask", "stock": 500}])

    # 20 last for two days, 10 of the 30 for the third; 20 are there at the arrival, 100 are needed.
    (share,) = found.shares
    assert (share.quantity, share.cover_before, share.bound_by) == (80, 2.0, "met")


def test_the_reserve_stays_and_what_is_past_its_day_is_not_sent():
    item = {"id": "mask", "keep_back": 30, "lots": [
        {"id": "new", "quantity": 40}, {"id": "old", "quantity": 20, "expires": "2020-02-10"},
        {"id": "past", "quantity": 99, "expires": "2020-02-06"}]}  # fmt: skip

    found = plan([{"id": "A", "need": {"mask": 10}}], [item])

    (share,) = found.shares
    assert [(one.lot, one.quantity) for one in share.lots] == [("old", 20), ("new", 10)]
    (mask,) = found.items
    assert (mask.kept_back, mask.sent, mask.left) == (30, 30, 0)
    assert mask.reason.endswith("30 stay in the store as its reserve. 99 are past their last day.")


@pytest.mark.parametrize(("own", "cover"), [(0, 2.33), (3, 3.33), (30, 4)])
def test_what_a_place_has_does_not_keep_a_pack_away_that_is_used_before_it_expires(own, cover):
    item = {"id": "mask", "pack": 7, "lots": [{"id": "a", "quantity": 7, "expires": "2020-02-09"}]}
    place = {"id": "a", "need": {"mask": 3}, "stock": {"mask": own}}
    (line,) = plan([place], [item], days=4).shares

    assert line.cover_after == cover


def test_packs_of_one_size_are_counted_whole_on_every_trip():
    """Two packs of 3 g fit on a trip of 7 g, not two and a third."""
    places = [{"id": p, "need": {"mask": 3}, "vehicle": "v"} for p in "ab"]
    van = {"id": "v", "trips_per_day": 1, "weight_g": 7, "volume_cm3": 1}
    item = {"id": "mask", "stock": 99, "pack_weight_g": 3}
    found = plan(places, [item], days=4, vehicles=[van])

    assert lines(found) == {("a", "mask"): (4, "vehicle"), ("b", "mask"): (4, "vehicle")}


def test_no_more_than_is_used_before_the_expiry_and_nothing_that_expires_on_the_way():
    item = {"id": "mask", "lots": [{"id": "a", "quantity": 99, "expires": "2020-02-09"}]}

    found = plan([{"id": "near", "need": {"mask": 10}},
                  {"id": "far", "need": {"mask": 10}, "lead_days": 3}], [item])  # fmt: skip

    assert lines(found) == {("near", "mask"): (30, "expiry"), ("far", "mask"): (0, "expiry")}


def test_an_earmark_holds_and_frees_the_common_goods_for_others():
    item = {"id": "mask", "lots": [{"id": "gift", "quantity": 50, "only_for": ["county"]},
                                   {"id": "ours", "quantity": 30}]}  # fmt: skip

    found = plan([{"id": "A", "groups": ["county"], "need": {"mask": 10}},
                  {"id": "B", "need": {"mask": 10}}, {"id": "C", "need": {"mask": 10}}],
                 [item])  # fmt: skip

    assert [[(lot.lot, lot.quantity) for lot in share.lots] for share in found.shares] == [
        [("gift", 50)], [("ours", 15)], [("ours", 15)],
    ]  # fmt: skip
    assert found.shares[1].bound_by == "earmark"


def test_a_substitute_goes_one_way_only_below_its_class_and_by_its_factor():
    items = [{"id": "kn95", "stock": 30}, {"id": "n95", "stock": 0}]
    places = [{"id": "desk", "need": {"n95": 5}}, {"id": "icu", "need": {"n95": 5}, "exposure": 3}]
    swap = {"item": "n95", "by": "kn95", "pieces": 2, "up_to_exposure": 2}

    found = plan(places, items, substitutions=[swap])
    reverse = plan(places, items, substitutions=[{**swap, "item": "kn95", "by": "n95"}])

    assert got(found) == {("desk", "kn95", "n95"): 30}
    assert {s.place: s.cover_after for s in found.shares if s.cover_after is not None} == {
        "desk": 3.0, "icu": 0.0,
    }  # fmt: skip
    assert got(reverse) == {}


def test_packs_stay_whole_a_need_is_rounded_up_and_a_request_is_not():
    need = plan([{"id": "A", "need": {"mask": 3}}], [{"id": "mask", "stock": 130, "pack": 50}])
    ask = plan([{"id": "A", "request": {"mask": 30}}], [{"id": "mask", "stock": 130, "pack": 50}],
               mode="by_request")  # fmt: skip

    assert lines(need)["A", "mask"] == (50, "met")
    assert lines(ask)["A", "mask"] == (0, "pack")
    assert "a pack holds 50" in ask.shares[0].reason


@pytest.mark.parametrize(("trips", "sent", "days"), [(1, 40, 10), (2, 80, 10), (0, 0, 0)])
def test_what_is_needed_first_leaves_first_and_no_trip_is_overfull(trips, sent, days):
    item = {"id": "mask", "stock": 500, "pack": 2, "pack_volume_cm3": 10, "pack_weight_g": 1}

    found = plan([{"id": "A", "need": {"mask": 10}, "vehicle": "van"}], [item],
                 vehicles=[{"id": "van", "volume_cm3": 20, "trips_per_day": trips}])  # fmt: skip

    (share,) = found.shares
    assert (share.quantity, share.bound_by) == (sent, "vehicle")
    assert [one.quantity for one in share.lots] == [4 * trips] * days


def test_a_pack_that_fits_on_no_trip_is_told():
    item = {"id": "bed", "stock": 5, "pack_weight_g": 90_000}

    found = plan([{"id": "A", "need": {"bed": 1}, "vehicle": "bike"}], [item],
                 vehicles=[{"id": "bike", "weight_g": 50_000}])  # fmt: skip

    assert found.shares[0].reason == "Gets none of 10: a pack does not fit on vehicle bike."
