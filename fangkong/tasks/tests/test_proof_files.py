"""A file from the phone to the record and back, and everything that is refused on the way."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.core.files import actions, queries, scanning
from fangkong.core.files.forms import FilesField
from fangkong.core.files.models import StoredFile
from fangkong.core.files.tests import samples
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import PROOF

from .factories import AT, assigned, key

pytestmark = pytest.mark.usefixtures("at_ten")


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def sent(by, name="现场照片.jpg", content=None, at=AT, use=PROOF) -> StoredFile:
    raw = samples.photo() if content is None else content
    content = actions.look_at(use=use, content=SimpleUploadedFile(name, raw), name=name)
    return actions.upload(use=use, content=content, by=by, at=at)


def proven(task, by, *files):
    return tasks.finish(task=task, proof="已现场消毒并拍照", by=by, at=AT, files=files)


# --- Taking in ------------------------------------------------------------------------------------


def test_a_photo_is_kept_under_a_name_of_our_own(daofu_cdc, media):
    file = sent(daofu_cdc, "../../../../tmp/道孚.jpg", samples.photo_from_daofu())

    assert (file.name, file.kind, file.width, file.height) == ("道孚.jpg", "jpeg", 20, 40)
    assert file.path.resolve().is_relative_to(media.resolve())
    assert "道孚" not in file.stored_as and "." not in file.stored_as
    assert b"Exif" not in file.path.read_bytes()
    assert file.path.stat().st_mode & 0o077 == 0
    [line] = AuditLine.objects.filter(action="core.files.upload")
    assert line.detail == {"use": "tasks.proof", "kind": "jpeg", "size": file.size}


@pytest.mark.parametrize("name", list(samples.HOSTILE))
def test_what_is_not_of_the_table_is_refused_and_not_kept(daofu_cdc, media, name):
    with pytest.raises(actions.WrongKind):
        sent(daofu_cdc, name, samples.HOSTILE[name])
    assert not StoredFile.objects.exists() and not list(media.glob("**/*"))


def test_too_large_is_refused_before_it_is_read(daofu_cdc):
    content = SimpleUploadedFile("a.pdf", samples.PDF)
    content.size = PROOF.largest + 1
    content.file = None  # reading would fail in another way
    with pytest.raises(actions.TooBig):
        actions.look_at(use=PROOF, content=content, name="a.pdf")


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("leer.jpg", b"", actions.Broken),
        ("bomb.xlsx", samples.office_bomb("xl/workbook.xml"), actions.TooBig),
        ("bomb.docx", samples.office_bomb("word/document.xml"), actions.TooBig),
        ("bomb.png", samples.bomb(), actions.TooBig),
        ("broken.jpg", samples.photo()[:200], actions.Broken),
        ("broken.png", samples.photo("PNG")[:60], actions.Broken),
    ],
)
def test_a_broken_or_exploding_photo_is_refused(daofu_cdc, name, content, refusal):
    with pytest.raises(refusal):
        sent(daofu_cdc, name, content)


def test_a_day_has_an_end_and_the_next_one_begins_anew(daofu_cdc, kangding_cdc, monkeypatch):
    monkeypatch.setattr(actions, "DAILY_FILES", 2)
    sent(daofu_cdc), sent(daofu_cdc)

    with pytest.raises(actions.QuotaUsed):
        sent(daofu_cdc)
    sent(kangding_cdc)
    sent(daofu_cdc, at=AT + timedelta(hours=24))


def test_a_failed_commit_leaves_no_row_and_the_sweep_takes_the_content(
    daofu_cdc, media, monkeypatch
):
    monkeypatch.setattr("fangkong.core.audit.actions.AuditLine", None)
    with pytest.raises(TypeError):
        sent(daofu_cdc)
    [left] = [path for path in media.glob("**/*") if path.is_file()]
    made = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert actions.sweep(made) == 0 and left.exists()
    assert actions.sweep(made + timedelta(days=2)) == 1 and not left.exists()


# --- Giving to a record ---------------------------------------------------------------------------


def test_a_task_is_finished_with_its_files(daofu, daofu_cdc):
    task, one, two = assigned(daofu), sent(daofu_cdc), sent(daofu_cdc, "记录.pdf", samples.PDF)

    proven(task, daofu_cdc, one, two)

    assert list(queries.of(PROOF, task)) == [one, two]
    assert not queries.of(PROOF, assigned(daofu)).exists()


def test_nobody_attaches_what_another_sent_or_what_belongs_already(daofu, daofu_cdc, kangding_cdc):
    other, own = sent(kangding_cdc), sent(daofu_cdc)
    first, second = assigned(daofu), assigned(daofu)

    with pytest.raises(actions.NotYours):
        proven(first, daofu_cdc, own, other)
    first.refresh_from_db()
    assert first.state == "open" and not queries.of(PROOF, first).exists()
    proven(first, daofu_cdc, own)
    with pytest.raises(actions.NotYours):
        proven(second, daofu_cdc, own)


def test_a_record_takes_only_so_many(daofu, daofu_cdc):
    files = [sent(daofu_cdc, "a.pdf", samples.PDF) for _ in range(PROOF.most + 1)]
    with pytest.raises(actions.TooMany):
        proven(assigned(daofu), daofu_cdc, *files)


# --- Who sees it ----------------------------------------------------------------------------------


def test_a_file_is_open_to_those_who_see_its_record(
    client, daofu, daofu_cdc, kangding_cdc, headquarters, auditor
):
    task, file = assigned(daofu), sent(daofu_cdc)
    for user in (headquarters, kangding_cdc):
        assert queries.open_to(user, file.public_id, AT) is None  # not even used yet
    proven(task, daofu_cdc, file)

    seen = {}
    for user in (daofu_cdc, headquarters, auditor, kangding_cdc):
        client.force_login(user)
        seen[user.username] = client.get(file.get_absolute_url()).status_code

    assert seen == {"daofu-cdc": 200, "headquarters": 200, "auditor": 200, "kangding-cdc": 404}
    client.logout()
    assert client.get(file.get_absolute_url()).status_code == 302


def test_the_answer_lets_a_browser_run_nothing(client, daofu_cdc):
    client.force_login(daofu_cdc)
    photo, paper = sent(daofu_cdc), sent(daofu_cdc, "情况说明.pdf", samples.PDF)

    shown, saved = client.get(photo.get_absolute_url()), client.get(paper.get_absolute_url())

    for answer in (shown, saved):
        assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "private, no-store"
    assert (shown["Content-Type"], saved["Content-Type"]) == ("image/jpeg", "application/pdf")
    assert shown["Content-Disposition"].startswith("inline")
    assert saved["Content-Disposition"] == (
        "attachment; filename*=utf-8''%E6%83%85%E5%86%B5%E8%AF%B4%E6%98%8E.pdf"
    )
    assert b"".join(saved.streaming_content) == samples.PDF


def test_media_has_no_address_of_its_own(client, daofu_cdc):
    file = sent(daofu_cdc)
    client.force_login(daofu_cdc)
    for address in (f"/media/{file.stored_as}", f"/static/{file.stored_as}", f"/{file.stored_as}"):
        assert client.get(address).status_code == 404


def test_a_file_that_the_disk_lost_is_not_there(client, daofu_cdc):
    file = sent(daofu_cdc)
    file.path.unlink()
    client.force_login(daofu_cdc)
    assert client.get(file.get_absolute_url()).status_code == 404


def test_a_file_of_which_a_bit_has_turned_is_not_handed_out(client, daofu_cdc):
    file, whole = sent(daofu_cdc), sent(daofu_cdc, "情况说明.pdf", samples.PDF)
    raw = bytearray(file.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.path.write_bytes(raw)
    client.force_login(daofu_cdc)

    answer = client.get(file.get_absolute_url())

    assert answer.status_code == 500
    assert "文件已损坏" in answer.content.decode() and bytes(raw) not in answer.content
    assert client.get(whole.get_absolute_url()).status_code == 200
    assert queries.damaged() == [str(file.public_id)]


# --- Pages and machines ---------------------------------------------------------------------------


def send(client, content, name="现场.jpg", use="tasks.proof", **headers):
    return client.post(
        reverse("core:files:upload", args=[use]),
        {"file": SimpleUploadedFile(name, content)},
        headers={"Idempotency-Key": key(), **headers},
    )


def test_a_file_is_sent_while_the_form_is_filled(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)

    answer = send(client, samples.photo())
    assert answer.status_code == 201
    page = client.post(
        reverse("tasks:finish", args=[task.public_id]),
        {"proof": "已现场消毒并拍照", "attachments": [answer.json()["id"]], "_key": key()},
        follow=True,
    )

    assert f"/core/files/{answer.json()['id']}/" in page.content.decode()


def test_without_a_script_files_travel_with_the_form_and_twice_is_once(client, daofu, daofu_cdc):
    task, form_key = assigned(daofu), key()
    client.force_login(daofu_cdc)

    for _ in range(2):
        answer = client.post(
            reverse("tasks:finish", args=[task.public_id]),
            {
                "proof": "已现场消毒并拍照",
                "attachments": SimpleUploadedFile("现场.jpg", samples.photo()),
                "_key": form_key,
            },
        )
        assert answer.status_code == 302
    assert [file.name for file in queries.of(PROOF, task)] == ["现场.jpg"]
    assert StoredFile.objects.count() == 1


def test_another_photo_of_the_same_name_is_not_taken_for_that_of_a_refused_form(
    client, daofu, daofu_cdc
):
    # Phones call every photo image.jpg, and a form that was refused keeps its key.
    task, form_key = assigned(daofu), key()
    client.force_login(daofu_cdc)

    def finish(proof, width):
        photo = SimpleUploadedFile("image.jpg", samples.photo(size=(width, 20)))
        return client.post(
            reverse("tasks:finish", args=[task.public_id]),
            {"proof": proof, "attachments": photo, "_key": form_key},
        )

    assert finish(".", 40).status_code == 422
    assert finish("已现场消毒并拍照", 60).status_code == 302
    assert [file.width for file in queries.of(PROOF, task)] == [60]


def test_one_key_with_two_contents_is_refused(client, daofu_cdc):
    client.force_login(daofu_cdc)
    same = {"Idempotency-Key": key()}

    assert send(client, samples.photo(), **same).status_code == 201
    assert send(client, samples.photo(), **same).status_code == 201
    assert send(client, samples.photo(size=(60, 20)), **same).status_code == 422
    assert StoredFile.objects.count() == 1


def test_a_refused_file_is_told_beside_the_field(client, daofu, daofu_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)

    answer = client.post(
        reverse("tasks:finish", args=[task.public_id]),
        {
            "proof": "已现场消毒并拍照",
            "attachments": SimpleUploadedFile("a.svg", samples.HOSTILE["drawing.svg"]),
            "_key": key(),
        },
    )

    assert answer.status_code == 422
    assert "id_attachments_error" in answer.content.decode()
    task.refresh_from_db()
    assert task.state == "open"


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [("a.html", b"<html>", 415), ("a.jpg", b"", 422), ("a.png", samples.bomb(), 413)],
)
def test_a_refused_upload_says_why_in_the_language_of_the_page(
    client, daofu_cdc, name, content, status
):
    client.force_login(daofu_cdc)
    answer = send(client, content, name)
    assert answer.status_code == status
    assert answer.json()["text"]


def test_only_who_may_finish_tasks_sends_files_for_them(client, auditor, daofu_cdc):
    client.force_login(auditor)
    assert send(client, samples.photo()).status_code == 403
    client.force_login(daofu_cdc)
    assert send(client, samples.photo(), use="no.such.use").status_code == 404
    assert client.post(reverse("core:files:upload", args=["tasks.proof"])).status_code == 422


def test_an_upload_is_discarded_only_by_its_sender_and_only_before_use(
    client, daofu, daofu_cdc, kangding_cdc
):
    loose, used = sent(daofu_cdc), sent(daofu_cdc)
    proven(assigned(daofu), daofu_cdc, used)

    def discard(file):
        address = reverse("core:files:discard", args=[file.public_id])
        return client.post(address, headers={"Idempotency-Key": key()}).status_code

    client.force_login(kangding_cdc)
    assert discard(loose) == 404
    client.force_login(daofu_cdc)
    assert discard(used) == 422
    assert discard(loose) == 204
    assert [one.pk for one in StoredFile.objects.all()] == [used.pk]


def test_a_request_that_announces_too_much_is_refused_unread(client, daofu_cdc, settings):
    settings.FANGKONG_LARGEST_REQUEST = 1000
    client.force_login(daofu_cdc)
    assert send(client, b"x" * 2000).status_code == 413


def test_a_machine_sends_and_gets_files(client, daofu, daofu_cdc, kangding_cdc):
    task = assigned(daofu)
    client.force_login(daofu_cdc)
    answer = client.post(
        "/api/v1/core/files/tasks.proof/",
        {"file": SimpleUploadedFile("现场.png", samples.photo("PNG"))},
        headers={"Idempotency-Key": key()},
    )
    assert answer.status_code == 201, answer.content
    one = answer.json()
    assert one["name"] == "现场.png" and len(one["sha256"]) == 64

    finished = client.post(
        f"/api/v1/tasks/{task.public_id}/finish/",
        {"proof": "已现场消毒并拍照", "files": [one["id"]]},
        content_type="application/json",
        headers={"Idempotency-Key": key()},
    )

    assert [file["id"] for file in finished.json()["files"]] == [one["id"]]
    content = client.get(f"/api/v1/core/files/{one['id']}/")
    assert (content.status_code, content["ETag"]) == (200, f'"{one["sha256"]}"')
    for known, status in ((content["ETag"], 304), ('"0-0"', 200)):
        again = client.get(f"/api/v1/core/files/{one['id']}/", headers={"If-None-Match": known})
        assert (again.status_code, again["ETag"]) == (status, content["ETag"])
    client.force_login(kangding_cdc)
    assert client.get(f"/api/v1/core/files/{one['id']}/").status_code == 404
    assert client.get(f"/api/v1/core/files/{uuid4()}/").status_code == 404


def test_a_machine_is_refused_with_a_problem_document(client, daofu, daofu_cdc):
    client.force_login(daofu_cdc)
    answer = client.post(
        "/api/v1/core/files/tasks.proof/",
        {"file": SimpleUploadedFile("a.svg", samples.HOSTILE["drawing.svg"])},
        headers={"Idempotency-Key": key()},
    )
    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"
    unknown = client.post(
        f"/api/v1/tasks/{assigned(daofu).public_id}/finish/",
        {"proof": "已现场消毒并拍照", "files": [str(uuid4())]},
        content_type="application/json",
        headers={"Idempotency-Key": key()},
    )
    assert unknown.status_code == 422


# --- What is left over ----------------------------------------------------------------------------


@pytest.mark.both_databases
def test_forgotten_uploads_go_after_a_day_and_used_ones_stay(
    daofu, daofu_cdc, django_capture_on_commit_callbacks
):
    forgotten, fresh, used = (sent(daofu_cdc, at=AT - timedelta(hours=h)) for h in (25, 23, 30))
    proven(assigned(daofu), daofu_cdc, used)

    with django_capture_on_commit_callbacks(execute=True):
        assert actions.remove_orphans(at=AT) == 1
        assert actions.remove_orphans(at=AT) == 0

    assert {one.pk for one in StoredFile.objects.all()} == {fresh.pk, used.pk}
    assert not forgotten.path.exists() and fresh.path.exists() and used.path.exists()


# --- The virus scanner ----------------------------------------------------------------------------


class Daemon(threading.Thread):
    """Answers one INSTREAM as clamd does."""

    def __init__(self, verdict: bytes) -> None:
        super().__init__(daemon=True)
        self.verdict, self.received = verdict, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            assert connection.recv(10, socket.MSG_WAITALL) == b"zINSTREAM\0"
            while size := int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big"):
                self.received += connection.recv(size, socket.MSG_WAITALL)
            connection.sendall(self.verdict)


@pytest.mark.parametrize(
    ("verdict", "refusal"),
    [
        (b"stream: OK\0", None),
        (b"stream: Eicar-Test-Signature FOUND\0", actions.Infected),
        (b"INSTREAM size limit exceeded. ERROR\0", actions.NotScanned),
        (b"", actions.NotScanned),
    ],
)
def test_the_scanner_decides_where_there_is_one(daofu_cdc, settings, verdict, refusal):
    daemon = Daemon(verdict)
    settings.FANGKONG_CLAMAV = daemon.listener.getsockname()
    if refusal is None:
        sent(daofu_cdc, "a.pdf", samples.PDF)
    else:
        with pytest.raises(refusal):
            sent(daofu_cdc, "a.pdf", samples.PDF)
        assert not StoredFile.objects.exists()
    daemon.join(5)
    daemon.listener.close()
    assert daemon.received == samples.PDF


def test_nobody_waits_to_write_while_the_scanner_thinks(client, daofu_cdc, monkeypatch):
    inside = []

    def is_clean(raw):
        inside.append(len(connection.savepoint_ids))
        return True

    monkeypatch.setattr(scanning, "is_clean", is_clean)
    outside = len(connection.savepoint_ids)
    client.force_login(daofu_cdc)

    assert send(client, samples.photo()).status_code == 201
    assert inside == [outside]


def test_a_scanner_that_is_away_lets_nothing_in(daofu_cdc, settings):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.FANGKONG_CLAMAV = gone.getsockname()
    with pytest.raises(actions.NotScanned):
        sent(daofu_cdc)


def test_the_field_takes_ids_and_files_and_says_when_there_are_too_many():
    field = FilesField(PROOF, required=False)
    one, two = uuid4(), uuid4()

    assert field.clean(([str(one), "nonsense", str(one), str(two)], [])).ids == [one, two]
    assert not field.clean(([], []))
    with pytest.raises(Exception, match=str(PROOF.most)):
        field.clean(([str(uuid4()) for _ in range(PROOF.most + 1)], []))
    with pytest.raises(Exception, match="至少选择一个文件"):
        FilesField(PROOF).clean(([], []))
