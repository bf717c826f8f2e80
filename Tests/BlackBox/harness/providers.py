"""The real providers, each started for the tests on loopback: the demo's own, and two of others."""

import json
import os
import subprocess
import sys

import requests

from .command import TOP
from .keyring import end
from .tap import Tap

DEMO = os.environ.get("KSCONNECT_DEMO_BIN", TOP / ".build/debug/ksconnect-demo")
PROVIDERS = TOP / "Tests" / "Providers"
READY_SECONDS_MAX = 30


class Process:
    """A server that prints one JSON line when it is ready."""

    def __init__(self, command, log, **environment):
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )
        line = self.process.stdout.readline()
        if not line.startswith(b"{"):
            self.close()
            raise AssertionError(f"{command}: not ready: {log.read_text()[-2000:]}")
        self.ready = json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        end(self.process)


class Provider:
    """A provider as the tests see it: how to use it, and what to look out for afterwards."""

    name = ""
    client_auth = "basic"
    scope = "openid profile offline_access"
    api_url = None
    user = {}
    issuer = ""
    client_ids = {"public": "public", "confidential": "confidential"}
    client_secrets = {"public": None}

    def settings(self, client="public", redirect_port=None):
        """The environment that makes the command use this provider."""
        redirect = f"http://localhost:{redirect_port or 0}/callback"
        settings = {
            "KSCONNECT_ISSUER": self.issuer,
            "KSCONNECT_API_URL": self.api_url,
            "KSCONNECT_CLIENT_ID": self.client_ids[client],
            "KSCONNECT_SCOPE": self.scope,
            "KSCONNECT_REDIRECT_URI": redirect,
        }
        if self.client_secrets[client] is not None:
            settings["KSCONNECT_CLIENT_SECRET"] = self.client_secrets[client]
            settings["KSCONNECT_CLIENT_AUTH"] = self.client_auth
        return settings

    def allow_redirect(self, client, uri):
        """Registers a redirect URI; most providers take any loopback port (RFC 8252 §7.3)."""

    def secrets(self):
        return set()


class ForeignProvider(Provider):
    """A provider that nobody here wrote, behind a tap."""

    serve = None

    def __init__(self, folder, **environment):
        self.tap = Tap()
        command = [sys.executable, PROVIDERS / self.serve, "--public-port", self.tap.port]
        self.process = Process(command, folder / f"{self.name}.log", **environment)
        ready = self.process.ready
        self.tap.upstream = ready["port"]
        self.port = ready["port"]
        self.issuer = ready["issuer"]
        self.api_url = ready["issuer"]
        self.user = ready["user"]
        self.client_secrets = ready["clients"]

    def secrets(self):
        return self.tap.secrets | {secret for secret in self.client_secrets.values() if secret}

    def close(self):
        self.tap.close()
        self.process.close()


class DjangoOAuthToolkit(ForeignProvider):
    """Form-encoded Basic credentials, rotation with family revocation, standard errors."""

    name = "dot"
    serve = "dot/serve.py"
    userinfo_path = "/userinfo/"


class Glewlwyd(ForeignProvider):
    """Raw Basic credentials, a mandatory nonce, an empty body for a dead refresh token."""

    name = "glewlwyd"
    serve = "glewlwyd/serve.py"
    client_auth = "basic-raw"
    userinfo_path = "/userinfo"

    def allow_redirect(self, client, uri):
        sys.path.insert(0, str(PROVIDERS / "glewlwyd"))
        try:
            from admin import Admin
        finally:
            sys.path.pop(0)
        Admin(self.port).allow_redirect(self.client_ids[client], uri)


class Demo(Provider):
    """The embedded provider and the KS Connect API, in a process of their own."""

    name = "demo"
    scope = "openid profile user_api.full_access offline_access"

    def __init__(self, folder, *arguments):
        self.process = Process([DEMO, "serve", *arguments], folder / "demo.log")
        ready = self.process.ready
        self.issuer = ready["issuer"]
        self.api_url = ready["apiURL"]
        self.user = {"username": ready["user"], "password": ready["password"]}
        self.client_ids = {
            "public": ready["clientID"],
            "confidential": ready["confidentialClientID"],
        }
        self.client_secrets = {"public": None, "confidential": "client_id_secrtet"}

    def control(self, **commands):
        """Turns knobs, asks for faults, reads counters: see docs/demo-provider.md."""
        ready = self.process.ready
        answer = requests.post(
            ready["controlURL"],
            json=commands,
            headers={"X-Control-Key": ready["controlKey"]},
            timeout=10,
        )
        assert answer.ok, f"control: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def counters(self):
        """How many requests came, by route and by grant."""
        ready = self.process.ready
        return requests.get(
            ready["controlURL"] + "/counters",
            headers={"X-Control-Key": ready["controlKey"]},
            timeout=10,
        ).json()

    def secrets(self):
        return {"client_id_secrtet"}

    def close(self):
        self.process.close()
