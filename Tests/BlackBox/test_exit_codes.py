"""Each row of the exit code table: scripts depend on these numbers."""

import os
import signal
import socket
import time

import pytest
from harness.command import Exit
from harness.wire import Answer, NoAnswer, free_port


def never_answer(_):
    raise NoAnswer


def test_0_a_call_of_the_api(signed_in):
    answer = signed_in("api", "GET", "/v1.2/me").expect(Exit.DONE)
    assert answer.json == {"method": "GET", "path": "/api/v1.2/me"}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 503])
def test_1_the_api_answered_with_another_status(status, signed_in, fake):
    fake.on[("GET", "/api/v1.2/me")] = lambda _: Answer.json({"Message": "no"}, status=status)
    result = signed_in("api", "GET", "/v1.2/me").expect(Exit.API_REFUSED)
    assert str(status) in result.stderr
    assert result.json == {"Message": "no"}, "the body is the answer all the same"


def test_0_an_answer_to_head_announces_a_body_that_does_not_come(signed_in, fake):
    length = {"Content-Length": 5 << 20}
    fake.on[("HEAD", "/api/v1.2/me")] = lambda _: Answer(headers=length)
    signed_in("api", "HEAD", "/v1.2/me").expect(Exit.DONE)


def test_1_a_second_401_is_reported_and_the_session_stays(signed_in, fake):
    fake.on[("GET", "/api/v1.2/me")] = lambda _: Answer.json({}, status=401)
    signed_in("api", "GET", "/v1.2/me").expect(Exit.API_REFUSED)
    assert len(fake.refresh_requests) == 1
    assert len(fake.requests_to("/api/v1.2/me")) == 2
    signed_in("status").expect()


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("login", "--frobnicate"),
        ("api", "GET"),
        ("api", "TRACE", "/v1.2/me"),
        ("api", "CONNECT", "/v1.2/me"),
        ("token", "--min-ttl", "soon"),
        ("login", "--client-auth", "psychic"),
    ],
)
def test_64_wrong_usage(arguments, ksconnect):
    ksconnect(*arguments).expect(Exit.USAGE)


def test_64_another_origin_gets_no_token(signed_in, fake):
    from harness.fake_provider import FakeProvider

    with FakeProvider() as other:
        for url in (f"{other.issuer}/steal", f"http://evil@127.0.0.1:{other.port}/steal"):
            signed_in("api", "GET", url).expect(Exit.USAGE)
        assert other.connections == 0


def test_69_the_api_does_not_answer(signed_in, fake):
    fake.on[("GET", "/api/v1.2/me")] = never_answer
    signed_in("api", "GET", "/v1.2/me").expect(Exit.UNAVAILABLE)
    signed_in("status").expect()


FAULTS_THAT_PASS = {
    "no answer": never_answer,
    "500": lambda _: Answer.json({"error": "invalid_grant"}, status=500),
    "503": lambda _: Answer(503, b"busy", "text/plain", {"Retry-After": "1"}),
    "portal": lambda _: Answer(200, b"<html>Welcome to the hotel</html>", "text/html"),
    "empty": lambda _: Answer(200, b""),
}


@pytest.mark.parametrize("fault", FAULTS_THAT_PASS)
def test_69_a_fault_on_refresh_keeps_the_session(fault, signed_in, fake):
    [refresh_token] = fake.refresh_tokens
    fake.on[("POST", fake.TOKEN)] = FAULTS_THAT_PASS[fault]
    signed_in("refresh").expect(Exit.UNAVAILABLE)
    signed_in("status").expect()
    signed_in("token").expect()  # the access token is still valid
    fake.on.clear()
    signed_in("refresh").expect()
    assert fake.refresh_requests[-1].form["refresh_token"] == refresh_token


def test_69_the_provider_is_down_and_the_session_kept(signed_in, fake):
    fake.close()
    signed_in("refresh").expect(Exit.UNAVAILABLE)
    signed_in("status").expect()
    signed_in("token").expect()


