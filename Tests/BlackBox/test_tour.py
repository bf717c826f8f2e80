"""`ksconnect-demo tour`: the whole story, as it is told to a person who watches it."""

import os
import re
import signal
import subprocess

import pytest
from harness.command import KSCONNECT, TOP, Home
from harness.keyring import Keyring
from harness.wire import free_port

DEMO = os.environ.get("KSCONNECT_DEMO_BIN", TOP / ".build/debug/ksconnect-demo")
SECONDS_MAX = 120

# The only values that a parameter with a secret may be shown with.
SECRET_PARAMETER = re.compile(
    r"\b(code|code_verifier|refresh_token|access_token|id_token|token|client_secret|password)="
    r"([^&\s]*)"
)


class Tour:
    """A tour under way, in a HOME and with a folder for temporary files of its own."""

    def __init__(self, home, environment, *arguments, **changes):
        surroundings = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
        }
        self.scratch = home.root / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [DEMO, "tour", "--ksconnect", KSCONNECT, *arguments],
            env={**surroundings, **environment, "TMPDIR": str(self.scratch), **changes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self):
        """Waits for the end. Whatever the tour came to, it leaves no file behind."""
        stdout, stderr = self.process.communicate(timeout=SECONDS_MAX)
        assert list(self.scratch.iterdir()) == [], "the tour left files behind"
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, stdout, stderr
        )


def tour(home, environment, *arguments, **changes):
    return Tour(home, environment, *arguments, **changes).end()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One tour for the tests that only read what it tells."""
    home = Home(tmp_path_factory.mktemp("tour"))
    with Keyring(home) as keyring:
        before = keyring.items()
        # On a busy machine too the first token lives until the tour waits for its end.
        result = tour(home, keyring.environment, "--headless", "--lifetime", "12")
        result.keys_left = [item for item in keyring.items() if item not in before]
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    return result


def test_the_tour_tells_the_six_steps_in_their_order(told):
    steps = re.findall(r"^Step (\d) of 6", told.stdout, re.MULTILINE)
    assert steps == list("123456")


def test_the_tour_shows_the_request_of_each_step(told):
    parts = re.split(r"^Step \d of 6", told.stdout, flags=re.MULTILINE)[1:]
    shown = [
        r"GET +/connect/authorize +30[23]\n"
        r".*\?response_type=code&scope=user_api\.full_access\+offline_access\n",
        r"POST +/account/login +30[23]\n.*&password=…",
        r"POST +/account/consent +30[23]\n.*&decision=allow",
        r"POST +/connect/token +200\n.*grant_type=authorization_code&code=…",
        r"GET +/api/v1\.2/sites +200 +Bearer …",
        r"POST +/connect/token +200\n.*grant_type=refresh_token&refresh_token=…",
    ]
    for part, pattern in zip(parts, shown, strict=True):
        assert re.search(pattern, part), f"{pattern} is not in:\n{part}"


def test_the_tour_needs_exactly_one_refresh(told):
    assert told.stdout.count("grant_type=refresh_token") == 1
    assert told.stdout.count("grant_type=authorization_code") == 1


def test_the_tour_opens_a_door_and_signs_out(told):
    assert re.search(r"PATCH +/api/\S+/locking +204", told.stdout)
    assert re.search(r"POST +/connect/revocation +200", told.stdout)
    assert "exit code 77" in told.stdout


def test_the_tour_prints_no_secret(told):
    assert "eyJ" not in told.stdout, "a JSON Web Token"
    values = {value for _, value in SECRET_PARAMETER.findall(told.stdout)}
    assert values == {"…"}
    # Tokens, codes and verifiers are at least this long and of these characters.
    random_looking = [
        word
        for word in re.findall(r"[A-Za-z0-9_-]{40,}", without_addresses(told.stdout))
        if not re.fullmatch(r"-+", word)
    ]
    assert random_looking == []


def without_addresses(text):
    """Login prints the address for the browser, whose state and challenge are no secrets."""
    return re.sub(r"http://\S+/connect/authorize\S*", "", text)


def test_the_tour_is_plain_text_where_there_is_no_terminal(told):
    assert "\x1b" not in told.stdout and "\r" not in told.stdout


def test_the_tour_leaves_no_key_in_the_keyring(told):
    assert told.keys_left == []


def test_an_interrupted_tour_leaves_nothing_behind_either(home, keyring):
    before = keyring.items()
    running = Tour(home, keyring.environment, "--headless")
    for line in running.process.stdout:
        if line.startswith("Waiting"):
            break
    assert keyring.items() != before, "somebody is signed in by now"
    running.process.send_signal(signal.SIGINT)
    assert running.end().returncode == 130
    assert keyring.items() == before


def test_the_person_s_own_browser_is_opened_where_there_is_a_display(home, keyring, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\ntouch {browser}.opened\nexec {DEMO} walk "$1"\n')
    browser.chmod(0o700)
    result = tour(home, keyring.environment, "--lifetime", "4", DISPLAY=":0", BROWSER=str(browser))
    assert result.returncode == 0, result.stdout + result.stderr
    assert browser.with_name("browser.opened").exists()
    assert re.search(r"user name +alice\n +password +\S+\n", result.stdout)


def test_without_a_keyring_the_tour_says_which_step_failed_and_what_to_do(home, empty_bus):
    result = tour(home, empty_bus.environment, "--headless")
    assert result.returncode == 1
    assert "ksconnect login" in result.stderr
    assert "script/demo" in result.stderr


def test_without_the_command_the_tour_says_so(home, empty_bus):
    result = tour(home, empty_bus.environment, "--ksconnect", "/nonexistent/ksconnect")
    assert result.returncode == 1
    assert "/nonexistent/ksconnect" in result.stderr


def test_the_walk_ends_badly_where_the_login_page_does_not_come(home):
    unused_address = f"http://127.0.0.1:{free_port()}"
    report = home.root / "report"
    result = subprocess.run(
        [DEMO, "walk", "--report", report, f"{unused_address}/connect/authorize?x=y"],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert result.returncode == 1
    assert unused_address in report.read_text()
