// What the filter of the process that runs this says to every system call, without making one of them: a child asks,
// under a filter of its own that stops it at each call that the first filter lets through; its tracer skips the call.
// Static, for x86-64 hosts; asks in all three ABIs that such a kernel has.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { casesMax = 4096, magic = 0x5afe, unknown = -100000, killed = -100001 };
enum abi { native, x32, i386 };

struct question {
    const char *group;  // what the answers are listed under
    unsigned long shown;
    enum abi abi;
    unsigned long number, argument;
};

static struct question questions[casesMax];
static int count;
struct answers {
    volatile int next, done;
    volatile long value[casesMax];
};
static struct answers *answers;

static void ask(const char *group, unsigned long shown, enum abi abi, unsigned long number, unsigned long argument) {
    if (count < casesMax) questions[count++] = (struct question){group, shown, abi, number, argument};
}

static void prepare(void) {
    // 335 and 336 are made by the kernel's own trampolines for probes, which no filter is asked about.
    for (unsigned long n = 0; n <= 600; n++) {
        if (n != 335 && n != 336) ask("x86_64", n, native, n, 0);
    }
    ask("x86_64", 9999, native, 9999, 0);
    for (unsigned long n = 0; n <= 600; n++) ask("x32", n, x32, n, 0);
    for (unsigned long n = 0; n <= 600; n++) ask("i386", n, i386, n, 0);
    for (unsigned long family = 0; family < 64; family++) {
        ask("socket", family, native, SYS_socket, family);
        ask("socket-x32", family, x32, SYS_socket, family);
        ask("socket-i386", family, i386, 359, family);
        // The kernel takes 32 bits of it.
        ask("socket-high", family, native, SYS_socket, family | 1UL << 32);
    }
    unsigned long personalities[] = {0, 8, 0x20000, 0x20008, 0xffffffff, 1, 0x40000, 0x400000, 0x20009};
    for (unsigned i = 0; i < sizeof personalities / sizeof *personalities; i++) {
        ask("personality", personalities[i], native, SYS_personality, personalities[i]);
        ask("personality-i386", personalities[i], i386, 136, personalities[i]);
    }
    for (unsigned long bit = 0; bit < 32; bit++) {
        ask("clone-bit", bit, native, SYS_clone, 1UL << bit);
        ask("clone-bit-i386", bit, i386, 120, 1UL << bit);
    }
    unsigned long requests[] = {0x5401, 0x5412, 0x5413, 0x541c, 0x80045430, 0xc0045877};
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        ask("ioctl", requests[i], native, SYS_ioctl, requests[i]);
    }
}

static long call(const struct question *q) {
    unsigned long first = q->number == SYS_ioctl && q->abi == native ? (unsigned long)-1 : q->argument;
    unsigned long second = q->number == SYS_ioctl && q->abi == native ? q->argument : 0;
    long result;
    if (q->abi == i386) {
        __asm__ volatile("int $0x80" : "=a"(result)
                         : "a"(q->number), "b"(first), "c"(second), "d"(0L), "S"(0L), "D"(0L)
                         : "memory", "r8", "r9", "r10", "r11");
        return (int)result;
    }
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
    unsigned long number = q->number | (q->abi == x32 ? 0x40000000UL : 0);
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void child(void) {
    struct sock_filter trace[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)};
    struct sock_fprog program = {1, trace};
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    raise(SIGSTOP);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) _exit(1);
    while (answers->next < count) {
        int i = answers->next;
        answers->value[i] = call(&questions[i]);
        answers->next = i + 1;
    }
    answers->done = 1;
    _exit(0);  // stopped at this, too, and ended by the tracer
}

static void fail(const char *what) {
    printf("cannot ask: %s: %s\n", what, strerror(errno));
    exit(1);
}

// From the next question on, until the child has asked all or was killed.
static void trace(void) {
    int status;
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) child();
    if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) fail("starting the child");
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)) fail("ptrace");
    ptrace(PTRACE_CONT, pid, 0, 0);
    while (waitpid(pid, &status, 0) == pid) {
        if (WIFSIGNALED(status)) {
            answers->value[answers->next] = killed;
            answers->next++;
            return;
        }
        if (WIFEXITED(status)) fail("the child ended");
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
            if (answers->done) {
                kill(pid, SIGKILL);
                waitpid(pid, &status, 0);
                return;
            }
            struct user_regs_struct registers;
            ptrace(PTRACE_GETREGS, pid, 0, &registers);
            registers.orig_rax = -1;
            registers.rax = magic;
            ptrace(PTRACE_SETREGS, pid, 0, &registers);
            ptrace(PTRACE_CONT, pid, 0, 0);
            continue;
        }
        ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status));
    }
}

static const char *word(long value) {
    static char other[32];
    switch (value) {
    case magic: return "allowed";
    case -EPERM: return "EPERM";
    case -ENOSYS: return "ENOSYS";
    case killed: return "killed";
    }
    snprintf(other, sizeof other, "returns:%ld", value);
    return other;
}

// One line for each group and answer, numbers as ranges in the order in which they were asked.
static void print(const char *group) {
    const char *words[] = {"allowed", "EPERM", "ENOSYS", "killed", "returns:"};
    for (unsigned w = 0; w < 5; w++) {
        int any = 0, inRange = 0;
        unsigned long last = 0;
        for (int i = 0; i < count; i++) {
            if (strcmp(questions[i].group, group) != 0) continue;
            const char *said = word(answers->value[i]);
            if (strncmp(said, words[w], strlen(words[w])) != 0) continue;
            unsigned long n = questions[i].shown;
            if (!any) printf("%s %s", group, said);
            if (any && n == last + 1) {
                inRange = 1;
            } else {
                if (inRange) printf("-%lu", last);
                printf(" %lu", n);
                inRange = 0;
            }
            any = 1;
            last = n;
        }
        if (inRange) printf("-%lu", last);
        if (any) printf("\n");
    }
}

int main(void) {
    answers = mmap(NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answers == MAP_FAILED) fail("mmap");
    prepare();
    for (int i = 0; i < count; i++) answers->value[i] = unknown;
    while (answers->next < count) trace();
    const char *groups[] = {"x86_64",    "x32",         "i386",        "socket",
                            "socket-x32", "socket-i386", "socket-high", "personality",
                            "personality-i386", "clone-bit", "clone-bit-i386", "ioctl"};
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) print(groups[i]);
    return 0;
}
