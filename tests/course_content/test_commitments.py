from pathlib import Path
from typing import Any

import pytest

from course_content import catalogue
from course_content.packs import check_pack
from grading.models import Enrolment, StepProgress
from tests.course_content import every_kind
from tests.course_content.small_pack import line_of
from tests.course_content.test_views import get, post, sign_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment(every_kind_enrolment: Enrolment) -> Enrolment:
    return every_kind_enrolment


def commit(enrolment: Enrolment, **chosen: str) -> Any:
    return post(sign_in(enrolment.lti_user), "learn:commitment", enrolment.pk, "my-change", **chosen)


def module_page(enrolment: Enrolment) -> str:
    return text(get(sign_in(enrolment.lti_user), "learn:module", enrolment.pk))


def test_it_is_kept_with_the_enrolment_and_shown_back(enrolment: Enrolment) -> None:
    response = commit(enrolment, change="dsl", by_when="week")
    assert response.headers["Location"].endswith("/commitment/my-change/#kept")
    sentence = "I will find out who our DSL is, by the end of this week."
    assert sentence in text(get(sign_in(enrolment.lti_user), "learn:commitment", enrolment.pk, "my-change"))
    assert f"What you will change {sentence}" in module_page(enrolment)
    progress = StepProgress.objects.get(step="my-change")
    assert progress.done_at is not None
    assert [(one["answer"], one["words"]) for one in progress.choices] == [(["dsl", "week"], sentence)]


def test_another_can_be_chosen_and_the_first_stays_on_record(enrolment: Enrolment) -> None:
    commit(enrolment, change="dsl", by_when="week")
    commit(enrolment, change="listen", by_when="today")
    assert "I will listen before I ask, today." in module_page(enrolment)
    assert "find out who" not in module_page(enrolment)
    assert len(StepProgress.objects.get(step="my-change").choices) == 2


@pytest.mark.parametrize(
    ("chosen", "target"),
    [
        ({}, "id_change_0"),
        ({"change": "dsl"}, "id_by_when_0"),
        ({"change": "my own words", "by_when": "week"}, "id_change_0"),
    ],
)
def test_what_is_not_chosen_or_not_offered_is_an_error(
    enrolment: Enrolment,
    chosen: dict[str, str],
    target: str,
) -> None:
    html = commit(enrolment, **chosen).content.decode()
    assert f'href="#{target}"' in html
    assert f'id="{target}"' in html
    assert "<title>Error:" in html
    assert not StepProgress.objects.filter(step="my-change").exists()
    assert "What you will change" not in module_page(enrolment)


def test_not_now_is_an_answer_too(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    post(client, "learn:commitment-skip", enrolment.pk, "my-change")
    assert StepProgress.objects.get(step="my-change").skipped
    commit(enrolment, change="dsl", by_when="today")
    assert not StepProgress.objects.get(step="my-change").skipped


def test_the_sentence_lasts_though_the_pack_has_changed(
    enrolment: Enrolment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit(enrolment, change="dsl", by_when="week")
    folder = every_kind.broken(
        tmp_path / "p", "commitment.yaml", "id: dsl, text: find out who our DSL is", "id: d, text: read on"
    )
    monkeypatch.setattr(catalogue, "BUILT_IN", folder)
    catalogue.reload()
    assert "I will find out who our DSL is, by the end of this week." in module_page(enrolment)


def test_it_may_come_after_the_quiz_without_keeping_it_shut(enrolment: Enrolment) -> None:
    client = sign_in(enrolment.lti_user)
    for lesson in ("try", "look-back"):
        post(client, "learn:lesson-done", enrolment.pk, lesson)
    post(client, "learn:scenario-skip", enrolment.pk, "threads")
    assert "not open yet" in text(get(client, "learn:quiz", enrolment.pk))
    post(client, "learn:assessment-skip", enrolment.pk, "two-pupils")
    said = text(get(client, "learn:quiz", enrolment.pk))
    assert "Start the questions" in said
    assert "The last step" not in said
    assert get(client, "learn:commitment", enrolment.pk, "my-change").status_code == 200


def test_a_change_offered_twice_is_reported_with_its_line(tmp_path: Path) -> None:
    folder = every_kind.broken(tmp_path / "p", "commitment.yaml", "{id: listen,", "{id: dsl,")
    (problem,) = check_pack(folder).problems
    assert (problem.file, problem.field) == ("commitment.yaml", "changes[2].id")
    assert problem.line == line_of(folder, "commitment.yaml", "listen before")
