"""The second wall (行级安全): what a table says about whose rows are whose.

The first wall is the query that takes the user. Should one forget to, PostgreSQL still hands out
only the rows of the places that the user's offices reach (decision 0018). A model says::

    wall: ClassVar[Wall] = Wall(county="county_id", area="area_id", facility="facility_id")
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wall:
    """Which columns tell where a row belongs; each is a column's name or "".

    ``county``, ``area``, ``facility``: columns with the id of such a place; a row is open when one
    of them is reached. ``counties_too``, ``facilities_too``: a further column of that kind.
    ``stands``: a key to a table without a wall that has ``county_id`` and ``facility_id``; the row
    is open where one of these is reached.
    ``by``: a column with the id of a user, to whom the row is open. ``opened``: a column with the
    public id of a person, who may have been opened in an emergency. ``through``: a key to a walled
    table; the row is open when that row is. ``opens``: keys to rows that whoever sees this row
    sees too.
    """

    county: str = ""
    area: str = ""
    facility: str = ""
    counties_too: str = ""
    facilities_too: str = ""
    stands: str = ""
    by: str = ""
    opened: str = ""
    through: str = ""
    opens: tuple[str, ...] = ()
