"""docs/running.md leaves out no command and no setting."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from fangkong.config import cli, env, sign_in_env

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "running.md").read_text("utf-8")
# Read by the product for itself, set by no operator.
OURS = {"FANGKONG_PROOF", "FANGKONG_SERVED_BY"}


def commands() -> list[str]:
    (subs,) = [
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return sorted(subs.choices)


def settings() -> list[str]:
    """What the files that read the environment name as a string of its own."""
    files = [
        Path(str(env.__file__)),
        Path(str(sign_in_env.__file__)),
        ROOT / "tools" / "borders.py",
    ]
    read = "".join(file.read_text("utf-8") for file in files)
    return sorted(set(re.findall(r'"(FANGKONG_[A-Z_]+|DATABASE_URL|REDIS_URL)"', read)) - OURS)


@pytest.mark.parametrize("name", commands())
def test_every_command_stands_in_the_table_of_commands(name):
    table = PAGE.split("## Settings")[0]
    assert re.search(rf"^\|.*`fangkong {name}[` ].*\|$", table, re.MULTILINE)


@pytest.mark.parametrize("name", settings())
def test_every_setting_stands_in_a_table(name):
    assert re.search(rf"^\|.*`{name}`.*\|$", PAGE, re.MULTILINE)


def test_both_are_found_at_all():
    assert {"setup", "processing", "person-data", "audit", "detect"} <= set(commands())
    assert {"FANGKONG_DATA", "FANGKONG_MAIL", "FANGKONG_MAPS", "FANGKONG_OIDC_NAME"} <= set(
        settings()
    )


def test_a_blank_line_stands_before_every_heading():
    assert not re.findall(r"[^\n]\n#+ .*", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))
