from django.urls import include, path

from . import views

app_name = "people"
urlpatterns = [
    path("", views.index, name="index"),
    path("duplicates/", include("fangkong.people.duplicates.urls")),
    path("reveals/", views.reveals, name="reveals"),
    path("requests/", include("fangkong.people.requests.urls")),
    path("search/", views.search, name="search"),
    path("<uuid:public_id>/", views.detail, name="detail"),
    path("<uuid:public_id>/correct/", views.correct, name="correct"),
    path("<uuid:public_id>/document/", views.add_document, name="add_document"),
    path("<uuid:public_id>/phone/", views.add_phone, name="add_phone"),
    path(
        "<uuid:public_id>/numbers/<uuid:number_id>/remove/",
        views.remove_number,
        name="remove_number",
    ),
    path("<uuid:public_id>/reveal/", views.reveal, name="reveal"),
]
