"""Warning products from the draft to their end, and what CAP 1.2 makes of them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.commands.states import version
from fangkong.core.free_text import NumberInText
from fangkong.core.notices import queries as notices
from fangkong.core.roles import Role
from fangkong.core.webhooks import actions as webhooks
from fangkong.core.webhooks.models import Delivery
from fangkong.surveillance.warning import products, queries
from fangkong.surveillance.warning.cap import NAMESPACE
from fangkong.surveillance.warning.models import WarningProduct
from fangkong.tasks.tests.factories import key

from .factories import moment, said_to_all, written

AT = moment(date(2020, 2, 5))
HOUR = timedelta(hours=1)
LATER = AT + 12 * HOUR  # than any clock of these tests
BASE = "/api/v1/surveillance/warning/products"


@pytest.fixture
def colleague(areas, daofu):
    """A second person of the same county CDC."""
    return staff(Role.COUNTY_CDC, area=daofu, username="daofu-second")


def approved(product, by, at=AT + HOUR):
    return products.approve(product=product, by=by, at=at)


def issued(product, judge, by, at=AT + 2 * HOUR):
    return products.issue(product=approved(product, judge, at), by=by, at=at)


# --- The way ---


def test_a_tip_is_written_approved_by_a_colleague_and_issued(
    daofu, daofu_cdc, colleague, kangding_cdc, headquarters
):
    product = written(daofu, daofu_cdc)
    assert (product.state, product.county, product.condition_en) == (
        "draft",
        daofu,
        "Novel coronavirus pneumonia (COVID-19)",
    )
    (waiting,) = notices.of_user(colleague).filter(kind__endswith="product_waits")
    assert waiting.subject_public_id == product.public_id
    product = issued(product, colleague, daofu_cdc)
    assert (product.state, product.approved_by, product.issued_by) == (
        "issued",
        colleague,
        daofu_cdc,
    )
    # Another county hears of it, may read it, and is not shown what the level rests on.
    (told,) = notices.of_user(kangding_cdc).filter(kind__endswith="product_issued")
    assert told.subject_public_id == product.public_id
    assert product in queries.products_open_to(kangding_cdc, AT)
    assert product not in queries.products_to_write(kangding_cdc, AT)
    verbs = [line.action.rsplit(".")[-1] for line in audit.history_of(product)]
    assert verbs == ["issue_product", "approve_product", "write_product"]


def test_whoever_wrote_or_rewrote_a_product_does_not_approve_it(
    daofu, daofu_cdc, colleague, headquarters
):
    product = written(daofu, daofu_cdc)
    with pytest.raises(products.SamePerson):
        approved(product, daofu_cdc)
    product = products.edit(product=product, facts=said_to_all(level="high"), by=colleague, at=AT)
    for hand in (daofu_cdc, colleague):
        with pytest.raises(products.SamePerson):
            approved(product, hand)
    assert approved(product, headquarters).level == "high"


def test_who_has_to_act_on_a_product_hears_of_it(daofu, daofu_cdc, colleague):
    def heard(user, kind, product):
        found = notices.of_user(user).filter(kind__endswith=kind)
        return found.filter(subject_public_id=product.public_id).count()

    product = issued(written(daofu, daofu_cdc), colleague, daofu_cdc)
    update = products.renew(product=product, by=daofu_cdc, at=AT + 3 * HOUR)
    assert (heard(colleague, "waits", update), heard(daofu_cdc, "waits", update)) == (1, 0)

    products.send_back(product=update, reason="say where the clinic is", by=colleague, at=AT)
    assert (heard(daofu_cdc, "returned", update), heard(colleague, "returned", update)) == (1, 0)
    products.edit(product=update, facts=said_to_all(), by=daofu_cdc, at=AT + 4 * HOUR)
    assert heard(colleague, "waits", update) == 2
    products.edit(product=update, facts=said_to_all(), by=daofu_cdc, at=AT + 5 * HOUR)
    assert heard(colleague, "waits", update) == 2


@pytest.mark.both_databases
def test_the_database_itself_knows_the_two_hands_and_the_order(daofu, daofu_cdc):
    product = written(daofu, daofu_cdc)
    for wrong in (
        {"approved_by": daofu_cdc, "approved_at": AT},
        {"level": "very_low"},
        {"state": "issued"},
        {"issued_at": AT},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            WarningProduct.objects.filter(pk=product.pk).update(**wrong)


@pytest.mark.parametrize("kind", ["notice", "advice"])
def test_notices_and_advice_are_approved_by_the_headquarters_alone(
    kind, daofu, daofu_cdc, colleague, headquarters
):
    product = written(daofu, daofu_cdc, kind=kind)
    assert not notices.of_user(colleague).filter(kind__endswith="product_waits").exists()
    with pytest.raises(products.NotYours):
        approved(product, colleague)
    assert approved(product, headquarters).state == "approved"


def test_advice_to_a_government_is_read_where_it_was_written_and_above(
    daofu, daofu_cdc, headquarters, kangding_cdc
):
    product = issued(written(daofu, daofu_cdc, kind="advice"), headquarters, daofu_cdc)
    for reader, may in ((daofu_cdc, True), (headquarters, True), (kangding_cdc, False)):
        assert (product in queries.products_open_to(reader, AT)) is may
    assert not notices.of_user(kangding_cdc).exists()


def test_a_draft_stays_in_its_office_and_strangers_change_nothing(
    daofu, daofu_cdc, kangding_cdc, auditor
):
    product = written(daofu, daofu_cdc)
    assert product not in queries.products_open_to(kangding_cdc, AT)
    assert product in queries.products_open_to(auditor, AT)  # of the prefecture, looks on
    for stranger in (kangding_cdc, auditor):
        for act, more in (
            (products.edit, {"facts": said_to_all()}),
            (products.approve, {}),
            (products.send_back, {"reason": "not clear enough"}),
            (products.issue, {}),
            (products.cancel, {"reason": "not needed now"}),
        ):
            with pytest.raises(products.NotYours):
                act(product=product, by=stranger, at=AT, **more)
    with pytest.raises(products.NotYours):
        written(daofu, kangding_cdc)


def test_each_step_has_its_state(daofu, daofu_cdc, colleague):
    product = written(daofu, daofu_cdc)
    here = {"product": product, "by": daofu_cdc, "at": AT}
    for too_early in (products.issue, products.renew):
        with pytest.raises(products.WrongState):
            too_early(**here)
    approved(product, colleague)
    with pytest.raises(products.WrongState):
        products.edit(**here, facts=said_to_all())  # what is approved stands
    with pytest.raises(products.WrongState):
        approved(product, colleague)
    back = {"product": product, "by": colleague, "at": AT}
    with pytest.raises(products.Impossible):
        products.send_back(**back, reason="no")
    product = products.send_back(**back, reason="say where the clinic is")
    assert (product.state, product.approved_by) == ("draft", None)
    product = products.edit(**here, facts=said_to_all())
    assert product.return_reason == ""
    product = issued(product, colleague, daofu_cdc)
    for too_late in (products.edit, products.approve, products.issue, products.send_back):
        more: dict[str, object] = {"facts": said_to_all()} if too_late is products.edit else {}
        more |= {"reason": "say it better"} if too_late is products.send_back else {}
        by = colleague if too_late in (products.approve, products.send_back) else daofu_cdc
        with pytest.raises(products.WrongState):
            too_late(product=product, by=by, at=AT + 3 * HOUR, **more)


def test_an_update_replaces_what_it_updates_when_it_is_issued(daofu, daofu_cdc, colleague):
    first = issued(written(daofu, daofu_cdc), colleague, daofu_cdc)
    here = {"by": daofu_cdc, "at": AT + 3 * HOUR}
    draft = products.renew(product=first, **here)
    assert (draft.replaces, draft.text_zh, draft.state) == (first, first.text_zh, "draft")
    with pytest.raises(products.WrongState):
        products.renew(product=first, **here)
    first.refresh_from_db()
    assert first.state == "issued"  # until the update is issued too
    second = issued(draft, colleague, daofu_cdc, AT + 4 * HOUR)
    first.refresh_from_db()
    assert (first.state, first.ended_at) == ("updated", AT + 4 * HOUR)
    with pytest.raises(products.WrongState):
        products.renew(product=first, **here)
    # A draft of an update that is dropped makes room for another.
    third = products.renew(product=second, **here)
    products.cancel(product=third, reason="not needed now", **here)
    fourth = products.renew(product=second, **here)
    approved(fourth, colleague)
    products.cancel(product=second, reason="the danger is over", **here)
    with pytest.raises(products.WrongState):
        products.issue(product=fourth, **here)  # nothing is left to update


def test_a_product_whose_time_is_over_is_neither_approved_nor_issued(daofu, daofu_cdc, colleague):
    product = written(daofu, daofu_cdc, expires_at=AT + HOUR)
    with pytest.raises(products.WrongState):
        approved(product, colleague, at=AT + HOUR)
    product = approved(product, colleague, at=AT)
    with pytest.raises(products.WrongState):
        products.issue(product=product, by=daofu_cdc, at=AT + 2 * HOUR)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"level": "very_low"}, "level"),
        ({"level": "extreme"}, "level"),
        ({"certainty": "maybe"}, "certainty"),
        ({"expires_at": AT}, "expires_at"),
        ({"expires_at": AT + timedelta(days=400)}, "expires_at"),
        ({"title_zh": " "}, "title_zh"),
        ({"text_zh": "\u3164"}, "text_zh"),
        ({"basis": "ok"}, "basis"),
        ({"text_en": ""}, "text_en"),
        ({"title_en": ""}, "title_en"),
    ],
)
def test_words_that_cannot_be_are_refused_beside_their_field(wrong, field, daofu, daofu_cdc):
    with pytest.raises(products.Impossible) as refused:
        written(daofu, daofu_cdc, **wrong)
    assert refused.value.field == field
    assert not WarningProduct.objects.exists()


def test_no_number_of_a_person_and_no_unknown_disease_or_product(daofu, daofu_cdc):
    with pytest.raises(NumberInText):
        written(daofu, daofu_cdc, text_zh="请联系王医生 13812345678")
    for wrong in ({"condition": "common-cold"}, {"kind": "poster"}):
        with pytest.raises(products.Impossible):
            written(daofu, daofu_cdc, **wrong)


def test_machines_that_asked_hear_of_tips_and_notices_and_never_of_advice(
    areas, daofu, daofu_cdc, colleague, headquarters, settings
):
    settings.FANGKONG_OUTBOUND_ALLOW = ["127.0.0.1:9"]
    event = "surveillance.warning.product_told"
    administrator = staff(Role.ADMINISTRATOR, area=areas["513300"])
    webhooks.subscribe(
        label="public site", url="http://127.0.0.1:9/cap", events_=[event], by=administrator, at=AT
    )
    tip = issued(written(daofu, daofu_cdc), colleague, daofu_cdc)
    issued(written(daofu, daofu_cdc, kind="advice"), headquarters, daofu_cdc)
    products.cancel(product=tip, reason="the danger is over", by=daofu_cdc, at=AT + 3 * HOUR)
    told = list(Delivery.objects.values_list("event", "subject_public_id"))
    assert told == [(event, tip.public_id)] * 2


# --- CAP 1.2 --------------------------------------------------------------------------------------

# The elements of the standard's schema in their order, with how often they may stand, and the words
# that some may hold (CAP 1.2, sections 3.2.1 to 3.2.4).
ALERT = [
    ("identifier", 1, 1), ("sender", 1, 1), ("sent", 1, 1), ("status", 1, 1), ("msgType", 1, 1),
    ("source", 0, 1), ("scope", 1, 1), ("restriction", 0, 1), ("addresses", 0, 1), ("code", 0, 9),
    ("note", 0, 1), ("references", 0, 1), ("incidents", 0, 1), ("info", 0, 9),
]  # fmt: skip
INFO = [
    ("language", 0, 1), ("category", 1, 9), ("event", 1, 1), ("responseType", 0, 9),
    ("urgency", 1, 1), ("severity", 1, 1), ("certainty", 1, 1), ("audience", 0, 1),
    ("eventCode", 0, 9), ("effective", 0, 1), ("onset", 0, 1), ("expires", 0, 1),
    ("senderName", 0, 1), ("headline", 0, 1), ("description", 0, 1), ("instruction", 0, 1),
    ("web", 0, 1), ("contact", 0, 1), ("parameter", 0, 9), ("resource", 0, 9), ("area", 0, 9),
]  # fmt: skip
AREA = [("areaDesc", 1, 1), ("polygon", 0, 9), ("circle", 0, 9), ("geocode", 0, 9)]
PAIR = [("valueName", 1, 1), ("value", 1, 1)]
INSIDE = {"info": INFO, "area": AREA, "eventCode": PAIR, "parameter": PAIR, "geocode": PAIR}
WORDS = {
    "status": "Actual|Exercise|System|Test|Draft",
    "msgType": "Alert|Update|Cancel|Ack|Error",
    "scope": "Public|Restricted|Private",
    "category": "Geo|Met|Safety|Security|Rescue|Fire|Health|Env|Transport|Infra|CBRNE|Other",
    "responseType": "Shelter|Evacuate|Prepare|Execute|Avoid|Monitor|Assess|AllClear|None",
    "urgency": "Immediate|Expected|Future|Past|Unknown",
    "severity": "Extreme|Severe|Moderate|Minor|Unknown",
    "certainty": "Observed|Likely|Possible|Unlikely|Unknown",
    "sent|effective|expires": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d",
    "identifier|sender": r"[^\s,<&]+",
    "references": r"[^\s,<&]+,[^\s,<&]+,\S+",
    "language": "[a-z]{2}(-[A-Z]{2})?",
}


def checked(body, inside=None):
    """The message as a tree, if it keeps the rules of the schema."""
    root = ET.fromstring(body) if isinstance(body, bytes) else body  # our own
    order = inside or ALERT
    names = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in root]
    known = [name for name, _least, _most in order]
    assert set(names) <= set(known)
    assert names == sorted(names, key=known.index), "order"
    for name, least, most in order:
        assert least <= names.count(name) <= most, name
    for child, name in zip(root, names, strict=True):
        if name in INSIDE:
            checked(child, INSIDE[name])
            continue
        assert child.text and not len(child), name
        for which, pattern in WORDS.items():
            if name in which.split("|"):
                assert re.fullmatch(pattern, child.text), (name, child.text)
    if inside is None:
        assert root.tag == f"{{{NAMESPACE}}}alert"
        told = {name: one(root, name) for name in ("scope", "msgType")}
        assert (told["scope"] == "Restricted") == ("restriction" in names)
        assert (told["scope"] == "Private") == ("addresses" in names)
        assert (told["msgType"] in ("Update", "Cancel")) == ("references" in names)
    return root


def one(tree, path):
    found = tree.find("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/")))
    return None if found is None else found.text


def test_the_schema_s_rules_find_what_breaks_them(daofu, daofu_cdc):
    good = queries.cap_of(written(daofu, daofu_cdc)).decode()
    checked(good.encode())
    for old, new in (
        ("<status>Draft", "<status>Sketch"),
        ("<urgency>Expected</urgency>", ""),
        ("<sent>2020-02-05T20:00:00+08:00", "<sent>2020-02-05T12:00:00Z"),
        ("<identifier>fangkong-", "<identifier>fang kong-"),
        ("<scope>Public</scope>", "<scope>Private</scope>"),
        ("<msgType>Alert", "<msgType>Cancel"),
    ):
        assert old in good
        with pytest.raises(AssertionError):
            checked(good.replace(old, new).encode())


def test_the_messages_of_a_product_s_whole_life(daofu, daofu_cdc, colleague):
    draft = written(daofu, daofu_cdc)
    assert one(checked(queries.cap_of(draft)), "status") == "Draft"
    first = issued(draft, colleague, daofu_cdc)
    tree = checked(queries.cap_of(first))
    assert one(tree, "identifier") == f"fangkong-513326-{first.public_id}"
    assert (one(tree, "status"), one(tree, "msgType"), one(tree, "scope")) == (
        "Actual",
        "Alert",
        "Public",
    )
    assert one(tree, "sent") == "2020-02-05T22:00:00+08:00"
    zh, en = tree.findall(f"{{{NAMESPACE}}}info")
    assert (one(zh, "language"), one(en, "language")) == ("zh-CN", "en")
    assert one(zh, "event") == "新型冠状病毒感染的肺炎 · 健康风险提示"
    assert one(en, "event") == "Novel coronavirus pneumonia (COVID-19) · Health risk tip"
    assert (one(zh, "severity"), one(zh, "urgency"), one(zh, "certainty")) == (
        "Moderate",
        "Expected",
        "Likely",
    )
    assert (one(en, "area/areaDesc"), one(en, "area/geocode/value")) == ("Daofu", "513326")
    assert one(zh, "audience") == "公众"

    second = issued(
        products.renew(product=first, by=daofu_cdc, at=AT + 3 * HOUR),
        colleague,
        daofu_cdc,
        AT + 4 * HOUR,
    )
    tree = checked(queries.cap_of(second))
    assert one(tree, "msgType") == "Update"
    assert one(tree, "references") == (
        f"fangkong-513326,fangkong-513326-{first.public_id},2020-02-05T22:00:00+08:00"
    )
    over = products.cancel(
        product=second, reason="the danger is over", by=daofu_cdc, at=AT + 5 * HOUR
    )
    tree = checked(queries.cap_of(over))
    assert (one(tree, "msgType"), one(tree, "note")) == ("Cancel", "the danger is over")
    assert one(tree, "identifier") == f"fangkong-513326-{second.public_id}-cancel"
    assert f"fangkong-513326-{second.public_id}," in one(tree, "references")
    assert (one(tree, "info/responseType"), one(tree, "info/urgency")) == ("AllClear", "Past")


def test_the_message_is_the_same_in_any_language_and_says_an_exercise(daofu, daofu_cdc, colleague):
    product = issued(written(daofu, daofu_cdc, synthetic=True), colleague, daofu_cdc)
    with override("en"):
        english = queries.cap_of(product)
    with override("zh-hans"):
        assert queries.cap_of(product) == english
    assert one(checked(english), "status") == "Exercise"


def test_restricted_and_private_messages_name_their_readers(daofu, daofu_cdc, headquarters):
    notice = issued(written(daofu, daofu_cdc, kind="notice"), headquarters, daofu_cdc)
    assert "departments" in one(checked(queries.cap_of(notice)), "restriction")
    advice = issued(written(daofu, daofu_cdc, kind="advice"), headquarters, daofu_cdc)
    assert one(checked(queries.cap_of(advice)), "addresses") == "道孚县人民政府"


def test_signs_that_xml_does_not_know_and_its_own_signs_do_no_harm(daofu, daofu_cdc):
    text = "a < b & c > d ]]> \x0b\x1f <script>alert(1)</script> 一二三四"
    product = written(daofu, daofu_cdc, text_zh=text, title_en="", text_en="")
    tree = checked(queries.cap_of(product))
    assert one(tree, "info/description") == text.replace("\x0b", "").replace("\x1f", "")
    assert len(tree.findall(f"{{{NAMESPACE}}}info")) == 1


# --- Pages and machines ---------------------------------------------------------------------------


def url(name, record):
    return reverse(f"surveillance:warning:{name}", args=[record.public_id])


def sent(product, **fields):
    product.refresh_from_db()
    return {"_key": key(), "_seen": version(product), **fields}


FORM = {
    "kind": "tip",
    "area": "513326",
    "condition": "covid-19",
    "level": "medium",
    "certainty": "likely",
    "expires_at": "2020-02-19T20:00",
    "basis": "seven linked cases in four days",
    "title_zh": "减少聚集，出现发热及时就诊",
    "text_zh": "道孚县近日出现聚集性病例。",
}


def test_two_people_bring_a_product_from_the_form_to_its_end(
    client, evening, daofu, daofu_cdc, colleague, kangding_cdc
):
    new = reverse("surveillance:warning:new_product")
    client.force_login(daofu_cdc)
    assert client.get(new).status_code == 200
    wrong = client.post(new, {**FORM, "level": "very_low", "_key": key()})
    assert wrong.status_code == 422 and not WarningProduct.objects.exists()
    assert client.post(new, {**FORM, "_key": key()}).status_code == 302
    product = WarningProduct.objects.get()
    page = client.get(product.get_absolute_url()).content.decode()
    assert url("approve_product", product) not in page and url("edit_product", product) in page
    mine = client.post(url("approve_product", product), sent(product), follow=True)
    assert "谁起草谁不审批" in mine.content.decode()

    client.force_login(colleague)
    back = sent(product, reason="say where the clinic is")
    assert client.post(url("return_product", product), back).status_code == 302
    client.force_login(daofu_cdc)
    assert "say where the clinic is" in client.get(product.get_absolute_url()).content.decode()
    words = {name: value for name, value in FORM.items() if name not in ("kind", "area")}
    assert client.get(url("edit_product", product)).status_code == 200
    assert client.post(url("edit_product", product), sent(product, **words)).status_code == 302
    client.force_login(colleague)
    read = sent(product)
    same = {name: FORM[name] for name in ("basis", "title_zh", "text_zh")}
    meanwhile = said_to_all(level="high", **same)
    products.edit(product=product, facts=meanwhile, by=daofu_cdc, at=LATER)
    other = client.post(url("approve_product", product), read)  # words that nobody read meanwhile
    product.refresh_from_db()
    assert (other.status_code, product.state) == (412, "draft")
    client.post(url("approve_product", product), sent(product))
    unasked = client.post(url("issue_product", product), sent(product)).content.decode()
    assert "_confirmed" in unasked  # what it does stands on the page before it is done
    client.post(url("issue_product", product), sent(product, _confirmed="yes"))
    product.refresh_from_db()
    assert product.state == "issued"

    file = client.get(url("cap", product))
    assert file["Content-Type"] == "application/cap+xml"
    checked(file.content)
    client.force_login(kangding_cdc)
    page = client.get(product.get_absolute_url()).content.decode()
    assert FORM["text_zh"] in page and FORM["basis"] not in page
    assert url("cancel_product", product) not in page
    assert client.post(url("cancel_product", product), sent(product)).status_code == 404
    client.force_login(colleague)
    client.post(url("update_product", product), sent(product))
    end = sent(product, reason="the danger is over")
    assert client.post(url("cancel_product", product), end).status_code == 302
    product.refresh_from_db()
    assert product.state == "cancelled"


def test_a_product_whose_time_is_over_says_so_and_a_dropped_update_is_none(
    client, evening, daofu, daofu_cdc, colleague, monkeypatch
):
    product = issued(written(daofu, daofu_cdc), colleague, daofu_cdc)
    update = products.renew(product=product, by=daofu_cdc, at=AT + 3 * HOUR)
    client.force_login(daofu_cdc)
    client.cookies["django_language"] = "en"
    page = client.get(product.get_absolute_url()).content.decode()
    assert "no longer valid" not in page and update.get_absolute_url() in page

    products.cancel(product=update, reason="not needed", by=daofu_cdc, at=AT + 4 * HOUR)
    over = product.expires_at + HOUR
    monkeypatch.setattr(clock, "now", lambda: over)
    page = client.get(product.get_absolute_url()).content.decode()
    assert "no longer valid" in page and update.get_absolute_url() not in page
    listed = client.get(reverse("surveillance:warning:products")).content.decode()
    assert listed.count("no longer valid") == 1


@pytest.mark.parametrize(
    "name", ["product", "cap", "edit_product", "approve_product", "return_product", "issue_product"]
)
def test_another_county_s_draft_is_not_there(name, client, daofu, daofu_cdc, kangding_cdc):
    product = written(daofu, daofu_cdc)
    client.force_login(kangding_cdc)
    ask = client.get if name in ("product", "cap", "edit_product") else client.post
    assert ask(url(name, product), sent(product)).status_code == 404
    listed = client.get(reverse("surveillance:warning:products")).content.decode()
    assert product.get_absolute_url() not in listed
    assert client.get(f"{BASE}/{product.public_id}/").status_code == 404
    assert client.get(f"{BASE}/").json()["rows"] == []


def test_machines_go_the_whole_way(client, evening, daofu, daofu_cdc, colleague, kangding_cdc):
    def post(path, body=None, status=200, seen="*"):
        answer = client.post(
            f"{BASE}/{path}",
            body or {},
            content_type="application/json",
            headers={"Idempotency-Key": key(), **({"If-Match": seen} if seen else {})},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    body = {**FORM, "expires_at": "2020-02-19T20:00:00+08:00"}
    client.force_login(kangding_cdc)
    post("", body, status=403)
    client.force_login(daofu_cdc)
    post("", {**body, "level": "extreme"}, status=422)
    post("", {**body, "level": "very_low"}, status=422)
    made = post("", body, status=201)
    assert (made["state"], made["basis"]) == ("draft", FORM["basis"])
    post(f"{made['id']}/approve/", status=409)
    words = {name: value for name, value in body.items() if name not in ("kind", "area")}
    words.pop("condition")
    read = client.get(f"{BASE}/{made['id']}/")["ETag"]
    assert post(f"{made['id']}/edit/", {**words, "level": "high"}, seen=read)["level"] == "high"
    draft = WarningProduct.objects.get()
    products.edit(product=draft, facts=said_to_all(level="high"), by=daofu_cdc, at=LATER)
    post(f"{made['id']}/edit/", words, status=412, seen=read)  # not over a colleague's words
    post(f"{made['id']}/edit/", words, status=428, seen="")
    post(f"{made['id']}/edit/", {**words, "title_fr": "Restez"}, status=422)
    client.force_login(colleague)
    post(f"{made['id']}/approve/", status=412, seen=read)  # what was read is what is approved
    post(f"{made['id']}/approve/", status=428, seen="")
    post(f"{made['id']}/return/", {"reason": "say it better"})
    post(f"{made['id']}/approve/")
    assert post(f"{made['id']}/issue/")["state"] == "issued"
    (row,) = client.get(f"{BASE}/?kind=tip&state=issued").json()["rows"]
    assert row["id"] == made["id"]
    update = post(f"{made['id']}/update/")
    assert update["replaces"] == made["id"]
    checked(client.get(f"{BASE}/{made['id']}/cap/").json()["cap"].encode())
    assert post(f"{update['id']}/cancel/", {"reason": "not needed now"})["state"] == "cancelled"
    client.force_login(kangding_cdc)
    assert client.get(f"{BASE}/{made['id']}/").json()["basis"] is None


def test_a_product_begins_with_what_its_investigation_says(
    client, evening, daofu, daofu_cdc, kangding_cdc
):
    from .factories import answered, raised

    event = answered(raised(daofu), daofu_cdc).investigation
    new = f"{reverse('surveillance:warning:new_product')}?investigation={event.public_id}"
    client.force_login(daofu_cdc)
    assert new in client.get(event.get_absolute_url()).content.decode()
    assert '<option value="513326" selected>' in client.get(new).content.decode()
    client.post(new, {**FORM, "_key": key()})
    product = WarningProduct.objects.get()
    assert product.investigation == event
    other = client.post(new, {**FORM, "condition": "measles", "_key": key()})
    assert (other.status_code, "另一种疾病" in other.content.decode()) == (422, True)
    body = {**FORM, "expires_at": "2020-02-19T20:00:00+08:00", "condition": "measles"}
    body["investigation"] = str(event.public_id)
    told = client.post(f"{BASE}/", body, "application/json", headers={"Idempotency-Key": key()})
    assert (told.status_code, told.json()["errors"][0]["where"]) == (422, "/condition")
    assert WarningProduct.objects.count() == 1
    assert product.get_absolute_url() in client.get(event.get_absolute_url()).content.decode()
    client.force_login(kangding_cdc)
    assert client.get(new).status_code == 404
