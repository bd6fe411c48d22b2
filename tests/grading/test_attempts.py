"""Goes at the quiz: started, saved, submitted, each once however often it is asked for."""

from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from grading import attempts, enrolments
from grading.models import (
    Activity,
    Answer,
    Attempt,
    Certificate,
    CpdRecord,
    Enrolment,
    OutgoingScore,
    PersonalPart,
    RegisterChain,
    Result,
)
from grading.papers import Mark, Paper, PaperQuestion, QuestionMark
from tests import factories
from tests.factories import MODULE, PAPER, marks

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment(db: None) -> Enrolment:
    return factories.make_enrolment()


def rows() -> dict[str, int]:
    """How many rows of evidence there are."""
    kinds = (Result, Certificate, CpdRecord, PersonalPart, RegisterChain, OutgoingScore)
    return {kind.__name__: kind.objects.count() for kind in kinds}


ONE_OF_EACH = {
    "Result": 1,
    "Certificate": 1,
    "CpdRecord": 1,
    "PersonalPart": 1,
    "RegisterChain": 1,
    "OutgoingScore": 1,
}
NOTHING = dict.fromkeys(ONE_OF_EACH, 0)


def result_of(enrolment: Enrolment) -> tuple[int, bool]:
    result = Result.objects.get(enrolment=enrolment)
    return result.percentage, result.passed


def gradebook_figures(enrolment: Enrolment) -> list[int]:
    """Every figure that was queued for the gradebook, oldest first."""
    return list(enrolment.scores.order_by("pk").values_list("percentage", flat=True))


# --- start, save, submit ------------------------------------------------------------------------------------


def test_it_works(enrolment: Enrolment) -> None:
    now = timezone.now()
    attempt = factories.start(enrolment, now=now)
    attempts.save(attempt, "first", ["Tell the DSL"], now=now)

    submitted = attempts.submit(attempt, mark=marks(90), now=now)

    assert (submitted.number, submitted.percentage, submitted.passed) == (1, 90, True)
    assert submitted.submitted_at == now
    assert result_of(enrolment) == (90, True)
    assert rows() == ONE_OF_EACH
    assert Result.objects.get().certificate == Certificate.objects.get()


def test_start_twice_gives_the_open_attempt(enrolment: Enrolment) -> None:
    assert factories.start(enrolment) == factories.start(enrolment)
    assert enrolment.attempts.count() == 1


def test_start_draws_no_second_paper(enrolment: Enrolment) -> None:
    factories.start(enrolment)

    def draw() -> Paper:
        raise AssertionError("a paper was drawn for an attempt that is open")

    attempts.start(enrolment, draw=draw, module=MODULE, now=timezone.now())


def test_a_second_open_attempt_is_refused_by_the_database(enrolment: Enrolment) -> None:
    factories.start(enrolment)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(
            enrolment=enrolment, number=2, paper_data={}, module_data={}, started_at=timezone.now()
        )


