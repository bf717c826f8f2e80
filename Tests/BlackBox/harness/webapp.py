"""The web application of Examples/WebApp, and people who use it by plain HTTP."""

import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

import requests

from .chromium import DevTools
from .command import TOP
from .fake_provider import FakeProvider, unauthorized
from .keyring import end
from .wire import Answer, free_port

WEBAPP = os.environ.get("KSCONNECT_WEBAPP_BIN", TOP / ".build/debug/ksconnect-webapp")
SECONDS_MAX = 60


class WebApp:
    """The real program; its key is derived from a credential as systemd hands it to a service."""

    def __init__(self, home, provider, *arguments, port=None, wrapper=(), **environment):
        self.provider = provider
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.store = home.data / "webapp"
        self.log = home.root / f"webapp-{self.port}.log"
        credentials = home.root / "credentials"
        if not credentials.exists():
            credentials.mkdir(mode=0o700)
            (credentials / "ksconnect.key").write_bytes(bytes(range(32)))
            (credentials / "ksconnect.key").chmod(0o400)
        self.command = [
            *wrapper, WEBAPP,
            "--issuer", provider.issuer,
            "--api-url", provider.api_url,
            "--client-id", provider.client_ids["confidential"],
            "--scope", provider.scope,
            "--public-url", self.url,
            "--port", self.port,
            "--data-dir", self.store,
            *arguments,
        ]  # fmt: skip
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **home.environment,
            "CREDENTIALS_DIRECTORY": str(credentials),
            "KSCONNECT_CLIENT_SECRET": provider.client_secrets["confidential"],
            **environment,
        }
        self.start()

    def start(self):
        """Starts the process, or starts it anew; returns once requests can come."""
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in self.command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        watchdog = threading.Timer(SECONDS_MAX, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line.startswith(b"{"), f"not ready: {self.log.read_text()[-2000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=SECONDS_MAX)
        self.process.stdout.close()

    def close(self):
        """Ends it as a service manager does; returns its status."""
        if self.process.poll() is None:
            end(self.process)
        self.process.stdout.close()
        return self.process.returncode

    def get(self, path, **more):
        return requests.get(self.url + path, allow_redirects=False, timeout=SECONDS_MAX, **more)

    def post(self, path, **more):
        return requests.post(self.url + path, allow_redirects=False, timeout=SECONDS_MAX, **more)

    @property
    def resident_bytes(self):
        """What the process holds of the machine's memory."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Visitor:
    """A person with a browser that shows nothing: cookies, forms and redirects by plain HTTP."""

    def __init__(self, app, user=None):
        self.app = app
        self.user = user or app.provider.user
        self.browser = requests.Session()
        self.browser.trust_env = False

    def get(self, path, **more):
        url = path if path.startswith("http") else self.app.url + path
        return self.browser.get(url, allow_redirects=False, timeout=SECONDS_MAX, **more)

    def post(self, path, **more):
        """A form of the application's own page, as a browser sends it."""
        return self.browser.post(
            self.app.url + path,
            headers={"Origin": self.app.url, "Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
            timeout=SECONDS_MAX,
            **more,
        )

    def sign_in(self):
        """From the button to the page with the sites."""
        answer = self.follow(self.redirect())
        assert answer.status_code == 200, answer.text
        return answer

    def redirect(self):
        """Answers the provider's pages; returns the redirect back, not yet followed."""
        answer = self.post("/sign-in")
        assert answer.status_code == 303, answer.text
        answer = self.get(answer.headers["Location"])
        for _ in range(8):
            while answer.is_redirect:
                location = urllib.parse.urljoin(answer.url, answer.headers["Location"])
                if location.startswith(self.app.url):
                    return location
                answer = self.get(location)
            answer = self.fill_in(answer)
        raise AssertionError(f"the provider's pages did not end: {answer.text}")

    def fill_in(self, page):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        action = re.search(r'<form method="post" action="([^"]*)"', page.text)
        assert action, page.text
        if 'type="password"' in page.text:
            fields |= {**self.user, "decision": "login"}
        else:
            fields |= {"decision": "allow"}
        return self.browser.post(
            urllib.parse.urljoin(page.url, action[1]),
            data=fields,
            headers={"Origin": self.app.provider.issuer},
            allow_redirects=False,
            timeout=SECONDS_MAX,
        )

    def follow(self, location):
        """Goes to a page of the application, and on to where it leads."""
        answer = self.get(location)
        while answer.is_redirect:
            answer = self.get(urllib.parse.urljoin(answer.url, answer.headers["Location"]))
        return answer

    @property
    def sites(self):
        """The names on the page with the sites."""
        answer = self.get("/sites")
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return sites_on(answer.text)

    @property
    def session(self):
        """What the session cookie holds; nil where there is none."""
        return next((c.value for c in self.browser.cookies if c.name == "ksconnect-session"), None)


def sites_on(html):
    return re.findall(r'<a href="/sites/[^"]+" dir="auto">([^<]*)</a>', html)


class ChromiumVisitor:
    """A person with a real headless Chromium and a profile of their own."""

    def __init__(self, app, folder, user):
        self.app = app
        self.user = user
        folder.mkdir(parents=True)
        self.tools = DevTools(folder / "profile")

    def open(self, url):
        before = self.tools.evaluate("performance.timeOrigin")
        self.tools.call("Page.navigate", url=url)
        return self.tools.settle(changed_from=before)

    def click(self, selector):
        """Clicks, and waits for the page that comes of it."""
        before = self.tools.evaluate("performance.timeOrigin")
        self.tools.click(selector)
        return self.tools.settle(changed_from=before)

    def back(self):
        before = self.tools.evaluate("performance.timeOrigin")
        self.tools.evaluate("history.back()")
        return self.tools.settle(changed_from=before)

    def sign_in(self):
        """From the front page through the provider's pages to the sites; returns that page."""
        self.open(self.app.url + "/")
        page = self.click("form[action='/sign-in'] button")
        for _ in range(4):
            if page["url"].startswith(self.app.url):
                return page
            if self.tools.evaluate("document.querySelector('input[type=password]') !== null"):
                self.tools.type_into("#username", self.user["username"])
                self.tools.type_into("#password", self.user["password"])
            page = self.click("form button[type=submit]:not([value=deny]):not([value=cancel])")
        raise AssertionError(f"the provider's pages did not end: {page}")

    @property
    def cookies(self):
        """The jar's cookies of the application, by name."""
        cookies = self.tools.call("Network.getCookies", urls=[self.app.url + "/"])["cookies"]
        return {cookie["name"]: cookie for cookie in cookies}

    @property
    def html(self):
        return self.tools.evaluate("document.documentElement.outerHTML")

    @property
    def sites(self):
        self.open(self.app.url + "/sites")
        return sites_on(self.html)

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.tools.screenshot(path)

    def close(self):
        self.tools.close()


class ManyPeople(FakeProvider):
    """A provider and KS Connect API for as many people as come. Who somebody is, the browser says
    in a cookie `person`; each has one site of their own."""

    scope = "openid user_api.full_access offline_access"
    site_name = "Site of {}"

    def authorize(self, request):
        cookies = dict(re.findall(r"(\w+)=([^;]+)", request.header("cookie") or ""))
        answer = super().authorize(request)
        code = dict(urllib.parse.parse_qsl(answer.headers["Location"].partition("?")[2]))["code"]
        # The scope goes along from code to token to refreshed token, and so does the person in it.
        self.grants[code] = {
            **self.grants[code],
            "scope": f"{self.grants[code]['scope']} person:{cookies.get('person', 'nobody')}",
        }
        return answer

    def grant(self, scope, nonce, client_id):
        answer = super().grant(scope, nonce, client_id)
        with self.lock:
            self.people[json.loads(answer.body)["access_token"]] = scope.split("person:")[1]
        return answer

    @property
    def people(self):
        return self.__dict__.setdefault("people_by_token", {})

    def api(self, request):
        if not self.bearer_is_live(request):
            return unauthorized()
        person = self.people[request.header("authorization").removeprefix("Bearer ")]
        name = self.site_name.format(person)
        answers = {
            "/api/v1.2/me": {"first_name": "Person", "last_name": person},
            "/api/v1.2/sites": {"items": [{"id": f"site-{person}", "customer_reference": name}]},
        }
        if request.path in answers:
            return Answer.json(answers[request.path])
        return Answer.json({"ErrorCode": 404, "Message": "no such thing"}, status=404)


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)
