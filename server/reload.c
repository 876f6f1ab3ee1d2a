/* reload.c: keys and certificate at once, models by the watcher. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "server/reload.h"

#include "server/log.h"
#include "server/notify.h"

static const struct {
    const char *what;
    enum lstm_status (*reload)(struct front *front, struct lstm_error *error);
} reloads[] = {{"keys", front_reload_keys}, {"certificate", front_reload_certificate}};

static void log_result(const char *what, enum lstm_status status, const struct lstm_error *error)
{
    if (status == LSTM_OK)
        log_info("reloaded", L_STR("what", what));
    else
        log_error("reload_failed", L_STR("what", what), L_STR("error", error->text));
}

static enum lstm_status scan(struct registry *registry, const char *model, struct lstm_error *error)
{
    (void)model;
    return registry_scan(registry, error);
}

/* A watcher that stops scans no more. */
static void submit(struct reload *reload)
{
    if (!model_watcher_submit(reload->watcher, &reload->task))
        log_info("reload_left_out", L_STR("what", "models"));
}

/* Who asked while a scan was under way gets another: that one may have passed by what is new. */
static void on_scanned(struct watcher_task *task)
{
    struct reload *reload = task->context;
    unsigned last = 1;
    log_result("models", task->status, &task->error);
    if (atomic_compare_exchange_strong(&reload->n_wanted, &last, 0)) {
        notify_try(NOTICE_READY);
        return;
    }
    atomic_store(&reload->n_wanted, 1);
    submit(reload);
}

void reload_init(struct reload *reload, struct front *front, struct model_watcher *watcher)
{
    *reload =
        (struct reload){.front = front,
                        .watcher = watcher,
                        .task = {.run = scan, .model = "", .done = on_scanned, .context = reload}};
    atomic_init(&reload->n_wanted, 0);
}

void reload_run(struct reload *reload)
{
    struct lstm_error error;
    notify_try(NOTICE_RELOADING);
    for (size_t k = 0; k < sizeof reloads / sizeof *reloads; k++)
        log_result(reloads[k].what, reloads[k].reload(reload->front, &error), &error);
    if (atomic_fetch_add(&reload->n_wanted, 1) == 0)
        submit(reload);
}
