/**
 * Operators of TensorFlow that do more than compute. All others compute, keep state, or are custom operators that a
 * process must load itself. What every SavedModel needs to save and restore itself is not among them.
 *
 * Source: tensorflow/core/ops (io_ops.cc, script_ops.cc, data ops, logging_ops.cc); names also in picklescan, modelscan
 * and modelaudit.
 *
 * @module
 */

/** What an operator does when the graph runs. */
export type OperatorEffect = "python" | "files" | "reads" | "network" | "process";

const BY_EFFECT: Readonly<Record<OperatorEffect, string>> = {
  python: "PyFunc PyFuncStateless EagerPyFunc PyCall",
  files: "ReadFile WriteFile MatchingFiles",
  reads:
    "TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 CSVDataset " +
    "CSVDatasetV2 SqlDataset LMDBDataset ExperimentalCSVDataset ExperimentalSqlDataset ExperimentalLMDBDataset " +
    "WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 TFRecordReader TFRecordReaderV2 " +
    "FixedLengthRecordReader FixedLengthRecordReaderV2 LMDBReader MatchingFilesDataset ExperimentalMatchingFilesDataset " +
    "LoadDataset LoadAndRemapMatrix Save SaveSlices SaveDataset SaveDatasetV2 SnapshotDataset SnapshotDatasetV2 " +
    "DistributedSave CreateSummaryFileWriter CreateSummaryDbWriter DatasetToTFRecord ExperimentalDatasetToTFRecord " +
    "ImmutableConst DebugIdentityV2 DebugIdentityV3",
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
