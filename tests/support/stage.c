/* Starts a program in a state of our choosing, as container runtimes, shells and careless parents do.
 *
 * stage OPTION... -- PROGRAM [ARGUMENT]...       options are obeyed in their order
 *   --first FD             as the first process of a pid namespace (and a mount namespace with its own /proc); its pid as others see it is
 *                          written to FD, and what becomes of it becomes of us. Nobody has to guess when it is there
 *   --mounts               a mount namespace of its own
 *   --tmpfs PATH OPTIONS   --bind FROM TO   --readonly PATH   --proc PATH   --chroot PATH   --chdir PATH
 *   --mask HEX             blocked signals (bit 0 is signal 1)         --ignore HEX   ignored signals; all others get their default
 *   --close FD             --open PATH FD (for reading and writing)    --environment FD   entries, each with a zero byte at its end
 *   --limit NAME VALUE     nofile nproc as fsize stack core cpu        --umask OCTAL   --user UID
 *   --deny WHAT ERRNO      the kernel answers with this error number: lock (fcntl F_OFD_SETLK), inotify (inotify_init1), hardlink (linkat)
 *   --session              a new session, and so a process group of its own
 *   --terminal             the same, and descriptor 0 is its controlling terminal
 *   --argv0 NAME */
#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;
static char *argv0;

static void check(int failed, const char *what, const char *with) {
    if (!failed) return;
    dprintf(2, "stage: %s %s: %s\n", what, with, strerror(errno));
    _exit(125);
}

static void end_like(int status) {
    if (WIFSIGNALED(status)) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        die_by(WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

static void own_mounts(void) {
    check(unshare(CLONE_NEWNS), "unshare", "mounts");
    check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private", "/");
}

static void mount_proc(const char *where) {
    check(mount("proc", where, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc", where);
}

static void become_first(const char *report) {
    uint64_t before = change_mask(SIG_BLOCK, ~0ULL); /* what a terminal sends to the group must not end us before our child */
    own_mounts();
    check(unshare(CLONE_NEWPID), "unshare", "pids");
    pid_t child = fork();
    check(child < 0, "fork", "");
    if (child) {
        int status;
        dprintf(atoi(report), "%d\n", child);
        syscall(SYS_close_range, 0, ~0U, 0);
        while (waitpid(child, &status, 0) != child) continue;
        end_like(status);
    }
    close(atoi(report));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    mount_proc("/proc");
    change_mask(SIG_SETMASK, before);
}

static void limit(const char *name, const char *value) {
    static const struct { const char *name; int resource; } limits[] = {
        {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"as", RLIMIT_AS}, {"fsize", RLIMIT_FSIZE},
        {"stack", RLIMIT_STACK}, {"core", RLIMIT_CORE}, {"cpu", RLIMIT_CPU}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!strcmp(limits[i].name, name)) {
            struct rlimit both = {strtoull(value, NULL, 10), strtoull(value, NULL, 10)};
            check(setrlimit(limits[i].resource, &both), "limit", name);
            return;
        }
    check(1, "no such limit:", name);
}

static void ignore_only(uint64_t ignored) {
    for (int number = 1; number <= LAST_SIGNAL; number++) set_disposition(number, ignored & signal_bit(number) ? SIG_IGN : SIG_DFL);
}

static void take_environment(int fd) {
    size_t length = 0, room = 1 << 22, entries = 0;
    char *text = malloc(room + 1), **list = malloc((room + 1) * sizeof *list);
    for (ssize_t got; (got = read(fd, text + length, room - length)) > 0;) length += got;
    close(fd);
    for (char *entry = text; entry < text + length; entry += strlen(entry) + 1) list[entries++] = entry;
    list[entries] = NULL;
    environ = list;
}

static void open_at(const char *path, int wanted) {
    int fd = open(path, O_RDWR);
    check(fd < 0, "open", path);
    if (fd == wanted) return;
    check(dup2(fd, wanted) < 0, "dup2", path);
    close(fd);
}

/* As sandboxes and file systems do that lack a thing: a seccomp filter. Its words are those of linux/filter.h, which musl does not bring. */
static void deny(const char *what, int error) {
    enum { LOAD = 0x20, JUMP_UNLESS_EQUAL = 0x15, RETURN = 0x06, NUMBER = 0, SECOND_ARGUMENT = 24 };
    const uint32_t allow = 0x7fff0000, refuse = 0x00050000 | error;
    int is_lock = !strcmp(what, "lock");
    uint32_t number = is_lock ? SYS_fcntl : !strcmp(what, "inotify") ? SYS_inotify_init1 : SYS_linkat;
    struct { uint16_t code; uint8_t if_true, if_false; uint32_t value; } filter[] = {
        {LOAD, 0, 0, NUMBER}, {JUMP_UNLESS_EQUAL, 0, 3, number}, {LOAD, 0, 0, SECOND_ARGUMENT},
        {JUMP_UNLESS_EQUAL, 0, is_lock, F_OFD_SETLK}, {RETURN, 0, 0, refuse}, {RETURN, 0, 0, allow}};
    struct { uint16_t length; void *filter; } program = {sizeof filter / sizeof *filter, filter};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2 /* filter */, &program), "deny", what);
}

static void become(uid_t user) {
    check(setgroups(0, NULL) || setgid(user) || setuid(user), "become", "user");
}

/* Obeys one option; gives how many words it took. */
static int obey(char **word) {
    const char *option = word[0], *a = word[1], *b = a ? word[2] : NULL;
#define IS(name) !strcmp(option, name)
    if (IS("--mounts")) return own_mounts(), 1;
    if (IS("--session")) return check(setsid() < 0, option, ""), 1;
    if (IS("--terminal")) return check(setsid() < 0 || ioctl(0, TIOCSCTTY, 0), "terminal", ""), 1;
    if (IS("--first")) return become_first(a), 2;
    if (IS("--readonly")) return check(mount(NULL, a, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), option, a), 2;
    if (IS("--proc")) return mount_proc(a), 2;
    if (IS("--chroot")) return check(chroot(a) || chdir("/"), option, a), 2;
    if (IS("--chdir")) return check(chdir(a), option, a), 2;
    if (IS("--mask")) return change_mask(SIG_SETMASK, strtoull(a, NULL, 16)), 2;
    if (IS("--ignore")) return ignore_only(strtoull(a, NULL, 16)), 2;
    if (IS("--close")) return close(atoi(a)), 2;
    if (IS("--environment")) return take_environment(atoi(a)), 2;
    if (IS("--umask")) return umask(strtol(a, NULL, 8)), 2;
    if (IS("--user")) return become(atoi(a)), 2;
    if (IS("--argv0")) return argv0 = word[1], 2;
    if (IS("--tmpfs")) return check(mount("tmpfs", a, "tmpfs", 0, b), option, a), 3;
    if (IS("--bind")) return check(mount(a, b, NULL, MS_BIND | MS_REC, NULL), option, b), 3;
    if (IS("--deny")) return deny(a, atoi(b)), 3;
    if (IS("--open")) return open_at(a, atoi(b)), 3;
    if (IS("--limit")) return limit(a, b), 3;
    check(1, "no such option:", option);
    return 0;
}

int main(int count, char **arguments) {
    int i = 1;
    while (i < count && strcmp(arguments[i], "--")) i += obey(arguments + i);
    char **command = arguments + i + 1;
    if (i + 1 >= count) return 125;
    char *program = command[0];
    if (argv0) command[0] = argv0;
    execve(program, command, environ);
    check(1, "exec", program);
}
