// What cannot be inline: a signal handler and the descriptor it writes to. Everything else is in include/CLinux.h.
#include "CLinux.h"

static volatile int signal_descriptor = -1;

// Async-signal-safe: one byte, the signal's number, into a pipe that never blocks.
static void write_signal(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (signal_descriptor >= 0) (void)!write(signal_descriptor, &byte, 1);
    errno = saved;
}

void clinux_signal_to_descriptor(int number, int descriptor) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    signal_descriptor = descriptor;
    action.sa_handler = write_signal;
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, NULL);
}
