// One conversation with the Secret Service, with a deadline of its own.
//
// Cancelling a call of libsecret is not enough: a lookup that waits for an unlock prompt was seen
// not to return after it was cancelled. So a worker thread makes the call, a second thread waits
// for it no longer than the deadline, and a shared job that both count keeps the memory alive.

#define _GNU_SOURCE
#include "ksc_libsecret.h"

#include <libsecret/secret.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ksc_call {
    gint references;
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    bool is_finished;
    bool is_cancelled;
    GCancellable *cancellable;

    ksc_operation operation;
    char *store_id;
    char *key_id;
    char *label;
    char *line;
    bool may_prompt;
    int deadline_ms;
    ksc_completion completion;
    void *context;

    // Written by the worker before is_finished is set, read by the waiter after.
    ksc_status status;
    char *secret;
    size_t secret_length;
    char *provider;
    char *detail;
};

static void free_secret(char *text, size_t length) {
    if (text == NULL) return;
    explicit_bzero(text, length);
    free(text);
}

static void release(ksc_call *job) {
    if (!g_atomic_int_dec_and_test(&job->references)) return;
    pthread_mutex_destroy(&job->mutex);
    pthread_cond_destroy(&job->finished);
    g_clear_object(&job->cancellable);
    free(job->store_id);
    free(job->key_id);
    free(job->label);
    free_secret(job->line, job->line ? strlen(job->line) : 0);
    free_secret(job->secret, job->secret_length);
    free(job->provider);
    free(job->detail);
    free(job);
}

static void set_detail(ksc_call *job, const char *text) {
    free(job->detail);
    job->detail = text ? strdup(text) : NULL;
}

// Keeps the library's words and sorts the error by what the caller can do about it.
static ksc_status failed(ksc_call *job, GError *error) {
    ksc_status status = KSC_REFUSED;
    if (error == NULL) return status;
    set_detail(job, error->message);
    if (g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)) {
        status = KSC_LOCKED;
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
               g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT)) {
        status = KSC_TIMED_OUT;
    } else if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
               // A service that died in mid-call.
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
               g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED) ||
               g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
               (error->domain == G_DBUS_ERROR && error->code >= G_DBUS_ERROR_SPAWN_EXEC_FAILED &&
                error->code <= G_DBUS_ERROR_SPAWN_NO_MEMORY)) {
        status = KSC_NO_SERVICE;
    }
    g_error_free(error);
    return status;
}

// GDBus starts a bus of its own (dbus-launch) where it finds none; what is kept there would be lost
// with it, so the two places where a bus is announced are looked at first.
static bool bus_is_announced(ksc_call *job) {
    const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
    if (address != NULL && address[0] != '\0') {
        // An address may be a list, and each of its entries is tried.
        if (strstr(address, "autolaunch:") == NULL) return true;
        set_detail(job, "DBUS_SESSION_BUS_ADDRESS asks for a bus to be started");
        return false;
    }
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime == NULL || runtime[0] != '/') {
        set_detail(job, "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set");
        return false;
    }
    char path[4096];
    struct stat facts;
    int length = snprintf(path, sizeof path, "%s/bus", runtime);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &facts) != 0 ||
        !S_ISSOCK(facts.st_mode) || facts.st_uid != geteuid()) {
        set_detail(job, "DBUS_SESSION_BUS_ADDRESS is not set and XDG_RUNTIME_DIR holds no bus");
        return false;
    }
    return true;
}

