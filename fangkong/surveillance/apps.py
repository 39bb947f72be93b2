from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class SurveillanceConfig(AppConfig):
    name = "fangkong.surveillance"
    label = "surveillance"
    verbose_name = "Surveillance"

    def ready(self) -> None:
        """Staff of a hospital know the persons of the cases that it reported, and whom it tested.

        Emergency access finds a patient by the number of a card.
        Cases and specimens follow a person whose two records are joined.
        A person who asks what is held reads of cases in words; their cards are kept by law.
        """
        from fangkong.accounts.emergency.types import Finder, register
        from fangkong.core import slots
        from fangkong.core.dossier.types import in_words
        from fangkong.core.retention.queries import duty
        from fangkong.people.duplicates.types import follow
        from fangkong.people.types import known_to_facility

        from .monitoring import describe, joining, queries
        from .quality import views as quality
        from .testing import describe as tubes
        from .testing import joining as specimens_of_two
        from .testing import views as specimens
        from .testing.queries import tested_persons

        known_to_facility(queries.patients_of)
        known_to_facility(tested_persons)
        follow("surveillance.Case.person", stands=joining.stands)
        follow("surveillance.Specimen.person", stands=specimens_of_two.stands)
        slots.register("people.detail", specimens.of_person)
        slots.register("surveillance.monitoring.detail", quality.of_case)
        slots.register("surveillance.monitoring.detail", specimens.of_case)
        register(
            Finder(
                "card",
                _("Number of a report card"),
                queries.patient_by_card,
                lambda key: reverse("people:detail", args=[key]),
            )
        )
        in_words("surveillance.Case")(describe.in_words)
        in_words("surveillance.ReportCard")(describe.in_words)
        in_words("surveillance.Specimen")(tubes.in_words)
        duty("people.Person")(queries.cards_kept_by_law)
