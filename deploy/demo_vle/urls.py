"""Every address of the VLE."""

from django.urls import path

from deploy.demo_vle import ags, nrps, oidc, registration, scores, services
from deploy.demo_vle.deep_linking import deep_linking_return
from deploy.demo_vle.pages import courses, files, grades, people, teaching, tools

COURSE = "courses/<int:course_id>/"
ACTIVITY = f"{COURSE}activities/<int:activity_id>/"
ADD = f"{COURSE}add/<int:tool_id>/"
REVIEW = f"{COURSE}grades/<int:item_id>/<str:member_id>/"
AGS = "ags/courses/<int:course_id>/lineitems"

urlpatterns = [
    # A course and its activities
    path("", courses.home, name="home"),
    path(COURSE, courses.course, name="course"),
    path(ACTIVITY, courses.activity, name="activity"),
    path(f"{ACTIVITY}launch/", courses.launch, name="launch"),
    path(f"{ACTIVITY}return/", courses.return_from_activity, name="return"),
    path(f"{COURSE}grades/", grades.grades, name="grades"),
    path(REVIEW, grades.review, name="review"),
    path(f"{REVIEW}launch/", grades.review_launch, name="review-launch"),
    # What its teacher does
    path(ADD, teaching.choose, name="choose"),
    path(f"{ADD}launch/", teaching.choose_launch, name="choose-launch"),
    path(f"{ADD}return/", deep_linking_return, name="deep-linking-return"),
    path(f"{ADD}plain/", teaching.add_plain_link, name="add-plain-link"),
    path(f"{ACTIVITY}duplicate/", teaching.duplicate, name="duplicate"),
    path(f"{ACTIVITY}remove/", teaching.remove, name="remove"),
    path(f"{COURSE}copy/", teaching.copy_course, name="copy-course"),
    # People
    path(f"{COURSE}people/", people.people, name="people"),
    path(f"{COURSE}people/<str:member_id>/", people.set_membership, name="set-membership"),
    path("me/", people.me, name="me"),
    path("me/data/<int:tool_id>/", people.my_data, name="my-data"),
    path("me/data/<int:tool_id>/launch/", people.my_data_launch, name="my-data-launch"),
    path("sign-in/", courses.sign_in, name="sign-in"),
    path("sign-out/", courses.sign_out, name="sign-out"),
    # Tools
    path("tools/", tools.tools, name="tools"),
    path("tools/connect/", tools.connect, name="connect"),
    path("tools/<int:tool_id>/activate/", tools.activate, name="activate"),
    path("tools/<int:tool_id>/remove/", tools.remove, name="remove-tool"),
    path("assets/<str:name>", files.asset, name="asset"),
    # LTI: who is launching, and who is a tool
    path(".well-known/openid-configuration", registration.openid_configuration, name="openid-configuration"),
    path("registration/", registration.registration, name="registration"),
    path("auth/", oidc.auth, name="auth"),
    path("jwks/", files.jwks, name="jwks"),
    path("token/", services.token, name="token"),
    # LTI: services
    path(AGS, ags.line_items, name="line-items"),
    path(f"{AGS}/<int:item_id>", ags.line_item, name="line-item"),
    path(f"{AGS}/<int:item_id>/scores", scores.scores, name="scores"),
    path(f"{AGS}/<int:item_id>/results", scores.results, name="results"),
    path("nrps/courses/<int:course_id>/memberships", nrps.memberships, name="memberships"),
]
