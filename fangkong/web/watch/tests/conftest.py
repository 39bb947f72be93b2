from fangkong.web.tests.conftest import administrator, areas, daofu, headquarters, look, morning

__all__ = ["administrator", "areas", "daofu", "headquarters", "look", "morning"]
