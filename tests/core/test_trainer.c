/* test_trainer.c: training as a whole: it learns, it is deterministic, and its results mean what
 * they say. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/toy_task.h"

Suite *suite_trainer(void);

static const char *const optimizers[] = {"{\"learning_rate\":0.02}",
                                         "{\"optimizer\":\"sgd\",\"learning_rate\":0.5}"};

START_TEST(test_training_learns_a_toy_task)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i / 2], optimizers[_i % 2]);
    assert_ok(lstm_trainer_evaluate(f.trainer, &f.examples, &f.result, &f.error), &f.error);
    double before = f.result.loss;
    for (int k = 0; k < 150; k++)
        toy_task_step(&f, f.trainer);
    ck_assert_uint_eq(f.result.step, 150);
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 150);
    assert_ok(lstm_trainer_evaluate(f.trainer, &f.examples, &f.result, &f.error), &f.error);
    ck_assert_double_lt(f.result.loss, before / 2);
    ck_assert_uint_ge(f.result.n_correct, TOY_EXAMPLES * 9 / 10);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_two_trainers_that_take_the_same_steps_have_the_same_bits)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i], NULL);
    struct lstm_trainer *twin = toy_task_trainer(&f);
    for (int k = 0; k < 5; k++) {
        toy_task_step(&f, f.trainer);
        double loss = f.result.loss;
        toy_task_step(&f, twin);
        ck_assert(loss == f.result.loss);
    }
    struct lstm_model *model = snapshot_trainer(twin);
    assert_trainer_holds(f.trainer, model);
    lstm_model_destroy(model);
    lstm_trainer_destroy(twin);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_step_is_gradients_followed_by_apply)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i], NULL);
    struct lstm_trainer *twin = toy_task_trainer(&f);
    for (int k = 0; k < 3; k++) {
        toy_task_step(&f, f.trainer);
        struct lstm_training_result whole = f.result;
        assert_ok(lstm_trainer_gradients(twin, &f.examples, &f.result, &f.error), &f.error);
        ck_assert_uint_eq(lstm_trainer_n_steps(twin), (uint64_t)k);
        assert_ok(lstm_trainer_apply(twin, &f.error), &f.error);
        ck_assert(whole.loss == f.result.loss);
        ck_assert(whole.gradient_norm == f.result.gradient_norm);
        ck_assert_uint_eq(whole.n_correct, f.result.n_correct);
        ck_assert_uint_eq(whole.step, (uint64_t)k + 1);
    }
    struct lstm_model *model = snapshot_trainer(twin);
    assert_trainer_holds(f.trainer, model);
    lstm_model_destroy(model);
    lstm_trainer_destroy(twin);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_evaluate_and_gradients_change_no_weight)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i], NULL);
    assert_ok(lstm_trainer_gradients(f.trainer, &f.examples, &f.result, &f.error), &f.error);
    ck_assert_double_gt(f.result.gradient_norm, 0);
    assert_ok(lstm_trainer_evaluate(f.trainer, &f.examples, &f.result, &f.error), &f.error);
    ck_assert_double_eq(f.result.gradient_norm, 0);
    ck_assert_uint_eq(f.result.step, 0);
    assert_trainer_holds(f.trainer, f.model);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_evaluate_gives_the_oracles_loss_and_the_runners_answers)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i], NULL);
    struct lstm_runner *runner = create_runner(f.model, TOY_EXAMPLES, 0);
    batch_run(&f.batch, runner, f.model);
    size_t n_correct = 0;
    for (size_t k = 0; k < TOY_EXAMPLES; k++) {
        const float *output = f.batch.sequences[k].output, *target = f.batch.targets + 2 * k;
        n_correct += (output[1] > output[0]) == (target[1] > target[0]);
    }
    assert_ok(lstm_trainer_evaluate(f.trainer, &f.examples, &f.result, &f.error), &f.error);
    ck_assert_uint_eq(f.result.n_correct, n_correct);
    ck_assert_double_eq_tol(
        f.result.loss, reference_loss(&f.network, LSTM_SOFTMAX_CROSS_ENTROPY, &f.examples), 1e-6);
    lstm_runner_destroy(runner);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_snapshot_does_not_change_with_later_steps)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[0], NULL);
    toy_task_step(&f, f.trainer);
    struct lstm_model *early = snapshot_trainer(f.trainer), *copy = snapshot_trainer(f.trainer);
    toy_task_step(&f, f.trainer);
    struct lstm_model *late = snapshot_trainer(f.trainer);
    assert_same_weights(early, copy);
    ck_assert_int_ne(memcmp(lstm_model_tensor(early, 0).data, lstm_model_tensor(late, 0).data,
                            10 * sizeof(float)),
                     0);
    ck_assert(lstm_model_same_architecture(early, f.model));
    lstm_trainer_destroy(f.trainer);
    f.trainer = NULL;
    assert_same_weights(early, copy);
    lstm_model_destroy(early);
    lstm_model_destroy(copy);
    lstm_model_destroy(late);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_trainer_does_not_need_its_model_any_longer)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[0], NULL);
    lstm_model_destroy(f.model);
    f.model = NULL;
    toy_task_step(&f, f.trainer);
    toy_task_release(&f);
}
END_TEST

/* A batch larger than any before, then smaller ones: scratch memory must fit them all. */
START_TEST(test_batches_of_changing_size_train_like_fresh_ones)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[_i], "{\"learning_rate\":0}");
    static const size_t sizes[] = {1, 32, 3, 17, 32, 2};
    for (int k = 0; k < N_CASES(sizes); k++) {
        struct lstm_training_result fresh;
        struct lstm_trainer *other = toy_task_trainer(&f);
        f.examples.n = sizes[k];
        assert_ok(lstm_trainer_evaluate(other, &f.examples, &fresh, &f.error), &f.error);
        assert_ok(lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error), &f.error);
        assert_ok(lstm_trainer_evaluate(f.trainer, &f.examples, &f.result, &f.error), &f.error);
        ck_assert(fresh.loss == f.result.loss);
        lstm_trainer_destroy(other);
    }
    toy_task_release(&f);
}
END_TEST

