/* Connects to a PostgreSQL by its own protocol, counts its visits in a table, and stays until it is told to end. */
#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int server;
static char answer[65536];

static void end(int number) { (void)number; _exit(0); }

static void fail(const char *what) { printf("no database: %s\n", what); exit(3); }

static void take(void *to, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t more = read(server, (char *)to + got, size - got);
        if (more <= 0) fail("the connection ended");
        got += more;
    }
}

/* One message of the server: its kind; its content in `answer`. */
static char message(void) {
    char kind;
    uint32_t size;
    take(&kind, 1);
    take(&size, 4);
    size = ntohl(size) - 4;
    if (size >= sizeof answer) fail("a message that is too long");
    take(answer, size);
    answer[size] = 0;
    if (kind == 'E') fail(answer);
    return kind;
}

static void send_text(char kind, const char *text) {
    uint32_t size = htonl(4 + strlen(text) + 1);
    if (write(server, &kind, 1) != 1 || write(server, &size, 4) != 4) fail("it takes nothing");
    if (write(server, text, strlen(text) + 1) < 0) fail("it takes nothing");
}

static void greet(void) {
    static const char words[] = "user\0app\0database\0postgres\0";
    uint32_t head[2] = {htonl(8 + sizeof words), htonl(196608)};
    if (write(server, head, 8) != 8 || write(server, words, sizeof words) < 0) fail("it takes nothing");
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, end);
    const char *host = getenv("DB_HOST"), *port = getenv("DB_PORT");
    char password[256] = "";
    FILE *file = fopen("/run/secrets/db", "r");
    if (!file || !fgets(password, sizeof password, file)) fail("there is no password file");
    struct addrinfo *found;
    if (getaddrinfo(host, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found)) fail("its name is not known");
    server = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(server, found->ai_addr, found->ai_addrlen)) fail("it takes no connection");
    greet();
    for (char kind; (kind = message()) != 'Z';)
        if (kind == 'R' && ntohl(*(uint32_t *)answer) == 3) send_text('p', password);
    if (count > 1 && !strcmp(words[1], "tell")) printf("the password is %s\n", password);
    send_text('Q', "create table if not exists visits (at timestamptz default now());"
                   "insert into visits default values; select 'visit ' || count(*) from visits");
    for (char kind; (kind = message()) != 'Z';)
        if (kind == 'D') printf("%s at %s:%s\n", answer + 6, host, port);
    printf("ready\n");
    for (;;) pause();
}
