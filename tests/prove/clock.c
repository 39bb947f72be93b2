/* Shows a process another time of day: as many seconds off as a file says, which may change at any
   moment. Only the clock of the wall is moved, and the times of files with it; time itself
   (CLOCK_MONOTONIC) goes on, as where a hand or a time server sets the clock. Compiled and preloaded
   by test_clock.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *seconds;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCK_SECONDS");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *seen = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
    if (seen != MAP_FAILED) seconds = seen;
    close(file);
}

static long long off(void) { return seconds ? *seconds : 0; }

static int (*real_clock)(clockid_t, struct timespec *);

int clock_gettime(clockid_t id, struct timespec *at) {
    if (!real_clock) real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real_clock ? real_clock(id, at) : (int)syscall(SYS_clock_gettime, id, at);
    if (!done && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += off();
    return done;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

static int moved(int done, struct stat *file) {
    if (!done) {
        file->st_mtim.tv_sec += off();
        file->st_ctim.tv_sec += off();
        file->st_atim.tv_sec += off();
    }
    return done;
}

int stat(const char *path, struct stat *file) {
    return moved((int)syscall(SYS_newfstatat, AT_FDCWD, path, file, 0), file);
}

int lstat(const char *path, struct stat *file) {
    return moved((int)syscall(SYS_newfstatat, AT_FDCWD, path, file, AT_SYMLINK_NOFOLLOW), file);
}

int fstat(int handle, struct stat *file) { return moved((int)syscall(SYS_fstat, handle, file), file); }

int fstatat(int folder, const char *path, struct stat *file, int flags) {
    return moved((int)syscall(SYS_newfstatat, folder, path, file, flags), file);
}

int stat64(const char *path, struct stat64 *file) { return stat(path, (struct stat *)file); }
int lstat64(const char *path, struct stat64 *file) { return lstat(path, (struct stat *)file); }
int fstat64(int handle, struct stat64 *file) { return fstat(handle, (struct stat *)file); }
int fstatat64(int folder, const char *path, struct stat64 *file, int flags) {
    return fstatat(folder, path, (struct stat *)file, flags);
}
int __xstat(int v, const char *path, struct stat *file) { (void)v; return stat(path, file); }
int __xstat64(int v, const char *path, struct stat64 *file) { (void)v; return stat64(path, file); }
int __lxstat64(int v, const char *path, struct stat64 *file) { (void)v; return lstat64(path, file); }
int __fxstat64(int v, int handle, struct stat64 *file) { (void)v; return fstat64(handle, file); }
