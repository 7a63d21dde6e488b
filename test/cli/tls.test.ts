/** The whole product with TLS: its own proofs reach the gateway, and a renewed certificate reaches every worker. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";

import { testAuthority, type Pem, type TestAuthority } from "../identity/certificates.ts";
import { emptyPlace, holdfast, startUp } from "./holdfast.ts";

const authority = testAuthority();
const skip = authority === undefined ? "skipped: openssl is not installed" : false;

test(
  "two workers with TLS: controls are proven, and a renewed certificate is shown by both",
  { skip },
  async (context) => {
    const pairs = authority as TestAuthority;
    context.after(() => pairs.close());
    const place = emptyPlace(context);
    const write = ({ cert, key }: Pem): void => {
      writeFileSync(join(place.cwd, "tls.crt"), cert);
      writeFileSync(join(place.cwd, "tls.key"), key);
    };
    write(pairs.server);
    writeFileSync(
      join(place.cwd, "holdfast.yaml"),
      `gateway:
  listen: 127.0.0.1:0
  tls: {cert: {file: tls.crt}, key: {file: tls.key}}
  upstreams: [{name: tiny, protocol: openai, url: 'http://127.0.0.1:1/v1'}]
admin: {listen: 127.0.0.1:0}
`,
    );
    const up = await startUp(context, place, "--workers", "2");
    assert.match(up.ready.gateway, /^https:/);
    const port = Number(new URL(up.ready.gateway).port);

    const posture = await holdfast(place, "posture", "--check", "--format", "json");
    const { controls } = JSON.parse(posture.stdout) as {
      controls: { control: { id: string }; status: string; proofs: { latest?: { observed: string } }[] }[];
    };
    const found = new Map(controls.map(({ control, ...one }) => [control.id, one]));
    for (const id of ["R1", "R2", "R7", "R12"]) {
      const one = found.get(id);
      assert.equal(one?.status, "holds", `${id}: ${one?.proofs[0]?.latest?.observed}`);
    }

    /** Whose certificate it is does not matter here, only which. */
    const shown = async (): Promise<string> => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? "";
      socket.destroy();
      return fingerprint;
    };
    const before = await shown();
    const other = pairs.client("IP:127.0.0.1");
    write(other);
    const reloaded = await holdfast(place, "reload");
    assert.match(reloaded.stdout, /read again/, reloaded.stderr);
    const after = await Promise.all([1, 2, 3, 4, 5, 6].map(() => shown()));
    assert.ok(!after.includes(before), after.join(" "));
    write({ cert: pairs.server.cert, key: other.key });
    const refused = await holdfast(place, "reload");
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /do not fit together: the key is not the certificate's/);
    assert.deepEqual(await shown(), after[0]);
    assert.equal((await up.stop()).code, 0);
  },
);
