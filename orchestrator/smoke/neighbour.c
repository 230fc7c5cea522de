/* A container beside another one, in its network: without arguments it waits, and with HOST PORT MILLISECONDS HEX it
 * sends the bytes and prints what comes back, in hexadecimal digits as well. Exit codes as those of `relay.py`.
 * Compiled on this machine when it is needed, without any library. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED = 3, SILENT = 4, BROKEN = 5, MOST = 256 * 1024 };

static char answer[MOST + 1];
static long long deadline;

static long long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000LL + at.tv_nsec / 1000000;
}

/* Waits until the socket is ready for something; false when the time is over. */
static int ready(int connection, short what) {
    struct pollfd one = {.fd = connection, .events = what};
    long long left = deadline - now();
    return left > 0 && poll(&one, 1, (int)left) > 0;
}

/* Whether an HTTP answer is all there, so that nobody waits for a server that keeps connections open. */
static int complete(size_t size) {
    const char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");
    if (!end) return 0;
    if (length && length < end) return size - (size_t)(end + 4 - answer) >= strtoul(length + 17, NULL, 10);
    return size >= 5 && !memcmp(answer + size - 5, "0\r\n\r\n", 5);
}

static int broken(void) {
    if (errno == ECONNREFUSED) return REFUSED;
    perror("the connection broke");
    return BROKEN;
}

int main(int count, char **words) {
    if (count < 5) for (;;) pause();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[2]))};
    deadline = now() + atoll(words[3]);
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), problem = 0;
    socklen_t wide = sizeof problem;
    if (connection < 0 || inet_pton(AF_INET, words[1], &to.sin_addr) != 1) return broken();
    if (connect(connection, (struct sockaddr *)&to, sizeof to) < 0) {
        if (errno != EINPROGRESS) return broken();
        if (!ready(connection, POLLOUT)) return SILENT;
        getsockopt(connection, SOL_SOCKET, SO_ERROR, &problem, &wide);
        if ((errno = problem)) return broken();
    }
    size_t length = strlen(words[4]) / 2, sent = 0, size = 0;
    for (size_t byte = 0; byte < length; byte++) {
        unsigned value;
        if (sscanf(words[4] + 2 * byte, "%2x", &value) != 1) return BROKEN;
        words[4][byte] = (char)value;
    }
    while (sent < length) {
        if (!ready(connection, POLLOUT)) return SILENT;
        ssize_t some = send(connection, words[4] + sent, length - sent, MSG_NOSIGNAL);
        if (some < 0) return broken();
        sent += (size_t)some;
    }
    while (length && size < MOST && !complete(size) && ready(connection, POLLIN)) {
        ssize_t some = recv(connection, answer + size, MOST - size, 0);
        if (some <= 0) {
            if (!size) {
                fprintf(stderr, "port %s closed the connection without an answer", words[2]);
                return BROKEN;
            }
            break;
        }
        size += (size_t)some;
    }
    if (length && !size) return SILENT;
    for (size_t byte = 0; byte < size; byte++) printf("%02x", (unsigned char)answer[byte]);
    return 0;
}
