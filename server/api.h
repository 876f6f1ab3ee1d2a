/* api.h: the handlers that the route table names. SPDX-License-Identifier: Apache-2.0 */
#ifndef API_H
#define API_H

#include "server/request.h"

/* api_health.c */
enum handled handle_live(struct app *app, struct request *request);
enum handled handle_ready(struct app *app, struct request *request);
enum handled handle_metrics(struct app *app, struct request *request);

/* api_models.c */
enum handled handle_models_list(struct app *app, struct request *request);
enum handled handle_model_status(struct app *app, struct request *request);
enum handled handle_model_metadata(struct app *app, struct request *request);

/* api_admin.c */
enum handled handle_model_load(struct app *app, struct request *request);
enum handled handle_model_unload(struct app *app, struct request *request);

/* api_openapi.c */
enum handled handle_openapi(struct app *app, struct request *request);

/* api_predict.c */
enum handled handle_predict(struct app *app, struct request *request);

/* api_state.c */
enum handled handle_state(struct app *app, struct request *request);

/* api_sessions.c */
enum handled handle_session_begin(struct app *app, struct request *request);
enum handled handle_session_list(struct app *app, struct request *request);
enum handled handle_session_info(struct app *app, struct request *request);
enum handled handle_session_move(struct app *app, struct request *request);
enum handled handle_session_end(struct app *app, struct request *request);
enum handled handle_session_fork(struct app *app, struct request *request);

/* api_session_state.c */
enum handled handle_session_state_read(struct app *app, struct request *request);
enum handled handle_session_state_write(struct app *app, struct request *request);

/* api_session_run.c */
enum handled handle_session_predict(struct app *app, struct request *request);
enum handled handle_session_inspect(struct app *app, struct request *request);

/* api_web.c */
enum handled handle_web_page(struct app *app, struct request *request);
enum handled handle_web_file(struct app *app, struct request *request);

/* api_train.c */
enum handled handle_train_step(struct app *app, struct request *request);
enum handled handle_evaluate(struct app *app, struct request *request);

/* api_training.c */
enum handled handle_training(struct app *app, struct request *request);
enum handled handle_training_change(struct app *app, struct request *request);
enum handled handle_publish(struct app *app, struct request *request);
enum handled handle_reset(struct app *app, struct request *request);

#endif
