"""What was sealed stays as it was, or the verifier says so."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from django.db import connection, transaction

from fangkong.accounts.tests import factories
from fangkong.core.audit import actions as audit
from fangkong.core.audit import heads, seal_keys, seals, verifying
from fangkong.core.audit.models import AuditLine, RowChange, Seal
from fangkong.core.queue.models import Job

AT = factories.AT
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path


def published():
    with heads.path().open() as file:
        return list(heads.read(file))


def work(n: int) -> None:
    """Some lines in each of the three tables."""
    keeper = factories.user()
    jobs = Job.objects.bulk_create(Job(name=f"x{i}", subject_id=i, asked_at=AT) for i in range(n))
    for job in jobs:
        audit.record("core.queue.repeat", job, by=keeper, at=AT, reason=f"r{job.pk}")
    audit.seen(audit.Ids("people.person", range(1, n + 1)), by=keeper, at=AT, how="opened")


def test_an_untouched_trail_has_no_problem():
    work(7)

    assert seals.seal(AT) == 3
    verdict = verifying.verify(published())

    assert verdict.problems == []
    assert verdict.rows == AuditLine.objects.count() + RowChange.objects.count() + 7
    assert (verdict.seals, verdict.unsealed) == (3, 0)


def test_each_row_is_sealed_once_and_each_seal_follows_the_one_before(monkeypatch):
    monkeypatch.setattr(seals, "BATCH", 4)
    work(10)
    seals.seal(AT)
    work(3)
    seals.seal(AT)

    assert seals.seal(AT) == 0
    chain = list(Seal.objects.order_by("number"))
    assert [one.number for one in chain] == list(range(1, len(chain) + 1))
    assert all(b.previous == a.digest for a, b in pairwise(chain))
    assert sum(one.count for one in chain if one.table_name == "core_sight") == 13
    assert verifying.verify(published()).problems == []


def test_sealing_leaves_the_transaction_around_it_as_patient_as_it_was():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one time-out for all")
    work(1)

    seals.seal(AT)

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() != (seals.LOCK_TIMEOUT,)


def test_what_is_not_sealed_yet_is_counted():
    work(1)
    seals.seal(AT)
    audit.seen(audit.Ids("people.person", [1]), by=factories.user(), at=AT, how="opened")

    # The view, and the row of the new account.
    assert verifying.verify(published()).unsealed == 2


def test_every_round_publishes_its_head_signed_for_everybody():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    work(2)
    seals.seal(AT)
    work(2)
    seals.seal(AT)

    first, second = published()
    assert first.number < second.number == Seal.objects.count()
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(second.public_key))
    key.verify(bytes.fromhex(second.signature), second.digest.encode())


def test_the_secret_key_may_change_while_the_former_one_is_kept(settings):
    work(1)
    seals.seal(AT)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another"

    assert "not signed by our key" in str(verifying.verify().problems)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert verifying.verify().problems == []


def test_a_seal_itself_takes_no_change():
    work(1)
    seals.seal(AT)
    with pytest.raises(Exception, match="only ever added to"), transaction.atomic():
        Seal.objects.update(count=0)


# --- Formats: columns that came later ------------------------------------------------------------


def seal_as_before(monkeypatch) -> None:
    """What the first edition of the house sealed."""
    with monkeypatch.context() as before:
        before.setattr(seals, "NEWEST", 1)
        before.setattr(seals.read, "__kwdefaults__", {"limit": 0, "version": 1})
        seals.seal(AT)


def test_a_seal_covers_every_column():
    for table, model in seals.SEALED.items():
        columns = {field.column for field in model._meta.concrete_fields}
        assert set(seals.FORMATS[seals.NEWEST][table]) == columns, "a new column, a new format"


def test_what_was_sealed_before_a_column_came_stays_verifiable(monkeypatch):
    work(3)
    seal_as_before(monkeypatch)
    work(2)
    seals.seal(AT)

    assert set(Seal.objects.values_list("format", flat=True)) == {1, seals.NEWEST}
    assert verifying.verify(published()).problems == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("core_auditline", "ip = '203.0.113.9'"),
        ("core_auditline", "area_key = 7"),
        ("core_auditline", "result = 'refused'"),
        ("core_sight", "token_id = 7"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_later_column_of_a_sealed_line_cannot_be_filled(monkeypatch, table, said, before):
    work(3)
    if before:
        seal_as_before(monkeypatch)
    else:
        seals.seal(AT)
    owner = Owner(random.Random(7))
    owner.lift_triggers()
    owner.run(f"UPDATE {table} SET {said} WHERE id = (SELECT max(id) FROM {table})")

    assert [p for p in verifying.verify().problems if p.startswith(table)] != []


def test_a_seal_cannot_pass_for_one_of_another_format(monkeypatch):
    work(3)
    seals.seal(AT)
    Owner(random.Random(7)).lift_triggers()
    for version in (1, 9):
        Owner(random.Random(7)).run("UPDATE core_seal SET format = %s", version)
        assert [p for p in verifying.verify().problems if "core_sight" in p] != []


# --- Tampering, by somebody who owns the database -------------------------------------------------

TABLES = ("core_auditline", "core_rowchange", "core_sight")


@dataclass
class Owner:
    """Somebody who may do everything with the database, but has neither key nor heads."""

    dice: random.Random

    def run(self, sql: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)

    def lift_triggers(self) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # The owner may; what is still to be compared is compared first.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute(
                    "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
                )
                for (table,) in cursor.fetchall():
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
                return
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")

    def some(self, table: str, n: int) -> list[int]:
        model = seals.SEALED[table]
        return self.dice.sample(list(model.objects.values_list("pk", flat=True)), n)

    def remove(self, table: str) -> None:
        (key,) = self.some(table, 1)
        self.run(f"DELETE FROM {table} WHERE id = %s", key)

    def change(self, table: str) -> None:
        (key,) = self.some(table, 1)
        text = {"core_rowchange": "verb", "core_sight": "place", "core_auditline": "reason"}
        column = self.dice.choice([text[table], "at", "by_id"])
        values = {"at": "'2019-01-01 00:00:00'", "by_id": "coalesce(by_id, 0) + 1"}
        value = values.get(column, "'nothing'")
        self.run(f"UPDATE {table} SET {column} = {value} WHERE id = %s", key)

    def swap(self, table: str) -> None:
        one, two = self.some(table, 2)
        for old, new in ((one, -1), (two, one), (-1, two)):
            self.run(f"UPDATE {table} SET id = %s WHERE id = %s", new, old)

    def slip_in(self, table: str) -> None:
        """A copy of a line, in the place of a removed one or before all others."""
        one, two = self.some(table, 2)
        model = seals.SEALED[table]
        columns = ", ".join(f.column for f in model._meta.concrete_fields[1:])
        place = self.dice.choice([-5, 0, two])
        self.run(f"DELETE FROM {table} WHERE id = %s", place)
        self.run(
            f"INSERT INTO {table} (id, {columns}) SELECT {place}, {columns} FROM {table} "
            "WHERE id = %s",
            one,
        )

    def cut_off(self, table: str) -> None:
        """The last lines, and the seals that know of them."""
        (key,) = self.some(table, 1)
        self.run(f"DELETE FROM {table} WHERE id >= %s", key)
        (number,) = (
            Seal.objects.filter(table_name=table, last_id__gte=key)
            .order_by("number")
            .values_list("number", flat=True)[:1]
        )
        self.run("DELETE FROM core_seal WHERE number >= %s", number)

    def rewrite(self, table: str) -> None:
        """Change lines, then count the whole chain anew, as far as that goes without the key."""
        self.dice.choice([self.remove, self.change, self.swap])(table)
        before = ""
        for one in Seal.objects.order_by("number"):
            rows = seals.read(one.table_name, one.first_id, one.last_id)
            one.count, one.previous = len(rows), before
            one.digest = before = seals.digest(one, rows)
            self.run(
                "UPDATE core_seal SET count = %s, previous = %s, digest = %s WHERE number = %s",
                one.count,
                one.previous,
                one.digest,
                one.number,
            )


WAYS: list[Callable[[Owner, str], None]] = [
    Owner.remove,
    Owner.change,
    Owner.swap,
    Owner.slip_in,
    Owner.cut_off,
    Owner.rewrite,
]


def found_of(tamperings: int, seed: int) -> tuple[int, list[str]]:
    """Tamper so often, each time with the untouched trail; how many were found, which were not."""
    owner, found, missed = Owner(random.Random(seed)), 0, []
    known = published()
    for n in range(tamperings):
        way, table = WAYS[n % len(WAYS)], owner.dice.choice(TABLES)
        with transaction.atomic():
            owner.lift_triggers()
            way(owner, table)
            problems = verifying.verify(known).problems
            transaction.set_rollback(True)
        problems = [text for text in problems if not text.startswith("trigger")]
        if problems:
            found += 1
        else:
            missed.append(f"{way.__name__} {table} (number {n}, seed {seed})")
    return found, missed


@pytest.fixture
def sealed(monkeypatch):
    monkeypatch.setattr(seals, "BATCH", 9)
    work(20)
    seals.seal(AT)
    work(12)
    seals.seal(AT)


def test_a_trail_tampered_with_by_its_owner_is_found_out(sealed):
    assert found_of(60, seed=1) == (60, [])


@pytest.mark.long
def test_a_thousand_tamperings_are_all_found_out(sealed):
    assert found_of(1000, seed=2) == (1000, [])


def test_the_harness_notices_a_verifier_that_looks_at_nothing(sealed, monkeypatch):
    """The planted fault: with digests not compared, changed lines pass."""
    monkeypatch.setattr(verifying, "_check_rows", lambda *_args: None)

    found, missed = found_of(12, seed=3)

    assert found < 12
    assert any("change" in text for text in missed)


def test_a_trail_rewritten_with_the_key_is_found_out_by_the_heads_alone(sealed, monkeypatch):
    known = published()
    owner = Owner(random.Random(4))
    with transaction.atomic():
        owner.lift_triggers()
        owner.rewrite("core_auditline")
        last = Seal.objects.latest("number")
        owner.run(
            "UPDATE core_seal SET signature = %s WHERE number = %s",
            seal_keys.sign(last.digest),
            last.number,
        )
        without = [p for p in verifying.verify().problems if not p.startswith("trigger")]
        with_heads = verifying.verify(known).problems
        transaction.set_rollback(True)

    assert without == []
    assert any("is not the one published" in text for text in with_heads)


def test_a_second_sealer_at_the_same_moment_leaves_the_round_to_the_first(monkeypatch):
    work(2)
    seals.seal(AT)
    first = Seal.objects.get(number=1)
    work(2)
    # The other one has just taken the next number: for this one it looks free.
    monkeypatch.setattr(seals, "digest", lambda one, rows: _taken(one, first))

    assert seals.seal(AT) == 0
    assert Seal.objects.count() == 3


def _taken(one, first):
    one.number = first.number
    return "0" * 64
