#ifndef KSC_LIBSECRET_H
#define KSC_LIBSECRET_H

#include <stdbool.h>
#include <stddef.h>

/// What became of one conversation with the Secret Service.
typedef enum {
    KSC_OK = 0,
    /// There is no session bus, or it cannot be reached. None is started.
    KSC_NO_BUS,
    /// The bus knows no Secret Service, or it went away.
    KSC_NO_SERVICE,
    /// The service holds no such item, and nothing of it is locked.
    KSC_MISSING,
    /// The item, or the place where it would be, is locked.
    KSC_LOCKED,
    /// The person closed the prompt.
    KSC_DISMISSED,
    /// The service said no, or there is no place to keep an item in.
    KSC_REFUSED,
    /// No answer before the deadline.
    KSC_TIMED_OUT,
    /// No thread or memory.
    KSC_NO_RESOURCES,
    /// `ksc_keyring_cancel` was called.
    KSC_CANCELLED,
} ksc_status;

typedef enum {
    /// Reads an item.
    KSC_LOAD = 0,
    /// Keeps a line as an item, in place of an earlier one with the same attributes.
    KSC_STORE,
    /// Removes an item.
    KSC_DELETE,
    /// Asks who answers, and whether its default collection is locked.
    KSC_PROBE,
} ksc_operation;

/// What is handed to the completion; all pointers live until it returns.
typedef struct {
    ksc_status status;
    /// The line of a `KSC_LOAD`, not terminated; else NULL.
    const char *secret;
    size_t secret_length;
    /// Name of the process that answers as the Secret Service, or NULL.
    const char *provider;
    /// What the library said, or NULL; never holds a secret.
    const char *detail;
} ksc_result;

typedef void (*ksc_completion)(void *context, const ksc_result *result);

/// An operation under way.
typedef struct ksc_call ksc_call;

/// Starts an operation on threads of its own and returns at once. The completion is called exactly
/// once, on one of them, at the latest at the deadline. A call into the library that never comes
/// back keeps its thread and its own copies of everything; nothing else waits for it.
///
/// `line` is used by `KSC_STORE` alone. Without `may_prompt` nobody is ever asked to unlock.
///
/// Returns a handle for `ksc_keyring_cancel`, to be given to `ksc_keyring_release` once; NULL where
/// nothing could be started, and then the completion has been called.
ksc_call *ksc_keyring_start(
    ksc_operation operation, const char *store_id, const char *key_id, const char *label,
    const char *line, size_t line_length, bool may_prompt, int deadline_ms,
    ksc_completion completion, void *context);

/// Has the completion called at once with `KSC_CANCELLED`, if it was not called yet, and takes a
/// prompt that is open away.
void ksc_keyring_cancel(ksc_call *call);

/// Gives the handle back; the operation goes on.
void ksc_keyring_release(ksc_call *call);

#endif
