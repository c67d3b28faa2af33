/* Notes when test-xenstore looks at the clock, which it does before and after each iteration, so that medians can be
   taken; the program itself prints averages only. Preloaded; the differences go to the file that CLOCK_READINGS names,
   one number of nanoseconds per line. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define READINGS_MAX 100000

static struct timespec readings[READINGS_MAX];
static int count;

int clock_gettime(clockid_t id, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, now);
    if (count < READINGS_MAX)
        readings[count++] = *now;
    return result;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("CLOCK_READINGS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (int i = 0; i + 1 < count; i += 2)
        fprintf(file, "%lld\n",
                (readings[i + 1].tv_sec - readings[i].tv_sec) * 1000000000LL + readings[i + 1].tv_nsec - readings[i].tv_nsec);
    fclose(file);
}
