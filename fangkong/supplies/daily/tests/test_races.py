"""Two who report a day at one moment: one does, the other is told."""

from __future__ import annotations

import pytest

from fangkong.core.tests.together import at_once
from fangkong.supplies.daily import actions, queries, rules
from fangkong.supplies.daily.models import DailyLine, DailyReport

from .factories import AT, YESTERDAY, moved

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def test_of_two_who_file_a_day_at_once_one_does(world):
    world.bring(500, place=world.there, papers=moved())
    found = at_once(lambda n: world.filed(by=(world.cdc, world.headquarters)[n]))
    assert [type(one) for one in found if isinstance(one, Exception)] == [actions.FiledBefore]
    assert (DailyReport.objects.count(), DailyLine.objects.count()) == (1, 1)


def test_of_two_who_correct_a_report_at_once_one_does(world):
    world.bring(500, place=world.there, papers=moved())
    report = world.filed()
    world.send(60, source=world.there, papers=moved())
    found = at_once(lambda n: world.corrected(report))
    assert [type(one) for one in found if isinstance(one, Exception)] == [actions.FiledBefore]
    assert queries.last_of(world.daofu, YESTERDAY).version == 2


def test_what_is_booked_while_a_day_is_filed_is_in_the_report_or_asks_for_a_correction(world):
    world.bring(500, place=world.there, papers=moved())
    read = rules.digest(queries.figures(world.daofu, YESTERDAY))
    said = {"county": world.daofu, "day": YESTERDAY, "read": read, "by": world.cdc, "at": AT}
    steps = (
        lambda: actions.file(**said),
        lambda: world.send(60, source=world.there, papers=moved()),
    )
    found = at_once(lambda n: steps[n]())
    refused = [type(one) for one in found if isinstance(one, Exception)]
    report = DailyReport.objects.first()
    if refused:
        assert refused == [actions.MovedOn] and report is None
    else:
        assert queries.changed(report, world.daofu)
        assert actions.remind_of_change(report=report, at=AT)
