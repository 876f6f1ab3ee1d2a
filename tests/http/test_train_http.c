/* test_train_http.c: the example network trained through HTTP alone. SPDX-License-Identifier:
 * Apache-2.0
 *
 * On the sample of MNIST; TRAIN_HTTP_DATA names a folder with the whole, of which 10,000 images
 * are taken then (`make train-http`). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/commands.h"
#include "server/json_numbers.h"
#include "server/mnist_data.h"
#include "server/train_config.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/golden_training.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_http(void);

enum { BATCH = 50, EPOCHS = 6, SEED = 1, PIXELS = 784 };

#define E "/v1/models/example"

static const char model_path[] = "models/mnist-example.json";

static struct train_daemon *const d = &learner_daemon;
static char trained[256]; /* what `lstmd train` writes to */
static struct train_config config;
static struct mnist_data data;
static struct mnist_batch batch;
static size_t *order;

static void start(void)
{
    const char *whole = getenv("TRAIN_HTTP_DATA");
    struct lstm_error error;
    size_t n;
    train_site_create(&d->site);
    temp_folder_path(&d->site.root, "trained", trained);
    config = (struct train_config){.data = whole != NULL ? whole : "tests/data/mnist",
                                   .out = trained,
                                   .epochs = EPOCHS,
                                   .batch_size = BATCH,
                                   .validation_size = whole != NULL ? 5000 : 50,
                                   .limit = whole != NULL ? 10000 : 0,
                                   .seed = SEED};
    char *json = temp_file_read(model_path, &n);
    model_store_add(d->site.models, "example", "1", json, SEED);
    struct lstm_model *model = create_model(json, SEED);
    assert_ok(mnist_load(config.data, (size_t)config.validation_size, (size_t)config.limit, &data,
                         &error),
              &error);
    assert_ok(mnist_batch_init(&batch, &data, lstm_model_info(model), BATCH, &error), &error);
    order = calloc(data.train.n, sizeof *order);
    ck_assert_ptr_nonnull(order);
    lstm_model_destroy(model);
    free(json);
    train_daemon_start_sync("interval");
}

static void stop(void)
{
    train_daemon_stop();
    free(order);
    mnist_batch_release(&batch);
    mnist_release(&data);
    train_site_remove(&d->site);
}

/* As `lstmd train` does, in a process of its own, whose output is not for this one's. */
static void train_by_command(void)
{
    int status;
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char path[sizeof model_path];
        memcpy(path, model_path, sizeof path);
        char *arguments[] = {path, NULL};
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        _exit(cmd_train(&config, 1, arguments));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* ---- A batch in each form of body ----------------------------------------------------------- */

static void ask(const struct client_request *request)
{
    client_answer_release(&d->answer);
    client_ask(&d->client, request, &d->answer);
    assert_answer_status(200);
}

static void send_json(const size_t *images)
{
    struct buf body;
    buf_init(&body, SIZE_MAX);
    buf_text(&body, "{\"instances\":[");
    for (size_t i = 0; i < BATCH; i++) {
        buf_text(&body, i > 0 ? "," : "");
        json_append_numbers(&body, batch.inputs + i * PIXELS, PIXELS);
    }
    buf_text(&body, "],\"labels\":[");
    for (size_t i = 0; i < BATCH; i++)
        buf_printf(&body, "%s%d", i > 0 ? "," : "", data.train.labels[images[i]]);
    buf_text(&body, "]}");
    ck_assert(!body.failed);
    train_post(E ":train-step", body.data);
    assert_answer_status(200);
    buf_release(&body);
}

static void send_raw(const size_t *images, const char *dtype, const void *pixels, size_t n)
{
    char path[512];
    int end = snprintf(path, sizeof path, E ":train-step?dtype=%s&labels=", dtype);
    for (size_t i = 0; i < BATCH; i++)
        end += snprintf(path + end, sizeof path - (size_t)end, "%s%d", i > 0 ? "," : "",
                        data.train.labels[images[i]]);
    ck_assert_int_lt(end, sizeof path);
    const struct client_request request = {
        .path = path, .content_type = "application/octet-stream", .body = pixels, .body_bytes = n};
    ask(&request);
}

static void send_bytes(const size_t *images)
{
    static uint8_t pixels[BATCH * PIXELS];
    for (size_t i = 0; i < BATCH; i++)
        memcpy(pixels + i * PIXELS, data.train.images + images[i] * PIXELS, PIXELS);
    send_raw(images, "uint8", pixels, sizeof pixels);
}

static void send_floats(const size_t *images)
{
    send_raw(images, "float32", batch.inputs, BATCH * PIXELS * sizeof *batch.inputs);
}

static void (*const forms[])(const size_t *images) = {send_json, send_bytes, send_floats};

/* ---- The tests ------------------------------------------------------------------------------ */

START_TEST(test_train_through_http_gives_the_bits_of_the_command)
{
    char paths[2][300];
    size_t n[2], step = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        mnist_shuffle(order, data.train.n, SEED, epoch);
        for (size_t first = 0; first + BATCH <= data.train.n; first += BATCH) {
            mnist_batch_pick(&batch, &data.train, order + first, BATCH, NULL);
            forms[step % 3](order + first);
            assert_answer_number("step", (double)++step);
        }
    }
    train_post(E ":publish", "");
    assert_answer_status(200);
    train_by_command();
    snprintf(paths[0], sizeof paths[0], "%s/example/2/weights.safetensors", d->site.models);
    snprintf(paths[1], sizeof paths[1], "%s/1/weights.safetensors", trained);
    char *got = temp_file_read(paths[0], &n[0]), *want = temp_file_read(paths[1], &n[1]);
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_msg(memcmp(got, want, n[0]) == 0, "the weights differ");
    free(got);
    free(want);
}
END_TEST

