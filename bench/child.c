/* The child of every measured run. It says on standard output when it got where, as nanoseconds of CLOCK_MONOTONIC.
 *
 *   child noop      the time of its first instruction; ends
 *   child main      the same; waits until its standard input ends, gives the time right before it ends
 *   child sidecar   the same; waits for SIGTERM, gives the time at which it came; ends
 *
 * Static and without any library of weight, so that its own start counts as little as a start can. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void say(const struct timespec *at) {
    char line[32];
    int length = snprintf(line, sizeof line, "%lld\n", (long long)at->tv_sec * 1000000000 + at->tv_nsec);
    if (write(1, line, (size_t)length) != length) _exit(1);
}

static void say_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    say(&now);
}

int main(int argc, char **argv) {
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const char *role = argc > 1 ? argv[1] : "";
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    if (!strcmp(role, "sidecar")) {
        sigprocmask(SIG_BLOCK, &term, NULL); /* before anybody hears of us: the first SIGTERM must not kill */
        prctl(PR_SET_PDEATHSIG, SIGKILL);    /* tini and its like leave their children alive when they are killed */
    }
    say(&begin);
    if (!strcmp(role, "main")) {
        char byte;
        while (read(0, &byte, 1) > 0) {}
        say_now();
    } else if (!strcmp(role, "sidecar")) {
        sigwaitinfo(&term, NULL);
        say_now();
    }
    return 0;
}
