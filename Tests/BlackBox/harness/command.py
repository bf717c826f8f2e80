"""The real command in a HOME of its own: run it, and judge how it ended."""

import contextlib
import dataclasses
import enum
import json
import os
import pathlib
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
KSCONNECT = pathlib.Path(os.environ.get("KSCONNECT_BIN", TOP / ".build/debug/ksconnect"))


class Exit(enum.IntEnum):
    """The command's exit codes, by the name of what they say."""

    DONE = 0
    API_REFUSED = 1
    USAGE = 64
    UNAVAILABLE = 69
    STORE = 74
    TRY_LATER = 75
    PROTOCOL = 76
    SIGN_IN = 77
    CONFIGURATION = 78
    INTERRUPTED = 130


class Home:
    """A person's fresh HOME with its XDG folders."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.home = self.root / "home"
        self.runtime = self.root / "run"
        self.config = self.root / "config"
        self.data = self.root / "data"
        self.cache = self.root / "cache"
        for folder in (self.home, self.runtime, self.config, self.data, self.cache):
            folder.mkdir(parents=True, exist_ok=True)
        self.runtime.chmod(0o700)

    @property
    def environment(self):
        return {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.data),
            "XDG_CACHE_HOME": str(self.cache),
        }

    @property
    def store(self):
        """The folder of the command's store."""
        return self.data / "ksconnect"

    @property
    def database(self):
        """The one SQLite file in the store."""
        files = [path for path in self.store.iterdir() if path.is_file()]
        [database] = [p for p in files if p.read_bytes()[:15] == b"SQLite format 3"]
        return database


@dataclasses.dataclass
class Result:
    """How one run of the command ended."""

    arguments: tuple
    code: int
    stdout: str
    stderr: str
    seconds: float

    def expect(self, code=Exit.DONE):
        """Asserts the exit code, and that a failure says something on stderr; returns itself."""
        assert self.code == code, (
            f"ksconnect {' '.join(self.arguments)}: exit {self.code}, not {code!r}\n"
            f"stdout: {self.stdout[:2000]}\nstderr: {self.stderr[:4000]}"
        )
        if code != Exit.DONE:
            assert self.stderr.strip(), "a failure must say why on stderr"
        return self

    @property
    def json(self):
        return json.loads(self.stdout)


class Running:
    """A run of the command that has not ended yet."""

    def __init__(self, owner, arguments, process, started):
        self.owner = owner
        self.arguments = arguments
        self.process = process
        self.started = started

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)

    def finish(self, stdin=None, timeout=60):
        """Waits for the end, looks for secrets in what was printed, and tells the result."""
        try:
            stdout, stderr = self.process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            stdout, stderr = self.process.communicate()
            raise AssertionError(
                f"ksconnect {' '.join(self.arguments)} did not end within {timeout} s\n"
                f"stdout: {stdout.decode()[:2000]}\nstderr: {stderr.decode()[:4000]}"
            ) from None
        seconds = time.monotonic() - self.started
        stdout = stdout or b""  # it was not ours to read
        self.owner.look_for_secrets(self.arguments, stdout, stderr)
        return Result(
            self.arguments,
            # A shell reports a death by signal as 128 + signal, so a script sees that.
            self.process.returncode
            if self.process.returncode >= 0
            else 128 - self.process.returncode,
            stdout.decode(errors="replace"),
            stderr.decode(errors="replace"),
            seconds,
        )


class Ksconnect:
    """Runs the command in a HOME, on a bus, with settings that hold for all its runs.

    After each run it is looked whether a secret stands in the output: `token` alone may print
    one, on stdout (G1).
    """

    def __init__(self, home, environment, canaries):
        self.home = home
        self.environment = dict(environment)
        self.canaries = canaries

    def __call__(self, *arguments, stdin=None, timeout=60, **environment):
        running = self.start(*arguments, stdin=subprocess.PIPE, **environment)
        return running.finish((stdin or "").encode(), timeout)

    def start(
        self,
        *arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        wrapper=(),
        **environment,
    ):
        """Starts the command, by another program where told; KEY=None takes a variable away."""
        arguments = tuple(str(argument) for argument in arguments)
        started = time.monotonic()
        process = subprocess.Popen(
            [*wrapper, KSCONNECT, *arguments],
            cwd=self.home.home,
            env=self.full_environment(environment),
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        return Running(self, arguments, process, started)

    def full_environment(self, more):
        """Little beside what the test says: nothing of the tester's own session leaks in."""
        all_of_it = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **self.home.environment,
            **self.environment,
            **more,
        }
        return {name: str(value) for name, value in all_of_it.items() if value is not None}

    def with_settings(self, **environment):
        """The same command with other settings."""
        return Ksconnect(self.home, {**self.environment, **environment}, self.canaries)

    def use(self, provider, client="public", redirect_port=None, **more):
        """The same command, set to a provider and one of its clients."""
        self.canaries.add_source(provider.secrets)
        return self.with_settings(**{**provider.settings(client, redirect_port), **more})

    def look_for_secrets(self, arguments, stdout, stderr):
        in_errors = self.canaries.found_in(stderr or b"")
        assert not in_errors, f"secrets on stderr of {arguments}: {in_errors}"
        if "token" not in arguments:
            in_answer = self.canaries.found_in(stdout or b"")
            assert not in_answer, f"secrets on stdout of {arguments}: {in_answer}"
