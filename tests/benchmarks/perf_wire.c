/* A chat upstream and a load generator on loopback, fast enough to leave the gateway the limit.
 *
 *   perf_wire serve PORT                                  answers until killed
 *   perf_wire load PORT OPEN SECONDS REQUEST_FILE         prints one line of JSON
 *
 * serve  "stream":true in the body gives 50 events: at once, or 5 ms apart where the path begins
 *        with /paced; other bodies get a whole answer about as long as the request.
 * load   keeps OPEN connections busy with the bytes of REQUEST_FILE. An answer is an error unless
 *        its status is 200 and, if streamed, all 50 contents and the end mark came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 50, PACE_US = 5000, ROOM = 1 << 18, MOST = 4096, SAMPLES = 1 << 22 };

typedef struct {
    int fd, sent, is_head_read, is_chunked, events, is_ok, matched, tail_at, has_end, is_open;
    long need, got;
    int64_t due, began, first, last;
    char tail[8];
    char *in;
} Line;

static Line lines[MOST];
static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
static void die(const char *what) { perror(what); exit(1); }
static void watch(int epoll, Line *line) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, line->fd, &event)) die("epoll_ctl");
}
static void prepare(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}
static void send_all(int fd, const char *text, size_t size) {
    while (size) {
        ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) return;
        text += n, size -= n;
    }
}

/* ---- serve ---- */

static char small[4096], large[65536], head[512], chunk[EVENTS + 1][512], burst[EVENTS * 512];
static size_t small_n, large_n, head_n, chunk_n[EVENTS + 1], burst_n;

static size_t whole(char *into, size_t room, int words) {
    char *body = malloc(room);
    size_t n = sprintf(body, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1790000000,"
                             "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    for (int i = 0; i < words; i++) n += sprintf(body + n, "a few words \\u00e9 ");
    n += sprintf(body + n, "\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":240,"
                           "\"completion_tokens\":200,\"total_tokens\":440}}");
    n = snprintf(into, room, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", n, body);
    free(body);
    return n;
}
static void write_answers(void) {
    small_n = whole(small, sizeof small, 38);
    large_n = whole(large, sizeof large, 1740);
    head_n = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i <= EVENTS; i++) {
        char event[450];
        const char *start = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"m\"";
        int n = i < EVENTS
            ? sprintf(event, "%s,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"word %d \"},\"finish_reason\":%s}]}\n\n",
                      start, i, i == EVENTS - 1 ? "\"stop\"" : "null")
            : sprintf(event, "%s,\"choices\":[],\"usage\":{\"prompt_tokens\":240,\"completion_tokens\":50,\"total_tokens\":290}}\n\ndata: [DONE]\n\n", start);
        chunk_n[i] = sprintf(chunk[i], "%x\r\n%s\r\n%s", n, event, i == EVENTS ? "0\r\n\r\n" : "");
    }
    memcpy(burst, head, burst_n = head_n);
    for (int i = 0; i <= EVENTS; i++) memcpy(burst + burst_n, chunk[i], chunk_n[i]), burst_n += chunk_n[i];
}

static Line *queue[MOST * 4];
static unsigned queue_head, queue_tail;
static void step(Line *line) {
    if (!line->sent) send_all(line->fd, head, head_n);
    send_all(line->fd, chunk[line->sent], chunk_n[line->sent]);
    if (++line->sent == EVENTS) send_all(line->fd, chunk[EVENTS], chunk_n[EVENTS]);
    else line->due += PACE_US, queue[queue_tail++ % (MOST * 4)] = line;
}
static void answer(Line *line, const char *body, long size) {
    int is_stream = memmem(body, size, "\"stream\":true", 13) || memmem(body, size, "\"stream\": true", 14);
    int is_paced = !strncmp(line->in, "POST /paced", 11);
    if (!is_stream) size > 8000 ? send_all(line->fd, large, large_n) : send_all(line->fd, small, small_n);
    else if (!is_paced) send_all(line->fd, burst, burst_n);
    else line->sent = 0, line->due = now_us(), step(line);
}
static void take(Line *line) {
    ssize_t n = recv(line->fd, line->in + line->got, ROOM - line->got - 1, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { close(line->fd); line->fd = -1; line->is_open = 0; return; }
    line->got += n;
    line->in[line->got] = 0;
    char *end = strstr(line->in, "\r\n\r\n");
    if (!end) return;
    char *length = strcasestr(line->in, "\r\ncontent-length:");
    long size = 0;
    if (length && length < end) size = atol(length + 17);
    else if (strcasestr(line->in, "\r\ntransfer-encoding:")) {
        if (line->got < 5 || memcmp(line->in + line->got - 5, "0\r\n\r\n", 5)) return;
        size = line->in + line->got - end - 4;
    }
    if (line->in + line->got - end - 4 < size) return;
    line->got = 0;
    answer(line, end + 4, size);
}
static void serve(int port) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 1024)) die("bind");
    Line door = {.fd = listener};
    watch(epoll, &door);
    write_answers();
    struct epoll_event ready[256];
    for (;;) {
        struct timespec wait = {3600, 0};
        if (queue_head != queue_tail) {
            int64_t left = queue[queue_head % (MOST * 4)]->due - now_us();
            wait = (struct timespec){0, left > 0 ? left * 1000 : 0};
        }
        int n = epoll_pwait2(epoll, ready, 256, &wait, NULL);
        for (int i = 0; i < n; i++) {
            Line *line = ready[i].data.ptr;
            if (line != &door) { take(line); continue; }
            int fd = accept(listener, NULL, NULL), k = 0;
            if (fd < 0) continue;
            while (k < MOST && lines[k].is_open) k++;
            if (k == MOST) { close(fd); continue; }
            char *in = lines[k].in ? lines[k].in : malloc(ROOM);
            lines[k] = (Line){.fd = fd, .is_open = 1, .in = in, .sent = EVENTS};
            prepare(fd);
            watch(epoll, &lines[k]);
        }
        int64_t now = now_us();
        while (queue_head != queue_tail && queue[queue_head % (MOST * 4)]->due <= now) {
            Line *line = queue[queue_head++ % (MOST * 4)];
            if (line->is_open && line->sent < EVENTS) step(line);
        }
    }
}

