-- Reads the plan of load-generator.mjs and prints its result in the same format. Arguments: plan file, and a number
-- that is unique per run, so that its prompts are new.
local texts, number = {}, 0
local path, prefix, suffix, numbered, resources

local function newRequest()
  number = number + 1
  local text = #texts > 0 and texts[number % #texts + 1] or ""
  if numbered then
    text = string.format("%.0f %s", number, text)
  end
  local target = path
  if resources > 0 then
    target = path:gsub("{resource}", string.format("%d", number % resources), 1)
  end
  return wrk.format("POST", target, nil, prefix .. text .. suffix)
end

function init(args)
  local lines = {}
  for line in io.lines(args[1]) do
    lines[#lines + 1] = line
  end
  path, prefix, suffix, numbered = lines[4], lines[6], lines[7], lines[8] == "numbered"
  resources = tonumber(lines[9])
  for index = 10, #lines do
    texts[#texts + 1] = lines[index]
  end
  -- Above the requests of a run and not a multiple of any number of texts, so that each run starts with another text.
  number = tonumber(args[2]) * 10012345
  wrk.headers["api-key"] = lines[5]
  wrk.headers["Content-Type"] = "application/json"
  if #texts > 0 or resources > 0 then
    request = newRequest
  else
    -- Without a request function, wrk prepares the bytes once.
    wrk.method, wrk.path, wrk.body = "POST", path, prefix .. suffix
  end
end

function done(summary)
  local errors = summary.errors
  io.write(
    string.format(
      '{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d}\n',
      summary.requests,
      summary.duration / 1000000,
      errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
    )
  )
end
