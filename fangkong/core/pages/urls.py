from django.urls import path

from . import views

urlpatterns = [
    path("views/", views.save, name="save"),
    path("views/<uuid:public_id>/first/", views.open_with, name="open_with"),
    path("views/<uuid:public_id>/remove/", views.drop, name="drop"),
]
