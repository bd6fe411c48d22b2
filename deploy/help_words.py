"""Whom to tell and whom to call in a real incident, nation by nation."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


@dataclass(frozen=True, slots=True)
class HelpWords:
    """What differs between nations on the page "Dealing with a real incident now?"."""

    name: Words
    tell: Words
    who: Words
    nobody_there: Words
    # The numbers to call; empty where we know none for sure.
    emergency: str = "999"
    police: str = "101"


_CALL = _("Call your local children’s social care, or the police on 101. Any member of staff may do this.")

NATIONS = {
    "england": HelpWords(
        name=_("England"),
        tell=_("Tell your DSL now"),
        who=_("Your Designated Safeguarding Lead, or their deputy."),
        nobody_there=_CALL,
    ),
    "wales": HelpWords(
        name=_("Wales"),
        tell=_("Tell your DSP now"),
        who=_("Your Designated Safeguarding Person, or their deputy."),
        nobody_there=_(
            "Call your local social services, or the police on 101. Any member of staff may do this."
        ),
    ),
    "scotland": HelpWords(
        name=_("Scotland"),
        tell=_("Tell your child protection co-ordinator now"),
        who=_(
            "Or their deputy, or whoever is in charge. A report to the police or social work usually follows."
        ),
        nobody_there=_("Call social work, or Police Scotland on 101. Any member of staff may do this."),
    ),
    "northern-ireland": HelpWords(
        name=_("Northern Ireland"),
        tell=_("Tell your designated teacher now"),
        who=_("Or the deputy designated teacher, or the principal."),
        nobody_there=_("Call the Gateway team, or the PSNI on 101. Any member of staff may do this."),
    ),
    "elsewhere": HelpWords(
        name=_("Outside the UK"),
        tell=_("Tell whoever leads on child protection now"),
        who=_("The child protection lead of your school or service, or their deputy."),
        nobody_there=_("Call your local child protection services or the police. Any member of staff may."),
        emergency="",
        police="",
    ),
}
USUAL = "england"
