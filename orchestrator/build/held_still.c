/* Preloaded into a probing build: holds the clock and the random numbers still where the variables below say so. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *held_clock(void) { return getenv("TWINBUILD_HELD_CLOCK"); }

int clock_gettime(clockid_t clock, struct timespec *out) {
    const char *held = held_clock();
    if (held == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return (int)syscall(SYS_clock_gettime, clock, out);
    out->tv_sec = atoll(held);
    out->tv_nsec = 0;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/* A sequence, so that whoever asks until a name is free gets on; the same one in each process. */
ssize_t getrandom(void *out, size_t length, unsigned flags) {
    static unsigned long long state = 0x9e3779b97f4a7c15ULL;
    if (getenv("TWINBUILD_HELD_RANDOM") == NULL) return syscall(SYS_getrandom, out, length, flags);
    for (size_t n = 0; n < length; n++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        ((unsigned char *)out)[n] = (unsigned char)(state >> 56);
    }
    return (ssize_t)length;
}

int getentropy(void *out, size_t length) { return getrandom(out, length, 0) < 0 ? -1 : 0; }
