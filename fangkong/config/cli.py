"""The command ``fangkong``: each subcommand says what it does with ``--help``.

What cannot work is said in one line on standard error with what to do, and exit code 2; a
traceback is a defect.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

from fangkong import __version__
from fangkong.config import demo_day, env, new_prefecture, operating
from fangkong.config.env import WrongSetting
from fangkong.config.problems import CannotGoOn

NEEDED_PYTHON = (3, 11)
# Commands of epistat, told here because importing it takes a second; a test holds them together.
STATISTICS = {
    "detect": "Judge counts by day or week: which are high?",
    "clusters": "Scan counts by place for clusters in space and time.",
    "rt": "Reproduction numbers, growth and doubling times.",
    "nowcast": "What the cases of the last days will come to.",
    "forecast": "The cases of the next two weeks, with quantiles.",
    "evaluate": "Measure detectors on simulated or labelled outbreaks.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if sys.version_info < NEEDED_PYTHON:
        return _refuse(
            f"Python {sys.version.split()[0]} is too old: Fangkong needs 3.11 or newer. "
            "Install a newer Python and run `make run` again."
        )
    if args[:1] and args[0] in STATISTICS:
        from epistat import commands as statistics  # NumPy only: no settings, no database

        return statistics.run(args[0], args[1:], "fangkong")
    if args[:1] == ["allocate"]:
        from fangkong.supplies.allocation import command as allocation  # no settings, no database

        return allocation.run(args[1:])
    options = _parser().parse_args(args)
    if options.command is None:
        _parser().print_help()
        return 0
    if argv is None:
        _private()
    try:
        return int(options.call(options) or 0)
    except (CannotGoOn, WrongSetting) as problem:
        return _refuse(str(problem))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read it has read enough: fangkong doctor | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as problem:
        text = _known(problem)
        if not text:
            raise
        return _refuse(text)


def _private() -> None:
    """What this process makes, above all the data folder and the database, is for its owner only.

    Children inherit it: the worker, the processes of ``serve``, the new start after a set-up.
    """
    os.umask(os.umask(0o077) | 0o077)


def _refuse(text: str) -> int:
    print(f"fangkong: {text}", file=sys.stderr)
    return 2


def _known(problem: Exception) -> str:
    """The clear line for what can go wrong outside our code, or ""."""
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError
    from django.db import DatabaseError, OperationalError

    text = " ".join(str(problem).split())
    if isinstance(problem, CommandError):
        return text
    if isinstance(problem, OperationalError) and "disk is full" in text:
        return "the disk is full: nothing more was written. Free some space and start again."
    if isinstance(problem, OSError) and problem.errno == 28:
        return "the disk is full: nothing more was written. Free some space and start again."
    if isinstance(problem, OperationalError) and "unable to open database file" in text:
        return (
            "the database file cannot be opened. Check DATABASE_URL or FANGKONG_DATA, and that "
            "the folder exists and may be written to."
        )
    if isinstance(problem, OperationalError):
        return f"the database does not answer ({text[:200]}). Check DATABASE_URL and start it."
    if isinstance(problem, DatabaseError) and "file is not a database" in text:
        return "the database file is not a SQLite database. Point DATABASE_URL to another file."
    if isinstance(problem, ImproperlyConfigured):
        return f"the settings do not fit together: {text}"
    return ""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like everything else here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def _port(text: str) -> int:
    try:
        return env.port(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port: write a number between 1 and 65535"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fangkong", description="Epidemic prevention and control for a prefecture."
    )
    parser.add_argument("--version", action="version", version=f"fangkong {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(
        name: str, call: Callable[[argparse.Namespace], int | None], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(call=call)
        return sub

    run = command("run", _run, "Bring the database up to date and serve the pages and the worker.")
    run.add_argument("--host", help="address to listen on (FANGKONG_HOST, 127.0.0.1)")
    run.add_argument("--port", type=_port, help="port to listen on (FANGKONG_PORT, 8000)")
    run.add_argument(
        "--demo", action="store_true", help="load the demonstration into an empty database"
    )
    run.add_argument(
        "--no-worker",
        action="store_true",
        help="serve pages only; start `fangkong worker` yourself",
    )

    demo = command("demo", _demo, "Load the demonstration “Ganzi 2020” into an empty database.")
    demo.add_argument(
        "--day",
        type=_day,
        default=demo_day.DEFAULT,
        metavar="YYYY-MM-DD",
        help="the day that the demonstration calls today (2020-02-05)",
    )

    demo.add_argument(
        "--screening",
        action="store_true",
        help="go on to 5 February 2022 in a demonstration that stands: screening in pools of ten",
    )

    command("worker", _worker, "Carry out background jobs and schedules until stopped.")
    command("migrate", _migrate, "Bring the database up to date.")
    places = command("places", _places, "Load or refresh areas and facilities, or import a file.")
    places.add_argument("--check", action="store_true", help="only say what would change")
    places.add_argument("what", nargs="?", choices=["load", "import"], default="load")
    places.add_argument("file", nargs="?", type=Path, help="CSV or XLSX to import")
    places.add_argument("--kind", choices=["areas", "facilities"], default="areas")
    places.add_argument("--dry-run", action="store_true", help="write nothing, say what would be")
    counts = command("counts", _counts, "Compare the daily counts with the cases, or rebuild them.")
    counts.add_argument("--rebuild", action="store_true", help="correct what differs")
    replay = command("replay", _replay, "Judge past days again: which county was flagged when?")
    replay.add_argument("--from", dest="first", required=True, metavar="YYYY-MM-DD")
    replay.add_argument("--to", dest="last", required=True, metavar="YYYY-MM-DD")
    replay.add_argument(
        "--condition", action="append", default=[], help="only this disease, by its code"
    )
    admin = command("admin", _admin, "Make the first administrator of a new installation.")
    admin.add_argument("username")
    admin.add_argument("--name", required=True, help="the person's name")
    keys = command("keys", _keys, "The keys of sealed personal data: list, add, rotate.")
    keys.add_argument("what", choices=["list", "add", "rotate"])
    audit = command("audit", _audit, "Verify the audit trail, seal it now, or export it.")
    audit.add_argument("what", choices=["verify", "seal", "export"])
    audit.add_argument("--heads", default="", metavar="FILE", help="heads kept elsewhere")
    audit.add_argument("--first", default="", help="first day of an export (YYYY-MM-DD)")
    audit.add_argument("--last", default="", help="last day of an export (YYYY-MM-DD)")
    audit.add_argument("--to", default="", help="file of an export: AuditEvents of FHIR R4, NDJSON")
    copy = command("person-data", _person_data, "Write the copy that a person asked for to a file.")
    copy.add_argument("request", help="id of a granted request")
    copy.add_argument("--to", type=Path, required=True, help="the file to be written (ZIP)")
    copy.add_argument("--user", required=True, help="user name of who hands it over")
    processing = command("processing", _processing, "Print the register of processing.")
    processing.add_argument("--language", choices=["en", "zh-hans"], default="en")
    retention = command("retention", _retention, "What is due to be destroyed, by class.")
    retention.add_argument("--destroy", action="store_true", help="destroy it now")
    where = command("where", _where, "Show the files behind a page's address.")
    where.add_argument("url")
    command("check", _check, "Check settings, database and templates.")
    new_prefecture.add_command(command)
    operating.add_commands(command)
    alone = {**STATISTICS, "allocate": "Share out scarce goods: a problem as JSON."}
    for name, text in alone.items():
        commands.add_parser(name, help=text, add_help=False)
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day: write it as YYYY-MM-DD") from None


def _django() -> None:
    """Set Django up once; a wrong environment is told by ``WrongSetting``."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    django.setup()


