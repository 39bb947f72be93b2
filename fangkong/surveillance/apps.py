from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class SurveillanceConfig(AppConfig):
    name = "fangkong.surveillance"
    label = "surveillance"
    verbose_name = "Surveillance"

    def ready(self) -> None:
        """Staff of a hospital know the persons of the cases that it reported, and whom it tested or
        visits.

        Emergency access finds a patient by the number of a card.
        Cases, specimens, contacts and observations follow a person whose two records are joined.
        A person who asks what is held reads of cases in words; their cards are kept by law.
        """
        from fangkong.accounts.emergency.types import Finder, register
        from fangkong.core import slots
        from fangkong.core.dossier.types import in_words
        from fangkong.core.retention.queries import duty
        from fangkong.people.duplicates.types import follow
        from fangkong.people.types import known_to_facility

        from .arrivals import describe as comers
        from .arrivals import joining as arrivals_of_two
        from .arrivals import views as arrivals
        from .arrivals.queries import known_to_gates
        from .monitoring import describe, joining, queries
        from .monitoring import views as cards
        from .quality import views as quality
        from .screening import describe as watching
        from .screening import joining as contacts_of_two
        from .screening import views as contacts
        from .screening.queries import watched_persons
        from .sweeps import joining as findings_of_two
        from .sweeps.queries import found_persons
        from .testing import describe as tubes
        from .testing import joining as specimens_of_two
        from .testing import views as specimens
        from .testing.queries import tested_persons

        known_to_facility(queries.patients_of)
        known_to_facility(tested_persons)
        known_to_facility(watched_persons)
        known_to_facility(known_to_gates)
        known_to_facility(found_persons)
        follow("surveillance.Case.person", stands=joining.stands)
        follow("surveillance.Specimen.person", stands=specimens_of_two.stands)
        follow("surveillance.Exposure.person", stands=contacts_of_two.contacts_stand)
        follow("surveillance.Observation.person", stands=contacts_of_two.observations_stand)
        follow("surveillance.Arrival.person", stands=arrivals_of_two.stands)
        follow("surveillance.Answer.person")
        follow("surveillance.Finding.person", stands=findings_of_two.stands)
        follow("surveillance.Asked.person")
        slots.register("people.detail", cards.of_person)
        slots.register("people.detail", specimens.of_person)
        slots.register("surveillance.monitoring.detail", quality.of_case)
        slots.register("surveillance.monitoring.detail", specimens.of_case)
        slots.register("people.detail", contacts.of_person)
        slots.register("people.detail", arrivals.of_person)
        slots.register("surveillance.monitoring.detail", contacts.of_case)
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
        in_words("surveillance.Observation")(watching.in_words)
        in_words("surveillance.Exposure")(watching.in_words)
        in_words("surveillance.Arrival")(comers.in_words)
        duty("people.Person")(queries.cards_kept_by_law)
