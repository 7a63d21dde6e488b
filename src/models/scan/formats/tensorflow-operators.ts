/**
 * Operators of TensorFlow that do more than compute. All others compute, keep state, or are custom operators that a
 * process must load itself. What every SavedModel needs to save and restore itself is not among them.
 *
 * Source: tensorflow/core/ops (io_ops.cc, script_ops.cc, data ops, logging_ops.cc); names also in picklescan, modelscan
 * and modelaudit.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { RUNS_CODE, TOUCHES_FILES } from "./references.ts";

/** What to do about a graph that does more than compute. */
export const REMEDY = "do not use it: ask its author for a graph that only computes";

const RULES = {
  python: {
    id: "tensorflow.python-operator",
    severity: "critical",
    verdict: "malicious",
    why: "an operator of its graph calls Python code",
    remedy: REMEDY,
    references: [...RUNS_CODE],
  },
  files: {
    id: "tensorflow.file-operator",
    severity: "critical",
    verdict: "malicious",
    why: "an operator of its graph reads or writes any file of the machine when the model is used",
    remedy: REMEDY,
    references: [...TOUCHES_FILES],
  },
  process: {
    id: "tensorflow.process-operator",
    severity: "high",
    verdict: "malicious",
    why: "an operator of its graph acts on the process that uses the model",
    remedy: REMEDY,
    references: [...RUNS_CODE],
  },
  reads: {
    id: "tensorflow.data-operator",
    severity: "medium",
    verdict: "suspicious",
    why: "an operator of its graph opens files, which a model that only predicts has no need to",
    remedy: "look at which files it names before you use it",
    references: [...TOUCHES_FILES],
  },
  network: {
    id: "tensorflow.network-operator",
    severity: "high",
    verdict: "suspicious",
    why: "an operator of its graph talks to other machines",
    remedy: REMEDY,
    references: [...TOUCHES_FILES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const OPERATOR_RULES: readonly ScanRule[] = Object.values(RULES);

/** What an operator does when the graph runs. */
type OperatorEffect = keyof typeof RULES;

const BY_EFFECT: Readonly<Record<OperatorEffect, string>> = {
  python: "PyFunc PyFuncStateless EagerPyFunc PyCall DatasetFromGraph",
  files: "ReadFile WriteFile MatchingFiles",
  reads:
    "TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 CSVDataset " +
    "CSVDatasetV2 SqlDataset LMDBDataset ExperimentalCSVDataset ExperimentalSqlDataset ExperimentalLMDBDataset " +
    "WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 TFRecordReader TFRecordReaderV2 " +
    "FixedLengthRecordReader FixedLengthRecordReaderV2 LMDBReader MatchingFilesDataset ExperimentalMatchingFilesDataset " +
    "LoadDataset LoadAndRemapMatrix Save SaveSlices SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 " +
    "DistributedSave CreateSummaryFileWriter CreateSummaryDbWriter DatasetToTFRecord ExperimentalDatasetToTFRecord " +
    "ImmutableConst DebugIdentityV2 DebugIdentityV3 SnapshotDatasetReader SnapshotChunkDataset SnapshotNestedDatasetReader " +
    "FileSystemSetConfiguration DecodeProtoV2 EncodeProto",
  network:
    "RpcCall RpcClient RpcServer RpcServerStart RpcServerRegister DataServiceDataset DataServiceDatasetV2 " +
    "DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2 BigQueryReader",
  process: "Abort ShellExecute ExecuteOp SystemConfig",
};

const EFFECTS: ReadonlyMap<string, OperatorEffect> = new Map(
  (Object.keys(BY_EFFECT) as OperatorEffect[]).flatMap((effect) =>
    BY_EFFECT[effect].split(" ").map((name) => [name, effect] as const),
  ),
);

/** What `operator` does beside computing. Undefined for most. Names of a namespace (`Raw>PyFunc`) count by their last part. */
export function operatorEffect(operator: string): OperatorEffect | undefined {
  return EFFECTS.get(operator.slice(operator.lastIndexOf(">") + 1));
}

/** Reports what the node `name` does beside computing, by its operator. */
export function judgeOperator(operator: string, name: string, context: ScanContext, offset?: number): void {
  const effect = operatorEffect(operator);
  const at = offset === undefined ? {} : { offset };
  if (effect !== undefined) context.report(RULES[effect], { ...at, detail: `${operator} ${name}`.trim() });
}
