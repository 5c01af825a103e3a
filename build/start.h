/* What has to happen before the bundled loader, C library and interpreter run, in the tree's launcher and in the single file alike. */
#ifndef KUBEXIT_START_H
#define KUBEXIT_START_H

/* The names of PyInstaller's programs within the bundle, and of our process. */
#define PROGRAM "kubexit"
#define HELPER "kubexit-helper"

/* Block every signal, note the mask and the ignored signals of the start, and rename every variable that something of the bundle would
 * obey to _KUBEXIT_HID.NAME, in its place. Must come first. */
void start_quietly(void);

/* Give the name that the helper's bundle is to have (linux/helper.py chose it), NULL if this is no start of the helper. */
const char *start_helper(void);

/* Become `path`, the bundled loader or program, with `argv`. `archive` is where PyInstaller finds its own file, `argv0` the argv[0] of
 * the start (NULL: there was none): PyInstaller needs its own there. Returns only when that failed, errno set. */
void start_exec(const char *path, char *const argv[], const char *archive, const char *argv0);

/* Say why nothing can be started, one line on stderr, and end with status 127, as a shell does for what cannot be run. */
_Noreturn void start_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
