"""Labels: what a scanner reads from them, what stands on them, and who may print them."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import zxingcpp
from django.urls import reverse
from pypdf import PdfReader

from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.surveillance.testing import labels

from .factories import collected, facts, requested, surface
from .pooling import LATER, opened


def url(name, *args):
    return reverse(f"surveillance:testing:{name}", args=args)


def scanned(drawn: str) -> str:
    """What a scanner reads from the bars of a drawing."""
    width = int(re.search(r'viewBox="0 0 (\d+) 40"', drawn)[1])
    row = np.full(width, 255, np.uint8)
    for x, bar in re.findall(r"M(\d+) 0h(\d+)v40", drawn):
        row[int(x) : int(x) + int(bar)] = 0
    picture = np.repeat(np.tile(row, (60, 1)), 3, axis=1)
    (read,) = zxingcpp.read_barcodes(picture)
    assert "128" in str(read.format)
    return str(read.text)


@pytest.mark.parametrize("number", ["S51332620000001Q", "P5133262200000ZZ", "VTM-0042", "A/B.C_9"])
def test_a_scanner_reads_the_number_from_the_label(number):
    assert scanned(labels.bars(number)) == number


def test_the_label_of_a_tube_is_printed_with_its_number_and_no_name(client, world):
    tube = requested(world)
    client.force_login(world.clinician)

    answer = client.get(f"{url('print_labels')}?specimen={tube.public_id}&copies=3")

    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert text.count(tube.number) == 3
    assert "口咽拭子" in text and "甘孜州疾控中心检验所" in text
    assert world.person.name not in text and world.person.masked_name not in text
    line = AuditLine.objects.get(action="core.printing.print")
    assert (line.subject_id, line.detail) == (tube.pk, {"labels": 3})


def test_all_that_waits_to_be_collected_stands_on_one_sheet(client, world):
    waiting = [requested(world), surface(world)]
    taken = collected(world, facts=facts(specimen_type="sputum"))
    client.force_login(world.clinician)

    answer = client.get(f"{url('print_labels')}?size=roll")

    pages = PdfReader(io.BytesIO(answer.content)).pages
    assert [any(one.number in page.extract_text() for one in waiting) for page in pages] == [
        True
    ] * 2
    assert taken.number not in "".join(page.extract_text() for page in pages)


def test_a_single_label_is_a_drawing(client, world, monkeypatch):
    tube = requested(world)
    client.force_login(world.clinician)

    answer = client.get(url("label", tube.public_id))
    assert answer["Content-Type"] == "image/svg+xml"
    assert scanned(answer.content.decode()) == tube.number
    monkeypatch.setattr(clock, "now", lambda: LATER)
    pool = opened(world)
    assert scanned(client.get(url("pool_label", pool.public_id)).content.decode()) == pool.number


def test_strangers_print_no_label_and_wrong_requests_none(client, world):
    tube = requested(world)
    for who in (world.other_clinician, world.kangding_cdc, world.technician):
        client.force_login(who)
        assert client.get(url("label", tube.public_id)).status_code == 404
        assert client.get(f"{url('print_labels')}?specimen={tube.public_id}").status_code == 404
    client.force_login(world.auditor)
    assert client.get(url("print_labels")).status_code == 403
    client.force_login(world.clinician)
    for wrong in ("specimen=x", "copies=0", "copies=1000", "size=wall"):
        assert client.get(f"{url('print_labels')}?{wrong}").status_code == 404
    assert not AuditLine.objects.filter(action="core.printing.print").exists()


def test_only_pages_with_a_field_for_a_camera_may_use_one(client, world):
    client.force_login(world.clinician)

    assert "camera=(self)" in client.get(url("scan"))["Permissions-Policy"]
    assert "camera=()" in client.get(url("index"))["Permissions-Policy"]