def test_69_the_answer_to_a_code_exchange_was_lost(ksconnect, fake, browser):
    """Case 32: a code is never sent twice."""
    fake.on[("POST", fake.TOKEN)] = never_answer
    command = ksconnect.use(fake, BROWSER=browser().program)
    command("login").expect(Exit.UNAVAILABLE)
    assert len(fake.token_requests("authorization_code")) == 1
    command("status").expect(Exit.SIGN_IN)


def test_69_nobody_came_back_in_time(ksconnect, fake, browser):
    """Case 13: the port is free again, and nothing is stored."""
    port = free_port()
    visitor = browser(plan=["stay_away"])
    command = ksconnect.use(fake, redirect_port=port, BROWSER=visitor.program)
    result = command("login", "--timeout", "1").expect(Exit.UNAVAILABLE)
    assert 1 <= result.seconds < 4
    socket.create_server(("127.0.0.1", port)).close()
    assert fake.token_requests() == []


def test_74_the_store_cannot_be_written(ksconnect, fake, browser, home):
    home.store.write_text("a file where the folder should be")
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    command("login").expect(Exit.STORE)
    assert not visitor.was_opened
    assert home.store.read_text() == "a file where the folder should be"


def test_75_the_provider_asks_for_patience(signed_in, fake):
    fake.on[("POST", fake.TOKEN)] = lambda _: Answer(429, b"", headers={"Retry-After": "7"})
    signed_in("refresh").expect(Exit.TRY_LATER)
    assert len(fake.refresh_requests) == 1
    signed_in("status").expect()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_75_case_10_a_redirect_port_taken_in_either_family(family, ksconnect, fake, browser):
    port = free_port()
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    visitor = browser()
    command = ksconnect.use(fake, redirect_port=port, BROWSER=visitor.program)
    with socket.create_server((address, port), family=family):
        command("login").expect(Exit.TRY_LATER)
    assert not visitor.was_opened


@pytest.mark.parametrize(
    ("name", "value"),
    [("iss", "https://other.example"), ("aud", "other"), ("nonce", "other"), ("sub", "")],
)
def test_76_a_bad_id_token(name, value, ksconnect, fake, browser):
    fake.edit_claims = lambda claims: {**claims, name: value}
    command = ksconnect.use(
        fake, BROWSER=browser().program, KSCONNECT_SCOPE="openid offline_access"
    )
    command("login").expect(Exit.PROTOCOL)
    command("status").expect(Exit.SIGN_IN)


def test_76_the_callback_names_another_issuer(ksconnect, fake, browser):
    def authorize(request):
        usual = fake.authorize(request)
        usual.headers["Location"] = usual.headers["Location"].replace("iss=http", "iss=https")
        return usual

    fake.on[("GET", fake.AUTHORIZE)] = authorize
    command = ksconnect.use(fake, BROWSER=browser().program)
    command("login").expect(Exit.PROTOCOL)
    assert fake.token_requests() == []


def test_76_discovery_states_another_issuer(ksconnect, fake, browser):
    """Case 38: compared byte by byte."""
    fake.edit_metadata = lambda metadata: {**metadata, "issuer": fake.issuer + "/"}
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.PROTOCOL)
    assert not visitor.was_opened


def test_77_not_signed_in(ksconnect, fake):
    command = ksconnect.use(fake)
    for arguments in (["status"], ["token"], ["refresh"], ["whoami"], ["api", "GET", "/v1.2/me"]):
        command(*arguments).expect(Exit.SIGN_IN)


def test_77_the_person_refused(ksconnect, fake, browser):
    visitor = browser(plan=["denial", "stay_away"])
    result = ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.SIGN_IN)
    assert "<script>" not in visitor.result_page["body"]
    assert fake.token_requests() == []
    assert result.stderr


