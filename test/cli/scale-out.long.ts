/**
 * The product on PostgreSQL and Redis, as one installs it for more than one machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { postgresMissing, startPostgres } from "../servers/postgres.ts";
import { redisMissing, startRedis } from "../servers/redis.ts";
import { emptyPlace, holdfast, startUp } from "./holdfast.ts";

test(
  "up, keys, posture and doctor on PostgreSQL and Redis",
  { skip: postgresMissing ?? redisMissing ?? false },
  async (context) => {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    context.after(() => Promise.all([postgres.stop(), redis.stop()]));
    const place = emptyPlace(context, {
      HOLDFAST_GATEWAY_LISTEN: "127.0.0.1:0",
      HOLDFAST_ADMIN_LISTEN: "127.0.0.1:0",
      HOLDFAST_STORAGE_URL: postgres.url("postgres"),
      HOLDFAST_COUNTERS_URL: redis.url,
    });
    const up = await startUp(context, place);
    assert.match(up.ready.firstKey?.key ?? "", /^hf_/);
    const models = await fetch(`${up.ready.gateway}/v1/models`, {
      headers: { authorization: `Bearer ${up.ready.firstKey?.key}` },
    });
    assert.notEqual(models.status, 401);

    const posture = await holdfast(place, "posture", "--check", "--format", "json");
    const { controls } = JSON.parse(posture.stdout) as {
      controls: { control: { id: string }; status: string; proofs: { latest?: { observed: string } }[] }[];
    };
    const proven = controls.filter(({ proofs }) => proofs.length > 0);
    for (const { control, status, proofs } of proven) {
      // Of models there is no evidence before there is one.
      assert.equal(
        status,
        ["M4", "M5", "M6", "M7", "M10"].includes(control.id) ? "no evidence" : "holds",
        `${control.id}: ${proofs[0]?.latest?.observed}`,
      );
    }
    const doctor = await holdfast(place, "doctor");
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(doctor.stdout, /postgres answers, \d+ migrations applied\n/);
    assert.match(doctor.stdout, /redis answers/);
    const stopped = await up.stop();
    assert.equal(stopped.code, 0, stopped.stderr);
    for (const { stdout, stderr } of [posture, doctor, stopped]) {
      assert.equal(`${stdout}${stderr}`.includes(postgres.password), false);
    }

    // A later start on the same database finds its keys.
    const again = await startUp(context, place);
    assert.equal(again.ready.firstKey, undefined);
    assert.equal((await again.stop()).code, 0);
  },
);
