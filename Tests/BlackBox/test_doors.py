"""`sites`, `locks`, `entries` and `unlock`, as a person at a terminal and a script see them."""

import os
import pty
import subprocess
import threading

import pytest
import requests
from harness.command import KSCONNECT, Exit
from harness.wire import Answer, NoAnswer

HARBOUR = "0b9f6a52-7c54-4a1e-9f5e-2d8b6c1e4a10"
LOCKING = "PATCH /api/v1.2/sites/:site/locks/:lock/locking"
IN_HARBOUR = ("--site", "Harbour Office")
PASSWORD = "246810"


@pytest.fixture
def at_demo(sign_in, demo, canaries):
    canaries.add(PASSWORD)
    return sign_in(demo)


@pytest.fixture
def at_fake(sign_in, fake):
    """The command at a hostile API, with one site `s` and two locks `a` and `b` to begin with."""
    serve(fake, "/v1.2/sites", [{"id": "s", "customer_reference": "Mill"}])
    locks = [{"id": "a", "customer_reference": "Gate"}, {"id": "b", "customer_reference": "Loft"}]
    serve(fake, "/v1.2/sites/s/locks", locks)
    return sign_in(fake)


def serve(fake, path, items):
    fake.on["GET", f"/api{path}"] = lambda _: Answer.json({"items": items})


def sent(demo, endpoint):
    """How many such requests the demo's API got."""
    ready = demo.process.ready
    answer = requests.get(
        ready["controlURL"] + "/counters",
        headers={"X-Control-Key": ready["controlKey"]},
        timeout=10,
    )
    return answer.json()["endpoints"].get(endpoint, 0)


def patches(fake):
    return [request for request in fake.requests if request.method == "PATCH"]


# Tables and JSON


def test_sites_locks_and_entries_are_tables_over_all_pages(at_demo):
    sites = at_demo("sites").expect().stdout.splitlines()
    assert sites[0].split() == ["SITE", "COUNTRY", "TIME", "ZONE", "USERS", "ID"]
    assert [line[:14].strip() for line in sites[1:]] == ["Harbour Office", "Old Mill"]
    assert sites[1].endswith(HARBOUR)
    # A page of the demo holds three.
    locks = at_demo("locks").expect().stdout.splitlines()
    assert len(locks) == 1 + 5 + 2
    column = locks[0].index("ONLINE")
    assert {line[column:].split()[0] for line in locks[1:]} == {"yes", "no"}, "columns line up"
    entries = at_demo("entries", *IN_HARBOUR, "--limit", 7).expect().stdout.splitlines()
    assert len(entries) == 1 + 7
    times = [line.split()[0] for line in entries[1:]]
    assert times == sorted(times, reverse=True), "latest first"


def test_json_keeps_what_nobody_here_knows(at_fake, fake):
    lock = {
        "id": "a",
        "customer_reference": "Gate",
        "locked_state": "ajar",
        "firmware": {"version": [1, None, 2.5]},
        "mac": None,
    }
    serve(fake, "/v1.2/sites/s/locks", [lock])
    assert at_fake("locks", "--json").expect().json == [lock]
    assert "ajar" in at_fake("locks").expect().stdout


@pytest.mark.parametrize("command", [("sites",), ("locks",), ("entries", "--site", "s")])
def test_an_empty_list_is_a_header_or_an_empty_array(command, at_fake, fake):
    path = {"sites": "/v1.2/sites", "locks": "/v1.2/sites/s/locks"}
    serve(fake, path.get(command[0], "/v1.1/sites/s/entries"), [])
    assert len(at_fake(*command).expect().stdout.splitlines()) == 1
    assert at_fake(*command, "--json").expect().json == []


def test_columns_line_up_whatever_the_names_are(at_fake, fake):
    # The width of each name as a terminal shows it, for the reader to check.
    names = {"Gate": 4, "正面玄関": 8, "Cafe\u0301": 4, "x" * 80: 80, "\x1b[31mred\r\n\u202e": None}
    serve(
        fake,
        "/v1.2/sites/s/locks",
        [
            {"id": f"id-{number}", "customer_reference": name, "locked_state": "locked"}
            for number, name in enumerate(names)
        ],
    )
    shown = at_fake("locks").expect().stdout
    assert "\x1b" not in shown and "\r" not in shown and "\u202e" not in shown
    lines = shown.splitlines()
    assert len(lines) == 1 + len(names), "no name makes a line of its own"
    starts = set()
    for line, width in zip(lines[1:], names.values(), strict=True):
        before = line[: line.index("locked")]
        if width is not None:
            letters = len(before.removeprefix("Mill  ").rstrip())
            starts.add(len(before) - letters + width)
        else:
            starts.add(len(before))
    assert starts == {lines[0].index("STATE")}


