/** Media types, as a job accepts them and a server names them. */

/** `text/html` or, for all of one kind, `text/*`; lower case. */
const patternForm = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,63})$/;

export const isMediaPattern = (text: string): boolean => patternForm.test(text);

/** The type without its parameters, in lower case; undefined when there is none or it is malformed. */
export const mediaTypeIn = (contentType: string | undefined): string | undefined => {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  return patternForm.test(type) && !type.endsWith("*") ? type : undefined;
};

export const accepts = (patterns: readonly string[], mediaType: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith("/*") ? mediaType.startsWith(pattern.slice(0, -1)) : pattern === mediaType,
  );

export const isJsonType = (mediaType: string): boolean =>
  mediaType === "application/json" || mediaType.endsWith("+json");
