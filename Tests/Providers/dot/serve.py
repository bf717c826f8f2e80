"""Runs django-oauth-toolkit as an OpenID provider on 127.0.0.1, until stdin closes or SIGTERM.

usage: serve.py [--port PORT] [--public-port PORT]

Prints one JSON line when ready. `--public-port` is the port that clients see, where something
stands in front of the provider. Its data base is a file in a folder that goes away with it.
Environment: GRACE=S keeps a used refresh token good for S seconds; ACCESS_TOKEN_SECONDS.
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import warnings
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

warnings.simplefilter("ignore")

USER = {"username": "alice", "password": "alice-pw-1", "email": "alice@example.org"}
SCOPES = ("openid", "profile", "email", "offline_access")

# The secret has every character that client_secret_basic must form-encode (RFC 6749 §2.3.1).
CLIENTS = {"confidential": "a+b/c=%d e", "public": None, "device": None}

# The toolkit lets any port stand for these on loopback (RFC 8252 §7.3).
REDIRECT_URIS = "http://localhost/callback http://127.0.0.1/callback http://[::1]/callback"


def configure(issuer, folder):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    context_processors = [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
    settings.configure(
        DEBUG=False,
        SECRET_KEY="for tests only",
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGIN_URL="/login/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "provider.sqlite"),
                "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
            }
        },
        # Cheap on purpose: what it protects lives as long as one test.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.admin",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": context_processors},
            }
        ],
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": key.decode(),
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
            "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
            "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Validator",
            "SCOPES": {scope: scope for scope in SCOPES},
            "DEFAULT_SCOPES": ["openid"],
            "PKCE_REQUIRED": True,
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
            "ALLOWED_SCHEMES": ["http", "https"],
            "ALLOW_LOCALHOST_LOOPBACK": True,
            "REQUEST_APPROVAL_PROMPT": "force",
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": int(os.environ.get("GRACE", "0")),
            "REFRESH_TOKEN_EXPIRE_SECONDS": 86400,
            "ACCESS_TOKEN_EXPIRE_SECONDS": int(os.environ.get("ACCESS_TOKEN_SECONDS", "3600")),
            "DEVICE_FLOW_INTERVAL": 2,
            "OAUTH_DEVICE_VERIFICATION_URI": f"{issuer}/device/",
            "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": lambda code: (
                f"{issuer}/device/?user_code={code}"
            ),
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
            "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
        },
    )


def define_site():
    """Gives Django the names that its settings point to: the URLs and the validator."""
    import django

    django.setup()
    from django.contrib.auth.views import LoginView
    from django.http import HttpResponse
    from django.template import engines
    from django.urls import include, path
    from oauth2_provider.oauth2_validators import OAuth2Validator
    from oauth2_provider.urls import metadata_urlpatterns

    class ClaimsValidator(OAuth2Validator):
        oidc_claim_scope = {
            **OAuth2Validator.oidc_claim_scope,
            "name": "profile",
            "email": "email",
        }

        def get_additional_claims(self, request):
            return {"name": request.user.get_full_name(), "email": request.user.email}

        # The toolkit leaves these two out, so that prompt=none would be a 500.
        def validate_silent_login(self, request):
            return False

        def validate_silent_authorization(self, request):
            return False

    class Login(LoginView):
        page = (
            '<form method="post">{% csrf_token %}{{ form }}'
            '<input type="hidden" name="next" value="{{ next }}"><button>Sign in</button></form>'
        )

        def render_to_response(self, context, **_):
            template = engines["django"].from_string(self.page)
            return HttpResponse(template.render(self.get_context_data(), self.request))

    globals()["Validator"] = ClaimsValidator
    globals()["urlpatterns"] = [
        path("login/", Login.as_view()),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("", include((metadata_urlpatterns, "metadata"))),
    ]


def fill_database():
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from oauth2_provider.models import get_application_model

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user(
        USER["username"], USER["email"], USER["password"], first_name="Alice", last_name="Example"
    )
    application = get_application_model()
    for client_id, secret in CLIENTS.items():
        is_device = client_id == "device"
        application.objects.create(
            client_id=client_id,
            name=client_id,
            user=user,
            client_secret=secret or "",
            client_type="confidential" if secret else "public",
            authorization_grant_type=(
                application.GRANT_DEVICE_CODE if is_device else "authorization-code"
            ),
            algorithm="RS256",
            redirect_uris=REDIRECT_URIS,
            post_logout_redirect_uris="http://localhost:3000/loggedout",
            skip_authorization=False,
        )


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # WSGIServer looks its own name up here, which costs seconds where DNS is slow.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def address_string(self):
        return self.client_address[0]

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--public-port", type=int)
    arguments = arguments.parse_args()

    # Django finds the site's names by this module's own name.
    sys.modules["provider_site"] = sys.modules["__main__"]
    globals()["__name__"] = "provider_site"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    with tempfile.TemporaryDirectory(prefix="dot.") as folder:
        server = Server(("127.0.0.1", arguments.port), Handler)
        port = arguments.public_port or server.server_port
        issuer = f"http://localhost:{port}/o"
        configure(issuer, pathlib.Path(folder))
        define_site()
        fill_database()
        from django.core.wsgi import get_wsgi_application

        server.set_app(get_wsgi_application())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ready = {"issuer": issuer, "port": server.server_port, "clients": CLIENTS, "user": USER}
        print(json.dumps(ready), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
