"""Many processes, one session: they refresh once, and never see each other's locks."""

import os
import signal
import time

import pytest
from harness.command import Exit

PROCESSES = 50
PARALLEL_RUNS = 128


@pytest.fixture
def expired(sign_in, fake):
    """Signed in, with an access token that has run out."""
    fake.token_seconds = 1
    command = sign_in(fake)
    fake.token_seconds = 3600
    time.sleep(1.5)
    return command


def all_at_once(command, count, *arguments):
    running = [command.start(*arguments) for _ in range(count)]
    return [run.finish(timeout=100) for run in running]


def answer_slowly(fake, seconds):
    fake.on[("POST", fake.TOKEN)] = lambda _: time.sleep(seconds)


@pytest.mark.alone
def test_case_59_fifty_processes_with_an_expired_token_send_one_request(expired, fake):
    answer_slowly(fake, 2)
    results = all_at_once(expired, PROCESSES, "token")
    assert [result.code for result in results] == [Exit.DONE] * PROCESSES
    assert len({result.stdout for result in results}) == 1
    assert len(fake.refresh_requests) == 1


def test_case_59_refreshes_that_are_asked_for_at_once_share_one_request(signed_in, fake):
    answer_slowly(fake, 2)
    for result in all_at_once(signed_in, 20, "refresh"):
        result.expect()
    assert len(fake.refresh_requests) == 1


def test_calls_that_were_all_refused_share_one_refresh(signed_in, fake):
    fake.expire_access_tokens()
    answer_slowly(fake, 1)
    for result in all_at_once(signed_in, 20, "api", "GET", "/v1.2/me"):
        result.expect()
    assert len(fake.refresh_requests) == 1


@pytest.mark.alone
def test_case_103_parallel_runs_never_see_a_locked_data_base(signed_in, fake):
    for result in all_at_once(signed_in, PARALLEL_RUNS, "token"):
        assert "database is locked" not in result.stderr
        result.expect()
    assert fake.refresh_requests == []


@pytest.mark.alone
def test_case_103_parallel_writers_never_see_a_locked_data_base(expired, fake):
    """Readers and writers mixed: refreshes, tokens and states at once."""
    commands = (["refresh"], ["token"], ["status"], ["api", "GET", "/v1.2/me"])
    running = [expired.start(*commands[number % 4]) for number in range(PARALLEL_RUNS)]
    for run in running:
        result = run.finish(timeout=100)
        assert "database is locked" not in result.stderr
        result.expect()


def test_case_69_a_killed_holder_of_the_lock_lets_the_next_go_on(expired, fake):
    answer_slowly(fake, 3)
    holder = expired.start("refresh")
    wait_for_refresh(fake)
    holder.kill()
    holder.process.communicate()
    # Its request was cut off; what the provider made of it nobody knows yet.
    fake.on.clear()
    fake.refresh_tokens.update(
        dict.fromkeys([fake.refresh_requests[0].form["refresh_token"]], "offline_access")
    )
    expired("token", timeout=30).expect()


def test_case_69_a_stopped_holder_of_the_lock_is_waited_for_only_so_long(signed_in, fake):
    answer_slowly(fake, 2)
    holder = signed_in.start("refresh")
    wait_for_refresh(fake)
    os.kill(holder.pid, signal.SIGSTOP)
    try:
        signed_in("token").expect()  # the old access token is still valid
        blocked = signed_in("refresh", timeout=60)
        assert blocked.code in (Exit.TRY_LATER, Exit.UNAVAILABLE)
        assert len(fake.refresh_requests) == 1
    finally:
        os.kill(holder.pid, signal.SIGCONT)
    holder.finish(timeout=30).expect()
    signed_in("status").expect()


def wait_for_refresh(fake):
    deadline = time.monotonic() + 10
    while not fake.refresh_requests:
        assert time.monotonic() < deadline, "no refresh request came"
        time.sleep(0.01)
