from django.apps import AppConfig


class SuppliesConfig(AppConfig):
    name = "fangkong.supplies"
    label = "supplies"
    verbose_name = "Supplies"

    def ready(self) -> None:
        """Promised supplies are on their way where cover is counted; who sees proof of arrival.

        A source hears of a receipt that is taken back.
        """
        from fangkong.core.files import types as files

        from .demand import pipeline
        from .demand import queries as demand
        from .sources import actions, queries
        from .stock import queries as stock
        from .stock import types, undoing

        pipeline.provider(queries.coming)
        pipeline.provider(demand.sent)
        undoing.listen(queries.hold_of_entry, actions.receipt_taken_back)
        files.show_to(types.PROOF, stock.sees_shipment)
        files.show_to(types.PAPERS, stock.sees_release)
