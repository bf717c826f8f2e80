"""The store on disks that are full, cannot be written or fail: told before a refresh is sent."""

import subprocess

import pytest
from harness.command import Exit
from harness.mounts import PrivateMounts

# Puts the store's files on a small file system of memory, in place of where they were.
ON_A_SMALL_DISK = """
mkdir "$1.copy" && cp -a "$1/." "$1.copy"
mount -t tmpfs -o size=8m,mode=0700 tmpfs "$1"
cp -a "$1.copy/." "$1" && rm -r "$1.copy"
"""
FILL = """dd if=/dev/zero of="$1/filler" bs=4096 2>&1 | grep -q "No space left" """
READ_ONLY = """mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" """

FAILING_SYNC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

// A disk that takes writes and then fails to keep the database's.
static int fails(int descriptor) {
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && strstr(path, "/store.sqlite") != NULL;
}

static int sync_by(const char *name, int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!fails(descriptor)) return real(descriptor);
    errno = EIO;
    return -1;
}

int fsync(int descriptor) { return sync_by("fsync", descriptor); }
int fdatasync(int descriptor) { return sync_by("fdatasync", descriptor); }
"""


@pytest.fixture
def mounts():
    with PrivateMounts() as mounts:
        yield mounts


@pytest.fixture
def failing_sync(tmp_path):
    """A library that makes every sync of the database fail."""
    source = tmp_path / "failing_sync.c"
    source.write_text(FAILING_SYNC)
    library = tmp_path / "failing_sync.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def test_case_68_a_full_disk_is_told_before_the_refresh_is_sent(signed_in, fake, home, mounts):
    mounts.run(ON_A_SMALL_DISK, home.store)
    signed_in("refresh", wrapper=mounts.wrapper).expect()
    sent = len(fake.refresh_requests)
    mounts.run(FILL, home.store)
    result = signed_in("refresh", wrapper=mounts.wrapper).expect(Exit.STORE)
    assert "full" in result.stderr
    assert len(fake.refresh_requests) == sent
    signed_in("status", wrapper=mounts.wrapper).expect()
    mounts.run('rm "$1/filler"', home.store)
    signed_in("refresh", wrapper=mounts.wrapper).expect()
    assert len(fake.refresh_requests) == sent + 1


def test_case_68_signing_in_on_a_full_disk_opens_no_browser(
    ksconnect, fake, browser, home, mounts
):
    home.store.mkdir(mode=0o700)
    mounts.run(ON_A_SMALL_DISK + FILL, home.store)
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    command("login", wrapper=mounts.wrapper).expect(Exit.STORE)
    assert not visitor.was_opened


def test_case_68_a_disk_that_fails_is_told_before_the_refresh_is_sent(
    signed_in, fake, failing_sync
):
    signed_in("refresh", LD_PRELOAD=failing_sync).expect(Exit.STORE)
    assert fake.refresh_requests == []
    signed_in("refresh").expect()
    assert len(fake.refresh_requests) == 1


def test_case_103_a_read_only_file_system_is_told_before_the_refresh_is_sent(
    signed_in, fake, home, mounts
):
    mounts.run(READ_ONLY, home.store)
    signed_in("status", wrapper=mounts.wrapper).expect()
    result = signed_in("refresh", wrapper=mounts.wrapper).expect(Exit.STORE)
    assert "read-only" in result.stderr
    assert fake.refresh_requests == []
    signed_in("logout", wrapper=mounts.wrapper).expect(Exit.STORE)
    signed_in("refresh").expect()


def test_case_103_signing_in_on_a_read_only_file_system_opens_no_browser(
    ksconnect, fake, browser, home, mounts
):
    home.store.mkdir(mode=0o700)
    mounts.run(READ_ONLY, home.store)
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    result = command("login", wrapper=mounts.wrapper).expect(Exit.STORE)
    assert "read-only" in result.stderr
    assert not visitor.was_opened
