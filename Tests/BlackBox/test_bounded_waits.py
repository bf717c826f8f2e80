"""What stands still on the other side, or is full on this one, costs a bounded wait and no session."""

import contextlib
import resource
import time

import pytest
from harness.command import Exit
from harness.wire import Answer, NoAnswer


def silence(_):
    """Takes the request and says nothing for longer than anybody waits."""
    time.sleep(30)
    raise NoAnswer


def test_case_75_a_mute_provider_holds_up_signing_out_only_so_long(sign_in, fake):
    accounts = ["one", "two", "three"]
    for account in accounts:
        command = sign_in(fake, arguments=("--account", account))
    fake.on[("POST", fake.REVOKE)] = lambda _: Answer.json({}, status=503)
    for account in accounts[1:]:
        command("logout", "--account", account).expect()
    fake.on[("POST", fake.REVOKE)] = silence
    result = command("logout", "--account", accounts[0]).expect()
    assert result.seconds < 10
    assert "3 revocation(s) wait" in result.stderr


def test_case_71_keys_out_of_reach_keep_a_refresh_from_disk_only_so_long(sign_in, fake):
    command = sign_in(fake, KSCONNECT_SCOPE="openid offline_access")
    fake.on[("GET", fake.JWKS)] = silence
    assert command("refresh").expect().seconds < 8
    fake.on.clear()
    command("refresh").expect()


@pytest.mark.parametrize(
    "change", [{"token_type": "mac"}, {"access_token": "a\r\nb"}, {"access_token": None}]
)
def test_case_27_an_unusable_access_token_does_not_cost_the_new_refresh_token(
    change, signed_in, fake
):
    fake.edit_token_answer = lambda answer: {**answer, **change}
    signed_in("refresh").expect(Exit.UNAVAILABLE)
    assert len(fake.refresh_requests) == 1, "the spent refresh token is not sent again"
    fake.edit_token_answer = lambda answer: answer
    signed_in("token").expect()
    assert len(fake.refresh_requests) == 2


def test_case_88_a_mute_secret_service_is_waited_for_once(signed_in, keyring):
    keyring.freeze()
    try:
        result = signed_in("logout", "--everywhere", BROWSER="/nonexistent").expect()
        assert result.seconds < 10
    finally:
        keyring.thaw()


def test_case_89_a_locked_keyring_is_not_told_as_a_secret_that_is_missing(
    sign_in, keyring, fake, browser
):
    command = sign_in(fake, "confidential")
    keyring.lock()
    visitor = browser()
    result = command("login", KSCONNECT_CLIENT_SECRET=None, BROWSER=visitor.program)
    assert "locked" in result.expect(Exit.STORE).stderr
    assert not visitor.was_opened
    keyring.unlock()
    command("login", KSCONNECT_CLIENT_SECRET=None, BROWSER=browser().program).expect()


@contextlib.contextmanager
def no_larger_file_than(size):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_case_68_a_refresh_that_was_not_sent_for_want_of_space_leaves_no_mark(signed_in, fake):
    signed_in("refresh").expect()
    sent = len(fake.refresh_requests)
    for size in (16 << 10, 128 << 10, 384 << 10):
        with no_larger_file_than(size):
            running = signed_in.start("refresh")
        running.finish().expect(Exit.STORE)
    assert len(fake.refresh_requests) == sent
    # With a mark the provider's no would be told as an answer that was lost.
    fake.revoke_all()
    result = signed_in("refresh").expect(Exit.SIGN_IN)
    assert "answer to an earlier refresh was lost" not in result.stderr
