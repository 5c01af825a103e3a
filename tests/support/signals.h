/* Signals by the kernel's own calls: libc hides 32 and 33, musl 34 as well, from sigprocmask and sigaction. */
#ifndef SUPPORT_SIGNALS_H
#define SUPPORT_SIGNALS_H

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_SIGNAL 64

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static inline uint64_t signal_bit(int number) { return 1ULL << (number - 1); }

static inline uint64_t change_mask(int how, uint64_t signals) {
    uint64_t before = 0;
    syscall(SYS_rt_sigprocmask, how, &signals, &before, sizeof before);
    return before;
}

static inline void set_disposition(int number, void (*handler)(int)) {
    struct kernel_action action;
    memset(&action, 0, sizeof action);
    action.handler = handler;
    syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

static inline int is_ignored(int number) {
    struct kernel_action action;
    memset(&action, 0, sizeof action);
    syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask);
    return action.handler == SIG_IGN;
}

static inline void die_by(int number) {
    set_disposition(number, SIG_DFL);
    change_mask(SIG_UNBLOCK, signal_bit(number));
    syscall(SYS_kill, getpid(), number);
}

#endif
