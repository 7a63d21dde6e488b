import assert from "node:assert/strict";
import { test } from "node:test";

import { secretsDetector } from "../secrets.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;

/** `rule secret` for each finding. */
function places(text: string): readonly string[] {
  return secretsDetector
    .detect(text, CONTEXT)
    .map(({ rule, location }) => `${rule.replace("secrets.", "")} ${text.slice(location.start, location.end)}`);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

test("commands, headers and files: the credentials alone are the secret", () => {
  const basic = base64("bob:hunter2222");
  const found: Readonly<Record<string, string>> = {
    "curl -u bob:7hK2pQx9 https://a.internal": "curl-user bob:7hK2pQx9",
    'curl https://a.internal --user "bob:7hK2 pQx9"': "curl-user bob:7hK2 pQx9",
    'curl -H "X-Api-Key: q7Zk2mVx9w" https://a.internal': "curl-header q7Zk2mVx9w",
    "curl -sS --header 'Authorization: Token q7Zk2mVx9w'": "curl-header q7Zk2mVx9w",
    "machine a.internal\n  login bob\n  password gh7Kq2xx": "netrc-password gh7Kq2xx",
    "//r.internal/:_authToken=q7Zk2mVx9w3LpT": "npmrc-credentials q7Zk2mVx9w3LpT",
    [`"auths": {"r.internal": {"auth": "${basic}"}}`]: `docker-auth ${basic}`,
    [`Authorization: Basic ${basic}`]: `basic-auth ${basic}`,
    '<add key="ClearTextPassword" value="q7Zk2 mVx9w" />': "nuget-password q7Zk2 mVx9w",
    "Server=h;Uid=sa;Pwd=Xk29!mmQ;": "connection-string-password Xk29!mmQ",
    "jdbc:postgresql://h/db?user=app&password=q7Zk2mVx9w": "connection-string-password q7Zk2mVx9w",
  };
  for (const [text, one] of Object.entries(found)) assert.deepEqual(places(text), [one], text);
});

test("variables, defaults and other commands are no credentials", () => {
  for (const text of [
    'curl -u "$USER:$PASS" https://a.internal',
    "curl -u user:password https://a.internal",
    'curl -H "X-Api-Key: $KEY" https://a.internal',
    "docker run -u 1000:1000 image",
    "machine learning: login page, password field",
    "//r.internal/:_authToken=${NPM_TOKEN}",
    '<add key="ClearTextPassword" value="%PASSWORD%" />',
    "Server=h;Uid=sa;Pwd=${PASSWORD};",
  ]) {
    assert.deepEqual(places(text), [], text);
  }
});

test("the data of a Kubernetes secret, whichever side its kind stands on; of nothing else", () => {
  const data = `data:\n  password: ${base64("q7Zk2mVx9w")}\n  user: ${base64("app")}\n`;
  const value = `${base64("q7Zk2mVx9w")}\n  user: ${base64("app")}\n`;
  assert.deepEqual(places(`kind: Secret\nmetadata:\n  name: x\n${data}type: Opaque\n`), [`kubernetes-secret ${value}`]);
  assert.deepEqual(places(`apiVersion: v1\n${data}kind: Secret\n`), [`kubernetes-secret-data ${value}`]);
  assert.deepEqual(places(`kind: ConfigMap\n${data}`), []);
  assert.deepEqual(places("kind: Secret\ndata:\n  password: {{ .Values.password }}\n"), []);
});

test("passwords and keys by their name, in configuration, code and sentences", () => {
  const found: Readonly<Record<string, string>> = {
    "DB_PASSWORD=Tr0ub4dor&3x": "generic-password Tr0ub4dor&3x",
    '{"password":"hunter22x"}': "generic-password hunter22x",
    "my password is Fluffy#2019x, please log in": "spoken-password Fluffy#2019x",
    "X-Api-Key: Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB": "generic-secret Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
    'get("api_token", "dafa7817-e246-48f3-91a7-e87653d587b8")':
      "generic-uuid-secret dafa7817-e246-48f3-91a7-e87653d587b8",
    "my datadog api key is 0f23a5b7c9d1e3f5a7b9c1d3e5f7a9b1": "datadog-key 0f23a5b7c9d1e3f5a7b9c1d3e5f7a9b1",
  };
  for (const [text, one] of Object.entries(found)) assert.deepEqual(places(text), [one], text);
});

test("what only speaks of passwords and keys is none", () => {
  for (const text of [
    "password = form.password.data1",
    "const token = tokens[i + 1];",
    '"password": "string", "token_type": "bearer"',
    "integrity sha512-oRlZ0aN2Zg5b6cTt2e9yQ0w5cDq3uJt8mB1n7pXvKzL4sWfYhE6rGdUaIjPiOxVkMbNcQ==",
    "password: ${{ secrets.DB_PASSWORD }}",
    "password: process.env.DB_PASSWORD2",
    "the password must have at least 8 characters and 1 digit; the password is case-sensitive",
    'await page.fill("#password", "password123");',
    "jobCredentialsId: 'f4aeb6bc-2a25-458a-8111-9be9e502c0e7'",
    'csrf_token: "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB"',
    "background: linear-gradient(45deg, #deadbeef, #a1b2c3d4)",
    "discord: https://discord.gg/abcdEF12",
    "ReactNativeCameraKit: f15a5a04b0f6dc6073e6db0296e6ef2d8b8d2522",
    "twitter: getPagesInSpace,searchUsersUsingCql",
  ]) {
    assert.deepEqual(places(text), [], text);
  }
});
