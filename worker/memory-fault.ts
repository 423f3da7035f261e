/** Telling that memory ran out from other faults: systems and runtimes only say it in words. */

/** What V8, Node, C++ and ONNX Runtime say in both builds, as exceptions or before they end. */
const words =
  /out of memory|bad_alloc|bad allocation|allocation failed|failed to allocate|fail(?:ed|ure) .{0,40}allocat|cannot allocate memory|could not allocate|cannot enlarge memory|Aborted\(OOM\)|ENOMEM|ERR_MEMORY_ALLOCATION_FAILED|Invalid array buffer length|Invalid typed array length/i;

/** Whether this text, of an exception or of a process that ended, says that there was no more memory. */
export const saysNoMemory = (text: string): boolean => words.test(text);
