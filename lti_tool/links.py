"""Where the next page of a list is: the Link header (RFC 8288), as VLEs write it.

Read leniently, because PyLTI1p3's pattern is not: it changes the case of cursors and misses an unquoted `rel`.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urljoin

# Moodle 4.5 writes typographic quotation marks.
_QUOTES = str.maketrans("“”„‟", '""""')
# <address>; name=value; name="value, with; anything". What is no parameter ends the link.
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,;"]*))?)*)')
_PARAMETER = re.compile(r';\s*([\w!#$&+.^`|~*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?')


def next_page(headers: Mapping[str, str], url: str) -> str:
    """The address of the page after `url`, by the answer's lower-cased headers; empty on the last one.

    It is as the VLE wrote it: whether it may be asked is for the caller to check.
    """
    for link in _LINK.finditer(_as_written(headers.get("link", ""))):
        # One by one, because a title may say "; rel=next" too. The first `rel` counts (RFC 8288 §3.3).
        said = _PARAMETER.findall(link[2])
        relation = next((quoted or plain for name, quoted, plain in said if name.lower() == "rel"), "")
        if "next" in relation.lower().split():
            # Moodle 4.5 writes the address as HTML. Nothing else is unescaped: `&section=` is no paragraph sign.
            address: str = link[1]
            return urljoin(url, address.strip().replace("&amp;", "&"))
    return ""


def _as_written(header: str) -> str:
    """The header with plain quotation marks. What a VLE writes in UTF-8 the HTTP library reads as Latin-1."""
    with suppress(UnicodeError):
        header = header.encode("latin-1").decode()
    return header.translate(_QUOTES)
