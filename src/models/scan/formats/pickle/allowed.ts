/**
 * The globals that a pickle may name. Everything else is denied: a name that is not here is suspicious, whatever it does.
 *
 * The list is what torch's `weights_only` loader and numpy's own pickles need, data types of the standard library, and
 * classes of which instances are made without running code that the file chooses.
 *
 * Names are facts, as of 2026-11-28: torch/_weights_only_unpickler.py; numpy/_core/multiarray.py, numpy/random/_pickle.py;
 * joblib/numpy_pickle.py; Lib/copyreg.py and Lib/pickle.py of CPython 3.14.
 *
 * @module
 */

/**
 * What may be done with a global: `call` it with arguments; make an `instance` of it without arguments that it acts
 * upon; hold it as a `value`, as dtypes and storage types are; call it with a global that is judged by itself, `apply`;
 * have its literal bytes scanned as a file, `nested`; call it with a constant alone, which is how pickles write the type of
 * `None`, `type-of`; call it with a class and a name, which is how older protocols write a method, `attribute`.
 */
export type Use = "call" | "instance" | "value" | "apply" | "nested" | "type-of" | "attribute";

/** Bytes of one number, by the storage type of torch that holds it. */
export const STORAGE_ITEM_BYTES: ReadonlyMap<string, number> = new Map([
  ...names(1, "UntypedStorage ByteStorage CharStorage BoolStorage QInt8Storage QUInt8Storage"),
  ...names(1, "QUInt4x2Storage QUInt2x4Storage"),
  ...names(2, "HalfStorage BFloat16Storage ShortStorage"),
  ...names(4, "FloatStorage IntStorage QInt32Storage"),
  ...names(8, "DoubleStorage LongStorage ComplexFloatStorage"),
  ...names(16, "ComplexDoubleStorage"),
]);

/** Modules in which torch's storage types are named. */
export const STORAGE_MODULES: readonly string[] = ["torch", "torch.cuda", "torch.storage", "torch.sparse"];

const CALLS = `
  collections OrderedDict Counter defaultdict deque
  builtins bool bytearray bytes complex dict float frozenset int list object range set slice str tuple
  _codecs encode
  datetime date datetime time timedelta timezone
  decimal Decimal
  fractions Fraction
  pathlib Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath
  pathlib._local Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath
  types SimpleNamespace
  _io BytesIO StringIO
  io BytesIO StringIO
  torch Size Tensor device
  torch.nn.parameter Parameter
  torch.serialization _get_layout
  torch._utils _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_tensor _rebuild_tensor_v2
  torch._utils _rebuild_tensor_v3 _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass
  torch._utils _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor _rebuild_sparse_csr_tensor
  torch._utils _rebuild_nested_tensor _rebuild_xla_tensor
  torch._C Generator
  torch.jit._pickle build_intlist build_tensorlist build_doublelist build_boollist build_tensor_from_id restore_type_tag
  numpy dtype ndarray
  numpy.core.multiarray _reconstruct scalar
  numpy._core.multiarray _reconstruct scalar
  numpy.core._internal _reconstruct
  numpy.core.numeric _frombuffer
  numpy._core.numeric _frombuffer
  numpy.random._pickle __randomstate_ctor __generator_ctor __bit_generator_ctor
  numpy.ma.core _mareconstruct
  numpy.random._mt19937 MT19937
  numpy.random._pcg64 PCG64 PCG64DXSM
  numpy.random._philox Philox
  numpy.random._sfc64 SFC64
  numpy.random.bit_generator __pyx_unpickle_SeedSequence
  sklearn.tree._tree Tree
  sklearn._loss._loss CyHalfSquaredError CyAbsoluteError CyPinballLoss CyHuberLoss CyHalfPoissonLoss CyHalfGammaLoss
  sklearn._loss._loss CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHalfBinomialLoss CyHalfMultinomialLoss CyExponentialLoss
  sklearn.linear_model._sgd_fast Hinge SquaredHinge Log ModifiedHuber SquaredLoss Huber EpsilonInsensitive SquaredEpsilonInsensitive
  sklearn._loss._loss ModifiedHuber Hinge SquaredHinge Huber EpsilonInsensitive SquaredEpsilonInsensitive
  pandas._libs.internals _unpickle_block
  pandas._libs.arrays __pyx_unpickle_NDArrayBacked
  pandas._libs.tslibs.nattype _nat_unpickle
  pandas._libs.tslibs.timestamps _unpickle_timestamp
  pandas._libs.tslibs.timedeltas _timedelta_unpickle
  pandas._libs.missing NAType
  torchvision.transforms.functional InterpolationMode
  torchvision.transforms._functional_tensor InterpolationMode
  transformers.trainer_utils IntervalStrategy SaveStrategy EvaluationStrategy SchedulerType HubStrategy FSDPOption
  transformers.training_args OptimizerNames ParallelMode
  transformers.debug_utils DebugOption
  accelerate.utils.dataclasses DistributedType DynamoBackend PrecisionType
  timm.layers.format Format
  tokenizers AddedToken
  zoneinfo ZoneInfo ZoneInfo._unpickle
  array array _array_reconstructor
  re _compile
  random Random
  logging getLogger
  ipaddress IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface
  collections UserDict UserList UserString
  UserDict UserDict IterableUserDict
  UserList UserList
  UserString UserString
  operator itemgetter
  statistics NormalDist
  string Template
  types GenericAlias
  numpy poly1d
  numpy.polynomial.polynomial Polynomial
  numpy.polynomial.chebyshev Chebyshev
  numpy.polynomial.legendre Legendre
  numpy.polynomial.laguerre Laguerre
  numpy.polynomial.hermite Hermite
  numpy.polynomial.hermite_e HermiteE
`;

