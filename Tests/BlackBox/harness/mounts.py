"""File systems that only one test sees: a full one, one that cannot be written."""

import os
import subprocess
import time

import pytest


class PrivateMounts:
    """A mount namespace. Needs root, and says so where it is not there."""

    def __init__(self):
        if os.geteuid() != 0:
            pytest.fail("a file system of a test's own needs root: run these tests as root")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sleep", "infinity"]
        )
        while os.readlink(f"/proc/{self.process.pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            assert self.process.poll() is None, "no mount namespace can be made here"
            time.sleep(0.01)

    @property
    def wrapper(self):
        """Runs a program in it."""
        return ("nsenter", f"--target={self.process.pid}", "--mount")

    def run(self, script, *arguments):
        """Runs lines of a shell in it, which find the arguments as $1, $2…"""
        subprocess.run([*self.wrapper, "sh", "-euc", script, "sh", *arguments], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
