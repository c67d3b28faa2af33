/* Lets Debian's xenstored and oxenstored serve their sockets on a machine without Xen.

   Theory of operation: preloaded before the Xen libraries, it answers what the servers ask of the hypervisor at
   start. Domains 0 to 9 exist and never change; every ring is private memory that nobody writes to; event channels
   never fire. The two files of /proc/xen become files of the directory that QUIET_XEN names: "port" and "page". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define DOMAINS 10
static int channel[2] = {-1, -1};
static char handle;

static void *page(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* libxenctrl */
void *xc_interface_open(void *logger, void *dombuild, unsigned flags) { return &handle; }
int xc_interface_close(void *xc) { return 0; }

int xc_domain_getinfo(void *xc, uint32_t first, unsigned most, void *info)
{
    uint32_t *words = info; /* domid, ssidref, flags (all clear: alive), ... */
    if (first >= DOMAINS)
        return 0;
    words[0] = first;
    words[1] = words[2] = words[3] = 0;
    return 1;
}

int xc_domain_getinfolist(void *xc, uint32_t first, unsigned most, void *info)
{
    unsigned char *bytes = info; /* domid: 16 bits at 0; flags: 32 bits at 4 */
    if (first >= DOMAINS)
        return 0;
    *(uint16_t *)bytes = first;
    *(uint32_t *)(bytes + 4) = 0;
    return 1;
}

void *xc_map_foreign_range(void *xc, uint32_t domid, int size, int prot, unsigned long frame) { return page(); }

/* libxengnttab */
void *xengnttab_open(void *logger, unsigned flags) { return &handle; }
int xengnttab_close(void *xgt) { return 0; }
int xengnttab_set_max_grants(void *xgt, uint32_t count) { return 0; }
void *xengnttab_map_grant_ref(void *xgt, uint32_t domid, uint32_t ref, int prot) { return page(); }
int xengnttab_unmap(void *xgt, void *at, uint32_t pages) { return munmap(at, 4096 * pages); }

/* libxenevtchn */
void *xenevtchn_open(void *logger, unsigned flags)
{
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, channel) ? NULL : &handle;
}
void *xenevtchn_fdopen(void *logger, int fd, unsigned flags) { return xenevtchn_open(logger, flags); }
int xenevtchn_close(void *xce) { return 0; }
int xenevtchn_fd(void *xce) { return channel[0]; }
int xenevtchn_bind_virq(void *xce, unsigned virq) { return 1; }
int xenevtchn_bind_interdomain(void *xce, uint32_t domid, uint32_t port) { return 100 + domid; }
int xenevtchn_unbind(void *xce, uint32_t port) { return 0; }
int xenevtchn_notify(void *xce, uint32_t port) { return 0; }
int xenevtchn_pending(void *xce) { return -1; }
int xenevtchn_unmask(void *xce, uint32_t port) { return 0; }

/* /proc/xen */
int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    const char *directory = getenv("QUIET_XEN");
    char other[512];
    va_list rest;
    mode_t mode;

    if (!next)
        next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    va_start(rest, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (directory && !strncmp(path, "/proc/xen/xsd_", 14)) {
        snprintf(other, sizeof other, "%s/%s", directory, strcmp(path + 14, "port") ? "page" : "port");
        path = other;
    }
    return next(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    mode_t mode;

    va_start(rest, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open(path, flags, mode);
}
