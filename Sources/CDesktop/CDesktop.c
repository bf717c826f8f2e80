#define _GNU_SOURCE
#include "CDesktop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

ssize_t cdesktop_getrandom(void *bytes, size_t count) {
    ssize_t written = getrandom(bytes, count, 0);
    return written >= 0 ? written : -(ssize_t)errno;
}

static int describe_child(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes) {
    int fault = 0;
    for (int descriptor = 0; descriptor <= 2 && fault == 0; descriptor++) {
        fault = posix_spawn_file_actions_addopen(
            files, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0);
    }
    if (fault == 0) fault = posix_spawn_file_actions_addclosefrom_np(files, 3);

    // An ignored SIGPIPE would be inherited.
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    if (fault == 0) fault = posix_spawnattr_setsigdefault(attributes, &all);
    if (fault == 0) fault = posix_spawnattr_setsigmask(attributes, &none);
    if (fault == 0) {
        fault = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    return fault;
}

int cdesktop_spawn_detached(pid_t *process, const char *path, char *const arguments[],
                            char *const environment[]) {
    posix_spawn_file_actions_t files;
    int fault = posix_spawn_file_actions_init(&files);
    if (fault != 0) return fault;
    posix_spawnattr_t attributes;
    fault = posix_spawnattr_init(&attributes);
    if (fault == 0) {
        fault = describe_child(&files, &attributes);
        if (fault == 0) {
            fault = posix_spawn(process, path, &files, &attributes, arguments, environment);
        }
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return fault;
}

int cdesktop_reap(pid_t process, int *status) {
    pid_t ended = waitpid(process, status, WNOHANG);
    if (ended < 0) return errno == EINTR ? 0 : -errno;
    return ended == process;
}

int cdesktop_exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int cdesktop_forbid_dumps(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    return 0;
}

int cdesktop_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

// TCP_ESTABLISHED of the kernel; <linux/tcp.h> and <netinet/tcp.h> exclude each other.
enum { established = 1 };

struct owner_question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

static int describe_connection(struct owner_question *question, const struct sockaddr *local,
                               const struct sockaddr *remote) {
    struct inet_diag_sockid *id = &question->body.id;
    if (local->sa_family != remote->sa_family) return -EINVAL;
    if (local->sa_family == AF_INET) {
        const struct sockaddr_in *from = (const void *)local, *to = (const void *)remote;
        id->idiag_sport = from->sin_port;
        id->idiag_dport = to->sin_port;
        id->idiag_src[0] = from->sin_addr.s_addr;
        id->idiag_dst[0] = to->sin_addr.s_addr;
    } else if (local->sa_family == AF_INET6) {
        const struct sockaddr_in6 *from = (const void *)local, *to = (const void *)remote;
        id->idiag_sport = from->sin6_port;
        id->idiag_dport = to->sin6_port;
        memcpy(id->idiag_src, &from->sin6_addr, sizeof id->idiag_src);
        memcpy(id->idiag_dst, &to->sin6_addr, sizeof id->idiag_dst);
    } else {
        return -EAFNOSUPPORT;
    }
    question->body.sdiag_family = local->sa_family;
    question->body.sdiag_protocol = IPPROTO_TCP;
    question->body.idiag_states = ~0u;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    question->header.nlmsg_len = sizeof *question;
    question->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question->header.nlmsg_flags = NLM_F_REQUEST;
    return 0;
}

static int read_owner(const void *answer, size_t count, const struct inet_diag_sockid *asked,
                      uid_t *user) {
    const struct nlmsghdr *header = answer;
    if (!NLMSG_OK(header, count)) return -EPROTO;
    if (header->nlmsg_type == NLMSG_ERROR) {
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return -EPROTO;
        int fault = ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
        return fault == -ENOENT ? 0 : fault < 0 ? fault : -EPROTO;
    }
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
        return -EPROTO;
    }
    const struct inet_diag_msg *found = NLMSG_DATA(header);
    // A listener on the same port, or what is left of a connection that was let go of, is not it.
    if (found->idiag_state != established || found->id.idiag_sport != asked->idiag_sport ||
        found->id.idiag_dport != asked->idiag_dport) {
        return 0;
    }
    *user = found->idiag_uid;
    return 1;
}

int cdesktop_tcp_owner(const struct sockaddr *local, const struct sockaddr *remote, uid_t *user) {
    struct owner_question question;
    memset(&question, 0, sizeof question);
    int fault = describe_connection(&question, local, remote);
    if (fault != 0) return fault;
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) return -errno;
    struct timeval patience = {.tv_sec = 1};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    _Alignas(struct nlmsghdr) char answer[8192];
    int result;
    if (setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        sendto(netlink, &question, sizeof question, 0, (const struct sockaddr *)&kernel,
               sizeof kernel) < 0) {
        result = -errno;
    } else {
        ssize_t count = recv(netlink, answer, sizeof answer, 0);
        result = count < 0 ? -errno
                           : read_owner(answer, (size_t)count, &question.body.id, user);
    }
    close(netlink);
    return result;
}
