"""The areas that most tests begin with are those that the action makes, line by line."""

from __future__ import annotations

import pytest
from django.db import transaction

from fangkong.core.audit.models import AuditLine
from fangkong.places.models import Area

from .factories import WORLD, area, world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BY_CHANCE = ("id", "public_id", "parent_id", "county_id", "path")


def seen() -> list[dict[str, object]]:
    """All areas and what the trail says of them, with codes where keys stand."""
    codes = dict(Area.objects.values_list("pk", "code"))
    found = []
    for row in Area.objects.order_by("pk").values():
        line = AuditLine.objects.get(subject_type="places.area", subject_id=row["id"])
        found.append(
            {
                **{name: value for name, value in row.items() if name not in BY_CHANCE},
                "parent": codes.get(row["parent_id"]),
                "county": codes.get(row["county_id"]),
                "path": [codes[int(key)] for key in row["path"].split("/")[:-1]],
                "line": (line.action, line.by_id, line.at, line.detail),
                "area of the line": codes.get(line.area_key),
            }
        )
        assert line.subject_public_id == row["public_id"]
    return found


def test_the_world_at_once_is_the_world_made_one_by_one():
    with transaction.atomic():
        made: dict[str, Area] = {}
        for code, above in WORLD.items():
            made[code] = area(code, made.get(above))
        one_by_one = seen()
        transaction.set_rollback(True)

    made = world()

    assert seen() == one_by_one
    assert [one["county"] for one in one_by_one][-2:] == ["513326", "513326"]
    assert made["513326-G01"].county == made["513326"]
    for one in made.values():
        again = Area.objects.get(pk=one.pk)
        assert {k: v for k, v in vars(again).items() if k != "_state"}.items() <= vars(one).items()
