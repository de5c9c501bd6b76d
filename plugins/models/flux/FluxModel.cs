using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux;

/// <summary>FLUX.1-dev and FLUX.1-schnell: any folder that diffusers' <c>FluxPipeline</c> opens. Latents become tokens inside: states outside are [B, C, h, w].</summary>
public sealed class FluxModel : IFeatureModel, IFlowMapModel, IPlannedModel, IDisposable
{
    private const long BytesPerMegabyte = 1 << 20;

    // FluxPipeline's default_sample_size, and what it divides the scheduler's times by.
    private const int NativeLatents = 128;
    private const double PipelineTimes = 1000;
    private readonly string _name;
    private readonly FluxNetworks _networks;
    private readonly TextConditioner _text;
    private readonly EmbeddingCache _cache;
    private readonly PipelineFolder _folder;
    private readonly PipelineExport _export;
    private readonly ITrainable _trained;
    private readonly PictureGrid _grid;
    private readonly CancellationToken _stop;

    internal FluxModel(string name, PipelineFolder folder, FluxNetworks networks, TextConditioner text, EmbeddingCache cache, Action<Fault>? warn = null, CancellationToken stop = default)
    {
        (_name, _networks, _text, _cache, _folder, _stop) = (name, networks, text, cache, folder, stop);
        _export = new PipelineExport(folder, networks.Weights, new ExportCard(text.Length) { TakesGuidance = networks.Configs.Transformer.EmbedsGuidance }, warn, networks.Gap);
        _trained = PipelineWeights.Of(networks.Weights, networks.IsTrained, networks.Gap);
        Parameters = _trained.Parameters;
        _grid = networks.Configs.Grid;
        NativeSize = _grid.Square(NativeLatents);
        Scheduling = folder.Scheduling with { ImageTokens = _grid.Tokens(NativeSize) };
    }

    /// <summary>The networks, for tests.</summary>
    internal FluxNetworks Networks => _networks;

    /// <inheritdoc/>
    public ParameterSet Parameters { get; }

    /// <inheritdoc/>
    public GuidanceForm GuidanceForm => _networks.Configs.Transformer.EmbedsGuidance ? GuidanceForm.Embedded : GuidanceForm.None;

    /// <inheritdoc/>
    public IReadOnlyList<AdapterSite> Sites => _networks.Weights.Sites;

    /// <inheritdoc/>
    public FlowScheduling Scheduling { get; }

    /// <inheritdoc/>
    public ImageSize NativeSize { get; }

    /// <summary>Opens a model folder and reads all weights.</summary>
    public static Result<FluxModel> Load(FluxSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var types = PipelineTypes.Of(context.ComputeType, settings.TextDtype, settings.DecoderDtype);
        return from folder in PipelineFolder.Open(context.Resolve(settings.Folder), PipelineFamilies.Flux, context.Warn)
               from configs in FluxConfigs.Read(folder, context.Warn)
               from fits in configs.Grid.Check(context.Sizes)
               from homes in settings.Placement.In(context)
               from tokenizers in TextTokenizers.Load(folder, configs, settings.TextLength ?? configs.TextLength, context)
               from model in Load(folder, configs, tokenizers, context, (homes, types, settings.EmbeddingCache * BytesPerMegabyte, FewerBits.Of(settings.Quantization, settings.QuantizationCache, context), (settings.FlowMap, settings.FlowMapFrom)))
               select model;
    }

    /// <inheritdoc/>
    public Result<LatentSpace> Latents(ImageSize size) => _grid.Latents(size);

    /// <inheritdoc/>
    public bool IsFlowMap => _networks.Gap is not null;

    /// <inheritdoc/>
    public string? MapFile => Gap.File;

    private GapEmbedding Gap => _networks.Gap ?? throw new InvalidOperationException("the settings of this model ask for no flow map");

