-- post.lua: wrk posts the file that BODY names, with the content type CT (default JSON), and rests
-- for PAUSE_MS (default 0) between an answer and the next request of a connection.
-- SPDX-License-Identifier: Apache-2.0
local file = io.open(os.getenv("BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = os.getenv("CT") or "application/json"
local pause = tonumber(os.getenv("PAUSE_MS") or "0")
if pause > 0 then
   function delay() return pause end
end
