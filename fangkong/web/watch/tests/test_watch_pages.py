"""The pages of the state of the system: for administrators, with what to do."""

from __future__ import annotations

import pytest

from fangkong.core.backup import ledger
from fangkong.core.watch import doctor, slow
from fangkong.core.watch.types import bad, ok

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _here(settings, tmp_path, monkeypatch):
    settings.FANGKONG_DATA = tmp_path
    monkeypatch.setattr(
        doctor, "examine", lambda: [ok("fine"), bad("no worker", "fangkong worker")]
    )
    monkeypatch.setattr(slow, "_found", {})


def test_what_needs_somebody_stands_first_with_what_to_do(look, administrator):
    page = look(administrator, "/watch/").content.decode()

    assert page.index("no worker") < page.index("fine")
    assert "fangkong worker" in page


def test_the_last_proven_restore_is_shown_and_one_that_failed(look, administrator):
    ledger.note(
        ledger.Made("a.fkb", "2026-01-01T00:00:00+00:00", proven_at="2026-01-01T00:01:00+00:00")
    )
    ledger.note(ledger.Made("b.fkb", "2026-01-02T00:00:00+00:00", problem="the disk is full"))
    page = look(administrator, "/watch/").content.decode()

    assert "a.fkb" in page and "2026" in page
    assert "the disk is full" in page


def test_slow_statements_show_their_page_and_no_values(look, administrator):
    slow.note("SELECT * FROM people WHERE name = '扎西'", "people:index", 0.7)
    page = look(administrator, "/watch/slow/").content.decode()

    assert "people:index" in page and "700" in page
    assert "扎西" not in page


@pytest.mark.parametrize("address", ["/watch/", "/watch/slow/"])
def test_others_do_not_see_how_the_system_is(look, headquarters, address):
    assert look(headquarters, address).status_code == 403
