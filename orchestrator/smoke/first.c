/* Process 1 of a container, in the image's entrypoint's place: starts that, and says with its exit code whether anything
 * of it goes on after it has ended well. Compiled on this machine when it is needed, without any library. */
#include <sys/wait.h>
#include <unistd.h>

enum { GOES_ON = 213, NO_PROGRAM = 127, MOMENT = 300000 /* microseconds */ };

int main(int count, char **words) {
    int status = 0;
    pid_t program = count > 1 ? fork() : -1, ended;
    if (program == 0) {
        execvp(words[1], words + 1);
        _exit(NO_PROGRAM);
    }
    while ((ended = wait(&status)) != program)
        if (ended < 0) return NO_PROGRAM;
    if (!WIFEXITED(status) || WEXITSTATUS(status)) return 1;
    usleep(MOMENT);
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) continue;
    return ended == 0 ? GOES_ON : 0;
}
