/* What the pods of the tests run: a static program that needs nothing of its image.
 *
 * puppet serve PORT [closed] [on-term die|report|exit N|linger SECONDS]
 *     answers every HTTP request: 200 while it is open, 503 while it is closed. Whoever can reach it moves it, and is answered 200:
 *     /open  /close      say "opened" or "closed" and be so from now on
 *     /exit/N            say "exiting N", end with that code
 *     /eat               say "eating", take memory until there is no more
 *     SIGTERM: say "signal 15", then end by it (die, the default), end with a code, go on (report), or end with 0 so many seconds later
 * puppet get PORT [PATH]
 *     one GET to 127.0.0.1: say "got STATUS" and end with 0 if that is 200, else with 1; with 3 where nobody listens
 * puppet mourn FILE
 *     wait until the tombstone FILE says Died, whatever signals come; show it, one "stone LINE" a line, and end with 0
 * puppet fail FILE COMMAND...
 *     the first time (FILE is not there): make FILE, end with 3. After that: become the COMMAND
 * puppet exit N
 *     end with that code
 * puppet fill FILE
 *     write into FILE until its file system is full, and end with 0
 * puppet kill TEXT
 *     SIGKILL the processes that have TEXT in their command lines, but for itself and the first one; end with 0 if there was one, else with 3
 * It says "here" when it begins. */
#define _GNU_SOURCE
#include "signals.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/time.h>

static int is_open = 1, code_on_term = -1, only_report, linger = -1;

static void say(const char *word, int number) {
    char line[64];
    int length = number < 0 ? snprintf(line, sizeof line, "%s\n", word) : snprintf(line, sizeof line, "%s %d\n", word, number);
    if (write(1, line, length) != length) _exit(98);
}

static void check(int failed, const char *what) {
    if (!failed) return;
    dprintf(2, "puppet: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static struct sockaddr_in address(uint32_t host, int port) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
    return place;
}

static void answer(int client, int status) {
    static const char *const reasons[] = {"OK", "Service Unavailable"};
    char text[160];
    int length = snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\n%03d\n",
                          status, reasons[status != 200], status);
    if (write(client, text, length) != length) say("nobody waits for the answer", -1);
    shutdown(client, SHUT_WR);
}

/* Reads the request up to the empty line, so that closing resets no connection; gives the path. */
static const char *read_request(int client) {
    static char text[8192];
    size_t length = 0;
    for (ssize_t got; length < sizeof text - 1 && (got = read(client, text + length, sizeof text - 1 - length)) > 0;) {
        length += got;
        text[length] = 0;
        if (strstr(text, "\r\n\r\n")) break;
    }
    char *path = strchr(text, ' '), *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end) return "";
    *end = 0;
    return path + 1;
}

static void eat(void) {
    static const size_t bite = 1 << 20;
    say("eating", -1);
    for (char *food; (food = malloc(bite));) memset(food, 1, bite);
    check(1, "malloc");
}

static void serve_one(int server) {
    int client = accept4(server, NULL, NULL, SOCK_CLOEXEC), code;
    if (client < 0) return;
    struct timeval patience = {5, 0}; /* a probe that only connects may say nothing */
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const char *path = read_request(client);
    int opens = !strcmp(path, "/open"), closes = !strcmp(path, "/close"), eats = !strcmp(path, "/eat"), exits = sscanf(path, "/exit/%d", &code) == 1;
    if (opens || closes) say(opens ? "opened" : "closed", -1), is_open = opens;
    answer(client, is_open || closes || exits ? 200 : 503);
    close(client);
    if (exits) say("exiting", code), _exit(code);
    if (eats) eat();
}

static void on_signal(int signals) {
    struct { uint32_t number; char rest[124]; } info;
    if (read(signals, &info, sizeof info) != sizeof info) return;
    if (info.number == SIGALRM) _exit(0); /* the lingering is over */
    say("signal", info.number);
    if (info.number != SIGTERM || only_report) return;
    if (linger >= 0) alarm(linger);
    else if (code_on_term >= 0) _exit(code_on_term);
    else die_by(SIGTERM), _exit(128 + SIGTERM); /* the first process of a pid namespace does not die of it */
}

static int open_signals(void) {
    uint64_t all = ~0ULL;
    change_mask(SIG_BLOCK, all);
    int signals = syscall(SYS_signalfd4, -1, &all, sizeof all, 02000000 /* close on exec */);
    check(signals < 0, "signalfd");
    return signals;
}

