/* The time of day of a process, set by a file: seconds to add, read at each look at the clock. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *now) {
  static int (*original)(clockid_t, struct timespec *);
  if (!original) original = dlsym(RTLD_NEXT, "clock_gettime");
  int result = original(id, now);
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return result;
  const char *name = getenv("STEP_FILE");
  FILE *file = name ? fopen(name, "r") : NULL;
  long step = 0;
  if (file) {
    if (fscanf(file, "%ld", &step) != 1) step = 0;
    fclose(file);
  }
  now->tv_sec += step;
  return result;
}
