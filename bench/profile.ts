/** Where the CPU of a process goes: V8's samples, by function and by folder. */
import type { Profiler } from "node:inspector";
import { fileURLToPath } from "node:url";

export interface ProfileLine {
  readonly name: string;
  /** Path from the root of the project, package or Node's module. */
  readonly place: string;
  /** Of the CPU time that was sampled, 0 to 1. */
  readonly share: number;
}

export interface ProfileSummary {
  /** CPU time that was sampled; waiting is not in it. */
  readonly cpuMs: number;
  readonly garbageShare: number;
  /**
   * Largest first. What packages, Node and V8 do counts for the folder of ours that called them,
   * and for themselves where none did.
   */
  readonly folders: readonly { readonly folder: string; readonly share: number }[];
  readonly functions: readonly ProfileLine[];
}

const root = new URL("../", import.meta.url).href;

/** Own time of each function, without what it calls. */
export const summarize = (profile: Profiler.Profile): ProfileSummary => {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const callers = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  /** The nearest place of ours up the stack, or else the function's own. */
  const folderFor = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = callers.get(at)) {
      const folder = folderOf(placeOf(nodes.get(at)?.callFrame.url ?? ""));
      if (isOurs(folder)) return folder;
    }
    return folderOf(placeOf(nodes.get(id)?.callFrame.url ?? ""));
  };
  const folderOfNode = new Map(profile.nodes.map(({ id }) => [id, folderFor(id)]));
  const folders = new Map<string, number>();
  const lines = new Map<string, { name: string; place: string; micros: number }>();
  let total = 0;
  let garbage = 0;
  const { samples = [], timeDeltas = [] } = profile;
  for (const [index, id] of samples.entries()) {
    const frame = nodes.get(id)?.callFrame;
    const micros = timeDeltas[index] ?? 0;
    if (!frame || frame.functionName === "(idle)" || frame.functionName === "(root)") continue;
    total += micros;
    const isGarbage = frame.functionName === "(garbage collector)";
    if (isGarbage) garbage += micros;
    const folder = isGarbage ? "garbage collection" : (folderOfNode.get(id) ?? "v8");
    folders.set(folder, (folders.get(folder) ?? 0) + micros);
    const place = placeOf(frame.url);
    const key = `${frame.functionName} ${place} ${frame.lineNumber}`;
    const line = lines.get(key);
    if (line) line.micros += micros;
    else {
      const name =
        frame.functionName === "" ? `(line ${frame.lineNumber + 1})` : frame.functionName;
      lines.set(key, { name, place, micros });
    }
  }
  return {
    cpuMs: total / 1000,
    garbageShare: garbage / total,
    folders: [...folders]
      .map(([folder, micros]) => ({ folder, share: micros / total }))
      .sort((a, b) => b.share - a.share),
    functions: [...lines.values()]
      .map(({ micros, ...line }) => ({ ...line, share: micros / total }))
      .sort((a, b) => b.share - a.share),
  };
};

/** V8 leaves the place of its own parts empty. */
const placeOf = (url: string): string => {
  if (url === "") return "v8";
  if (url.startsWith(root)) return decodeURI(url.slice(root.length));
  return url.startsWith("file:") ? fileURLToPath(url) : url;
};

/** `streams/embedded/grpc/x.ts` is in `streams/embedded`, `node_modules/a/dist/b.js` in the package a. */
const folderOf = (place: string): string => {
  if (place.startsWith("node:")) return "node";
  const parts = place.split("/");
  if (parts[0] === "node_modules")
    return parts.slice(0, parts[1]?.startsWith("@") ? 3 : 2).join("/");
  return parts.length > 2 ? parts.slice(0, 2).join("/") : (parts[0] ?? place);
};

const isOurs = (folder: string): boolean =>
  folder !== "v8" && folder !== "node" && !folder.startsWith("node_modules/");

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;

export const profileText = (name: string, summary: ProfileSummary, most = 30): string => {
  const { cpuMs, garbageShare, folders, functions } = summary;
  const lines = [
    `${name}: ${cpuMs.toFixed(0)} ms of CPU sampled, garbage collection ${percent(garbageShare).trim()}`,
    ...folders.slice(0, 20).map(({ folder, share }) => `  ${percent(share)}  ${folder}`),
    "  own time by function:",
    ...functions
      .slice(0, most)
      .map(({ name: called, place, share }) => `  ${percent(share)}  ${called}  ${place}`),
  ];
  return `${lines.join("\n")}\n`;
};
