#define _GNU_SOURCE
#include "start.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HID "_KUBEXIT_HID."
#define HELPER_WANTED "_KUBEXIT_HELPER" /* PID.NAME: the pid of the supervisor that wants it, the name of the bundle's folder */
#define LAST_SIGNAL 64

extern char **environ;

/* Beginnings of the variables that something of the bundle obeys, and that are the child's affair alone. */
static const char *const obeyed[] = {
    "LD_", "GLIBC_TUNABLES=", "MALLOC_",               /* the loader and the C library */
    "LC_", "LANG=", "LOCPATH=", "GCONV_PATH=",         /* the same: it would load the container's locales and converters, made for another one */
    "_PYI_", "PYINSTALLER_",                           /* PyInstaller's bootloader */
    "STATICX_",                                        /* staticx's bootloader */
    "_KUBEXIT_",                                       /* ourselves */
};
static char mask[17], ignored[17];
static const char *helper;

void start_fail(const char *format, ...) {
    char text[2048] = "kubexit: ";
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + length, sizeof text - length - 1, format, arguments);
    va_end(arguments);
    if (more > 0) length += (size_t)more;
    if (length > sizeof text - 2) length = sizeof text - 2;
    text[length++] = '\n';
    /* All signals are blocked: a write to a stalled pipe would keep this process for ever. What is ready takes PIPE_BUF bytes. */
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && out.revents & POLLOUT && write(STDERR_FILENO, text, length) < 0) length = 0;
    _exit(127);
}

static int is_obeyed(const char *entry) {
    for (size_t i = 0; i < sizeof obeyed / sizeof *obeyed; i++)
        if (!strncmp(entry, obeyed[i], strlen(obeyed[i]))) return 1;
    return 0;
}

/* By the kernel's own calls: musl leaves signals 32 to 34 out of sigprocmask and sigaction, and 34 is glibc's SIGRTMIN. It would kill
 * us during the start, and a 34 that was blocked would reach the child unblocked. */
static void take_signals(void) {
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long long mask;
    } action;
    unsigned long long all = ~0ULL, blocked = 0, unwanted = 0;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &blocked, sizeof all);
    for (int number = 1; number <= LAST_SIGNAL; number++)
        if (!syscall(SYS_rt_sigaction, number, NULL, &action, sizeof all) && action.handler == SIG_IGN) unwanted |= 1ULL << (number - 1);
    snprintf(mask, sizeof mask, "%llx", blocked);
    snprintf(ignored, sizeof ignored, "%llx", unwanted);
}

/* The variable counts only if it comes from our parent itself: a container's own environment cannot make a helper of a supervisor. */
static void take_helper(void) {
    const char *wanted = getenv(HELPER_WANTED);
    char *end;
    if (wanted && getppid() && strtol(wanted, &end, 10) == getppid() && *end == '.' && !strchr(end, '/')) helper = end + 1;
}

const char *start_helper(void) { return helper; }

/* Not by setenv: the child gets repeated names, entries without "=" and the order as they were. */
static void hide_variables(void) {
    size_t count = 0, room = 0;
    for (; environ[count]; count++)
        if (is_obeyed(environ[count])) room += strlen(HID) + strlen(environ[count]) + 1;
    char **list = calloc(count + 1, sizeof *list), *text = malloc(room + 1);
    if (!list || !text) start_fail("out of memory: the environment has %zu variables and there is no room to copy them", count);
    for (size_t i = 0; i < count; i++) {
        list[i] = environ[i];
        if (!is_obeyed(environ[i])) continue;
        list[i] = text;
        text = stpcpy(stpcpy(text, HID), environ[i]) + 1;
    }
    environ = list;
}

void start_quietly(void) {
    take_signals();
    /* While it builds the single file, staticx starts its bootloader with this one variable to see whether it runs. */
    if (environ[0] && !environ[1] && !strncmp(environ[0], "STATICX_BOOTLOADER_IDENTIFY=", 28)) return;
    take_helper();
    hide_variables();
}

void start_exec(const char *path, char *const argv[], const char *archive, const char *argv0) {
    setenv("_PYI_ARCHIVE_FILE", archive, 1);
    setenv("_PYI_PARENT_PROCESS_LEVEL", "-1", 1); /* "already restarted": PyInstaller does not start itself again for LD_LIBRARY_PATH */
    setenv("_PYI_LINUX_PROCESS_NAME", helper ? HELPER : PROGRAM, 1);
    setenv("_KUBEXIT_ARGV0", argv0 ? argv0 : "", 1);
    setenv("_KUBEXIT_MASK", mask, 1);
    setenv("_KUBEXIT_IGNORED", ignored, 1);
    execve(path, argv, environ);
}