def _call(command: str, /, *args: str, **options: object) -> None:
    _django()
    from django.core.management import call_command

    call_command(command, *args, **options)


def _need_database(*, triggers: bool = True) -> None:
    """Refuse to go on without an up-to-date database."""
    _django()
    from fangkong.config import serve

    serve.require_database(triggers=triggers)


def _run(options: argparse.Namespace) -> int:
    _django()
    from fangkong.config import serve

    return serve.run(
        host=options.host, port=options.port, demo=options.demo, worker=not options.no_worker
    )


def _demo(options: argparse.Namespace) -> None:
    _django()
    from fangkong.config import serve

    if options.screening:
        serve.screen_in_demo()
        return
    serve.prepare_database(demo=options.day)
    serve.load_demo(options.day)


def _worker(options: argparse.Namespace) -> None:
    _need_database()
    _call("worker")


def _migrate(options: argparse.Namespace) -> None:
    _django()
    from fangkong.config import serve

    serve.prepare_database()
    print("The database is up to date.")


def _places(options: argparse.Namespace) -> None:
    if (options.what == "import") != (options.file is not None):
        raise CannotGoOn("write `fangkong places import FILE`, or `fangkong places` alone.")
    _need_database()
    if options.what == "import":
        _call("import_places", str(options.file), kind=options.kind, dry_run=options.dry_run)
    else:
        _call("places", check=options.check)


def _counts(options: argparse.Namespace) -> None:
    _need_database()
    _call("counts", rebuild=options.rebuild)


def _replay(options: argparse.Namespace) -> None:
    _need_database()
    asked = ["--from", options.first, "--to", options.last]
    asked += [part for code in options.condition for part in ("--condition", code)]
    _call("replay", *asked)


def _admin(options: argparse.Namespace) -> None:
    _need_database()
    _call("admin", options.username, name=options.name)


def _keys(options: argparse.Namespace) -> None:
    _need_database()
    _call("keys", options.what)


def _audit(options: argparse.Namespace) -> None:
    _need_database(triggers=False)
    span = {"first": options.first, "last": options.last, "to": options.to}
    _call("audit", options.what, heads=options.heads, **span)


def _person_data(options: argparse.Namespace) -> None:
    _need_database()
    _call("person_data", options.request, to=options.to, user=options.user)


def _processing(options: argparse.Namespace) -> None:
    _call("processing", language=options.language)


def _retention(options: argparse.Namespace) -> None:
    _need_database()
    _call("retention", destroy=options.destroy)


def _where(options: argparse.Namespace) -> None:
    _call("where", options.url)


def _check(options: argparse.Namespace) -> None:
    _call("check", databases=["default"])


if __name__ == "__main__":
    sys.exit(main())
