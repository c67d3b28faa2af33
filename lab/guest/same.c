// Says whether two files are equal in every byte: usage: same FILE FILE (exit 0: equal, 1: not, 2: cannot tell).
// In place of cmp(1), which copies what it reads: under emulation that takes minutes for gigabytes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define WINDOW ((off_t)16 << 20)

static int opened(const char *path, off_t *size)
{
    struct stat facts;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &facts) != 0) {
        perror(path);
        return -1;
    }
    *size = facts.st_size;
    return file;
}

static const unsigned char *mapped(int file, off_t at, off_t length, const char *path)
{
    void *window = mmap(NULL, length, PROT_READ, MAP_SHARED | MAP_POPULATE, file, at);
    if (window == MAP_FAILED) {
        perror(path);
        return NULL;
    }
    return window;
}

static off_t first_difference(const unsigned char *a, const unsigned char *b, off_t length)
{
    const uint64_t *x = (const void *)a, *y = (const void *)b;  // windows begin at page borders
    off_t words = length / 8, at = 0;
    while (at < words && x[at] == y[at])
        at++;
    for (at *= 8; at < length && a[at] == b[at]; at++)
        ;
    return at;
}

int main(int count, char **names)
{
    off_t sizes[2];
    int files[2];
    if (count != 3) {
        fprintf(stderr, "usage: same FILE FILE\n");
        return 2;
    }
    for (int which = 0; which < 2; which++)
        if ((files[which] = opened(names[1 + which], &sizes[which])) < 0)
            return 2;
    if (sizes[0] != sizes[1]) {
        printf("%s: %lld bytes, not %lld\n", names[2], (long long)sizes[1], (long long)sizes[0]);
        return 1;
    }
    for (off_t at = 0; at < sizes[0]; at += WINDOW) {
        off_t length = sizes[0] - at < WINDOW ? sizes[0] - at : WINDOW;
        const unsigned char *a = mapped(files[0], at, length, names[1]);
        const unsigned char *b = mapped(files[1], at, length, names[2]);
        if (a == NULL || b == NULL)
            return 2;
        off_t equal = first_difference(a, b, length);
        if (equal < length) {
            printf("%s: differs at byte %lld\n", names[2], (long long)(at + equal));
            return 1;
        }
        munmap((void *)a, length);
        munmap((void *)b, length);
        for (int which = 0; which < 2; which++)  // a small guest would else spend its time on reclaiming pages
            posix_fadvise(files[which], at, length, POSIX_FADV_DONTNEED);
    }
    return 0;
}
