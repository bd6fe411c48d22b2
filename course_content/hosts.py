"""The only hosts a pack may link to.

Searches on these terms are full of bait, so nothing outside this list of known official bodies is
ever shown as a link: not in a lesson, not in the guidance register, not after rendering.
"""

import re
from urllib.parse import urlsplit

ALLOWED_HOSTS = (
    "gov.uk",
    "iwf.org.uk",
    "nspcc.org.uk",
    "childline.org.uk",
    "ceop.police.uk",
    "saferinternet.org.uk",
    "hwb.gov.wales",
    "gov.scot",
    "education-ni.gov.uk",
    "esafety.gov.au",
    "missingkids.org",
)

# Spelled out because browsers and urlsplit disagree on odd characters: "https://evil.com\.gov.uk"
# is evil.com to a browser and ends in .gov.uk to Python.
_PLAIN_AUTHORITY = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def is_allowed_url(url: str) -> bool:
    """Whether `url` is https, to an allowed host or a host below one, with no user part or port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    authority = parts.netloc.lower()
    if parts.scheme != "https" or not _PLAIN_AUTHORITY.fullmatch(authority):
        return False
    return any(authority == host or authority.endswith("." + host) for host in ALLOWED_HOSTS)
