/* Says what it was given, one fact a line, and ends with status 0: everything that a child could inherit wrongly.
 *
 * probe [--to PATH] [ARGUMENT...]       PATH is for a start without descriptor 1; it is opened after the descriptors were looked at
 *
 * Bytes of arguments and entries that are no printable ASCII, and \, come as \xHH, so that a line is a fact and a fact is a line. */
#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LAST_DESCRIPTOR 4096

static void text(FILE *out, const char *key, const char *value) {
    fprintf(out, "%s ", key);
    for (const unsigned char *byte = (const unsigned char *)value; *byte; byte++)
        if (*byte < ' ' || *byte > '~' || *byte == '\\') fprintf(out, "\\x%02x", *byte);
        else fputc(*byte, out);
    fputc('\n', out);
}

static void signals(FILE *out) {
    uint64_t ignored = 0;
    for (int number = 1; number <= LAST_SIGNAL; number++)
        if (is_ignored(number)) ignored |= signal_bit(number);
    fprintf(out, "blocked %016llx\n", (unsigned long long)change_mask(SIG_BLOCK, 0));
    fprintf(out, "ignored %016llx\n", (unsigned long long)ignored);
}

/* The flags of the descriptor, those of the open file behind it, and which file that is. */
static void descriptors(FILE *out) {
    for (int fd = 0; fd < LAST_DESCRIPTOR; fd++) {
        struct stat status;
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fstat(fd, &status)) continue;
        fprintf(out, "descriptor %d flags %#o status %#o file %llx:%llx\n", fd, flags, fcntl(fd, F_GETFL),
                (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    }
}

static void limits(FILE *out) {
    struct rlimit limit;
    for (int resource = 0; !getrlimit(resource, &limit); resource++)
        fprintf(out, "limit %d %lld %lld\n", resource, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

static void process(FILE *out) {
    static char directory[PATH_MAX];
    int parent_death_signal = 0;
    mode_t mask = umask(0);
    prctl(PR_GET_PDEATHSIG, &parent_death_signal);
    text(out, "directory", getcwd(directory, sizeof directory) ? directory : strerror(errno));
    fprintf(out, "umask %04o\n", mask);
    fprintf(out, "nice %d\n", getpriority(PRIO_PROCESS, 0));
    fprintf(out, "user %d %d\ngroup %d %d\n", getuid(), geteuid(), getgid(), getegid());
    fprintf(out, "process %d\nparent %d\nprocess-group %d\nsession %d\n", getpid(), getppid(), getpgrp(), getsid(0));
    fprintf(out, "parent-death-signal %d\n", parent_death_signal);
}

int main(int count, char **arguments, char **environment) {
    char *facts;
    size_t length;
    FILE *out = open_memstream(&facts, &length);
    if (!out) return 125;
    for (int i = 0; i < count; i++) text(out, "argument", arguments[i]);
    for (char **entry = environment; *entry; entry++) text(out, "environment", *entry);
    signals(out);
    descriptors(out);
    limits(out);
    process(out);
    if (fclose(out)) return 125;
    int to = count > 2 && !strcmp(arguments[1], "--to") ? open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0666) : 1;
    for (size_t done = 0; done < length;) {
        ssize_t n = write(to, facts + done, length - done);
        if (n < 0) return 125;
        done += (size_t)n;
    }
    return 0;
}
