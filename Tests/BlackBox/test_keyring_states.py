"""The Secret Service in the states that people meet. Nothing is lost, and nothing is made up."""

import pytest
from harness.command import Exit, Ksconnect

NO_BUS = {
    "address unset": {"DBUS_SESSION_BUS_ADDRESS": None},
    "socket missing": {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"},
    "runtime folder missing": {
        "DBUS_SESSION_BUS_ADDRESS": None,
        "XDG_RUNTIME_DIR": "/nonexistent",
    },
}


@pytest.mark.parametrize("situation", NO_BUS)
def test_case_87_no_bus_is_told_within_two_seconds_before_a_browser_opens(
    situation, ksconnect, fake, browser
):
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program, **NO_BUS[situation])
    result = command("login").expect(Exit.STORE)
    assert result.seconds < 2
    assert not visitor.was_opened
    assert fake.requests_to(fake.AUTHORIZE) == []


@pytest.mark.parametrize("situation", NO_BUS)
def test_case_87_a_session_is_kept_while_there_is_no_bus(situation, signed_in):
    away = signed_in.with_settings(**NO_BUS[situation])
    assert away("token").expect(Exit.STORE).seconds < 2
    assert away("status").expect(), "status works without the key"
    signed_in("token").expect()


def test_case_87_a_bus_without_a_secret_service(home, empty_bus, canaries, fake, browser):
    visitor = browser()
    command = Ksconnect(home, empty_bus.environment, canaries)
    command = command.use(fake, BROWSER=visitor.program)
    assert command("login").expect(Exit.STORE).seconds < 2
    assert not visitor.was_opened


def test_case_88_a_mute_secret_service_is_given_up_within_ten_seconds(signed_in, keyring):
    keyring.freeze()
    try:
        assert signed_in("token").expect(Exit.STORE).seconds < 10.5
    finally:
        keyring.thaw()
    signed_in("token").expect()


def test_case_89_a_locked_keyring_is_no_missing_one(signed_in, keyring, fake):
    before = keyring.items()
    keyring.lock()
    result = signed_in("token").expect(Exit.STORE)
    assert "locked" in result.stderr.lower()
    assert result.seconds < 2, "without a terminal nobody is asked"
    signed_in("refresh").expect(Exit.STORE)
    assert fake.refresh_requests == []
    keyring.unlock()
    assert keyring.items() == before, "no new key was made"
    signed_in("token").expect()


def test_case_89_signing_in_with_a_locked_keyring_opens_no_browser(
    ksconnect, keyring, fake, browser
):
    keyring.lock()
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.STORE)
    assert not visitor.was_opened


def test_case_89_a_locked_keyring_does_not_stop_a_person_from_signing_out(signed_in, keyring):
    keyring.lock()
    signed_in("logout").expect()
    signed_in("status").expect(Exit.SIGN_IN)


def test_case_90_no_refresh_is_sent_whose_answer_could_not_be_kept(signed_in, keyring, fake):
    fake.expire_access_tokens()
    keyring.lock()
    signed_in("api", "GET", "/v1.2/me").expect(Exit.STORE)
    assert fake.refresh_requests == []


def test_case_91_a_key_that_is_gone_is_named_and_the_store_is_left_alone(
    sign_in, signed_in, keyring, fake, home
):
    store = {path: path.read_bytes() for path in home.store.rglob("*.sqlite")}
    for item in keyring.items():
        keyring.delete(item)
    result = signed_in("token").expect(Exit.STORE)
    assert "locked" not in result.stderr.lower()
    assert keyring.items() == [], "no new key was made silently"
    assert store == {path: path.read_bytes() for path in store}
    # Only the person may start anew, by signing in again.
    again = sign_in(fake)
    assert len(keyring.items()) == 1
    again("token").expect()


def test_the_session_survives_a_restart_of_the_keyring(signed_in, keyring):
    keyring.restart_service()
    signed_in("token").expect()


def test_one_item_is_kept_in_the_keyring(signed_in, keyring):
    assert len(keyring.items()) == 1
    signed_in("refresh").expect()
    signed_in("token").expect()
    assert len(keyring.items()) == 1


def test_the_keyring_is_needed_for_no_help(home, canaries):
    command = Ksconnect(home, {}, canaries)
    assert command("--help").expect().stdout
    assert command("--version").expect().stdout
