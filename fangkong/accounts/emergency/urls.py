from django.urls import path

from . import views

app_name = "emergency"
urlpatterns = [
    path("", views.index, name="index"),
    path("uses/", views.uses, name="uses"),
    path("uses/<uuid:public_id>/", views.check, name="check"),
    path("<uuid:public_id>/close/", views.close, name="close"),
]
