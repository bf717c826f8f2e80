"""Sets glewlwyd up over its administration API: one user, scopes, the OpenID plugin, clients."""

import subprocess

import requests

USER = {"username": "alice", "password": "alice-pw-1", "email": "alice@example.org"}
SCOPES = ("profile", "email", "offline_access")

# The secret holds what form-encoding would change, and glewlwyd reads Basic credentials raw.
CLIENTS = {"confidential": "a+b/c=%d e", "public": None}

PLUGIN = {
    "subject-type": "public",
    "jwks-show": True,
    "default-kid": "rsa-1",
    "jwt-type": "rsa",
    "jwt-key-size": "256",
    "access-token-duration": 3600,
    "refresh-token-duration": 1209600,
    "code-duration": 600,
    "refresh-token-rolling": True,
    "refresh-token-one-use": "always",
    "allow-non-oidc": False,
    "auth-type-code-enabled": True,
    "auth-type-code-revoke-replayed": True,
    "auth-type-token-enabled": False,
    "auth-type-id-token-enabled": True,
    "auth-type-password-enabled": False,
    "auth-type-client-enabled": False,
    "auth-type-refresh-enabled": True,
    "auth-type-device-enabled": True,
    "device-authorization-expiration": 600,
    "device-authorization-interval": 2,
    "allowed-scope": ["openid", *SCOPES],
    "scope": [],
    "additional-parameters": [],
    "claims": [],
    "name-claim": "on-demand",
    "name-claim-scope": ["profile"],
    "email-claim": "on-demand",
    "email-claim-scope": ["email"],
    "scope-claim": "no",
    "address-claim": {"type": "no"},
    "pkce-allowed": True,
    "pkce-method-plain-allowed": False,
    "pkce-required-public-client": True,
    "introspection-revocation-allowed": True,
    "introspection-revocation-allow-target-client": True,
    "introspection-revocation-auth-scope": [],
    "session-management-allowed": True,
    "session-cookie-name": "GLEWLWYD2_OIDC_SESSION",
    "session-cookie-expiration": 86400,
    "oauth-as-iss-id": True,
    # For clients that send a proof; the others are given bearer tokens as ever.
    "oauth-dpop-allowed": True,
    "oauth-dpop-iat-duration": 60,
    "oauth-dpop-nonce-mandatory": True,
    "oauth-dpop-nonce-counter": 3,
    "oauth-par-allowed": True,
    "oauth-par-duration": 90,
    "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
    "request-parameter-allow": True,
    "resource-allowed": False,
    "register-client-allowed": False,
}


class Admin:
    """The administration API of the glewlwyd on a port."""

    def __init__(self, port):
        self.base = f"http://localhost:{port}/api"
        self.session = requests.Session()
        self.call("POST", "/auth/", {"username": "admin", "password": "password"})

    def call(self, method, path, body=None):
        answer = self.session.request(method, self.base + path, json=body, timeout=10)
        if answer.status_code != 200:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def set_up(self, issuer):
        for scope in SCOPES:
            names = dict.fromkeys(("name", "display_name", "description"), scope)
            self.call("POST", "/scope/", {**names, "password_required": False, "scheme": {}})
        parameters = {**PLUGIN, "iss": issuer, "jwks-private": new_keys()}
        plugin = {"module": "oidc", "name": "oidc", "display_name": "OpenID"}
        self.call("POST", "/mod/plugin/", {**plugin, "parameters": parameters})
        self.call(
            "POST",
            "/user/",
            {
                **USER,
                "name": "Alice Example",
                "scope": ["openid", *SCOPES, "g_profile"],
                "enabled": True,
            },
        )
        self.allow_post_logout_redirects()
        for client_id, secret in CLIENTS.items():
            self.add_client(client_id, secret)

    def allow_post_logout_redirects(self):
        """Debian's default lacks the client's property that end_session reads."""
        module = self.call("GET", "/mod/client/database").json()
        module["parameters"]["data-format"]["post_logout_redirect_uris"] = {
            "multiple": True,
            "read": True,
            "write": True,
        }
        self.call("PUT", "/mod/client/database", module)
        self.call("PUT", "/mod/client/database/reset/")

    def add_client(self, client_id, secret):
        client = {
            "client_id": client_id,
            "name": client_id,
            "enabled": True,
            "scope": [],
            "redirect_uri": ["http://localhost:3000/callback"],
            "post_logout_redirect_uris": ["http://localhost:3000/loggedout"],
            # The last is what lets a client call the revocation endpoint.
            "authorization_type": [
                "code",
                "refresh_token",
                "device_authorization",
                "client_credentials",
            ],
            "confidential": secret is not None,
            "token_endpoint_auth_method": ["client_secret_basic" if secret else "none"],
        }
        if secret is not None:
            client["client_secret"] = secret
        self.call("POST", "/client/", client)

    def allow_redirect(self, client_id, uri):
        """glewlwyd compares redirect URIs exactly, port included: registers one more.

        A URI without a path makes it crash.
        """
        client = self.call("GET", f"/client/{client_id}").json()
        client["redirect_uri"] = [*client["redirect_uri"], uri]
        self.call("PUT", f"/client/{client_id}", client)


def new_keys():
    """A private JWK set with an RSA and an elliptic-curve key."""
    rsa = ["-g", "rsa2048", "-k", "rsa-1", "-a", "RS256"]
    curve = ["-g", "ec256", "-k", "ec-1", "-a", "ES256"]
    command = ["rnbyc", "-j", *rsa, *curve, "-p", "/dev/null"]
    text = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return text[text.index("{") :]  # a title line comes first
