from django.urls import path

from fangkong.core.imports.addresses import addresses

from . import views
from .imports import CARDS
from .types import IMPORT

app_name = "monitoring"
urlpatterns = [
    path("", views.index, name="index"),
    path("find/", views.find, name="find"),
    path("report/", views.report, name="report"),
    path("counts/", views.counts, name="counts"),
    path("counts/chart/", views.counts_chart, name="counts_chart"),
    path("counts/map/", views.counts_map, name="counts_map"),
    *addresses(CARDS, IMPORT, home=__name__),
    path("overdue/<uuid:public_id>/", views.overdue, name="overdue"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/revise/", views.revise, name="revise"),
    path("<uuid:public_id>/accept/", views.accept, name="accept"),
    path("<uuid:public_id>/return/", views.send_back, name="return"),
]