// The name of the process behind the service, for messages: another provider than the one that
// holds the key is the usual reason for a missing key.
static void note_provider(ksc_call *job, GDBusConnection *bus) {
    GVariant *answer = g_dbus_connection_call_sync(
        bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetConnectionUnixProcessID", g_variant_new("(s)", "org.freedesktop.secrets"),
        G_VARIANT_TYPE("(u)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, job->cancellable, NULL);
    if (answer == NULL) return;
    guint32 pid = 0;
    g_variant_get(answer, "(u)", &pid);
    g_variant_unref(answer);
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    char name[64];
    if (fgets(name, sizeof name, file) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        for (char *byte = name; *byte != '\0'; byte++) {
            if (*byte < 0x20 || *byte > 0x7e) *byte = '?';
        }
        job->provider = strdup(name);
    }
    fclose(file);
}

static const SecretSchema *schema(void) {
    static const SecretSchema value = {
        "org.ksconnect.DataKey",
        SECRET_SCHEMA_NONE,
        {
            {"application", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {"store", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {"key", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {NULL, 0},
        },
        0, 0, 0, 0, 0, 0, 0, 0,
    };
    return &value;
}

static GHashTable *attributes(ksc_call *job) {
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(table, "application", "ksconnect");
    g_hash_table_insert(table, "store", job->store_id);
    g_hash_table_insert(table, "key", job->key_id);
    return table;
}

static ksc_status unlock(ksc_call *job, SecretService *service, gpointer object) {
    if (!job->may_prompt) return KSC_LOCKED;
    GError *error = NULL;
    GList *objects = g_list_append(NULL, object);
    GList *unlocked = NULL;
    gint count =
        secret_service_unlock_sync(service, objects, job->cancellable, &unlocked, &error);
    g_list_free(objects);
    g_list_free_full(unlocked, g_object_unref);
    if (error != NULL) return failed(job, error);
    return count > 0 ? KSC_OK : KSC_DISMISSED;
}

// Whether items of the person can be read: a service whose default collection is locked finds
// nothing in some states (after a wrong password, after a restart), and that must not look like an
// item that is missing. Gives the default collection, or NULL where there is none.
static ksc_status check_default(
    ksc_call *job, SecretService *service, SecretCollection **found) {
    GError *error = NULL;
    *found = NULL;
    SecretCollection *collection = secret_collection_for_alias_sync(
        service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, job->cancellable, &error);
    if (error != NULL) {
        g_clear_object(&collection);
        return failed(job, error);
    }
    if (collection != NULL) {
        *found = collection;
        return secret_collection_get_locked(collection) ? unlock(job, service, collection)
                                                        : KSC_OK;
    }
    if (!secret_service_load_collections_sync(service, job->cancellable, &error)) {
        return failed(job, error);
    }
    GList *collections = secret_service_get_collections(service);
    ksc_status status = KSC_OK;
    for (GList *each = collections; each != NULL; each = each->next) {
        if (secret_collection_get_locked(each->data)) status = KSC_LOCKED;
    }
    g_list_free_full(collections, g_object_unref);
    return status;
}

static ksc_status take_secret(ksc_call *job, SecretItem *item) {
    SecretValue *value = secret_item_get_secret(item);
    if (value == NULL) {
        GError *error = NULL;
        if (!secret_item_load_secret_sync(item, job->cancellable, &error)) {
            return failed(job, error);
        }
        value = secret_item_get_secret(item);
        if (value == NULL) return KSC_LOCKED;
    }
    gsize length = 0;
    const gchar *text = secret_value_get(value, &length);
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        job->secret = copy;
        job->secret_length = length;
    }
    secret_value_unref(value);
    return copy != NULL ? KSC_OK : KSC_NO_RESOURCES;
}

// Searches without unlocking, so that "locked" is told from "missing" before anything can prompt.
static ksc_status search(ksc_call *job, SecretService *service, GList **items) {
    GError *error = NULL;
    GHashTable *table = attributes(job);
    SecretSearchFlags flags = SECRET_SEARCH_ALL;
    if (job->operation == KSC_LOAD) flags |= SECRET_SEARCH_LOAD_SECRETS;
    *items =
        secret_service_search_sync(service, schema(), table, flags, job->cancellable, &error);
    g_hash_table_unref(table);
    return error != NULL ? failed(job, error) : KSC_OK;
}

static ksc_status load(ksc_call *job, SecretService *service) {
    GList *items = NULL;
    ksc_status status = search(job, service, &items);
    if (status == KSC_OK && items == NULL) {
        SecretCollection *collection = NULL;
        status = check_default(job, service, &collection);
        g_clear_object(&collection);
        if (status == KSC_OK) status = search(job, service, &items);
        if (status == KSC_OK && items == NULL) status = KSC_MISSING;
    }
    if (status == KSC_OK) {
        SecretItem *item = items->data;
        if (secret_item_get_locked(item)) status = unlock(job, service, item);
        if (status == KSC_OK) status = take_secret(job, item);
    }
    g_list_free_full(items, g_object_unref);
    return status;
}

static ksc_status store(ksc_call *job, SecretService *service) {
    SecretCollection *collection = NULL;
    ksc_status status = check_default(job, service, &collection);
    if (status == KSC_OK && collection == NULL && !job->may_prompt) {
        set_detail(job, "it has no default collection to keep a key in");
        status = KSC_REFUSED;
    }
    if (status != KSC_OK) {
        g_clear_object(&collection);
        return status;
    }
    GError *error = NULL;
    GHashTable *table = attributes(job);
    SecretValue *value = secret_value_new(job->line, -1, "text/plain");
    if (collection != NULL) {
        SecretItem *item = secret_item_create_sync(
            collection, schema(), table, job->label, value, SECRET_ITEM_CREATE_REPLACE,
            job->cancellable, &error);
        g_clear_object(&item);
    } else {
        // Makes the collection first, which asks the person for its password.
        secret_service_store_sync(
            service, schema(), table, SECRET_COLLECTION_DEFAULT, job->label, value,
            job->cancellable, &error);
    }
    secret_value_unref(value);
    g_hash_table_unref(table);
    g_clear_object(&collection);
    return error != NULL ? failed(job, error) : KSC_OK;
}

static ksc_status delete(ksc_call *job, SecretService *service) {
    GList *items = NULL;
    ksc_status status = search(job, service, &items);
    if (status == KSC_OK && items == NULL) status = KSC_MISSING;
    for (GList *each = items; status == KSC_OK && each != NULL; each = each->next) {
        GError *error = NULL;
        if (secret_item_get_locked(each->data)) {
            status = unlock(job, service, each->data);
            if (status != KSC_OK) break;
        }
        if (!secret_item_delete_sync(each->data, job->cancellable, &error)) {
            status = failed(job, error);
        }
    }
    g_list_free_full(items, g_object_unref);
    return status;
}

static ksc_status perform(ksc_call *job) {
    if (!bus_is_announced(job)) return KSC_NO_BUS;
    GError *error = NULL;
    // The connection is shared: were its making cancelled with this job, others that wait for it
    // would fail too.
    GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
    if (bus == NULL) {
        ksc_status status = failed(job, error);
        return status == KSC_TIMED_OUT ? status : KSC_NO_BUS;
    }
    // The shared connection ends the whole process with the bus unless it is told not to.
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    ksc_status status;
    SecretService *service = secret_service_open_sync(
        SECRET_TYPE_SERVICE, NULL, SECRET_SERVICE_NONE, job->cancellable, &error);
    if (service == NULL) {
        status = failed(job, error);
    } else {
        SecretCollection *collection = NULL;
        switch (job->operation) {
        case KSC_LOAD: status = load(job, service); break;
        case KSC_STORE: status = store(job, service); break;
        case KSC_DELETE: status = delete(job, service); break;
        default: status = check_default(job, service, &collection); break;
        }
        g_clear_object(&collection);
        if (job->operation == KSC_PROBE || status != KSC_OK) note_provider(job, bus);
        g_object_unref(service);
    }
    g_object_unref(bus);
    return status;
}

static void *work(void *argument) {
    ksc_call *job = argument;
    ksc_status status = perform(job);
    pthread_mutex_lock(&job->mutex);
    job->status = status;
    job->is_finished = true;
    pthread_cond_signal(&job->finished);
    pthread_mutex_unlock(&job->mutex);
    release(job);
    return NULL;
}

static void complete(ksc_call *job, bool is_finished, ksc_status status) {
    ksc_result result = {.status = status};
    if (is_finished) {
        result.secret = job->secret;
        result.secret_length = job->secret_length;
        result.provider = job->provider;
        result.detail = job->detail;
    }
    job->completion(job->context, &result);
}

static bool start_thread(void *(*body)(void *), ksc_call *job) {
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    g_atomic_int_inc(&job->references);
    bool is_started = pthread_create(&thread, &attributes, body, job) == 0;
    if (!is_started) release(job);
    pthread_attr_destroy(&attributes);
    return is_started;
}

static void *wait_for_work(void *argument) {
    ksc_call *job = argument;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += job->deadline_ms / 1000;
    deadline.tv_nsec += (job->deadline_ms % 1000) * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec += 1;
        deadline.tv_nsec -= 1000000000L;
    }
    if (!start_thread(work, job)) {
        complete(job, false, KSC_NO_RESOURCES);
        release(job);
        return NULL;
    }
    pthread_mutex_lock(&job->mutex);
    int waited = 0;
    while (!job->is_finished && !job->is_cancelled && waited == 0) {
        waited = pthread_cond_timedwait(&job->finished, &job->mutex, &deadline);
    }
    // Whoever was cancelled is told that, unless it has what it asked for.
    bool is_finished = job->is_finished && (job->status == KSC_OK || !job->is_cancelled);
    ksc_status status = is_finished         ? job->status
                        : job->is_cancelled ? KSC_CANCELLED
                                            : KSC_TIMED_OUT;
    pthread_mutex_unlock(&job->mutex);
    complete(job, is_finished, status);
    if (!is_finished) g_cancellable_cancel(job->cancellable);
    release(job);
    return NULL;
}

ksc_call *ksc_keyring_start(
    ksc_operation operation, const char *store_id, const char *key_id, const char *label,
    const char *line, size_t line_length, bool may_prompt, int deadline_ms,
    ksc_completion completion, void *context) {
    ksc_result nothing = {.status = KSC_NO_RESOURCES};
    ksc_call *job = calloc(1, sizeof *job);
    if (job == NULL) {
        completion(context, &nothing);
        return NULL;
    }
    job->references = 1;
    pthread_mutex_init(&job->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&job->finished, &monotonic);
    pthread_condattr_destroy(&monotonic);
    job->cancellable = g_cancellable_new();
    job->operation = operation;
    job->store_id = strdup(store_id);
    job->key_id = strdup(key_id);
    job->label = strdup(label);
    job->line = strndup(line != NULL ? line : "", line_length);
    job->may_prompt = may_prompt;
    job->deadline_ms = deadline_ms > 0 ? deadline_ms : 1;
    job->completion = completion;
    job->context = context;
    if (job->store_id == NULL || job->key_id == NULL || job->label == NULL || job->line == NULL ||
        !start_thread(wait_for_work, job)) {
        completion(context, &nothing);
        release(job);
        return NULL;
    }
    return job;
}

void ksc_keyring_cancel(ksc_call *call) {
    if (call == NULL) return;
    // The thread that waits gives the completion its answer and cancels the library's call.
    pthread_mutex_lock(&call->mutex);
    call->is_cancelled = true;
    pthread_cond_signal(&call->finished);
    pthread_mutex_unlock(&call->mutex);
}

void ksc_keyring_release(ksc_call *call) {
    if (call != NULL) release(call);
}
