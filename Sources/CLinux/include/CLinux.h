// The Linux that Swift cannot import: headers under _GNU_SOURCE, and inline bodies for variadic calls, raw system calls
// and compound macros. No decisions are taken here; BerthLinux gives these names types and errors.
#ifndef CLINUX_H
#define CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <features.h>
// The toolchain's own C module sees these three without the GNU extensions; one program cannot have both definitions.
#undef __USE_XOPEN
#include <sys/select.h>
#define __USE_XOPEN 1
#undef __USE_GNU
#include <sys/resource.h>
#include <sys/utsname.h>
#define __USE_GNU 1

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/statvfs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
// The C library first: the kernel's headers then leave out what it has defined.
#include <sys/personality.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sock_diag.h>
#include <linux/veth.h>

// errno is a macro, which does not import.
static inline int clinux_errno(void) { return errno; }
static inline void clinux_clear_errno(void) { errno = 0; }

// clone3 without CLONE_VM and without a stack returns twice, like fork. Only a single-threaded process may call it.
static inline long clinux_clone3(uint64_t flags, int *pidfd, int cgroup_fd) {
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = flags;
    args.exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD;
    if (flags & CLONE_PIDFD) args.pidfd = (uint64_t)(uintptr_t)pidfd;
    if (flags & CLONE_INTO_CGROUP) args.cgroup = (uint64_t)cgroup_fd;
    return syscall(SYS_clone3, &args, sizeof args);
}
// The older call, which a container's filter lets through: the flags alone, and no stack, so it returns twice, too.
static inline long clinux_clone(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }
static inline int clinux_pivot_root(const char *new_root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}
static inline int clinux_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = flags;
    how.mode = mode;
    how.resolve = resolve;
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}
// The raw call tells of a directory outside the root with "(unreachable)", which getcwd(3) hides.
static inline long syscall_getcwd(char *buffer, size_t count) { return syscall(SYS_getcwd, buffer, count); }
static inline int clinux_pidfd_open(int pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static inline int clinux_pidfd_send_signal(int pidfd, int sig) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}
static inline int clinux_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
static inline int clinux_seccomp(unsigned op, unsigned flags, void *args) {
    return (int)syscall(SYS_seccomp, op, flags, args);
}
// bpf(2) takes a union of unnamed members, which do not import: one function for each call of ours.
static inline int clinux_bpf(int command, union bpf_attr *attributes) {
    return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}
static inline int clinux_bpf_load_device_program(const uint64_t *instructions, unsigned count, const char *name) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    attributes.license = (uint64_t)(uintptr_t)"Apache-2.0";
    strncpy(attributes.prog_name, name, sizeof attributes.prog_name - 1);
    return clinux_bpf(BPF_PROG_LOAD, &attributes);
}
// `replaced` is the program whose place this one takes; negative: none.
static inline int clinux_bpf_attach_device_program(int group, int program, int replaced) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)group;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI | (replaced >= 0 ? BPF_F_REPLACE : 0);
    if (replaced >= 0) attributes.replace_bpf_fd = (uint32_t)replaced;
    return clinux_bpf(BPF_PROG_ATTACH, &attributes);
}
// `*count` is the room in `ids`, then how many there are.
static inline int clinux_bpf_device_programs(int group, uint32_t *ids, uint32_t *count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = (uint32_t)group;
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attributes.query.prog_cnt = *count;
    int result = clinux_bpf(BPF_PROG_QUERY, &attributes);
    *count = attributes.query.prog_cnt;
    return result;
}
static inline int clinux_bpf_open_program(uint32_t id) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = id;
    return clinux_bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
}
// `name` has room for BPF_OBJ_NAME_LEN.
static inline int clinux_bpf_program_name(int program, char *name) {
    struct bpf_prog_info facts;
    union bpf_attr attributes;
    memset(&facts, 0, sizeof facts);
    memset(&attributes, 0, sizeof attributes);
    attributes.info.bpf_fd = (uint32_t)program;
    attributes.info.info = (uint64_t)(uintptr_t)&facts;
    attributes.info.info_len = sizeof facts;
    int result = clinux_bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes);
    memcpy(name, facts.name, BPF_OBJ_NAME_LEN);
    return result;
}
static inline int clinux_capset(void *header, const void *data) { return (int)syscall(SYS_capset, header, data); }
static inline int clinux_capget(void *header, void *data) { return (int)syscall(SYS_capget, header, data); }
static inline int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}
static inline int clinux_setgroups(size_t count, const gid_t *groups) { return (int)syscall(SYS_setgroups, count, groups); }
static inline int clinux_setresuid(uid_t r, uid_t e, uid_t s) { return (int)syscall(SYS_setresuid, r, e, s); }
static inline int clinux_setresgid(gid_t r, gid_t e, gid_t s) { return (int)syscall(SYS_setresgid, r, e, s); }
static inline int clinux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int clinux_openat(int dir, const char *path, int flags, mode_t mode) { return openat(dir, path, flags, mode); }
static inline int clinux_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }
static inline int clinux_ioctl_int(int fd, unsigned long request, unsigned long argument) {
    return ioctl(fd, request, argument);
}
static inline int clinux_ioctl_pointer(int fd, unsigned long request, void *argument) {
    return ioctl(fd, request, argument);
}
static inline int clinux_ioprio_set(int which, int who, int value) { return (int)syscall(SYS_ioprio_set, which, who, value); }
static inline int clinux_gettid(void) { return (int)syscall(SYS_gettid); }
static inline dev_t clinux_makedev(unsigned major_number, unsigned minor_number) { return makedev(major_number, minor_number); }
static inline unsigned clinux_major(dev_t device) { return major(device); }
static inline unsigned clinux_minor(dev_t device) { return minor(device); }

