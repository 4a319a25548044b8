/* The least a program needs to run without a libc: its entry point and the bare system call.
 * A program that includes this defines `int run(int count, char **words, char **environment)`. */
#ifndef NOLIBC_H
#define NOLIBC_H

#include <asm/unistd.h>

int run(int count, char **words, char **environment);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tb begin\n");

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "only x86_64 and aarch64 are known here"
#endif

static inline long call(long number, long a, long b, long c, long d)
{
    return call6(number, a, b, c, d, 0, 0);
}

__attribute__((used, noreturn)) static void begin(long *stack)
{
    int count = (int)stack[0];
    char **words = (char **)(stack + 1);
    call(__NR_exit_group, run(count, words, words + count + 1), 0, 0, 0);
    __builtin_unreachable();
}

#endif
