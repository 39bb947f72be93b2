"""The machines' door: what Django answers, what the schema tells and what the table knows agree.

Nothing is reachable under /api/ that is not told to machines and not asked by every role.
"""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import resolve

from fangkong.config.api import api

from .addresses import Address, addresses, operations_of
from .table import TABLE

# Not operations: the schema itself, its root, and the answer to an address that is not there.
BESIDE = {"api:openapi-json", "api:api-root", "api_unknown"}
METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}


def machines() -> list[Address]:
    return [address for address in addresses() if address.is_api]


def short_of(path: str) -> str:
    """The path of the schema as the table writes it: {id} -> <id>."""
    return re.sub(r"{(\w+)}", r"<\1>", path).removeprefix("/api/v1")


def told() -> set[str]:
    """The operations of the schema, as the table names them."""
    return {
        f"{method.upper()} {short_of(path)}"
        for path, item in api.get_openapi_schema()["paths"].items()
        for method in item
        if method in METHODS
    }


def untold(found: list[Address], schema: set[str]) -> set[str]:
    """What is reachable and stands in no schema or no table, or only there."""
    reachable = {address.key for address in found} - BESIDE
    known = {key for key in TABLE if " " in key}
    return (reachable ^ schema) | (reachable ^ known)


def test_what_is_reachable_is_told_and_asked_and_nothing_else():
    assert len(told()) > 40
    assert untold(machines(), told()) == set()


def test_only_the_schema_and_what_is_not_there_stand_beside_the_operations():
    assert {address.key for address in machines() if " " not in address.key} == BESIDE
    assert set(TABLE) >= BESIDE


@pytest.mark.parametrize(
    "hidden",
    [
        Address("GET /people/all/", "/api/v1/people/all/", ("GET",)),
        Address("DELETE /people/<public_id>/", "/api/v1/people/<public_id>/", ("DELETE",)),
        Address("people:secret", "/api/v1/secret/", ("GET", "POST")),
    ],
)
def test_an_operation_that_is_hidden_from_the_schema_is_found(hidden):
    assert untold([*machines(), hidden], told()) == {hidden.key}


def test_an_operation_that_is_told_and_not_there_is_found():
    gone = machines()[-1]
    less = [address for address in machines() if address.key != "GET /tasks/"]

    assert gone.key in BESIDE
    assert untold(less, told()) == {"GET /tasks/"}


def test_each_address_leads_to_its_own_operations_and_no_other_stands_before_it():
    """Django takes the first pattern that fits: one before it could swallow an operation."""
    wrong = []
    for address in machines():
        if " " not in address.key:
            continue
        values = {name: str(uuid4()) for name in address.parameters} | {
            "use": "x",
            "code": "513326",
        }
        view = operations_of(resolve(address.path(values)).func)
        methods = {method for one in view.operations for method in one.methods} if view else set()
        if not set(address.methods) <= methods:
            wrong.append(address.key)

    assert wrong == []
    assert operations_of(resolve("/api/v1/no/such/").func) is None


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post", "get"])
def test_a_method_that_is_not_told_is_refused(client, db, method):
    """By hand as well: each address takes the methods of the schema and no other."""
    schema = told()
    for address in machines():
        if " " not in address.key:
            continue
        short = address.key.partition(" ")[2]
        if f"{method.upper()} {short}" in schema:
            continue
        values = {name: str(uuid4()) for name in address.parameters}
        answer = getattr(client, method)(address.path({**values, "code": "513326", "use": "x"}))
        assert answer.status_code == 405, (method, address.key)
