#include "ksc_files.h"

#include <sys/xattr.h>

ssize_t ksc_read_access_list(int descriptor, void *buffer, size_t size) {
    return fgetxattr(descriptor, "system.posix_acl_access", buffer, size);
}
