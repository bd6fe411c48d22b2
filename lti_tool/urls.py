from django.urls import path

from lti_tool import views

app_name = "lti"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("launch/", views.launch, name="launch"),
    path("continue/", views.continue_launch, name="continue"),
    path("jwks/", views.jwks, name="jwks"),
]
