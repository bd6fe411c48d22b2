"""The VLE's side of the tool: login, launch, keys, and the pages for when a browser keeps no cookies."""

import logging
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lti_tool import cookies, handover, keys, languages, launching, login_state, pylti, registrations, tallies
from lti_tool.doors import Door, door
from lti_tool.middleware import let_anybody_frame, let_frame, let_post_to
from lti_tool.models import ConnectionTally, DeepLinkingRequest, Launch
from lti_tool.rejections import LaunchRejected

logger = logging.getLogger("lti_tool.launch")

LOGIN_PARAMETERS = (
    "iss",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "client_id",
    "lti_deployment_id",
    "lti_storage_target",
)
# Names the login secret whose return proves that the browser keeps cookies in this frame.
PROBE = "sr_probe"
View = Callable[[HttpRequest], HttpResponse]


def rejecting(view: View) -> View:
    """Turn a refusal into its page and its one log line."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except LaunchRejected as rejected:
            # A pending deployment is for an admin to act on.
            waits = rejected.reason == "deployment_pending"
            logger.log(
                logging.WARNING if waits else logging.INFO,
                "launch.rejected reason=%s detail=%s registration=%s",
                rejected.reason,
                rejected.detail or "-",
                rejected.registration or "-",
            )
            if rejected.registration:
                tallies.failed(
                    rejected.registration, ConnectionTally.Kind.LAUNCH, rejected.reason, timezone.now()
                )
            response = render(
                request,
                "lti_tool/rejected.html",
                {"rejected": rejected, "explanation": rejected.explanation},
                status=rejected.explanation.status,
            )
            let_anybody_frame(response)
            return response

    return wrapped


def _text(value: str) -> str:
    """A parameter as text that logs, URLs and databases can hold: no NUL, no lone surrogate."""
    if not value.isprintable():
        raise LaunchRejected("login_invalid", detail="characters")
    return value


@door(Door.PLATFORM)
@csrf_exempt
@require_http_methods(["GET", "POST"])
@rejecting
def login(request: HttpRequest) -> HttpResponse:
    """OIDC third-party initiated login (LTI security framework §5.1.1.1)."""
    sent = request.POST if request.method == "POST" else request.GET
    parameters = {name: _text(sent[name]) for name in LOGIN_PARAMETERS if name in sent}
    begun = pylti.begin_login(parameters)
    probe = sent.get(PROBE, "")
    if probe and not cookies.has_any(request):
        return _cookies_blocked(request, parameters, begun)
    if not probe and _needs_probe(request):
        response = HttpResponseRedirect(
            f"{reverse('lti:login')}?{urlencode({**parameters, PROBE: begun.secret.name})}"
        )
    else:
        response = HttpResponseRedirect(begun.auth_url)
    cookies.keep_login(request, response, begun.secret, in_place_of=probe)
    return response


def _needs_probe(request: HttpRequest) -> bool:
    """Whether the browser says that this is a frame, and has shown no cookie of ours in it yet.

    Asked before the VLE's one-use hint is spent: Moodle's cannot be used again.
    """
    framed = request.headers.get("Sec-Fetch-Dest", "") in {"iframe", "frame", "embed", "object"}
    return framed and not cookies.has_any(request)


def _cookies_blocked(
    request: HttpRequest, parameters: dict[str, str], begun: pylti.BegunLogin
) -> HttpResponse:
    """Platform storage where the VLE offers it; a new tab always."""
    response = render(
        request,
        "lti_tool/cookies_blocked.html",
        {
            "new_tab_url": f"{reverse('lti:login')}?{urlencode(parameters)}",
            "storage_target": parameters.get("lti_storage_target", ""),
            "platform_origin": registrations.origin(begun.registration.auth_url),
            "begun": begun,
            "key": cookies.LOGIN_PREFIX + begun.secret.name,
            "origins": (origins := registrations.service_hosts(begun.registration)),
        },
    )
    let_frame(response, [begun.registration.pk])
    # A choice made in the new tab comes back through this page. Whether there is one to make the launch will say.
    let_post_to(response, origins)
    return response


@door(Door.PLATFORM)
@csrf_exempt
@rejecting
def launch(request: HttpRequest) -> HttpResponse:
    """The launch that the platform's form posts (LTI 1.3 core §5.3). Moodle also looks in with a bare GET."""
    parameters = {name: request.POST.get(name, "") for name in ("id_token", "state", "error")}
    state = login_state.read(parameters["state"])
    secret = cookies.login_secret(request, state.browser)
    # Only our own page may show a secret in a form: whoever began a login knows its secret, and could have
    # somebody else's browser post it with their own launch.
    ours = request.headers.get("Origin") == settings.PUBLIC_URL
    from_storage = request.POST.get("sr_secret", "") if ours and not secret else ""
    # Asked once: a VLE that answers with nothing is not asked for ever.
    if not secret and state.storage and parameters["id_token"] and "sr_secret" not in request.POST:
        return _ask_platform_storage(request, parameters, state)
    verified = pylti.verify_launch(parameters, state, secret or from_storage)
    try:
        launched = launching.record(verified, now=timezone.now())
    except LaunchRejected as rejected:
        if rejected.reason == "deployment_pending":
            launching.note_pending_deployment(verified.registration, verified.claims.deployment_id)
        raise
    logger.info(
        "launch.accepted registration=%s deployment=%s message_type=%s",
        verified.registration.pk,
        verified.claims.deployment_id,
        verified.claims.message_type,
    )
    if from_storage:
        return _continue_in_new_tab(request, launched)
    response = _enter(request, launched)
    cookies.drop(response, [cookies.LOGIN_PREFIX + state.browser])
    return response


