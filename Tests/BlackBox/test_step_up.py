"""A call that wants a stronger sign-in, and the sign-in that gives it (RFC 9470)."""

import time

from harness.command import Exit
from harness.wire import Answer

CALL = ("api", "POST", "/v1.2/doors", "--data", "{}")


def asks_for(parameters):
    challenge = f'Bearer error="insufficient_user_authentication", {parameters}'
    return lambda _: Answer.json({}, status=401, **{"WWW-Authenticate": challenge})


def test_case_80_the_remedy_is_a_command_that_asks_for_what_the_api_wants(sign_in, fake):
    command = sign_in(fake, arguments=("--scope", "openid offline_access"))
    fake.on[("POST", "/api/v1.2/doors")] = asks_for('acr_values="urn:gold silver", max_age="60"')
    refused = command(*CALL).expect(Exit.SIGN_IN)
    assert "ksconnect login --acr-values 'urn:gold silver' --max-age 60" in refused.stderr

    again = ("login", "--acr-values", "urn:gold silver", "--max-age", "60")
    assert "auth_time" in command(*again).expect(Exit.PROTOCOL).stderr
    fake.edit_claims = lambda claims: {**claims, "auth_time": int(time.time()), "acr": "bronze"}
    assert "acr" in command(*again).expect(Exit.PROTOCOL).stderr
    command("status").expect()
    fake.edit_claims = lambda claims: {**claims, "auth_time": int(time.time()), "acr": "silver"}
    command(*again, "--login-hint", "jane+doe").expect()
    asked = [r.parameters for r in fake.requests_to(fake.AUTHORIZE)][-1]
    assert (asked["acr_values"], asked["max_age"]) == ("urn:gold silver", "60")
    assert asked["login_hint"] == "jane+doe"


def test_case_80_what_a_shell_would_run_is_not_repeated_in_the_remedy(signed_in, fake):
    for text in ("$(id)", "a'b", "a;id", "`id`", "a*b"):
        fake.on[("POST", "/api/v1.2/doors")] = asks_for(f'acr_values="{text}"')
        refused = signed_in(*CALL).expect(Exit.SIGN_IN)
        assert "`ksconnect login`" in refused.stderr, text


def test_an_age_below_zero_is_wrong_usage(ksconnect):
    ksconnect("login", "--max-age=-1").expect(Exit.USAGE)
