/* The archive that staticx keeps as a section of the single file: a tar file in GNU's format, not compressed. It is read where it is
 * mapped. */
#ifndef KUBEXIT_ARCHIVE_H
#define KUBEXIT_ARCHIVE_H

#include <sys/types.h>

struct archive {
    const char *at, *end; /* what is left to read */
};

struct member {
    char name[101]; /* longer ones would take a member of their own: build/pack.py has none */
    enum owner { PROGRAMS, SHARED, HELPERS, TREES } owner;
    mode_t mode;
    const char *data;
    size_t size;
};

/* Find the archive in an ELF file that lies at `file`. 0: there is none. */
int find_archive(const char *file, size_t size, struct archive *archive);

/* Keep what one of the two programs needs. The members of the program come first, then those of both, then the helper's, then what only
 * an installed tree has (linux/single_file.py). */
void keep_members(struct archive *archive, int of_helper);

/* Read the next regular file of the archive. 1: here it is, 0: there are no more, -1: what is there is something else. */
int next_member(struct archive *archive, struct member *member);

/* The bytes that the unpacked files take, with a block for each. */
size_t room_needed(struct archive archive);

#endif
