// Writes src/gen from the repository's proto/ with buf and the plugin that npm installed here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const ours = join(root, ".venv/bin/buf");
const buf = existsSync(ours) ? ours : "buf";
const { status, error } = spawnSync(buf, ["generate"], { cwd: root, stdio: "inherit" });
if (error) {
  console.error(`buf could not be started (${error.message}). Run "make setup" first, or put buf on the PATH.`);
}
process.exit(status ?? 1);
