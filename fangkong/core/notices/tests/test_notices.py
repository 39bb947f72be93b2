"""Staff hear of what waits for them: on the desk, and outward by an outbox that loses nothing."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from django.db import transaction
from django.urls import reverse

from fangkong.accounts.tests import factories
from fangkong.accounts.tests.factories import AT
from fangkong.core import clock, outbound
from fangkong.core.audit.models import AuditLine
from fangkong.core.notices import actions, jobs, queries, rules, sending, types
from fangkong.core.notices.models import Channel, Following, Message, Notice, Quiet, Way
from fangkong.core.queue.actions import run_job
from fangkong.core.queue.models import Job
from fangkong.core.retention import nights
from fangkong.core.roles import Role
from fangkong.places.tests.factories import world
from fangkong.tasks import actions as tasks
from fangkong.tasks.tests.factories import assigned
from fangkong.tasks.types import ASSIGNED, CLIMBED

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2020, 2, 5, 23, 30, tzinfo=SHANGHAI)
SECRETS = ["泽仁拉姆措", "13800001111", "Visit the ward", "团结街七号"]


class Receiver:
    """A robot or gateway on this machine; the path says its mood."""

    ANSWERS = {
        "/ok": (200, b'{"errcode":0,"code":0}'),
        "/refuses": (200, b'{"errcode":310000,"code":19021}'),
        "/broken": (500, b""),
        "/slow": (200, b'{"errcode":0}'),
    }

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.go_on = threading.Event()
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                there.heard.append((self.path, dict(self.headers), body))
                path = self.path.partition("?")[0]
                if path == "/slow":
                    there.go_on.wait(20)
                status, said = there.ANSWERS[path]
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, number: int = -1) -> dict[str, Any]:
        return cast(dict[str, Any], json.loads(self.heard[number][2]))


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    there = Receiver()
    settings.FANGKONG_OUTBOUND_ALLOW = [f"127.0.0.1:{there.port}"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://fangkong.example"]
    yield there
    there.go_on.set()
    there.server.shutdown()
    there.server.server_close()


@pytest.fixture
def areas(db, settings):
    settings.FANGKONG_AREA = "513300"
    return world()


@pytest.fixture
def daofu(areas):
    return factories.staff(Role.COUNTY_CDC, area=areas["513326"])


@pytest.fixture
def colleague(areas):
    return factories.staff(Role.COUNTY_CDC, area=areas["513326"])


@pytest.fixture
def kangding(areas):
    return factories.staff(Role.COUNTY_CDC, area=areas["513301"])


@pytest.fixture
def administrator(areas):
    return factories.staff(Role.ADMINISTRATOR, area=areas["513300"])


@pytest.fixture
def channel(receiver, administrator):
    def made(way=Way.WECOM, path="/ok", secret="") -> Channel:
        return actions.add_channel(
            label=f"{way}{path}",
            way=way,
            url="" if way == Way.MAIL else f"http://127.0.0.1:{receiver.port}{path}",
            secret=secret,
            by=administrator,
            at=AT,
        )

    return made


def follow(user, channel, *, kinds=None, only_urgent=False, address="") -> Following:
    return actions.follow(
        channel=channel,
        address=address or ("cdc@daofu.example" if channel.personal else ""),
        kinds=list(types.kinds()) if kinds is None else kinds,
        only_urgent=only_urgent,
        by=user,
        at=AT,
    )


def quiet_at_night(user, *, urgent_breaks=True, language="") -> None:
    actions.choose(
        first=time(22),
        last=time(7),
        urgent_breaks=urgent_breaks,
        language=language,
        by=user,
        at=AT,
    )


def sent(at=AT) -> list[str]:
    """Try every waiting message once, in order."""
    waiting = Message.objects.filter(state="waiting").order_by("pk")
    return [str(actions.send(message_id=row.pk, at=at).value) for row in waiting]


# --- On the desk ---------------------------------------------------------------------------------


def test_a_task_is_told_to_its_office_and_to_no_other_county(areas, daofu, colleague, kangding):
    assigned(areas["513326"])

    assert [queries.unread_count(one) for one in (daofu, colleague, kangding)] == [1, 1, 0]


def test_a_closed_account_and_an_ended_office_hear_nothing(areas):
    closed = factories.staff(Role.COUNTY_CDC, area=areas["513326"], is_active=False)
    former = factories.user()
    factories.appointment(
        former, Role.COUNTY_CDC, area=areas["513326"], valid_to=AT.date() - timedelta(days=1)
    )
    assigned(areas["513326"])

    assert not Notice.objects.filter(user__in=[closed, former]).exists()


def test_a_late_task_is_told_to_whom_it_climbs(areas, daofu):
    headquarters = factories.staff(Role.HEADQUARTERS, area=areas["513300"])
    task = assigned(areas["513326"])
    tasks.escalate_overdue(task.due_at + timedelta(days=2))

    raised = queries.unread(headquarters).filter(kind=CLIMBED.code)
    assert [notice.urgent for notice in raised] == [True]
    assert queries.unread(daofu).filter(kind="tasks.late").exists()


def test_the_same_thing_within_ten_minutes_is_one_notice(areas, daofu):
    task = assigned(areas["513326"])
    again = {"users": [daofu], "kind": ASSIGNED, "subject": task}
    actions.notify(**again, at=AT + timedelta(minutes=9))
    assert queries.of_user(daofu).get().times == 2

    actions.notify(**again, at=AT + timedelta(minutes=11))
    assert queries.of_user(daofu).count() == 2


def test_what_is_rolled_back_is_told_to_nobody(areas, daofu):
    with transaction.atomic():
        assigned(areas["513326"])
        transaction.set_rollback(True)

    assert queries.unread_count(daofu) == 0


def test_the_pages_show_open_and_mark_only_ones_own(client, areas, daofu, kangding, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    task = assigned(areas["513326"])
    notice = queries.of_user(daofu).get()
    path = reverse("core:notices:open", args=[notice.public_id])
    client.force_login(kangding)
    assert client.post(path, {"_key": "k0"}).status_code == 404
    client.force_login(daofu)
    page = client.get(reverse("core:notices:index")).content.decode()
    assert "您岗位收到一项新任务" in page
    assert client.get("/badges.json").json()["core:notices:index"] == 1
    assert "您岗位收到一项新任务" in client.get("/").content.decode()

    assert client.post(path, {"_key": "k1"}).url == task.get_absolute_url()
    assert client.get("/badges.json").json()["core:notices:index"] == 0


def test_a_notice_says_on_the_page_which_task_it_is_about(
    client, areas, daofu, django_assert_max_num_queries, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: AT)
    for n in range(4):
        assigned(areas["513326"], params={"text": f"Visit ward {n}"})
    client.force_login(daofu)

    for path in ("/", reverse("core:notices:index")):
        page = client.get(path).content.decode()
        assert all(f"Visit ward {n}" in page for n in range(4))
    notices = [*queries.of_user(daofu)]
    with django_assert_max_num_queries(2):  # the user's offices, and the tasks
        queries.with_names(notices, daofu, AT)


def test_a_file_of_notices_does_not_say_what_they_are_about(client, areas, daofu, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    assigned(areas["513326"], params={"text": "Visit ward 3"})
    client.force_login(daofu)

    asked = {"export": "csv", "col": ["words", "about", "told"]}
    exported = client.get(reverse("core:notices:index"), asked)

    text = b"".join(exported.streaming_content).decode()
    assert "您岗位收到一项新任务" in text and "Visit ward 3" not in text


def test_a_notice_no_longer_names_what_its_reader_may_no_longer_see(areas, daofu, kangding):
    assigned(areas["513326"])
    notices = [*queries.of_user(daofu)]

    queries.with_names(notices, kangding, AT)  # as if the office had gone to another county
    assert [one.about for one in notices] == [""]

    queries.with_names(notices, daofu, AT)
    assert [one.about for one in notices] == ["Visit the ward"]


def test_all_are_marked_at_once_but_not_those_of_others(areas, daofu, colleague):
    assigned(areas["513326"])
    assigned(areas["513326"])

    assert actions.read_all(by=daofu, at=AT) == 2
    assert queries.unread_count(colleague) == 2


# --- Outward -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.DINGTALK, Way.WECOM, Way.FEISHU, Way.GATEWAY])
def test_a_message_says_the_kind_and_a_link_and_nothing_of_the_record(
    way, areas, daofu, channel, receiver
):
    follow(daofu, channel(way, secret="SEC0123"), address="13900002222")
    task = assigned(
        areas["513326"], params={"text": "Visit the ward 泽仁拉姆措"}, note="团结街七号"
    )

    assert sent() == ["sent"]
    path, _headers, body = receiver.heard[0]
    whole = path + body.decode()
    assert f"您岗位收到一项新任务 https://fangkong.example{task.get_absolute_url()}" in whole
    assert not [secret for secret in SECRETS if secret in whole]
    assert ("13900002222" in whole) is (way == Way.GATEWAY)
    assert "SEC0123" not in whole


def test_mail_goes_out_in_the_readers_language(areas, daofu, channel, settings, receiver):
    letters: list[tuple[list[str], bytes]] = []

    class Box:
        async def handle_DATA(self, server, session, envelope):
            letters.append((envelope.rcpt_tos, envelope.content))
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(Box(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = port
        follow(daofu, channel(Way.MAIL))
        quiet_at_night(daofu, language="en")
        assigned(areas["513326"], params={"text": "泽仁拉姆措 13800001111"})
        assert sent() == ["sent"]
    finally:
        server.stop()

    (to, raw), letter = letters[0], message_from_bytes(letters[0][1])
    assert to == ["cdc@daofu.example"]
    assert str(make_header(decode_header(letter["Subject"]))) == "A task was given to your office"
    assert not [secret.encode() for secret in SECRETS if secret.encode() in raw]


def test_a_mail_server_that_is_not_there_is_noted_and_tried_again(areas, daofu, channel, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    follow(daofu, channel(Way.MAIL))
    assigned(areas["513326"])

    assert sent() == ["waiting"]
    row = Message.objects.get()
    assert (row.problem, row.due_at) == ("ConnectionRefusedError", AT + timedelta(minutes=1))


@pytest.mark.parametrize("path", ["/broken", "/refuses"])
def test_a_receiver_that_fails_is_tried_ever_later_then_parked(
    path, areas, daofu, channel, administrator
):
    follow(daofu, channel(Way.DINGTALK, path))
    assigned(areas["513326"])
    pauses: list[timedelta] = []
    at: Any = AT
    while sent(at) == ["waiting"]:
        pauses.append(Message.objects.get().due_at - at)
        at = Message.objects.get().due_at

    assert pauses == sorted(pauses) and len(pauses) == rules.TRIES - 1
    row = queries.parked(administrator, AT).get()
    assert (row.tries, row.problem) == (rules.TRIES, "NotAccepted")
    assert actions.repeat(message=row, by=administrator, at=at).state == "waiting"
    assert not queries.parked(daofu, AT).exists()


def test_one_slow_receiver_holds_up_no_other(areas, daofu, channel, receiver, monkeypatch):
    # Also what the quick one may take on a busy machine.
    monkeypatch.setattr("fangkong.core.notices.sending.TIMEOUT", 2.0)
    follow(daofu, channel(Way.WECOM, "/slow"))
    follow(daofu, channel(Way.WECOM, "/ok"))
    assigned(areas["513326"])

    assert sent() == ["waiting", "sent"]
    assert Message.objects.get(state="waiting").problem == "TooSlow"


def test_a_group_hears_once_however_many_of_it_follow(areas, daofu, colleague, channel):
    group = channel(Way.FEISHU)
    follow(daofu, group)
    follow(colleague, group)
    assigned(areas["513326"])

    assert Notice.objects.count() == 2
    assert Message.objects.count() == 1


def test_an_account_closed_meanwhile_gets_no_message(areas, daofu, channel, receiver):
    follow(daofu, channel(Way.GATEWAY), address="13900002222")
    assigned(areas["513326"])
    daofu.is_active = False
    daofu.save()

    assert sent() == ["dropped"]
    assert receiver.heard == []


def test_only_the_kinds_and_the_urgency_chosen_leave(areas, daofu, colleague, channel):
    follow(daofu, channel(Way.GATEWAY), address="13900002222", kinds=[CLIMBED.code])
    follow(colleague, channel(Way.GATEWAY), address="13900003333", only_urgent=True)
    assigned(areas["513326"])
    assert not Message.objects.exists()

    assigned(areas["513326"], priority=3)
    assert Message.objects.get().notice.user_id == colleague.pk


def test_quiet_hours_hold_a_message_until_morning_unless_it_is_urgent(areas, daofu, channel):
    follow(daofu, channel(Way.GATEWAY), address="13900002222")
    quiet_at_night(daofu)
    due = NIGHT + timedelta(days=2)
    assigned(areas["513326"], at=NIGHT, due_at=due)
    held = Message.objects.get()
    assert held.due_at == datetime(2020, 2, 6, 7, tzinfo=SHANGHAI)
    assert not Job.objects.filter(name=actions.SEND).exists()
    assert actions.send_due(held.due_at - timedelta(minutes=1)) == 0
    assert actions.send_due(held.due_at) == 1

    assigned(areas["513326"], at=NIGHT, due_at=due, priority=3)
    assert Job.objects.filter(name=actions.SEND).count() == 2


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        ("22:00", "", {"last": "请同时填写两个时间，或都留空。"}),
        ("", "07:00", {"first": "请同时填写两个时间，或都留空。"}),
        ("22:00", "22:00", {"last": "两个时间相同，起不到免打扰的作用。请另选结束时间。"}),
    ],
)
def test_half_of_the_quiet_hours_is_told_beside_its_field_and_not_kept(
    client, daofu, first, last, wrong
):
    client.force_login(daofu)
    sent = {"first": first, "last": last, "language": "zh-hans", "_key": str(uuid4())}

    answer = client.post(reverse("core:notices:choices"), sent)

    assert answer.status_code == 422
    assert answer.context["form"].errors == {name: [text] for name, text in wrong.items()}
    assert not Quiet.objects.exists()
    taken = (
        {"first": time.fromisoformat(first), "last": time.fromisoformat(last)}
        if (first and last)
        else {"first": time(22), "last": None}
    )
    with pytest.raises(actions.BadHours):
        actions.choose(**taken, urgent_breaks=True, language="zh-hans", by=daofu, at=AT)


@pytest.mark.parametrize(("first", "last"), [("22:00", "07:00"), ("12:30", "14:00"), ("", "")])
def test_whole_quiet_hours_or_none_are_kept(client, daofu, first, last):
    client.force_login(daofu)
    address = reverse("core:notices:choices")
    seen = client.get(address).context["form"].editing.carried
    sent = {"first": first, "last": last, "language": "zh-hans"}

    answer = client.post(address, {**sent, "_key": str(uuid4()), "_seen": seen})

    assert answer.status_code == 302

    kept = Quiet.objects.get()
    assert [t.strftime("%H:%M") if t else "" for t in (kept.first, kept.last)] == [first, last]


def test_quiet_hours_may_hold_urgent_ones_too(areas, daofu, channel):
    follow(daofu, channel(Way.GATEWAY), address="13900002222")
    quiet_at_night(daofu, urgent_breaks=False)
    assigned(areas["513326"], at=NIGHT, due_at=NIGHT + timedelta(days=2), priority=3)

    assert not Job.objects.filter(name=actions.SEND).exists()


@pytest.mark.parametrize("quiet_one", [0, 1])
def test_a_group_waits_for_no_members_quiet_hours(areas, daofu, colleague, channel, quiet_one):
    members = [daofu, colleague]
    group, own = channel(Way.WECOM), channel(Way.GATEWAY)
    for user in members:
        follow(user, group)
    follow(members[quiet_one], own, address="13900002222")
    quiet_at_night(members[quiet_one])
    assigned(areas["513326"], at=NIGHT, due_at=NIGHT + timedelta(days=2))

    to_group, to_person = (Message.objects.get(channel=one) for one in (group, own))
    (job,) = Job.objects.filter(name=actions.SEND)
    assert job.subject_id == to_group.pk
    assert to_person.due_at == datetime(2020, 2, 6, 7, tzinfo=SHANGHAI)


def test_a_job_lost_between_commit_and_delivery_is_found_again(areas, daofu, channel, receiver):
    follow(daofu, channel())
    assigned(areas["513326"])
    Job.objects.filter(name=actions.SEND).update(state=Job.State.FAILED)  # its worker was killed

    assert actions.send_due(AT + timedelta(minutes=1)) == 0
    assert actions.send_due(AT + rules.TAKEN) == 1
    job = Job.objects.filter(name=actions.SEND, state=Job.State.WAITING).get()
    run_job.call(job.pk)
    assert Message.objects.get().state == "sent"
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("sign", ["\r", "\n", "\x00", "\u2028"])
def test_a_line_break_is_refused_in_every_field(sign, daofu, administrator, channel):
    mail = channel(Way.MAIL)
    with pytest.raises(actions.NotOneLine):
        follow(daofu, mail, address=f"a@b.example{sign}Bcc:x@y.example")
    for fields in ({"label": f"a{sign}b"}, {"secret": f"a{sign}b"}, {"url": f"https://a{sign}b"}):
        said = {"label": "a", "way": Way.WECOM, "url": "https://192.0.2.1/", "secret": ""}
        with pytest.raises(actions.NotOneLine):
            actions.add_channel(**{**said, **fields}, by=administrator, at=AT)


@pytest.mark.parametrize("label", ["", " ", "\u200b\u3164"])
def test_a_way_out_without_a_name_is_none(label, administrator):
    said = {"way": Way.MAIL, "url": "", "secret": "", "by": administrator, "at": AT}
    with pytest.raises(actions.NameMissing):
        actions.add_channel(label=label, **said)
    assert actions.add_channel(label="\u200b州疾控", **said).label == "州疾控"


def test_an_inner_address_is_no_way_out(administrator, settings):
    settings.FANGKONG_OUTBOUND_ALLOW = []
    with pytest.raises(outbound.InnerAddress):
        actions.add_channel(
            label="x", way=Way.WECOM, url="http://127.0.0.1/", secret="", by=administrator, at=AT
        )


def test_the_secret_is_shown_nowhere_and_lies_sealed(
    client, administrator, channel, receiver, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: AT)
    made = channel(Way.DINGTALK, secret="SEC0123456789")
    client.force_login(administrator)
    for name, args in (("channels", []), ("channel", [made.public_id])):
        page = client.get(reverse(f"core:notices:{name}", args=args)).content.decode()
        assert (
            "127.0.0.1" in page and "SEC0123456789" not in page and str(receiver.port) not in page
        )
    kept = Channel.objects.filter(pk=made.pk).values("url", "secret").get()
    assert "SEC" not in kept["secret"] and "http" not in kept["url"]


def test_a_test_goes_through_the_outbox(administrator, channel, receiver):
    made = channel(Way.WECOM)
    actions.test_channel(channel=made, by=administrator, at=AT)

    assert sent() == ["sent"]
    assert "通知渠道测试" in receiver.told()["text"]["content"]
    assert queries.channels(administrator, AT).get().last_state == "sent"


def test_a_closed_way_sends_nothing_and_forgets_its_addresses(
    areas, administrator, daofu, channel, receiver
):
    made = channel(Way.GATEWAY)
    follow(daofu, made, address="13900002222")
    assigned(areas["513326"])
    actions.stop_channel(channel=made, by=administrator, at=AT)

    assert Message.objects.get().state == "dropped"
    assert not Following.objects.exists()
    with pytest.raises(actions.ChannelStopped):
        actions.test_channel(channel=made, by=administrator, at=AT)


def test_messages_that_were_sent_are_cleared_after_their_term_and_notices_stay(
    areas, daofu, channel, receiver, settings, monkeypatch
):
    monkeypatch.setattr(nights, "require_plausible", lambda at: None)
    good, broken = channel(), channel(Way.WECOM, path="/broken")
    for one in (good, broken):
        follow(daofu, one)
    assigned(areas["513326"])
    for message in Message.objects.all():
        actions.send(message_id=message.pk, at=AT)
    term = timedelta(days=settings.FANGKONG_OUTBOX_DAYS)

    jobs.forget(AT + term)
    assert Message.objects.count() == 2
    jobs.forget(AT + term + timedelta(minutes=1))
    assert Message.objects.get().channel == broken
    assert Notice.objects.exists()
    line = AuditLine.objects.get(action="core.notices.forget")
    assert (line.subject_id, line.detail) == (good.pk, {"messages": 1})


def test_a_way_out_that_does_not_answer_is_asked_once_and_holds_up_no_other(
    areas, daofu, channel, receiver, monkeypatch
):
    monkeypatch.setattr(sending, "TIMEOUT", 0.3)
    silent, good = channel(path="/slow"), channel()
    for one in (silent, good):
        follow(daofu, one)
    for _task in range(3):
        assigned(areas["513326"])
    for message in Message.objects.order_by("pk"):
        actions.send(message_id=message.pk, at=AT)

    assert [path for path, _headers, _body in receiver.heard].count("/slow") == 1
    assert set(good.messages.values_list("state", flat=True)) == {"sent"}
    assert sorted(silent.messages.values_list("tries", flat=True)) == [0, 0, 1]
    assert actions.send_due(AT + rules.REST - timedelta(seconds=1)) == 0
    # All three are due, and one is enough to see whether somebody is there again.
    later = AT + timedelta(minutes=2)
    assert actions.send_due(later) == 1
    receiver.go_on.set()
    for message in silent.messages.order_by("due_at", "pk"):
        assert actions.send(message_id=message.pk, at=later) == "sent"


def test_what_has_waited_for_the_morning_comes_as_one_message(
    areas, daofu, colleague, channel, receiver
):
    way = channel(Way.GATEWAY)
    for user, phone in ((daofu, "13900002222"), (colleague, "13900003333")):
        follow(user, way, address=phone)
    quiet_at_night(daofu)
    for _task in range(3):
        assigned(areas["513326"], at=NIGHT, due_at=NIGHT + timedelta(days=2))
    morning = datetime(2020, 2, 6, 7, tzinfo=SHANGHAI)
    own = Message.objects.filter(notice__user=daofu).order_by("pk")
    first = own[0].notice
    actions.read(notice=first, by=daofu, at=morning)  # seen on the desk meanwhile

    actions.send_due(morning)
    states = [actions.send(message_id=one.pk, at=morning) for one in own]

    assert states == ["dropped", "sent", "sent"]
    told = [json.loads(body) for _path, _headers, body in receiver.heard]
    assert [one["to"] for one in told] == ["13900002222"]
    assert told[0]["text"] == "您有多条新通知 https://fangkong.example/core/notices/"
    assert not Message.objects.filter(notice__user=colleague, state="sent").exists()


def test_several_that_could_not_be_said_are_all_tried_again(areas, daofu, channel, receiver):
    follow(daofu, channel(Way.GATEWAY, path="/broken"), address="13900002222")
    for _task in range(2):
        assigned(areas["513326"])
    one, two = Message.objects.order_by("pk")

    assert actions.send(message_id=one.pk, at=AT) == "waiting"
    assert set(Message.objects.values_list("state", "tries")) == {("waiting", 1), ("waiting", 0)}
    assert actions.send(message_id=two.pk, at=AT) == "waiting"
