from django.urls import path

from . import import_views, views

app_name = "places"

urlpatterns = [
    path("", views.index, name="index"),
    path("facilities/", views.facilities, name="facilities"),
    path("import/<slug:what>/", import_views.index, name="imports"),
    path("import/<slug:what>/template.<str:kind>", import_views.template, name="import_template"),
    path("import/<slug:what>/<uuid:public_id>/", import_views.detail, name="import_detail"),
    path("import/<slug:what>/<uuid:public_id>/columns/", import_views.match, name="import_columns"),
    path(
        "import/<slug:what>/<uuid:public_id>/progress/",
        import_views.progress,
        name="import_progress",
    ),
    path(
        "import/<slug:what>/<uuid:public_id>/confirm/", import_views.confirm, name="import_confirm"
    ),
    path("import/<slug:what>/<uuid:public_id>/cancel/", import_views.cancel, name="import_cancel"),
    path(
        "import/<slug:what>/<uuid:public_id>/errors.csv", import_views.errors, name="import_errors"
    ),
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
