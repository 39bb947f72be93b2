"""Every template compiles: no unknown tag or filter, no missing parent.

python tools/check_templates.py
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def names() -> list[tuple[str, Path]]:
    """Every template of the product, as templates are named and where it lies."""
    found = []
    for folder in sorted((ROOT / "fangkong").glob("**/templates")):
        if "node_modules" not in folder.parts:
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            found += [(path.relative_to(folder).as_posix(), path) for path in files]
    return found


def main() -> int:
    """Compile all templates; 1 if any fails."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    import django
    from django.template import TemplateDoesNotExist, TemplateSyntaxError
    from django.template.base import FilterExpression
    from django.template.loader import get_template
    from django.template.loader_tags import ExtendsNode, IncludeNode

    django.setup()
    failed = 0
    for name, path in names():
        place = path.relative_to(ROOT).as_posix()
        try:
            template = get_template(name)
            # Django looks for the parent and the pieces when it draws the page; look for them now.
            nodes = template.template.nodelist  # type: ignore[attr-defined]  # of Django's engine
            for node in nodes.get_nodes_by_type((ExtendsNode, IncludeNode)):
                wanted = node.parent_name if isinstance(node, ExtendsNode) else node.template
                if isinstance(wanted, FilterExpression) and isinstance(wanted.var, str):
                    get_template(wanted.var)
        except TemplateDoesNotExist as problem:
            failed += 1
            print(f"{place}: there is no template {problem}")
        except TemplateSyntaxError as problem:
            failed += 1
            print(f"{place}:{line_of(problem)}: {problem}")
    return 1 if failed else 0


def line_of(problem: Exception) -> int:
    """The line that Django's exception points at, else the first."""
    token = getattr(problem, "token", None)
    if token is not None:
        return int(token.lineno)
    said = re.search(r"line (\d+)", str(problem))
    return int(said[1]) if said else 1


if __name__ == "__main__":
    sys.exit(main())
