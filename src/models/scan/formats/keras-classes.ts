/**
 * Names of the classes that Keras itself brings: layers, initialisers, optimisers, losses, metrics and what older versions
 * called them. A class with another name is code that somebody must bring.
 *
 * Source: the public names of keras 3.15 (Apache-2.0), and those that tf.keras and Keras 1 and 2 had besides. What may run
 * code of its own (Lambda, TorchModuleWrapper, TFSMLayer, JaxLayer, FlaxLayer) is left out on purpose.
 *
 * @module
 */

export const KERAS_CLASSES: ReadonlySet<string> = new Set(
  `
  AUC AWQConfig AWQDTypePolicy AbsMaxQuantizer Accuracy Activation ActivityRegularization Adadelta Adafactor
  Adagrad Adam AdamW Adamax AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
  AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AddLoss AddMetric AdditiveAttention
  AlphaDropout AnonymousModel AtrousConvolution1D AtrousConvolution2D Attention AugMix AutoContrast Average
  AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
  BatchNormalizationV1 BatchNormalizationV2 Bidirectional BinaryAccuracy BinaryCrossentropy
  BinaryFocalCrossentropy BinaryIoU Bool CTC CategoricalAccuracy CategoricalCrossentropy
  CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge CategoryEncoding CenterCrop
  Circle ClassMethod Concatenate ConcordanceCorrelation Constant ConstantV2 Constraint
  ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
  Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
  Convolution2DTranspose Convolution3D Convolution3DTranspose CosineDecay CosineDecayRestarts CosineSimilarity
  Cropping1D Cropping2D Cropping3D CuDNNGRU CuDNNLSTM CutMix DTypePolicy DTypePolicyMap Deconvolution2D
  Deconvolution3D Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Dice Discretization Dot Dropout Dtype ELU
  EinsumDense Embedding Equalization ExponentialDecay F1Score FBetaScore FalseNegatives FalsePositives Flatten
  Float8QuantizationConfig FloatDTypePolicy Ftrl Functional GPTQConfig GPTQDTypePolicy GRU GRUCell GRUCellV2 GRUV2
  GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
  GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
  GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlorotNormal GlorotNormalV2 GlorotUniform
  GlorotUniformV2 Graph GroupNormalization GroupQueryAttention HashedCrossing Hashing HeNormal HeNormalV2
  HeUniform HeUniformV2 Highway Hinge Huber Identity IdentityInitializer IdentityV2 Initializer Input InputLayer
  InputSpec InstanceMethod InstanceProperty Int4DTypePolicy Int4QuantizationConfig Int8QuantizationConfig
  IntegerLookup IntegerLookupV1 InverseTimeDecay IoU KLD KLDivergence KerasTensor L1 L1L2 L2 LSTM LSTMCell
  LSTMCellV2 LSTMV2 Lamb Layer LayerNormalization LeakyReLU LearningRateSchedule LecunNormal LecunNormalV2
  LecunUniform LinearCosineDecay LinearModel Lion LocallyConnected1D LocallyConnected2D LogCosh LogCoshError Loss
  LossFunctionWrapper LossScaleOptimizer MAE MAPE MSE MSLE Masking MaxNorm MaxNumBoundingBoxes MaxPool1D MaxPool2D
  MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MaxoutDense Mean MeanAbsoluteError
  MeanAbsolutePercentageError MeanIoU MeanMetric MeanMetricWrapper MeanRelativeError MeanSquaredError
  MeanSquaredLogarithmicError MelSpectrogram Merge Metric MinMaxNorm Minimum MixUp Model ModelV2 ModuleWrapper
  MultiHeadAttention MultiOptimizer Multiply Muon Nadam NdarrayTypeSpec NoisyLinear NoisyLinearCosineDecay NonNeg
  NonTrainableVariable Normalization OneHotIoU OneHotMeanIoU Ones OnesV2 Optimizer OptimizerMap Orthogonal
  OrthogonalInitializer OrthogonalRegularizer PReLU PearsonCorrelation PeepholeLSTMCell Permute
  PiecewiseConstantDecay Pipeline Poisson Policy PolicyV1 Polynomial PolynomialDecay Precision PrecisionAtRecall
  QuantizationConfig QuantizedDTypePolicy QuantizedFloat8DTypePolicy Quantizer R2Score RMSNormalization RMSprop
  RNN RaggedTensorSpec RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
  RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomFourierFeatures RandomGaussianBlur
  RandomGrayscale RandomHeight RandomHue RandomInvert RandomNormal RandomNormalV2 RandomPerspective
  RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomUniform
  RandomWidth RandomZoom ReLU Recall RecallAtPrecision Reduction Regularizer RepeatVector Rescaling Reshape
  Resizing ReversibleEmbedding RootMeanSquaredError SGD STFT STFTInitializer STFTSpectrogram ScheduleFreeAdamW
  SeedGenerator SensitivityAtSpecificity SeparableConv1D SeparableConv2D SeparableConvolution1D
  SeparableConvolution2D SequenceFeatures Sequential SimpleRNN SimpleRNNCell SlicingOpLambda Softmax Solarization
  SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseEmbedding SparseTensorSpec
  SparseTopKCategoricalAccuracy SpatialDropout1D SpatialDropout2D SpatialDropout3D SpecificityAtSensitivity
  SpectralNormalization SquaredHinge StackedRNNCells StringLookup StringLookupV1 Subtract Sum SumOverBatchSize
  SumOverBatchSizeMetricWrapper SyncBatchNormalization TFOpLambda TensorFlowOpLayer TensorShape TensorSpec
  TextVectorization ThresholdedReLU TimeDistributed TimeDistributedDense TopKCategoricalAccuracy TrueNegatives
  TruePositives TruncatedNormal Tversky TypeSpec UnitNorm UnitNormalization UpSampling1D UpSampling2D UpSampling3D
  VarianceScaling VarianceScalingV2 WeightedSum WideDeepModel Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D
  Zeros ZerosV2
  `
    .trim()
    .split(/\s+/),
);