def test_77_the_provider_ended_the_session(signed_in, fake):
    """Case 62: the next hundred commands ask the provider nothing."""
    fake.revoke_all()
    signed_in("refresh").expect(Exit.SIGN_IN)
    asked = len(fake.requests)
    for _ in range(100):
        signed_in("token").expect(Exit.SIGN_IN)
    assert len(fake.requests) == asked


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "invalid_scope"])
def test_78_the_client_is_refused(error, signed_in, fake):
    """Cases 30 and 64: the refresh token is kept."""
    [refresh_token] = fake.refresh_tokens
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}
    fake.on[("POST", fake.TOKEN)] = lambda _: Answer.json({"error": error}, 401, **challenge)
    signed_in("refresh").expect(Exit.CONFIGURATION)
    fake.on.clear()
    signed_in("refresh").expect()
    assert fake.refresh_requests[-1].form["refresh_token"] == refresh_token


def test_78_no_client_is_named(ksconnect, fake, browser):
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    command("login", KSCONNECT_CLIENT_ID=None).expect(Exit.CONFIGURATION)
    assert not visitor.was_opened


@pytest.mark.parametrize(
    "setting",
    [
        {"KSCONNECT_ISSUER": "not a URL"},
        {"KSCONNECT_ISSUER": "http://identity.example"},
        {"KSCONNECT_API_URL": "http://api.example"},
        {"KSCONNECT_REDIRECT_URI": "http://192.0.2.1:3000/callback"},
        {"KSCONNECT_PROFILE": "no such profile"},
        {"KSCONNECT_CONFIG": "/nonexistent/config.yaml"},
    ],
)
def test_78_a_setting_that_cannot_be(setting, ksconnect, fake, browser):
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program, **setting)
    command("login").expect(Exit.CONFIGURATION)
    assert not visitor.was_opened


def test_78_a_config_file_that_is_no_yaml(ksconnect, fake, home):
    folder = home.config / "ksconnect"
    folder.mkdir()
    (folder / "config.yaml").write_text("profiles: [unclosed")
    ksconnect.use(fake)("login").expect(Exit.CONFIGURATION)


@pytest.mark.parametrize(
    "other", [{"KSCONNECT_ISSUER": "https://other.example"}, {"KSCONNECT_CLIENT_ID": "other"}]
)
def test_78_another_issuer_or_client_than_the_accounts(other, signed_in):
    signed_in("token", **other).expect(Exit.CONFIGURATION)


def test_130_interrupted_while_the_browser_is_open(ksconnect, fake, browser):
    visitor = browser(plan=["stay_away"])
    command = ksconnect.use(fake, BROWSER=visitor.program)
    running = command.start("login")
    visitor.wait_for_end()
    os.kill(running.pid, signal.SIGINT)
    assert running.finish().expect(Exit.INTERRUPTED).seconds < 10
    assert running.process.returncode == 130, "it ends by itself, after closing what it holds"
    command("status").expect(Exit.SIGN_IN)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_case_108_other_signals_end_a_sign_in_too(number, ksconnect, fake, browser):
    visitor = browser(plan=["stay_away"])
    running = ksconnect.use(fake, BROWSER=visitor.program).start("login")
    visitor.wait_for_end()
    os.kill(running.pid, number)
    assert running.finish(timeout=10).code == 128 + number


def test_case_108_an_interrupted_refresh_loses_nothing(signed_in, fake):
    def slow(_):
        time.sleep(1)

    fake.on[("POST", fake.TOKEN)] = slow
    running = signed_in.start("refresh")
    deadline = time.monotonic() + 10
    while not fake.refresh_requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGINT)
    running.finish()
    fake.on.clear()
    signed_in("status").expect()


def test_case_108_a_closed_stdout_is_no_crash(signed_in):
    reader, writer = os.pipe()
    os.close(reader)
    running = signed_in.start("token", stdout=writer)
    os.close(writer)
    result = running.finish()
    assert result.code not in (0, 128 + signal.SIGILL, 128 + signal.SIGTRAP, 128 + signal.SIGSEGV)
    signed_in("token").expect()
