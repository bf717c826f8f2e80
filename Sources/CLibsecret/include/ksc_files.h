#ifndef KSC_FILES_H
#define KSC_FILES_H

#include <stddef.h>
#include <sys/types.h>

/// `fgetxattr(2)` of a file's access control list, which Swift's Glibc module leaves out.
ssize_t ksc_read_access_list(int descriptor, void *buffer, size_t size);

#endif
