/* privileges.c: groups, group, user, in the order that the kernel allows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"

enum lstm_status privileges_drop(const char *user, struct lstm_error *error)
{
    errno = 0;
    /* Only the main thread runs yet, so that getpwnam()'s static result is safe. */
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "cannot become user \"%.60s\": %s", user,
                         errno != 0 ? strerror(errno) : "there is no such user");
    const uid_t uid = entry->pw_uid;
    const gid_t gid = entry->pw_gid;
    if (uid == getuid() && uid == geteuid())
        return LSTM_OK;
    if (geteuid() != 0)
        return lstm_fail(error, LSTM_IO, "cannot become user \"%.60s\": only root can", user);
    if (initgroups(user, gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        return lstm_fail(error, LSTM_IO, "cannot become user \"%.60s\": %s", user, strerror(errno));
    if (uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
        return lstm_fail(error, LSTM_IO, "became user \"%.60s\", but could become root again",
                         user);
    return LSTM_OK;
}
