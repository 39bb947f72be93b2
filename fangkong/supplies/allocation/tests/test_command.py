"""``fangkong allocate`` as a person or a program runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import jsonschema_rs
import pytest

from fangkong.supplies.allocation import command, words
from fangkong.supplies.allocation.reading import schema
from fangkong.supplies.allocation.types import MOST

from .making import plan_of

DOCS = Path(__file__).resolve().parents[4] / "docs" / "allocation"
CASE = [("A", 25, 10), ("B", 35, 20), ("C", 40, 50)]
PLACES = [{"id": name, "request": {"mask": request}, "monthly_consumption": {"mask": used}}
          for name, request, used in CASE]  # fmt: skip


def case(mode, **more):
    """The worked example of mSupply's issue 491."""
    return {"mode": mode, "items": [{"id": "mask", "stock": 50}], "places": PLACES, **more}


def run(*args, tmp_path, problem=None, typed=None):
    if problem is not None:
        text = problem if isinstance(problem, str) else json.dumps(problem)
        (tmp_path / "problem.json").write_text(text)
        args = (str(tmp_path / "problem.json"), *args)
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-X", "importtime" if "loaded" in args else "dev", "-m",
         "fangkong.config.cli", "allocate", *(a for a in args if a != "loaded")],
        input=typed, capture_output=True, text=True, timeout=60, check=False, env=env,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "shares"),
    [
        (case("by_consumption"), (6, 13, 31)),
        (case("by_request"), (13, 17, 20)),  # 12.5, 17.5, 20: the tie goes by name
        (case("by_need"), (5, 10, 24)),  # fourteen days for everybody, eleven are left
        (case("by_need", days=30), (7, 13, 30)),  # cover 21, 19.5 and 18 days, none can have more
    ],
    ids=["by_consumption", "by_request", "by_need", "by_need for 30 days"],
)
def test_the_golden_case(problem, shares):
    plan = plan_of(problem)

    assert tuple(share.quantity for share in plan.shares) == shares


def test_the_smallest_problem_is_answered_with_a_reason_for_each_line_and_without_django(tmp_path):
    answer = run("loaded", problem=case("by_consumption"), tmp_path=tmp_path)

    plan = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert [(s["place"], s["item"], s["quantity"]) for s in plan["shares"]] == [
        ("A", "mask", 6), ("B", "mask", 13), ("C", "mask", 31),
    ]  # fmt: skip
    assert all(share["reason"] for share in plan["shares"])
    loaded = {line.rsplit("|", 1)[1].strip() for line in answer.stderr.splitlines() if "|" in line}
    assert loaded.isdisjoint({"django", "django.conf", "highspy", "scipy"})


def test_reasons_come_in_chinese_and_a_problem_from_standard_input(tmp_path):
    answer = run("-", "--language", "zh", tmp_path=tmp_path, typed=json.dumps(case("by_request")))

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "每份申请满足50.0%" in json.loads(answer.stdout)["shares"][0]["reason"]


def test_a_plan_with_a_search_prints_nothing_but_the_plan(tmp_path):
    problem = case("by_need", days=30)
    problem["items"].append({"id": "kn95", "stock": 20})
    problem["substitutions"] = [{"item": "mask", "by": "kn95"}]

    answer = run(problem=problem, tmp_path=tmp_path)

    plan = json.loads(answer.stdout)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert sum(s["quantity"] for s in plan["shares"] if s["instead_of"] == "mask") == 20
    assert jsonschema_rs.validator_for(schema("plan")).is_valid(plan)


@pytest.mark.parametrize("name", ["problem", "plan"])
def test_the_schemas_are_valid_and_the_published_ones(name, tmp_path):
    answer = run("--schema", name, tmp_path=tmp_path)

    found = json.loads(answer.stdout)
    jsonschema_rs.meta.validate(found)
    assert found == schema(name) == json.loads((DOCS / f"{name}.schema.json").read_text("utf-8"))
    if name == "problem":
        judge = jsonschema_rs.validator_for(found)
        assert judge.is_valid(case("by_consumption"))
        assert not judge.is_valid({**case("by_request"), "days": 0})


def fault(change):
    problem = json.loads(json.dumps(case("by_request")))
    change(problem)
    return json.dumps(problem)