static void put_golden_batch(struct buf *body, const json_t *golden,
                             const struct golden_training *this_case)
{
    enum { STEP = GOLDEN_EMBED, ROW = GOLDEN_TIME * STEP };
    float x[GOLDEN_BATCH * ROW], targets[GOLDEN_BATCH * GOLDEN_CLASSES];
    golden_floats(golden, "x", x, GOLDEN_BATCH * ROW);
    golden_floats(golden, "labels_one_hot", targets, GOLDEN_BATCH * GOLDEN_CLASSES);
    buf_text(body, "{\"instances\":[");
    for (size_t b = 0; b < GOLDEN_BATCH; b++) {
        buf_text(body, b > 0 ? ",[" : "[");
        for (size_t t = 0; t < this_case->lengths[b]; t++) {
            buf_text(body, t > 0 ? "," : "");
            json_append_numbers(body, x + b * ROW + t * STEP, STEP);
        }
        buf_text(body, "]");
    }
    buf_text(body, "],\"labels\":[");
    for (size_t b = 0; b < GOLDEN_BATCH; b++) {
        buf_text(body, b > 0 ? "," : "");
        json_append_numbers(body, targets + b * GOLDEN_CLASSES, GOLDEN_CLASSES);
    }
    buf_text(body, "]}");
    ck_assert(!body->failed);
}

START_TEST(test_train_through_http_gives_the_losses_of_tensorflow)
{
    const struct golden_training *this_case = &golden_trainings[_i];
    json_t *golden = golden_load("train_golden.json");
    struct lstm_model *model = golden_training_model(golden, this_case);
    struct buf body;
    buf_init(&body, SIZE_MAX);
    put_golden_batch(&body, golden, this_case);
    model_store_save(d->site.models, "golden", "1", model);
    train_post("/v1/models/golden:load", "");
    assert_answer_status(200);
    for (size_t step = 0; step < GOLDEN_STEPS; step++) {
        char key[128];
        snprintf(key, sizeof key, "cases/%s/steps/%zu/loss", this_case->name, step);
        train_post("/v1/models/golden:train-step", body.data);
        assert_answer_status(200);
        ck_assert_double_eq_tol(answer_number("loss"), golden_number(golden, key), 1e-6);
    }
    buf_release(&body);
    lstm_model_destroy(model);
    json_decref(golden);
}
END_TEST

Suite *suite_train_http(void)
{
    Suite *suite = suite_create("train_http");
    TCase *tcase = tcase_create("train_http");
    tcase_set_timeout(tcase, 600);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_train_through_http_gives_the_bits_of_the_command);
    tcase_add_loop_test(tcase, test_train_through_http_gives_the_losses_of_tensorflow, 0,
                        N_GOLDEN_TRAININGS);
    suite_add_tcase(suite, tcase);
    return suite;
}
