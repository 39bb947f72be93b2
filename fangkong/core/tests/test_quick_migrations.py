"""Quick migrations make what Django's make; tests/long asks it of the house's whole history."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import load_command_class
from django.core.management.commands import migrate
from django.db import connections, migrations, models
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

from fangkong.core.quick_migrations import QuickExecutor, QuickState

SEEN = []


def look(apps, schema_editor):
    """As code of a migration does: rows of two models, one of which points at the other."""
    stores, boxes = (
        apps.get_model("sheds", name).objects.using("sheds") for name in ("Store", "Box")
    )
    boxes.create(store=stores.create(code="a", name="n"), number=3)
    SEEN.append(list(boxes.filter(store__code="a").values_list("number", flat=True)))


def history():
    """Operations of each kind that the house has, new ones each time."""
    return [
        migrations.CreateModel(
            "Store",
            [("code", models.CharField(max_length=8, primary_key=True))],
            options={"indexes": [], "constraints": []},
        ),
        migrations.CreateModel(
            "Box",
            [
                ("id", models.AutoField(primary_key=True)),
                ("store", models.ForeignKey("sheds.Store", models.CASCADE, related_name="boxes")),
            ],
            options={"indexes": [], "constraints": []},
        ),
        migrations.AddField("Box", "number", models.IntegerField(default=0)),
        migrations.AddIndex("Box", models.Index(fields=["number"], name="box_number")),
        migrations.AddConstraint(
            "Box",
            models.CheckConstraint(condition=models.Q(number__gte=0), name="box_number_counts"),
        ),
        migrations.AddField("Store", "name", models.TextField(default="")),
        migrations.RunPython(look, migrations.RunPython.noop),
        # Others see a key: the boxes are made anew with the wider one.
        migrations.AlterField("Store", "code", models.CharField(max_length=40, primary_key=True)),
        migrations.AlterField("Box", "number", models.BigIntegerField(default=0)),
        migrations.RemoveConstraint("Box", "box_number_counts"),
        migrations.RemoveIndex("Box", "box_number"),
        migrations.RenameField("Box", "number", "count"),
        migrations.RenameModel("Store", "Shed"),
        migrations.RemoveField("Shed", "name"),
        migrations.AddField(
            "Shed", "box", models.ForeignKey("sheds.Box", models.CASCADE, null=True)
        ),
    ]


def made_by(kind: type[ProjectState]) -> list[tuple[object, ...]]:
    """What stands in a database in memory after each step of the history; its row at the end."""
    own = {**connections.databases["default"], "NAME": ":memory:", "OPTIONS": {}}
    connections.databases["sheds"] = own
    database = connections["sheds"]
    state = kind()
    _ = state.apps
    found: list[tuple[object, ...]] = []
    for operation in history():
        step = Migration("one", "sheds")
        step.operations = [operation]
        with database.schema_editor() as editor:
            state = step.apply(state, editor)
        found += rows(database, "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
    found += rows(database, "SELECT store_id, count FROM sheds_box")
    database.close()
    del connections["sheds"], connections.databases["sheds"]
    return found


def rows(database, sql: str) -> list[tuple[object, ...]]:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def _in_memory(django_db_blocker) -> Iterator[None]:
    """A database of their own; whatever the other tests run on, this is about models."""
    if connections["default"].vendor != "sqlite":
        pytest.skip("the history is carried out in SQLite's memory")
    SEEN.clear()
    with django_db_blocker.unblock():
        yield


def test_what_comes_out_is_what_django_makes():
    plain = made_by(ProjectState)

    assert ("a", 3) in plain
    assert "varchar(40)" in str(plain)
    assert made_by(QuickState) == plain
    assert SEEN == [[3], [3]]


def test_a_state_that_never_renders_the_others_is_found(monkeypatch):
    plain = made_by(ProjectState)
    never = property(lambda self: True, lambda self, really: None)
    monkeypatch.setattr(QuickState, "_alone", never)

    assert made_by(QuickState) != plain


def test_the_command_of_the_house_is_the_quick_one():
    command = load_command_class("fangkong.core", "migrate")

    assert isinstance(command, migrate.Command)
    assert vars(migrate)["MigrationExecutor"] is QuickExecutor