def put(*path):
    """A change that puts the last of ``path`` where the others lead."""

    def change(problem):
        *way, key, value = path
        for step in way:
            problem = problem[step]
        problem[key] = value

    return change


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (fault(put("items", 0, "stock", 50.5)), "/items/0/stock: is no whole number"),
        (fault(put("items", 0, "stock", "50")), "/items/0/stock: is no whole number"),
        (fault(put("items", 0, "stock", True)), "/items/0/stock: is no whole number"),
        (fault(put("items", 0, "stock", -1)), "/items/0/stock: must be at least 0"),
        (fault(put("items", 0, "stock", 1e30)), f"/items/0/stock: must be at most {MOST}"),
        (fault(put("items", 0, "stock", 10**30)), f"/items/0/stock: must be at most {MOST}"),
        (fault(put("items", 0, "stock", float("nan"))), "/items/0/stock: is not a number"),
        (fault(put("items", 0, "stock", float("inf"))), "/items/0/stock: is not a number"),
        (fault(put("items", 0, "pack", 0)), "/items/0/pack: must be at least 1"),
        (fault(put("items", 0, "id", 5)), "/items/0/id: must be a text"),
        (fault(put("items", 0, "lots", [{"id": "x", "quantity": 1}])), "/items/0: has both"),
        (fault(put("items", [{"id": "mask"}])), "/items/0: has neither"),
        (fault(put("items", [{"id": "mask", "stock": 1}] * 2)), "/items/1/id: is the id of"),
        (fault(put("items", [])), "/items: must not be empty"),
        (fault(put("places", [])), "/places: must not be empty"),
        (fault(put("places", 1, "id", "A")), "/places/1/id: is the id of another"),
        (fault(put("places", 1, "request", "gown", 3)), "/places/1/request/gown: names no item"),
        (fault(put("places", 1, "request", {})), ""),
        (fault(put("places", 1, "vehicle", "x")), "/places/1/vehicle: names no vehicle"),
        (fault(put("places", 1, "exposure", 10)), "/places/1/exposure: must be at most 9"),
        (fault(put("places", 1, "need", {"mask": [1, -1]})), "/places/1/need/mask/1: must be at"),
        (fault(put("places", 1, "colour", "red")), "/places/1/colour: is no word of a problem"),
        (fault(put("mode", "by_luck")), "/mode: must be one of"),
        (fault(put("first_day", "7.2.2020")), "/first_day: must be a day"),
        (fault(put("items", [{"id": "mask", "lots": [
            {"id": "a", "quantity": 1, "expires": "2020-02-30"}]}])),
         "/items/0/lots/0/expires: must be a day"),
        (fault(put("items", [{"id": "mask", "lots": [
            {"id": "a", "quantity": 1, "expires": "2020-02-28"}]}])), "/first_day: is needed"),
        (fault(put("items", [{"id": "mask", "lots": [
            {"id": "a", "quantity": 1, "only_for": ["nowhere"]}]}])),
         "/items/0/lots/0/only_for/0: names no place"),
        (fault(put("items", [{"id": "mask", "lots": [
            {"id": "a", "quantity": 1, "owner": "nobody"}]}])), "/items/0/lots/0/owner: is the"),
        (fault(put("substitutions", [{"item": "mask", "by": "mask"}])), "/substitutions/0/by: st"),
        (fault(put("mode", "by_need")).replace("monthly_consumption", "stock"),
         "/places/0/request/mask: has a request, but"),
        ('{"items": [{"id": "m", "stock": 1, "stock": 2}]}', "/items/0/stock: is there twice"),
        ('{"items": ', "is not JSON: Expecting value (line 1"),
        ("[" * 100_000, "is nested too deeply"),
        ("[" * 900 + "]" * 900, "must be an object"),
        (fault(put("places", 1, "id", "\ud800")), "/places/1/id: must be a text"),
        (fault(put("places", 1, "need", {"\x1b[31m\n": 1})), r"/need/\u001b[31m\u000a: names no"),
        ("[]", "must be an object"),
        ("1" * 10_000, "must be an object"),
    ],
)  # fmt: skip
def test_bad_input_is_told_with_its_place_and_what_to_do(text, said, tmp_path, capsys):
    (tmp_path / "problem.json").write_text(text)

    code = command.run([str(tmp_path / "problem.json")], out=BytesIO())

    told = capsys.readouterr().err
    if not said:  # the nearest right one
        assert (code, told) == (0, "")
        return
    assert code == 2
    assert said in told.splitlines()[0]
    assert len(told.splitlines()) <= 4
    assert told.startswith("fangkong allocate: ") and "Traceback" not in told


def test_each_fault_has_a_line_and_hundreds_are_counted(tmp_path, capsys):
    problem = case("by_request")
    problem["items"] = [{"id": "", "stock": -n} for n in range(1, 101)]
    (tmp_path / "problem.json").write_text(json.dumps(problem))

    assert command.run([str(tmp_path / "problem.json"), "--language", "zh"]) == 2

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 51
    assert lines[0].endswith("/items/0/id: 不能为空.")
    assert "另有150处错误" in lines[-1]


def test_what_is_no_text_or_too_large_or_not_there_is_refused(tmp_path, capsys, monkeypatch):
    (tmp_path / "latin").write_bytes(b"\xff\xfe{}")
    (tmp_path / "large").write_bytes(b" " * 3_000_000)
    monkeypatch.setattr(command, "MEGABYTES", 2)
    monkeypatch.setattr("fangkong.supplies.allocation.reading.MEGABYTES", 2)

    for name, said in [("latin", "is not UTF-8"), ("large", "is larger than 2 MB"),
                       ("nowhere", "there is no such file"), (".", "cannot be read")]:  # fmt: skip
        assert command.run([str(tmp_path / name)]) == 2
        assert said in capsys.readouterr().err


def test_every_reason_and_fault_has_its_words_in_both_languages():
    chinese = words.catalogue("zh")

    for text in [*words.REASONS.values(), *words.FAULTS.values()]:
        assert chinese(text) != text