const INSTANCES = `
  argparse Namespace
  collections ChainMap
  accelerate.state PartialState
  lightning.fabric.utilities.data AttributeDict
  lightning_fabric.utilities.data AttributeDict
  pytorch_lightning.utilities.parsing AttributeDict
  tokenizers Tokenizer
  tokenizers.models Model
  uuid UUID
  joblib.numpy_pickle NumpyArrayWrapper
  numpy.matrixlib.defmatrix matrix
  numpy matrix recarray
  numpy.char chararray
  numpy._core.defchararray chararray
  numpy.core.defchararray chararray
  numpy.random.bit_generator SeedSequence
`;

const VALUES = `
  torch bfloat16 bool cdouble cfloat chalf complex128 complex32 complex64 double float float16 float32 float64 float8_e4m3fn
  torch float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu half int int16 int32 int64 int8 long qint32 qint8 quint2x4 quint4x2
  torch quint8 short uint16 uint32 uint64 uint8 strided sparse_coo sparse_csr
  torch per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams
  torch ByteTensor CharTensor ShortTensor IntTensor LongTensor HalfTensor FloatTensor DoubleTensor BFloat16Tensor BoolTensor
  torch.nn.functional relu relu6 gelu silu mish elu selu leaky_relu sigmoid tanh softmax log_softmax softplus
  torch._C._nn gelu silu elu leaky_relu softplus
  torch relu sigmoid tanh softmax
  numpy bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64 complex128
  numpy clongdouble object_ bytes_ str_ void datetime64 timedelta64
  numpy absolute abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil cos cosh deg2rad divide exp exp2 expm1
  numpy array asarray
  scipy._lib.array_api_compat.numpy._aliases asarray
  numpy fabs floor hypot isfinite isinf isnan log log10 log1p log2 logaddexp maximum minimum multiply negative power rad2deg
  numpy reciprocal rint sign sin sinh sqrt square subtract tan tanh trunc all any argmax argmin average max mean median min
  numpy nanmax nanmean nanmedian nanmin nanstd nansum prod ptp std sum var
  numpy.core.records recarray record
  numpy._core.records recarray record
  numpy.rec recarray record
  numpy record
  numpy.ma MaskedArray
  pandas NA
  numpy.ma.core MaskedArray
  numpy.dtypes BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType
  numpy.dtypes Float16DType Float32DType Float64DType LongDoubleDType Complex64DType Complex128DType ObjectDType StrDType BytesDType
  typing Any
  builtins Ellipsis NotImplemented None
`;

const APPLIED = `
  copyreg _reconstructor __newobj__ __newobj_ex__
  functools partial
  pandas.core.indexes.base _new_Index
  pandas.core.indexes.datetimes _new_DatetimeIndex
  pandas.core.indexes.period _new_PeriodIndex
  dill._dill _create_array
  sklearn.neighbors._kd_tree newObj
  sklearn.neighbors._ball_tree newObj
  sklearn.metrics._dist_metrics newObj
  torch._tensor _rebuild_from_type_v2
`;

/** What Cython makes to unpickle its classes: `__new__` of the class that it is given, and its state. */
const CYTHON = /^sklearn(?:\.[a-z_][a-z0-9_]*)+\.__pyx_unpickle_\w+$/;

/**
 * Classes of libraries that are built by `__new__` and filled by `__setstate__`, without `__init__`. Held as instances
 * only: a call is suspicious. Whatever evaluates, imports or opens what its state says is left out, with its library where
 * that is large: statsmodels, whose models evaluate their formulas again.
 */
