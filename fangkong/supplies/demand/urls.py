from django.urls import path

from . import views

app_name = "demand"
urlpatterns = [
    path("", views.index, name="index"),
    path("items/<uuid:public_id>/", views.item, name="item"),
    path("items/<uuid:public_id>/chart/", views.item_chart, name="item_chart"),
    path("places/<uuid:public_id>/", views.place, name="place"),
    path("places/<uuid:public_id>/<slug:code>/", views.cover, name="cover"),
    path("places/<uuid:public_id>/<slug:code>/chart/", views.cover_chart, name="cover_chart"),
    path("ahead/", views.ahead, name="ahead"),
    path("norms/", views.norms, name="norms"),
    path("needs/", views.needs, name="needs"),
    path("needs/ask/", views.ask, name="ask"),
    path("needs/<uuid:public_id>/", views.need, name="need"),
    path("needs/<uuid:public_id>/replace/", views.replace, name="replace"),
    path("needs/<uuid:public_id>/withdraw/", views.withdraw, name="withdraw"),
]
