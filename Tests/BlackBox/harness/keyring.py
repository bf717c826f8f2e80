"""Session buses and Secret Services in the states that people meet."""

import contextlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

TESTS = pathlib.Path(__file__).resolve().parents[2]
BUS_CONFIGURATION = TESTS / "Keyring" / "bus.conf"
SECRETS = "org.freedesktop.secrets"
LOGIN_COLLECTION = "/org/freedesktop/secrets/collection/login"
PASSWORD = "password of the tests"


class SessionBus:
    """A private bus without any service on it."""

    def __init__(self, home):
        self.home = home
        reader, writer = os.pipe()
        command = ["dbus-daemon", f"--config-file={BUS_CONFIGURATION}", "--nofork", "--nopidfile"]
        with open(home.runtime / "bus.log", "wb") as log:
            self.bus = subprocess.Popen(
                [*command, f"--print-address={writer}"],
                pass_fds=[writer],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(writer)
        with os.fdopen(reader) as pipe:
            self.address = pipe.readline().strip()
        assert self.address, "dbus-daemon did not start"

    @property
    def environment(self):
        return {**self.home.environment, "DBUS_SESSION_BUS_ADDRESS": self.address}

    def call(self, destination, path, method, *arguments):
        command = ["dbus-send", "--session", "--print-reply", f"--dest={destination}", path]
        return subprocess.run(
            [*command, method, *arguments],
            env={**os.environ, **self.environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=10,
        )

    def has_secret_service(self):
        reply = self.call(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner",
            f"string:{SECRETS}",
        )
        return "boolean true" in reply.stdout

    def close(self):
        end(self.bus)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Keyring(SessionBus):
    """A private bus with a real gnome-keyring, unlocked."""

    def __init__(self, home):
        super().__init__(home)
        self.service = None
        self.start_service()

    def start_service(self, password=PASSWORD):
        command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
        with open(self.home.runtime / "keyring.log", "ab") as log:
            self.service = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self.service.stdin.write(password.encode())
        self.service.stdin.close()
        deadline = time.monotonic() + 5
        while not self.has_secret_service():
            assert time.monotonic() < deadline, "gnome-keyring did not appear within 5 s"
            time.sleep(0.01)

    def stop_service(self):
        end(self.service)

    def restart_service(self, password=PASSWORD):
        self.stop_service()
        self.start_service(password)

    def freeze(self):
        """The Secret Service goes mute: it takes calls and answers none."""
        self.service.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.service.send_signal(signal.SIGCONT)

    def lock(self):
        reply = self.call(
            SECRETS,
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            f"array:objpath:{LOGIN_COLLECTION}",
        )
        assert reply.returncode == 0, reply.stderr

    def unlock(self, password=PASSWORD):
        """Unlocks as the login screen does, over the daemon's control socket."""
        unlock, done = 1, 0
        secret = password.encode()
        body = struct.pack(">II", unlock, len(secret)) + secret
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.home.runtime / "keyring" / "control"))
            control.sendall(b"\0")
            control.sendall(struct.pack(">I", len(body) + 4) + body)
            answer = control.recv(8, socket.MSG_WAITALL)
        assert struct.unpack(">II", answer) == (8, done), answer

    def is_locked(self):
        reply = self.call(
            SECRETS,
            LOGIN_COLLECTION,
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        )
        assert reply.returncode == 0, reply.stderr
        return "boolean true" in reply.stdout

    def items(self):
        """The paths of the items in the login collection."""
        reply = self.call(
            SECRETS,
            LOGIN_COLLECTION,
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Items",
        )
        assert reply.returncode == 0, reply.stderr
        return [line.split('"')[1] for line in reply.stdout.splitlines() if "object path" in line]

    def delete(self, item):
        reply = self.call(SECRETS, item, "org.freedesktop.Secret.Item.Delete")
        assert reply.returncode == 0, reply.stderr

    def close(self):
        if self.service is not None:
            end(self.service)
        super().close()


def end(process):
    """Ends a process that may be stopped, and waits for it."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
