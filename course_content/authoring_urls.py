"""The addresses of authors' pages. Those of a pack are the paths that `previews` makes."""

from django.urls import path

from course_content.views import authoring

_VARIANT = "packs/<str:pack>/<str:form>/<slug:nation>/<slug:audience>/<slug:language>/"

app_name = "authoring"
urlpatterns = [
    path("", authoring.index, name="index"),
    path("schema/<slug:kind>.schema.json", authoring.schema, name="schema"),
    path("packs/<str:pack>/", authoring.pack, name="pack"),
    path("packs/<str:pack>/<str:form>/", authoring.form, name="form"),
    path(_VARIANT, authoring.variant, name="variant"),
    path(f"{_VARIANT}step/<slug:step>/", authoring.step, name="step"),
    path(f"{_VARIANT}guidance/", authoring.guidance, name="guidance"),
    path(f"{_VARIANT}differs/", authoring.differs, name="differs"),
]
