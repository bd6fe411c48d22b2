from django.apps import AppConfig


class CourseContentConfig(AppConfig):
    name = "course_content"
    verbose_name = "Course content"

    def ready(self) -> None:
        from course_content import checks  # noqa: F401  (registers the system check)
