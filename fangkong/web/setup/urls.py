from django.urls import path

from . import views

app_name = "setup"
urlpatterns = [
    path("", views.where, name="where"),
    path("enter/<str:code>/", views.enter, name="enter"),
    path("places/", views.places, name="places"),
    path("columns/", views.columns, name="columns"),
    path("preview/", views.preview, name="preview"),
    path("hospital/", views.hospital, name="hospital"),
    path("staff/", views.staff, name="staff"),
]
