from django.urls import path

from course_content.views import assessments, commitments, modules, picker, quizzes, reviews, steps

app_name = "learn"
urlpatterns = [
    path("launch/<int:launch_pk>/", modules.landing, name="landing"),
    path("choose/<int:launch_pk>/", picker.choose, name="picker"),
    path("choose/<int:launch_pk>/preview/", picker.preview, name="picker-preview"),
    path("choose/<int:launch_pk>/settings/", picker.settings, name="picker-settings"),
    path("choose/<int:launch_pk>/cancel/", picker.cancel, name="picker-cancel"),
    path("launch/<int:launch_pk>/review/", reviews.review, name="review"),
    path("link/<int:link_pk>/take/", modules.take, name="take"),
    path("<int:enrolment_pk>/", modules.module, name="module"),
    path("<int:enrolment_pk>/name/", modules.name, name="name"),
    path("<int:enrolment_pk>/lesson/<slug:step>/", steps.lesson, name="lesson"),
    path("<int:enrolment_pk>/lesson/<slug:step>/done/", steps.lesson_done, name="lesson-done"),
    path("<int:enrolment_pk>/lesson/<slug:step>/exercise/<slug:exercise>/", steps.exercise, name="exercise"),
    path("<int:enrolment_pk>/scenario/<slug:step>/", steps.scenario, name="scenario"),
    path("<int:enrolment_pk>/scenario/<slug:step>/begin/", steps.begin, name="scenario-begin"),
    path("<int:enrolment_pk>/scenario/<slug:step>/skip/", steps.skip, name="scenario-skip"),
    path("<int:enrolment_pk>/scenario/<slug:step>/decide/", steps.scenario_decide, name="scenario-decide"),
    path("<int:enrolment_pk>/scenario/<slug:step>/again/", steps.again, name="scenario-again"),
    path("<int:enrolment_pk>/assessment/<slug:step>/", assessments.assessment, name="assessment"),
    path("<int:enrolment_pk>/assessment/<slug:step>/begin/", steps.begin, name="assessment-begin"),
    path("<int:enrolment_pk>/assessment/<slug:step>/skip/", steps.skip, name="assessment-skip"),
    path("<int:enrolment_pk>/assessment/<slug:step>/say/", assessments.say, name="assessment-say"),
    path("<int:enrolment_pk>/assessment/<slug:step>/again/", steps.again, name="assessment-again"),
    path("<int:enrolment_pk>/commitment/<slug:step>/", commitments.commitment, name="commitment"),
    path("<int:enrolment_pk>/commitment/<slug:step>/skip/", steps.skip, name="commitment-skip"),
    path("<int:enrolment_pk>/quiz/", quizzes.quiz, name="quiz"),
    path("<int:enrolment_pk>/quiz/start/", quizzes.start, name="start"),
    path("attempt/<int:attempt_pk>/", quizzes.attempt, name="attempt"),
    path("attempt/<int:attempt_pk>/<int:number>/", quizzes.question, name="question"),
    path("attempt/<int:attempt_pk>/check/", quizzes.check, name="check"),
    path("attempt/<int:attempt_pk>/submit/", quizzes.submit, name="submit"),
    path("attempt/<int:attempt_pk>/result/", quizzes.result, name="result"),
    path("attempt/<int:attempt_pk>/delivery/", quizzes.delivery, name="delivery"),
]
