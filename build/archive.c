#define _GNU_SOURCE
#include "archive.h"

#include <elf.h>
#include <string.h>

#define SECTION ".staticx.archive"
#define BLOCK 512
#define FILE_SYSTEM_BLOCK 4096
#define REGULAR '0'

int find_archive(const char *file, size_t size, struct archive *archive) {
    const Elf64_Ehdr *elf = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + elf->e_shoff);
    if (elf->e_shoff > size || size - elf->e_shoff < elf->e_shnum * sizeof *sections || elf->e_shstrndx >= elf->e_shnum) return 0;
    size_t names = sections[elf->e_shstrndx].sh_offset;
    for (const Elf64_Shdr *section = sections; section < sections + elf->e_shnum; section++) {
        size_t name = names + section->sh_name;
        if (name > size || size - name < sizeof SECTION || strcmp(file + name, SECTION)) continue;
        if (section->sh_offset > size || size - section->sh_offset < section->sh_size) return 0;
        archive->at = file + section->sh_offset;
        archive->end = archive->at + section->sh_size;
        return 1;
    }
    return 0;
}

/* build/pack.py writes it before the name. */
static enum owner owner_of(const char *name) {
    return !strncmp(name, "both/", 5) ? SHARED : !strncmp(name, "helper/", 7) ? HELPERS : !strncmp(name, "tree/", 5) ? TREES : PROGRAMS;
}

static size_t octal(const char *field, size_t length) {
    size_t value = 0;
    for (; length-- && *field >= '0' && *field <= '7'; field++) value = value * 8 + (size_t)(*field - '0');
    return value;
}

int next_member(struct archive *archive, struct member *member) {
    const char *header = archive->at;
    if (archive->end - header < BLOCK || !*header) return 0;
    memset(member, 0, sizeof *member);
    member->owner = owner_of(header);
    const char *slash = memchr(header, '/', 100);
    size_t skipped = slash ? (size_t)(slash + 1 - header) : 0;
    memcpy(member->name, header + skipped, 100 - skipped);
    member->mode = (mode_t)octal(header + 100, 8) & 0777;
    member->size = octal(header + 124, 12);
    member->data = header + BLOCK;
    if (header[156] != REGULAR || member->size > (size_t)(archive->end - member->data)) return -1;
    archive->at = member->data + (member->size + BLOCK - 1) / BLOCK * BLOCK;
    return 1;
}

void keep_members(struct archive *archive, int of_helper) {
    struct member member;
    struct archive rest = *archive;
    for (const char *at = rest.at; next_member(&rest, &member) > 0; at = rest.at) {
        if (of_helper && member.owner == PROGRAMS) archive->at = rest.at;
        if (member.owner != TREES && (of_helper || member.owner != HELPERS)) continue;
        archive->end = at;
        break;
    }
}

size_t room_needed(struct archive archive) {
    struct member member;
    size_t room = FILE_SYSTEM_BLOCK;
    while (next_member(&archive, &member) > 0) room += member.size + FILE_SYSTEM_BLOCK;
    return room;
}