    /// <inheritdoc/>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>: guidance that the network does not take, or captions to lead away from.</exception>
    public Conditioning Encode(ConditioningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var scale = request.Guidance.Scale;
        var embeds = _networks.Configs.Transformer.EmbedsGuidance;
        if (!embeds && scale != 1) throw Unfit(FormattableString.Invariant($"the guidance scale is {scale}, but the model '{_name}' embeds none: it was distilled to draw without guidance and takes 1 alone"));
        if (request.Negatives is not null) throw Unfit($"there are captions to lead away from, but the model '{_name}' evaluates no negative branch");
        return new FluxConditioning(_cache.Of(request.Captions, _text.Encode), embeds ? scale : null);
    }

    /// <inheritdoc/>
    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        if (IsFlowMap) return MeanVelocity(latents, sigmas, sigmas, conditioning);
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(sigmas);
        using var scope = NewDisposeScope();
        return Unpacked(latents, Inputs(latents, Known(conditioning), sigmas)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor MeanVelocity(Tensor latents, IReadOnlyList<double> from, IReadOnlyList<double> to, Conditioning conditioning)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        return Unpacked(latents, Exactly(Inputs(latents, Known(conditioning), from), latents, from, Gap.Forward(SampleTimes.Gaps(from, to, latents)))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public int Blocks => _networks.Configs.Transformer.DoubleLayers + _networks.Configs.Transformer.SingleLayers;

    /// <inheritdoc/>
    public int FeatureWidth => (int)_networks.Configs.Transformer.Width;

    /// <inheritdoc/>
    public int CaptionWidth => _networks.Configs.Transformer.PooledWidth;

    /// <inheritdoc/>
    public Tensor Captions(Conditioning conditioning) => Known(conditioning).Captions.Pooled.detach().to(ScalarType.Float32);

    /// <inheritdoc/>
    public Result<string> FeatureContent() => _folder.ContentOf("transformer", _stop);

    /// <inheritdoc/>
    public IFeatures OpenFeatures(int blocks)
    {
        var gap = _networks.Gap is { } embedding ? new KeptGap(embedding) : null;
        return new PipelineFeatures(
            _networks.Weights.Keep(_networks.Transformer.WeightsOfHidden(blocks)),
            (latents, sigmas, conditioning) =>
            {
                _networks.Weights.RequireFiles();
                var inputs = Inputs(latents, Known(conditioning), sigmas);
                return _networks.Transformer.Hidden(gap is null ? inputs : Exactly(inputs, latents, sigmas, gap.Diagonal(latents)), blocks);
            },
            static conditioning => Known(conditioning).Captions,
            gap);
    }

    /// <inheritdoc/>
    public long TrainableNumbers => _networks.Weights.Numbers + (_networks.Gap?.Parameters.Sum(static parameter => parameter.Value.numel()) ?? 0);

    /// <inheritdoc/>
    public IReadOnlyList<PlacedWeights> Placed => _networks.Placed(_text.Homes);

    /// <inheritdoc/>
    public IReadOnlyList<WorkPiece> Work(ImageSize size, int samples)
    {
        var latents = Latents(size).Match(static space => space, static fault => throw new FaultException(fault)).Batch(samples);
        Tensor Numbers(params long[] shape) => randn(shape, dtype: ScalarType.Float32, device: _text.Device);
        var (config, scale) = (_networks.Configs.Transformer, GuidanceForm == GuidanceForm.Embedded ? 1 : (double?)null);
        return
        [
            .. _networks.Transformer.Work(() => Inputs(Numbers(latents), (Numbers(samples, _text.Length, config.ContextWidth), Numbers(samples, config.PooledWidth)), [0.5], scale), _networks.IsTrained),
            _networks.Autoencoder.Work(latents, _text.Device),
        ];
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor latents) => _networks.Autoencoder.Decode(latents);

    /// <inheritdoc/>
    public Tensor Encode(Tensor images) => _networks.Autoencoder.Encode(images);

    /// <inheritdoc/>
    public void Refresh() => _trained.Refresh();

    /// <inheritdoc/>
    public IDisposable Use(Policy policy) => _trained.Use(policy);

    /// <inheritdoc/>
    public IDisposable? UseReference() => _trained.UseReference();

    /// <inheritdoc/>
    public Result<long?> CheckExport(ExportRequest export) => _export.Check(export).Map(static bytes => (long?)bytes);

    /// <inheritdoc/>
    public Result<Unit> Export(ExportRequest export) => _export.Write(export);

    /// <inheritdoc/>
    public Result<Unit> WriteMap(string folder, IReadOnlyList<Tensor> values) => FlowMapFile.Write(Path.Combine(folder, IFlowMapModel.FileName), Gap, values);

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _networks.Dispose();
    }

    private static Result<FluxModel> Load(PipelineFolder folder, FluxConfigs configs, TextTokenizers tokenizers, PartContext context, (PipelineHomes Homes, PipelineTypes Types, long CacheBytes, FewerBits? FewerBits, (bool FlowMap, string? From) Map) options)
    {
        var networks = new FluxNetworks(configs, context.BlocksPerCheckpoint) { IsTrained = !context.IsFrozen };
        var loaded = networks.Load(folder, options.Homes, options.Types, options.FewerBits).Bind(_ => networks.OpenGap(folder, options.Map.FlowMap, options.Map.From, context));
        if (!loaded.IsOk) networks.Dispose();
        return loaded.Map(_ => new FluxModel(context.Name, folder, networks, new TextConditioner(networks, tokenizers, options.Homes), new EmbeddingCache(options.CacheBytes), context.Warn, context.Stop));
    }

    private static FluxConditioning Known(Conditioning conditioning) => conditioning as FluxConditioning ?? throw new ArgumentException("the conditioning was not made by this model", nameof(conditioning));

    private Tensor Unpacked(Tensor latents, FluxInputs inputs)
    {
        _networks.Weights.RequireFiles();
        return FluxTokens.Unpack(_networks.Transformer.Forward(inputs), latents.shape[2], latents.shape[3]);
    }

    // Times of jumps keep fp32 whatever the network computes in: bf16 would make them multiples of 0.004.
    private FluxInputs Exactly(FluxInputs inputs, Tensor latents, IReadOnlyList<double> sigmas, Tensor? gap) => inputs with
    {
        Sigma = FluxTime.OfPipeline(SampleTimes.Of(sigmas, latents, Level), ScalarType.Float32),
        HasExactTimes = true,
        Gap = gap,
    };

    private FluxInputs Inputs(Tensor latents, FluxConditioning known, IReadOnlyList<double> sigmas) => Inputs(latents, (known.Captions.Context, known.Captions.Pooled), sigmas, known.Guidance);

    private FluxInputs Inputs(Tensor latents, (Tensor Context, Tensor Pooled) captions, IReadOnlyList<double> sigmas, double? guidance) => new()
    {
        Tokens = FluxTokens.Pack(latents),
        Context = captions.Context,
        Pooled = captions.Pooled,
        Sigma = FluxTime.OfPipeline(SampleTimes.Of(sigmas, latents, Level), _networks.Type),
        Guidance = guidance is { } scale ? full([latents.shape[0]], scale, dtype: ScalarType.Float32, device: latents.device) : null,
        ImagePlaces = FluxTokens.ImagePlaces(latents.shape[2], latents.shape[3], latents.device),
        TextPlaces = FluxTokens.TextPlaces(captions.Context.shape[1], latents.device),
    };

    private static FaultException Unfit(string message) => new(new Fault.Composition(FaultCodes.SettingsDoNotFit, message));

    // The scheduler's times are T σ, T being its training table's length, and the pipeline divides by 1000 whatever T is.
    private float Level(float sigma) => sigma * (float)(Scheduling.TrainingSteps / PipelineTimes);
}
