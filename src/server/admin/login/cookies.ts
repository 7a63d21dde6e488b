/**
 * The two cookies: of a session, and of a sign-in under way.
 *
 *     over https   __Host-: the browser takes them only with Secure, for this host alone and for all of its paths, so that
 *                  no neighbour under the same domain can put one there (RFC 6265bis section 4.1.3.2)
 *     session      SameSite=Strict: no other site's request carries it
 *     sign-in      SameSite=Lax: the issuer sends the browser back by a navigation from its own site
 *
 * Over plain http, which the configuration allows on loopback alone, browsers would refuse Secure: there is neither it nor
 * the prefix.
 *
 * @module
 */

interface Cookies {
  /** The text of a cookie in a `cookie` header. Two of one name say that somebody else put one there: then there is none. */
  read(header: string | undefined, which: Which): string | undefined;
  /** A `set-cookie` header. */
  write(which: Which, text: string, seconds: number): string;
  clear(which: Which): string;
}

type Which = "session" | "login";

/** Of the server at `url`. */
export function cookiesOf(url: string): Cookies {
  const secure = new URL(url).protocol === "https:";
  const names = { session: "holdfast-session", login: "holdfast-login" };
  const nameOf = (which: Which): string => (secure ? "__Host-" : "") + names[which];
  const write = (which: Which, text: string, seconds: number): string =>
    [
      `${nameOf(which)}=${text}`,
      "Path=/",
      `Max-Age=${seconds}`,
      "HttpOnly",
      `SameSite=${which === "session" ? "Strict" : "Lax"}`,
      ...(secure ? ["Secure"] : []),
    ].join("; ");
  return {
    read(header, which) {
      const start = `${nameOf(which)}=`;
      const found = (header ?? "")
        .split(";")
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(start));
      return found.length === 1 ? found[0]?.slice(start.length) : undefined;
    },
    write,
    clear: (which) => write(which, "", 0),
  };
}
