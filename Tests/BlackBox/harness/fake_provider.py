"""A provider that can be told to misbehave: it plays the identity provider and the API."""

import base64
import hashlib
import secrets
import threading
import time
import urllib.parse

from . import jose
from .canaries import secrets_in_exchange
from .wire import Answer, RecordingServer

USER = {"sub": "person-1", "name": "Alice Example", "email": "alice@example.org"}


class FakeProvider(RecordingServer):
    """Behaves well unless told otherwise.

    `on[(method, path)] = function(request)` takes a request over; the function returns an Answer
    or raw bytes, raises NoAnswer, or returns None to let the usual answer be given.
    `metadata`, `id_token_claims` and `token_answer` are changed in place or replaced by a function
    that gets the usual value and returns another.
    """

    AUTHORIZE, TOKEN = "/connect/authorize", "/connect/token"
    REVOKE, USERINFO, END_SESSION = (
        "/connect/revocation",
        "/connect/userinfo",
        "/connect/endsession",
    )
    JWKS, DISCOVERY = "/jwks", "/.well-known/openid-configuration"

    def __init__(self, port=0, tls=None, host="127.0.0.1"):
        self.on = {}
        self.client_secrets = {"public": None, "confidential": "a+b/c=%d e"}
        self.token_seconds = 3600
        self.edit_metadata = lambda metadata: metadata
        self.edit_claims = lambda claims: claims
        self.edit_token_answer = lambda answer: answer
        self.key = jose.new_key("key-1")
        self.lock = threading.Lock()
        self.grants = {}  # code: what was asked for
        self.refresh_tokens = {}  # refresh token: scope; a used one is taken out
        self.access_tokens = {}  # access token: the time it ends at
        self.known_secrets = set()
        super().__init__(port, tls)
        scheme = "https" if tls else "http"
        self.issuer = f"{scheme}://{host}:{self.port}"
        self.api_url = f"{self.issuer}/api"
        self.usual = {
            ("GET", self.DISCOVERY): self.discovery,
            ("GET", self.AUTHORIZE): self.authorize,
            ("POST", self.TOKEN): self.token,
            ("POST", self.REVOKE): self.revoke,
            ("GET", self.USERINFO): self.userinfo,
            ("GET", self.END_SESSION): lambda _: Answer(body=b"Signed out.", type="text/plain"),
            ("GET", self.JWKS): lambda _: Answer.json({"keys": [self.key.public_jwk]}),
        }

    # What the tests ask of it

    user = None  # it grants without a login page

    @property
    def client_ids(self):
        return {client: client for client in self.client_secrets}

    def settings(self, client="public", redirect_port=None):
        """The environment that makes the command use this provider."""
        settings = {
            "KSCONNECT_ISSUER": self.issuer,
            "KSCONNECT_API_URL": self.api_url,
            "KSCONNECT_CLIENT_ID": client,
            "KSCONNECT_REDIRECT_URI": f"http://localhost:{redirect_port or 0}/callback",
        }
        if self.client_secrets[client] is not None:
            settings["KSCONNECT_CLIENT_SECRET"] = self.client_secrets[client]
        return settings

    def secrets(self):
        with self.lock:
            return self.known_secrets | {
                secret for secret in self.client_secrets.values() if secret
            }

    def token_requests(self, grant_type=None):
        requests = self.requests_to(self.TOKEN)
        return [r for r in requests if grant_type in (None, r.form.get("grant_type"))]

    @property
    def refresh_requests(self):
        return self.token_requests("refresh_token")

    def expire_access_tokens(self):
        """The API accepts no token that was issued so far."""
        with self.lock:
            self.access_tokens = dict.fromkeys(self.access_tokens, 0)

    def revoke_all(self):
        """As if the person had ended all sessions at the provider."""
        with self.lock:
            self.refresh_tokens.clear()
            self.access_tokens.clear()

    # What it answers

    def handle(self, request):
        override = self.on.get((request.method, request.path))
        answer = override(request) if override else None
        if answer is None:
            answer = self.usual_answer(request)
        if isinstance(answer, Answer) and request.method == "POST":
            authorization = request.header("authorization")
            with self.lock:
                self.known_secrets.update(
                    secrets_in_exchange(request.body, answer.body, authorization)
                )
        return answer

    def usual_answer(self, request):
        usual = self.usual.get((request.method, request.path))
        if usual:
            return usual(request)
        if request.path.startswith("/api/"):
            return self.api(request)
        return Answer.json({"error": "not_found"}, status=404)

    def discovery(self, _):
        return Answer.json(
            self.edit_metadata(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": self.issuer + self.AUTHORIZE,
                    "token_endpoint": self.issuer + self.TOKEN,
                    "revocation_endpoint": self.issuer + self.REVOKE,
                    "userinfo_endpoint": self.issuer + self.USERINFO,
                    "end_session_endpoint": self.issuer + self.END_SESSION,
                    "jwks_uri": self.issuer + self.JWKS,
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "grant_types_supported": ["authorization_code", "refresh_token"],
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": True,
                }
            )
        )

    def authorize(self, request):
        """Grants at once; a login page is what the demo provider is for."""
        asked = request.parameters
        code = self.new_secret("code")
        with self.lock:
            self.grants[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return Answer.redirect(f"{asked['redirect_uri']}?{urllib.parse.urlencode(answer)}")

    def token(self, request):
        form = request.form
        if not self.client_is_known(request):
            return Answer.json({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "refresh_token":
            with self.lock:
                scope = self.refresh_tokens.pop(form["refresh_token"], None)
            if scope is None:
                return Answer.json({"error": "invalid_grant"}, status=400)
            return self.grant(scope, nonce=None, client_id=self.client_of(request))
        with self.lock:
            asked = self.grants.pop(form.get("code"), None)
        if asked is None or not proves(form.get("code_verifier", ""), asked["code_challenge"]):
            return Answer.json({"error": "invalid_grant"}, status=400)
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return Answer.json({"error": "invalid_grant"}, status=400)
        return self.grant(asked["scope"], asked.get("nonce"), asked["client_id"])

    def client_of(self, request):
        authorization = request.header("authorization")
        if authorization is None:
            return request.form.get("client_id")
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return urllib.parse.unquote_plus(pair.split(":")[0])

    def client_is_known(self, request):
        authorization = request.header("authorization")
        client = self.client_of(request)
        if client not in self.client_secrets:
            return False
        if authorization is None:
            return request.form.get("client_secret") == self.client_secrets[client]
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return urllib.parse.unquote_plus(pair.split(":")[1]) == self.client_secrets[client]

    def grant(self, scope, nonce, client_id):
        access_token = self.new_secret("access")
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "scope": scope,
        }
        with self.lock:
            self.access_tokens[access_token] = time.time() + self.token_seconds
            if "offline_access" in scope.split():
                answer["refresh_token"] = self.new_secret("refresh")
                self.refresh_tokens[answer["refresh_token"]] = scope
        if "openid" in scope.split():
            answer["id_token"] = self.id_token(client_id, nonce)
        return Answer.json(self.edit_token_answer(answer))

    def id_token(self, client_id, nonce):
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": client_id,
            "sub": USER["sub"],
            "iat": now,
            "exp": now + 300,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return jose.sign(self.edit_claims(claims), self.key)

    def revoke(self, request):
        with self.lock:
            self.refresh_tokens.pop(request.form["token"], None)
            self.access_tokens.pop(request.form["token"], None)
        return Answer(body=b"")

    def bearer_is_live(self, request):
        token = (request.header("authorization") or "").partition(" ")[2]
        with self.lock:
            return self.access_tokens.get(token, 0) > time.time()

    def userinfo(self, request):
        if not self.bearer_is_live(request):
            return unauthorized()
        return Answer.json(USER)

    def api(self, request):
        if not self.bearer_is_live(request):
            return unauthorized()
        return Answer.json({"method": request.method, "path": request.path})

    def new_secret(self, kind):
        secret = f"{kind}-{secrets.token_urlsafe(24)}"
        self.known_secrets.add(secret)
        return secret


def unauthorized():
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return Answer.json({"Message": "unauthorized"}, status=401, **challenge)


def proves(verifier, challenge):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
