"""The key ring: made once, kept apart, missed at once, changed while serving."""

from __future__ import annotations

import json
import stat

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from fangkong.core.audit.models import AuditLine
from fangkong.core.sealing import actions, keys, queries
from fangkong.core.sealing.models import SealingKey
from fangkong.people.models import Person, Phone
from fangkong.people.tests.factories import AT, NUMBER, PHONE, person
from fangkong.people.types import PhoneNumber

from .test_fields import ADDRESS, stored

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_the_ring_is_made_once_for_its_owner_alone(own_ring):
    assert stat.S_IMODE(keys.path().stat().st_mode) == 0o600
    assert keys.make(AT) == own_ring  # a second process that starts now takes the same
    assert [p.name for p in keys.path().parent.iterdir()] == ["keys.json"]
    assert "secret" not in repr(own_ring)


def test_the_first_start_makes_a_ring_and_later_ones_take_it(settings, tmp_path):
    settings.FANGKONG_KEYS = tmp_path / "deep" / "keys.json"
    actions.make_ring_where_new(AT)
    first = actions.enrol(at=AT)
    actions.make_ring_where_new(AT)

    assert actions.enrol(at=AT) == first
    assert AuditLine.objects.filter(action="core.sealing.enrol").count() == 1


def test_without_its_ring_a_database_with_sealed_data_does_not_start(own_ring, settings):
    actions.enrol(at=AT)
    settings.FANGKONG_KEYS = keys.path().with_name("elsewhere.json")

    with pytest.raises(keys.KeyRingProblem, match="is missing"):
        actions.make_ring_where_new(AT)
    assert not keys.path().exists()


def test_another_ring_is_refused_by_name(own_ring, settings):
    needed = actions.enrol(at=AT)
    settings.FANGKONG_KEYS = keys.path().with_name("other.json")
    keys.make(AT)

    with pytest.raises(keys.KeyRingProblem, match=needed.key_id):
        queries.verify()


@pytest.mark.parametrize("what", ["key", "index"])
def test_a_ring_with_the_same_names_but_other_keys_is_refused(own_ring, what):
    actions.enrol(at=AT)
    found = json.loads(keys.path().read_text())
    forged = "A" * 43 + "="
    if what == "key":
        found["keys"][0]["key"] = forged
    else:
        found["index"]["key"] = forged
    keys.path().write_text(json.dumps(found))

    with pytest.raises(keys.KeyRingProblem, match="does not belong to this database"):
        queries.verify()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"keys": []}', '{"keys": [{"id": "k1"}], "current": "k1"}', "null"]
)
def test_a_damaged_ring_is_said_in_one_line(own_ring, text):
    keys.path().write_text(text)

    with pytest.raises(keys.KeyRingProblem, match="is damaged") as problem:
        keys.ring(fresh=True)
    assert "\n" not in str(problem.value)


def test_a_new_key_seals_and_the_old_one_still_opens(own_ring):
    patient = person(address_detail=ADDRESS)
    old = own_ring.current
    new = actions.add_key(at=AT).key_id
    phone = Phone.new(patient, PhoneNumber("13900000001"), None, AT)
    phone.save()

    assert keys.key_of(stored(Phone, "number", phone.pk)) == new != old
    assert keys.key_of(stored(Person, "address_detail", patient.pk)) == old
    assert Person.objects.get(pk=patient.pk).address_detail == ADDRESS


def test_a_server_takes_up_a_key_that_another_process_has_added(own_ring, monkeypatch):
    monkeypatch.setattr(keys, "LOOK_AGAIN_SECONDS", 3600.0)
    before = keys.ring()
    new = keys.new_key(AT)
    keys._written_beside(keys.path(), before.with_key(new)).replace(keys.path())
    sealed = f"{new.id}." + _sealed_by_hand(before.with_key(new), new.id, "x")

    assert keys.ring() is before
    assert keys.unseal(sealed, b"row") == "x"


def _sealed_by_hand(ring, key_id, text):
    import base64

    return base64.urlsafe_b64encode(ring.cipher(key_id).seal(text.encode(), b"row")).decode()


