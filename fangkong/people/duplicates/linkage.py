"""Which records may be one person: Splink on DuckDB, in a process of its own, in memory alone.

``python -m fangkong.people.duplicates.linkage`` reads persons from its standard input (a line of
JSON with the options, then an Arrow stream of ``COLUMNS``) and writes lines of JSON: how far it is,
the weights, the pairs. It asks no database of the house, writes no file and opens no connection.
Whoever started it keeps the input open; when that ends, this process ends too.

Source of the method: Fellegi and Sunter 1969, as Splink 5 counts it. A pair's weight is the base-2
logarithm of the odds that two records are one person: prior odds times m/u of each comparison.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

# What a person is compared by. ``documents``, ``phones`` and ``citizen`` hold blind indexes: they
# tell equal from unlike and nothing else. ``swapped``: the birth date with day and month changed
# about, where that is a date. ``town`` is empty where only the county is known.
COLUMNS = (
    "unique_id", "name", "pinyin", "initials", "first", "sex", "born", "swapped", "year", "county",
    "town", "citizen", "documents", "phones", "synthetic",
)  # fmt: skip

# Comparison -> level -> (m, u): the share of pairs of one person, and of two persons, that agree so
# far. Delivered for registers too small to train on, from Ganzi's areas, names and families as the
# demonstration invents them; ``benchmarks/duplicates.py`` measures them beside trained ones.
Shares = Mapping[str, Mapping[str, tuple[float, float]]]
DELIVERED: Shares = {
    "name": {
        "same": (0.78, 0.0008),
        "sound": (0.08, 0.0008),
        "near": (0.08, 0.003),
        "initials": (0.02, 0.004),
        "other": (0.04, 0.9914),
    },
    "born": {
        "same": (0.8, 0.00005),
        "swapped": (0.05, 0.00002),
        "near": (0.08, 0.0006),
        "year": (0.03, 0.013),
        "other": (0.04, 0.98633),
    },
    "document": {"same": (0.96, 0.0000001), "other": (0.04, 0.9999999)},
    "phone": {"same": (0.6, 0.00002), "other": (0.4, 0.99998)},
    "sex": {"same": (0.985, 0.5), "other": (0.015, 0.5)},
    "place": {"town": (0.75, 0.006), "county": (0.17, 0.06), "other": (0.08, 0.934)},
}
LEVELS: dict[str, dict[str, str]] = {
    "name": {
        "same": "name_l = name_r",
        "sound": "pinyin_l = pinyin_r",
        "near": (
            "(length(pinyin_l) > 5 AND damerau_levenshtein(pinyin_l, pinyin_r) <= 2)"
            " OR (length(name_l) > 2 AND damerau_levenshtein(name_l, name_r) = 1)"
        ),
        "initials": "initials_l = initials_r",
    },
    "born": {
        "same": "born_l = born_r",
        "swapped": "born_l = swapped_r",
        "near": (
            "damerau_levenshtein(born_l, born_r) = 1"
            " OR (abs(year_l - year_r) = 1 AND born_l[5:] = born_r[5:])"
        ),
        "year": "year_l = year_r",
    },
    "document": {"same": "len(list_intersect(documents_l, documents_r)) > 0"},
    "phone": {"same": "len(list_intersect(phones_l, phones_r)) > 0"},
    "sex": {"same": "sex_l = sex_r"},
    "place": {"town": "town_l = town_r", "county": "county_l = county_r"},
}
_UNKNOWN = {
    "name": "name_l IS NULL OR name_r IS NULL",
    "born": "born_l IS NULL OR born_r IS NULL",
    "document": "len(documents_l) = 0 OR len(documents_r) = 0",
    "phone": "len(phones_l) = 0 OR len(phones_r) = 0",
    "sex": "sex_l IS NULL OR sex_r IS NULL",
    "place": "county_l IS NULL OR county_r IS NULL",
}
# A number that so many share is a hotline, a village's or a mistake; it makes nobody a pair.
MOST_SHARING = 20
# A name that more bear than this is blocked with the year of birth, and with the township.
COMMON_NAME = 60
STEPS = 6


@dataclass(frozen=True)
class Options:
    """``bound``: bits under which no pair is told. ``least_to_train``: persons from which on the
    weights are trained on the register itself. ``most``: pairs told at most, the heaviest first.
    """

    bound: float = 2.0
    least_to_train: int = 20_000
    most: int = 50_000
    threads: int = 2
    megabytes: int = 2_000
    seed: int = 20200205


Tell = Callable[[Mapping[str, object]], None]


def link(persons: Any, options: Options, tell: Tell) -> None:
    """Tell the pairs of an Arrow table of ``COLUMNS`` that lie above the bound.

    Told are ``{"step": n, "of": STEPS}``, then ``{"weights": …, "from": …}``, then one
    ``{"pair": [smaller id, larger id, thousandths of a bit, levels]}`` each, and ``{"end": n}``.
    """
    import duckdb
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(
        config={
            "threads": options.threads,
            "memory_limit": f"{options.megabytes}MB",
        }
    )
    connection.execute("SET temp_directory = ''")  # what is personal is written on no disk
    connection.execute("SET enable_external_access = false")
    tell({"step": 1, "of": STEPS})
    connection.register("stated", persons)
    connection.execute(_PREPARED)
    connection.unregister("stated")
    api = DuckDBAPI(connection)
    shares, origin, prior = DELIVERED, "delivered", prior_of(len(persons))
    tell({"step": 2, "of": STEPS})
    if len(persons) >= options.least_to_train:
        trained = _trained(api, options, tell)
        if trained is not None:
            shares, origin = trained, "trained"
    tell({"weights": {name: dict(levels) for name, levels in shares.items()}, "from": origin})
    linker = Linker(api.register("persons"), _settings(shares, prior), log_level=None)
    tell({"step": 5, "of": STEPS})
    predicted = linker.inference.predict(threshold_match_weight=options.bound)
    tell({"step": 6, "of": STEPS})
    found = connection.execute(_told(predicted.physical_name), [options.most])
    count = 0
    while rows := found.fetchmany(1_000):
        for one, other, weight, *levels in rows:
            named = {name: level for name, level in zip(LEVELS, levels, strict=True) if level}
            tell({"pair": [one, other, round(weight * 1_000), named]})
            count += 1
    tell({"end": count})


def _told(predicted: str) -> str:
    """The pairs of Splink's table, the heaviest first, with the level that each comparison reached,
    which Splink does not hand out. Whoever has two citizen's numbers is two persons: no pair."""
    columns = ", ".join(f"l.{name} AS {name}_l, r.{name} AS {name}_r" for name in COLUMNS[1:-1])
    levels = ", ".join(_level(name) for name in LEVELS)
    return f"""
        WITH pairs AS (
            SELECT least(l.unique_id, r.unique_id) AS one,
                greatest(l.unique_id, r.unique_id) AS other, match_weight, {columns}
            FROM {predicted} JOIN persons l ON l.unique_id = unique_id_l
                JOIN persons r ON r.unique_id = unique_id_r
            WHERE l.synthetic = r.synthetic AND (l.citizen = r.citizen) IS NOT FALSE
            ORDER BY match_weight DESC, 1, 2 LIMIT ?
        )
        SELECT one, other, match_weight, {levels} FROM pairs ORDER BY match_weight DESC, 1, 2
    """  # noqa: S608  # our own names


