/* sys.h: the one door to the kernel.
 *
 * endwell-init is linked against no libc. A PID 1 needs some thirty system calls and nothing else; without a
 * libc it starts in three pages instead of three hundred, every compiler builds the same small static file, and there
 * is one place, this one, where each call can be made to fail in a test (SYS_FAULTS, see faults.c).
 *
 * Every wrapper returns the kernel's own answer: a value, or a negated errno. Numbers and structures are the
 * kernel's ABI (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); they never change.
 */
#ifndef ENDWELL_SYS_H
#define ENDWELL_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* errno(3), as far as this program tells one from another. */
enum {
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10,
    EAGAIN = 11, ENOMEM = 12, EACCES = 13, EBUSY = 16, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, EMFILE = 24,
    ENOTTY = 25, ETXTBSY = 26, ENOSPC = 28, EROFS = 30, EPIPE = 32, ENAMETOOLONG = 36, ENOSYS = 38, ELOOP = 40,
    ETIMEDOUT = 110, ESTALE = 116,
};

/* signal(7). */
enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
    SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
    SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
    SIGRTMIN = 34, SIGRTMAX = 64, /* 32 and 33 belong to the C library's threads */
};

enum {
    SIG_SETMASK = 2,
    SI_USER = 0, SI_QUEUE = -1,
    CLONE_VM = 0x100, CLONE_VFORK = 0x4000,
    WNOHANG = 1, WUNTRACED = 2,
    PR_SET_PDEATHSIG = 1, PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37,
    TIOCSCTTY = 0x540E, TIOCGPGRP = 0x540F, TIOCSPGRP = 0x5410, TIOCNOTTY = 0x5422,
    CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7,
    AT_FDCWD = -100, W_OK = 2,
    O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200, O_NONBLOCK = 04000, O_CLOEXEC = 02000000, O_PATH = 010000000,
#ifdef __aarch64__
    O_DIRECTORY = 040000,
#else
    O_DIRECTORY = 0200000,
#endif
    STATX_TYPE = 1, S_IFMT = 0170000, S_IFREG = 0100000, S_IFDIR = 040000, S_IFCHR = 020000, AT_EMPTY_PATH = 0x1000, RWF_NOWAIT = 8, O_TRUNC = 01000, O_APPEND = 02000, AT_SYMLINK_NOFOLLOW = 0x100,
    POLLOUT = 4,
    F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, FD_CLOEXEC = 1,
    PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20,
};

typedef int32_t pid_t;
typedef uint64_t sigset; /* bit n-1 is signal n: the kernel's 64 signals, not libc's view of them */

struct timespec { int64_t tv_sec, tv_nsec; };

struct siginfo {
    int32_t signo, error, code, padding;
    union {
        struct { pid_t pid; uint32_t uid; union { int32_t status; uint64_t value; } u; } from;
        char bytes[112];
    } u;
};

struct sigaction { uintptr_t handler; uint64_t flags; uintptr_t restorer; sigset mask; };
#define SIG_DFL ((uintptr_t)0)
#define SIG_IGN ((uintptr_t)1)

struct statx { char before[28]; uint16_t mode; char after[226]; }; /* of its 256 bytes we want two */

struct piece { const void *from; size_t size; };

struct pollfd { int32_t fd; int16_t events, revents; };

struct dirent { uint64_t inode; int64_t offset; uint16_t size; uint8_t type; char name[]; };

#if defined(__x86_64__)
enum {
    NR_read = 0, NR_write = 1, NR_close = 3, NR_mmap = 9, NR_rt_sigaction = 13, NR_rt_sigprocmask = 14,
    NR_ioctl = 16, NR_getpid = 39, NR_clone = 56, NR_execve = 59, NR_wait4 = 61, NR_kill = 62, NR_fcntl = 72,
    NR_chdir = 80, NR_fchdir = 81, NR_setpgid = 109, NR_getppid = 110, NR_setsid = 112, NR_getpgid = 121,
    NR_getsid = 124, NR_rt_sigtimedwait = 128, NR_rt_sigqueueinfo = 129, NR_prctl = 157, NR_getdents64 = 217,
    NR_clock_gettime = 228, NR_exit_group = 231, NR_openat = 257, NR_ppoll = 271, NR_unlinkat = 263, NR_renameat = 264,
    NR_readlinkat = 267, NR_faccessat = 269, NR_pwritev2 = 328, NR_statx = 332, NR_pidfd_send_signal = 424, NR_pidfd_open = 434,
    NR_close_range = 436,
};
static inline long sys_call3(long n, long a, long b, long c) /* most take three: half the code at each call */
{
    __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return n;
}
static inline long sys_call4(long n, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return n;
}
static inline long sys_call(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return n;
}
#define SYS_START \
    __asm__(".text\n.globl _start\n.type _start,@function\n_start:\n\txorl %ebp,%ebp\n\tmovq %rsp,%rdi\n" \
            "\tandq $-16,%rsp\n\tcall sys_start\n")
