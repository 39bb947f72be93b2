"""Pages of the shell: the desk at the root, and pages that look into every room."""

from __future__ import annotations

from django.urls import include, path, re_path

from . import badges, errors, find, style_guide
from .command_screen import views as command_screen
from .desk import views as desk
from .health import alive, metrics, ready
from .privacy import views as privacy
from .queue import views as queue
from .rulepacks import views as rulepacks
from .tokens import views as tokens
from .trail import review_views as trail_review
from .trail import sight_views as trail_sights
from .trail import views as trail
from .watch import views as watch

urlpatterns = [
    path("", desk.index, name="desk"),
    path("desk/_work/", desk._work, name="desk_work"),
    path("command/", command_screen.index, name="command_screen"),
    path("command/_panels/", command_screen._panels, name="command_panels"),
    path("command/map.json", command_screen.map_data, name="command_map"),
    path("command/curve.json", command_screen.curve_data, name="command_curve"),
    path("packs/", rulepacks.index, name="packs"),
    path("packs/differences/", rulepacks.differences, name="pack_differences"),
    path("packs/<slug:pack_id>/", rulepacks.detail, name="pack"),
    path("trail/", trail.index, name="audit"),
    path("trail/record/<str:kind>/<int:key>/", trail.record, name="trail_record"),
    path("trail/find/", trail_sights.find, name="trail_find"),
    path("trail/sights/", trail_sights.sights, name="trail_sights"),
    path("trail/review/", trail_review.review, name="trail_review"),
    path("trail/review/sign-off/", trail_review.sign_off, name="trail_sign_off"),
    path("trail/findings/<uuid:public_id>/", trail_review.settle, name="trail_settle"),
    path("privacy/", privacy.register, name="privacy"),
    path("privacy/terms/", privacy.terms, name="privacy_terms"),
    path("privacy/assess/", privacy.assess, name="privacy_assess"),
    path("jobs/", queue.index, name="jobs"),
    path("jobs/<uuid:public_id>/", queue.detail, name="job"),
    path("jobs/<uuid:public_id>/repeat/", queue.repeat, name="job_repeat"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/new/", tokens.new, name="token_new"),
    path("tokens/<uuid:public_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("watch/", watch.index, name="doctor"),
    path("watch/slow/", watch.slow, name="slow"),
    path("kit/", style_guide.index, name="style_guide"),
    path("kit/steps/", style_guide.steps, name="kit_steps"),
    path("find/", find.find, name="find"),
    path("badges.json", badges.show, name="badges"),
    path("demo/", include("fangkong.web.demo.urls")),
    re_path("^api/", errors.unknown_to_machines, name="api_unknown"),
    path("alive/", alive, name="alive"),
    path("ready/", ready, name="ready"),
    path("healthz", alive, name="healthz"),
    path("readyz", ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
