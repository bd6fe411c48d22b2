from django.urls import path

from lti_tool import registration_views, views

app_name = "lti"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("launch/", views.launch, name="launch"),
    path("continue/", views.continue_launch, name="continue"),
    path("jwks/", views.jwks, name="jwks"),
    path("register/", registration_views.register, name="register"),
    path("register/by-hand/<str:family>/", registration_views.by_hand, name="register-by-hand"),
    path("canvas.json", registration_views.canvas, name="canvas-json"),
]
