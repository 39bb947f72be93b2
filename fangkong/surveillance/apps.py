from django.apps import AppConfig


class SurveillanceConfig(AppConfig):
    name = "fangkong.surveillance"
    label = "surveillance"
    verbose_name = "Surveillance"

    def ready(self) -> None:
        """Staff of a hospital know the persons of the cases that it reported."""
        from fangkong.people.types import known_to_facility

        from .monitoring import queries

        known_to_facility(queries.patients_of)
