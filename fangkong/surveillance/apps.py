from django.apps import AppConfig


class SurveillanceConfig(AppConfig):
    name = "fangkong.surveillance"
    label = "surveillance"
    verbose_name = "Surveillance"

    def ready(self) -> None:
        """Staff of a hospital know the persons of the cases that it reported.

        A person who asks what is held reads of cases in words; their cards are kept by law.
        """
        from fangkong.core.dossier.types import in_words
        from fangkong.core.retention.queries import duty
        from fangkong.people.types import known_to_facility

        from .monitoring import describe, queries

        known_to_facility(queries.patients_of)
        in_words("surveillance.Case")(describe.in_words)
        in_words("surveillance.ReportCard")(describe.in_words)
        duty("people.Person")(queries.cards_kept_by_law)
