"""The machines' door keeps its contract: schemathesis sends what the schema allows and much else.

No answer is a server error, none has a status or a form that the schema does not tell, none takes
longer than a second. Every role sends its own token, so that the checks lie behind the door.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from fangkong.config.wsgi import application
from fangkong.core import clock
from fangkong.core.tokens import actions as tokens
from fangkong.core.tokens import queries as grants
from fangkong.people.requests import actions as requests
from fangkong.surveillance.monitoring.tests.factories import AT, World
from fangkong.surveillance.monitoring.tests.factories import case as report

pytestmark = [pytest.mark.django_db, pytest.mark.spread]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
SLOW = 3.0  # seconds of this process alone: how busy the machine is says nothing of an answer
AGAIN = 2  # times that what was slow is asked once more: what is slow by itself is slow each time
ROLES = {"county": 6, "headquarters": 3, "hospital": 3, "nobody": 1}  # cases for each operation


class House:
    """A county with its hospital, a case, and a token for each role."""

    def __init__(self) -> None:
        from fangkong.accounts.tests import factories

        self.world = World()
        users = {
            "headquarters": self.world.headquarters,
            "county": self.world.daofu_cdc,
            "hospital": self.world.clinician,
            "nobody": factories.user(),
        }
        case = report(self.world)
        asked = requests.receive(person=case.person, kind="erase", asker="self", proof="card",
                                 by=self.world.daofu_cdc, at=AT)  # fmt: skip
        requests.grant(request=asked, by=self.world.headquarters, at=AT)  # a law keeps the card
        self._records = {
            "/people/requests/": asked,
            "/people/": case.person,
            "/cases/": case,
            "/facilities/": self.world.hospital,
        }
        self.secrets = {name: self._token(user) for name, user in users.items()}

    def ids(self, path: str) -> list[str]:
        """The record that an address names, one that it does not, and none of ours."""
        other, case = self.world.hospital, self._records["/cases/"]
        fits = next((one for part, one in self._records.items() if part in path), case)
        return [str(fits.public_id), str((case if fits is other else other).public_id), ""]

    def _token(self, user: Any) -> str:
        held = [p.name for p in grants.grantable(user, AT)]
        if not held:  # a token needs a permission; this user has lost all since
            return ""
        made = tokens.make(
            user=user,
            label="contract",
            permissions=held,
            may_write=True,
            expires_at=AT + timedelta(days=1),
            by=user,
            at=AT,
        )
        return made.secret


@pytest.fixture
def house(db, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    settings.FANGKONG_DATA = tmp_path
    settings.ALLOWED_HOSTS = ["*"]
    cache.clear()
    # The requests share the connection of this test, which a server would close after each.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield House()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def keep(house: House, role: str, examples: int) -> Counter[int]:
    """Send so many cases to every operation; the statuses that came back."""
    headers = {"Accept-Language": "en"}
    if secret := house.secrets[role]:
        headers["Authorization"] = f"Bearer {secret}"
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", application, headers={**headers, **_schema_key(house)}
    )
    statuses: Counter[int] = Counter()
    faults: list[str] = []

    def timed(case: Any) -> tuple[Any, float]:
        began = time.process_time()
        return case.call(headers=headers), time.process_time() - began

    for found in schema.get_all_operations():
        operation = found.ok()
        if "imports/" in operation.path and operation.method.upper() == "POST":
            continue  # files: fangkong/surveillance/monitoring/tests/test_hostile.py

        @seed(20200205)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), known=st.sampled_from(house.ids(operation.path)))
        def send(case: Any, known: str) -> None:
            if known and "public_id" in (case.path_parameters or {}):
                case.path_parameters["public_id"] = known
            cache.clear()  # not a test of the throttle
            answer, took = timed(case)
            case.validate_response(answer, checks=CHECKS)
            for _time in range(AGAIN):  # this process also clears up what tests before it left
                if took >= SLOW:
                    if "Idempotency-Key" in (case.headers or {}):
                        case.headers["Idempotency-Key"] = str(uuid4())  # else the first answer
                    took = timed(case)[1]
            assert took < SLOW, f"{case.method} {case.path}: {took:.2f} s"
            statuses[answer.status_code] += 1

        try:
            send()
        except (Exception, BaseExceptionGroup) as fault:
            faults.append(f"{operation.label}: {_words(fault)}")
    assert faults == []
    return statuses


def _words(fault: BaseException) -> str:
    """What is wrong, also where several checks say so at once."""
    parts = getattr(fault, "exceptions", None)
    said = "; ".join(_words(one) for one in parts) if parts else f"{type(fault).__name__}: {fault}"
    return said[:600]


def _schema_key(house: House) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.secrets['headquarters']}"}


@pytest.mark.parametrize(("role", "examples"), ROLES.items())
def test_every_answer_is_told_in_the_schema_and_comes_at_once(house, role, examples):
    statuses = keep(house, role, examples)

    assert sum(statuses.values()) > 25 * examples
    if role == "nobody":
        assert set(statuses) <= {401, 405}
    else:
        assert {200, 404, 422} <= set(statuses), statuses


@pytest.mark.long
@pytest.mark.parametrize("role", list(ROLES)[:3])
def test_five_thousand_cases_find_no_gap_in_the_contract(house, role):
    assert sum(keep(house, role, examples=55).values()) > 1_650


def test_an_answer_that_the_schema_does_not_tell_is_found(house, monkeypatch):
    """The harness sees a planted fault."""
    from fangkong.places import queries

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(queries, "areas_open_to", broken)

    with pytest.raises(AssertionError, match=r"ZeroDivisionError|erver error"):
        keep(house, "county", examples=3)
