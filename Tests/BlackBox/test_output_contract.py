"""Case 109: stdout carries the answer and nothing else; what scripts read stays as it is."""

import json

import pytest
from harness.command import Exit
from harness.wire import Answer

STATES = {"signedOut", "signingIn", "signedIn", "refreshing", "expired", "signingOut"}


def test_token_prints_the_token_and_a_newline(signed_in, fake):
    result = signed_in("token").expect()
    [access_token] = fake.access_tokens
    assert result.stdout == access_token + "\n"
    assert result.stderr == ""


def test_token_as_json(signed_in, fake):
    answer = signed_in("token", "--json").expect().json
    [access_token] = fake.access_tokens
    assert access_token in answer.values()


def test_status_as_json_when_signed_in(signed_in, fake):
    answer = signed_in("status", "--json").expect().json
    assert answer["state"] == "signedIn"
    assert answer["account"] == "default"
    assert answer["issuer"] == fake.issuer
    assert answer["subject"] is None, "without openid nobody is named"
    assert sorted(answer["scope"]) == ["offline_access", "user_api.full_access"]
    assert answer["hasRefreshToken"] is True
    assert answer["expiresAt"].endswith("Z") and "T" in answer["expiresAt"]


def test_status_as_json_when_signed_out(ksconnect, fake):
    result = ksconnect.use(fake)("status", "--json").expect(Exit.SIGN_IN)
    assert result.json["state"] == "signedOut"
    assert result.json["hasRefreshToken"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--json"),
        ("token", "--json"),
        ("accounts", "--json"),
        ("accounts", "list", "--json"),
        ("whoami", "--json"),
        ("doctor", "--json"),
    ],
)
def test_json_is_one_document_on_stdout(arguments, sign_in, fake):
    command = sign_in(fake, KSCONNECT_SCOPE="openid offline_access user_api.full_access")
    result = command(*arguments)
    json.loads(result.stdout)


def test_without_a_terminal_nothing_is_coloured_or_spun(sign_in, fake, ksconnect):
    command = sign_in(fake)
    for arguments in (["status"], ["doctor"], ["accounts"], ["refresh"], ["logout"], ["status"]):
        result = command(*arguments)
        assert "\x1b" not in result.stdout + result.stderr
        assert "\r" not in result.stdout + result.stderr


def test_errors_stand_on_stderr_alone(ksconnect, fake):
    result = ksconnect.use(fake)("token").expect(Exit.SIGN_IN)
    assert result.stdout == ""
    assert "login" in result.stderr, "an error says what to do next"


def test_include_shows_the_head(signed_in):
    result = signed_in("api", "GET", "/v1.2/me", "--include").expect()
    assert result.stdout.startswith("HTTP/1.1 200")
    assert '"path"' in result.stdout


def test_data_and_headers_arrive(signed_in, fake, tmp_path):
    body = tmp_path / "body.json"
    body.write_text('{"from":"a file"}')
    header = ("--header", "X-Test: yes")
    signed_in("api", "PATCH", "/v1.2/x", "--data", '{"a":1}', *header).expect()
    signed_in("api", "PATCH", "/v1.2/x", "--data", f"@{body}").expect()
    signed_in("api", "PATCH", "/v1.2/x", "--data", "-", stdin='{"from":"stdin"}').expect()
    requests = fake.requests_to("/api/v1.2/x")
    assert [r.body for r in requests] == [b'{"a":1}', b'{"from":"a file"}', b'{"from":"stdin"}']
    assert requests[0].header("x-test") == "yes"


def test_paginate_follows_a_link_that_holds_a_space_and_none_that_leads_elsewhere(
    signed_in, fake
):
    link = "/api/v1.2/sites?$skip=1&$orderby=id desc"

    def sites(request):
        if request.query:
            return Answer.json({"items": [{"id": "b"}]})
        return Answer.json({"items": [{"id": "a"}], "next_page_link": link})

    fake.on["GET", "/api/v1.2/sites"] = sites
    result = signed_in("api", "GET", "/v1.2/sites", "--paginate").expect()
    assert json.loads(result.stdout) == [{"id": "a"}, {"id": "b"}]
    assert fake.requests_to("/api/v1.2/sites")[1].query == "$skip=1&$orderby=id%20desc"
    link = "https://elsewhere.example/api/v1.2/sites"
    result = signed_in("api", "GET", "/v1.2/sites", "--paginate").expect(Exit.PROTOCOL)
    assert result.stdout == ""


@pytest.mark.parametrize(
    "command",
    ["", "login", "logout", "status", "token", "refresh", "api", "whoami", "accounts", "doctor"],
)
def test_help_has_an_example(command, ksconnect):
    result = ksconnect(*([command] if command else []), "--help").expect()
    assert "ksconnect" in result.stdout
    assert "example" in result.stdout.lower()


def test_no_browser_prints_the_url_alone_on_a_line(ksconnect, fake, browser):
    import requests

    command = ksconnect.use(fake)
    running = command.start("login", "--no-browser")
    line = ""
    while not line.startswith(fake.issuer):
        line = running.process.stderr.readline().decode().strip()
        assert line or running.process.poll() is None
    requests.get(line, timeout=10)
    running.finish().expect()
    command("status").expect()


def test_the_flag_wins_over_the_environment(ksconnect, fake, browser, home):
    folder = home.config / "ksconnect"
    folder.mkdir()
    command = ksconnect.use(fake, BROWSER=browser().program, KSCONNECT_CLIENT_ID="nobody")
    command("login", "--client-id", "public").expect()
    [request] = fake.requests_to(fake.AUTHORIZE)
    assert request.parameters["client_id"] == "public"


def test_a_client_secret_comes_from_a_file_or_stdin(ksconnect, fake, browser, tmp_path):
    secret = fake.client_secrets["confidential"]
    (tmp_path / "browser").mkdir(exist_ok=True)
    file = tmp_path / "browser" / "secret"
    file.write_text(secret + "\n")
    plain = ksconnect.use(fake, "confidential", KSCONNECT_CLIENT_SECRET=None)
    for source, stdin in ((str(file), None), ("-", secret)):
        command = plain.with_settings(BROWSER=browser().program)
        command("login", "--client-secret-file", source, stdin=stdin).expect()
        command("refresh").expect()
        command("logout").expect()


def test_debugging_variables_of_libraries_add_nothing_to_stdout(signed_in, fake):
    result = signed_in("token", G_MESSAGES_DEBUG="all", G_DBUS_DEBUG="all").expect()
    assert result.stdout.strip() in fake.access_tokens
