/** What audits say something about: a node may be right in one program and wrong in another. */

/**
 * The runtime of a result: its app and the engine with its version, such as `ocr ort-node@1.30.0`.
 *
 * @param executionClass - Such as `ort-node@1.30.0/cpu/x64-avx2/1t/all`.
 */
export const runtimeOf = (app: string, executionClass: string): string =>
  `${app} ${executionClass.split("/", 1)[0]}`;
