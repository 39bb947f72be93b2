from django.urls import path

from fangkong.core.imports.addresses import addresses
from fangkong.surveillance.testing.types import TEST

from . import views
from .imports import RESULTS

app_name = "exchange"
urlpatterns = [
    path("", views.index, name="index"),
    path("send/", views.send, name="send"),
    *addresses(RESULTS, TEST, home=__name__),
    path("messages/<uuid:public_id>/", views.message, name="message"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/match/", views.match, name="match"),
    path("<uuid:public_id>/aside/", views.set_aside, name="set_aside"),
]
