/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What shell commands do not do with files: locks, mappings, appending, opened files without a name. Runs in the guest, in the folder that it
 * is given; prints what fails. Part of linux.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

static void expect(int good, const char *what)
{
    if (!good)
        printf("%s: %s\n", what, strerror(errno));
    failures += !good;
}

static int make(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    expect(fd >= 0 && write(fd, "0123456789", 10) == 10, name);
    return fd;
}

/* 0 when another process would get the lock, 1 when it would not. */
static int locked_for_others(const char *name)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1};
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(fcntl(open(name, O_RDWR), F_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES));
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void locks(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 5};
    int fd = make("locks"), again = open("locks", O_RDWR);

    expect(fcntl(fd, F_SETLK, &lock) == 0, "a lock");
    expect(fcntl(again, F_SETLKW, &lock) == 0, "the same process by another descriptor");
    expect(locked_for_others("locks"), "another process is kept out");
    lock.l_type = F_RDLCK;
    expect(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK, "nobody else has it");
    lock.l_type = F_UNLCK;
    expect(fcntl(fd, F_SETLK, &lock) == 0 && !locked_for_others("locks"), "unlocking");
    expect(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_UN) == 0, "flock");
    close(fd);
    close(again);
}

static void mapping(void)
{
    char got[10] = "";
    int fd = make("mapping");
    char *map = mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED && errno == EINVAL)
        return; /* no shared mappings without a cache: the client's decision */
    expect(map != MAP_FAILED, "a shared mapping");
    if (map == MAP_FAILED)
        return;
    expect(memcmp(map, "0123456789", 10) == 0, "what is mapped");
    map[4] = 'x';
    expect(msync(map, 10, MS_SYNC) == 0 && pread(fd, got, 10, 0) == 10 && memcmp(got, "0123x56789", 10) == 0, "a write through it");
    munmap(map, 10);
    close(fd);
}

static void nameless(void)
{
    char got[10] = "";
    struct stat st;
    int fd = make("nameless");

    expect(unlink("nameless") == 0, "removing an opened file");
    expect(pwrite(fd, "abc", 3, 2) == 3 && pread(fd, got, 10, 0) == 10 && memcmp(got, "01abc56789", 10) == 0, "reading and writing it then");
    expect(fstat(fd, &st) == 0 && st.st_size == 10, "its attributes");
    expect(ftruncate(fd, 4) == 0 && fstat(fd, &st) == 0 && st.st_size == 4, "its size");
    close(fd);
    fd = make("replaced");
    int other = make("other");
    expect(ftruncate(other, 3) == 0 && rename("other", "replaced") == 0, "replacing an opened file");
    expect(fstat(fd, &st) == 0 && st.st_size == 10, "the attributes of the old one");
    expect(fstat(other, &st) == 0 && st.st_size == 3, "and of the new one");
    close(fd);
    close(other);
}

static void appending(void)
{
    char got[20] = "";
    int fd = make("append"), end = open("append", O_WRONLY | O_APPEND);

    expect(write(end, "abc", 3) == 3 && write(end, "def", 3) == 3, "appending");
    expect(pread(fd, got, 20, 0) == 16 && memcmp(got, "0123456789abcdef", 16) == 0, "what was appended");
    close(fd);
    close(end);
}

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1]) != 0)
        return 2;
    locks();
    mapping();
    nameless();
    appending();
    return failures > 0;
}
