// The same view of the C library as CLinux has: the two must agree on its types.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <archive.h>
#include <archive_entry.h>
