/** Read, in all its forms: bounded and subscribed, one stream and everything. */

import { randomUUID } from "node:crypto";
import { EventStoreError } from "../../event-store.ts";
import { matcher } from "../filter.ts";
import type { Log } from "../log.ts";
import { readableRevisions } from "../read.ts";
import { decodeRecord, frameStart, recordEnd } from "../record.ts";
import type { EmbeddedStore } from "../store.ts";
import { caughtUp, checkpoint, confirmation, streamNotFound } from "./answers.ts";
import { type Call, CallError, statusCodes } from "./call.ts";
import { inner, type ReadFilter, type ReadRequest, readReadRequest } from "./requests.ts";

type Accept = (seq: number) => boolean;

/** Events of one stream that are fetched together. */
const pageEvents = 128;
/** Events copied into one write. */
const pieceEvents = 1_024;

export const read = async (store: EmbeddedStore, call: Call): Promise<void> => {
  const message = inner(await call.message(), 1);
  if (message === undefined)
    throw new CallError(statusCodes.invalidArgument, "a read has no options");
  const request = readReadRequest(message);
  const { stream, count } = request;
  if (stream === undefined)
    return count === undefined
      ? subscribeToAll(store.log, call, request)
      : readAll(store.log, call, request, count);
  if (stream === "") throw new CallError(statusCodes.invalidArgument, "a stream needs a name");
  return count === undefined
    ? subscribeToStream(store, call, stream, request)
    : readOneStream(store, call, stream, { ...request, count });
};

const acceptOf = (log: Log, filter: ReadFilter | undefined): Accept | undefined => {
  if (filter === undefined) return undefined;
  const { by, regex, prefixes } = filter;
  if (regex === undefined)
    return matcher(log.index, by, (name) => prefixes.some((prefix) => name.startsWith(prefix)));
  try {
    const expression = new RegExp(regex, "u");
    return matcher(log.index, by, (name) => expression.test(name));
  } catch {
    throw new CallError(statusCodes.invalidArgument, `not a regular expression: ${regex}`);
  }
};

/** The gRPC frames of accepted events, copied together; and the first event not looked at. */
const framesFrom = async (
  log: Log,
  seq: number,
  endSeq: number,
  accept: Accept | undefined,
): Promise<{ readonly frames: Buffer; readonly endSeq: number }> => {
  const { buffer, endSeq: end } = await log.block(seq, Math.min(endSeq, seq + pieceEvents));
  const frames = Buffer.allocUnsafe(buffer.length);
  let size = 0;
  let at = 0;
  for (let current = seq; current < end; current++) {
    const next = recordEnd(buffer, at);
    if (accept === undefined || accept(current)) {
      buffer.copy(frames, size, at + frameStart, next);
      size += next - at - frameStart;
    }
    at = next;
  }
  return { frames: frames.subarray(0, size), endSeq: end };
};

const seqFrom = (log: Log, from: number | "start" | "end"): number =>
  from === "start" ? 0 : from === "end" ? log.committed : log.seqAtOrAfter(wholePosition(from));

/** Positions above 2^53 arrive rounded, but no log reaches that far. */
const wholePosition = (from: number): bigint => BigInt(Math.min(from, Number.MAX_SAFE_INTEGER));

const readAll = async (
  log: Log,
  call: Call,
  request: ReadRequest,
  count: number,
): Promise<void> => {
  const accept = acceptOf(log, request.filter);
  const end = log.committed;
  let left = count;
  let at = seqFrom(log, request.from);
  if (request.backwards) {
    while (left > 0 && at > 0 && !call.isOver) {
      const seqs: number[] = [];
      for (; at > 0 && seqs.length < Math.min(left, pageEvents); at--)
        if (accept === undefined || accept(at - 1)) seqs.push(at - 1);
      left -= seqs.length;
      await call.send(await pick(log, seqs));
    }
    return;
  }
  while (left > 0 && at < end && !call.isOver) {
    if (accept !== undefined && !accept(at)) {
      at++;
      continue;
    }
    let wanted = at;
    for (let found = 0; wanted < end && wanted < at + pieceEvents && found < left; wanted++)
      if (accept === undefined || accept(wanted)) found++;
    const { frames, endSeq } = await framesFrom(log, at, wanted, accept);
    for (let seq = at; seq < endSeq; seq++) if (accept === undefined || accept(seq)) left--;
    at = endSeq;
    await call.send(frames);
  }
};

/** The frames of events that lie apart. */
const pick = async (log: Log, seqs: readonly number[]): Promise<Buffer> => {
  const blocks = await Promise.all(seqs.map((seq) => log.block(seq, seq + 1)));
  return Buffer.concat(blocks.map(({ buffer }) => buffer.subarray(frameStart)));
};

const tombstoned = (stream: string): CallError =>
  new CallError(statusCodes.failedPrecondition, `the stream ${stream} is tombstoned`, {
    exception: "stream-deleted",
    "stream-name": stream,
  });