/* ---- load ---- */

static uint32_t *took, *first_took, *gap_took;
static long done, bad, firsts, gaps;
static char *request;
static long request_n;
static int is_stream;

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
static uint32_t part(uint32_t *values, long n, double share) { return n ? values[(long)((n - 1) * share)] : 0; }

static void ask(Line *line, int port, int epoll) {
    if (line->fd < 0) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        line->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(line->fd, (void *)&at, sizeof at)) die("connect");
        prepare(line->fd);
        watch(epoll, line);
    }
    char *in = line->in;
    int fd = line->fd;
    *line = (Line){.fd = fd, .in = in, .is_ok = 1};
    line->began = line->last = now_us();
    send_all(fd, request, request_n);
}
static void finish(Line *line, int64_t now) {
    if (is_stream && (line->events != EVENTS || !line->has_end)) line->is_ok = 0;
    if (!line->is_ok) bad++;
    else if (done < SAMPLES) {
        took[done++] = now - line->began;
        if (line->first) first_took[firsts++] = line->first - line->began;
    }
}
/* Counts `"content":"word` and `[DONE]`, split anywhere. */
static void count(Line *line, const char *text, long n) {
    static const char word[] = "\"word ", end[] = "[DONE]";
    for (long i = 0; i < n; i++) {
        char c = text[i];
        line->matched = c == word[line->matched] ? line->matched + 1 : c == '"';
        if (line->matched == 6) line->events++, line->matched = 0;
        line->tail_at = c == end[line->tail_at] ? line->tail_at + 1 : c == '[';
        if (line->tail_at == 6) line->has_end = 1, line->tail_at = 0;
    }
}
static int is_over(Line *line, const char *text, long n) {
    if (!line->is_chunked) return (line->got += n) >= line->need;
    for (long i = n > 5 ? n - 5 : 0; i < n; i++) memmove(line->tail, line->tail + 1, 4), line->tail[4] = text[i];
    return !memcmp(line->tail, "0\r\n\r\n", 5);
}
static int hear(Line *line, int64_t now) {
    ssize_t n = recv(line->fd, line->in + line->sent, ROOM - line->sent - 1, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) { line->is_ok = 0; close(line->fd); line->fd = -1; return 1; }
    char *text = line->in;
    if (!line->is_head_read) {
        line->sent += n;
        text[line->sent] = 0;
        char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\ncontent-length:");
        if (!end) return 0;
        line->is_head_read = 1;
        line->is_ok = !strncmp(text + 9, "200", 3);
        line->is_chunked = !(length && length < end);
        line->need = length ? atol(length + 17) : 0;
        n = line->sent - (end + 4 - text);
        text = end + 4;
        line->sent = 0;
    }
    if (!n) return !line->is_chunked && !line->need;
    if (!line->first) line->first = now;
    else if (is_stream && gaps < SAMPLES) gap_took[gaps++] = now - line->last;
    line->last = now;
    if (is_stream) count(line, text, n);
    return is_over(line, text, n);
}
static char *read_file(const char *path, long *size) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    char *text = calloc(1, ROOM);
    *size = fread(text, 1, ROOM - 1, file);
    fclose(file);
    return text;
}
static void load(int port, int open, double seconds, const char *path) {
    request = read_file(path, &request_n);
    is_stream = strstr(request, "\"stream\":true") != NULL;
    took = malloc(SAMPLES * 4), first_took = malloc(SAMPLES * 4), gap_took = malloc(SAMPLES * 4);
    int epoll = epoll_create1(0);
    for (int i = 0; i < open; i++) lines[i] = (Line){.fd = -1, .in = malloc(ROOM)}, ask(&lines[i], port, epoll);
    int64_t began = now_us(), until = began + (int64_t)(seconds * 1e6), now = began;
    struct epoll_event ready[256];
    while (now < until) {
        int n = epoll_wait(epoll, ready, 256, 100);
        now = now_us();
        for (int i = 0; i < n; i++) {
            Line *line = ready[i].data.ptr;
            if (hear(line, now)) finish(line, now), ask(line, port, epoll);
        }
    }
    double spent = (now - began) / 1e6;
    qsort(took, done, 4, by_size), qsort(first_took, firsts, 4, by_size), qsort(gap_took, gaps, 4, by_size);
    printf("{\"answers\":%ld,\"errors\":%ld,\"seconds\":%.6f,\"p50_us\":%u,\"p99_us\":%u,\"most_us\":%u,"
           "\"first_p50_us\":%u,\"first_p95_us\":%u,\"first_p99_us\":%u,\"gap_p99_us\":%u}\n",
           done, bad, spent, part(took, done, .5), part(took, done, .99), part(took, done, 1),
           part(first_took, firsts, .5), part(first_took, firsts, .95), part(first_took, firsts, .99), part(gap_took, gaps, .99));
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    if (count == 3 && !strcmp(words[1], "serve")) serve(atoi(words[2]));
    if (count == 6 && !strcmp(words[1], "load")) return load(atoi(words[2]), atoi(words[3]), atof(words[4]), words[5]), 0;
    fprintf(stderr, "usage: perf_wire serve PORT | perf_wire load PORT OPEN SECONDS REQUEST_FILE\n");
    return 2;
}