def test_a_submitted_attempt_without_a_mark_is_refused_by_the_database(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(submitted_at=timezone.now())


def test_save_keeps_the_latest_answer(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    for value in (["Look at it"], ["Tell the DSL"]):
        assert attempts.save(attempt, "first", value, now=timezone.now()) is True

    assert attempts.saved_answers(attempt) == {"first": ["Tell the DSL"]}


def test_marking_gets_the_frozen_paper_and_the_saved_answers(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", ["Tell the DSL"], now=timezone.now())
    seen = []

    def mark(paper: Paper, answers: attempts.Answers) -> Mark:
        seen.append((paper, answers))
        return marks(50)(paper, answers)

    attempts.submit(attempt, mark=mark, now=timezone.now())

    assert seen == [(PAPER, {"first": ["Tell the DSL"]})]


def test_submit_twice_does_it_once(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    attempts.submit(attempt, mark=marks(85), now=timezone.now())

    again = attempts.submit(attempt, mark=marks(100), now=timezone.now())

    assert (again.percentage, again.passed) == (85, True)
    assert rows() == ONE_OF_EACH


def test_save_after_submit_changes_nothing(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", ["Tell the DSL"], now=timezone.now())
    attempts.submit(attempt, mark=marks(85), now=timezone.now())

    assert attempts.save(attempt, "first", ["Look at it"], now=timezone.now()) is False
    assert attempts.save(attempt, "never", ["Copy it"], now=timezone.now()) is False
    assert attempts.saved_answers(attempt) == {"first": ["Tell the DSL"]}


def test_the_paper_is_frozen(enrolment: Enrolment) -> None:
    """The pack moves on under an open attempt; the person's paper, marks and module do not."""
    attempt = factories.start(enrolment)
    newer = Paper("all-staff-awareness", "2.0", (PaperQuestion("other", {"text": "Another?"}),))

    same = attempts.start(enrolment, draw=lambda: newer, module=MODULE, now=timezone.now())
    attempts.submit(attempt, mark=marks(90), now=timezone.now())

    assert same.paper == PAPER
    kept = Attempt.objects.get()
    assert kept.paper == PAPER
    assert kept.module_data["version"] == "1.0"
    assert CpdRecord.objects.get().facts["module_version"] == "1.0"


def test_the_marks_are_kept(enrolment: Enrolment) -> None:
    given = Mark((QuestionMark("first", 1.0), QuestionMark("never", 0.5, critical=True)))
    attempts.submit(factories.start(enrolment), mark=lambda paper, answers: given, now=timezone.now())

    kept = Attempt.objects.get()
    assert kept.mark == given
    assert (kept.percentage, kept.passed) == (75, False)


def test_an_attempt_whose_marking_fails_stays_open(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", ["Tell the DSL"], now=timezone.now())

    def mark(paper: Paper, answers: attempts.Answers) -> Mark:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempts.submit(attempt, mark=mark, now=timezone.now())

    kept = Attempt.objects.get()
    assert (kept.is_open, kept.mark, kept.percentage) == (True, None, None)
    assert rows() == NOTHING
    assert attempts.save(attempt, "never", ["Copy it"], now=timezone.now()) is True
    attempts.submit(attempt, mark=marks(90), now=timezone.now())
    assert rows() == ONE_OF_EACH


# --- all at once --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_start_at_once_share_one_attempt(enrolment: Enrolment) -> None:
    started = factories.at_once(*[partial(factories.start, enrolment)] * 6)

    assert started == [Attempt.objects.get()] * 6


@pytest.mark.django_db(transaction=True)
def test_ten_submits_at_once_do_it_once(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    now = timezone.now()
    submit = [partial(attempts.submit, attempt, mark=marks(80 + n), now=now) for n in range(10)]

    submitted = factories.at_once(*submit)

    (percentage,) = {done.percentage for done in submitted}
    assert result_of(enrolment) == (percentage, True)
    assert rows() == ONE_OF_EACH


@pytest.mark.django_db(transaction=True)
def test_saves_and_a_submit_at_once_leave_what_was_marked(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    now = timezone.now()
    marked = []

    def mark(paper: Paper, answers: attempts.Answers) -> Mark:
        marked.append(dict(answers))
        return marks(90)(paper, answers)

    saves = [partial(attempts.save, attempt, "first", [str(n)], now=now) for n in range(6)]
    *kept, _ = factories.at_once(*saves, partial(attempts.submit, attempt, mark=mark, now=now))

    assert {type(answer) for answer in kept} == {bool}
    assert [attempts.saved_answers(attempt)] == marked


@pytest.mark.django_db(transaction=True)
def test_two_answers_to_different_questions_at_once_are_both_kept(enrolment: Enrolment) -> None:
    attempt = factories.start(enrolment)
    now = timezone.now()
    questions = [f"q{n}" for n in range(8)]

    factories.at_once(*[partial(attempts.save, attempt, q, ["yes"], now=now) for q in questions])

    assert attempts.saved_answers(attempt) == {question: ["yes"] for question in questions}


@pytest.mark.django_db(transaction=True)
def test_ten_people_of_one_school_submit_at_once(enrolment: Enrolment) -> None:
    people = [factories.make_enrolment(enrolment.activity) for _ in range(10)]

    done = factories.at_once(*[partial(factories.take, person, 90) for person in people])

    assert [attempt.passed for attempt in done] == [True] * 10
    assert rows() == {**dict.fromkeys(ONE_OF_EACH, 10), "RegisterChain": 1}
    assert RegisterChain.objects.get().length == 10


# --- the limit of attempts ----------------------------------------------------------------------------------


def test_the_limit_of_attempts(enrolment: Enrolment) -> None:
    Activity.objects.update(attempts_allowed=2)
    enrolment.refresh_from_db()

    assert attempts.attempts_left(enrolment) == 2
    factories.take(enrolment, 10)
    assert attempts.attempts_left(enrolment) == 1
    factories.take(enrolment, 20)
    assert attempts.attempts_left(enrolment) == 0
    with pytest.raises(attempts.NoAttemptsLeft):
        factories.start(enrolment)
    assert enrolment.attempts.count() == 2


def test_the_last_attempt_allowed_may_be_opened_again_until_it_is_submitted(enrolment: Enrolment) -> None:
    Activity.objects.update(attempts_allowed=1)
    enrolment.refresh_from_db()

    assert factories.start(enrolment) == factories.start(enrolment)
    assert attempts.attempts_left(enrolment) == 0


def test_without_a_limit_there_is_always_another(enrolment: Enrolment) -> None:
    for _ in range(5):
        factories.take(enrolment, 10)

    assert attempts.attempts_left(enrolment) is None
    assert factories.start(enrolment).number == 6


# --- what the attempts add up to ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keeps", "taken", "result", "queued"),
    [
        ("best", [60, 85], (85, True), [60, 85]),
        ("best", [85, 60], (85, True), [85]),
        ("best", [85, 95], (95, True), [85, 95]),
        ("best", [85, 85], (85, True), [85]),
        ("best", [60, 50, 60], (60, False), [60]),
        ("latest", [85, 60], (60, False), [85, 60]),
        ("latest", [60, 85, 70, 90], (90, True), [60, 85, 70, 90]),
        ("latest", [85, 85], (85, True), [85]),
    ],
)
def test_the_result_by_the_activitys_rule(
    enrolment: Enrolment, keeps: str, taken: list[int], result: tuple[int, bool], queued: list[int]
) -> None:
    """One score for each change of the result, and none without one."""
    Activity.objects.update(keeps=keeps)
    for percentage in taken:
        factories.take(enrolment, percentage)

    assert result_of(enrolment) == result
    assert gradebook_figures(enrolment) == queued


def test_the_pass_mark_is_a_pass_and_one_below_is_not(enrolment: Enrolment) -> None:
    assert factories.take(enrolment, 79).passed is False
    assert factories.take(enrolment, 80).passed is True


def test_a_critical_miss_fails_whatever_the_total(enrolment: Enrolment) -> None:
    attempt = factories.take(enrolment, 99, missed_critical=True)

    assert (attempt.percentage, attempt.passed) == (99, False)
    assert gradebook_figures(enrolment) == [79]
    assert OutgoingScore.objects.get().comment == (
        "99 %, not passed yet: a question that must be right was missed."
    )
    assert rows() == {**NOTHING, "Result": 1, "OutgoingScore": 1}


def test_a_critical_miss_below_the_pass_mark_keeps_its_figure(enrolment: Enrolment) -> None:
    factories.take(enrolment, 40, missed_critical=True)

    assert gradebook_figures(enrolment) == [40]
    assert OutgoingScore.objects.get().comment == "40 %, not passed yet: the pass mark is 80 %."


def test_a_pass_beats_a_fail_with_more_points(enrolment: Enrolment) -> None:
    factories.take(enrolment, 99, missed_critical=True)
    factories.take(enrolment, 82)

    assert result_of(enrolment) == (82, True)
    assert gradebook_figures(enrolment) == [79, 82]


def test_a_fail_with_more_points_does_not_beat_a_pass(enrolment: Enrolment) -> None:
    factories.take(enrolment, 82)
    factories.take(enrolment, 99, missed_critical=True)

    assert result_of(enrolment) == (82, True)
    assert gradebook_figures(enrolment) == [82]


@pytest.mark.parametrize("keeps", ["best", "latest"])
@pytest.mark.parametrize("later", [100, 85, 81, 10])
def test_a_retake_after_a_pass_issues_nothing_new(enrolment: Enrolment, keeps: str, later: int) -> None:
    Activity.objects.update(keeps=keeps)
    factories.take(enrolment, 85)
    certificate = Certificate.objects.get()
    factories.take(enrolment, later)

    assert Result.objects.get().certificate == certificate
    assert CpdRecord.objects.count() == 1
    assert CpdRecord.objects.get().facts["percentage"] == 85


def test_a_fail_after_a_pass_says_so_where_the_latest_counts(enrolment: Enrolment) -> None:
    Activity.objects.update(keeps="latest")
    factories.take(enrolment, 85)
    factories.take(enrolment, 30)

    newest = enrolment.scores.latest("pk")
    assert newest.comment == "30 %, not passed yet: the pass mark is 80 %."


# --- a name for the certificate -----------------------------------------------------------------------------


def test_without_a_name_nothing_is_kept_and_a_later_submit_works(enrolment: Enrolment) -> None:
    user = enrolment.lti_user
    type(user).objects.update(name="")
    attempt = factories.start(enrolment)
    attempts.save(attempt, "first", ["Tell the DSL"], now=timezone.now())

    with pytest.raises(attempts.NameMissing):
        attempts.submit(attempt, mark=marks(90), now=timezone.now())

    assert Attempt.objects.get().is_open is True
    assert Attempt.objects.get().mark_data is None
    assert rows() == NOTHING
    assert Answer.objects.count() == 1

    enrolments.keep_certificate_name(user, name="Amina Y.")
    attempts.submit(attempt, mark=marks(90), now=timezone.now())

    assert rows() == ONE_OF_EACH
    assert PersonalPart.objects.get().holder_name == "Amina Y."


def test_a_fail_needs_no_name(enrolment: Enrolment) -> None:
    type(enrolment.lti_user).objects.update(name="")

    assert factories.take(enrolment, 20).passed is False
    assert result_of(enrolment) == (20, False)
