/**
 * Names that are known to run code, reach out, or load more: they explain a finding and grade it. They decide nothing
 * alone, since a name that is not here is denied as well.
 *
 * Facts, gathered 2026-11-23 from the standard library's documentation, published advisories (GHSA) and the lists of
 * open scanners; a name stands for its module and all below it, or for one function.
 *
 * @module
 */

/** What they do -> modules with all below them. */
const MODULES: Readonly<Record<string, string>> = {
  "runs commands": `
    os posix nt subprocess _posixsubprocess commands popen2 pty pexpect pipes platform shutil multiprocessing
    concurrent _aix_support _osx_support _pyrepl pyrepl test.support test.libregrtest trace venv ensurepip pip distutils setuptools pkg_resources
    numpy.distutils numpy.f2py torch.utils.cpp_extension torch.utils.collect_env torch.utils.bottleneck paramiko fabric
    invoke sh plumbum webbrowser antigravity winreg _winapi`,
  "runs code": `
    code codeop bdb pdb cProfile profile timeit doctest idlelib lib2to3 compileall py_compile runpy unittest
    _interpreters _xxsubinterpreters rlcompleter sched atexit gc _testcapi numpy.testing torch._dynamo torch._inductor
    torch.jit torch.fx torch.compile torch.utils._config_module torch.utils.data.datapipes torch.package torch.library
    torch.ops torch.classes torch.distributed.rpc torch.distributed.elastic
    torch.distributed.run torch.distributed.launch torch.multiprocessing IPython ipykernel pandas.core.computation sympy
    jinja2 mako cloudpickle dill Cython numba numexpr mlflow.projects`,
  "reaches any attribute or module": `
    importlib imp pkgutil zipimport _frozen_importlib _frozen_importlib_external _imp operator _operator inspect pydoc
    sys types cffi ctypes _ctypes __builtins__`,
  "loads more code or data": `
    pickle _pickle cPickle marshal shelve joblib torch.hub numpy.lib.npyio numpy.ctypeslib dbm linecache fileinput
    skops.io`,
  "reaches the network": `
    socket _socket socketserver ssl _ssl http httplib urllib urllib2 urllib3 requests aiohttp httpx ftplib imaplib nntplib
    poplib smtplib telnetlib xmlrpc asyncio selectors select wsgiref cgi websocket websockets`,
  "reads or writes files": `
    tempfile glob filecmp difflib zipfile tarfile sqlite3 _sqlite3 mmap logging syslog pandas.io`,
  "steers the process": `signal _signal threading _thread site`,
};

/** Single names, by what they do. */
const NAMES: Readonly<Record<string, string>> = {
  "runs code": `
    builtins.eval builtins.exec builtins.execfile builtins.compile builtins.apply builtins.breakpoint builtins.map
    builtins.filter builtins.memoryview builtins.help builtins.input functools.reduce functools.singledispatch
    torch.compile pandas.eval
    torch._C._jit_pass_inline uuid._get_command_stdout torch.fx.experimental.symbolic_shapes.ShapeEnv`,
  "reaches any attribute or module": `
    builtins.getattr builtins.setattr builtins.delattr builtins.hasattr builtins.globals builtins.locals builtins.vars
    builtins.dir builtins.__import__ builtins.type builtins.super`,
  "loads more code or data": `
    torch.load torch.serialization.load torch.save torch.serialization.save numpy.load numpy.fromfile numpy.memmap
    numpy.loadtxt numpy.genfromtxt numpy.save pandas.read_pickle torch.from_file torch._load_global_deps`,
  "reads or writes files": `
    builtins.open builtins.file io.open io.open_code io.FileIO _io.open _io.open_code _io.FileIO codecs.open
    pathlib.Path.write_text pathlib.Path.write_bytes`,
  "ends the process": `builtins.exit builtins.quit _sitebuiltins.Quitter`,
};

/** Names in modules of the lists above that ordinary data holds: denied like any other, and no more than that. */
const ORDINARY: ReadonlySet<string> = new Set(
  words(`logging.getLogger logging.Logger logging.RootLogger threading.Thread types.MappingProxyType
    types.MethodType types.NoneType numpy.testing.assert_equal sympy.core.symbol.Symbol sympy.core.numbers.Integer
    types.GenericAlias types.UnionType types.EllipsisType inspect.Signature inspect.Parameter inspect._ParameterKind
    joblib.numpy_pickle.NDArrayWrapper joblib.numpy_pickle.ZNDArrayWrapper dill._dill._load_type dill._dill._create_array
    operator.itemgetter _operator.itemgetter`),
);

/** Functions of the language that iterators are pickled by. */
const ITERATORS: ReadonlySet<string> = new Set(words("iter reversed enumerate zip"));

/** Names that say what they do in whatever module they stand. */
const ANYWHERE: ReadonlyMap<string, string> = new Map([
  ...words("system popen execv execve execvp spawn spawnl spawnv check_output Popen").map(
    (name) => [name, "runs commands"] as const,
  ),
  ...words("eval exec execfile compile_command run_code runcode runstring").map((name) => [name, "runs code"] as const),
  ...words("__import__ import_module __builtins__ __globals__ __subclasses__ __getattribute__ __reduce_ex__").map(
    (name) => [name, "reaches any attribute or module"] as const,
  ),
]);

const BY_MODULE: ReadonlyMap<string, string> = new Map(entries(MODULES));
const BY_NAME: ReadonlyMap<string, string> = new Map(entries(NAMES));

/** Roots that are modules of the list: found as an attribute of another module they are that module. */
const ROOTS: ReadonlySet<string> = new Set(
  [...BY_MODULE.keys(), "builtins", "__builtin__"].filter(
    (name) => !name.includes(".") && !/^(?:code|trace|types)$/.test(name),
  ),
);

/**
 * What a global is known to do, or undefined.
 *
 * @example
 * ```ts
 * knownBad("os", "system"); // "runs commands"
 * knownBad("torch.serialization", "os.system"); // "runs commands": an attribute of another module
 * ```
 */
export function knownBad(module: string, name: string): string | undefined {
  const plain = module === "__builtin__" || module === "__builtins__" ? "builtins" : module;
  const path = `${plain}.${name}`;
  if (ORDINARY.has(path)) return undefined;
  const named = prefixOf(path, BY_NAME);
  if (named !== undefined) return named;
  // Types are allowed, and exceptions begin with a capital; what is left of the language are functions.
  if (plain === "builtins" && /^[a-z_]/.test(name) && !ITERATORS.has(name)) return "calls into the language itself";
  const below = prefixOf(plain, BY_MODULE) ?? prefixOf(path, BY_MODULE);
  if (below !== undefined) return below;
  for (const part of name.split(".")) {
    const anywhere = ANYWHERE.get(part);
    if (anywhere !== undefined) return anywhere;
    if (ROOTS.has(part)) return BY_MODULE.get(part) ?? "reaches any attribute or module";
  }
  return undefined;
}

/** The entry for the path or for something that it lies below. */
function prefixOf(path: string, table: ReadonlyMap<string, string>): string | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
    const found = table.get(path.slice(0, end));
    if (found !== undefined) return found;
  }
  return undefined;
}

function entries(groups: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(groups).flatMap(([what, list]) => words(list).map((name) => [name, what] as const));
}

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
