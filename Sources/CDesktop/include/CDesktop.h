// System calls that Swift cannot import: variadic ones, and headers outside its Glibc module map.
#ifndef CDESKTOP_H
#define CDESKTOP_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Fills at most `count` bytes from the kernel's generator (getrandom(2), no flags: it waits until
/// the generator is seeded).
/// Returns the number of bytes written, or the negated errno.
ssize_t cdesktop_getrandom(void *bytes, size_t count);

/// Starts a program without a shell in a session of its own: stdin, stdout and stderr are
/// /dev/null, no other descriptor is passed on, signals have their defaults and none is blocked.
/// Returns 0, or the errno that posix_spawn(3) reports, that of a failed execve(2) included.
int cdesktop_spawn_detached(pid_t *process, const char *path, char *const arguments[],
                            char *const environment[]);

/// Whether a child has ended: 1 with its wait status in `status`, 0 while it runs, or the negated
/// errno. Never waits.
int cdesktop_reap(pid_t process, int *status);

/// Exit code of a wait status, or -1 when a signal ended it.
int cdesktop_exit_code(int status);

/// No core dump, no ptrace by the same user, /proc/self owned by root (PR_SET_DUMPABLE 0).
/// Returns 0 or the errno of what failed.
int cdesktop_forbid_dumps(void);

/// Asks the kernel who owns one end of an established TCP connection of this network namespace
/// (sock_diag(7), an exact look-up): `local` is that end's own address.
/// Returns 1 with the owner in `user`, 0 when no process holds such a connection, or the negated
/// errno when the kernel cannot be asked.
int cdesktop_tcp_owner(const struct sockaddr *local, const struct sockaddr *remote, uid_t *user);

/// Whether the process may be dumped and traced, as prctl(PR_GET_DUMPABLE) says.
int cdesktop_is_dumpable(void);

#endif
