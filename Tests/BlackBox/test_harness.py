"""The harness itself: a test that cannot fail proves nothing, so here its judges are judged."""

import base64
import hashlib
import subprocess
import urllib.parse

import pytest
import requests
from harness.browser import ScriptedBrowser
from harness.chromium import ChromiumBrowser
from harness.command import Exit, Result
from harness.wire import Answer, RecordingServer

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


class Catcher(RecordingServer):
    """Stands where the command's redirect listener would."""

    def handle(self, request):
        return Answer(body=b"caught", type="text/plain")


def test_canaries_are_found_in_every_shape(canaries, tmp_path):
    secret = "s3cret+with/odd=characters"
    canaries.add(secret)
    encoded = base64.b64encode(b"user:" + secret.encode())
    for text in (secret.encode(), urllib.parse.quote_plus(secret).encode(), encoded):
        assert canaries.found_in(b"before " + text + b" after")
    assert not canaries.found_in(b"nothing here")
    (tmp_path / "file").write_bytes(b"x" + secret.encode())
    assert list(canaries.found_under(tmp_path)) == [str(tmp_path / "file")]
    assert not canaries.found_under(tmp_path, except_for=[tmp_path])


def test_a_wrong_exit_code_is_an_assertion():
    result = Result(("status",), 77, "", "not signed in", 0.1)
    result.expect(Exit.SIGN_IN)
    with pytest.raises(AssertionError):
        result.expect(Exit.DONE)


def test_the_keyring_locks_and_goes_away(keyring):
    assert keyring.has_secret_service()
    assert keyring.items() == []
    assert not keyring.is_locked()
    keyring.lock()
    assert keyring.is_locked()
    keyring.unlock()
    assert not keyring.is_locked()
    keyring.restart_service()
    keyring.stop_service()
    assert not keyring.has_secret_service()


def test_an_empty_bus_has_no_secret_service(empty_bus):
    assert not empty_bus.has_secret_service()


@pytest.mark.parametrize(
    "name",
    [
        "fake",
        "demo",
        pytest.param("dot", marks=pytest.mark.interop),
        pytest.param("glewlwyd", marks=pytest.mark.interop),
    ],
)
@pytest.mark.parametrize("client", ["public", "confidential"])
def test_the_scripted_browser_signs_in(name, client, request, tmp_path):
    provider = request.getfixturevalue(name)
    client_id = provider.client_ids[client]
    with Catcher() as catcher:
        redirect_uri = f"http://localhost:{catcher.port}/callback"
        if name == "glewlwyd":
            provider.allow_redirect(client, redirect_uri)
        metadata = requests.get(
            f"{provider.issuer}/.well-known/openid-configuration", timeout=10
        ).json()
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid offline_access",
            "state": "a-state-of-one-s-own",
            "nonce": "a-nonce-of-one-s-own",
            "code_challenge": CHALLENGE.decode(),
            "code_challenge_method": "S256",
        }
        visitor = ScriptedBrowser(tmp_path / "browser", getattr(provider, "user", None))
        url = f"{metadata['authorization_endpoint']}?{urllib.parse.urlencode(asked)}"
        subprocess.run([visitor.program, url], check=True, timeout=30)
        visitor.wait_for_end()
        arrived = catcher.requests_to("/callback")[-1].parameters
    assert arrived["state"] == asked["state"]
    form = {
        "grant_type": "authorization_code",
        "code": arrived["code"],
        "redirect_uri": redirect_uri,
        "code_verifier": VERIFIER,
    }
    answer = requests.post(
        metadata["token_endpoint"],
        data=form if client == "confidential" else {**form, "client_id": client_id},
        headers=authorization(provider, name) if client == "confidential" else {},
        timeout=10,
    ).json()
    assert answer["token_type"].lower() == "bearer"
    assert answer["refresh_token"]
    if name != "demo":  # it keeps its secrets to itself, as nothing stands in front of it
        assert {answer["access_token"], answer["refresh_token"]} <= provider.secrets()


def authorization(provider, name):
    """Basic credentials as each provider reads them."""
    client_id, secret = provider.client_ids["confidential"], provider.client_secrets["confidential"]
    if name != "glewlwyd":
        secret = urllib.parse.quote_plus(secret)
    pair = f"{client_id}:{secret}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def test_chromium_signs_in_by_typing_and_clicking(demo, tmp_path):
    with Catcher() as catcher:
        asked = {
            "response_type": "code",
            "client_id": demo.client_ids["public"],
            "redirect_uri": f"http://localhost:{catcher.port}/callback",
            "scope": "openid offline_access",
            "state": "a-state-of-one-s-own",
            "code_challenge": CHALLENGE.decode(),
            "code_challenge_method": "S256",
        }
        chromium = ChromiumBrowser(tmp_path / "browser", tmp_path, "harness", demo.user)
        url = f"{demo.issuer}/connect/authorize?{urllib.parse.urlencode(asked)}"
        subprocess.run([chromium.program, url], check=True, timeout=60)
        pages = chromium.wait_for_end()
        assert pages[-1]["text"] == "caught"
        assert catcher.requests_to("/callback")[-1].parameters["code"]
