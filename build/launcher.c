/* The tree's `kubexit`: finds the folder that it lies in, and becomes the program in its lib/ through the loader in there. Static, and
 * without /proc too. */
#define _GNU_SOURCE
#include "start.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* What PyInstaller and Python append to our path must fit into PATH_MAX as well: lib/ and a name. */
#define LONGEST_TAIL 96

static void find_folder(char folder[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length > 0) {
        folder[length] = 0;
    } else {
        const char *started = (const char *)getauxval(AT_EXECFN); /* no /proc: the name that the kernel was given */
        if (!started || !realpath(started, folder))
            start_fail("cannot find the folder that I lie in (%s): start me by an absolute path, or mount /proc", strerror(errno));
    }
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    if (strlen(folder) > PATH_MAX - LONGEST_TAIL) start_fail("the path %.60s... is too long: move the tree to a shorter one", folder);
}

int main(int argc, char **argv) {
    static char folder[PATH_MAX], loader[PATH_MAX + 64], program[PATH_MAX + 64];
    start_quietly();
    find_folder(folder);
    snprintf(loader, sizeof loader, "%s/lib/" LOADER, folder);
    /* the helper: a single file lay here when the supervisor that wants one was started, and a tree was installed over it */
    snprintf(program, sizeof program, "%s/lib/%s", folder, start_helper() ? HELPER : PROGRAM);
    char **list = calloc((size_t)argc + 3, sizeof *list);
    if (!list) start_fail("out of memory");
    list[0] = loader;
    list[1] = program; /* it finds its libraries itself, by $ORIGIN: --library-path would break at a colon in our path */
    for (int i = 1; i < argc; i++) list[i + 1] = argv[i];
    start_exec(loader, list, program, argc ? argv[0] : NULL);
    if (errno == E2BIG) start_fail("cannot start: arguments and environment leave no room for the few bytes that I add");
    start_fail("cannot run %s (%s): the folder lib beside me must be whole, readable and not mounted noexec", loader, strerror(errno));
}
