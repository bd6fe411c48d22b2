"""A VLE that does nothing but give tokens and rosters, as fast as a process can: its pages are made beforehand.

python -m tests.bench.roster_server PORT MEMBERS...
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
PAGE = 500


def member(number: int, *, is_changed: bool) -> dict[str, object]:
    """Somebody with all that a VLE shares. Of the changed roster every hundredth is called something else."""
    family = f"Family-{number}" + ("-Married" if is_changed and number % 100 == 0 else "")
    return {
        "user_id": f"3f2504e0-4f89-41d3-9a0c-{number:012}",
        "status": "Active",
        "roles": [LEARNER],
        "name": f"Given {family}",
        "given_name": "Given",
        "family_name": family,
        "email": f"person.{number}@school.example",
        "lis_person_sourcedid": f"S-{number}",
    }


def pages(count: int, *, is_changed: bool) -> list[bytes]:
    members = [member(number, is_changed=is_changed) for number in range(count)]
    parts = [members[start : start + PAGE] for start in range(0, count, PAGE)]
    return [json.dumps({"id": "x", "context": {"id": "1"}, "members": part}).encode() for part in parts]


class Handler(BaseHTTPRequestHandler):
    """/<members>/<same|changed>?from=<page>"""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece
    made: dict[str, list[bytes]] = {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send(json.dumps({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}).encode())

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        number = int(parse_qs(parts.query).get("from", ["0"])[0])
        found = self.made[parts.path]
        following = f'<{parts.path}?limit={PAGE}&from={number + 1}>; rel="next"'
        self._send(found[number], following if number + 1 < len(found) else "")

    def _send(self, body: bytes, link: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    port, *sizes = (int(argument) for argument in sys.argv[1:])
    for size in sizes:
        Handler.made[f"/{size}/same"] = pages(size, is_changed=False)
        Handler.made[f"/{size}/changed"] = pages(size, is_changed=True)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
