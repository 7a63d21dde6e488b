/**
 * Names of Python objects in configurations: `module.Class` that a loader imports and calls because a file says so.
 *
 * @module
 */

/** Packages whose functions run code, start processes, or read, write and send files. By their first component. */
const DANGEROUS: ReadonlySet<string> = new Set(
  `
  os posix nt posixpath ntpath subprocess sys importlib imp runpy code codeop pty socket ctypes _ctypes shutil pickle
  _pickle dill cloudpickle joblib marshal types inspect operator _operator webbrowser pdb bdb timeit cProfile
  profile pip setuptools distutils ensurepip pkgutil pydoc asyncio multiprocessing threading _thread tempfile urllib
  http requests httpx aiohttp ftplib smtplib telnetlib xmlrpc platform commands popen2 sh fabric paramiko tarfile zipfile
  glob io _io codecs linecache fileinput signal resource gc atexit sched queue venv zipimport zipapp doctest
  unittest test idlelib lib2to3 turtledemo this antigravity trace traceback tracemalloc concurrent builtins __builtin__
  __builtins__ nturl2path site sitecustomize usercustomize sqlite3 dbm shelve IPython jupyter ansible docker kubernetes
  boto3 pexpect ptyprocess psutil
  `
    .trim()
    .split(/\s+/),
);

/** Modules of those that no other package has a part of the same name for: found inside of a path, they are meant. */
const DANGEROUS_INSIDE: ReadonlySet<string> = new Set(
  "os posix nt subprocess sys importlib runpy pty socket ctypes shutil pickle marshal builtins __builtins__".split(" "),
);

/** What of larger packages, that models do name, does so too. */
const DANGEROUS_NAMES =
  /^(?:torch\.(?:load|hub|jit\.load|utils\.cpp_extension|utils\.bottleneck|_dynamo|_inductor|serialization|ops\.load_library|classes\.load_library|distributed\.rpc)|numpy\.(?:load|fromfile|memmap|f2py|testing|distutils|ctypeslib|save|savez)|pandas\.(?:read_[a-z]+|eval)|tensorflow\.(?:io|py_function|numpy_function|raw_ops|load_library|load_op_library|keras\.utils\.get_file|keras\.models\.load_model)|transformers\.(?:dynamic_module_utils|utils\.hub|pipeline)|huggingface_hub|yaml\.(?:load|unsafe_load|full_load)|sklearn\.(?:datasets\.fetch|externals)|scipy\.(?:io|weave)|hydra\.utils|keras\.(?:utils\.get_file|saving|models\.load_model|config)|logging\.config)(?:\.|$)/;

/** Builtins that a configuration may name, since they only build values. */
const HARMLESS_BUILTINS: ReadonlySet<string> = new Set(
  "bool bytearray bytes complex dict float frozenset function int list map object range set slice str tuple type".split(
    " ",
  ),
);

/**
 * `dangerous`: what it names runs code, or reads and writes files, once it is called. `foreign`: it belongs to none of
 * the `known` packages. `known`: it does. A component that is private to Python (`__globals__`) is dangerous.
 *
 * @param path the full name: `nemo.collections.asr.models.EncDecCTCModel`
 * @param known first components of packages that the loader is of, or builds on
 */
export function judgeReference(path: string, known: ReadonlySet<string>): "dangerous" | "foreign" | "known" {
  const parts = path.trim().split(/[.:]/);
  const root = parts[0] ?? "";
  if (parts.some((part) => /^__.+__$/.test(part) && part !== "__main__")) return "dangerous";
  if (root === "builtins" && parts.length === 2 && HARMLESS_BUILTINS.has(parts[1] as string)) return "known";
  // A builtin without its module: `eval`.
  if (parts.length === 1 && /^(?:eval|exec|compile|open|getattr|setattr|input|breakpoint|vars|globals)$/.test(root)) {
    return "dangerous";
  }
  if (parts.slice(1).some((part) => DANGEROUS_INSIDE.has(part))) return "dangerous";
  if (DANGEROUS.has(root) || DANGEROUS_NAMES.test(path)) return "dangerous";
  return known.has(root) ? "known" : "foreign";
}