static void count(void *context)
{
    ++*(size_t *)context;
}

/* Of each recurrent layer: after each step, forward and backward, and after the gradients. */
START_TEST(test_step_gives_way_after_each_time_step_and_changes_no_bit_by_it)
{
    struct toy_task f;
    size_t n_times = 0, longest = 0;
    toy_task_init(&f, &toy_networks[_i], NULL);
    const struct lstm_trainer_options options = {.give_way = count, .context = &n_times};
    struct lstm_trainer *polite = NULL;
    assert_ok(lstm_trainer_create(f.model, &options, &polite, &f.error), &f.error);
    for (size_t i = 0; i < f.examples.n; i++)
        if (f.examples.sequences[i].steps > longest)
            longest = f.examples.sequences[i].steps;
    toy_task_step(&f, polite);
    ck_assert_uint_gt(n_times, 2 * longest);
    toy_task_step(&f, f.trainer);
    struct lstm_model *model = snapshot_trainer(polite);
    assert_trainer_holds(f.trainer, model);
    lstm_model_destroy(model);
    lstm_trainer_destroy(polite);
    toy_task_release(&f);
}
END_TEST

Suite *suite_trainer(void)
{
    Suite *suite = suite_create("trainer");
    TCase *learn = tcase_create("learn");
    int n = N_TOY_NETWORKS;
    suite_add_tcase(suite, learn);
    tcase_set_timeout(learn, 60);
    tcase_add_loop_test(learn, test_training_learns_a_toy_task, 0, 2 * n);
    tcase_add_loop_test(learn, test_two_trainers_that_take_the_same_steps_have_the_same_bits, 0, n);
    tcase_add_loop_test(learn, test_step_is_gradients_followed_by_apply, 0, n);
    tcase_add_loop_test(learn, test_step_gives_way_after_each_time_step_and_changes_no_bit_by_it, 0,
                        n);
    tcase_add_loop_test(learn, test_evaluate_and_gradients_change_no_weight, 0, n);
    tcase_add_loop_test(learn, test_evaluate_gives_the_oracles_loss_and_the_runners_answers, 0, n);
    tcase_add_test(learn, test_snapshot_does_not_change_with_later_steps);
    tcase_add_test(learn, test_trainer_does_not_need_its_model_any_longer);
    tcase_add_loop_test(learn, test_batches_of_changing_size_train_like_fresh_ones, 0, n);
    return suite;
}
