"""Certificates: numbers, what they say for good, and what anybody may check of one."""

import re
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from grading import certificates, register
from grading.models import Certificate, CpdRecord, Enrolment, PersonalPart, RegisterChain
from lti_tool.models import Context, LtiUser, School
from tests import factories
from tests.platforms.browser import Visitor
from tests.platforms.fake import FakePlatform

pytestmark = pytest.mark.django_db

# A summer evening in London, and the next day in UTC+2: the day on the certificate is London's.
PASSED_AT = datetime(2026, 7, 1, 22, 59, tzinfo=UTC)


@pytest.fixture
def enrolment(db: None) -> Enrolment:
    """Amina's, at Hillside School."""
    deployment = factories.make_deployment(school=factories.make_school())
    return factories.make_enrolment(link=factories.make_link(factories.make_course(deployment)))


@pytest.fixture
def certificate(enrolment: Enrolment) -> Certificate:
    factories.take(enrolment, 90, now=PASSED_AT)
    return Certificate.objects.get()


def page(path: str, **extra: str) -> tuple[int, str]:
    """A public page as a stranger sees it: the status, and the words."""
    response = Client(headers={"host": "tool.example"}).get(path, secure=True, **extra)
    body = response.content.decode()
    # Without the help that stands on every page.
    main = body.partition("<main")[2].partition("</main>")[0].partition("<aside")[0]
    return response.status_code, " ".join(re.sub(r"<[^>]*>", " ", f"<main{main}").split())


def words_of(pdf: bytes) -> str:
    return " ".join(" ".join(sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages).split())


# --- numbers ------------------------------------------------------------------------------------------------


