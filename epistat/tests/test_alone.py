"""epistat by itself: loaded bit by bit, and installed without Fangkong."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import epistat

PACKAGE = Path(epistat.__file__).parent


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_part_is_there_by_its_name_once_the_package_is_loaded() -> None:
    python(f"import epistat\nfor name in {sorted(epistat._HOMES)}: getattr(epistat, name)")
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        epistat.nothing_of_ours  # noqa: B018  # looking is the point


def test_names_that_tools_see_are_those_that_are_loaded() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    [for_tools] = [part for part in tree.body if isinstance(part, ast.If)]
    seen = {
        name.name: (part.module or "").removeprefix("epistat").removeprefix(".")
        for part in for_tools.body
        if isinstance(part, ast.ImportFrom)
        for name in part.names
    }
    assert {name: home for name, home in seen.items() if home} == epistat._HOME
    assert sorted(seen) == sorted(epistat.__all__)
    for name in epistat.__all__:
        assert getattr(epistat, name) is not None
    assert set(epistat.__all__) <= set(dir(epistat))
    with pytest.raises(AttributeError, match="no attribute 'c4'"):
        getattr(epistat, "c4")  # noqa: B009  # the name is the point


def test_one_detector_does_not_load_the_others() -> None:
    loaded = python(
        "import sys; from epistat import moving_percentile, c2, Flag;"
        "print(sorted(name for name in sys.modules if name.startswith(('epistat.', 'scipy.'))))"
    )
    mine = {name for name in ast.literal_eval(loaded) if name.startswith("epistat.")}
    used = "calendar", "ears", "percentile", "result", "tails"
    assert mine == {f"epistat.{name}" for name in used}
    assert not {"scipy.stats", "scipy.optimize", "scipy.linalg"} & set(ast.literal_eval(loaded))


def test_all_names_come_with_a_star() -> None:
    assert python("from epistat import *; print(cori.__name__, PRESETS.keys())").startswith("cori")


@pytest.mark.long
def test_it_is_installed_alone_and_runs_its_example(tmp_path: Path) -> None:
    uv = str(Path(sys.executable).parent / "uv")
    there = {**os.environ, "PYTHONPATH": ""}

    def run(*command: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd, env=there
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable,
        "--out-dir", str(tmp_path), str(PACKAGE))  # fmt: skip
    [wheel] = tmp_path.glob("epistat-*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, "venv")
    own = str(tmp_path / "venv" / "bin" / "python")
    locked = ["--constraint", str(PACKAGE.parent / "requirements" / "app.txt")]
    run(uv, "pip", "install", "--quiet", "--python", own, *locked, str(wheel))
    packages = run(uv, "pip", "list", "--python", own, "--format", "freeze")
    assert re.findall(r"^([\w-]+)==", packages, re.MULTILINE) == ["epistat", "numpy", "scipy"]

    [example] = re.findall(
        r"```python\n(.*?)```", (PACKAGE / "README.md").read_text("utf-8"), re.DOTALL
    )
    run(own, "-c", example)
    where = run(own, "-c", "import epistat; print(epistat.__file__)")
    assert str(tmp_path) in where
    inside = run(own, "-c", "import importlib.metadata as m; print(*m.files('epistat'))")
    assert "tests" not in inside
    assert "epistat/py.typed" in inside
    assert "LICENSE" in inside
    counts = tmp_path / "counts.csv"
    days = "".join(f"a,2020-01-{day:02},{3 + day % 2}\n" for day in range(1, 30))
    counts.write_text("series,date,count\n" + days + "a,2020-01-30,19\n")
    command = str(tmp_path / "venv" / "bin" / "epistat")
    last = run(command, "detect", str(counts), "--method", "ears-c1").splitlines()[-1]
    assert last.startswith("a,2020-01-30,19,")
    assert ",1," in last or last.endswith(",1")
