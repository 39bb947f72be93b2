"""The pages of staff and of signing in, as a browser uses them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts.models import Appointment, User
from fangkong.accounts.tests import factories
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role

PASSWORD = factories.PASSWORD
pytestmark = pytest.mark.django_db


@pytest.fixture
def today():
    return clock.day_of(clock.now())


@pytest.fixture
def signed_in(client, administrator):
    client.force_login(administrator)
    client.cookies["django_language"] = "en"
    return client


def url(name, *args):
    return reverse(f"accounts:{name}", args=args)


def send(client, address, key=None, **data):
    return client.post(address, {"_key": key or str(uuid4()), **data})


def new_account(client, key=None, **changed):
    data = {"username": "zhuoma", "name": "卓玛", "password": PASSWORD, **changed}
    return send(client, url("new"), key, **data)


# --- Staff ----------------------------------------------------------------------------------------


def test_the_list_shows_names_roles_and_places(signed_in, member):
    text = signed_in.get(url("index")).content.decode()

    assert "Zhaxi" in text
    assert "道孚县" in text
    assert "County CDC" in text


def test_the_list_is_narrowed_by_name_role_and_state(signed_in, member):
    def shown(query):
        text = signed_in.get(f"{url('index')}?{query}", headers={"HX-Target": "fk-list"}).content
        return {name for name in ("zhaxi", "admin") if f">{name}<" in text.decode()}

    assert shown("") == {"zhaxi", "admin"}
    assert shown("q=扎西") == shown("q=ZHAXI") == shown("role=county_cdc") == {"zhaxi"}
    assert shown("active=yes") == {"zhaxi", "admin"}
    assert shown("active=no") == shown("q=nobody") == set()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_needs_the_same_number_of_statements_for_one_and_for_three(
    signed_in, areas, count, django_assert_max_num_queries
):
    for _ in range(count):
        factories.staff(Role.HOSPITAL, area=areas["513326"])
    signed_in.get(url("index"))

    with django_assert_max_num_queries(12):
        signed_in.get(url("index"))


def test_a_new_account_is_made_and_asked_for_its_role_next(signed_in):
    answer = new_account(signed_in)

    made = User.objects.get(username="zhuoma")
    assert answer.status_code == 302
    assert answer.url == url("appoint", made.public_id)
    assert made.check_password(PASSWORD)


def test_a_form_sent_twice_makes_one_account(signed_in):
    key = str(uuid4())
    first, second = new_account(signed_in, key), new_account(signed_in, key)

    assert first.url == second.url
    assert AuditLine.objects.filter(action="accounts.add_staff").count() == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"username": "admin"}, "taken"),
        ({"password": "short"}, "at least 12"),
        ({"username": "Zhuoma"}, "valid"),
        ({"username": "1st"}, "valid"),
        ({"name": ""}, "Please fill this in."),
    ],
)
def test_a_wrong_new_account_is_not_made_and_says_why(signed_in, changed, said):
    answer = new_account(signed_in, **changed)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not User.objects.filter(name="卓玛").exists()


def test_a_password_is_never_drawn_back_into_the_form(signed_in):
    assert PASSWORD not in new_account(signed_in, name="").content.decode()


def test_a_form_without_a_key_does_nothing(signed_in):
    answer = signed_in.post(url("new"), {"username": "zhuoma", "name": "卓", "password": PASSWORD})

    assert answer.status_code in (400, 422)
    assert "Reload the page" in answer.content.decode()
    assert not User.objects.filter(username="zhuoma").exists()


def test_a_role_is_given_for_a_county(signed_in, member, areas, today):
    answer = send(
        signed_in,
        url("appoint", member.public_id),
        role="hospital",
        area=str(areas["513328"].public_id),
        valid_from=today.isoformat(),
    )

    assert answer.status_code == 302
    given = member.appointments.get(role="hospital")
    assert (given.area, given.valid_from, given.valid_to) == (areas["513328"], today, None)


def test_a_role_without_a_place_or_with_a_place_elsewhere_is_not_given(
    signed_in, member, areas, today
):
    for area in ("", str(areas["513221"].public_id), "nonsense"):
        answer = send(
            signed_in,
            url("appoint", member.public_id),
            role="hospital",
            area=area,
            valid_from=today.isoformat(),
        )
        assert answer.status_code == 422
    assert member.appointments.count() == 1


def test_a_role_ends_with_the_day_that_is_sent(signed_in, member, today):
    role = member.appointments.get()

    answer = send(
        signed_in, url("end", member.public_id, role.public_id), last_day=today.isoformat()
    )

    assert answer.status_code == 302
    role.refresh_from_db()
    assert role.valid_to == today


@pytest.mark.parametrize("last_day", ["", "2020-02-30", "2001-01-01"])
def test_a_role_does_not_end_on_a_wrong_day(signed_in, member, last_day):
    role = member.appointments.get()

    answer = send(signed_in, url("end", member.public_id, role.public_id), last_day=last_day)

    assert answer.status_code == 422
    role.refresh_from_db()
    assert role.valid_to is None


def test_the_role_of_another_person_is_not_found_under_this_one(signed_in, member, areas, today):
    other = factories.staff(Role.EDITOR, area=areas["513300"])
    role = other.appointments.get()

    answer = send(
        signed_in, url("end", member.public_id, role.public_id), last_day=today.isoformat()
    )

    assert answer.status_code == 404


def test_an_account_is_closed_and_its_owner_is_out_at_once(signed_in, member, client):
    browser = type(client)()
    browser.force_login(member)
    assert browser.get("/alive/").status_code == 200

    assert send(signed_in, url("activate", member.public_id), active="0").status_code == 302

    assert not User.objects.get(pk=member.pk).is_active
    answer = browser.get(url("roles"))
    assert answer.status_code == 302
    assert reverse("account_login") in answer.url


def test_a_password_is_reset(signed_in, member):
    answer = send(signed_in, url("password", member.public_id), password=PASSWORD)

    assert answer.status_code == 302
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


def test_a_weak_new_password_is_refused(signed_in, member):
    answer = send(signed_in, url("password", member.public_id), password="short-one")

    assert answer.status_code == 422


def test_administrators_cannot_touch_their_own_rights(signed_in, administrator, areas, today):
    own, role = administrator.public_id, administrator.appointments.get()
    asked = [
        (url("activate", own), {"active": "0"}),
        (url("password", own), {"password": PASSWORD}),
        (url("end", own, role.public_id), {"last_day": today.isoformat()}),
        (
            url("appoint", own),
            {
                "role": "auditor",
                "area": str(areas["513300"].public_id),
                "valid_from": today.isoformat(),
            },
        ),
    ]
    for address, data in asked:
        answer = send(signed_in, address, **data)
        assert answer.status_code in (403, 422), address
        assert "your own rights" in answer.content.decode(), address
    administrator.refresh_from_db()
    assert administrator.is_active
    assert Appointment.objects.filter(user=administrator).count() == 1


def test_the_page_of_a_person_shows_roles_history_and_buttons(signed_in, member):
    text = signed_in.get(url("detail", member.public_id)).content.decode()

    assert "0836-7120000" in text
    assert "County CDC" in text
    assert url("password", member.public_id) in text


def test_an_ended_role_has_no_button_to_end_it(signed_in, member, today):
    role = member.appointments.get()
    address = url("end", member.public_id, role.public_id)
    assert address in signed_in.get(url("detail", member.public_id)).content.decode()

    Appointment.objects.filter(pk=role.pk).update(valid_to=today - timedelta(days=1))

    assert address not in signed_in.get(url("detail", member.public_id)).content.decode()


def test_the_table_of_roles_is_drawn_from_what_the_code_declares(client, member):
    client.force_login(member)
    text = client.get(url("roles")).content.decode()

    assert "accounts.edit" in text
    assert "core.audit.view" in text


# --- Who may not ----------------------------------------------------------------------------------


def pages(person):
    role = person.appointments.get().public_id
    return [
        ("get", url("index")),
        ("get", url("new")),
        ("post", url("new")),
        ("get", url("detail", person.public_id)),
        ("get", url("appoint", person.public_id)),
        ("post", url("appoint", person.public_id)),
        ("post", url("activate", person.public_id)),
        ("get", url("password", person.public_id)),
        ("post", url("password", person.public_id)),
        ("post", url("end", person.public_id, role)),
    ]


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.ADMINISTRATOR, Role.AUDITOR, Role.SECURITY)]
)
def test_other_roles_get_a_plain_no_on_every_page_of_staff(client, areas, member, role):
    client.force_login(factories.staff(role, area=areas["513300"]))

    for method, address in pages(member):
        assert getattr(client, method)(address).status_code == 403, address


def test_an_auditor_reads_but_changes_nothing(client, areas, member):
    client.force_login(factories.staff(Role.AUDITOR, area=areas["513300"]))

    for method, address in pages(member):
        reads = method == "get" and address in (url("index"), url("detail", member.public_id))
        assert getattr(client, method)(address).status_code == (200 if reads else 403), address


def test_visitors_are_sent_to_the_sign_in_page_and_back(client, member):
    for method, address in pages(member):
        answer = getattr(client, method)(address)
        if answer.status_code != 405:
            assert answer.status_code == 302, address
            assert answer.url == f"{reverse('account_login')}?next={address}"


# --- Signing in -----------------------------------------------------------------------------------


@pytest.fixture
def with_password(areas):
    return factories.staff(
        Role.STORE_KEEPER, area=areas["513326"], username="zhaxi", password=PASSWORD
    )


def sign_in(client, username, password):
    return client.post(reverse("account_login"), {"login": username, "password": password})


def test_the_right_password_signs_in(client, with_password):
    answer = sign_in(client, "zhaxi", PASSWORD)

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get(url("roles")).status_code == 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, with_password):
    wrong = sign_in(client, "zhaxi", "not-the-password")
    unknown = sign_in(client, "nobody", "not-the-password")

    def without_what_was_typed(answer):
        import re

        text = answer.content.decode()
        text = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"', "", text)
        return text.replace('value="zhaxi"', "").replace('value="nobody"', "")

    assert wrong.status_code == unknown.status_code == 200
    assert without_what_was_typed(wrong) == without_what_was_typed(unknown)
    assert 'role="alert"' in wrong.content.decode()


def test_a_closed_account_cannot_sign_in(client, with_password):
    User.objects.update(is_active=False)

    sign_in(client, "zhaxi", PASSWORD)

    assert client.get(url("roles")).status_code == 302


@pytest.mark.parametrize(
    ("language", "title", "button"), [("zh-hans", "登录", "用户名"), ("en", "Sign in", "User name")]
)
def test_the_sign_in_page_speaks_both_languages(client, db, language, title, button):
    client.cookies["django_language"] = language
    with override(None):
        text = client.get(reverse("account_login")).content.decode()

    assert title in text
    assert button in text


def test_guessing_is_slowed_down(client, with_password):
    client.cookies["django_language"] = "en"
    answers = [sign_in(client, "zhaxi", f"guess-{n}") for n in range(16)]

    assert "Too many" not in answers[0].content.decode()
    assert "Too many" in answers[-1].content.decode()
    assert sign_in(client, "zhaxi", PASSWORD).status_code != 302


def test_nobody_makes_an_account_by_themselves(client, db):
    assert client.get(reverse("account_signup")).status_code == 200
    client.post(
        reverse("account_signup"),
        {"username": "intruder", "password1": PASSWORD, "password2": PASSWORD},
    )

    assert not User.objects.exists()


def test_signing_out_needs_a_click_and_not_only_a_link(client, with_password):
    client.force_login(with_password)
    client.get(reverse("account_logout"))
    assert client.get(url("roles")).status_code == 200

    client.post(reverse("account_logout"))

    assert client.get(url("roles")).status_code == 302
