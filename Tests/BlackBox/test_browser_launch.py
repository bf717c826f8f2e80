"""Case 105: the browser is started without a shell, and its failures cost nothing but a click."""

import os
import signal

import pytest
from harness.command import Exit
from harness.wire import Answer


def wait_for_url(running, issuer):
    """The URL that is printed for the person to open by hand."""
    for line in running.process.stderr:
        for word in line.decode().split():
            if word.startswith(issuer):
                return word
    raise AssertionError("no URL was printed")


@pytest.mark.parametrize(
    "browser_setting",
    ["/nonexistent/browser", "/bin/false", ""],
)
def test_a_browser_that_does_not_start_leaves_the_url_on_stderr(browser_setting, ksconnect, fake):
    import requests

    command = ksconnect.use(fake, BROWSER=browser_setting, PATH="/nonexistent")
    running = command.start("login")
    requests.get(wait_for_url(running, fake.issuer), timeout=10)
    running.finish().expect()


def test_nothing_in_browser_reaches_a_shell(ksconnect, fake, tmp_path):
    trap = tmp_path / "trap"
    setting = f"sh -c 'touch {trap}';touch${{IFS}}{trap};$(touch {trap})"
    running = ksconnect.use(fake, BROWSER=setting).start("login")
    try:
        wait_for_url(running, fake.issuer)
    finally:
        os.kill(running.pid, signal.SIGINT)
        running.finish()
    assert not trap.exists()


def test_a_program_that_hangs_does_not_hold_up_the_sign_in(ksconnect, fake, browser):
    visitor = browser()
    hanging = visitor.folder / "hanging"
    hanging.write_text(f'#!/bin/sh\n{visitor.program} "$@"\nexec sleep 30\n')
    hanging.chmod(0o700)
    result = ksconnect.use(fake, BROWSER=hanging)("login").expect()
    assert result.seconds < 10


def test_browser_is_a_list_with_a_place_for_the_url(ksconnect, fake, browser):
    visitor = browser()
    setting = f"/nonexistent/first:{visitor.program} %s"
    ksconnect.use(fake, BROWSER=setting)("login").expect()
    assert visitor.visits[0]["arguments"] == [visitor.authorize_url]


@pytest.mark.parametrize(
    "endpoint",
    ["javascript:alert(1)", "file:///etc/passwd", "--help", "http://identity.example/authorize"],
)
def test_case_39_no_program_is_started_for_a_hostile_endpoint(endpoint, ksconnect, fake, browser):
    fake.edit_metadata = lambda metadata: {**metadata, "authorization_endpoint": endpoint}
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.PROTOCOL)
    assert not visitor.was_opened


def test_case_40_discovery_is_not_redirected_elsewhere(ksconnect, fake, browser):
    from harness.fake_provider import FakeProvider

    with FakeProvider() as other:
        fake.on[("GET", fake.DISCOVERY)] = lambda _: Answer.redirect(other.issuer + other.DISCOVERY)
        visitor = browser()
        result = ksconnect.use(fake, BROWSER=visitor.program)("login")
        assert result.code in (Exit.PROTOCOL, Exit.UNAVAILABLE)
        assert other.connections == 0
        assert not visitor.was_opened
