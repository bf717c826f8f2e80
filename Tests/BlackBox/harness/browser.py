"""A browser that a script drives: $BROWSER is a program that walks the provider's pages by HTTP.

Run as a program, it is that program: browser.py INSTRUCTIONS.json URL
"""

import contextlib
import html.parser
import json
import os
import pathlib
import sys
import time
import urllib.parse

HOPS_MAX = 20


class ScriptedBrowser:
    """The test's side: writes the program, and reads afterwards what it saw."""

    def __init__(self, folder, user=None, plan=()):
        """`plan` names steps to take at the redirect URI in place of the plain visit."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "visits.jsonl"
        self.program = self.folder / "browser"
        instructions = self.folder / "instructions.json"
        instructions.write_text(
            json.dumps({"log": str(self.log), "user": user or {}, "plan": list(plan)})
        )
        self.program.write_text(
            f'#!/bin/sh\nexec {sys.executable} {os.path.abspath(__file__)} {instructions} "$@"\n'
        )
        self.program.chmod(0o700)

    @property
    def visits(self):
        """Every page seen: url, status, headers, body; the last has `end`."""
        if not self.log.exists():
            return []
        # The browser may be in the middle of its last line.
        whole_lines = self.log.read_text().split("\n")[:-1]
        return [json.loads(line) for line in whole_lines]

    @property
    def was_opened(self):
        return self.log.exists()

    def wait_for_end(self, seconds=20):
        deadline = time.monotonic() + seconds
        while not (self.visits and "end" in self.visits[-1]):
            assert time.monotonic() < deadline, f"the browser did not end: {self.visits[-2:]}"
            time.sleep(0.02)
        problem = self.visits[-1]["end"]
        assert problem == "", problem

    @property
    def authorize_url(self):
        """The URL that the command asked the browser to open."""
        return self.visits[0]["opened"]

    @property
    def result_page(self):
        """What the redirect URI answered."""
        self.wait_for_end()
        return self.visits[-2]

    def secrets(self):
        """The codes that passed through the address bar."""
        for visit in self.visits:
            query = urllib.parse.urlsplit(visit.get("url", "")).query
            yield from urllib.parse.parse_qs(query).get("code", [])


class Forms(html.parser.HTMLParser):
    """The forms of a page: where they go, what they carry, what they can be submitted by."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append(
                {
                    "action": attributes.get("action") or "",
                    "method": (attributes.get("method") or "get").upper(),
                    "fields": {},
                    "buttons": [],
                }
            )
        if not self.forms:
            return
        form = self.forms[-1]
        kind = (attributes.get("type") or "").lower()
        name = attributes.get("name")
        if (tag == "button" and kind in ("", "submit")) or (tag == "input" and kind == "submit"):
            form["buttons"].append((name, attributes.get("value") or ""))
        elif tag == "input" and name:
            if kind not in ("checkbox", "radio") or "checked" in attributes:
                form["fields"][name] = attributes.get("value") or ""