static void take_options(char **words) {
    for (; *words; words++) {
        if (!strcmp(*words, "closed")) is_open = 0;
        else if (!strcmp(*words, "on-term") && words[1]) {
            char *how = *++words;
            if (!strcmp(how, "report")) only_report = 1;
            else if (!strcmp(how, "exit") && words[1]) code_on_term = atoi(*++words);
            else if (!strcmp(how, "linger") && words[1]) linger = atoi(*++words);
        } else check((errno = EINVAL), *words);
    }
}

static void serve(int port, char **options) {
    struct sockaddr_in here = address(INADDR_ANY, port);
    int signals = open_signals(), yes = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    take_options(options);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    check(server < 0 || bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 64), "listen");
    say("here", -1);
    for (;;) {
        struct pollfd sources[] = {{server, POLLIN, 0}, {signals, POLLIN, 0}};
        if (poll(sources, 2, -1) < 0) continue;
        if (sources[1].revents) on_signal(signals);
        if (sources[0].revents) serve_one(server);
    }
}

static void get(int port, const char *path) {
    struct sockaddr_in there = address(INADDR_LOOPBACK, port);
    char text[512], reply[512] = "";
    int status = 0, length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    say("here", -1);
    if (connect(server, (struct sockaddr *)&there, sizeof there)) say("nobody listens", -1), _exit(3);
    if (write(server, text, length) != length || read(server, reply, sizeof reply - 1) <= 0) say("no answer", -1), _exit(1);
    sscanf(reply, "HTTP/1.1 %d", &status);
    say("got", status);
    _exit(status == 200 ? 0 : 1);
}

/* Gives whether the tombstone tells a death, after showing it if so. */
static int show_death(const char *stone) {
    char text[65536];
    int fd = open(stone, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length < 0 ? 0 : length] = 0;
    if (!strstr(text, "Died:")) return 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) dprintf(1, "stone %s\n", line);
    return 1;
}

static void mourn(char *stone) {
    char events[4096], *copy = strdup(stone);
    open_signals(); /* blocked from here on */
    int watch = inotify_init1(IN_CLOEXEC);
    check(watch < 0 || inotify_add_watch(watch, dirname(copy), IN_MOVED_TO | IN_CLOSE_WRITE) < 0, stone);
    say("here", -1);
    while (!show_death(stone)) check(read(watch, events, sizeof events) <= 0, "inotify");
    _exit(0);
}

static void fail_first(const char *mark, char **command) {
    int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) say("failing", 3), _exit(3);
    check(errno != EEXIST, mark);
    execv(command[0], command);
    check(1, command[0]);
}

static void fill(const char *path) {
    static char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(fd < 0, path);
    while (write(fd, block, sizeof block) > 0) continue;
    check(errno != ENOSPC, path);
    say("here", -1);
    _exit(0);
}

/* Gives whether the process has this text in its command line, words separated by blanks. */
static int has_words(const char *pid, const char *text) {
    char path[64], words[4096];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, words, sizeof words - 1);
    close(fd);
    for (ssize_t at = 0; at < length; at++) words[at] = words[at] ? words[at] : ' ';
    words[length < 0 ? 0 : length] = 0;
    return strstr(words, text) != NULL;
}

static void kill_all(const char *text) {
    DIR *all = opendir("/proc");
    int found = 0;
    check(!all, "/proc");
    for (struct dirent *each; (each = readdir(all));) {
        int pid = atoi(each->d_name);
        if (pid <= 1 || pid == getpid() || !has_words(each->d_name, text)) continue;
        check(kill(pid, SIGKILL), each->d_name);
        found = 1;
    }
    _exit(found ? 0 : 3);
}

int main(int count, char **words) {
    if (count >= 3 && !strcmp(words[1], "serve")) serve(atoi(words[2]), words + 3);
    if (count >= 3 && !strcmp(words[1], "get")) get(atoi(words[2]), count > 3 ? words[3] : "/");
    if (count == 3 && !strcmp(words[1], "mourn")) mourn(words[2]);
    if (count >= 4 && !strcmp(words[1], "fail")) fail_first(words[2], words + 3);
    if (count == 3 && !strcmp(words[1], "exit")) say("here", -1), _exit(atoi(words[2]));
    if (count == 3 && !strcmp(words[1], "fill")) fill(words[2]);
    if (count == 3 && !strcmp(words[1], "kill")) kill_all(words[2]);
    check((errno = EINVAL), "usage");
}