static inline int clinux_wifexited(int status) { return WIFEXITED(status); }
static inline int clinux_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int clinux_wifsignaled(int status) { return WIFSIGNALED(status); }
static inline int clinux_wtermsig(int status) { return WTERMSIG(status); }
static inline int clinux_sigrtmin(void) { return SIGRTMIN; }
static inline int clinux_sigrtmax(void) { return SIGRTMAX; }

static inline int clinux_setrlimit(int resource, const struct rlimit *limit) { return setrlimit(resource, limit); }
static inline int clinux_getrlimit(int resource, struct rlimit *limit) { return getrlimit(resource, limit); }

static inline char **clinux_environ(void) { return environ; }

// From now on the signal is a byte in a descriptor, whichever thread it hits.
void clinux_signal_to_descriptor(int number, int descriptor);

// Dispositions are cast macros.
static inline void clinux_ignore_signal(int number) { signal(number, SIG_IGN); }
// By the raw call: the C library keeps two signals to itself, and posix_spawn(3) leaves them ignored.
static inline void clinux_default_signal(int number) {
    const unsigned long action[8] = {0};
    syscall(SYS_rt_sigaction, number, action, NULL, 8);
}

// <arpa/inet.h> would bring in the toolchain's own module of the C library.
extern int inet_pton(int family, const char *text, void *bytes);

// Socket addresses are transparent unions under _GNU_SOURCE, which do not import.
static inline int clinux_bind(int fd, const void *address, socklen_t length) { return bind(fd, (const struct sockaddr *)address, length); }
static inline int clinux_connect(int fd, const void *address, socklen_t length) { return connect(fd, (const struct sockaddr *)address, length); }
static inline int clinux_accept(int fd, int flags) { return accept4(fd, NULL, NULL, flags); }
static inline int clinux_getsockname(int fd, void *address, socklen_t *length) { return getsockname(fd, (struct sockaddr *)address, length); }
static inline long clinux_sendto(int fd, const void *bytes, size_t count, int flags, const void *address, socklen_t length) {
    return sendto(fd, bytes, count, flags, (const struct sockaddr *)address, length);
}

// One message with descriptors beside it: the CMSG macros do not import.
static inline long clinux_send_packet(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
    char control[CMSG_SPACE(sizeof(int) * 253)];
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 253) { errno = EMSGSIZE; return -1; }
    if (descriptor_count > 0) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
// `descriptors` has room for 253; `*descriptor_count` says how many came; `*truncated` whether the message was larger.
static inline long clinux_receive_packet(int fd, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count,
                                         int flags, int *truncated) {
    char control[CMSG_SPACE(sizeof(int) * 253)];
    struct iovec part = {bytes, capacity};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    *descriptor_count = 0;
    long count = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    *truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here && *descriptor_count < 253; i++)
            memcpy(&descriptors[(*descriptor_count)++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
    }
    return count;
}
static inline long clinux_readlinkat(int dir, const char *path, char *buffer, size_t count) { return readlinkat(dir, path, buffer, count); }

enum {
    CLINUX_TIOCGPTPEER = TIOCGPTPEER,
    CLINUX_TIOCSCTTY = TIOCSCTTY,
    CLINUX_TIOCSWINSZ = TIOCSWINSZ,
    CLINUX_TIOCGWINSZ = TIOCGWINSZ,
    CLINUX_TIOCSPTLCK = TIOCSPTLCK,
};
#endif