# What is named


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unlock", "Gat", "--yes"), ["there is no lock Gat", "Gate"]),
        (("unlock", "gate", "--yes"), ["there is no lock gate", "choose one of: Gate"]),
        (("locks", "--site", "Mil"), ["there is no site Mil", "Mill"]),
        (("entries", "--site", "nothing"), ["there is no site nothing", "Mill"]),
    ],
)
def test_an_unknown_name_is_told_with_what_there_is(arguments, said, at_fake, fake):
    result = at_fake(*arguments).expect(Exit.USAGE)
    assert all(text in result.stderr for text in said)
    assert not patches(fake)


def test_of_many_names_the_likeliest_few_are_shown(at_fake, fake):
    locks = [{"id": f"l{n}", "customer_reference": f"Room {n}"} for n in range(200)]
    locks.insert(150, {"id": "x", "customer_reference": "Cellar"})
    serve(fake, "/v1.2/sites/s/locks", locks)
    said = at_fake("unlock", "Celar", "--yes").expect(Exit.USAGE).stderr
    assert "choose one of: Cellar, " in said and "(196 more)" in said


def test_a_name_that_two_locks_bear_names_neither_and_an_id_does(at_fake, fake):
    locks = [{"id": "a", "customer_reference": "Gate"}, {"id": "b", "customer_reference": "Gate"}]
    serve(fake, "/v1.2/sites/s/locks", locks)
    fake.on["PATCH", "/api/v1.2/sites/s/locks/b/locking"] = lambda _: Answer(204)
    result = at_fake("unlock", "Gate", "--yes").expect(Exit.USAGE)
    assert "several locks are called Gate" in result.stderr and "a, b" in result.stderr
    assert not patches(fake)
    at_fake("unlock", "b", "--yes").expect()
    assert len(patches(fake)) == 1


def test_of_several_sites_one_must_be_named(at_demo):
    result = at_demo("unlock", "Front door", "--yes").expect(Exit.USAGE)
    assert "Harbour Office, Old Mill" in result.stderr


# Doors


def test_unlock_opens_the_door_once_and_says_so(at_demo, demo):
    result = at_demo("unlock", "Front door", *IN_HARBOUR, "--yes").expect()
    assert result.stdout == "Front door at Harbour Office is open.\n"
    assert sent(demo, LOCKING) == 1
    entry = at_demo("entries", *IN_HARBOUR, "--limit", 1, "--json").expect().json[0]
    assert entry["event_detail"] == "unlocked_remotely"
    answer = at_demo("unlock", "Meeting room", *IN_HARBOUR, "--yes", "--json").expect().json
    assert answer["lockedState"] == "unlocked" and answer["site"] == HARBOUR


def test_without_a_terminal_nobody_is_asked_and_nothing_is_opened(at_demo, demo):
    result = at_demo("unlock", "Front door", *IN_HARBOUR).expect(Exit.USAGE)
    assert "--yes" in result.stderr and result.stdout == ""
    assert sent(demo, LOCKING) == 0


def test_a_person_is_asked_before_a_door_is_opened(at_demo, demo):
    question = "Open Front door at Harbour Office? [y/N]"
    for answer in ("n", "", "yess"):
        code, shown = at_terminal(at_demo, ("unlock", "Front door", *IN_HARBOUR), question, answer)
        assert code == Exit.INTERRUPTED and "nothing was opened" in shown
    assert sent(demo, LOCKING) == 0
    code, shown = at_terminal(at_demo, ("unlock", "Front door", *IN_HARBOUR), question, "y")
    assert code == Exit.DONE and "is open" in shown
    assert sent(demo, LOCKING) == 1


def test_a_person_is_asked_for_the_one_time_password_and_it_is_not_shown(at_demo):
    command = ("unlock", "Vault", *IN_HARBOUR, "--yes")
    code, shown = at_terminal(at_demo, command, "One-time password:", PASSWORD)
    assert code == Exit.DONE and PASSWORD not in shown


