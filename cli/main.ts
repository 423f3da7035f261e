/** The `cnct` command's way in: before anything else is read, Node is told to keep what it compiles. */

import { keepCompiled } from "./compile-cache.ts";

keepCompiled();
const { runOwnCommand } = await import("./run-command.ts");
await runOwnCommand();
