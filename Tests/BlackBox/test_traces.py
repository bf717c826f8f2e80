"""Case 107: at the most talkative level no secret appears. Each run is searched by the harness."""

import pytest
from harness.command import Exit
from harness.wire import Answer

TALKATIVE = {"KSCONNECT_LOG_LEVEL": "trace"}


def test_case_107_a_whole_session_at_the_most_talkative_level(sign_in, fake):
    scope = "openid profile offline_access user_api.full_access"
    command = sign_in(fake, "confidential", KSCONNECT_SCOPE=scope, **TALKATIVE)
    assert command("status", "--verbose").expect()
    command("refresh").expect()
    command("token").expect()
    command("whoami").expect()
    command("api", "GET", "/v1.2/me", "-v").expect()
    command("logout").expect()
    command("doctor")


def test_case_107_an_error_that_echoes_the_request_is_not_passed_on(sign_in, fake):
    command = sign_in(fake, "confidential", **TALKATIVE)

    def echo(request):
        sent = request.body.decode() + (request.header("authorization") or "")
        return Answer.json({"error": "invalid_request", "error_description": sent}, status=400)

    fake.on[("POST", fake.TOKEN)] = echo
    result = command("refresh")
    assert result.code not in (Exit.DONE, Exit.SIGN_IN)


@pytest.mark.parametrize(
    "body",
    [
        '{"access_token": %s, "token_type": 7}',
        '{"access_token": %s',
        '{"access_token": [%s]}',
        '{"token_type": "Bearer", "expires_in": %s}',
    ],
)
def test_case_107_an_answer_that_cannot_be_decoded_is_not_printed(body, sign_in, fake):
    command = sign_in(fake, **TALKATIVE)
    secret = fake.new_secret("access")
    fake.on[("POST", fake.TOKEN)] = lambda _: Answer(body=(body % f'"{secret}"').encode())
    assert command("refresh").code != Exit.DONE


def test_case_107_hostile_text_reaches_no_terminal(sign_in, fake, browser, ksconnect):
    """Case 21: escape sequences and bidirectional marks in an error are cut or escaped."""
    command = sign_in(fake, **TALKATIVE)
    text = "\x1b]0;owned\x07\x1b[2Jred‮\r\n" + "x" * 65536
    fake.on[("POST", fake.TOKEN)] = lambda _: Answer.json(
        {"error": "invalid_request", "error_description": text}, status=400
    )
    result = command("refresh")
    assert not set("\x1b\x07‮") & set(result.stderr)
    assert len(result.stderr) < 16384
