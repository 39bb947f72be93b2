"""``fangkong audit``: what the operator reads."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from fangkong.accounts.tests import factories
from fangkong.core.audit import heads, seals
from fangkong.core.audit.models import Seal

AT = factories.AT
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path
    factories.user()


def test_a_whole_trail_is_said_to_be_whole(capsys):
    call_command("audit", "seal")
    call_command("audit", "verify")

    said = capsys.readouterr().out
    assert "1 seals made." in said
    assert "1 published heads compared; 0 lines are not sealed yet" in said
    assert "Nothing was removed" in said


def test_a_trail_that_does_not_fit_an_older_copy_of_the_heads_ends_with_an_error(capsys, tmp_path):
    seals.seal(AT)
    copy = tmp_path / "collected"
    line = heads.path().read_text()
    copy.write_text(line.replace(Seal.objects.get().digest, "0" * 64))

    with pytest.raises(SystemExit) as end:
        call_command("audit", "verify", heads=str(copy))

    assert end.value.code == 1
    assert "seal 1 is not the one published on 2020-02-05" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["not a line", '{"number": 1}', "[]", "é"])
def test_a_file_that_holds_no_heads_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "collected").write_text(text)

    with pytest.raises(CommandError, match="collected"):
        call_command("audit", "verify", heads=str(tmp_path / "collected"))


def test_a_missing_file_of_heads_is_refused(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit", "verify", heads=str(tmp_path / "nowhere"))
