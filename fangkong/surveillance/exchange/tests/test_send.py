"""A message as a file on the page: as its system would send it, taken once, and what is refused."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fangkong.surveillance.exchange.models import Message, SentResult
from fangkong.surveillance.testing.models import Specimen
from fangkong.surveillance.testing.tests.factories import facts, received

from .factories import bundle, oru, report

pytestmark = pytest.mark.both_databases
SURFACE = facts(group="surfaces", specimen_type="environment", site="三病区门把手")


@pytest.fixture
def sent(client, world):
    def send(body, who=None, name="message.hl7", laboratory=None):
        client.force_login(who or world.technician)
        data = body if isinstance(body, bytes) else body.encode()
        where = str((laboratory or world.bench).public_id)
        said = {"laboratory": where, "file": SimpleUploadedFile(name, data)}
        headers = {"Accept-Language": "en"}
        return client.post(reverse("surveillance:exchange:send"), said, headers=headers)

    return send


def test_both_formats_are_known_by_themselves_and_enter_their_results(sent, world):
    first, second = received(world), received(world, person=None, facts=SURFACE)
    told = sent(oru(first.number, "NEG"))
    assert told.status_code == 302
    assert told.url == Message.objects.get().get_absolute_url()
    sent(
        bundle(*report(second.number, "positive", sender="LIS-2"), message_id="b-1"), name="x.json"
    )

    outcomes = dict(Specimen.objects.values_list("number", "outcome"))
    assert outcomes == {first.number: "negative", second.number: "positive"}
    assert set(Message.objects.values_list("channel", flat=True)) == {"hl7", "fhir"}


def test_the_same_file_again_changes_nothing_and_leads_to_the_same_message(sent, world):
    tube = received(world)
    first, again = sent(oru(tube.number, "NEG")), sent(oru(tube.number, "NEG"))
    assert first.url == again.url
    assert (Message.objects.count(), SentResult.objects.count()) == (1, 1)
    other = sent(oru(tube.number, "POS"))  # another content under the same number
    assert other.status_code in (409, 422) and Message.objects.count() == 1


def test_what_fits_no_tube_is_kept_and_waits(sent, world):
    told = sent(oru("VTM-0042"))
    assert told.status_code == 302
    assert SentResult.objects.get().fate == "waiting"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a workbook", "It begins with MSH"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "It begins with MSH"),
        (b'{"resourceType": "Patient"}', "Send a Bundle of FHIR R4."),
        (b"{", "not valid JSON"),
        (oru("VTM-1", processing="T"), "Only messages of production"),
        (oru("VTM-1", "MAYBE"), "The result is not known"),
        (oru("VTM-1", tested="20990101100000"), "in the future"),
        (b"MSH" + b"|" * (2 * 1024 * 1024), "at most 2 MB"),
    ],
)
def test_what_cannot_be_read_is_told_at_the_file_and_nothing_is_kept(sent, world, body, said):
    refused = sent(body)
    text = refused.content.decode()
    assert refused.status_code == 422
    assert said in text and 'id="id_file_error"' in text
    assert not Message.objects.exists()


def test_nobody_sends_in_the_name_of_another_laboratory(sent, world, client):
    refused = sent(oru("VTM-1"), laboratory=world.other_bench)
    assert refused.status_code == 422 and not Message.objects.exists()
    assert sent(oru("VTM-1"), who=world.clinician).status_code == 403
    client.logout()
    assert client.get(reverse("surveillance:exchange:send")).status_code == 302


def test_outside_a_demonstration_no_example_is_offered(client, world):
    client.force_login(world.technician)
    shown = client.get(reverse("surveillance:exchange:send")).content.decode()
    assert "synthetic-oru" not in shown
    listed = client.get(reverse("surveillance:exchange:index")).content.decode()
    assert reverse("surveillance:exchange:send") in listed
    assert client.get(reverse("demo:message", args=["synthetic-oru-r01.hl7"])).status_code == 404
