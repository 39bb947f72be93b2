from django.urls import path

from . import views

app_name = "stock"
urlpatterns = [
    path("", views.index, name="index"),
    path("holdings/", views.holdings, name="holdings"),
    path("receive/", views.receive, name="receive"),
    path("issue/", views.issue, name="issue"),
    path("catalogue/take/", views.take_catalogue, name="take_catalogue"),
    path("items/new/", views.new_item, name="new_item"),
    path("items/<uuid:public_id>/", views.item, name="item"),
    path("items/<uuid:public_id>/change/", views.change_item, name="change_item"),
    path("items/<uuid:public_id>/curve/", views.item_curve, name="item_curve"),
    path("items/<uuid:public_id>/ledger/", views.ledger, name="ledger"),
    path("places/", views.places, name="places"),
    path("places/new/", views.open_place, name="open_place"),
    path("places/<uuid:public_id>/", views.place, name="place"),
    path("places/<uuid:public_id>/close/", views.close_place, name="close_place"),
    path("entries/", views.entries, name="entries"),
    path("entries/<uuid:public_id>/", views.entry, name="entry"),
    path("entries/<uuid:public_id>/reverse/", views.reverse_entry, name="reverse_entry"),
    path("lots/<uuid:public_id>/", views.lot, name="lot"),
    path("lots/<uuid:public_id>/hold/", views.hold, name="hold"),
    path("lots/<uuid:public_id>/let-go/", views.let_go, name="let_go"),
    path("lots/<uuid:public_id>/lose/", views.lose, name="lose"),
]
