"""The requests of the flow, byte for byte as the service's documentation shows them."""

import urllib.parse

import pytest

PUBLIC_CLIENT = "73e9cf0d-561a-11e9-9b32-000d3a46a880"
FOUR_PARAMETERS = (
    "response_type=code&scope=user_api.full_access+offline_access"
    f"&client_id={PUBLIC_CLIENT}&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback"
)
BASIC = "Basic Y2xpZW50X2lkOmNsaWVudF9pZF9zZWNydGV0"


@pytest.fixture
def provider(fake):
    fake.client_secrets = {PUBLIC_CLIENT: None, "client_id": "client_id_secrtet"}
    return fake


def test_the_authorize_request_has_the_four_parameters_as_they_are_shown(provider, sign_in):
    command = sign_in(provider, PUBLIC_CLIENT, redirect_port=3000)
    url = command.visitor.authorize_url
    assert url.startswith(f"{provider.issuer}/connect/authorize?{FOUR_PARAMETERS}&")
    more = dict(urllib.parse.parse_qsl(url.split(FOUR_PARAMETERS + "&")[1]))
    assert more["code_challenge_method"] == "S256"
    assert len(more["code_challenge"]) == 43
    assert len(more["state"]) >= 22, "128 bits at least"
    assert set(more) == {"code_challenge", "code_challenge_method", "state"}, (
        "without openid there is no nonce"
    )


def test_the_refresh_request_of_a_confidential_client(provider, sign_in):
    command = sign_in(provider, "client_id")
    [refresh_token] = provider.refresh_tokens
    command("refresh").expect()
    [request] = provider.refresh_requests
    assert request.line == "POST /connect/token HTTP/1.1"
    assert request.header("content-type") == "application/x-www-form-urlencoded"
    assert request.header("authorization") == BASIC
    assert request.body == f"grant_type=refresh_token&refresh_token={refresh_token}".encode()


def test_the_refresh_request_of_a_public_client(provider, sign_in):
    command = sign_in(provider, PUBLIC_CLIENT)
    [refresh_token] = provider.refresh_tokens
    command("refresh").expect()
    [request] = provider.refresh_requests
    assert request.header("authorization") is None
    assert (
        request.body
        == (
            f"grant_type=refresh_token&refresh_token={refresh_token}&client_id={PUBLIC_CLIENT}"
        ).encode()
    )


def test_the_code_exchange_of_a_public_client_sends_no_authorization(provider, sign_in):
    sign_in(provider, PUBLIC_CLIENT)
    [request] = provider.token_requests("authorization_code")
    assert request.header("authorization") is None
    form = request.form
    assert form["client_id"] == PUBLIC_CLIENT
    assert set(form) == {"grant_type", "code", "redirect_uri", "code_verifier", "client_id"}


def test_the_code_exchange_of_a_confidential_client_authenticates_once(provider, sign_in):
    sign_in(provider, "client_id")
    [request] = provider.token_requests("authorization_code")
    assert request.header("authorization") == BASIC
    assert "client_secret" not in request.form


@pytest.mark.parametrize(
    ("style", "expected"),
    [("basic", "conf:a%2Bb%2Fc%3D%25d+e"), ("basic-raw", "conf:a+b/c=%d e")],
)
def test_case_35_basic_credentials_are_encoded_as_the_setting_says(style, expected, fake, sign_in):
    import base64

    fake.client_secrets = {"conf": "a+b/c=%d e"}
    fake.client_is_known = lambda request: True
    sign_in(fake, "conf", KSCONNECT_CLIENT_AUTH=style)
    [request] = fake.token_requests("authorization_code")
    sent = base64.b64decode(request.header("authorization").removeprefix("Basic ")).decode()
    assert sent == expected


def test_case_35_client_secret_post_stands_in_the_body_alone(fake, sign_in):
    sign_in(fake, "confidential", KSCONNECT_CLIENT_AUTH="post")
    [request] = fake.token_requests("authorization_code")
    assert request.header("authorization") is None
    assert request.form["client_secret"] == fake.client_secrets["confidential"]


def test_case_34_a_code_of_odd_characters_arrives_byte_for_byte(fake, sign_in):
    odd = "c+o/d=e&%25#~?;:@!$'()*,[]\"\\^`{|}<>"
    usual = fake.new_secret
    fake.new_secret = lambda kind: odd if kind == "code" else usual(kind)
    sign_in(fake)
    [request] = fake.token_requests("authorization_code")
    assert request.form["code"] == odd
