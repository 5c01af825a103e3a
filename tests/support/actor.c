/* The child of the tests: does as it is told and says what happens to it, one line a fact on standard output.
 *
 * actor [COMMAND]...     each argument is one command; more may come as lines on standard input (after `listen`)
 *   on N exit C          when signal N arrives: end with code C         on N die     end by that signal
 *   on N stop            stop oneself                                   on N report  only say so (all do at first)
 *   obey N               the kernel's default action for N              ignore N     have N ignored
 *   exit C   die N       end now, with a code or by a signal            stop         stop now
 *   say TEXT  complain TEXT   write a line to standard output or error
 *   flood FD COUNT LENGTH     write COUNT lines of LENGTH bytes each to a descriptor, each in one write
 *   fork                 a second process like this one, in the same group
 *   orphan               a second process like this one, whose parent ends: it is given to the next reaper
 *   leave COUNT          that many orphans that end at once
 *   session              leave for a session of one's own
 *   become UID           another user
 *   eat                  take memory until the kernel ends it
 *   hoard                take every inotify instance that this user may have
 *   quiet                do not say `ready`
 *   listen               read commands from standard input
 * It says: "ready PID" when all commands were done ("forked PID" or "orphan PID" for those others), "signal N PID" for each that arrives. */
#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum reply { REPORT, EXIT, DIE, STOP };

static struct {
    enum reply reply;
    int code;
} rules[LAST_SIGNAL + 1];
static int quiet, listening, running; /* running: all commands of the command line were done */
static const char *greeting = "ready";

static void say(int fd, const char *text, int number) {
    char line[64];
    int length = number < 0 ? snprintf(line, sizeof line, "%s %d\n", text, getpid()) : snprintf(line, sizeof line, "%s %d %d\n", text, number, getpid());
    if (write(fd, line, length) != length && errno == EFAULT) abort();
}

static void leave(int code) {
    _exit(code);
}

static void handle(int number) {
    say(1, "signal", number);
    if (rules[number].reply == EXIT) leave(rules[number].code);
    if (rules[number].reply == DIE) die_by(number);
    if (rules[number].reply == STOP) syscall(SYS_kill, getpid(), SIGSTOP);
}

static void set_rule(int number, const char *reply, int code) {
    rules[number].reply = !strcmp(reply, "exit") ? EXIT : !strcmp(reply, "die") ? DIE : !strcmp(reply, "stop") ? STOP : REPORT;
    rules[number].code = code;
}

/* Another process than before: it takes no commands from standard input, and says when it is there. */
static void begin_anew(const char *now) {
    greeting = now;
    listening = quiet = 0;
    if (running) say(1, greeting, -1);
}

static void make_orphan(int lives) {
    int gone[2];
    if (pipe(gone)) leave(99);
    pid_t middle = fork();
    if (!middle) {
        if (fork()) leave(0);
        char byte;
        close(gone[1]);
        while (read(gone[0], &byte, 1) < 0 && errno == EINTR) continue; /* ends when the middle one is gone */
        if (!lives) leave(0);
        close(gone[0]);
        begin_anew("orphan");
        return;
    }
    close(gone[0]);
    close(gone[1]);
    waitpid(middle, NULL, 0);
}

static void flood(int fd, int count, int length) {
    char *line = malloc(length);
    memset(line, 'x', length);
    line[length - 1] = '\n';
    for (int i = 0; i < count; i++)
        if (write(fd, line, length) != length) leave(98);
    free(line);
}

static void eat(void) {
    for (const size_t bite = 1 << 20;;) {
        char *taken = malloc(bite);
        if (!taken) leave(94);
        memset(taken, 1, bite);
    }
}

static void hoard(void) {
    struct rlimit many = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &many);
    while (inotify_init1(0) >= 0) continue;
    if (errno != EMFILE) leave(97);
}

static void write_line(int fd, const char *text) {
    char line[4096];
    int length = snprintf(line, sizeof line, "%s\n", text);
    if (write(fd, line, length) != length) leave(98);
}

static void obey(const char *command) {
    int a = 0, b = 0, c = 0;
    char word[16] = "";
    if (sscanf(command, "on %d %15s %d", &a, word, &b) >= 2) set_rule(a, word, b);
    else if (sscanf(command, "obey %d", &a) == 1) set_disposition(a, SIG_DFL), change_mask(SIG_UNBLOCK, signal_bit(a));
    else if (sscanf(command, "ignore %d", &a) == 1) set_disposition(a, SIG_IGN), change_mask(SIG_UNBLOCK, signal_bit(a));
    else if (sscanf(command, "exit %d", &a) == 1) leave(a);
    else if (sscanf(command, "die %d", &a) == 1) die_by(a);
    else if (!strcmp(command, "stop")) syscall(SYS_kill, getpid(), SIGSTOP);
    else if (!strncmp(command, "say ", 4)) write_line(1, command + 4);
    else if (!strncmp(command, "complain ", 9)) write_line(2, command + 9);
    else if (sscanf(command, "flood %d %d %d", &a, &b, &c) == 3) flood(a, b, c);
    else if (!strcmp(command, "orphan")) make_orphan(1);
    else if (sscanf(command, "leave %d", &a) == 1) while (a-- > 0) make_orphan(0);
    else if (!strcmp(command, "session")) setsid();
    else if (sscanf(command, "become %d", &a) == 1) { if (setgid(a) || setuid(a)) leave(96); }
    else if (!strcmp(command, "eat")) eat();
    else if (!strcmp(command, "hoard")) hoard();
    else if (!strcmp(command, "quiet")) quiet = 1;
    else if (!strcmp(command, "listen")) listening = 1;
    else if (!strcmp(command, "fork")) { if (!fork()) begin_anew("forked"); }
    else dprintf(2, "actor: what is %s?\n", command), leave(95);
}

static void read_commands(void) {
    static char text[4096];
    static size_t length;
    ssize_t got = read(0, text + length, sizeof text - 1 - length);
    if (got <= 0) {
        listening = 0;
        return;
    }
    length += got;
    text[length] = 0;
    char *begin = text, *end;
    while ((end = strchr(begin, '\n'))) {
        *end = 0;
        obey(begin);
        begin = end + 1;
    }
    length -= begin - text;
    memmove(text, begin, length);
}

static void next_signal(int fd) {
    struct { uint32_t number; char rest[124]; } info;
    if (read(fd, &info, sizeof info) == sizeof info) handle(info.number);
}

int main(int count, char **arguments) {
    uint64_t all = ~0ULL;
    change_mask(SIG_BLOCK, all);
    for (int number = 1; number <= LAST_SIGNAL; number++) set_disposition(number, SIG_DFL);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 1; i < count; i++) obey(arguments[i]);
    int signals = syscall(SYS_signalfd4, -1, &all, sizeof all, 0);
    if (!quiet) say(1, greeting, -1);
    running = 1;
    for (;;) {
        struct pollfd sources[2] = {{signals, POLLIN, 0}, {0, POLLIN, 0}};
        if (poll(sources, listening ? 2 : 1, -1) < 0) continue;
        if (sources[0].revents) next_signal(signals);
        if (listening && sources[1].revents) read_commands();
    }
}
