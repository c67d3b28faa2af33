/* Lets Debian's C xenstored run on a machine without Xen, many times over.

   Theory of operation: a preloaded library that stands in for what xenstored asks of the hypervisor (libxenctrl,
   libxenevtchn, libxengnttab, two files of /proc/xen). The test and xenstored share one file, "world": page N is the
   ring of domain N, the page after the last ring holds one byte for each domain (0: does not exist, else 'a'live,
   's'hut down, 'c'rashed, 'd'ying). Events are datagrams of one 32-bit word over a socket pair: to xenstored the port
   that fires, from xenstored the port it notifies. Port 1 is the hypervisor's word that a domain changed; the same
   word comes back when xenstored has dealt with it.

   A test needs thousands of stores that are as new as can be. So the first call of poll, when xenstored is ready to
   serve and has served nobody, becomes a mint: for every byte on the control socket it forks a child that goes on to
   serve, sends the child's id, and when the child has ended, how (the status that waitpid gives). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, DOMAINS = 16, CHANGED = 1, FIRST_PORT = 100 };

static int number(const char *name)
{
	const char *text = getenv(name);
	return text ? atoi(text) : -1;
}

static int events(void)
{
	static int fd = -1;
	if (fd < 0)
		fd = number("STAND_IN_EVENTS");
	return fd;
}

static void tell(uint32_t port)
{
	(void)!send(events(), &port, sizeof port, MSG_DONTWAIT);
}

static void *page(unsigned index)
{
	const char *path = getenv("STAND_IN_WORLD");
	int fd = path ? (open)(path, O_RDWR | O_CLOEXEC) : -1;
	void *found;
	if (fd < 0)
		return NULL;
	found = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)index * PAGE);
	close(fd);
	return found == MAP_FAILED ? NULL : found;
}

/* libxenctrl */

void *xc_interface_open(void *logger, void *dombuild, unsigned flags)
{
	(void)logger; (void)dombuild; (void)flags;
	return (void *)1;
}

int xc_interface_close(void *handle)
{
	(void)handle;
	return 0;
}

static char state(uint32_t domid)
{
	static const volatile char *states;
	if (!states)
		states = page(DOMAINS);
	return states && domid < DOMAINS ? states[domid] : 0;
}

/* Of xc_dominfo_t only the head matters: the number, a word, and the flags dying 1, crashed 2, shutdown 4. */
int xc_domain_getinfo(void *handle, uint32_t first, unsigned count, void *found)
{
	uint32_t *word = found;
	char now = state(first);
	(void)handle; (void)count;
	if (!now)
		return 0;
	word[0] = first;
	word[1] = word[3] = 0;
	word[2] = now == 'd' ? 1 : now == 'c' ? 2 : now == 's' ? 4 : 0;
	return 1;
}

/* libxengnttab: the grant is that of the ring */

void *xengnttab_open(void *logger, unsigned flags)
{
	(void)logger; (void)flags;
	return (void *)1;
}

int xengnttab_close(void *handle)
{
	(void)handle;
	return 0;
}

int xengnttab_set_max_grants(void *handle, uint32_t count)
{
	(void)handle; (void)count;
	return 0;
}

void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t reference, int protection)
{
	(void)handle; (void)reference; (void)protection;
	if (state(domid))
		return page(domid);
	errno = ENOENT;
	return NULL;
}

int xengnttab_unmap(void *handle, void *start, uint32_t count)
{
	(void)handle;
	return munmap(start, (size_t)PAGE * count);
}

/* libxenevtchn */

void *xenevtchn_open(void *logger, unsigned flags)
{
	(void)logger; (void)flags;
	return (void *)1;
}

int xenevtchn_close(void *handle)
{
	(void)handle;
	return 0;
}

int xenevtchn_fd(void *handle)
{
	(void)handle;
	return events();
}

int xenevtchn_bind_virq(void *handle, unsigned virq)
{
	(void)handle; (void)virq;
	return CHANGED;
}

int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port)
{
	(void)handle; (void)port;
	return FIRST_PORT + domid;
}

int xenevtchn_unbind(void *handle, uint32_t port)
{
	(void)handle; (void)port;
	return 0;
}

int xenevtchn_notify(void *handle, uint32_t port)
{
	(void)handle;
	tell(port);
	return 0;
}

int xenevtchn_pending(void *handle)
{
	uint32_t port = 0;
	(void)handle;
	return recv(events(), &port, sizeof port, 0) == sizeof port ? (int)port : -1;
}

int xenevtchn_unmask(void *handle, uint32_t port)
{
	(void)handle;
	if (port == CHANGED)
		tell(port);
	return 0;
}

/* /proc/xen/xsd_port and xsd_kva */

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	mode_t mode = 0;
	va_list rest;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "open");
	if (flags & O_CREAT) {
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	if (!strcmp(path, "/proc/xen/xsd_port"))
		path = getenv("STAND_IN_PORT");
	else if (!strcmp(path, "/proc/xen/xsd_kva"))
		path = getenv("STAND_IN_WORLD");
	return real(path, flags, mode);
}

/* The mint */

static void mint(void)
{
	int control = number("STAND_IN_CONTROL");
	char order;
	while (recv(control, &order, 1, 0) == 1) {
		int32_t word[1];
		int status = 0;
		pid_t child = fork();
		if (!child) {
			uint32_t stale;
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (recv(events(), &stale, sizeof stale, MSG_DONTWAIT) > 0)
				;
			close(control);
			return;
		}
		word[0] = child;
		(void)!send(control, word, sizeof word, 0);
		if (child < 0)
			break;
		waitpid(child, &status, 0);
		word[0] = status;
		(void)!send(control, word, sizeof word, 0);
	}
	_exit(0);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	static int (*real)(struct pollfd *, nfds_t, int);
	if (!real) {
		*(void **)&real = dlsym(RTLD_NEXT, "poll");
		mint();
	}
	return real(fds, count, timeout);
}