def _level(name: str) -> str:
    reached = " ".join(f"WHEN {sql} THEN '{level}'" for level, sql in LEVELS[name].items())
    return f"CASE WHEN {_UNKNOWN[name]} THEN NULL {reached} ELSE 'other' END"


def prior_of(persons: int) -> float:
    """The share of pairs that are one person, before anything is compared: of fifty persons one was
    entered twice; in a small register less, or each family with one phone would be a pair."""
    return min(0.0001, 0.04 / max(persons, 1))


_PREPARED = f"""
    CREATE TABLE persons AS
    WITH busy AS (
        SELECT coalesce(list(phone), []) AS shared FROM (
            SELECT phone FROM (SELECT unnest(phones) AS phone FROM stated)
            GROUP BY phone HAVING count(*) > {MOST_SHARING}
        )
    ), names AS (
        SELECT name AS bearing, count(*) AS bearers FROM stated GROUP BY name
    )
    SELECT stated.* REPLACE (
            list_filter(phones, lambda one: NOT list_contains(shared, one)) AS phones
        ),
        CASE WHEN bearers <= {COMMON_NAME} THEN name END AS rare_name,
        CASE WHEN bearers > {COMMON_NAME} THEN name || '|' || town END AS name_town,
        CASE WHEN bearers > {COMMON_NAME} THEN name || '|' || year END AS name_year
    FROM stated CROSS JOIN busy LEFT JOIN names ON bearing = name
"""  # noqa: S608  # our own numbers


def _blocks() -> list[Any]:
    """Which pairs are compared at all."""
    from splink import block_on

    return [
        block_on("documents", arrays_to_explode=["documents"]),
        block_on("phones", arrays_to_explode=["phones"]),
        block_on("rare_name"),
        block_on("name_town"),
        block_on("name_year"),
        block_on("pinyin", "year"),
        block_on("born", "first"),
    ]


