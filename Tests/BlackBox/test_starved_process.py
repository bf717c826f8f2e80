"""Too few files, too little memory: a clear error or an answer, and the session afterwards (G3)."""

import time

import pytest
from harness.command import Exit


@pytest.fixture
def expired(sign_in, fake):
    fake.token_seconds = 1
    command = sign_in(fake)
    fake.token_seconds = 3600
    time.sleep(1.2)
    return command


@pytest.mark.parametrize("files", [4, 8, 12, 16, 20, 30, 40])
def test_case_120_too_few_files_give_a_clean_error_and_lose_nothing(expired, fake, files):
    starved = expired.start("refresh", wrapper=("prlimit", f"--nofile={files}:{files}")).finish()
    starved.expect(Exit.DONE if files >= 40 else Exit.STORE)
    expired("token").expect()
    assert len(fake.refresh_requests) == 1


def test_case_120_a_low_soft_limit_is_raised(expired, fake):
    expired.start("refresh", wrapper=("prlimit", "--nofile=16:1024")).finish().expect()


@pytest.mark.parametrize("megabytes", [160, 256, 383])
def test_case_120_too_little_memory_is_told_before_anything_is_sent(expired, fake, megabytes):
    limit = megabytes << 20
    starved = expired.start("refresh", wrapper=("prlimit", f"--as={limit}:{limit}"))
    starved.finish().expect(Exit.STORE)
    assert fake.refresh_requests == []
    expired("token").expect()


def test_case_120_little_memory_is_enough(expired):
    limit = 400 << 20
    expired.start("refresh", wrapper=("prlimit", f"--as={limit}:{limit}")).finish().expect()


def test_case_120_no_process_may_be_started_and_login_still_shows_its_url(ksconnect, fake, browser):
    """The browser cannot be started; the person gets the URL."""
    command = ksconnect.use(fake, BROWSER="/nonexistent/browser")
    result = command("login", "--timeout", "1")
    result.expect(Exit.UNAVAILABLE)
    assert f"{fake.issuer}/" in result.stderr and "response_type=code" in result.stderr