#elif defined(__aarch64__)
enum {
    NR_fcntl = 25, NR_ioctl = 29, NR_unlinkat = 35, NR_renameat = 38, NR_faccessat = 48, NR_chdir = 49,
    NR_fchdir = 50, NR_openat = 56, NR_close = 57, NR_getdents64 = 61, NR_read = 63, NR_write = 64,
    NR_ppoll = 73, NR_readlinkat = 78, NR_exit_group = 94, NR_clock_gettime = 113, NR_kill = 129, NR_rt_sigaction = 134,
    NR_rt_sigprocmask = 135, NR_rt_sigtimedwait = 137, NR_rt_sigqueueinfo = 138, NR_setpgid = 154,
    NR_getpgid = 155, NR_getsid = 156, NR_setsid = 157, NR_prctl = 167, NR_getpid = 172, NR_getppid = 173,
    NR_clone = 220, NR_execve = 221, NR_mmap = 222, NR_wait4 = 260, NR_pwritev2 = 287, NR_statx = 291, NR_pidfd_send_signal = 424,
    NR_pidfd_open = 434, NR_close_range = 436,
};
static inline long sys_call3(long n, long a, long b, long c)
{
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
static inline long sys_call4(long n, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
static inline long sys_call(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#define SYS_START \
    __asm__(".text\n.globl _start\n.type _start,%function\n_start:\n\tmov x29,#0\n\tmov x30,#0\n\tmov x0,sp\n" \
            "\tand sp,x0,#-16\n\tbl sys_start\n")
#else
#error "endwell-init knows x86_64 and aarch64; for another machine add its call numbers and sys_call() here"
#endif

#ifdef SYS_FAULTS
long sys_fault(const char *name); /* a negated errno when the test wants this call to fail, else 0 */
#define SYS_FAULT(name) do { long fault_ = sys_fault(name); if (fault_) return fault_; } while (0)
#else
#define SYS_FAULT(name) do { } while (0)
#endif

/* For calls that take at most so many arguments: what stands in the other registers is nobody's business. */
#define SYS_CALL4(name, a, b, c, d) sys_call4(NR_##name, (long)(a), (long)(b), (long)(c), (long)(d))
#define SYS_CALL3(name, a, b, c) sys_call3(NR_##name, (long)(a), (long)(b), (long)(c))
#define SYS_CALL(name, a, b, c, d, e, f) \
    sys_call(NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline long sys_read(int fd, void *to, size_t size)
{
    SYS_FAULT("read");
    return SYS_CALL3(read, fd, to, size);
}
static inline long sys_write(int fd, const void *from, size_t size)
{
    SYS_FAULT("write");
    return SYS_CALL3(write, fd, from, size);
}
static inline long sys_pwritev2(int fd, const struct piece *piece, int flags)
{
    SYS_FAULT("pwritev2");
    return SYS_CALL(pwritev2, fd, piece, 1, -1, -1, flags); /* offset -1: where the file is */
}
static inline long sys_ppoll(struct pollfd *fds, unsigned count, const struct timespec *timeout)
{
    SYS_FAULT("ppoll");
    return SYS_CALL(ppoll, fds, count, timeout, 0, sizeof(sigset), 0);
}
static inline long sys_openat(int dir, const char *path, int flags, int mode)
{
    SYS_FAULT("openat");
    return SYS_CALL4(openat, dir, path, flags, mode);
}
static inline long sys_close(int fd)
{
    SYS_FAULT("close");
    return SYS_CALL3(close, fd, 0, 0);
}
static inline long sys_close_range(unsigned first, unsigned last)
{
    SYS_FAULT("close_range");
    return SYS_CALL3(close_range, first, last, 0);
}
static inline long sys_fcntl(int fd, int command, long argument)
{
    SYS_FAULT("fcntl");
    return SYS_CALL3(fcntl, fd, command, argument);
}
static inline long sys_ioctl(int fd, long request, void *argument)
{
    SYS_FAULT("ioctl");
    return SYS_CALL3(ioctl, fd, request, argument);
}
static inline long sys_getdents64(int fd, void *to, size_t size)
{
    SYS_FAULT("getdents64");
    return SYS_CALL3(getdents64, fd, to, size);
}
static inline long sys_readlinkat(int dir, const char *path, char *to, size_t size)
{
    SYS_FAULT("readlinkat");
    return SYS_CALL4(readlinkat, dir, path, to, size);
}
static inline long sys_faccessat(int dir, const char *path, int mode)
{
    SYS_FAULT("faccessat");
    return SYS_CALL3(faccessat, dir, path, mode);
}
static inline long sys_statx(int dir, const char *path, int flags, struct statx *to)
{
    SYS_FAULT("statx");
    return SYS_CALL(statx, dir, path, flags, STATX_TYPE, to, 0);
}
static inline long sys_renameat(int dir, const char *from, const char *to)
{
    SYS_FAULT("renameat");
    return SYS_CALL4(renameat, dir, from, dir, to);
}
static inline long sys_unlinkat(int dir, const char *path)
{
    SYS_FAULT("unlinkat");
    return SYS_CALL3(unlinkat, dir, path, 0);
}
static inline long sys_chdir(const char *path)
{
    SYS_FAULT("chdir");
    return SYS_CALL3(chdir, path, 0, 0);
}
static inline long sys_fchdir(int fd)
{
    SYS_FAULT("fchdir");
    return SYS_CALL3(fchdir, fd, 0, 0);
}
static inline long sys_mmap(size_t size)
{
    SYS_FAULT("mmap");
    return SYS_CALL(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static inline long sys_getpid(void)
{
    return SYS_CALL3(getpid, 0, 0, 0); /* cannot fail */
}
static inline long sys_getppid(void)
{
    return SYS_CALL3(getppid, 0, 0, 0); /* cannot fail */
}
static inline long sys_getpgid(pid_t pid)
{
    SYS_FAULT("getpgid");
    return SYS_CALL3(getpgid, pid, 0, 0);
}
static inline long sys_setpgid(pid_t pid, pid_t group)
{
    SYS_FAULT("setpgid");
    return SYS_CALL3(setpgid, pid, group, 0);
}
static inline long sys_getsid(pid_t pid)
{
    SYS_FAULT("getsid");
    return SYS_CALL3(getsid, pid, 0, 0);
}
static inline long sys_setsid(void)
{
    SYS_FAULT("setsid");
    return SYS_CALL3(setsid, 0, 0, 0);
}
static inline long sys_prctl(int option, long argument)
{
    SYS_FAULT("prctl");
    return SYS_CALL(prctl, option, argument, 0, 0, 0, 0);
}
static inline long sys_kill(pid_t pid, int signal)
{
    SYS_FAULT("kill");
    return SYS_CALL3(kill, pid, signal, 0);
}
static inline long sys_rt_sigqueueinfo(pid_t pid, int signal, const struct siginfo *info)
{
    SYS_FAULT("rt_sigqueueinfo");
    return SYS_CALL3(rt_sigqueueinfo, pid, signal, info);
}
static inline long sys_pidfd_open(pid_t pid)
{
    SYS_FAULT("pidfd_open");
    return SYS_CALL3(pidfd_open, pid, 0, 0);
}
static inline long sys_pidfd_send_signal(int pidfd, int signal)
{
    SYS_FAULT("pidfd_send_signal");
    return SYS_CALL4(pidfd_send_signal, pidfd, signal, 0, 0);
}
static inline long sys_rt_sigprocmask(int how, const sigset *set, sigset *old)
{
    SYS_FAULT("rt_sigprocmask");
    return SYS_CALL4(rt_sigprocmask, how, set, old, sizeof(sigset));
}
static inline long sys_rt_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
    SYS_FAULT("rt_sigaction");
    return SYS_CALL4(rt_sigaction, signal, action, old, sizeof(sigset));
}
static inline long sys_rt_sigtimedwait(const sigset *set, struct siginfo *info, const struct timespec *timeout)
{
    SYS_FAULT("rt_sigtimedwait");
    return SYS_CALL4(rt_sigtimedwait, set, info, timeout, sizeof(sigset));
}
static inline long sys_wait4(pid_t pid, int *status, int options)
{
    SYS_FAULT("wait4");
    return SYS_CALL4(wait4, pid, status, options, 0);
}
static inline long sys_clock_gettime(int clock, struct timespec *now)
{
    SYS_FAULT("clock_gettime");
    return SYS_CALL3(clock_gettime, clock, now, 0);
}
static inline long sys_execve(const char *path, char *const *argv, char *const *envp)
{
    SYS_FAULT("execve");
    return SYS_CALL3(execve, path, argv, envp);
}
static inline _Noreturn void sys_exit_group(int status)
{
    for (;;)
        SYS_CALL3(exit_group, status, 0, 0);
}
/* A child on our own memory and stack; we sleep until it has executed or exited. Always inlined: the child
 * must not return from the frame that the parent will wake up in. */
__attribute__((always_inline)) static inline long sys_clone(void)
{
    SYS_FAULT("clone");
#ifdef SYS_HOSTED /* the sanitizers keep one shadow of the stack, which two processes must not write */
    return SYS_CALL(clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0);
#else
    return SYS_CALL(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0);
#endif
}

#endif
