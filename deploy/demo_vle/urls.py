"""Every address of the VLE."""

from django.urls import path

from deploy.demo_vle import ags, nrps, oidc, pages, scores, services

AGS = "ags/courses/<str:course_id>/lineitems"

urlpatterns = [
    # Pages
    path("", pages.course, name="home"),
    path("courses/1/", pages.course, name="course"),
    path("courses/1/grades/", pages.grades, name="grades"),
    path("courses/1/activities/1/", pages.activity, name="activity"),
    path("courses/1/activities/1/launch/", pages.launch, name="launch"),
    path("courses/1/activities/1/return/", pages.return_from_activity, name="return"),
    path("sign-in/", pages.sign_in, name="sign-in"),
    path("sign-out/", pages.sign_out, name="sign-out"),
    path("assets/<str:name>", pages.asset, name="asset"),
    # LTI: who is launching
    path("auth/", oidc.auth, name="auth"),
    path("jwks/", pages.jwks, name="jwks"),
    path("token/", services.token, name="token"),
    # LTI: services
    path(AGS, ags.line_items, name="line-items"),
    path(f"{AGS}/<int:item_id>", ags.line_item, name="line-item"),
    path(f"{AGS}/<int:item_id>/scores", scores.scores, name="scores"),
    path(f"{AGS}/<int:item_id>/results", scores.results, name="results"),
    path("nrps/courses/<str:course_id>/memberships", nrps.memberships, name="memberships"),
]