def test_rotation_seals_everything_anew_and_retires_the_old_key(own_ring):
    patient = person(address_detail=ADDRESS)
    actions.enrol(at=AT)
    index = patient.phones.get().number_index
    new = actions.add_key(at=AT).key_id

    assert actions.rotate(at=AT) == 3

    assert queries.in_use() == {new: 3}
    assert [key.key_id for key in queries.needed()] == [new]
    patient = Person.objects.get(pk=patient.pk)
    assert patient.address_detail == ADDRESS
    assert patient.phones.get().number == PHONE and patient.phones.get().number_index == index
    assert patient.documents.get().number == NUMBER
    line = AuditLine.objects.get(action="core.sealing.rotate")
    assert line.detail == {"key": new, "values": 3, "retired": 1}


def test_rotating_again_does_nothing(own_ring):
    person(address_detail=ADDRESS)
    actions.enrol(at=AT)
    before = stored(Phone, "number", Phone.objects.get().pk)

    assert actions.rotate(at=AT) == 0
    assert stored(Phone, "number", Phone.objects.get().pk) == before
    assert not AuditLine.objects.filter(action="core.sealing.rotate").exists()


def test_a_rotation_that_was_stopped_goes_on(own_ring, monkeypatch):
    patient = person(address_detail=ADDRESS)
    for n in range(5):
        Phone.new(patient, PhoneNumber(f"1390000000{n}"), None, AT).save()
    actions.enrol(at=AT)
    new = actions.add_key(at=AT).key_id
    monkeypatch.setattr(actions, "BATCH", 2)
    whole = actions._reseal_batch

    def dies(*args):
        if len(queries.in_use()) == 2:  # in the middle of it
            raise KeyboardInterrupt
        return whole(*args)

    monkeypatch.setattr(actions, "_reseal_batch", dies)
    with pytest.raises(KeyboardInterrupt):
        actions.rotate(at=AT)
    assert len(queries.in_use()) == 2  # some old, some new, and all of it readable
    assert sorted(p.number for p in Phone.objects.all())[0] == PHONE
    monkeypatch.setattr(actions, "_reseal_batch", whole)

    actions.rotate(at=AT)

    assert queries.in_use() == {new: 8}


def test_a_row_changed_during_rotation_keeps_the_change(own_ring, monkeypatch):
    patient = person(address_detail=ADDRESS)
    actions.enrol(at=AT)
    actions.add_key(at=AT)
    opened = type(Person._meta.get_field("address_detail")).opened

    def meanwhile(field, row, sealed):
        if field.name == "address_detail" and row.pk == patient.pk and not changed:
            changed.append(row)
            other = Person.objects.get(pk=patient.pk)
            other.address_detail = "八美镇"
            other.save()
        return opened(field, row, sealed)

    changed = []
    monkeypatch.setattr(type(Person._meta.get_field("address_detail")), "opened", meanwhile)
    actions.rotate(at=AT)

    assert Person.objects.get(pk=patient.pk).address_detail == "八美镇"


def test_the_command_lists_adds_and_rotates(own_ring, capsys):
    person()
    actions.enrol(at=AT)
    call_command("keys", "add")
    call_command("keys", "rotate")
    call_command("keys", "list")
    said = capsys.readouterr().out

    new = keys.ring().current
    assert f"2 values sealed anew with {new}" in said
    assert f"{own_ring.current}  aes-256-gcm  made 2020-02-05  0 values" in said
    assert "2 values, seals from now on" in said


def test_the_command_says_in_one_line_what_is_wrong(own_ring):
    actions.enrol(at=AT)
    keys.path().unlink()
    keys._held.clear()

    with pytest.raises(CommandError, match="is missing"):
        call_command("keys", "list")


def test_a_key_that_is_still_needed_is_never_retired(own_ring):
    person(address_detail=ADDRESS)
    actions.enrol(at=AT)
    actions.add_key(at=AT)
    current = SealingKey.objects.get(key_id=keys.ring().current)

    actions._finish(current=current, rows=0, at=AT)

    assert len(queries.needed()) == 2
