/* A program that behaves as its first argument says: well, or badly in one way. Ends with 0 on SIGTERM unless told. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ending;

static void stop(int number) {
    (void)number;
    _exit(ending);
}

static int fail(const char *what) {
    perror(what);
    return 1;
}

static int loop(const char *text) {
    puts(text);
    while (pause()) continue;
    return 0;
}

static int listener(const char *host, int port) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, host, &place.sin_addr);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&place, sizeof place) || listen(listening, 8)) exit(fail("listen"));
    return listening;
}

static int serve(const char *host, int port, int failures) {
    int listening = listener(host, port);
    puts("listening");
    for (;;) {
        char request[4096], answer[512];
        int taken = accept(listening, NULL, NULL);
        if (taken < 0) return fail("accept");
        ssize_t got = read(taken, request, sizeof request);
        int status = failures-- > 0 ? 500 : 200;
        const char *body = status == 200 ? "all is well\n" : "not yet\n";
        int size = snprintf(answer, sizeof answer,
                            "HTTP/1.1 %d Said\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", status,
                            strlen(body), body);
        /* The connection is kept open, as many servers do. */
        if (got > 0 && write(taken, answer, (size_t)size) < 0) return fail("write");
    }
}

static int flood(long megabytes, const char *piece) {
    static char block[1 << 20];
    size_t step = strlen(piece);
    for (size_t at = 0; at < sizeof block; at++) block[at] = piece[at % step];
    for (long done = 0; done < megabytes; done++)
        for (size_t at = 0; at < sizeof block;) {
            ssize_t wrote = write(1, block + at, sizeof block - at);
            if (wrote < 0) return fail("write");
            at += (size_t)wrote;
        }
    return loop("\nready");
}

static int zombies(int count) {
    for (int made = 0; made < count; made++)
        if (fork() == 0) _exit(0);
    return loop("ready");
}

static int grow(void) {
    puts("ready");
    for (char *more; (more = malloc(1 << 20)); usleep(20000)) memset(more, 1, 1 << 20);
    return 1;
}

static int reach(void) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(5432)};
    inet_pton(AF_INET, "10.254.254.254", &place.sin_addr);
    if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&place, sizeof place)) return fail("database");
    return loop("ready");
}

static int tidy_children(void) {
    signal(SIGCHLD, SIG_IGN);
    return zombies(20);
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "loop", *word = count > 2 ? words[2] : "ready";
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, strcmp(mode, "deaf") ? stop : SIG_IGN);
    signal(SIGUSR1, stop);
    if (!strcmp(mode, "loop") || !strcmp(mode, "deaf")) return loop(word);
    if (!strcmp(mode, "usr1")) { signal(SIGTERM, SIG_IGN); return loop(word); }
    if (!strcmp(mode, "ends-with")) { ending = atoi(word); return loop("ready"); }
    if (!strcmp(mode, "segv")) { puts("ready"); *(volatile int *)8 = 1; }
    if (!strcmp(mode, "abort")) { puts("ready"); abort(); }
    if (!strcmp(mode, "daemon")) return fork() ? 0 : loop("child");
    if (!strcmp(mode, "tty")) { if (isatty(1)) puts("ready"); while (pause()) continue; }
    if (!strcmp(mode, "split")) { write(1, "re", 2); usleep(200000); write(1, "ady\n", 4); return loop(""); }
    if (!strcmp(mode, "serve")) return serve(word, 8080, count > 3 ? atoi(words[3]) : 0);
    if (!strcmp(mode, "mute")) { listener("0.0.0.0", 8080); return loop("listening"); }
    if (!strcmp(mode, "flood")) return flood(atol(word), "a line of the flood, as long as many\n");
    if (!strcmp(mode, "line")) return flood(atol(word), "x");
    if (!strcmp(mode, "zombies")) return zombies(atoi(word));
    if (!strcmp(mode, "tidy")) return tidy_children();
    if (!strcmp(mode, "grow")) return grow();
    if (!strcmp(mode, "reach")) return reach();
    if (!strcmp(mode, "root")) return setuid(0) ? fail("setuid") : loop("ready");
    return 64;
}
