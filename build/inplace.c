/* Linked into staticx's unmodified bootloader by `ld --wrap`: __wrap_NAME takes the place of NAME wherever staticx's objects call it.
 *
 * Left to itself that bootloader unpacks below TMPDIR or gives up, starts the program as a child, passes two signals on to it and
 * removes the bundle when it ends. With these hooks it unpacks where that is possible and becomes the program, which removes the
 * bundle as its first act. */
#define _GNU_SOURCE
#include "archive.h"
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U /* Linux 6.3 */
#endif
#define LONGEST_PLACE 200 /* staticx has 255 bytes for the path of the loader in the bundle */
#define MOST_MEMFDS 32
#define OWN_FILE "/proc/self/exe"

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);
pid_t __wrap_fork(void);
char *__real_mkdtemp(char *template);
char *__wrap_mkdtemp(char *template);
char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);
void __wrap_extract_archive(const char *directory);
int __wrap_execv(const char *path, char *const argv[]);
int remove_tree(const char *path); /* staticx's */

static char *argv0;
static char bundle[LONGEST_PLACE + 32];
static int in_memory; /* the bundle's folder takes names only: its place is mounted noexec, so memory takes the files */
static int memfds[MOST_MEMFDS], memfd_count;

int __wrap_main(int argc, char **argv) {
    start_quietly();
    argv0 = argc ? argv[0] : NULL;
    return __real_main(argc, argv);
}

static const char *program(void) { return start_helper() ? HELPER : PROGRAM; }

/* There is no child: this process takes the child's road to execv, and is the program from there on. */
pid_t __wrap_fork(void) { return 0; }

/* The folder is made when it is known what must fit into it. staticx keeps this pointer and reads it after extract_archive. */
char *__wrap_mkdtemp(char *template) {
    (void)template;
    return bundle;
}

/* staticx asks for two paths: the program's, by a link in the bundle that we spare ourselves, and this file's. The latter may be gone
 * since the start, lie outside of our root or be longer than PATH_MAX, and staticx would give up; nobody needs it to start. */
char *__wrap_realpath(const char *path, char *resolved) {
    char *found;
    if (strcmp(path, OWN_FILE)) return asprintf(&found, "%s/%s", bundle, program()) < 0 ? NULL : found;
    found = __real_realpath(path, resolved);
    return found ? found : strdup(path);
}

static int open_memory(void) {
    int fd = memfd_create(PROGRAM, MFD_EXEC);
    return fd < 0 && errno == EINVAL ? memfd_create(PROGRAM, 0) : fd;
}

/* From a mapping: sendfile takes half as long again where source and target do not begin at the same place of a page. */
static int write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n <= 0) return 0;
        data += n;
        size -= (size_t)n;
    }
    return 1;
}

/* A copy of the file in memory under a link that leads there; it stays open for the program, which closes it. */
static int unpack_to_memory(int folder, const struct member *member) {
    char link[32];
    if (memfd_count == MOST_MEMFDS) return errno = EMFILE, 0;
    int memory = open_memory();
    if (memory < 0) return 0;
    memfds[memfd_count++] = memory;
    snprintf(link, sizeof link, "/proc/self/fd/%d", memory);
    return write_all(memory, member->data, member->size) && !symlinkat(link, folder, member->name);
}

static int unpack_to_file(int folder, const struct member *member) {
    int file = openat(folder, member->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return 0;
    int done = !fchmod(file, member->mode | 0600) && write_all(file, member->data, member->size), error = errno; /* fchmod: any umask */
    close(file);
    errno = error;
    return done;
}

static int unpack(struct archive archive) {
    struct member member;
    int done = 1, more, folder = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return 0;
    while (done && (more = next_member(&archive, &member)) > 0) {
        /* staticx has yet to write into the program: that one is moved at the end */
        int keep = !in_memory || !(member.mode & S_IXUSR) || !strcmp(member.name, program());
        done = keep ? unpack_to_file(folder, &member) : unpack_to_memory(folder, &member);
    }
    int error = done ? EBADMSG : errno;
    close(folder);
    errno = error;
    return done && !more;
}

static void give_up(void) {
    int error = errno;
    remove_tree(bundle);
    while (memfd_count) close(memfds[--memfd_count]);
    errno = error;
}

/* Unpack below `place`; give what is wrong with it, NULL when it is done. */
static const char *try(const char *place, struct archive archive) {
    struct statvfs system;
    /* a colon ends a folder in the RPATH that staticx writes, a $ begins a variable there */
    if (*place != '/' || strlen(place) > LONGEST_PLACE || strpbrk(place, ":$")) return "not a path that I can use";
    if (statvfs(place, &system)) return strerror(errno);
    if (system.f_flag & ST_RDONLY) return strerror(EROFS);
    if (system.f_flag & ST_NOEXEC && !in_memory) return "mounted noexec";
    unsigned long long room = (unsigned long long)system.f_bavail * system.f_frsize;
    if (system.f_blocks && room < room_needed(archive)) return "not enough room"; /* never fill up somebody's volume */
    /* the helper's supervisor knows the name, and removes what a killed one leaves */
    snprintf(bundle, sizeof bundle, "%s/%s", place, start_helper() ? start_helper() : ".kubexit-XXXXXX");
    if (start_helper() ? mkdir(bundle, 0700) : !__real_mkdtemp(bundle)) return strerror(errno);
    if (!chmod(bundle, 0700) && unpack(archive)) return NULL; /* chmod: any umask */
    give_up();
    return strerror(errno);
}

/* The folder that this file lies in, or NULL. */
static const char *home(void) {
    static char path[LONGEST_PLACE + 2];
    ssize_t length = readlink(OWN_FILE, path, sizeof path - 1);
    if (length < 0 || length == sizeof path - 1) return NULL;
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) return NULL;
    *slash = 0;
    return path;
}

