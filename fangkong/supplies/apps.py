from django.apps import AppConfig


class SuppliesConfig(AppConfig):
    name = "fangkong.supplies"
    label = "supplies"
    verbose_name = "Supplies"

    def ready(self) -> None:
        """Promised supplies are on their way where cover is counted; who sees proof of arrival."""
        from fangkong.core.files import types as files

        from .demand import pipeline
        from .demand import queries as demand
        from .sources import queries
        from .stock import queries as stock
        from .stock import types

        pipeline.provider(queries.coming)
        pipeline.provider(demand.sent)
        files.show_to(types.PROOF, stock.sees_shipment)
        files.show_to(types.PAPERS, stock.sees_release)
