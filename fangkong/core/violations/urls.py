from django.urls import path

from . import views

app_name = "violations"
urlpatterns = [path("", views.index, name="index")]