/* The supervisor's side knows the same places: linux/helper.py. */
static void unpack_somewhere(struct archive archive) {
    static char tried[1024];
    const char *graveyard = getenv("KUBEXIT_GRAVEYARD");
    const char *const places[] = {getenv("TMPDIR"), "/tmp", "/var/tmp", "/run", "/dev/shm", graveyard ? graveyard : "/graveyard", home()};
    for (in_memory = 0; in_memory < 2; in_memory++) { /* memory costs a copy more: a place that allows execution is better */
        size_t length = 0;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            if (!places[i]) continue;
            const char *wrong = try(places[i], archive);
            if (!wrong) return;
            if (length < sizeof tried)
                length += (size_t)snprintf(tried + length, sizeof tried - length, "%s%.100s: %s", length ? ", " : "", places[i], wrong);
        }
    }
    start_fail("no folder to unpack into (%s): set TMPDIR to a writable folder with %zu MB of room, or use kubexit-tree, which needs none",
               tried, room_needed(archive) / 1000000 + 1);
}

/* Map the pages of the archive again, all at once: a fault for each 64 kB would take longer, and the other program's pages cost
 * as much as ours. */
static void fetch(char *content, const struct archive *archive, int file) {
    size_t page = (size_t)getpagesize(), begin = (size_t)(archive->at - content) / page * page, end = (size_t)(archive->end - content);
    if (mmap(content + begin, end - begin, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, (off_t)begin) == MAP_FAILED)
        start_fail("cannot map my archive: %s", strerror(errno));
}

void __wrap_extract_archive(const char *directory) {
    (void)directory;
    struct stat status;
    struct archive archive;
    int file = open(OWN_FILE, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == EACCES) start_fail("my file may be executed but not read: chmod a+rx it, I unpack myself");
    if (file < 0 || fstat(file, &status))
        start_fail("cannot open " OWN_FILE " (%s): mount /proc, or use kubexit-tree, which works without", strerror(errno));
    char *content = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (content == MAP_FAILED) start_fail("cannot map my file (%s): is RLIMIT_AS below 32 MB?", strerror(errno));
    if (!find_archive(content, (size_t)status.st_size, &archive)) start_fail("my file is damaged: there is no archive in it");
    keep_members(&archive, start_helper() != NULL);
    fetch(content, &archive, file);
    unpack_somewhere(archive);
    close(file);
}

/* Give the way to run the program. In memory that is a copy; its file stays in the bundle, because PyInstaller looks itself up there. */
static const char *runnable(const char *path) {
    static char image[32];
    char held[MOST_MEMFDS * 12] = "";
    struct stat status;
    if (!in_memory) return path;
    int file = open(path, O_RDONLY | O_CLOEXEC), memory = open_memory();
    if (file < 0 || memory < 0 || memfd_count == MOST_MEMFDS || fstat(file, &status)) return NULL;
    const char *content = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (content == MAP_FAILED || !write_all(memory, content, (size_t)status.st_size)) return NULL;
    close(file);
    memfds[memfd_count++] = memory;
    for (int i = 0; i < memfd_count; i++) sprintf(held + strlen(held), "%d,", memfds[i]);
    setenv("_KUBEXIT_MEMFDS", held, 1);
    snprintf(image, sizeof image, "/proc/self/fd/%d", memory);
    return image;
}

int __wrap_execv(const char *path, char *const argv[]) {
    const char *image = runnable(path);
    /* argv[0] stays the path in the bundle, as staticx has it: PyInstaller falls back on it where /proc/self/exe is a memfd, and with a
     * user's argv[0] it found this very file and executed it again, for ever */
    if (image) start_exec(image, argv, path, argv0);
    give_up();
    if (errno == E2BIG) start_fail("cannot start: arguments and environment leave no room for the few bytes that I add");
    start_fail("cannot run the unpacked program %s: %s", path, strerror(errno));
}
