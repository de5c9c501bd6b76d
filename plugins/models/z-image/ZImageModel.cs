using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.ZImage;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage;

/// <summary>
/// Z-Image and Z-Image-Turbo: any folder that diffusers' <c>ZImagePipeline</c> opens. Its network is given the time 1 − σ and gives data − noise: minus the velocity. Guidance counts as elsewhere, 1 is none;
/// the pipeline's <c>guidance_scale</c> is one less.
/// </summary>
public sealed class ZImageModel : IFeatureModel, IFlowMapModel, IPlannedModel, IDisposable
{
    private const long BytesPerMegabyte = 1 << 20;

    // What the pipeline draws unless it is told, where the network has places for so many tokens, and what it divides the scheduler's times by.
    private const int NativeLatents = 128;
    private const float PipelineTimes = 1000;
    private readonly ZImageNetworks _networks;
    private readonly TextConditioner _text;
    private readonly EmbeddingCache _cache;
    private readonly PipelineFolder _folder;
    private readonly PipelineExport _export;
    private readonly ITrainable _trained;
    private readonly PictureGrid _grid;
    private readonly CancellationToken _stop;

    internal ZImageModel(PipelineFolder folder, ZImageNetworks networks, TextConditioner text, EmbeddingCache cache, Action<Fault>? warn = null, CancellationToken stop = default)
    {
        (_networks, _text, _cache, _folder, _stop) = (networks, text, cache, folder, stop);
        _export = new PipelineExport(folder, networks.Weights, new ExportCard(text.Length) { TakesGuidance = true }, warn, networks.Gap);
        _trained = PipelineWeights.Of(networks.Weights, networks.IsTrained, networks.Gap);
        Parameters = _trained.Parameters;
        _grid = networks.Configs.Grid;
        NativeSize = _grid.Square(Math.Min(NativeLatents, _grid.LargestEdge!.Value * _grid.PatchSize));
        Scheduling = folder.Scheduling with { ImageTokens = _grid.Tokens(NativeSize) };
    }

    /// <summary>The networks, for tests.</summary>
    internal ZImageNetworks Networks => _networks;

    /// <inheritdoc/>
    public ParameterSet Parameters { get; }

    /// <inheritdoc/>
    public GuidanceForm GuidanceForm => GuidanceForm.Branches;

    /// <inheritdoc/>
    public IReadOnlyList<AdapterSite> Sites => _networks.Weights.Sites;

    /// <inheritdoc/>
    public FlowScheduling Scheduling { get; }

    /// <inheritdoc/>
    public ImageSize NativeSize { get; }

    /// <summary>Opens a model folder and reads all weights.</summary>
    public static Result<ZImageModel> Load(ZImageSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var types = PipelineTypes.Of(context.ComputeType, settings.TextDtype, settings.DecoderDtype);
        return from folder in PipelineFolder.Open(context.Resolve(settings.Folder), PipelineFamilies.ZImage, context.Warn)
               from configs in ZImageConfigs.Read(folder, context.Warn)
               from fits in configs.Grid.Check(context.Sizes)
               from homes in settings.Placement.In(context)
               from length in configs.TextLength(settings.TextLength, folder)
               from tokenizer in TextConditioner.Open(folder, configs, length, context)
               from model in Load(folder, configs, tokenizer, context, (homes, types, settings.EmbeddingCache * BytesPerMegabyte, FewerBits.Of(settings.Quantization, settings.QuantizationCache, context), (settings.FlowMap, settings.FlowMapFrom)))
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
    public Conditioning Encode(ConditioningRequest request) => BranchedConditioning.Of(request, captions => _cache.Of(captions, _text.Encode));

    /// <inheritdoc/>
    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        if (IsFlowMap) return MeanVelocity(latents, sigmas, sigmas, conditioning);
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(sigmas);
        return Guided(latents, sigmas, Known(conditioning), null);
    }

    /// <inheritdoc/>
    public Tensor MeanVelocity(Tensor latents, IReadOnlyList<double> from, IReadOnlyList<double> to, Conditioning conditioning)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        return Guided(latents, from, Known(conditioning), Gap.Forward(SampleTimes.Gaps(from, to, latents))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public int Blocks => _networks.Configs.Transformer.Layers;

    /// <inheritdoc/>
    public int FeatureWidth => _networks.Configs.Transformer.Width;

    /// <inheritdoc/>
    public int CaptionWidth => _networks.Configs.Transformer.CaptionWidth;

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
                return _networks.Transformer.Hidden(Inputs(latents, Known(conditioning).Captions, sigmas, gap?.Diagonal(latents)), blocks);
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
        // As long as captions may be: how long they are is not known before they come.
        var (config, rows) = (_networks.Configs.Transformer, _text.Length);
        Tensor Numbers(params long[] shape) => randn(shape, dtype: ScalarType.Float32, device: _text.Device);
        ZImageInputs Like() => new() { Latents = Numbers(latents), Context = Numbers(samples, rows, config.CaptionWidth), Lengths = [.. Enumerable.Repeat(rows, samples)], Time = full(samples, 0.5, dtype: ScalarType.Float32, device: _text.Device) };
        return [.. _networks.Transformer.Work(Like, _networks.IsTrained), _networks.Autoencoder.Work(latents, _text.Device)];
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

    private static Result<ZImageModel> Load(PipelineFolder folder, ZImageConfigs configs, ChatTokenizer tokenizer, PartContext context, (PipelineHomes Homes, PipelineTypes Types, long CacheBytes, FewerBits? FewerBits, (bool FlowMap, string? From) Map) options)
    {
        var networks = new ZImageNetworks(configs, context.BlocksPerCheckpoint) { IsTrained = !context.IsFrozen };
        var loaded = networks.Load(folder, options.Homes, options.Types, options.FewerBits).Bind(_ => networks.OpenGap(folder, options.Map.FlowMap, options.Map.From, context));
        if (!loaded.IsOk) networks.Dispose();
        return loaded.Map(_ => new ZImageModel(folder, networks, new TextConditioner(networks, tokenizer.Ids, tokenizer.Length, options.Homes), new EmbeddingCache(options.CacheBytes), context.Warn, context.Stop));
    }

    private static BranchedConditioning Known(Conditioning conditioning) => conditioning as BranchedConditioning ?? throw new ArgumentException("the conditioning was not made by this model", nameof(conditioning));

    private Tensor Guided(Tensor latents, IReadOnlyList<double> sigmas, BranchedConditioning known, Tensor? gap)
    {
        _networks.Weights.RequireFiles();
        return known.Guide(latents, (text, state) =>
        {
            using var scope = NewDisposeScope();
            return _networks.Transformer.Forward(Inputs(state, text, sigmas, gap)).neg().MoveToOuterDisposeScope();
        });
    }

    // The scheduler's times are T σ, T being its training table's length; the pipeline takes them from 1000 and divides by 1000 whatever T is, in fp32 whatever it computes in.
    private ZImageInputs Inputs(Tensor latents, TextEmbedding captions, IReadOnlyList<double> sigmas, Tensor? gap) => new()
    {
        Latents = latents,
        Context = captions.Context,
        Lengths = captions.Lengths!,
        Time = SampleTimes.Of(sigmas, latents, sigma => (PipelineTimes - (sigma * Scheduling.TrainingSteps)) / PipelineTimes),
        Gap = gap,
    };
}