class Walk:
    """The browser's side: follows redirects, fills forms, ends at the redirect URI."""

    def __init__(self, instructions):
        import requests

        self.session = requests.Session()
        self.session.trust_env = False
        self.log = instructions["log"]
        self.user = instructions["user"]
        self.plan = instructions["plan"]

    def note(self, **entry):
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def run(self, url):
        self.note(opened=url, arguments=sys.argv[2:], environment=dict(os.environ))
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        redirect_uri = asked.get("redirect_uri", [""])[0]
        request = ("GET", url, None)
        for _ in range(HOPS_MAX):
            if redirect_uri and request[1].startswith(redirect_uri):
                self.arrive(request[1])
                return
            answer = self.fetch(*request)
            request = self.next_request(answer)
        raise RuntimeError("went round in circles")

    def fetch(self, method, url, form, **more):
        answer = self.session.request(
            method, url, data=form, allow_redirects=False, timeout=30, **more
        )
        self.note(
            method=method,
            url=url,
            status=answer.status_code,
            headers=dict(answer.headers),
            body=answer.text,
        )
        return answer

    def next_request(self, answer):
        if answer.is_redirect:
            url = urllib.parse.urljoin(answer.url, answer.headers["Location"])
            if "/login.html?" in url and "callback_url=" in url:
                return self.log_in_to_glewlwyd(url)
            return ("GET", url, None)
        forms = Forms()
        forms.feed(answer.text)
        if not forms.forms:
            raise RuntimeError(f"{answer.url}: {answer.status_code} without a form or a redirect")
        return self.submit(answer.url, forms.forms[-1])

    def submit(self, page, form):
        fields = dict(form["fields"])
        for name in fields:
            if name.lower() in ("username", "email", "user", "login"):
                fields[name] = self.user["username"]
            elif name.lower() == "password":
                fields[name] = self.user["password"]
        fields.update(dict([self.choose(form["buttons"])]) if form["buttons"] else {})
        fields.pop(None, None)
        url = urllib.parse.urljoin(page, form["action"])
        if form["method"] == "GET":
            return ("GET", f"{url}?{urllib.parse.urlencode(fields)}", None)
        return ("POST", url, fields)

    def choose(self, buttons):
        """Consents: takes the button that does not refuse."""
        refusals = ("deny", "cancel", "refuse", "no")
        consenting = [b for b in buttons if b[1].lower() not in refusals]
        # The toolkit's page has an unnamed-value Cancel first and a named Authorize last.
        return consenting[-1]

    def log_in_to_glewlwyd(self, url):
        """Its login page is a program in JavaScript; this is what that program calls."""
        page = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        base = url.split("/login.html")[0]
        client, scope = page["client_id"][0], page["scope"][0]
        self.session.post(f"{base}/api/auth/", json=self.user, timeout=30).raise_for_status()
        self.session.put(
            f"{base}/api/auth/grant/{client}", json={"scope": scope}, timeout=30
        ).raise_for_status()
        return ("GET", page["callback_url"][0] + "&g_continue", None)

    def arrive(self, url):
        """At the redirect URI: does what the plan says, at last a plain visit."""
        for step in self.plan:
            getattr(self, step)(url)
        if "stay_away" not in self.plan:
            self.fetch("GET", url, None)

    # Steps of a plan, each on the way to the real visit

    def stay_away(self, url):
        """The person closes the window: the redirect URI is never visited."""

    def idle_connections(self, url):
        """A browser connects ahead of time, and says nothing (case 1)."""
        import socket

        parts = urllib.parse.urlsplit(url)
        self.idle = [
            socket.create_connection(("127.0.0.1", parts.port), timeout=5) for _ in range(6)
        ]

    def stray_requests(self, url):
        """What browsers and curious programs ask for first (case 2)."""
        root = urllib.parse.urljoin(url, "/")
        self.fetch("GET", root + "favicon.ico", None)
        self.fetch("GET", root, None)
        self.fetch("GET", root + "callbackk?code=x&state=y", None)
        self.fetch("HEAD", root + "other", None)

    def other_methods(self, url):
        """The right parameters by the wrong method (case 3)."""
        for method in ("OPTIONS", "POST", "HEAD"):
            self.fetch(method, url, None)

    def wrong_state(self, url):
        """A thousand guesses of the state (case 4)."""
        base, _, query = url.partition("?")
        fields = dict(urllib.parse.parse_qsl(query))
        for number in range(1000):
            forged = {**fields, "code": f"forged-{number}", "state": f"wrong-{number}"}
            answer = self.session.get(base, params=forged, timeout=10)
            if number == 0 or answer.status_code != 400:
                self.note(url=answer.url, status=answer.status_code, body=answer.text)

    def foreign_errors(self, url):
        """Another process says that access was denied (case 5)."""
        base = url.partition("?")[0]
        self.fetch("GET", base + "?error=access_denied", None)
        self.fetch("GET", base + "?error=access_denied&state=wrong", None)

    def denial(self, url):
        """The provider's own refusal, in place of the code (case 5)."""
        base, _, query = url.partition("?")
        fields = dict(urllib.parse.parse_qsl(query))
        kept = {name: fields[name] for name in ("state", "iss") if name in fields}
        text = "<script>alert(1)</script>"
        refused = {"error": "access_denied", "error_description": text, **kept}
        self.fetch("GET", f"{base}?{urllib.parse.urlencode(refused)}", None)

    def foreign_user(self, url):
        """Another user of the machine is faster than the person's browser (case 11)."""
        import subprocess

        fetch = (
            "import sys, urllib.request, urllib.error\n"
            "try: print(urllib.request.urlopen(sys.argv[1], timeout=10).status)\n"
            "except urllib.error.HTTPError as error: print(error.code)\n"
            "except OSError: print(0)"
        )
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        answer = subprocess.run(
            [*as_nobody, "/usr/bin/python3", "-c", fetch, url.replace("code=", "code=foreign")],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd="/",
        )
        self.note(foreign=int(answer.stdout))

    def foreign_hosts(self, url):
        """A page that was rebound to loopback sends its own Host (case 7)."""
        port = urllib.parse.urlsplit(url).port
        for host in (f"attacker.example:{port}", f"127.0.0.1:{port}", "localhost", ""):
            self.fetch("GET", url, None, headers={"Host": host})

    def raw_bytes(self, url):
        """HTTP that no browser sends (case 14); each must be refused and leave the real one be."""
        import socket

        parts = urllib.parse.urlsplit(url)
        target = f"{parts.path}?{parts.query}".encode()
        host = f"Host: localhost:{parts.port}".encode()
        get = b"GET " + target
        hostile = {
            "bare line feeds": get + b" HTTP/1.1\n" + host + b"\n\n",
            "no host": get + b" HTTP/1.1\r\n\r\n",
            "two hosts": get + b" HTTP/1.1\r\n" + host + b"\r\nHost: attacker.example\r\n\r\n",
            "NUL": get + b"\0 HTTP/1.1\r\n" + host + b"\r\n\r\n",
            "folded header": get + b" HTTP/1.1\r\n" + host + b"\r\nX: a\r\n b\r\n\r\n",
            "absolute target": b"GET http://attacker.example"
            + target
            + b" HTTP/1.1\r\n"
            + host
            + b"\r\n\r\n",
            "long line": b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + host + b"\r\n\r\n",
        }
        for name, data in hostile.items():
            with socket.create_connection(("127.0.0.1", parts.port), timeout=10) as connection:
                answer = b""
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                    while chunk := connection.recv(65536):
                        answer += chunk
            self.note(raw=name, answer=answer.decode("latin-1"))

    def byte_by_byte(self, url):
        """The real request, one byte a segment: it is the one that counts (case 14)."""
        import socket

        parts = urllib.parse.urlsplit(url)
        data = (
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: localhost:{parts.port}\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", parts.port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.001)
            answer = b""
            # The listener resets a connection that it has answered, to have its port free at once.
            with contextlib.suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    answer += chunk
        head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
        self.note(url=url, status=int(head.split(" ")[1]), headers={}, body=body)

    def twice_at_once(self, url):
        """The same redirect delivered twice within a millisecond (case 6)."""
        import threading

        threads = [threading.Thread(target=self.fetch, args=("GET", url, None)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main():
    instructions = json.loads(pathlib.Path(sys.argv[1]).read_text())
    walk = Walk(instructions)
    problem = ""
    try:
        walk.run(sys.argv[2])
    except Exception as error:  # told to the test, which fails with it
        problem = f"{type(error).__name__}: {error}"
    walk.note(end=problem)


if __name__ == "__main__":
    main()
