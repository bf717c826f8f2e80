"""One person's story, told with the real command, keyring, files and providers:
sign in, call, have the access token renewed, sign out."""

import stat

import pytest
from harness.chromium import ChromiumBrowser
from harness.command import TOP, Exit
from harness.wire import NoAnswer, free_port

FOREIGN = [
    pytest.param("dot", marks=pytest.mark.interop),
    pytest.param("glewlwyd", marks=pytest.mark.interop),
]
SCREENSHOTS = TOP / ".build" / "screenshots"


@pytest.fixture
def provider(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("client", ["public", "confidential"])
@pytest.mark.parametrize("provider", ["demo", *FOREIGN], indirect=True)
def test_a_person_signs_in_calls_refreshes_and_signs_out(
    provider, client, sign_in, ksconnect, home, canaries
):
    redirect_port = free_port()
    provider.allow_redirect(client, f"http://localhost:{redirect_port}/callback")
    ksconnect.use(provider, client)("status").expect(Exit.SIGN_IN)

    command = sign_in(provider, client, redirect_port)
    assert "no-store" in command.visitor.result_page["headers"]["Cache-Control"]
    store_is_closed_to_others(home)

    state = command("status", "--json").expect().json
    assert (state["state"], state["issuer"]) == ("signedIn", provider.issuer)
    assert state["hasRefreshToken"] and state["subject"]

    first = token_of(command, canaries)
    assert token_of(command, canaries) == first, "a valid token is served, not renewed"
    assert command("whoami", "--json").expect().json["sub"] == state["subject"]

    command("refresh").expect()
    second = token_of(command, canaries)
    assert second != first
    assert command("whoami", "--json").expect().json["sub"] == state["subject"]

    command("logout").expect()
    command("status").expect(Exit.SIGN_IN)
    command("token").expect(Exit.SIGN_IN)
    command("logout").expect()


@pytest.mark.parametrize("provider", FOREIGN, indirect=True)
def test_a_lost_rotation_is_told_as_what_it_is(provider, sign_in):
    """Neither provider gives grace: the one replay comes after the used token was given up.
    One says so by the book; the other's empty 400 proves nothing, so the session is kept."""
    redirect_port = free_port()
    provider.allow_redirect("public", f"http://localhost:{redirect_port}/callback")
    command = sign_in(provider, "public", redirect_port)
    provider.tap.after = lose_refresh_answers
    try:
        result = command("refresh")
    finally:
        provider.tap.after = lambda request, answer: None
    if provider.name == "dot":
        result.expect(Exit.SIGN_IN)
        assert "answer to an earlier refresh was lost" in result.stderr
    else:
        result.expect(Exit.UNAVAILABLE)
        command("status").expect()
    command("logout").expect()


def lose_refresh_answers(request, answer):
    if b"grant_type=refresh_token" in request.body and b" 200 " in answer.split(b"\r\n")[0]:
        raise NoAnswer


@pytest.mark.parametrize("provider", ["demo"], indirect=True)
def test_the_session_outlives_its_access_tokens(provider, sign_in, canaries):
    command = sign_in(provider)
    before = token_of(command, canaries)
    provider.control(revokeAllAccessTokens=True)
    sites = command("sites", "--json").expect().json
    assert sites, "the API is called with a token renewed after the 401"
    assert token_of(command, canaries) != before


def test_chromium_signs_in_through_the_login_page(demo, ksconnect, home, canaries, tmp_path):
    """A real browser, typed into and clicked; what it saw stays in .build/screenshots."""
    chromium = ChromiumBrowser(tmp_path / "browser", SCREENSHOTS, "demo", demo.user)
    command = ksconnect.use(demo, BROWSER=chromium.program)
    command("login", timeout=90).expect()
    pages = chromium.wait_for_end()
    assert len(pages) == 3, "login, consent, result"
    assert [page["url"].startswith(demo.issuer) for page in pages] == [True, True, False]
    assert "script" not in pages[-1]["text"]
    assert command("whoami").expect().stdout


def token_of(command, canaries):
    printed = command("token").expect().stdout
    token = printed.removesuffix("\n")
    assert token and not any(character.isspace() for character in token)
    canaries.add(token)
    return token


def store_is_closed_to_others(home):
    assert stat.S_IMODE(home.store.stat().st_mode) == 0o700
    files = [path for path in home.store.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