const INSTANCE_CLASSES: readonly RegExp[] = [
  /^torch\.(?:nn|ao\.nn|optim|distributions)(?:\.[a-z_][a-z0-9_]*)*\._?[A-Z]\w*$/,
  /^torch\.utils\.data\.(?:dataset|sampler)\.[A-Z]\w*$/,
  /^torchvision\.(?:models|ops|transforms)(?:\.[a-z_][a-z0-9_]*)*\._?[A-Z]\w*$/,
  /^timm\.(?:models|layers)(?:\.[a-z_][a-z0-9_]*)*\._?[A-Z]\w*$/,
  /^ultralytics\.nn(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*$/,
  /^transformers\.(?:activations|pytorch_utils|modeling_\w+|configuration_\w+|tokenization_\w+|training_args\w*|trainer_pt_utils|(?:models|generation|integrations)(?:\.[a-z_][a-z0-9_]*)+)\._?[A-Z]\w*$/,
  /^omegaconf\.(?:base|dictconfig|listconfig|nodes)\.[A-Z]\w*$/,
  /^sklearn(?!\.externals)(?:\.[a-z_][a-z0-9_]*)+\._?[A-Z]\w*$/,
  /^imblearn(?:\.[a-z_][a-z0-9_]*)+\.[A-Z]\w*$/,
  /^scipy\.(?:sparse|interpolate)\._\w+\.[A-Za-z]\w*$/,
  /^pandas\.(?:core\.(?:frame|series|indexes|internals|arrays|dtypes|flags)(?:\.[a-z_]+)*|arrays)\.[A-Z]\w*$/,
  /^pandas\.(?:DataFrame|Series|Categorical|\w*Index|Flags)$/,
  /^(?:xgboost\.(?:core|sklearn)|lightgbm\.(?:basic|sklearn)|catboost\.core)\.[A-Z]\w*$/,
  // Of TorchScript, which its own runtime resolves: Python knows no such module.
  /^__torch__(?:\.[A-Za-z_]\w*)+$/,
];

/** Classes that hold a few values, and are called with them. */
const CALLED_CLASSES: readonly RegExp[] = [
  /^pandas(?:\.core\.dtypes\.dtypes|\.core\.arrays\.\w+)?\.\w*Dtype$/,
  /^pandas\.(?:arrays|core\.arrays\.\w+)\.[A-Z]\w*Array$/,
  /^pandas\.core\.internals\.managers\.(?:Single)?BlockManager$/,
  /^pandas(?:\._libs\.interval)?\.(?:Interval|Period|Timestamp|Timedelta)$/,
  /^pandas\._libs\.tslibs\.(?:offsets\.[A-Z]\w*|period\._unpickle_period|period\.Period)$/,
];

/** Functions of libraries that compute, which models hold to call them when they are used. */
const FUNCTIONS: readonly RegExp[] = [
  /^sklearn\.(?:metrics|feature_selection|cluster)(?:\._\w+)+\.[a-z_]\w*$/,
  /^torch\.nn\.functional\.[a-z]\w*$/,
];

const TABLE: ReadonlyMap<string, Use> = new Map([
  ...table("call", CALLS),
  ...table("instance", INSTANCES),
  ...table("value", VALUES),
  ...table("apply", APPLIED),
  ["torch.storage._load_from_bytes", "nested"],
  ["builtins.type", "type-of"],
  ["builtins.getattr", "attribute"],
  ...STORAGE_MODULES.flatMap((module) =>
    [...STORAGE_ITEM_BYTES.keys(), "TypedStorage", "_LegacyStorage"].map(
      (name) => [`${module}.${name}`, "value"] as const,
    ),
  ),
]);

/** Names of Python 2, as the loader maps them. Source: Lib/_compat_pickle.py. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ["__builtin__", "builtins"],
  ["copy_reg", "copyreg"],
]);
const RENAMED_NAMES: ReadonlyMap<string, string> = new Map([
  ["builtins.xrange", "builtins.range"],
  ["builtins.unicode", "builtins.str"],
  ["builtins.long", "builtins.int"],
]);

/** What may be done with the global, or undefined: it is denied. */
export function allowedUse(module: string, name: string): Use | undefined {
  const path = `${RENAMED.get(module) ?? module}.${name}`;
  const use = TABLE.get(RENAMED_NAMES.get(path) ?? path);
  if (use !== undefined) return use;
  if (name.includes(".")) return undefined;
  const isOf = (patterns: readonly RegExp[]): boolean => patterns.some((pattern) => pattern.test(path));
  if (isOf(CALLED_CLASSES)) return "call";
  if (isOf(INSTANCE_CLASSES)) return "instance";
  if (CYTHON.test(path)) return "apply";
  return isOf(FUNCTIONS) ? "value" : undefined;
}

/** Types whose instances take items: `SETITEM` and `APPEND` belong to them. */
export const CONTAINERS: ReadonlySet<string> = new Set(
  ["OrderedDict", "Counter", "defaultdict", "deque"]
    .map((name) => `collections.${name}`)
    .concat(
      ["dict", "list", "set", "bytearray"].map((name) => `builtins.${name}`),
      ["dict", "list", "set", "bytearray"].map((name) => `__builtin__.${name}`),
    ),
);

function names(bytes: number, list: string): readonly (readonly [string, number])[] {
  return list.split(" ").map((name) => [name, bytes] as const);
}

/** Lines of a module and its names. */
function table(use: Use, lines: string): readonly (readonly [string, Use])[] {
  return lines
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [module, ...rest] = line.trim().split(/\s+/);
      return rest.map((name) => [`${module ?? ""}.${name}`, use] as const);
    });
}
