"""Who is using the VLE: one signed cookie that names a member. There are no passwords here."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from deploy.demo_vle.school import MEMBERS, Member

TWELVE_HOURS = 12 * 60 * 60


def signed_in_member(request: HttpRequest) -> Member | None:
    member_id = request.get_signed_cookie(settings.SESSION_COOKIE, default=None, max_age=TWELVE_HOURS)
    return MEMBERS.get(member_id) if member_id else None


def sign_in(response: HttpResponse, member: Member) -> None:
    response.set_signed_cookie(
        settings.SESSION_COOKIE,
        member.id,
        max_age=TWELVE_HOURS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_IS_SECURE,
    )


def sign_out(response: HttpResponse) -> None:
    response.delete_cookie(settings.SESSION_COOKIE, samesite="Lax")
