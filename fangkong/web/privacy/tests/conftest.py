from fangkong.web.tests.conftest import (
    administrator,
    areas,
    auditor,
    daofu,
    headquarters,
    look,
    morning,
)

__all__ = ["administrator", "areas", "auditor", "daofu", "headquarters", "look", "morning"]
