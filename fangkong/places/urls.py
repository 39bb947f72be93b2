from django.urls import path

from fangkong.core.imports.addresses import addresses

from . import views
from .types import IMPORT

app_name = "places"

urlpatterns = [
    path("", views.index, name="index"),
    path("facilities/", views.facilities, name="facilities"),
    *addresses(views.kind_of_import, IMPORT, home=__name__, below="import/<slug:what>/"),
    path("facilities/new/", views.add_facility, name="add_facility"),
    path("facilities/<uuid:public_id>/", views.facility, name="facility"),
    path(
        "facilities/<uuid:public_id>/edit/",
        views.change_facility,
        name="change_facility",
    ),
    path(
        "facilities/<uuid:public_id>/contacts/new/",
        views.add_contact,
        name="add_contact",
    ),
    path(
        "facilities/<uuid:public_id>/contacts/<uuid:contact_id>/remove/",
        views.remove_contact,
        name="remove_contact",
    ),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/density/", views.density, name="density"),
    path("<uuid:public_id>/people/", views.people, name="people"),
]
