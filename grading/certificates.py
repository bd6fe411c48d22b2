"""Certificates: issued with a line of the register, rendered when somebody wants to see one."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from grading import register
from grading.certificate_pdf import CertificateFacts, render
from grading.models import Attempt, Certificate, CpdRecord, Enrolment, Result
from lti_tool.models import LtiUser, School

# Crockford's base 32: no I, L, O or U, so that a code read from paper is typed right.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12  # 60 bits: not to be guessed
# Staff are updated at least annually (Keeping children safe in education, England).
VALID_YEARS = 1
PDF_CACHE_SECONDS = 24 * 3600


def issue(attempt: Attempt, *, now: datetime) -> Certificate:
    """Issue the certificate of a passing attempt, and write its line of evidence.

    Everything it says is copied now: later changes of the module, the course or the school alter nothing.
    Must run inside the transaction that submits the attempt.
    """
    enrolment = attempt.enrolment
    code = new_code()
    renew_by = _years_later(timezone.localdate(now), VALID_YEARS)
    record = register.append(
        chain_name=chain_name(enrolment),
        kind=CpdRecord.Kind.COMPLETION,
        facts=_facts(attempt, code=code, now=now, renew_by=renew_by),
        personal=_personal(enrolment.lti_user),
        enrolment_number=enrolment.pk,
        now=now,
    )
    return Certificate.objects.create(code=code, record=record, issued_at=now, renew_by=renew_by)


def new_code() -> str:
    """A certificate's number, such as 7QX4-M2KD-9PTA."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(symbols[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def normal_code(typed: str) -> str:
    """A code as it is kept, from what somebody typed: case, spaces and look-alike letters are forgiven."""
    plain = "".join(c for c in typed.upper() if c.isalnum()).translate(str.maketrans("OIL", "011"))
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def school_of(enrolment: Enrolment) -> School | None:
    """The school a course belongs to: its own, else its deployment's (design decision 4)."""
    return enrolment.resource_link.context.school or enrolment.resource_link.deployment.school


def chain_name(enrolment: Enrolment) -> str:
    """One chain for each school; for each registration where no school is known."""
    school = school_of(enrolment)
    if school is not None:
        return f"school:{school.pk}"
    return f"registration:{enrolment.lti_user.registration_id}"


def verify_url(code: str) -> str:
    """Where anybody may check the certificate with this number."""
    return f"{settings.PUBLIC_URL}{reverse('grading:verify', args=[code])}"


def cpd_hours(minutes: int) -> str:
    """Taught minutes as hours with one decimal, never rounded up."""
    return str((Decimal(minutes) / 60).quantize(Decimal("0.1"), rounding=ROUND_DOWN))


def _facts(attempt: Attempt, *, code: str, now: datetime, renew_by: date) -> dict[str, object]:
    enrolment, module = attempt.enrolment, attempt.module_data
    school = school_of(enrolment)
    return {
        "certificate": code,
        "module": module["slug"],
        "module_version": module["version"],
        "content_hash": module["content_hash"],
        "title": module["title"],
        "outcomes": list(module["outcomes"]),
        "minutes": module["minutes"],
        "guidance_edition": module["guidance_edition"],
        "review_status": module["review_status"],
        "nation": module["nation"],
        "audience": module["audience"],
        "language": module["language"],
        "percentage": attempt.percentage,
        "pass_mark": enrolment.activity.pass_mark,
        "attempt": attempt.number,
        "begun_at": enrolment.started_at.isoformat(),
        "completed_at": now.isoformat(),
        "completed_on": timezone.localdate(now).isoformat(),
        "renew_by": renew_by.isoformat(),
        "provider": settings.PROVIDER_NAME,
        "school": school.name if school else "",
        "course": enrolment.resource_link.context.title,
    }


def _personal(lti_user: LtiUser) -> dict[str, object]:
    return {
        "name": lti_user.certificate_name,
        "person": lti_user.person_id,
        "issuer": lti_user.registration.issuer,
        "client_id": lti_user.registration.client_id,
        "sub": lti_user.sub,
        "sourcedid": lti_user.sourcedid,
    }


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the public page may say of a certificate: nothing but what its holder shows."""

    code: str
    current: bool
    holder_name: str
    title: str
    provider: str
    school: str
    completed_on: date
    renew_by: date | None
    guidance_edition: str
    review_status: str
    hours: str


def verification(code: str, *, today: date) -> Verification | None:
    """What is known of the certificate with this number; None when there is none."""
    certificate = (
        Certificate.objects.select_related("record__personal").filter(code=normal_code(code)).first()
    )
    if certificate is None:
        return None
    facts = certificate.record.facts
    return Verification(
        code=certificate.code,
        current=certificate.renew_by is None or today <= certificate.renew_by,
        holder_name=certificate.record.personal.holder_name,
        title=facts["title"],
        provider=facts["provider"],
        school=facts["school"],
        completed_on=date.fromisoformat(facts["completed_on"]),
        renew_by=certificate.renew_by,
        guidance_edition=facts["guidance_edition"],
        review_status=facts["review_status"],
        hours=cpd_hours(facts["minutes"]),
    )


def pdf(certificate: Certificate) -> bytes:
    """The certificate as an accessible PDF: rendered at the first wish, kept a day."""
    key = f"certificate-pdf:{certificate.code}"
    document: bytes | None = cache.get(key)
    if document is None:
        document = render(_pdf_facts(certificate))
        cache.set(key, document, PDF_CACHE_SECONDS)
    return document


def _pdf_facts(certificate: Certificate) -> CertificateFacts:
    facts = certificate.record.facts
    return CertificateFacts(
        holder_name=certificate.record.personal.holder_name,
        module_title=facts["title"],
        outcomes=tuple(facts["outcomes"]),
        provider=facts["provider"],
        school=facts["school"],
        role="",
        nation=facts["nation"],
        audience=facts["audience"],
        completed_on=date.fromisoformat(facts["completed_on"]),
        minutes=facts["minutes"],
        cpd_hours=cpd_hours(facts["minutes"]),
        percentage=facts["percentage"],
        pass_mark=facts["pass_mark"],
        code=certificate.code,
        verify_url=verify_url(certificate.code),
        renew_by=certificate.renew_by,
        guidance_edition=facts["guidance_edition"],
        module_version=facts["module_version"],
        content_hash=facts["content_hash"],
        review_status=facts["review_status"],
        signatory="",
        language=facts["language"],
    )


def of_enrolment(enrolment: Enrolment) -> Certificate | None:
    """The certificate that an enrolment earned, if it did."""
    result = (
        Result.objects.filter(enrolment=enrolment).select_related("certificate__record__personal").first()
    )
    return result.certificate if result else None
