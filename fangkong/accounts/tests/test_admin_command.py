"""``fangkong admin``: the first administrator, and nobody after."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role


@pytest.fixture
def typed(monkeypatch):
    """What stands on standard input."""

    def type_(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return type_


def make(name="zhuoma"):
    out = io.StringIO()
    call_command("admin", name, name="卓玛", stdout=out)
    return out.getvalue()


def test_the_first_administrator_is_made_for_the_home_area(areas, typed):
    typed(f"{factories.PASSWORD}\n")

    assert "zhuoma" in make()
    made = User.objects.get()
    assert made.roles(clock.now()) == {Role.ADMINISTRATOR}
    assert made.appointments.get().area == areas["513300"]
    assert made.check_password(factories.PASSWORD)


def test_there_is_no_second_one_this_way(areas, typed):
    factories.user()
    typed(f"{factories.PASSWORD}\n")

    with pytest.raises(CommandError, match="accounts already"):
        make()

    assert User.objects.count() == 1


def test_a_weak_password_makes_nobody(areas, typed):
    before = AuditLine.objects.count()
    typed("123\n")

    with pytest.raises(CommandError):
        make()

    assert not User.objects.exists()
    assert AuditLine.objects.count() == before


def test_without_areas_there_is_nobody_to_administer(db, typed):
    typed(f"{factories.PASSWORD}\n")

    with pytest.raises(CommandError, match="places"):
        make()
