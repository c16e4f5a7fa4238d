// The hostile programs of the attack tests, in one static file; the first argument says which.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// swap A B: the two names change places, again and again, until somebody ends it.
static _Noreturn void swap(const char *a, const char *b) {
    for (;;) syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

// Each finding is said once.
static void say(const char *kind, const char *what) {
    static char *said[512];
    static int count;
    char line[4200];
    snprintf(line, sizeof line, "%s %s\n", kind, what);
    for (int i = 0; i < count; i++) {
        if (strcmp(said[i], line) == 0) return;
    }
    if (count < 512) said[count++] = strdup(line);
    if (write(1, line, strlen(line)) < 0) exit(1);
}

static void lookAtLinks(const char *pid) {
    char path[4200], target[4097];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *directory = opendir(path);
    if (!directory) return;
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length <= 0) continue;
        target[length] = 0;
        char *bracket = strchr(target, '[');
        if (bracket) *bracket = 0;
        say("fd", target);
    }
    closedir(directory);
}

static void lookAtStatus(const char *pid) {
    char path[300], line[300];
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "CapPrm:", 7) == 0) say("permitted", line + 8);
    }
    fclose(file);
}

// A program that is held can be opened for writing once nobody runs it any more, unless its mount is read-only.
static void lookAtProgram(const char *path) {
    char name[4097], text[4200];
    struct statvfs kind;
    ssize_t length = readlink(path, name, sizeof name - 1);
    int held = open(path, O_PATH);
    if (length > 0 && held >= 0 && fstatvfs(held, &kind) == 0) {
        name[length] = 0;
        snprintf(text, sizeof text, "%s %s", kind.f_flag & ST_RDONLY ? "read-only" : "writable", name);
        say("held", text);
    }
    if (held >= 0) close(held);
}

// hunt: every process that appears is traced, its descriptors are read, its program is opened for writing.
static _Noreturn void hunt(void) {
    pid_t own = getpid();
    say("hunting", "");
    for (;;) {
        DIR *processes = opendir("/proc");
        struct dirent *entry;
        while (processes && (entry = readdir(processes))) {
            pid_t pid = atoi(entry->d_name);
            if (pid <= 1 || pid == own) continue;
            char path[300];
            if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
                say("traced", "");
                int status;
                waitpid(pid, &status, __WALL);
                lookAtStatus(entry->d_name);
            } else if (errno != ESRCH) {
                say("untraced", strerror(errno));
            }
            lookAtLinks(entry->d_name);
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            lookAtProgram(path);
            int file = open(path, O_WRONLY);
            if (file >= 0) {
                say("writable", path);
                close(file);
            } else if (errno != ENOENT && errno != ESRCH) {
                say("program", strerror(errno));
            }
            // What is left of our stop must not hold it: it is to go on as if nobody had looked.
            if (ptrace(PTRACE_DETACH, pid, 0, 0) == 0) kill(pid, SIGCONT);
        }
        if (processes) closedir(processes);
    }
}

// identity: who this is, and what it would be allowed.
static int identity(void) {
    printf("%d %d\n", getuid(), geteuid());
    return 0;
}

// write-exe N: opens the program of process N for writing.
static int writeProgram(const char *pid) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    int file = open(path, O_WRONLY);
    printf("%s\n", file >= 0 ? "open" : strerror(errno));
    return 0;
}

int main(int count, char **words) {
    const char *verb = count > 1 ? words[1] : "";
    if (strcmp(verb, "swap") == 0 && count == 4) swap(words[2], words[3]);
    if (strcmp(verb, "hunt") == 0) hunt();
    if (strcmp(verb, "identity") == 0) return identity();
    if (strcmp(verb, "write-exe") == 0 && count == 3) return writeProgram(words[2]);
    fprintf(stderr, "attacker: swap A B | hunt | identity | write-exe PID\n");
    return 2;
}
