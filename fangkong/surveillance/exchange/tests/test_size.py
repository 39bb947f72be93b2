"""What each sent result asks is answered by an index, however many results there are."""

from __future__ import annotations

import pytest
from django.db import connection

from fangkong.surveillance.exchange.models import SentResult
from fangkong.surveillance.sweeps.models import Finding, Household
from fangkong.surveillance.testing.models import PoolResult, Result


@pytest.mark.both_databases
def test_what_a_sent_result_and_a_door_ask_is_found_by_an_index(db):
    asked = {
        "result_by_sender": Result.objects.filter(laboratory_id=1, sender_number="L-1"),
        "pool_result_by_sender": PoolResult.objects.filter(laboratory_id=1, sender_number="L-1"),
        "sent_result_by_specimen": SentResult.objects.filter(specimen=1),
        "sent_result_by_pool": SentResult.objects.filter(pool=1),
        "household_by_unit": Household.objects.filter(unit_id=1),
        "finding_by_household": Finding.objects.filter(household=1),
    }
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # of empty tables it would read all
    for index, rows in asked.items():
        assert index in rows.explain(), index
