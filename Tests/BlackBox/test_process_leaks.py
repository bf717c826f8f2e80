"""Case 106: no secret where other programs of the machine could see it."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
from harness.command import KSCONNECT, Home, Ksconnect


class Watch(threading.Thread):
    """Keeps every command line and environment that appears while it looks."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = set()
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            for process in pathlib.Path("/proc").iterdir():
                if process.name.isdigit() and int(process.name) != os.getpid():
                    for name in ("cmdline", "environ"):
                        try:
                            self.seen.add((process / name).read_bytes())
                        except OSError:
                            continue
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def test_no_secret_in_any_command_line_or_environment(sign_in, fake, canaries, tmp_path):
    (tmp_path / "browser").mkdir()
    secret_file = tmp_path / "browser" / "secret"
    secret_file.write_text(fake.client_secrets["confidential"])
    with Watch() as watch:
        command = sign_in(
            fake,
            "confidential",
            arguments=("--client-secret-file", str(secret_file)),
            KSCONNECT_CLIENT_SECRET=None,
        )
        command("refresh").expect()
        command("api", "GET", "/v1.2/me").expect()
        command("logout").expect()
    assert any(b"ksconnect" in seen for seen in watch.seen)
    # The scripted browser sees the redirect with its code; that is its work, not a leak.
    for seen in watch.seen:
        assert canaries.found_in(seen) == []


def test_the_browser_inherits_no_secret(sign_in, fake):
    command = sign_in(fake, "confidential")
    opened = command.visitor.visits[0]
    assert fake.client_secrets["confidential"] not in opened["environment"].values()
    assert "KSCONNECT_CLIENT_SECRET" not in opened["environment"]
    assert opened["arguments"] == [command.visitor.authorize_url]


def wait_status(process, seconds):
    """The status as the kernel gives it; a crash that hangs is a failure."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status
        if time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"still there {seconds} s after its crash")
        time.sleep(0.01)


def dies_with_a_core(process):
    """Whether the kernel wrote a core file for it."""
    os.kill(process.pid, signal.SIGABRT)
    status = wait_status(process, seconds=10)
    assert os.WIFSIGNALED(status)
    return os.WCOREDUMP(status)


def test_no_core_file_is_written(ksconnect, fake, browser, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    try:
        if not dies_with_a_core(subprocess.Popen(["sleep", "60"], cwd=tmp_path)):
            pytest.skip("this machine writes no core files, for any process")
        visitor = browser(plan=["stay_away"])
        running = ksconnect.use(fake, BROWSER=visitor.program).start("login")
        visitor.wait_for_end()
        assert not dies_with_a_core(running.process)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)


# What a program of the same user tries on a process: its files of /proc, and a debugger's call.
PRY = """
import ctypes, sys
pid, found = int(sys.argv[1]), []
for name in ("environ", "mem", "maps"):
    try:
        open(f"/proc/{pid}/{name}", "rb").read(1)
        found.append(name)
    except PermissionError:
        pass
    except OSError:
        found.append(name)  # It was opened; nothing lies at address 0.
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, DETACH = 0x4206, 17
if libc.ptrace(SEIZE, pid, None, None) == 0:
    found.append("ptrace")
print(*found)
"""
NOBODY = 65534


def pry(process):
    """What another process of the same, unprivileged user gets at."""
    answer = subprocess.run(
        ["/usr/bin/python3", "-c", PRY, str(process.pid)],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.split())


def test_case_106_another_program_of_the_same_user_cannot_look_in(fake, canaries):
    if os.geteuid() != 0:
        pytest.fail("two processes of another user need root: run these tests as root")
    with tempfile.TemporaryDirectory() as folder:
        # A place that the other user can reach.
        root = pathlib.Path(folder)
        program = shutil.copy(KSCONNECT, root / "ksconnect")
        home = Home(root / "person")
        root.chmod(0o755)
        for path in [home.root, *home.root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        command = Ksconnect(home, {}, canaries).use(fake)
        process = subprocess.Popen(
            [program, "login", "--no-browser", "--vault=passphrase", "--passphrase-fd=0"],
            env=command.full_environment({}),
            cwd=home.home,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        sleeper = subprocess.Popen(["sleep", "60"], user=NOBODY, group=NOBODY, extra_groups=[])
        try:
            process.stdin.write(b"seven-lamps-and-a-stair\n")
            process.stdin.close()
            # By the time that it shows where to go, its hands are full.
            assert process.stderr.readline()
            expected = pry(sleeper)
            assert {"environ", "mem", "maps"} <= expected, "the look itself does not work"
            assert pry(process) == set()
            if "ptrace" not in expected:
                pytest.skip("no process may be traced here (Yama); /proc was closed as it should")
        finally:
            for each in (process, sleeper):
                each.kill()
                each.wait()
            process.stderr.close()
