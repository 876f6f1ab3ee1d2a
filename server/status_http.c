/* status_http.c: the table, and the sentences of the beginning and the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/status_http.h"

int status_http(enum lstm_status status)
{
    static const int codes[] = {
        [LSTM_OK] = 200,        [LSTM_INVALID] = 400,    [LSTM_SHAPE] = 400,
        [LSTM_FORMAT] = 400,    [LSTM_NOT_FOUND] = 404,  [LSTM_IO] = 500,
        [LSTM_NO_MEMORY] = 500, [LSTM_NON_FINITE] = 500, [LSTM_UNSUPPORTED] = 400,
        [LSTM_NO_SPACE] = 507};
    return (size_t)status < sizeof codes / sizeof *codes ? codes[status] : 500;
}

enum handled respond_status(struct request *request, enum lstm_status status,
                            const struct lstm_error *error)
{
    return respond_error(request, status_http(status), "%s", error->text);
}

enum handled respond_starting(struct request *request)
{
    return respond_retry(request, "the server is starting; try again in %d second", RETRY_AFTER_S);
}

enum handled respond_stopping(struct request *request)
{
    return respond_retry(request, "the server is stopping; try another one");
}