def _settings(shares: Shares, prior: float) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "probability_two_random_records_match": prior,
        "comparisons": [_comparison(name, shares[name]) for name in LEVELS],
        "blocking_rules_to_generate_predictions": [one.get_blocking_rule("duckdb").as_dict()
            for one in _blocks()],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "em_convergence": 0.001,
    }  # fmt: skip


def _comparison(name: str, shares: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": _UNKNOWN[name], "label_for_charts": "unknown", "is_null_level": True}
    ]
    for level in (*LEVELS[name], "other"):
        m, u = shares[level]
        one: dict[str, Any] = {
            "sql_condition": LEVELS[name].get(level, "ELSE"),
            "label_for_charts": level,
            "m_probability": m,
            "u_probability": u,
        }
        if (name, level) == ("name", "same"):  # that two bear a rare name says more
            one |= {"tf_adjustment_column": "name", "tf_adjustment_weight": 1.0}
        levels.append(one)
    return {"output_column_name": name, "comparison_levels": levels}


def _trained(api: Any, options: Options, tell: Tell) -> Shares | None:
    """The shares of agreement learned from the register without labels; None where what was learned
    cannot be right.

    u from random pairs, m by expectation maximisation among those of one name and birth date, of
    one name and township, of one birth date and township. A level that too few pairs reach keeps
    what is delivered.
    """
    from splink import Linker, block_on

    settings = _settings(DELIVERED, prior_of(options.least_to_train))
    linker = Linker(api.register("persons"), settings, log_level=None)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=options.seed)
    tell({"step": 3, "of": STEPS})
    # Blocks in which much is one person: where nearly nothing is, something else is learned.
    for rule in (
        block_on("rare_name", "born"),
        block_on("rare_name", "sex", "town"),
        block_on("born", "sex", "town"),
    ):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True
        )
    tell({"step": 4, "of": STEPS})
    return sound(_shares_of(linker))


def _shares_of(linker: Any) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    found: dict[str, dict[str, tuple[float | None, float | None]]] = {}
    for comparison in linker.misc.save_model_to_json()["comparisons"]:
        name = comparison["output_column_name"]
        found[name] = {
            level["label_for_charts"]: (level.get("m_probability"), level.get("u_probability"))
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        }
    return found


def sound(
    trained: Mapping[str, Mapping[str, tuple[float | None, float | None]]],
) -> Shares | None:
    """Trained shares with delivered ones in the gaps, each comparison summing to one.

    None where the best level of a comparison would speak against one person: then the training has
    taken something else for a match, as it may in a register where nobody was entered twice.
    """
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for name, levels in DELIVERED.items():
        if name == "document":  # who was entered with the card twice is found at once, by the card
            found[name] = dict(levels)
            continue
        learned = {
            level: _either(trained.get(name, {}).get(level), delivered)
            for level, delivered in levels.items()
        }
        sums = [sum(shares[side] for shares in learned.values()) for side in (0, 1)]
        found[name] = {level: (m / sums[0], u / sums[1]) for level, (m, u) in learned.items()}
        best = next(iter(found[name].values()))
        if best[0] <= best[1] or found[name]["other"][0] >= found[name]["other"][1]:
            return None
        if name in ("name", "born") and best[0] < 0.2:
            return None
    return found


def _either(
    learned: tuple[float | None, float | None] | None, delivered: tuple[float, float]
) -> tuple[float, float]:
    m, u = learned or (None, None)
    known = [
        value if value is not None and math.isfinite(value) and value > 0 else other
        for value, other in zip((m, u), delivered, strict=True)
    ]
    return max(known[0], 1e-4), max(known[1], 1e-7)


# --- The process ----------------------------------------------------------------------------------


def _read(source: BinaryIO) -> tuple[Options, Any]:
    import pyarrow as pa

    options = Options(**json.loads(source.readline()))
    with pa.ipc.open_stream(source) as stream:
        return options, stream.read_all()


def _ends_with(source: BinaryIO) -> None:
    """When whoever started this process is gone, so is this process."""

    def wait() -> None:
        source.read(1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(source: BinaryIO, out: TextIO) -> int:
    """Answer one question. What goes wrong is told by its kind alone: texts may hold a name."""

    def tell(said: Mapping[str, object]) -> None:
        out.write(json.dumps(said, separators=(",", ":")) + "\n")
        if "pair" not in said:
            out.flush()

    try:
        options, persons = _read(source)
        _ends_with(source)
        link(persons, options, tell)
    except Exception as problem:
        tell({"fault": type(problem).__name__})
        return 1
    out.flush()
    return 0


if __name__ == "__main__":
    os.nice(5)
    _out, sys.stdout = sys.stdout, sys.stderr  # whatever a package prints is no answer
    sys.exit(main(sys.stdin.buffer, _out))
