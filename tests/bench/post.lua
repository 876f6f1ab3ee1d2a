-- post.lua: wrk posts the file that BODY names, with the content type CT (default JSON).
-- SPDX-License-Identifier: Apache-2.0
local file = io.open(os.getenv("BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = os.getenv("CT") or "application/json"
