#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# One command to a control socket: qmp.py SOCKET COMMAND ARGUMENTS [WORDS]. Prints the answer; with WORDS, exit 1 when the answer lacks them. Used by mdev.sh and vnc/vnc.sh.
import json, socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect(sys.argv[1])
lines = client.makefile("rw")
lines.readline()
for command, arguments in (("qmp_capabilities", {}), (sys.argv[2], json.loads(sys.argv[3]))):
    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    lines.flush()
    answer = json.loads(lines.readline())
    while "event" in answer:
        answer = json.loads(lines.readline())
print(json.dumps(answer))
sys.exit(len(sys.argv) > 4 and sys.argv[4] not in json.dumps(answer))
