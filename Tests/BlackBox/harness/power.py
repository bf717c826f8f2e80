"""Power losses: what the database's files may look like when the machine stops at any moment.

A library that is loaded into the command notes each call that changes the files. The notes are
played again into a model of a disk that keeps what was synced and, of the rest, anything.
"""

import dataclasses
import pathlib
import random
import subprocess

NOTES = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

// The file's name within the watched folder, "." for the folder itself, NULL for all others.
static const char *watched(const char *path) {
    const char *folder = getenv("POWER_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    if (length == 0 || strncmp(path, folder, length) != 0) return NULL;
    if (path[length] == '\0') return ".";
    if (path[length] != '/') return NULL;
    const char *name = path + length + 1;
    return strncmp(name, "store.sqlite", strlen("store.sqlite")) == 0 ? name : NULL;
}

static const char *watched_descriptor(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = '\0';
    return watched(path);
}

static void note(const char *call, const char *name, const char *other, long long offset,
                 const void *data, size_t length) {
    FILE *notes = fopen(getenv("POWER_NOTES"), "ae");
    if (notes == NULL) abort();
    fprintf(notes, "%s %s %s %lld %zu\n", call, name, other, offset, length);
    if (length > 0) fwrite(data, 1, length, notes);
    fclose(notes);
}

#define AFTER(result_type, failed, call, descriptor, ...)          \
    char path[PATH_MAX];                                           \
    const char *name = watched_descriptor(descriptor, path);       \
    if (name == NULL) return call;                                 \
    pthread_mutex_lock(&order);                                    \
    result_type result = call;                                     \
    if (result != (failed)) note(__VA_ARGS__);                     \
    pthread_mutex_unlock(&order);                                  \
    return result;

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    AFTER(ssize_t, -1, REAL(pwrite)(fd, data, size, offset), fd, "write", name, "-",
          (long long)offset, data, (size_t)result)
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    AFTER(ssize_t, -1, REAL(pwrite64)(fd, data, size, offset), fd, "write", name, "-",
          (long long)offset, data, (size_t)result)
}

ssize_t write(int fd, const void *data, size_t size) {
    long long offset = lseek(fd, 0, SEEK_CUR);
    AFTER(ssize_t, -1, REAL(write)(fd, data, size), fd, "write", name, "-", offset, data,
          (size_t)result)
}

int ftruncate(int fd, off_t size) {
    AFTER(int, -1, REAL(ftruncate)(fd, size), fd, "cut", name, "-", (long long)size, NULL, 0)
}

int ftruncate64(int fd, off64_t size) {
    AFTER(int, -1, REAL(ftruncate64)(fd, size), fd, "cut", name, "-", (long long)size, NULL, 0)
}

int fsync(int fd) { AFTER(int, -1, REAL(fsync)(fd), fd, "sync", name, "-", 0, NULL, 0) }
int fdatasync(int fd) { AFTER(int, -1, REAL(fdatasync)(fd), fd, "sync", name, "-", 0, NULL, 0) }

int unlink(const char *path) {
    const char *name = watched(path);
    if (name == NULL) return REAL(unlink)(path);
    pthread_mutex_lock(&order);
    int result = REAL(unlink)(path);
    if (result == 0) note("unlink", name, "-", 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int rename(const char *from, const char *to) {
    const char *name = watched(from), *other = watched(to);
    if (name == NULL || other == NULL) return REAL(rename)(from, to);
    pthread_mutex_lock(&order);
    int result = REAL(rename)(from, to);
    if (result == 0) note("rename", name, other, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    const char *name = watched(path);
    if (name == NULL || !(flags & O_CREAT)) return real(path, flags, mode);
    pthread_mutex_lock(&order);
    int result = real(path, flags, mode);
    if (result >= 0) note("open", name, "-", 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

#define MODE(flags)                            \
    mode_t mode = 0;                           \
    if (flags & (O_CREAT | O_TMPFILE)) {       \
        va_list list;                          \
        va_start(list, flags);                 \
        mode = va_arg(list, mode_t);           \
        va_end(list);                          \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return opened(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return opened(REAL(open64), path, flags, mode);
}
"""


class Recorder:
    """Compiles the library, and reads what it noted of each run."""

    def __init__(self, folder, store):
        self.notes = pathlib.Path(folder) / "notes"
        source = pathlib.Path(folder) / "notes.c"
        library = pathlib.Path(folder) / "notes.so"
        source.write_text(NOTES)
        subprocess.run(
            ["cc", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True
        )
        self.environment = {
            "LD_PRELOAD": library,
            "POWER_FOLDER": store,
            "POWER_NOTES": self.notes,
        }

    def take(self):
        """The calls since the last time."""
        calls = []
        with self.notes.open("rb") as notes:
            while line := notes.readline():
                call, name, other, offset, length = line.decode().split()
                calls.append(Call(call, name, other, int(offset), notes.read(int(length))))
        self.notes.unlink()
        return calls


@dataclasses.dataclass(frozen=True)
class Call:
    kind: str
    name: str
    other: str
    offset: int
    data: bytes


def apply(call, content):
    """What a file's bytes are after a call."""
    if call.kind == "cut":
        return content[: call.offset].ljust(call.offset, b"\0")
    content = content.ljust(call.offset, b"\0")
    return content[: call.offset] + call.data + content[call.offset + len(call.data) :]


class Disk:
    """Files by number and a folder of names, each with what is durable and what may yet be lost."""

    def __init__(self):
        self.durable, self.pending = {}, {}
        self.durable_names, self.pending_names = {}, []
        self.names = {}
        self.next = 0

    def play(self, call):
        if call.kind == "open":
            if call.name not in self.names:
                self.durable[self.next], self.pending[self.next] = b"", []
                self.change(("set", call.name, self.next))
                self.next += 1
        elif call.kind == "unlink":
            self.change(("remove", call.name))
        elif call.kind == "rename":
            self.change(("rename", call.name, call.other))
        elif call.name == ".":
            self.durable_names, self.pending_names = dict(self.names), []
        elif call.kind == "sync":
            file = self.names[call.name]
            self.durable[file] = self.whole(file)
            self.pending[file] = []
        else:
            self.pending[self.names[call.name]].append(call)

    def change(self, change):
        self.names = renamed(self.names, change)
        self.pending_names.append(change)

    def whole(self, file):
        content = self.durable[file]
        for call in self.pending[file]:
            content = apply(call, content)
        return content

    def images(self, seed, count=3):
        """What may be found after a power loss now, as {name: bytes}.

        Nothing of what was not synced is kept, or all of it, or some writes and not others. Names
        change in their order, as journals of file systems keep it.
        """
        yield self.image(lambda calls: [], 0)
        yield self.image(lambda calls: calls, len(self.pending_names))
        chance = random.Random(seed)
        for _ in range(count):
            yield self.image(
                lambda calls: [call for call in calls if chance.random() < 0.5],
                chance.randint(0, len(self.pending_names)),
            )

    def image(self, choose, changes):
        names = self.durable_names
        for change in self.pending_names[:changes]:
            names = renamed(names, change)
        found = {}
        for name, file in names.items():
            content = self.durable[file]
            for call in choose(self.pending[file]):
                content = apply(call, content)
            found[name] = content
        return found



def renamed(names, change):
    names = dict(names)
    if change[0] == "set":
        names[change[1]] = change[2]
    elif change[0] == "remove":
        names.pop(change[1], None)
    elif change[1] in names:
        names[change[2]] = names.pop(change[1])
    return names