def _ask_platform_storage(
    request: HttpRequest, parameters: dict[str, str], state: login_state.LoginState
) -> HttpResponse:
    """The page that fetches the login's secret from the VLE's storage: the cookie did not come back."""
    registration = registrations.by_id(state.registration)
    if registration is None:
        raise LaunchRejected("registration_unknown")
    response = render(
        request,
        "lti_tool/ask_storage.html",
        {
            **parameters,
            "storage_target": state.storage,
            "platform_origin": registrations.origin(registration.auth_url),
            "key": cookies.LOGIN_PREFIX + state.browser,
        },
    )
    let_frame(response, [registration.pk])
    return response


def _enter(request: HttpRequest, launched: Launch) -> HttpResponse:
    """Sign in, and go to the page that the launch is for."""
    response = HttpResponseRedirect(reverse(settings.LTI_LANDING_URL, args=[launched.pk]))
    cookies.sign_in(request, response, registration=launched.registration_id, lti_user=launched.lti_user_id)
    languages.tell(request, response, launched.locale)
    return response


def _continue_in_new_tab(request: HttpRequest, launched: Launch) -> HttpResponse:
    chooses = DeepLinkingRequest.objects.filter(launch=launched).first()
    origins = [registrations.origin(chooses.return_url)] if chooses else []
    # No cookie of ours can say it in this frame; the new tab's launch tells its own.
    translation.activate(languages.understood(launched.locale) or translation.get_language() or "")
    response = render(
        request, "lti_tool/new_tab.html", {"token": handover.token_for(launched), "origins": origins}
    )
    let_frame(response, [launched.registration_id])
    let_post_to(response, origins)
    return response


@door(Door.PLATFORM)
@csrf_exempt  # no cookie of ours exists yet; the one-use token is the proof, and the form must be ours
@require_POST
@rejecting
def continue_launch(request: HttpRequest) -> HttpResponse:
    """The new tab: redeem the one-use token and sign in first-party."""
    if request.headers.get("Origin", settings.PUBLIC_URL) != settings.PUBLIC_URL:
        raise LaunchRejected("state_invalid", detail="origin")
    return _enter(request, handover.redeem(request.POST.get("token", ""), now=timezone.now()))


@door(Door.PUBLIC)
@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """Our public keys. Cached briefly, so that a rotated key is known before it signs everywhere."""
    response = JsonResponse(keys.public_keys())
    response["Cache-Control"] = f"public, max-age={keys.REREAD_SECONDS}"
    return response


@door(Door.PUBLIC)
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose protection did not match: say what to do, lose nothing that was saved."""
    response = render(request, "lti_tool/form_refused.html", status=403)
    let_anybody_frame(response)
    return response