def test_each_refusal_of_a_one_time_password_has_its_remedy(at_demo, demo, tmp_path):
    command = ("unlock", "Vault", *IN_HARBOUR, "--yes")
    missing = at_demo(*command).expect(Exit.API_REFUSED)
    assert "HTTP 404" in missing.stderr and "give --otp-file" in missing.stderr
    for _ in range(3):
        wrong = at_demo(*command, "--otp-file", "-", stdin="000000\n").expect(Exit.API_REFUSED)
        assert "HTTP 400: otp_invalid" in wrong.stderr and "check" in wrong.stderr
    blocked = at_demo(*command, "--otp-file", "-", stdin=PASSWORD).expect(Exit.API_REFUSED)
    assert "HTTP 403: otp_blocked" in blocked.stderr and "reset" in blocked.stderr
    assert sent(demo, LOCKING) == 5, "each was sent once"
    for unusable in ("", "a b", "1" * 65):
        at_demo(*command, "--otp-file", "-", stdin=unusable).expect(Exit.USAGE)
    at_demo(*command, "--otp-file", tmp_path / "none").expect(Exit.USAGE)
    assert sent(demo, LOCKING) == 5


def test_a_lock_out_of_reach_is_a_refusal_and_no_doubt(at_demo):
    result = at_demo("unlock", "Roof terrace", *IN_HARBOUR, "--yes").expect(Exit.API_REFUSED)
    assert "nobody knows" not in result.stderr


def lost(_):
    raise NoAnswer


DOUBTFUL = {
    "lost": (lost, Exit.UNAVAILABLE),
    "cut off": (lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Exit.UNAVAILABLE),
    "no HTTP": (lambda _: b"who are you\r\n\r\n", Exit.UNAVAILABLE),
    "too large": (lambda _: Answer(200, bytes(2 << 20)), Exit.UNAVAILABLE),
    "gateway": (lambda _: Answer(502), Exit.API_REFUSED),
    "gateway late": (lambda _: Answer(504), Exit.API_REFUSED),
}


@pytest.mark.parametrize("how", DOUBTFUL)
def test_an_unlock_whose_answer_is_lost_is_not_repeated_and_said_to_be_in_doubt(
    how, at_fake, fake
):
    answer, code = DOUBTFUL[how]
    fake.on["PATCH", "/api/v1.2/sites/s/locks/a/locking"] = answer
    result = at_fake("unlock", "Gate", "--yes").expect(code)
    assert "nobody knows whether the door was opened" in result.stderr
    assert "before you try again" in result.stderr and "try again later" not in result.stderr
    assert len(patches(fake)) == 1 and result.stdout == ""


def test_an_unlock_that_a_busy_service_refused_is_in_no_doubt_and_not_repeated(at_fake, fake):
    fake.on["PATCH", "/api/v1.2/sites/s/locks/a/locking"] = lambda _: Answer(
        503, headers={"Retry-After": "0"}
    )
    result = at_fake("unlock", "Gate", "--yes").expect(Exit.API_REFUSED)
    assert "nobody knows" not in result.stderr
    assert len(patches(fake)) == 1


def test_case_76_an_unlock_is_sent_again_after_a_401_and_only_once(at_fake, fake):
    path = "/api/v1.2/sites/s/locks/a/locking"
    refused = Answer.json({}, status=401)
    fake.on["PATCH", path] = lambda _: refused if len(patches(fake)) == 1 else Answer(204)
    at_fake("unlock", "Gate", "--yes").expect()
    assert len(patches(fake)) == 2
    fake.on["PATCH", path] = lambda _: refused
    at_fake("unlock", "Gate", "--yes").expect(Exit.API_REFUSED)
    assert len(patches(fake)) == 4


def test_an_unlock_that_is_interrupted_on_the_way_is_in_doubt(at_fake, fake):
    came, go_on = threading.Event(), threading.Event()

    def wait(_):
        came.set()
        go_on.wait(60)
        raise NoAnswer

    fake.on["PATCH", "/api/v1.2/sites/s/locks/a/locking"] = wait
    running = at_fake.start("unlock", "Gate", "--yes")
    assert came.wait(60)
    running.process.send_signal(2)
    result = running.finish().expect(Exit.INTERRUPTED)
    go_on.set()
    assert "nobody knows whether the door was opened" in result.stderr


def at_terminal(command, arguments, question, answer):
    """Runs the command on a terminal, answers its one question; exit code and what was shown."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [KSCONNECT, *arguments],
        env=command.full_environment({}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown, is_answered = b"", False
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
        if not is_answered and question.encode() in shown:
            is_answered = True
            os.write(master, answer.encode() + b"\n")
    os.close(master)
    code = process.wait(timeout=60)
    assert is_answered, shown.decode()
    return code, shown.decode()