def test_a_number_has_three_groups_of_four_symbols_that_cannot_be_mistaken() -> None:
    codes = [certificates.new_code() for _ in range(300)]

    assert [
        code for code in codes if not re.fullmatch("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code)
    ] == []
    assert len(set(codes)) == 300
    assert {symbol for code in codes for symbol in code} == {*certificates.ALPHABET, "-"}


@pytest.mark.parametrize(
    "typed",
    [
        "1QX0-M2KD-9PTA",
        "1qx0-m2kd-9pta",
        "1QX0M2KD9PTA",
        " 1QX0 M2KD 9PTA\n",
        "IQXO-M2KD-9PTA",
        "lqxo m2kd 9pta",
        "1QX0–M2KD—9PTA",
        "№ 1QX0.M2KD.9PTA"[2:],
    ],
)
def test_a_number_is_read_as_people_type_it(typed: str) -> None:
    assert certificates.normal_code(typed) == "1QX0-M2KD-9PTA"


def test_every_number_reads_as_itself() -> None:
    for _ in range(200):
        code = certificates.new_code()
        assert certificates.normal_code(code) == certificates.normal_code(code.lower()) == code


@pytest.mark.parametrize(
    ("minutes", "hours"), [(20, "0.3"), (35, "0.5"), (59, "0.9"), (60, "1.0"), (95, "1.5")]
)
def test_hours_are_never_rounded_up(minutes: int, hours: str) -> None:
    assert certificates.cpd_hours(minutes) == hours


# --- what is written ----------------------------------------------------------------------------------------


def test_the_line_says_all_that_the_certificate_says(enrolment: Enrolment, certificate: Certificate) -> None:
    assert certificate.record.facts == {
        "certificate": certificate.code,
        "module": "all-staff-awareness",
        "module_version": "1.0",
        "content_hash": "sha256:0123456789abcdef",
        "title": "Responding to nudes and semi-nudes",
        "outcomes": ["Say what to do first.", "Say what never to do."],
        "minutes": 35,
        "guidance_edition": "DSIT 2024",
        "review_status": "reviewed 2026",
        "nation": "england",
        "audience": "school",
        "language": "en",
        "percentage": 90,
        "pass_mark": 80,
        "attempt": 1,
        "begun_at": enrolment.started_at.isoformat(),
        "completed_at": "2026-07-01T22:59:00+00:00",
        "completed_on": "2026-07-01",
        "renew_by": "2027-07-01",
        "provider": "SafeResponse",
        "school": "Hillside School",
        "course": "Safeguarding",
    }
    user = enrolment.lti_user
    assert certificate.record.personal.facts == {
        "name": "Amina Yusuf",
        "person": user.person_id,
        "issuer": user.registration.issuer,
        "client_id": user.registration.client_id,
        "sub": user.sub,
        "sourcedid": "",
    }
    assert (certificate.issued_at, certificate.renew_by) == (PASSED_AT, date(2027, 7, 1))


def test_the_day_is_the_one_in_london(enrolment: Enrolment) -> None:
    factories.take(enrolment, 90, now=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    assert CpdRecord.objects.get().facts["completed_on"] == "2026-07-02"


def test_a_leap_day_is_renewed_on_the_28th(enrolment: Enrolment) -> None:
    factories.take(enrolment, 90, now=datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert Certificate.objects.get().renew_by == date(2029, 2, 28)


def test_a_name_that_the_person_chose_stands_on_it(enrolment: Enrolment) -> None:
    enrolment.lti_user.person.certificate_name = "Amina Y. Yusuf"
    enrolment.lti_user.person.save()
    factories.take(enrolment, 90)

    assert PersonalPart.objects.get().holder_name == "Amina Y. Yusuf"


def change_everything(enrolment: Enrolment) -> None:
    """What lives on: the school, the course, the activity and the person are called otherwise now."""
    School.objects.update(name="Riverside Academy")
    Context.objects.update(title="Something else", school=factories.make_school("Third School"))
    LtiUser.objects.update(name="Somebody Else")
    type(enrolment.activity).objects.update(title="Another title", pass_mark=50, nation="wales")


def test_later_changes_alter_nothing(enrolment: Enrolment, certificate: Certificate) -> None:
    before = certificates.verification(certificate.code, today=date(2026, 7, 2))
    drawn = words_of(certificates.pdf(certificate))
    cache.clear()
    change_everything(enrolment)

    kept = Certificate.objects.get()
    assert certificates.verification(kept.code, today=date(2026, 7, 2)) == before
    assert words_of(certificates.pdf(kept)) == drawn
    assert register.verify(RegisterChain.objects.get()).broken_at is None


# --- what anybody may check ---------------------------------------------------------------------------------


def test_a_certificate_is_current_until_its_last_day(certificate: Certificate) -> None:
    def current(today: date) -> bool:
        found = certificates.verification(certificate.code, today=today)
        assert found is not None
        return found.current

    assert current(date(2026, 7, 1)) is True
    assert current(date(2027, 7, 1)) is True
    assert current(date(2027, 7, 2)) is False


def test_the_page_says_what_the_certificate_says_and_nothing_else(
    enrolment: Enrolment, certificate: Certificate
) -> None:
    Certificate.objects.update(renew_by=date(2999, 7, 1))
    status, words = page(f"/verify/{certificate.code}/")

    assert status == 200
    assert words == (
        "Current This certificate is current "
        "Holder Amina Yusuf "
        "Training Responding to nudes and semi-nudes "
        "School Hillside School "
        "Completed 1 July 2026 "
        "Renew by 1 July 2999 "
        "CPD hours 0.5 "
        "Guidance DSIT 2024 "
        "Content Reviewed 2026 "
        "Provider SafeResponse "
        f"Number {certificate.code} "
        "Check another certificate"
    )


def test_the_page_gives_away_nothing_of_the_vle(enrolment: Enrolment, certificate: Certificate) -> None:
    response = Client(headers={"host": "tool.example"}).get(f"/verify/{certificate.code}/", secure=True)
    user = enrolment.lti_user

    for secret in (user.sub, user.registration.issuer, user.registration.client_id, "Safeguarding", "90 %"):
        assert secret not in response.content.decode()
    assert response.cookies.keys() <= set()


def test_a_certificate_past_its_day_is_due_for_renewal(certificate: Certificate) -> None:
    Certificate.objects.update(renew_by=date(2020, 7, 1))
    status, words = page(f"/verify/{certificate.code}/")

    assert status == 200
    assert words.startswith("Due for renewal This certificate is due for renewal")


def test_the_page_forgives_how_the_number_is_typed(certificate: Certificate) -> None:
    typed = certificate.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert page(f"/verify/{typed}/")[0] == 200


def test_the_form_leads_to_the_page(certificate: Certificate) -> None:
    response = Client(headers={"host": "tool.example"}).get(
        "/verify/", {"code": certificate.code.lower()}, secure=True
    )
    assert (response.status_code, response["Location"]) == (302, f"/verify/{certificate.code}/")


@pytest.mark.parametrize(
    "code", ["0000-0000-0000", "x", "%00", "%F0%9F%98%80", "A" * 500, "..", "'%20OR%201=1"]
)
def test_a_number_that_nobody_holds_is_404(certificate: Certificate, code: str) -> None:
    assert page(f"/verify/{code}/")[0] == 404


def test_an_erased_holder_has_no_name_on_the_page(certificate: Certificate) -> None:
    PersonalPart.objects.update(facts={}, salt="")
    status, words = page(f"/verify/{certificate.code}/")

    assert status == 200
    assert "Holder Name no longer kept Training" in words


def test_numbers_are_looked_up_sixty_times_a_minute(certificate: Certificate) -> None:
    answers = [page(f"/verify/{certificates.new_code()}/")[0] for _ in range(60)]

    assert answers == [404] * 60
    assert page(f"/verify/{certificate.code}/")[0] == 429
    # Somebody else's minute is theirs.
    assert page(f"/verify/{certificate.code}/", REMOTE_ADDR="198.51.100.7")[0] == 200


def test_a_made_up_header_gives_no_fresh_minute(certificate: Certificate) -> None:
    """X-Forwarded-For is anybody's to write unless a proxy of ours stands in front."""
    for number in range(60):
        page("/verify/0000-0000-0000/", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")

    assert page("/verify/0000-0000-0000/", HTTP_X_FORWARDED_FOR="203.0.113.9")[0] == 429


# --- the document -------------------------------------------------------------------------------------------


def test_the_pdf_carries_the_name_and_the_number(certificate: Certificate) -> None:
    words = words_of(certificates.pdf(certificate))

    for said in (
        "Amina Yusuf",
        certificate.code,
        "Responding to nudes and semi-nudes",
        "Hillside School",
        "1 July 2026",
        "90%",
    ):
        assert said in words


def test_only_the_holder_downloads_it(gradebook: FakePlatform) -> None:
    """Amina has one; Ben is in the same course, and a stranger is nowhere."""
    amina, ben = Visitor(gradebook), Visitor(gradebook)
    amina.launch()
    ben.launch(lambda claims: claims.update(sub="user-2", name="Ben Brown"))
    hers = LtiUser.objects.get(sub="user-1")
    link = hers.launches.get().resource_link
    enrolment = factories.make_enrolment(factories.make_activity(link), hers)
    path = f"/certificate/{enrolment.pk}/"

    assert amina.client.get(path, secure=True).status_code == 404
    factories.take(enrolment, 90)
    code = Certificate.objects.get().code

    response = amina.client.get(path, secure=True)
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response["Content-Disposition"] == f'attachment; filename="certificate-{code}.pdf"'
    assert "Amina Yusuf" in words_of(response.content)
    assert code in words_of(response.content)
    assert ben.client.get(path, secure=True).status_code == 404
    assert Client(headers={"host": "tool.example"}).get(path, secure=True).status_code == 403


def test_of_enrolment(enrolment: Enrolment) -> None:
    assert certificates.of_enrolment(enrolment) is None
    factories.take(enrolment, 20)
    assert certificates.of_enrolment(enrolment) is None
    factories.take(enrolment, 90, now=timezone.now())
    assert certificates.of_enrolment(enrolment) == Certificate.objects.get()