/** Sends the readable events among these; returns how many that were. */
const sendPage = async (
  log: Log,
  call: Call,
  seqs: readonly number[],
  oldest: number | undefined,
): Promise<number> => {
  if (oldest === undefined) {
    await call.send(await pick(log, seqs));
    return seqs.length;
  }
  const blocks = await Promise.all(seqs.map((seq) => log.block(seq, seq + 1)));
  const young = blocks.filter(({ buffer }) => decodeRecord(buffer, 0).recordedAt >= oldest);
  await call.send(Buffer.concat(young.map(({ buffer }) => buffer.subarray(frameStart))));
  return young.length;
};

const readOneStream = async (
  store: EmbeddedStore,
  call: Call,
  name: string,
  request: ReadRequest & { readonly count: number },
): Promise<void> => {
  const { log } = store;
  const stream = log.index.findStream(name);
  if (stream !== undefined && log.index.isTombstoned(stream)) throw tombstoned(name);
  const range = stream === undefined ? undefined : readableRevisions(log, stream);
  if (stream === undefined || range === undefined || range.to < 0 || range.from === Infinity)
    return call.send(streamNotFound(name));
  const { from, backwards } = request;
  const oldest = range.maxAgeMs === undefined ? undefined : store.now() - range.maxAgeMs;
  const step = backwards ? -1 : 1;
  let left = request.count;
  let at = from === "start" ? 0 : from === "end" ? (backwards ? range.to : range.to + 1) : from;
  at = backwards ? Math.min(at, range.to) : Math.max(at, range.from);
  while (left > 0 && at >= range.from && at <= range.to && !call.isOver) {
    const seqs: number[] = [];
    for (
      const page = Math.min(left, pageEvents);
      seqs.length < page && at >= range.from && at <= range.to;
      at += step
    )
      seqs.push(log.index.seqOf(stream, at) as number);
    left -= await sendPage(log, call, seqs, oldest);
  }
};

/** Sleeps until the next commit, or until the call is over. */
const nextCommit = async (log: Log, call: Call, isNews: () => boolean): Promise<void> => {
  if (isNews() || call.isOver) return;
  if (log.isClosed) throw new EventStoreError("unavailable", "the event store was closed");
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    const stops = [log.onCommit(done), call.onOver(done)];
  });
};

const subscribeToAll = async (log: Log, call: Call, request: ReadRequest): Promise<void> => {
  const { filter, from } = request;
  const accept = acceptOf(log, filter);
  const window = filter?.window ?? Number.POSITIVE_INFINITY;
  let next =
    typeof from === "number" ? log.seqAtOrAfter(wholePosition(from) + 1n) : seqFrom(log, from);
  let lookedAt = 0;
  let isLive = false;
  await call.send(confirmation(randomUUID()));
  while (!call.isOver) {
    while (next < log.committed && !call.isOver) {
      const end = Math.min(log.committed, next + window - lookedAt);
      const first = next;
      while (next < end && accept !== undefined && !accept(next)) next++;
      if (next < end) {
        const { frames, endSeq } = await framesFrom(log, next, end, accept);
        next = endSeq;
        await call.send(frames);
      }
      lookedAt += next - first;
      if (lookedAt >= window) {
        await call.send(checkpoint(log.position(next - 1)));
        lookedAt = 0;
      }
    }
    if (!isLive) {
      isLive = true;
      if (filter !== undefined && next > 0) await call.send(checkpoint(log.position(next - 1)));
      await call.send(caughtUp());
    }
    await nextCommit(log, call, () => next < log.committed);
  }
};

const subscribeToStream = async (
  store: EmbeddedStore,
  call: Call,
  name: string,
  request: ReadRequest,
): Promise<void> => {
  const { log } = store;
  const stream = log.index.streamId(name);
  if (log.index.isTombstoned(stream)) throw tombstoned(name);
  const { from } = request;
  let next =
    from === "start" ? 0 : from === "end" ? log.lastCommittedRevision(stream) + 1 : from + 1;
  let isLive = false;
  const isNews = (): boolean => next <= log.lastCommittedRevision(stream);
  await call.send(confirmation(randomUUID()));
  while (!call.isOver) {
    while (isNews() && !call.isOver) {
      const { from: first, to, maxAgeMs } = readableRevisions(log, stream);
      next = Math.max(next, Math.min(first, to + 1));
      const seqs: number[] = [];
      for (; next <= to && seqs.length < pageEvents; next++)
        seqs.push(log.index.seqOf(stream, next) as number);
      await sendPage(log, call, seqs, maxAgeMs === undefined ? undefined : store.now() - maxAgeMs);
    }
    if (log.index.isTombstoned(stream)) throw tombstoned(name);
    if (!isLive) {
      isLive = true;
      await call.send(caughtUp());
    }
    await nextCommit(log, call, isNews);
  }
};
